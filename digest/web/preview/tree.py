"""The HTML part as one pane changes it: taken apart, numbered, and put together again as a whole document."""

from collections.abc import Callable
from dataclasses import dataclass
from html import escape

from lxml import etree
from lxml.html import HtmlElement

from digest.check.document import parse_html
from digest.web.preview.css import Rewriting, rewrite_inline, rewrite_sheet

NUMBER = "data-element"
"""Attribute with an element's position in `HtmlDocument.elements`, by which findings point at it."""


@dataclass(kw_only=True, eq=False)
class Tree:
    """A mail's HTML part in pieces; the functions of the panes change it in place."""

    root: HtmlElement
    """The html element; of its children only the body is shown."""
    body: HtmlElement
    sheets: list[str]
    """The author's style sheets in order, wherever they stood."""

    def elements(self) -> list[HtmlElement]:
        """The html element, the body, and everything in it, without comments."""
        return [self.root, *(element for element in self.body.iter() if isinstance(element.tag, str))]

    def rewrite(self, rewriting: Rewriting) -> None:
        """Rewrite style sheets and style attributes alike."""
        self.sheets = [rewrite_sheet(sheet, rewriting) for sheet in self.sheets]
        for element in self.elements():
            if style := element.attrib.pop("style", ""):
                set_style(element, rewrite_inline(style, rewriting))


def open_tree(html: str, *, reveal: Callable[[str], str] | None = None) -> Tree:
    """Parse and number a document; never raises, whatever it holds.

    Args:
        html: the part as decoded from the message.
        reveal: changes the numbered source before it is parsed for good: conditional comments need that, as the
            pieces of markup in them are no whole elements.
    """
    document = parse_html(html)
    for number, element in enumerate(document.elements):
        element.set(NUMBER, str(number))
    root = document.root
    if reveal is not None:
        root = parse_html(reveal(etree.tostring(root, method="html", encoding="unicode"))).root
    body = root.find("body")
    if body is None:
        body = etree.SubElement(root, "body")
    return Tree(root=root, body=body, sheets=_take_sheets(root))


def close_tree(tree: Tree, *, policy: str, sheet: str) -> str:
    """The whole document.

    Args:
        tree: as the pane made it.
        policy: Content-Security-Policy of the document.
        sheet: what the pane adds after the author's own sheets.
    """
    sheets = "".join(f"<style>{css}</style>\n" for css in (*tree.sheets, sheet) if css.strip())
    body = etree.tostring(tree.body, method="html", encoding="unicode", with_tail=False)
    attributes = "".join(f' {name}="{escape(value)}"' for name, value in tree.root.attrib.items())
    return (
        f'<!DOCTYPE html>\n<html{attributes}>\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{escape(policy)}">\n'
        '<meta name="referrer" content="no-referrer">\n<meta http-equiv="x-dns-prefetch-control" content="off">\n'
        f"{sheets}</head>\n{body}\n</html>\n"
    )


def add_style(element: HtmlElement, *declarations: str) -> None:
    """Put declarations behind those an element has."""
    own = element.get("style", "").strip().rstrip(";")
    set_style(element, "; ".join(filter(None, (own, *declarations))))


def set_style(element: HtmlElement, style: str) -> None:
    """Give an element a style attribute, or none for an empty one."""
    if style:
        element.set("style", style)


def _take_sheets(root: HtmlElement) -> list[str]:
    """The texts of style elements, which leave the tree; a media attribute becomes the rule it stands for."""
    sheets = []
    for style in list(root.iter("style")):
        css, media = style.text or "", style.get("media", "")
        sheets.append(f"@media {media} {{\n{css}\n}}" if media else css)
        style.drop_tree()
    return sheets
