"""One whole message as bytes: RFC 5322 headers and multipart/alternative, joined from what was encoded ahead.

A part is cut into text that is the same for all, slots for what is a subscriber's own, and the place of the stories.
All but the values is encoded once for an issue, so a subscriber's own choice of stories in their own order costs as
little as one mail for everyone.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from email.headerregistry import Address
from email.utils import format_datetime
from enum import Enum
from functools import lru_cache
from hashlib import sha256
from itertools import groupby
from typing import Final, NamedTuple
from urllib.parse import quote

from digest.errors import RenderError
from digest.mail.encoding import Encoding, Slice, choose_encoding, to_lines
from digest.mail.headers import encode_mailbox, encode_phrase, encode_text

TEXT_TYPE = "text/plain; charset=utf-8; format=flowed"
"""The text comes with soft line breaks (RFC 3676); without any it is shown as it is."""
HTML_TYPE = "text/html; charset=utf-8"
_OF_ADDRESSES = "@!$'*+/="
"""Signs of addresses that stand in a mailto as they are, beside letters, digits and -._~ (RFC 6068 section 2)."""
_LEAVING = "?subject=unsubscribe%20"
"""What makes mail programs write the token into the subject (RFC 6068)."""
_UNBREAKABLE = re.compile(r"[!-;=?-~]*")
"""What can end neither its angle brackets nor its line."""


@dataclass(frozen=True, kw_only=True)
class Masthead:
    """The headers that all messages of an issue variant share."""

    sender: Address
    reply_to: Address | None
    subject: str
    date: datetime
    """When the issue was frozen, aware; the Date of each of its messages."""
    list_id: str
    """Dotted identifier of the newsletter (RFC 2919), without brackets."""
    list_name: str
    """The newsletter's title, the phrase before the identifier."""
    unsubscribe_mailto: str = ""
    """Address that takes unsubscribe requests, or ""."""
    feedback_id: str = ""
    """Gmail's counters of complaints: at most four names with colons between them, none of them one reader's."""
    is_automatic: bool = False
    """Whether a schedule sent the issue and no person (RFC 3834 section 5)."""
    precedence: str = ""
    """"bulk" or "list", or "" for no such header."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Heading:
    """The headers that differ from one subscriber's message to the next."""

    address: str
    name: str = ""
    """Any text; it is cleaned as `digest.mail.headers.clean_name` does."""
    message_id: str
    """With its angle brackets."""
    unsubscribe_url: str
    """https; also what List-Unsubscribe-Post acts on (RFC 8058)."""
    unsubscribe_token: str = ""
    """What a mail to the masthead's `unsubscribe_mailto` says in its subject, so that it is known whose it is."""
    delivery_token: str = ""
    """Marks the message, so that its bounce is known by it; "" for no mark."""
    subject: str = ""
    """The selection's own, or "" for the issue's."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Slot:
    """A place for a subscriber's own value."""

    name: str
    escape: Callable[[str], str]
    """Makes a value fit for this kind of text."""


class Place(Enum):
    """A place in a part that is no slot."""

    STORIES = "what a message brings with it, in its own order"


STORIES: Final = Place.STORIES
Segment = str | Slot | Place
Piece = Slice | Slot | str
"""What stories are made of; text that hardly another message has is not worth a slice and comes as it is."""


class PartTemplate:
    """One part of a message, encoded but for its slots."""

    def __init__(self, content_type: str, segments: Iterable[Segment], encoding: Encoding | None = None) -> None:
        """Take a part apart.

        Args:
            content_type: with its parameters.
            segments: text, slots and at most one place for stories, in order. Line ends become CRLF.
            encoding: by default base64 where any of the segments is not ASCII; stories may have more to say.
        """
        segments = tuple(segments)
        self._encoding = encoding or choose_encoding(each for each in segments if isinstance(each, str))
        place = segments.index(STORIES) if STORIES in segments else len(segments)
        self._before, self._behind = self._cut(segments[:place]), self._cut(segments[place + 1 :])
        self.head = b"Content-Type: %b\r\nContent-Transfer-Encoding: %b\r\n\r\n" % (
            content_type.encode("ascii"),
            self._encoding.name,
        )
        self.closing = self._encoding.closing

    def slice(self, text: str) -> Slice:
        """Text to stand at the place of the stories of this part; make it once and use it for many."""
        return Slice(text, self._encoding)

    def fill(self, values: Mapping[str, str], stories: Iterable[Piece] = ()) -> list[bytes]:
        """The encoded body of one message, to be joined; `closing` comes behind it.

        Args:
            values: by slot name; line ends in them become CRLF, and none can leave the encoding.
            stories: slices of this part in any order, slots among them.

        Raises:
            KeyError: a slot has no value.
        """
        lines: list[bytes] = []
        carry, value = b"", b""
        for piece in (*self._before, *stories, *self._behind):
            if not isinstance(piece, Slice):
                value += to_lines(piece if isinstance(piece, str) else piece.escape(values[piece.name]))
            elif value:
                of_value, of_slice, carry = piece.after_value(carry + value)
                lines += (of_value, of_slice)
                value = b""
            else:
                of_slice, carry = piece.after(carry)
                lines.append(of_slice)
        lines.append(self._encoding.encode(carry + value))
        return lines

    def measure(self, values: Mapping[str, str], stories: Iterable[Piece] = ()) -> int:
        """The bytes of the encoded body in a message, without the line end that belongs to the boundary."""
        return max(sum(map(len, self.fill(values, stories))) + len(self.closing) - len(b"\r\n"), 0)

    def _cut(self, segments: Sequence[Segment]) -> tuple[Piece, ...]:
        """Raises ValueError where there is a second place for stories."""
        if STORIES in segments:
            raise ValueError("a part has one place for stories; put what stands between two of them into the stories")
        return tuple(self._pieces(segments))

    def _pieces(self, segments: Iterable[Segment]) -> Iterator[Piece]:
        """Texts that follow one another are one slice: each begins well behind a value."""
        for is_text, run in groupby(segments, lambda each: isinstance(each, str)):
            if not is_text:
                yield from (each for each in run if isinstance(each, Slot))
            elif text := "".join(each for each in run if isinstance(each, str)):
                yield self.slice(text)


