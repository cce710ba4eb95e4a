"""The source of an HTML part as a row of tags and comments, before any parser mends it; in linear time.

`html.parser` of the standard library takes quadratic time on unfinished tags, and lxml shows only what it made of them.
"""

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass

VOID = frozenset(
    ("area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source", "track", "wbr")
)
"""Elements that have no end tag (HTML 13.1.2)."""
CODE = frozenset(("code", "pre", "kbd", "samp"))
"""Elements whose words are quoted: a `{{` in them is meant."""
_SCRIPTED = re.compile(r"(?:javascript|vbscript|livescript|data:text/html)\b", re.IGNORECASE)
_UNSEEN = re.compile(r"[\x00-\x20\x7f-\x9f]+")
_RAW = frozenset(("script", "style", "textarea", "title", "xmp", "iframe", "noembed", "noframes"))
_NAME = re.compile(r"[a-zA-Z][^\s/>]*")
_STOP = re.compile(r">|=\s*")
"""Quotes matter behind an equals sign only."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Tag:
    """One start tag or end tag."""

    name: str
    """In lower case."""
    start: int
    """Where its `<` stands."""
    end: int
    """Behind its `>`."""
    is_end: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Comment:
    """One comment, conditional ones among them."""

    text: str
    start: int
    end: int
    is_closed: bool = True


class LineNumbers:
    """The line of a position in a text."""

    def __init__(self, text: str) -> None:
        self._ends = [found.start() for found in re.finditer("\n", text)]

    def at(self, position: int) -> int:
        """1-based."""
        return bisect_right(self._ends, position - 1) + 1


def read_source(source: str) -> Iterator[Tag | Comment]:
    """Every tag and comment in order; a tag that does not end is the last thing that is read, as browsers do."""
    position = source.find("<")
    while position >= 0:
        token = _read_token(source, position)
        if token is None:
            position = source.find("<", position + 1)
            continue
        position = token.end
        if not isinstance(token, Tag) or token.name:
            yield token
        if isinstance(token, Tag) and not token.is_end and token.name in _RAW:
            position = _skip_raw(source, token)
        position = source.find("<", position)


def mask(source: str) -> str:
    """The source with what code and style elements hold blanked out; positions and lines stay the same."""
    pieces: list[str] = []
    done = 0
    for start, end in _insides(source, CODE | {"style", "script"}):
        pieces += (source[done:start], re.sub(r"[^\n]", " ", source[start:end]))
        done = end
    return "".join((*pieces, source[done:]))


def code_in(source: str) -> str:
    """What code elements hold, as it stands there."""
    return "\n".join(source[start:end] for start, end in _insides(source, CODE))


def is_script_address(address: str) -> bool:
    """Whether it runs code instead of leading somewhere; browsers pass over spaces and controls in its scheme."""
    return bool(_SCRIPTED.match(_UNSEEN.sub("", address[:200])))


def _insides(source: str, names: frozenset[str]) -> Iterator[tuple[int, int]]:
    """From the end of the outermost tag of these names to its end tag."""
    opened: Tag | None = None
    for token in read_source(source):
        if not isinstance(token, Tag) or token.name not in names:
            continue
        if opened is None and not token.is_end:
            opened = token
        elif opened is not None and token.is_end and token.name == opened.name:
            yield opened.end, token.start
            opened = None


def _read_token(source: str, position: int) -> Tag | Comment | None:
    """What begins at a `<`; None where it is a character like any other."""
    if source.startswith("<!--", position):
        return _read_comment(source, position)
    after = source[position + 1 : position + 3]
    is_end = after[:1] == "/"
    if not is_end and after[:1] in ("!", "?"):
        return _bogus(source, position)
    name = _NAME.match(source, position + 1 + is_end)
    if not name:
        return _bogus(source, position) if is_end else None
    end = _tag_end(source, name.end())
    return Tag(name=name[0].lower(), start=position, end=end, is_end=is_end)


def _read_comment(source: str, position: int) -> Comment:
    for short in ("<!-->", "<!--->"):
        if source.startswith(short, position):
            return Comment(text="", start=position, end=position + len(short))
    closing = source.find("-->", position + 4)
    end = len(source) if closing < 0 else closing
    text = source[position + 4 : end]
    return Comment(text=text, start=position, end=end + 3 * (closing >= 0), is_closed=closing >= 0)


def _bogus(source: str, position: int) -> Tag:
    """A doctype, `<![endif]>` or `<?xml …>`: without a name, so it is passed over."""
    closing = source.find(">", position)
    return Tag(name="", start=position, end=len(source) if closing < 0 else closing + 1)


def _tag_end(source: str, position: int) -> int:
    """Behind the `>` that ends a tag: one in a quoted value does not."""
    while position < len(source):
        found = _STOP.search(source, position)
        if not found:
            break
        if found[0] == ">":
            return found.end()
        position = _value_end(source, found.end())
    return len(source)


def _value_end(source: str, position: int) -> int:
    """Behind a quoted value that begins here; the same place where none does."""
    if source[position : position + 1] not in {"'", '"'}:
        return position
    closing = source.find(source[position], position + 1)
    return len(source) if closing < 0 else closing + 1


def _skip_raw(source: str, tag: Tag) -> int:
    """Where the end tag of an element begins whose content is no markup."""
    end = re.compile(f"</{tag.name}(?=[\\s/>])", re.IGNORECASE).search(source, tag.end)
    return end.start() if end else len(source)
