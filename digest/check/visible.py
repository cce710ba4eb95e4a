"""The words that a body shows, each with what rules ask of them: who holds them, whether they are hidden."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from lxml import etree
from lxml.html import HtmlElement

from digest.check.document import HtmlDocument
from digest.check.source import CODE

HEADINGS = frozenset(("h1", "h2", "h3", "h4", "h5", "h6"))
_NOT_SHOWN = frozenset(("script", "style", "title", "template"))
PADDING = re.compile(
    r"[\s\xa0\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u2000-\u200f\u202a-\u202f\u2060-\u206f\u2800\u3164\ufeff\uffa0]+"
)
"""Characters without ink: senders fill the inbox row behind a short preheader with them."""
_HIDING = re.compile(
    r"(?:^|;)\s*(?:display\s*:\s*none|visibility\s*:\s*(?:hidden|collapse)|opacity\s*:\s*0?\.?0+(?![.\d])"
    r"|(?:text-indent|margin-left)\s*:\s*-\d{3,})",
    re.IGNORECASE,
)
_FLAT = re.compile(r"(?:^|;)\s*(?:max-)?(?:height|width)\s*:\s*0(?![.\d])", re.IGNORECASE)
_CUT = re.compile(r"(?:^|;)\s*overflow\s*:\s*hidden", re.IGNORECASE)
_DISPLAY = re.compile(r"(?:^|;)\s*display\s*:", re.IGNORECASE)
_FONT_SIZE = re.compile(r"(?:^|;)\s*font(?:-size)?\s*:\s*([^;]*)", re.IGNORECASE)
_NO_SIZE = re.compile(r"0+(?:\.0+)?(?:px|pt|em|%)?\s*(?:[!/]|$)", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True, slots=True)
class Words:
    """One run of text in the body."""

    text: str
    """As decoded, with its spaces."""
    holder: HtmlElement
    """The element it stands in."""
    hidden_by: HtmlElement | None
    """The outermost element that hides it with a style of its own, or None where it is seen."""
    lang: str
    """The nearest language above it, "" where there is none."""
    is_code: bool
    """Whether it is quoted: in code, pre, kbd or samp."""
    link: HtmlElement | None
    """The link around it."""
    heading: HtmlElement | None
    """The heading around it."""
    is_alt: bool = False
    """Whether it is what a picture shows in its place."""

    @property
    def ink(self) -> str:
        """The text without what leaves no ink, each gap one space."""
        return PADDING.sub(" ", self.text).strip()


@dataclass(frozen=True, slots=True)
class _State:
    """What an element hands on to what it holds."""

    is_body: bool = False
    hidden_by: HtmlElement | None = None
    flat_by: HtmlElement | None = None
    """An element with a font size of nothing; a size within it undoes that."""
    lang: str = ""
    is_code: bool = False
    link: HtmlElement | None = None
    heading: HtmlElement | None = None


def words_of(document: HtmlDocument, *, hiding: frozenset[str] = frozenset()) -> Iterator[Words]:
    """Every run of text of the body in order; one without any character but spaces is left out.

    Args:
        document: the page.
        hiding: classes and ids that a style sheet hides.
    """
    states = [_State()]
    for event, element in etree.iterwalk(document.root, events=("start", "end", "comment", "pi")):
        if event == "start":
            states.append(_state_within(element, states[-1], hiding))
            if element.tag == "img":
                yield from _words(element.get("alt"), element, states[-1], is_alt=True)
            yield from _words(element.text, element, states[-1])
            continue
        if event == "end":
            states.pop()
        if (parent := element.getparent()) is not None:
            yield from _words(element.tail, parent, states[-1])


def visible_text(document: HtmlDocument) -> str:
    """What a reader sees of the body, as one line."""
    return " ".join(words.ink for words in words_of(document) if words.hidden_by is None and not words.is_alt)


def style_hides(style: str) -> bool:
    """Whether a style attribute hides an element and all within it."""
    return bool(_HIDING.search(style) or (_FLAT.search(style) and _CUT.search(style)))


def _words(text: str | None, holder: HtmlElement, state: _State, *, is_alt: bool = False) -> Iterator[Words]:
    if text and state.is_body and not text.isspace():
        yield Words(
            text=text,
            holder=holder,
            hidden_by=state.hidden_by if state.hidden_by is not None else state.flat_by,
            lang=state.lang,
            is_code=state.is_code,
            link=state.link,
            heading=state.heading,
            is_alt=is_alt,
        )


def _state_within(element: HtmlElement, above: _State, hiding: frozenset[str]) -> _State:
    style = element.get("style", "")
    hidden_by, flat_by = above.hidden_by, above.flat_by
    if hidden_by is None and _is_hidden(element, style, hiding):
        hidden_by = element
    if size := _FONT_SIZE.search(style):
        flat_by = (element if flat_by is None else flat_by) if _NO_SIZE.match(size[1]) else None
    return _State(
        is_body=(above.is_body or element.tag == "body") and element.tag not in _NOT_SHOWN,
        hidden_by=hidden_by,
        flat_by=flat_by,
        lang=element.get("lang", above.lang),
        is_code=above.is_code or element.tag in CODE,
        link=element if element.tag == "a" and element.get("href") else above.link,
        heading=element if element.tag in HEADINGS else above.heading,
    )


def _is_hidden(element: HtmlElement, style: str, hiding: frozenset[str]) -> bool:
    if "hidden" in element.attrib or style_hides(style):
        return True
    is_hidden_by_class = bool(hiding) and not hiding.isdisjoint(
        (*element.get("class", "").split(), element.get("id", ""))
    )
    return is_hidden_by_class and not _DISPLAY.search(style)