class Stories(NamedTuple):
    """What stands at the places for stories in one message."""

    text: Sequence[Piece] = ()
    html: Sequence[Piece] = ()


_NO_STORIES = Stories()


class MessageTemplate:
    """The messages of an issue variant, encoded but for what is each subscriber's own."""

    def __init__(self, masthead: Masthead, text: PartTemplate, html: PartTemplate) -> None:
        self._text, self._html = text, html
        self._subject = encode_text("Subject", masthead.subject)
        mailto = masthead.unsubscribe_mailto
        self._mailto = f",\r\n <mailto:{quote(_require_unbreakable(mailto), safe=_OF_ADDRESSES)}" if mailto else ""
        # Neither encoding can hold "=_", so no content can end its part (RFC 2045 6.7).
        boundary = b"=_" + sha256(repr(masthead).encode("utf-8", "replace")).hexdigest()[:24].encode()
        self._begin = _encode_fields(_first_fields(masthead))
        self._headed = b'%bContent-Type: multipart/alternative;\r\n boundary="%b"\r\n\r\n--%b\r\n%b' % (
            _encode_fields(_last_fields(masthead)),
            boundary,
            boundary,
            text.head,
        )
        self._between = b"%b--%b\r\n%b" % (text.closing, boundary, html.head)
        self._end = b"%b--%b--\r\n" % (html.closing, boundary)

    def write(self, heading: Heading, values: Mapping[str, str], stories: Stories = _NO_STORIES) -> bytes:
        """One message: 7-bit, every line with CRLF. The same values give the same bytes.

        Raises:
            RenderError: an address, a link or a token could end its header.
            KeyError: a slot has no value.
        """
        return b"".join(
            (
                self._begin,
                self._encode_heading(heading),
                self._headed,
                *self._text.fill(values, stories.text),
                self._between,
                *self._html.fill(values, stories.html),
                self._end,
            )
        )

    def _encode_heading(self, heading: Heading) -> bytes:
        subject = _encode_subject(heading.subject) if heading.subject else self._subject
        message_id, url, token = heading.message_id[1:-1], heading.unsubscribe_url, heading.delivery_token
        leaving = heading.unsubscribe_token
        _require_unbreakable(message_id + url + token + leaving)
        mailto = f"{self._mailto}{_LEAVING if leaving else ''}{leaving}>" if self._mailto else ""
        mark = f"X-Digest-Delivery: {token}\r\n" if token else ""
        return (
            f"To: {encode_mailbox('To', heading.name, heading.address)}\r\n"
            f"Subject: {subject}\r\n"
            f"Message-ID: <{message_id}>\r\n"
            f"List-Unsubscribe: <{url}>{mailto}\r\n{mark}"
        ).encode("ascii")


@lru_cache(maxsize=1 << 10)
def _encode_subject(subject: str) -> str:
    """Those of an issue's selections hang on their first article: they are few."""
    return encode_text("Subject", subject)


def _first_fields(masthead: Masthead) -> list[tuple[str, str]]:
    boxes = [("From", masthead.sender), ("Reply-To", masthead.reply_to)]
    return [(name, encode_mailbox(name, box.display_name, box.addr_spec)) for name, box in boxes if box]


def _last_fields(masthead: Masthead) -> list[tuple[str, str]]:
    optional = [
        ("Feedback-ID", encode_text("Feedback-ID", masthead.feedback_id)),
        ("Auto-Submitted", "auto-generated" if masthead.is_automatic else ""),
        ("Precedence", encode_text("Precedence", masthead.precedence)),
    ]
    return [
        ("Date", format_datetime(masthead.date)),
        ("List-Id", f"{encode_phrase('List-Id', masthead.list_name)}\r\n <{_require_unbreakable(masthead.list_id)}>"),
        ("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"),
        *((name, value) for name, value in optional if value),
        ("MIME-Version", "1.0"),
    ]


def _encode_fields(fields: Iterable[tuple[str, str]]) -> bytes:
    return "".join(f"{name}: {value}\r\n" for name, value in fields).encode("ascii")


def _require_unbreakable(value: str) -> str:
    if not _UNBREAKABLE.fullmatch(value):
        raise RenderError(f"{value!r} cannot stand in a header: it holds a space, a bracket or a control character")
    return value
