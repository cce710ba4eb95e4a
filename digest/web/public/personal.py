"""Takes out of a mail what is for one reader alone: links that act for them, their address, their name.

A template may put these anywhere. What goes with such a link is the sentence it stands in, or all there is between two
separators; and then whatever is left without words: a paragraph, a cell, a table.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from lxml.html import HtmlElement

MAIL_ONLY = "mail-only"
"""A class by which a template names what belongs in mails alone."""
_WHY = "why"
_LINKS = frozenset({"a", "area", "img", "form", "button", "input"})
_INLINE = frozenset({
    "a", "abbr", "b", "big", "bdi", "bdo", "cite", "code", "em", "font", "i", "img", "ins", "mark", "s", "small",
    "span", "strike", "strong", "sub", "sup", "tt", "u",
})  # fmt: skip
_KEPT = frozenset({"html", "body", "main"})
_SEPARATOR = re.compile(r"(\s*\|\s*|(?:^|(?<=\s))\s*[·•∙⋅‧│ㅣ/–—-](?:\s+|$))")
_SENTENCE = re.compile(r"(?<=[.!?。…])(?=\s)")
_LONG = 240
"""Characters: a longer paragraph is more than what is said around a link."""
_BLANK = re.compile(r"[\s\u00a0\u00ad\u034f\u200b-\u200f\u2060\ufeff]*")


@dataclass(frozen=True, kw_only=True)
class Marks:
    """By what a reader's own values are known."""

    nonce: str
    """What is in the marker of each slot."""
    links: frozenset[str] = frozenset()
    """Addresses that lead from a mail to the page that is being made."""
    reason: str = ""
    """A sentence that is true of mails alone."""

    @property
    def host(self) -> str:
        """What every marker begins with."""
        return f"https://{self.nonce}.invalid/"


@dataclass(frozen=True)
class _Words:
    """A part of a line."""

    text: str
    is_personal: bool = False


@dataclass(frozen=True)
class _Separator:
    """What stands between two things."""

    text: str


@dataclass(frozen=True)
class _Element:
    """An element within a line."""

    element: HtmlElement
    is_personal: bool = False


@dataclass(frozen=True)
class _Break:
    """An element that ends a line."""

    element: HtmlElement


_Token = _Words | _Separator | _Element | _Break


def remove_personal(body: HtmlElement, marks: Marks) -> None:
    """Take what is a reader's own out of the body of a mail."""
    _Sweep(marks).clear(body)


class _Sweep:
    def __init__(self, marks: Marks) -> None:
        self._marks = marks

    def clear(self, element: HtmlElement) -> bool:
        """Clear an element; True where nothing is left of it, or it is all a reader's own."""
        self._mark_reason(element)
        if self._is_personal(element):
            return True
        gone = {child for child in element if self.clear(child)}
        texts = [element.text, *(child.tail for child in element)]
        if not gone and not any(self._marks.host in (text or "") for text in texts):
            return False
        if element.tag == "tr" and _has_content_but(element, gone):
            for cell in gone:  # it stays, so that the others keep their columns
                cell.text = None
                del cell[:]
            return False
        _refill(element, _without_personal(list(self._tokens(element, gone))))
        return element.tag not in _KEPT and not _has_content(element)

    def _is_personal(self, element: HtmlElement) -> bool:
        if MAIL_ONLY in element.get("class", "").split():
            return True
        host, links = self._marks.host, self._marks.links
        own = [name for name, value in element.items() if host in value or (name == "href" and value in links)]
        if own and element.tag in _LINKS:
            return True
        for name in own:  # a label around the whole of a mail, for one
            del element.attrib[name]
        return False

    def _mark_reason(self, element: HtmlElement) -> None:
        reason, marker = self._marks.reason, f"{self._marks.host}{_WHY}/"
        if reason and reason in (element.text or ""):
            element.text = (element.text or "").replace(reason, marker)
        if reason and reason in (element.tail or ""):
            element.tail = (element.tail or "").replace(reason, marker)

    def _tokens(self, element: HtmlElement, gone: set[HtmlElement]) -> Iterator[_Token]:
        yield from self._words(element.text)
        for child in element:
            if child.tag not in _INLINE:
                if child not in gone:
                    yield _Break(child)
            else:
                yield _Element(child, is_personal=child in gone)
            yield from self._words(child.tail)

    def _words(self, text: str | None) -> Iterator[_Token]:
        for at, part in enumerate(_SEPARATOR.split(text or "")):
            if at % 2:
                yield _Separator(part)
            else:
                yield from (_Words(words, self._marks.host in words) for words in _SENTENCE.split(part) if words)


