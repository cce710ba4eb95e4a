"""What a server's reply means: the words first, then its enhanced status code, then its reply code."""

import re
from functools import lru_cache

from digest.deliver.reply_codes import CODES, STATUSES
from digest.deliver.reply_kinds import CONSEQUENCES, Consequence, ReplyKind
from digest.deliver.reply_rules import WORDS
from digest.deliver.transport import Outcome
from digest.model import DeliveryState

__all__ = ["CONSEQUENCES", "Consequence", "ReplyKind", "classify"]

_STATUS = re.compile(r"(?<![\d.])[45]\.\d{1,3}\.\d{1,3}(?![\d.])")
_IN_ANOTHER_REPLY = re.compile(r"^[45]\.\d\.\d - [a-z ]+ ([45]\d\d)-'(.*)'")
"""IronPort's form; what it says before the server's own words is a guess ("5.1.0 - Unknown address error 550-'…'")."""
_LINK = re.compile(r"\b(?:https?://|www\.)\S+")
_TELLING_LINK = re.compile(r"[?&]p=(\w+)|(spamhaus|spamcop|sorbs|barracuda|ipcheck|csi\.cloudmark)")
"""Gmail names the reason in its links (`?p=NoSuchUser`); blocklists say theirs nowhere else."""
_ADDRESS = re.compile(r"[^\s<>\"'()\[\],;:]+@[^\s<>\"'()\[\],;:]+")
_NO_WORDS = re.compile(r"[<>]|(?<!\d)[245]\d\d[- ](?=[245]\.\d)|\s+")


def classify(outcome: Outcome) -> ReplyKind:
    """What became of a message, from the server's reply.

    A kind that takes an address off the list is given only for a final reply (5xx). An outcome that is not known is
    `temporary`, as it is nobody's fault.

    >>> classify(Outcome(state=DeliveryState.FAILED, code=550, reply="5.1.1 <kim@example.com>: User unknown"))
    <ReplyKind.RECIPIENT_UNKNOWN: 'recipient_unknown'>
    >>> classify(Outcome(state=DeliveryState.FAILED, code=550, reply="5.7.1 Message rejected as spam"))
    <ReplyKind.SPAM: 'spam'>
    """
    if outcome.state is DeliveryState.SENT:
        return ReplyKind.DELIVERED
    if outcome.state is DeliveryState.UNCERTAIN:
        return ReplyKind.TEMPORARY
    reply, code = outcome.reply.lower(), str(outcome.code or "")
    if found := _IN_ANOTHER_REPLY.match(reply):
        code, reply = found.groups()
    status = _find_status(reply)
    code = code or (status[:1] if outcome.state is DeliveryState.FAILED else "4")
    return _judge_words(_plain(reply), code, status) or _judge_codes(code, status) or _judge_state(outcome)


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


def _judge_state(outcome: Outcome) -> ReplyKind:
    is_final = outcome.state is DeliveryState.FAILED
    return ReplyKind.PERMANENT_UNKNOWN if is_final else ReplyKind.TEMPORARY


def _find_status(reply: str) -> str:
    found = _STATUS.search(reply)
    return found[0] if found else ""


def _plain(reply: str) -> str:
    """The words alone: no address and no link, but what a link names as the reason."""
    words = _LINK.sub(lambda link: " ".join(part for found in _TELLING_LINK.findall(link[0]) for part in found), reply)
    words = _STATUS.sub(" ", _ADDRESS.sub(" ", words))
    return " ".join(_NO_WORDS.sub(" ", words).split()).lstrip(" .:,-")
