"""Text of a MIME part encoded ahead in slices, so that one subscriber's copy is a join of bytes.

Whatever is encoded is complete lines of at most 76 characters, of any length below that, as RFC 2045 allows: slices and
values stand behind one another in any order. Quoted-printable needs no more than that. Base64 takes three bytes at a
time, so up to two bytes are carried from one piece to the next, and each slice is kept in the three phases in which it
can begin behind a value.
"""

import re
from binascii import b2a_base64, b2a_qp
from collections.abc import Callable, Iterable
from dataclasses import dataclass

LINE = 76
"""Characters of an encoded line (RFC 2045 6.7 and 6.8)."""
_BYTES = LINE // 4 * 3
_MOST_CARRIES = 64
"""Of a slice are remembered. Blocks that end in a line end leave three; only slices of a byte or two see others."""
_LONG_LINE = re.compile(rb"[^\r\n]{%d}" % (LINE + 1))
_DOTS_AT_START = re.compile(rb"^\.+", re.MULTILINE)
_MBOX_FROM = re.compile(rb"^From ", re.MULTILINE)


@dataclass(frozen=True, kw_only=True, eq=False)
class Encoding:
    """A Content-Transfer-Encoding."""

    name: bytes
    unit: int
    """Bytes that are encoded together."""
    closing: bytes
    """What stands between the last line of a part and its boundary: base64 may lose the end of its last line to it."""
    encode: Callable[[bytes], bytes]
    """Complete lines of a whole number of units, or of the last bytes of a part; line ends within must be CRLF."""


def _encode_base64(content: bytes) -> bytes:
    if len(content) <= _BYTES:
        return b2a_base64(content, newline=False) + b"\r\n" if content else b""
    encoded = b2a_base64(content, newline=False)
    return b"".join([encoded[start : start + LINE] + b"\r\n" for start in range(0, len(encoded), LINE)])


def _encode_quoted(content: bytes) -> bytes:
    # Encoded with bare LF: a text without any line end would get soft line breaks of LF alone.
    encoded = b2a_qp(content.replace(b"\r\n", b"\n"), istext=True).replace(b"\n", b"\r\n")
    if _LONG_LINE.search(encoded):  # the library forgets that a space at the end of a line takes three characters
        encoded = b"\r\n".join(_shorten(line) for line in encoded.split(b"\r\n"))
    if encoded and not encoded.endswith(b"\n"):
        encoded = _break_softly(encoded)
    if b"." in encoded:  # at the beginning of a line it would have to be said twice (RFC 5321, 4.5.2)
        encoded = _DOTS_AT_START.sub(_encode_dots, encoded)
    if b"From " in encoded:  # programs that keep mail in one file put a > in front of it (RFC 4155)
        encoded = _MBOX_FROM.sub(rb"=46=\r\nrom ", encoded)
    return encoded


def _encode_dots(found: re.Match[bytes]) -> bytes:
    r"""Dots as they can begin a line, and a soft break: there may be no room behind them.

    >>> _encode_dots(re.match(rb"\.+", b"..more"))
    b'=2E=2E=\r\n'
    """
    encoded = b"=2E" * len(found[0])
    return b"".join(encoded[start : start + LINE - 1] + b"=\r\n" for start in range(0, len(encoded), LINE - 1))


def _shorten(line: bytes) -> bytes:
    """A line with a soft break where it is too long, before its last encoded byte."""
    return line if len(line) <= LINE else b"%b=\r\n%b" % (line[:-3], line[-3:])


def _break_softly(encoded: bytes) -> bytes:
    """The lines with a soft break behind the last one, which may have no room for it."""
    begin = encoded.rfind(b"\n") + 1
    if len(encoded) - begin < LINE:
        return encoded + b"=\r\n"
    cut = len(encoded) - (3 if encoded[-3:-2] == b"=" else 1)
    return b"%b=\r\n%b=\r\n" % (encoded[:cut], encoded[cut:])


BASE64 = Encoding(name=b"base64", unit=3, closing=b"", encode=_encode_base64)
QUOTED_PRINTABLE = Encoding(name=b"quoted-printable", unit=1, closing=b"\r\n", encode=_encode_quoted)


def choose_encoding(texts: Iterable[str]) -> Encoding:
    """Base64 where any of the texts of a part is not ASCII, else quoted-printable.

    Base64 takes four bytes a Hangul syllable where quoted-printable takes nine, and Gmail clips long mail.
    """
    return QUOTED_PRINTABLE if all(map(str.isascii, texts)) else BASE64


def to_lines(text: str) -> bytes:
    r"""UTF-8 with CRLF line ends; a lone surrogate, which UTF-8 cannot say, is a question mark.

    >>> to_lines("a\rb\r\n\ud800")
    b'a\r\nb\r\n?'
    """
    if text.isprintable():
        return text.encode()
    content = text.encode("utf-8", "replace")
    return content.replace(b"\r\n", b"\n").replace(b"\r", b"\n").replace(b"\n", b"\r\n")


class _Forms(dict[bytes, tuple[bytes, bytes]]):
    """What a slice became behind each carry, made on demand; what is there already is found without a call."""

    __slots__ = ("_make",)

    def __init__(self, make: Callable[[bytes], tuple[bytes, bytes]]) -> None:
        self._make = make

    def __missing__(self, carry: bytes) -> tuple[bytes, bytes]:
        found = self._make(carry)
        if len(self) < _MOST_CARRIES:
            self[carry] = found
        return found


class Slice:
    """Text of a part that is the same in many messages, each encoded form of it made once."""

    __slots__ = ("_after", "_content", "_encoding", "_phases", "after")

    after: Callable[[bytes], tuple[bytes, bytes]]
    """The slice behind another one.

    Args:
        carry: what the other one left over: fewer bytes than a unit.

    Returns:
        The lines, and what is left over.
    """

    def __init__(self, text: str, encoding: Encoding) -> None:
        self._content = to_lines(text)
        self._encoding = encoding
        self._after = _Forms(lambda carry: self._encode(carry + self._content))
        self.after = self._after.__getitem__
        self._phases: list[tuple[bytes, bytes, bytes] | None] = [None] * encoding.unit

    def after_value(self, value: bytes) -> tuple[bytes, bytes, bytes]:
        """The slice behind a value that only this message has.

        Args:
            value: with what was left over before it.

        Returns:
            The lines of the value, those of the slice, and what is left over.
        """
        encoding = self._encoding
        missing = -len(value) % encoding.unit
        if missing > len(self._content):
            lines, carry = self._encode(value + self._content)
            return lines, b"", carry
        found = self._phases[missing]
        if found is None:
            found = (self._content[:missing], *self._encode(self._content[missing:]))
            self._phases[missing] = found
        first, lines, carry = found
        return encoding.encode(value + first), lines, carry

    def _encode(self, content: bytes) -> tuple[bytes, bytes]:
        end = len(content) - len(content) % self._encoding.unit
        return self._encoding.encode(content[:end]), content[end:]