def _without_personal(tokens: Sequence[_Token]) -> list[_Token]:
    """The tokens of an element without those that are a reader's own, and what goes with them."""
    kept: list[_Token] = []
    line: list[_Token] = []
    for token in (*tokens, None):
        if token is not None and not isinstance(token, _Break):
            line.append(token)
            continue
        is_cut = any(_is_personal(each) for each in line)
        cleared = _clear_line(line) if is_cut else line
        if is_cut and not any(map(_is_content, cleared)):
            cleared = []
            if token is not None and token.element.tag == "br":  # its line is gone
                token = None  # noqa: PLW2901 - the break goes with the line
            elif kept and isinstance(kept[-1], _Break) and kept[-1].element.tag == "br":
                kept.pop()
        kept += cleared
        if token is not None:
            kept.append(token)
        line = []
    return kept


def _clear_line(line: Sequence[_Token]) -> list[_Token]:
    """What is between the separators of a line, without what is a reader's own."""
    kept: list[_Token] = []
    separator: _Token | None = None
    for part in _split(line):
        if isinstance(part[0], _Separator):
            separator = separator or part[0]
            continue
        cleared = _clear_part(part)
        if not any(map(_is_content, cleared)):
            continue
        if kept and separator is not None:
            kept.append(separator)
        kept += cleared
        separator = None
    return kept


def _split(line: Iterable[_Token]) -> list[list[_Token]]:
    """Separators by themselves, and what is between them; spaces around elements are part of neither."""
    parts: list[list[_Token]] = []
    for token in line:
        if isinstance(token, _Separator) or not parts or isinstance(parts[-1][0], _Separator):
            parts.append([token])
        else:
            parts[-1].append(token)
    return parts


def _clear_part(part: list[_Token]) -> list[_Token]:
    if not any(map(_is_personal, part)):
        return part
    if len("".join(map(_text_of, part))) <= _LONG:
        return []
    sentences: list[list[_Token]] = [[]]
    for token in part:
        if sentences[-1] and isinstance(token, _Words) and re.search(r"[.!?。…]$", _text_of(sentences[-1][-1])):
            sentences.append([])
        sentences[-1].append(token)
    return [token for sentence in sentences if not any(map(_is_personal, sentence)) for token in sentence]


def _is_personal(token: _Token) -> bool:
    return isinstance(token, _Words | _Element) and token.is_personal


def _text_of(token: _Token) -> str:
    if isinstance(token, _Words | _Separator):
        return token.text
    return token.element.text_content()


def _is_content(token: _Token) -> bool:
    if isinstance(token, _Element):
        return token.element.tag == "img" or _has_content(token.element)
    return not isinstance(token, _Separator) and not _BLANK.fullmatch(_text_of(token))


def _has_content(element: HtmlElement) -> bool:
    return next(element.iter("img", "hr"), None) is not None or not _BLANK.fullmatch(element.text_content())


def _has_content_but(row: HtmlElement, gone: set[HtmlElement]) -> bool:
    return any(_has_content(cell) for cell in row if cell not in gone)


def _refill(element: HtmlElement, tokens: Iterable[_Token]) -> None:
    """Put these tokens into an element, in place of what it has."""
    for child in list(element):
        child.tail = None
        element.remove(child)
    element.text = None
    last: HtmlElement | None = None
    for token in tokens:
        if isinstance(token, _Words | _Separator):
            if last is None:
                element.text = (element.text or "") + token.text
            else:
                last.tail = (last.tail or "") + token.text
        else:
            element.append(token.element)
            last = token.element
