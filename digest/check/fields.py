"""The header fields of a mail or of one of its parts, as they stand there; nothing is mended or refused."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

_LONGEST_VALUE = 4_000
"""Characters of a value that are looked at; no sound field comes near it."""
_FIELD = re.compile(rb"([!-9;-~]+)[ \t]*:")
_PARAMETER = re.compile(r';\s*([^\s;="]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s;"]+))')
_TYPE = re.compile(r"\s*([\w.+-]+/[\w.+-]+)\s*(?:;|$)")
_FOLD = re.compile(r"[\r\n]+")


@dataclass(frozen=True, kw_only=True)
class Field:
    """One header field."""

    name: str
    """In lower case; "" for a line that is no field."""
    raw: bytes
    """What follows the colon, with its folds."""
    line: int
    """1-based line it begins on, in the whole mail."""

    @cached_property
    def value(self) -> str:
        """Unfolded, at most 4,000 characters; bytes that are not ASCII become lone surrogates."""
        return _FOLD.sub("", self.raw[:_LONGEST_VALUE].decode("ascii", "surrogateescape")).strip()


@dataclass(frozen=True, kw_only=True)
class Fields:
    """The header fields of one part, in order."""

    all: tuple[Field, ...]

    def named(self, name: str) -> tuple[Field, ...]:
        """Every field of a name, which is given in lower case."""
        return tuple(self._by_name.get(name, ()))

    def value(self, name: str, default: str = "") -> str:
        """The value of the first field of a name."""
        found = self._by_name.get(name)
        return found[0].value if found else default

    @cached_property
    def _by_name(self) -> dict[str, list[Field]]:
        found: dict[str, list[Field]] = {}
        for field in self.all:
            found.setdefault(field.name, []).append(field)
        return found

    @cached_property
    def content_type(self) -> str:
        """Such as "text/html", in lower case; "text/plain" where it is missing or cannot be read (RFC 2045 5.2)."""
        found = _TYPE.match(self.value("content-type"))
        return found[1].lower() if found else "text/plain"

    def parameter(self, name: str) -> str | None:
        """A parameter of Content-Type, without its quotes."""
        for found in _PARAMETER.finditer(self.value("content-type")):
            if found[1].lower() == name:
                return found[3] if found[2] is None else re.sub(r"\\(.)", r"\1", found[2])
        return None


def read_fields(head: bytes, *, line: int = 1) -> Fields:
    """Read the lines before the first empty one.

    Args:
        head: those lines.
        line: where the first of them stands in the whole mail.
    """
    return Fields(all=tuple(_read(head, line)))


def _read(head: bytes, line: int) -> Iterator[Field]:
    begun: tuple[str, int, list[bytes]] | None = None
    for number, text in enumerate(head.split(b"\n"), line):
        if text[:1] in (b" ", b"\t") and begun:
            begun[2].append(text)
            continue
        if begun:
            yield _finish(*begun)
        found = _FIELD.match(text)
        name = found[1].decode("ascii").lower() if found else ""
        begun = (name, number, [text[found.end() :] if found else text])
    if begun:
        yield _finish(*begun)


def _finish(name: str, line: int, pieces: list[bytes]) -> Field:
    return Field(name=name, raw=b"\n".join(pieces).rstrip(b"\r\n"), line=line)
