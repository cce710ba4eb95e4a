"""A mail as rules read it: its fields, its parts and their text. Any bytes can be opened, junk among them.

The standard library's parser recurses into nested parts and takes quadratic time on some; this one is bounded.
"""

import binascii
import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from digest.check.document import HtmlDocument, parse_html
from digest.check.fields import Fields, read_fields

MOST_READ = 1_048_576
"""Characters of an HTML part, ten times what Gmail shows; a longer one is no digest, and is not parsed."""
_DEEPEST = 8
"""Parts within parts that are looked into; a digest has one level."""
_MOST_PARTS = 100
_HEAD_END = re.compile(rb"\r?\n\r?\n")
_BOUNDARY_LENGTH = 200
_UNREADABLE = {"idna", "punycode", "undefined", "unicode_escape", "raw_unicode_escape", "utf-7"}
"""Codecs of Python that are no mail charsets: some of them take quadratic time."""


@dataclass(frozen=True, kw_only=True, eq=False)
class MimePart:
    """One part of a mail, or the mail itself."""

    fields: Fields
    body: bytes
    """As it travels, without the line end before the next boundary."""
    line: int
    """1-based line of the mail on which the part begins."""
    parts: tuple["MimePart", ...] = ()
    """What a multipart holds."""
    is_closed: bool = True
    """Whether the last boundary of a multipart is there; without it the mail was cut off."""

    @property
    def content_type(self) -> str:
        """Such as "text/html"."""
        return self.fields.content_type

    @property
    def charset(self) -> str:
        """As written, in lower case; "" where there is none."""
        return (self.fields.parameter("charset") or "").lower()

    @property
    def encoding(self) -> str:
        """The transfer encoding in lower case; "7bit" where none is named (RFC 2045 6.1)."""
        return self.fields.value("content-transfer-encoding", "7bit").lower()

    @cached_property
    def content(self) -> bytes:
        """The body without its transfer encoding; what cannot be decoded stays out."""
        if self.encoding == "base64":
            return decode_base64(self.body)
        if self.encoding == "quoted-printable":
            return binascii.a2b_qp(self.body)
        return self.body

    @cached_property
    def text(self) -> str:
        """The content as characters, each line end a line feed; bytes that mean nothing stay out."""
        text = self.content.decode(self._codec, "ignore")
        return text.replace("\r\n", "\n")

    @property
    def _codec(self) -> str:
        """What the bytes are in, whatever their label says: then only the label is wrong."""
        if not self.content.isascii() and is_text_in(self.content, "utf-8"):
            return "utf-8"
        if self.charset != "utf-8" and is_text_codec(self.charset):
            return self.charset
        return "utf-8" if is_text_in(self.content, "utf-8") or not is_text_in(self.content, "cp949") else "cp949"

    def walk(self) -> Iterator["MimePart"]:
        """The part and all within it, in order."""
        waiting = [self]
        while waiting:
            part = waiting.pop()
            yield part
            waiting.extend(reversed(part.parts))


@dataclass(frozen=True, kw_only=True, eq=False)
class Mail:
    """One opened mail. Made by `open_mail`."""

    raw: bytes
    root: MimePart

    @property
    def fields(self) -> Fields:
        """The header of the mail."""
        return self.root.fields

    @cached_property
    def text_part(self) -> MimePart | None:
        """The first text/plain part."""
        return self._first("text/plain")

    @cached_property
    def html_part(self) -> MimePart | None:
        """The first text/html part."""
        return self._first("text/html")

    @property
    def text(self) -> str | None:
        """The plain text, or None where no part holds any."""
        return self.text_part.text if self.text_part else None

    @cached_property
    def html(self) -> HtmlDocument | None:
        """The parsed HTML part, or None where there is none that could be a digest."""
        part = self.html_part
        return parse_html(part.text) if part and len(part.text) <= MOST_READ else None

    @property
    def html_size(self) -> int:
        """Bytes of the HTML part as encoded."""
        return len(self.html_part.body) if self.html_part else 0

    def _first(self, content_type: str) -> MimePart | None:
        has_type = bool(self.fields.named("content-type"))
        parts = (part for part in self.root.walk() if part is not self.root or has_type)
        return next((part for part in parts if part.content_type == content_type), None)


def open_mail(content: bytes) -> Mail:
    """Open any bytes as a mail; never raises, whatever they hold."""
    return Mail(raw=content, root=_read_part(content, line=1, depth=0))


def decode_base64(body: bytes) -> bytes:
    """Base64 with whatever of it can be decoded, as mail programs do."""
    letters = re.sub(rb"[^A-Za-z0-9+/]", b"", body)
    whole = len(letters) - (len(letters) % 4 == 1)
    return binascii.a2b_base64(letters[:whole] + b"=" * (-whole % 4))


def is_text_in(content: bytes, codec: str) -> bool:
    """Whether the bytes are text in this encoding."""
    try:
        content.decode(codec)
    except UnicodeDecodeError:
        return False
    return True


def is_text_codec(name: str) -> bool:
    """Whether text of this charset can be read here."""
    try:
        found = codecs.lookup(name)
        return found.name not in _UNREADABLE and isinstance("".encode(name), bytes)
    except (LookupError, ValueError, TypeError, OSError):
        return False


def _read_part(content: bytes, *, line: int, depth: int) -> MimePart:
    head, body, body_line = _split_head(content, line)
    fields = read_fields(head, line=line)
    boundary = fields.parameter("boundary")
    if not fields.content_type.startswith("multipart/") or not boundary or depth == _DEEPEST:
        return MimePart(fields=fields, body=body, line=line)
    pieces, is_closed = _split_body(body, boundary.encode("ascii", "surrogateescape")[:_BOUNDARY_LENGTH], body_line)
    parts = tuple(_read_part(piece, line=at, depth=depth + 1) for piece, at in pieces)
    return MimePart(fields=fields, body=body, line=line, parts=parts, is_closed=is_closed)


def _split_head(content: bytes, line: int) -> tuple[bytes, bytes, int]:
    """Header, body, and the line the body begins on; a part may begin with the empty line at once."""
    if first := re.match(rb"\r?\n", content):
        return b"", content[first.end() :], line + 1
    end = _HEAD_END.search(content)
    if not end:
        return content, b"", line
    return content[: end.start()], content[end.end() :], line + content.count(b"\n", 0, end.end())


def _split_body(body: bytes, boundary: bytes, line: int) -> tuple[list[tuple[bytes, int]], bool]:
    """The parts between the boundaries, each with the line it begins on, and whether the last boundary is there."""
    pieces: list[tuple[bytes, int]] = []
    start = None
    counted = 0
    for found in re.finditer(rb"(?:\A|\n)--" + re.escape(boundary) + rb"(--)?[ \t]*\r?(?=\n|\Z)", body):
        if start is not None:
            pieces.append((body[start : found.start()].removesuffix(b"\r"), line))
        if found[1] or len(pieces) == _MOST_PARTS:
            return pieces, True
        start = found.end() + 1
        line += body.count(b"\n", counted, start)
        counted = start
    if start is not None:
        pieces.append((body[start:], line))
    return pieces, False
