"""Buttons: links that are meant to be pressed, as Word and thumbs need them."""

import re
from collections.abc import Iterator, Mapping

from lxml.html import HtmlElement

from digest.check.cascade import ComputedStyles
from digest.check.document import HtmlDocument
from digest.check.element_style import CELLS, ElementStyle
from digest.check.finding import Finding, Rule
from digest.check.mso import word_content
from digest.check.values import read_color, read_pixels
from digest.check.view import STRIPPED
from digest.check.visible import PADDING

LOWEST = 40
BTN = Rule(
    id="BTN",
    title="A button is a coloured cell, or drawn in VML for Word, and at least 40 px tall",
    why="Word ignores the padding of links and colours only behind the words; thumbs miss what is lower.",
    fix="Give the cell around the link its colour and padding (12px 24px), or a VML shape in a comment for Word.",
)
_VML = re.compile(r"<v:(?:round)?rect\b", re.IGNORECASE)
_VERTICAL = ("padding-top", "padding-bottom")
_SIDES = (*_VERTICAL, "padding-left", "padding-right")


def check_buttons(document: HtmlDocument, styles: ComputedStyles) -> Iterator[Finding]:
    """Every button that Word draws otherwise than meant, or that is too low."""
    for link in document.find("a"):
        style = styles.of(link, STRIPPED)
        if not link.get("href") or style is None or style.is_hidden:
            continue
        cell = next(link.iterancestors(*CELLS), None)
        around = styles.of(cell, STRIPPED) if cell is not None else None
        is_cell_button = cell is not None and around is not None and _is_button_cell(cell, around, link, styles)
        if not is_cell_button and not _is_button_link(link, style, styles):
            continue
        if not _is_drawn_for_word(link) and (fault := _fault_in_word(style, around if is_cell_button else None)):
            yield document.warning("BTN", fault, link, (link.text or "").strip())
        elif (height := _height(link, cell if is_cell_button else None, style, around)) < LOWEST:
            message = f"a button is {height:g} px tall; thumbs need {LOWEST}"
            yield document.warning("BTN", message, link, (link.text or "").strip())


def _is_button_link(link: HtmlElement, style: ElementStyle, styles: ComputedStyles) -> bool:
    """A link with a colour or a border of its own and room around its words."""
    declared, parent = style.declared, link.getparent()
    behind = styles.of(parent, STRIPPED) if parent is not None else None
    is_coloured = _paints(declared) and behind is not None and behind.background != style.background
    is_framed = (_frame(declared) or 0) > 0
    is_box = declared.get("display", "").lower() in ("block", "inline-block") or _padding(declared, _SIDES) > 0
    return (is_coloured or is_framed) and is_box


def _is_button_cell(cell: HtmlElement, around: ElementStyle, link: HtmlElement, styles: ComputedStyles) -> bool:
    """The only cell of a table, coloured, with nothing in it but the words of one link."""
    table = next(cell.iterancestors("table"), None)
    outside = table.getparent() if table is not None else None
    behind = styles.of(outside, STRIPPED) if outside is not None else None
    if table is None or behind is None or around.background == behind.background:
        return False
    cells = table.iter(*CELLS)
    is_alone = next(cells, None) is cell and next(cells, None) is None
    return is_alone and _holds_only(cell, link)


def _holds_only(cell: HtmlElement, link: HtmlElement) -> bool:
    words = PADDING.sub("", str(link.text_content()))
    return bool(words) and PADDING.sub("", str(cell.text_content())) == words and next(cell.iter("img"), None) is None


def _is_drawn_for_word(link: HtmlElement) -> bool:
    nodes = (node for node in link.itersiblings(preceding=True) if not isinstance(node.tag, str))
    return any(_VML.search(word_content(node.text)) for node in nodes)


def _fault_in_word(style: ElementStyle, cell: ElementStyle | None) -> str:
    """What Word makes of it that was not meant; "" where nothing."""
    if cell is None:
        return "a button's colour or frame is on the link; Word draws it on cells only"
    word_padding = cell.declared.get("mso-padding-alt", "")
    has_room = _padding(cell.declared, _VERTICAL) > 0 or bool(re.search("[1-9]", word_padding))
    if _padding(style.declared, _SIDES) > 0 and not has_room and not _declared_height(cell.declared):
        return "a button's padding is on the link; Word knows padding on cells only"
    return ""


def _height(link: HtmlElement, cell: HtmlElement | None, style: ElementStyle, around: ElementStyle | None) -> float:
    """Of the coloured area around one line of words, in pixels."""
    line = style.size * style.leading
    inner = max(line + _padding(style.declared, _VERTICAL), _declared_height(style.declared), _attribute(link))
    if cell is None or around is None:
        return inner
    return max(inner + _padding(around.declared, _VERTICAL), _declared_height(around.declared), _attribute(cell))


def _paints(declared: Mapping[str, str]) -> bool:
    found = read_color(declared.get("background-color", ""))
    return found is not None and found[1] > 0


def _frame(declared: Mapping[str, str]) -> float | None:
    """The width of its border in pixels, where it has one."""
    words = declared.get("border", "").lower().split()
    return None if "none" in words else next((width for word in words if (width := read_pixels(word))), None)


def _padding(declared: Mapping[str, str], names: tuple[str, ...]) -> float:
    return sum(read_pixels(declared.get(name, "")) or 0 for name in names)


def _declared_height(declared: Mapping[str, str]) -> float:
    return max(read_pixels(declared.get(name, "")) or 0 for name in ("height", "min-height"))


def _attribute(element: HtmlElement) -> float:
    value = element.get("height", "").removesuffix("px")
    return float(value) if value.isascii() and value.isdigit() else 0
