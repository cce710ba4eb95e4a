"""The cascade: which declarations win on which element in which view, and the styles that follow from them.

Selectors are matched by lxml, from cssselect's translation. What cannot be matched safely in a document of any size is
left out: costly selectors, and all of them in a document far larger than any client shows whole.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache

from cssselect import HTMLTranslator, SelectorError, parse
from lxml import etree
from lxml.html import HtmlElement

from digest.check.css import Declaration, StyleRule, parse_attribute, parse_stylesheet
from digest.check.document import HtmlDocument
from digest.check.element_style import ElementStyle, compute_style, presentational_hints
from digest.check.values import expand_shorthand
from digest.check.view import BLACK, DARK, DARK_CANVAS, DARK_PHONE, LIGHT, LIGHT_PHONE, STRIPPED, WHITE, View
from digest.color import Color

MOST_ELEMENTS = 30_000
"""Elements beyond this have no style: 75 KB, the most that a client shows whole, cannot hold them."""
_MOST_MATCHED = 3_000
_DEEPEST_MATCHED = 100
_MOST_RELATED = 150_000
"""Elements times rules; beyond it only selectors of a single element are matched, as relations are not linear."""
_MOST_RULES = 400
_COSTLY = re.compile(r"[+~]|\*[\s>]+\*|:(?:has|nth|only|first-of|last-of)\b", re.IGNORECASE)
_MOST_PARTS = 8
_LINK, _DARK_LINK = Color(0, 0, 238), Color(158, 158, 255)
_READ = frozenset({
    "color", "background", "background-color", "font", "font-size", "font-family", "font-weight", "line-height",
    "word-break", "overflow-wrap", "word-wrap", "display", "visibility", "opacity", "overflow", "overflow-y", "height",
    "max-height", "min-height", "width", "max-width", "min-width", "padding", "padding-top", "padding-bottom",
    "padding-left", "padding-right", "border", "border-collapse", "color-scheme", "mso-hide", "mso-padding-alt",
})  # fmt: skip
"""The properties that some rule asks for."""


@dataclass(frozen=True, kw_only=True)
class _Entry:
    """One style rule under one of its selectors."""

    rank: tuple[int, int, int, int]
    """Specificity, then place in the document."""
    rule: StyleRule
    values: tuple[tuple[str, str, bool], ...]
    """Property, value, whether important: shorthands expanded."""


class ComputedStyles:
    """The style of every element in every view. Get one from `compute_styles`."""

    def __init__(self, document: HtmlDocument) -> None:
        self._document = document
        self._elements = document.elements[:MOST_ELEMENTS]
        self.sheets = tuple((element, parse_stylesheet(element.text or "")) for element in document.find("style"))
        """Each style block with what it holds; those in comments for Word are none."""

    @cached_property
    def views(self) -> tuple[View, ...]:
        """Light mode, light mode on a phone, and without style blocks: those that differ."""
        return tuple(self._distinct((LIGHT, LIGHT_PHONE, STRIPPED)))

    @cached_property
    def dark_views(self) -> tuple[View, ...]:
        """Dark mode, and dark mode on a phone: those that differ."""
        return tuple(self._distinct((DARK, DARK_PHONE)))

    @property
    def narrow_views(self) -> tuple[View, ...]:
        """Light mode on a phone, and without style blocks."""
        phone = LIGHT_PHONE if LIGHT_PHONE in self.views else LIGHT
        return phone, STRIPPED

    def of(self, element: HtmlElement, view: View) -> ElementStyle | None:
        """The style of an element; None beyond `MOST_ELEMENTS`."""
        return self._in_view(view).get(element)

    def declared(self, element: HtmlElement, view: View) -> Mapping[str, str]:
        """The declarations that won on an element, by property, shorthands of font and padding expanded."""
        style = self.of(element, view)
        return style.declared if style else {}

    @cached_property
    def supports_dark(self) -> bool:
        """Whether the mail says that it has a dark mode, so that a client gives it a dark canvas."""
        named = (meta.get("content", "") for meta in self._document.find("meta") if _names_color_scheme(meta))
        declared = (
            each.value for _, sheet in self.sheets for each in sheet.declarations if each.name == "color-scheme"
        )
        return any("dark" in text.lower() for text in (*named, *declared))

    def _distinct(self, views: Iterable[View]) -> Iterator[View]:
        seen = set[tuple[int, ...]]()
        for view in views:
            shown = tuple(number for number, each in enumerate(self._rules) if _applies(each, view))
            if shown not in seen:
                seen.add(shown)
                yield view

    @cached_property
    def _rules(self) -> tuple[StyleRule, ...]:
        rules = (rule for _, sheet in self.sheets for rule in sheet.rules if not rule.is_nested)
        relevant = [rule for rule in rules if any(each.name in _READ for each in rule.declarations)]
        return tuple(relevant[:_MOST_RULES])

    @cached_property
    def _entries(self) -> Mapping[HtmlElement, tuple[_Entry, ...]]:
        """Which rules speak of which element, weakest first."""
        if len(self._elements) > _MOST_MATCHED or _is_deep(self._elements):
            return {}
        found: dict[HtmlElement, list[_Entry]] = {}
        for number, rule in enumerate(self._rules):
            values = _expanded(rule.declarations)
            for specificity, elements in self._matched(rule.selector):
                entry = _Entry(rank=(*specificity, number), rule=rule, values=values)
                for element in elements:
                    found.setdefault(element, []).append(entry)
        return {element: tuple(sorted(entries, key=lambda entry: entry.rank)) for element, entries in found.items()}

    def _matched(self, selector: str) -> tuple[tuple[tuple[int, int, int], tuple[HtmlElement, ...]], ...]:
        """What each selector of a list matches, with its specificity."""
        if selector not in self._matches:
            is_costly = len(self._elements) * len(self._rules) > _MOST_RELATED
            self._matches[selector] = tuple(
                (specificity, _evaluate(expression, self._document.root))
                for specificity, is_simple, expression in _compile_selectors(selector)
                if is_simple or not is_costly
            )
        return self._matches[selector]

    @cached_property
    def _matches(self) -> dict[str, tuple[tuple[tuple[int, int, int], tuple[HtmlElement, ...]], ...]]:
        """What was matched already: the dark rules of a digest name what its light ones name."""
        return {}

    def _in_view(self, view: View) -> Mapping[HtmlElement, ElementStyle]:
        if view not in self._styles:
            self._styles[view] = dict(self._compute(view))
        return self._styles[view]

    @cached_property
    def _styles(self) -> dict[View, Mapping[HtmlElement, ElementStyle]]:
        return {}

    def _compute(self, view: View) -> Iterator[tuple[HtmlElement, ElementStyle]]:
        """Parents come before their children, so that each finds what it inherits."""
        is_dark = view.is_dark and self.supports_dark
        canvas, text = (DARK_CANVAS, WHITE) if is_dark else (WHITE, BLACK)
        start = ElementStyle(color=text, background=canvas, declared={})
        link = _DARK_LINK if is_dark else _LINK
        done: dict[HtmlElement | None, ElementStyle] = {}
        known: dict[tuple[object, ...], ElementStyle] = {}
        for element in self._elements:
            parent = done.get(element.getparent(), start)
            declared = self._declared(element, view)
            own_link = link if element.tag == "a" and "href" in element.attrib else None
            key = (id(parent), element.tag, id(declared), own_link)
            if key not in known:
                known[key] = compute_style(str(element.tag), declared, parent, own_link)
            done[element] = known[key]
            yield element, known[key]

    def _declared(self, element: HtmlElement, view: View) -> Mapping[str, str]:
        entries = self._entries.get(element, ()) if view.reads_blocks else ()
        shown = tuple(entry for entry in entries if view.shows(entry.rule.conditions))
        hints = presentational_hints(element) if element.attrib else ()
        key = (hints, tuple(map(id, shown)), element.get("style", ""))
        if key not in self._winners:
            self._winners[key] = _cascade(hints, shown, key[2])
        return self._winners[key]

    @cached_property
    def _winners(self) -> dict[tuple[object, ...], Mapping[str, str]]:
        """What won, by what took part: most elements of a digest share it with another."""
        return {}


@lru_cache(maxsize=1)
def compute_styles(document: HtmlDocument) -> ComputedStyles:
    """The styles of a document; kept while rule after rule asks for the same one."""
    return ComputedStyles(document)


def _cascade(hints: tuple[tuple[str, str], ...], entries: tuple[_Entry, ...], inline: str) -> Mapping[str, str]:
    """Attributes, then style blocks, then the style attribute; and once more, what is important."""
    attribute = _expanded(parse_attribute(inline)[0]) if inline else ()
    values = [*(value for entry in entries for value in entry.values), *attribute]
    winners = dict(hints)
    for important in (False, True):
        winners |= {name: value for name, value, is_important in values if is_important is important}
    return winners


def _expanded(declarations: Iterable[Declaration]) -> tuple[tuple[str, str, bool], ...]:
    return tuple(
        (name, value, each.is_important)
        for each in declarations
        for name, value in expand_shorthand(each.name, each.value)
    )


def _applies(rule: StyleRule, view: View) -> bool:
    return view.reads_blocks and view.shows(rule.conditions)


def _names_color_scheme(meta: HtmlElement) -> bool:
    return meta.get("name", "").lower() in ("color-scheme", "supported-color-schemes")


def _is_deep(elements: Iterable[HtmlElement]) -> bool:
    depth: dict[HtmlElement | None, int] = {}
    for element in elements:
        depth[element] = depth.get(element.getparent(), 0) + 1
        if depth[element] > _DEEPEST_MATCHED:
            return True
    return False


@lru_cache(maxsize=1_024)
def _compile_selectors(text: str) -> tuple[tuple[tuple[int, int, int], bool, etree.XPath], ...]:
    """Each selector of a list: its specificity, whether it is about one element alone, and what finds it.

    Selectors that are costly, unknown or about a pseudo-element are left out.
    """
    if _COSTLY.search(text) or text.count("(") > _MOST_PARTS:
        return ()
    try:
        selectors = [each for each in parse(text) if each.pseudo_element is None]
        translate = HTMLTranslator().selector_to_xpath
        return tuple(
            (each.specificity(), " " not in each.canonical(), etree.XPath(translate(each)))
            for each in selectors
            if each.canonical().count(" ") <= _MOST_PARTS
        )
    except (SelectorError, etree.XPathError, RecursionError):
        return ()


def _evaluate(expression: etree.XPath, root: HtmlElement) -> tuple[HtmlElement, ...]:
    found = expression(root)
    return tuple(each for each in found if isinstance(each, HtmlElement)) if isinstance(found, list) else ()
