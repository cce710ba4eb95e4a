"""Outlook classic: what its Word engine makes of a mail, as far as a browser can imitate it.

What it ignores is taken from caniemail's column outlook/windows, notes included. Conditional comments have been read by
then (`conditions`). Not imitated: Word's own line heights, page breaks in tall tables, its 120 dpi scaling, a cell's
vertical padding spreading over its row, and `display:none` failing to reach nested tables.
"""

import re
from functools import partial
from typing import Any

import tinycss2
import tinycss2.color3
from lxml.html import HtmlElement

from digest.web.preview.css import Rewriting, Tokens, parse_value, rewrite_inline
from digest.web.preview.images_off import pixels_of
from digest.web.preview.tree import Tree, add_style, set_style

_IGNORED = frozenset(
    """accent-color align-content align-items align-self animation aspect-ratio backdrop-filter background-attachment
    background-blend-mode background-clip background-image background-origin background-position background-repeat
    background-size border-image border-spacing bottom box-shadow box-sizing caption-side clear clip-path color-scheme
    column-count column-gap column-rule columns empty-cells filter flex flex-basis flex-direction flex-flow flex-grow
    flex-shrink flex-wrap float gap grid grid-area grid-column grid-row grid-template hyphens inset justify-content
    justify-items justify-self left list-style-image list-style-position mask mask-image max-height max-width min-height
    min-width mix-blend-mode object-fit object-position opacity order outline overflow overflow-wrap overflow-x
    overflow-y place-content place-items position resize right rotate row-gap scale tab-size table-layout
    text-decoration-color text-decoration-line text-decoration-style text-decoration-thickness text-emphasis
    text-overflow text-shadow text-underline-offset text-wrap top transform transition translate user-select visibility
    white-space word-spacing word-wrap writing-mode z-index""".split()  # noqa: SIM905 - easier to read than quoted words
)
"""Properties without any effect, on any element."""
_IGNORED_PIECE = re.compile(r"^--|radius|-(?:block|inline)(?:-|$)")
_IGNORED_UNITS = frozenset(("rem", "vh", "vw", "vmin", "vmax", "ch"))
_KNOWN_FUNCTIONS = frozenset(("rgb", "url"))
"""calc(), clamp(), var(), rgba() and gradients cost the whole declaration."""
_KNOWN_SELECTOR = re.compile(r"(?:[\w-]+(?::link)?|[\w-]*[.#][\w-]+)(?:[\s,]+(?:[\w-]+(?::link)?|[\w-]*[.#][\w-]+))*")
"""Types, classes, ids, descendants and lists of them."""
_NOT_SIZED = frozenset(("body", "span", "div", "p", "a"))
_HIDDEN = re.compile(r"mso-hide\s*:\s*all", re.IGNORECASE)
_BOLD = 600
_SHAPE = "display:inline-block; text-align:center; vertical-align:top; text-decoration:none"
_SHAPES = frozenset(("v:rect", "v:roundrect", "v:oval", "v:shape"))


def imitate_word(tree: Tree) -> None:
    """Take out what Word ignores, let width attributes win, and draw VML shapes as plain boxes."""
    shapes = {element: element.get("style", "") for element in tree.elements() if element.tag in _SHAPES}
    for element in tree.elements():
        _imitate_on(element)
    tree.rewrite(Rewriting(value=_value, at_rule=_no_condition_is_known, selector=_is_known_selector))
    for element in tree.elements():
        if element.tag in ("img", "table"):
            _let_attributes_win(element)
    for shape, style in shapes.items():
        _draw_shape(shape, style)


def word_sheet() -> str:
    """What depends on the element, for rules of style sheets: padding and sizes hold on tables and cells only."""
    return (
        "p, div, a, span, h1, h2, h3, h4, h5, h6, table, img { padding: 0 !important; }\n"
        "p, div, span, a { width: auto !important; height: auto !important; }\n"
        "img { max-width: none !important; }"
    )


def _imitate_on(element: HtmlElement) -> None:
    style = element.attrib.pop("style", "")
    set_style(element, rewrite_inline(style, Rewriting(value=partial(_value_on, str(element.tag)))))
    if _HIDDEN.search(style):
        add_style(element, "display:none")
    if element.tag != "body":
        element.attrib.pop("background", None)


