"""What a mail server says, as values: replies, the extensions it offers, and what both mean for a message."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from digest.deliver.transport import Outcome
from digest.model import DeliveryState

SERVICE_CLOSING = 421
"""In answer to anything: the server ends the conversation (RFC 5321, 3.8)."""
_WORDS_LIMIT = 500
_MORE_FOLLOWS = re.compile(rb"[2-5][0-9]{2}-")
_REPLY_LINE = re.compile(rb"([2-5][0-9]{2})(?:([ -])(.*))?\Z", re.DOTALL)
_ENHANCED_CODE = re.compile(r"[245]\.\d{1,3}\.\d{1,3} ")
_UNPRINTABLE = re.compile("[\x00-\x20\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]+")
"""What a terminal obeys: control characters, line separators, marks that turn the direction of text."""


class ConversationError(Exception):
    """The conversation is over: lost, too slow, out of step, or ended by the server with 421.

    Attributes:
        code: 421 where the server said so, else None.
    """

    def __init__(self, words: str, *, code: int | None = None) -> None:
        super().__init__(words)
        self.code = code


class InDoubtError(ConversationError):
    """It was over after the whole message had left and before its reply was read (RFC 1047)."""


@dataclass(frozen=True, kw_only=True)
class Reply:
    """One complete reply of a server."""

    code: int
    """200 to 599."""
    lines: tuple[str, ...]
    """The text of each line, without code and line end."""

    @property
    def kind(self) -> int:
        """The first digit: 2 done, 3 go on, 4 not now, 5 never (RFC 5321, 4.2.1)."""
        return self.code // 100

    @property
    def is_positive(self) -> bool:
        """Whether what was asked for is done."""
        return self.kind == 2  # noqa: PLR2004

    @property
    def is_go_on(self) -> bool:
        """Whether the server waits for the rest: a password, a message."""
        return self.kind == 3  # noqa: PLR2004

    @property
    def is_refusal(self) -> bool:
        """Whether asking the same again is of no use."""
        return self.kind == 5  # noqa: PLR2004

    @property
    def words(self) -> str:
        """All lines as one; an enhanced code (RFC 2034) that every line repeats is said once."""
        first, *rest = self.lines
        repeated = _ENHANCED_CODE.match(first)
        prefix = repeated.group() if repeated else ""
        return one_line(" ".join([first, *(line.removeprefix(prefix) for line in rest)]))


def is_last_line(line: bytes) -> bool:
    """Whether a reply ends with this line: only a hyphen after the code says that more follows.

    >>> is_last_line(b"250-mail.example.com"), is_last_line(b"250 fine"), is_last_line(b"SSH-2.0-OpenSSH")
    (False, True, True)
    """
    return not _MORE_FOLLOWS.match(line)


def parse_reply(lines: Sequence[bytes]) -> Reply:
    r"""The reply that these lines are, line ends included or not.

    >>> parse_reply([b"250-mail.example.com\r\n", b"250 SIZE 1000\r\n"])
    Reply(code=250, lines=('mail.example.com', 'SIZE 1000'))

    Raises:
        ValueError: they are no reply by RFC 5321, 4.2: no code, differing codes, a last line too early or late.
    """
    matches = [_REPLY_LINE.match(line.rstrip(b"\r\n")) for line in lines]
    parts = [match.groups() for match in matches if match]
    has_one_code = len(parts) == len(lines) and len({code for code, _, _ in parts}) == 1
    has_one_end = [is_last_line(line) for line in lines].count(True) == 1 and is_last_line(lines[-1])
    if not (has_one_code and has_one_end):
        raise ValueError(f"not an SMTP reply: {one_line(_decode(b' '.join(lines)))}")
    return Reply(code=int(parts[0][0]), lines=tuple(_decode(text or b"") for _, _, text in parts))


def parse_extensions(reply: Reply) -> dict[str, tuple[str, ...]]:
    """What a reply to EHLO offers: keyword in capitals → its parameters (RFC 5321, 4.1.1.1).

    >>> parse_extensions(Reply(code=250, lines=("mail.example.com", "SIZE 1000", "auth=PLAIN LOGIN")))
    {'SIZE': ('1000',), 'AUTH': ('PLAIN', 'LOGIN')}

    `AUTH=` is how servers before RFC 2554 say it; some still do, for old clients, beside the plain form.
    """
    extensions: dict[str, tuple[str, ...]] = {}
    for line in reply.lines[1:]:
        keyword, *parameters = re.sub(r"(?i)^AUTH=", "AUTH ", line).split() or [""]
        name = keyword.upper()
        extensions[name] = (*extensions.get(name, ()), *parameters)
    return extensions


def judge_refusal(reply: Reply) -> Outcome:
    """The outcome of a reply that refuses a message.

    Raises:
        ConversationError: it refuses nothing: server and client no longer talk about the same thing.
    """
    states = {4: DeliveryState.DEFERRED, 5: DeliveryState.FAILED}
    if reply.kind not in states:
        raise ConversationError(f"unexpected reply {reply.code} {reply.words}")
    return Outcome(state=states[reply.kind], code=reply.code, reply=reply.words)


def judge_final_reply(reply: Reply) -> Outcome:
    """The outcome of the reply to the final dot; raises ConversationError as `judge_refusal` does."""
    if reply.is_positive:
        return Outcome(state=DeliveryState.SENT, code=reply.code, reply=reply.words)
    return judge_refusal(reply)


def judge_end(error: ConversationError) -> Outcome:
    """The outcome of a message during which the conversation ended."""
    if isinstance(error, InDoubtError):
        words = f"{error} after the message was sent; it may or may not have been delivered"
        return Outcome(state=DeliveryState.UNCERTAIN, reply=one_line(words))
    words = str(error) if error.code else f"{error} before the message was sent"
    return Outcome(state=DeliveryState.DEFERRED, code=error.code, reply=one_line(words))


def one_line(text: str) -> str:
    """The text for a terminal or a table: one line, nothing that steers a terminal, at most 500 characters."""
    return _UNPRINTABLE.sub(" ", text).strip()[:_WORDS_LIMIT]


def _decode(text: bytes) -> str:
    return text.decode("utf-8", errors="replace")
