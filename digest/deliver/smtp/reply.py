"""What a mail server says, as values: replies, the extensions it offers, and what both mean for a message."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache

from digest.deliver.transport import Outcome
from digest.model import DeliveryState
from digest.replies.printable import one_line

SERVICE_CLOSING = 421
"""In answer to anything: the server ends the conversation (RFC 5321, 3.8)."""
GO_AHEAD = 354
"""The one positive answer to DATA: the message may come."""
REPLY_LIMIT = 65_536
"""Bytes of one reply; RFC 5321, 4.5.3.1.5 allows 512 a line. More is no mail server."""
_NO_ROOM_FOR_MORE = 452
_CODES = {b"%d" % code: code for code in range(200, 600)}
_ENHANCED_CODE = re.compile(r"[245]\.\d{1,3}\.\d{1,3} ")
_TOO_MANY_MESSAGES = re.compile(
    r"^[45]\.5\.3\b|too many (messages|e?-?mails|transactions|deliveries)"
    r"|(messages|e?-?mails|transactions) (per|in this|for this|on this) (connection|session)",
    re.IGNORECASE,
)


class ConversationError(Exception):
    """The conversation is over: lost, too slow, out of step, or ended by the server with 421.

    Attributes:
        code: the reply code where the server's own words ended it, 421 above all, else None.
    """

    def __init__(self, words: str, *, code: int | None = None) -> None:
        super().__init__(words)
        self.code = code

    @property
    def said(self) -> str:
        """What happened, with the code where the server spoke."""
        return one_line(f"{self.code} {self}" if self.code else str(self))

    @property
    def is_message_limit(self) -> bool:
        """Whether the server takes no more messages on this connection, though it may on another."""
        return self.code in (SERVICE_CLOSING, _NO_ROOM_FOR_MORE) and bool(_TOO_MANY_MESSAGES.search(str(self)))


@dataclass(frozen=True, slots=True)
class Reply:
    """One complete reply of a server."""

    code: int
    """200 to 599."""
    texts: tuple[bytes, ...]
    """The text of each line, without code and line end."""

    @property
    def is_positive(self) -> bool:
        """Whether what was asked for is done (RFC 5321, 4.2.1)."""
        return 200 <= self.code < 300  # noqa: PLR2004

    @property
    def is_go_on(self) -> bool:
        """Whether the server waits for the rest of a login."""
        return 300 <= self.code < 400  # noqa: PLR2004

    @property
    def is_refusal(self) -> bool:
        """Whether asking the same again is of no use."""
        return self.code >= 500  # noqa: PLR2004

    @property
    def lines(self) -> tuple[str, ...]:
        """The text of each line, decoded."""
        return tuple(text.decode("utf-8", errors="replace") for text in self.texts)

    @property
    def words(self) -> str:
        """All lines as one; an enhanced code (RFC 2034) that every line repeats is said once."""
        first, *rest = self.lines
        if not rest:
            return one_line(first)
        repeated = _ENHANCED_CODE.match(first)
        prefix = repeated.group() if repeated else ""
        return one_line(" ".join([first, *(line.removeprefix(prefix) for line in rest)]))

    def __str__(self) -> str:
        return f"{self.code} {self.words}"


@lru_cache(maxsize=256)
def _reply_of_a_line(code: int, text: bytes) -> Reply:
    """Nearly all that a server says are the same few lines."""
    return Reply(code, (text,))


class ReplyParser:
    r"""Cuts what a server says into replies, and keeps the beginning of an unfinished one.

    >>> parser = ReplyParser()
    >>> list(parser.feed(b"250-mail.example.com\r\n250 SI"))
    []
    >>> list(parser.feed(b"ZE 1000\r\n354 go"))
    [Reply(code=250, texts=(b'mail.example.com', b'SIZE 1000'))]
    """

    def __init__(self) -> None:
        self._unfinished_line = bytearray()
        self._lines: list[bytes] = []
        self._size = 0

    @property
    def is_between_replies(self) -> bool:
        """Whether nothing was said of a next reply."""
        return not self._unfinished_line and not self._lines

    def feed(self, data: bytes) -> Iterator[Reply]:
        """The replies that these bytes complete, one by one: those before an error count.

        Raises:
            ValueError: what was said is no reply by RFC 5321, 4.2: no code, differing codes, too long.
        """
        if b"\n" not in data:
            self._unfinished_line += data
            self._require_limit(len(self._unfinished_line))
            return
        *lines, rest = (bytes(self._unfinished_line) + data).split(b"\n")
        self._unfinished_line = bytearray(rest)
        for line in lines:
            reply = self._end_line(line)
            if reply is not None:
                yield reply
        self._require_limit(len(rest))

    def _end_line(self, line: bytes) -> Reply | None:
        """The reply that ends with this line; only a hyphen after the code says that more follows."""
        line = line.rstrip(b"\r")
        code, mark, text = _CODES.get(line[:3]), line[3:4], line[4:]
        if code is None or mark not in b" -" or (self._lines and self._lines[0][:3] != line[:3]):
            raise ValueError(f"not an SMTP reply: {_show([*self._lines, line])}")
        if mark != b"-" and not self._lines:
            return _reply_of_a_line(code, text)
        self._lines.append(line)
        self._size += len(line)
        self._require_limit(0)
        return None if mark == b"-" else self._end_reply(code)

    def _end_reply(self, code: int) -> Reply:
        lines, self._lines, self._size = self._lines, [], 0
        return Reply(code, tuple(line[4:] for line in lines))

    def _require_limit(self, unfinished: int) -> None:
        if self._size + unfinished > REPLY_LIMIT:
            raise ValueError(f"longer than {REPLY_LIMIT} bytes")


@dataclass(frozen=True)
class Extensions:
    """What a reply to EHLO offers (RFC 5321, 4.1.1.1)."""

    parameters: dict[str, tuple[str, ...]]
    """Keyword in capitals → its parameters."""

    def __contains__(self, keyword: object) -> bool:
        return keyword in self.parameters

    @cached_property
    def has_pipelining(self) -> bool:
        """Whether commands may be said before the answers to earlier ones came (RFC 2920)."""
        return "PIPELINING" in self.parameters

    @cached_property
    def has_size(self) -> bool:
        """Whether the size of a message may be said in advance (RFC 1870)."""
        return "SIZE" in self.parameters

    @cached_property
    def largest_message(self) -> int | None:
        """Bytes of the largest message the server takes; None where it names no limit."""
        first = next(iter(self.parameters.get("SIZE", ())), "")
        return int(first) or None if first.isascii() and first.isdigit() else None

    @property
    def mechanisms(self) -> tuple[str, ...]:
        """The ways to log in (RFC 4954), in capitals."""
        return tuple(name.upper() for name in self.parameters.get("AUTH", ()))


def parse_extensions(reply: Reply) -> Extensions:
    """What a reply to EHLO offers.

    >>> parse_extensions(Reply(250, (b"mail.example.com", b"SIZE 1000", b"auth=PLAIN LOGIN"))).parameters
    {'SIZE': ('1000',), 'AUTH': ('PLAIN', 'LOGIN')}

    `AUTH=` is how servers before RFC 2554 say it; some still do, for old clients, beside the plain form.
    """
    parameters: dict[str, tuple[str, ...]] = {}
    for line in reply.lines[1:]:
        keyword, *values = re.sub(r"(?i)^AUTH=", "AUTH ", line).split() or [""]
        name = keyword.upper()
        parameters[name] = (*parameters.get(name, ()), *values)
    return Extensions(parameters)


def judge_refusal(reply: Reply) -> Outcome:
    """The outcome of a reply that refuses a message.

    Raises:
        ConversationError: it refuses nothing: server and client no longer talk about the same thing.
    """
    states = {4: DeliveryState.DEFERRED, 5: DeliveryState.FAILED}
    state = states.get(reply.code // 100)
    if state is None:
        raise ConversationError(f"unexpected reply {reply}")
    return Outcome(state=state, code=reply.code, reply=reply.words)


def judge_final_reply(reply: Reply) -> Outcome:
    """The outcome of the reply to the final dot; raises ConversationError as `judge_refusal` does."""
    if reply.is_positive:
        return Outcome(state=DeliveryState.SENT, code=reply.code, reply=reply.words)
    return judge_refusal(reply)


def _show(lines: list[bytes]) -> str:
    return one_line(b" ".join(lines).decode("utf-8", errors="replace"))
