"""What a server's reply means: the words first, then its enhanced status code, then its reply code."""

import re
from functools import lru_cache
from typing import Protocol

from digest.model import DeliveryState
from digest.replies.codes import CODES, STATUSES
from digest.replies.kinds import CONSEQUENCES, ReplyKind
from digest.replies.rules import WORDS

_STATUS = re.compile(r"(?<![\d.])[45]\.\d{1,3}\.\d{1,3}(?![\d.])")
_IN_ANOTHER_REPLY = re.compile(r"^[45]\.\d\.\d - [a-z ]+ ([45]\d\d)-'(.*)'")
"""IronPort's form; what it says before the server's own words is a guess ("5.1.0 - Unknown address error 550-'…'")."""
_LINK = re.compile(r"\b(?:https?://|www\.)\S+")
_TELLING_LINK = re.compile(r"[?&]p=(\w+)|(spamhaus|spamcop|sorbs|barracuda|ipcheck|csi\.cloudmark)")
"""Gmail names the reason in its links (`?p=NoSuchUser`); blocklists say theirs nowhere else."""
_ADDRESS = re.compile(r"[^\s<>\"'()\[\],;:]+@[^\s<>\"'()\[\],;:]+")
_NO_WORDS = re.compile(r"[<>]|(?<!\d)[245]\d\d[- ](?=[245]\.\d)|\s+")


class Answered(Protocol):
    """A message that a server has answered to, whoever tells of it: a transport, or a bounce."""

    @property
    def state(self) -> DeliveryState:
        """What became of it: SENT, DEFERRED, FAILED or UNCERTAIN."""
        ...  # pragma: no cover

    @property
    def code(self) -> int | None:
        """The SMTP reply code, where a server spoke."""
        ...  # pragma: no cover

    @property
    def reply(self) -> str:
        """The server's words in one line, the enhanced status code (RFC 3463) among them."""
        ...  # pragma: no cover

    @property
    def is_before_recipient(self) -> bool:
        """Whether the server answered so before it knew whom the message is for: to its greeting, to MAIL FROM."""
        ...  # pragma: no cover


def classify(message: Answered) -> ReplyKind:
    """What became of a message, from the server's reply.

    A kind that takes an address off the list is given only for a final reply (5xx) to its recipient, or to the message.
    What is not known to have been delivered or not is `temporary`, as it is nobody's fault.

    >>> from functools import partial
    >>> from types import SimpleNamespace
    >>> Message = partial(SimpleNamespace, state=DeliveryState.FAILED, code=550, is_before_recipient=False)
    >>> classify(Message(reply="5.1.1 <kim@example.com>: User unknown"))
    <ReplyKind.RECIPIENT_UNKNOWN: 'recipient_unknown'>
    >>> classify(Message(reply="5.1.1 <news@example.com>: User unknown", is_before_recipient=True))
    <ReplyKind.RELAY_DENIED: 'relay_denied'>
    >>> classify(Message(reply="5.7.1 Message rejected as spam"))
    <ReplyKind.SPAM: 'spam'>
    """
    kind = _judge(message)
    is_about_recipient = CONSEQUENCES[kind].suppress or kind is ReplyKind.PERMANENT_UNKNOWN
    return ReplyKind.RELAY_DENIED if is_about_recipient and message.is_before_recipient else kind


def _judge(message: Answered) -> ReplyKind:
    if message.state is DeliveryState.SENT:
        return ReplyKind.DELIVERED
    if message.state is DeliveryState.UNCERTAIN:
        return ReplyKind.TEMPORARY
    reply, code = message.reply.lower(), str(message.code or "")
    if found := _IN_ANOTHER_REPLY.match(reply):
        code, reply = found.groups()
    status = _find_status(reply)
    code = code or (status[:1] if message.state is DeliveryState.FAILED else "4")
    return _judge_words(_plain(reply), code, status) or _judge_codes(code, status) or _judge_state(message.state)


@lru_cache(maxsize=2_000)  # a server that refuses says the same to thousands
def _judge_words(words: str, code: str, status: str) -> ReplyKind | None:
    for rule in WORDS:
        if code.startswith(rule.code) and rule.status in ("", status) and rule.words.search(words):
            return rule.kind
    return None


def _judge_codes(code: str, status: str) -> ReplyKind | None:
    if not status.startswith(code[:1]):  # a code and a status that contradict each other say nothing
        status = ""
    for rule in STATUSES:
        if rule.statuses.fullmatch(status):
            return rule.kind
    return CODES.get(int(code or 0))


def _judge_state(state: DeliveryState) -> ReplyKind:
    is_final = state is DeliveryState.FAILED
    return ReplyKind.PERMANENT_UNKNOWN if is_final else ReplyKind.TEMPORARY


def _find_status(reply: str) -> str:
    found = _STATUS.search(reply)
    return found[0] if found else ""


def _plain(reply: str) -> str:
    """The words alone: no address and no link, but what a link names as the reason."""
    words = _LINK.sub(lambda link: " ".join(part for found in _TELLING_LINK.findall(link[0]) for part in found), reply)
    words = _STATUS.sub(" ", _ADDRESS.sub(" ", words))
    return " ".join(_NO_WORDS.sub(" ", words).split()).lstrip(" .:,-")