def _value_on(tag: str, name: str, value: Tokens) -> Tokens | None:
    """The value of an inline declaration on one kind of element."""
    is_padding = name.startswith("padding") and tag not in ("td", "th")
    is_size = (name == "width" and (tag in _NOT_SIZED or tag == "img")) or (name == "height" and tag in _NOT_SIZED)
    is_margin = name.startswith("margin") and tag in ("span", "body")
    is_hidden_image = name == "display" and tag == "img"
    return None if is_padding or is_size or is_margin or is_hidden_image else value


def _value(name: str, value: Tokens) -> Tokens | None:
    if name in _IGNORED or _IGNORED_PIECE.search(name) or not all(map(_is_known, value)):
        return None
    words = [token.lower_value for token in value if token.type == "ident"]
    match name:
        case "background":
            return _first_color(value)
        case "display":
            return value if "none" in words else None
        case "font-weight":
            return _weight(value)
        case _ if name.startswith("margin"):
            return _margin(value)
        case _:
            return value


def _is_known(token: Any) -> bool:
    if token.type == "function":
        return token.lower_name in _KNOWN_FUNCTIONS
    return not (token.type == "dimension" and token.lower_unit in _IGNORED_UNITS)


def _first_color(value: Tokens) -> Tokens | None:
    """Of the shorthand Word reads the colour alone (css-background, note 3)."""
    return next(([token] for token in value if tinycss2.color3.parse_color(token) is not None), None)


def _weight(value: Tokens) -> Tokens:
    """Below 600 is normal, the rest is bold (css-font-weight, note 2)."""
    number = next((token.value for token in value if token.type == "number"), None)
    return value if number is None else parse_value("bold" if number >= _BOLD else "normal")


def _margin(value: Tokens) -> Tokens | None:
    """No negative margins, and auto is none (css-margin, notes 1 and 4)."""
    if any(token.type in ("dimension", "number", "percentage") and token.value < 0 for token in value):
        return None
    is_auto = {id(token) for token in value if token.type == "ident" and token.lower_value == "auto"}
    return [replaced for token in value for replaced in (parse_value("0") if id(token) in is_auto else [token])]


def _no_condition_is_known(_name: str, _condition: str) -> None:
    """No @media, @supports or @keyframes at all."""


def _is_known_selector(selector: str) -> bool:
    return _KNOWN_SELECTOR.fullmatch(selector) is not None


def _let_attributes_win(element: HtmlElement) -> None:
    """Word sizes pictures by their attributes alone, and tables by them where they are there."""
    for side in ("width", "height") if element.tag == "img" else ("width",):
        pixels, written = pixels_of(element, side), element.get(side, "").strip()
        if pixels is not None:
            add_style(element, f"{side}:{pixels}px !important")
        elif re.fullmatch(r"\d{1,3}%", written):
            add_style(element, f"{side}:{written} !important")
        elif element.tag == "img":
            add_style(element, f"{side}:auto !important")
    if element.tag == "table" and element.get("align", "").lower() == "center":
        add_style(element, "margin-left:auto !important", "margin-right:auto !important")


def _draw_shape(shape: HtmlElement, style: str) -> None:
    """A VML shape as a box of its size and fill; gradients, pictures and curves are left out."""
    declared = {
        node.lower_name: tinycss2.serialize(node.value).strip()
        for node in tinycss2.parse_blocks_contents(style)
        if node.type == "declaration"
    }
    kept = [f"{side}:{declared[side]} !important" for side in ("width", "height") if side in declared]
    lines = [f"line-height:{declared['height']}"] if "height" in declared else []
    is_filled = shape.get("filled", "t").lower()[:1] != "f"
    fill = [f"background-color:{shape.get('fillcolor', '#ffffff').split('[')[0].strip()}"] if is_filled else []
    is_stroked = shape.get("stroked", "t" if shape.get("strokecolor") else "f").lower()[:1] != "f"
    stroke = [f"border:1px solid {shape.get('strokecolor', '#000000')}"] if is_stroked else []
    shape.tag = "a" if shape.get("href") else "span"
    shape.attrib.pop("style", None)
    add_style(shape, _SHAPE, *kept, *lines, *fill, *stroke)
