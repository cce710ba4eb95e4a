"""An HTML part as rules read it: the source, and its elements in order."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from lxml import etree, html
from lxml.html import HtmlElement

from digest.check.finding import Finding, Part, Severity

_NOT_IN_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_SNIPPET = 80


@dataclass(frozen=True, kw_only=True, eq=False)
class HtmlDocument:
    """One parsed HTML part. Made by `parse_html`."""

    source: str
    """As decoded from the message."""
    root: HtmlElement
    """What libxml2 made of it; its mending is no finding, so rules on structure read the source."""

    @cached_property
    def elements(self) -> tuple[HtmlElement, ...]:
        """Every element in document order, without comments; a finding's `element` counts in it."""
        return tuple(element for element in self.root.iter() if isinstance(element.tag, str))

    @cached_property
    def numbers(self) -> dict[HtmlElement, int]:
        """The position of each element in `elements`."""
        return {element: number for number, element in enumerate(self.elements)}

    def find(self, *tags: str) -> Iterator[HtmlElement]:
        """Every element with one of these tags, in order."""
        return (element for element in self.elements if element.tag in tags)

    def error(self, rule: str, message: str, element: HtmlElement, snippet: str = "") -> Finding:
        """A breach at an element that stops a scheduled send."""
        return self._at(rule, Severity.ERROR, message, element, snippet)

    def warning(self, rule: str, message: str, element: HtmlElement, snippet: str = "") -> Finding:
        """A breach at an element that is worth mending."""
        return self._at(rule, Severity.WARNING, message, element, snippet)

    def _at(self, rule: str, severity: Severity, message: str, element: HtmlElement, snippet: str) -> Finding:
        return Finding(
            rule=rule,
            severity=severity,
            message=message,
            part=Part.HTML,
            line=element.sourceline,
            element=self.numbers.get(element),
            snippet=snippet[:_SNIPPET],
        )


def parse_html(source: str) -> HtmlDocument:
    """Parse any text as HTML; never raises, whatever it holds."""
    readable = _NOT_IN_XML.sub("\N{REPLACEMENT CHARACTER}", source)
    parser = html.HTMLParser(encoding="utf-8", huge_tree=True)
    # libxml2 refuses a document without one element.
    content = readable if readable.strip() else "<html></html>"
    try:
        root = html.document_fromstring(content.encode(), parser=parser)
    except etree.ParserError:
        root = html.document_fromstring(b"<html></html>", parser=parser)
    return HtmlDocument(source=source, root=root)
