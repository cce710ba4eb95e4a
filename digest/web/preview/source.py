"""The source of a message, made readable: the raw lines, and each part decoded beside them."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from digest.check.mail import open_mail
from digest.web.preview.parts import Header, Parts


@dataclass(frozen=True, kw_only=True)
class SourceLine:
    """One line."""

    number: int
    """1-based, as findings count: in the raw message, or in the decoded part."""
    text: str
    """Without its line end."""


@dataclass(frozen=True, kw_only=True)
class SourcePart:
    """One text part of the message."""

    content_type: str
    """Such as text/html."""
    encoding: str
    """Its Content-Transfer-Encoding."""
    first_line: int
    """Where its encoded content begins in the raw lines."""
    last_line: int
    """Where it ends, that line included."""
    lines: tuple[SourceLine, ...] = field(repr=False)
    """The content, decoded."""


@dataclass(frozen=True, kw_only=True)
class Source:
    """A message as source."""

    headers: tuple[Header, ...]
    """Unfolded and decoded, each with how it stands in the message."""
    raw: tuple[SourceLine, ...] = field(repr=False)
    """The whole message; bytes that are not UTF-8 as U+FFFD."""
    parts: tuple[SourcePart, ...]
    """The text parts in order: what the raw lines from `first_line` to `last_line` say."""


def read_source(parts: Parts) -> Source:
    """The source of a message, line by line."""
    return Source(
        headers=parts.headers,
        raw=_number_lines(parts.content.decode("utf-8", "replace")),
        parts=tuple(_read_parts(parts)),
    )


def _read_parts(parts: Parts) -> Iterator[SourcePart]:
    position = 0
    for part in open_mail(parts.content).root.walk():
        if part.parts or not part.content_type.startswith("text/"):
            continue
        position = max(parts.content.find(part.body, position), position)
        first_line = parts.content.count(b"\n", 0, position) + 1
        yield SourcePart(
            content_type=part.content_type,
            encoding=part.encoding,
            first_line=first_line,
            last_line=first_line + part.body.rstrip(b"\r\n").count(b"\n"),
            lines=_number_lines(part.text),
        )
        position += len(part.body)


def _number_lines(text: str) -> tuple[SourceLine, ...]:
    """Lines as libxml2 and findings count them: a line feed ends one, and nothing else does."""
    lines = text.removesuffix("\n").split("\n")
    return tuple(SourceLine(number=number, text=line.removesuffix("\r")) for number, line in enumerate(lines, 1))
