"""Layout: tables that Word, phones and screen readers read as they were meant."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace

from lxml.html import HtmlElement

from digest.check.buttons import BTN, check_buttons
from digest.check.cascade import MOST_ELEMENTS, ComputedStyles, compute_styles
from digest.check.css import parse_attribute
from digest.check.document import HtmlDocument
from digest.check.element_style import CELLS
from digest.check.finding import Finding, Part, Rule, error, warning
from digest.check.mso import ConditionalComments, read_conditional_comments, tags_in, word_content
from digest.check.options import CheckOptions
from digest.check.repeats import merge_repeats
from digest.check.source import LineNumbers, Tag
from digest.check.values import read_percentage, read_pixels
from digest.check.view import LIGHT, STRIPPED

WIDEST = 640
FIXED_AT_MOST = 400
RULES = (
    Rule(
        id="LAY-MSO",
        title="Conditional comments and the tables in them are paired",
        why="Outlook's Word engine shows the rest of the mail inside what was never closed, or not at all.",
        fix="Close each <!--[if mso]> with <![endif]-->, and each table, row and cell opened for Word in a later one.",
    ),
    Rule(
        id="LAY-ROLE",
        title='Layout tables have role="presentation", and cellpadding, cellspacing and border of 0',
        why="Screen readers announce all other tables row by row; without the attributes Word adds gaps.",
        fix='Write role="presentation" cellpadding="0" cellspacing="0" border="0"; a data table has <th>.',
    ),
    Rule(
        id="LAY-WIDTH",
        title="Nothing is wider than 640 px",
        why="Preview panes cut it off or scroll sideways; Word shows images at the width of their attribute.",
        fix="Set width and max-width to 640 px at most, also in the comments for Word and on images.",
    ),
    Rule(
        id="LAY-FLUID",
        title="No fixed width of 400 px or more outside comments for Word",
        why="Samsung's and Gmail's apps shrink such a mail until its text cannot be read.",
        fix='Use width="100%" with a max-width, and for images style="width:100%; max-width:600px".',
    ),
    Rule(
        id="LAY-GHOST",
        title="A layout limited by max-width has a table of fixed width for Word around it",
        why="Word ignores max-width: lines run over the whole window.",
        fix='Open <table role="presentation" width="640" …><tr><td> in an [if mso] comment before it; close it behind.',
    ),
    Rule(
        id="LAY-PAD",
        title="Padding is on table cells only",
        why="Word ignores padding on everything else, so that texts stick together.",
        fix="Move the padding to the cell around, or use a margin.",
    ),
    BTN,
)
_WHOLE_PIXELS = re.compile(r"\s*(\d{1,6})(?:\.\d*)?(?:px)?\s*", re.IGNORECASE)
_WIDTHS = ("width", "min-width", "max-width")
_SIDES = ("padding-top", "padding-right", "padding-bottom", "padding-left")
_SPACING = ("cellpadding", "cellspacing", "border")
_LISTS = frozenset({"ul", "ol", "li", "dl", "dd"})
_BOXES = frozenset({"table", "td", "th", "div", "img", "center", "p"})
_LAYOUT_AT_LEAST = 200


def check_layout(document: HtmlDocument, options: CheckOptions) -> Iterator[Finding]:  # noqa: ARG001 - a family's shape
    """Every breach of the rules on layout."""
    styles, comments = compute_styles(document), read_conditional_comments(document)
    yield from _check_comments(document, comments)
    yield from merge_repeats(_check_roles(document))
    yield from merge_repeats(_check_word_tables(document, comments))
    yield from merge_repeats(_check_widths(document, styles))
    yield from merge_repeats(_check_fluidity(document, styles))
    yield from merge_repeats(_check_ghosts(document, styles))
    yield from merge_repeats(_check_padding(document, styles))
    yield from merge_repeats(check_buttons(document, styles))


def pixels_of_attribute(value: str | None) -> int | None:
    """The pixels that a width or height attribute means; None for percentages and what is no number."""
    found = _WHOLE_PIXELS.fullmatch(value or "")
    return int(found[1]) if found else None


def _check_comments(document: HtmlDocument, comments: ConditionalComments) -> Iterator[Finding]:
    lines = LineNumbers(document.source)
    for fault in comments.find_faults():
        snippet = document.source[fault.position : fault.position + 60]
        yield error("LAY-MSO", fault.message, part=Part.HTML, line=lines.at(fault.position), snippet=snippet)


def _check_roles(document: HtmlDocument) -> Iterator[Finding]:
    headed = {_table_around(element) for element in document.find("th", "caption")}
    for table in document.find("table"):
        if table in headed:
            continue
        if table.get("role", "").lower() not in ("presentation", "none"):
            yield document.error("LAY-ROLE", 'a layout table without role="presentation"', table, "<table")
        elif lacking := _lacking(dict(table.attrib)):
            yield document.warning("LAY-ROLE", f"a layout table without {lacking}", table, "<table")


def _check_word_tables(document: HtmlDocument, comments: ConditionalComments) -> Iterator[Finding]:
    """The same for tables in comments for Word, and their width."""
    lines = LineNumbers(document.source)
    for tag in comments.word_tags:
        if tag.is_end or tag.name not in ("table", "td"):
            continue
        attributes = comments.attributes(tag)
        place, snippet = lines.at(tag.start), document.source[tag.start : min(tag.end, tag.start + 80)]
        style = {each.name: each.value for each in parse_attribute(attributes.get("style", ""))[0]}
        width = max(pixels_of_attribute(attributes.get("width")) or 0, read_pixels(style.get("width", "")) or 0)
        if width > WIDEST:
            message = f"a {tag.name} for Word is {width:g} px wide; {WIDEST} px is the most"
            yield error("LAY-WIDTH", message, part=Part.HTML, line=place, snippet=snippet)
        if tag.name == "table":
            yield from _check_word_role(attributes, place, snippet)


def _check_word_role(attributes: Mapping[str, str], line: int, snippet: str) -> Iterator[Finding]:
    if attributes.get("role", "").lower() not in ("presentation", "none"):
        message = 'a table for Word without role="presentation"'
        yield error("LAY-ROLE", message, part=Part.HTML, line=line, snippet=snippet)
    elif lacking := _lacking(attributes):
        yield warning("LAY-ROLE", f"a table for Word without {lacking}", part=Part.HTML, line=line, snippet=snippet)


def _check_widths(document: HtmlDocument, styles: ComputedStyles) -> Iterator[Finding]:
    for element in document.elements[:MOST_ELEMENTS]:
        width = pixels_of_attribute(element.get("width")) or 0
        if width > WIDEST:
            message = f"{element.tag!s} has width={width}; {WIDEST} px is the most"
            yield document.error("LAY-WIDTH", message, element, f'width="{element.get("width")}"')
        for name, pixels in _pixels(styles.declared(element, STRIPPED), _WIDTHS):
            if pixels > WIDEST:
                message = f"{element.tag!s} has {name} {pixels:g} px; {WIDEST} px is the most"
                yield document.error("LAY-WIDTH", message, element, name)
    for block, sheet in styles.sheets:
        for each in sheet.declarations:
            pixels = (read_pixels(each.value) or 0) if each.name in _WIDTHS else 0
            if pixels > WIDEST:
                message = f"a style block has {each.name} {each.value}; {WIDEST} px is the most"
                found = document.error("LAY-WIDTH", message, block, each.spot.snippet)
                yield replace(found, line=found.line and found.line + each.spot.line - 1)


def _check_fluidity(document: HtmlDocument, styles: ComputedStyles) -> Iterator[Finding]:
    for element in document.elements[:MOST_ELEMENTS]:
        if element.tag not in _BOXES:
            continue
        attribute = pixels_of_attribute(element.get("width"))
        found = (_fixed_width(styles.declared(element, view), attribute) for view in styles.narrow_views)
        if fixed := next((width for width in found if width), 0):
            message = f"{element.tag!s} has a fixed width of {fixed:g} px; from {FIXED_AT_MOST} px on it must be fluid"
            yield document.warning("LAY-FLUID", message, element, "width")


def _fixed_width(declared: Mapping[str, str], attribute: int | None) -> float:
    """The width in pixels that nothing can make narrower, where it is too much; else 0."""
    least = read_pixels(declared.get("min-width", "")) or 0
    if least >= FIXED_AT_MOST:
        return least
    if (read_percentage(declared.get("max-width", "")) or 101) <= 100:  # noqa: PLR2004 - per cent
        return 0
    has_style = "width" in declared and declared["width"].lower() not in ("initial", "inherit", "unset", "revert")
    width = read_pixels(declared["width"]) if has_style else attribute
    limit = read_pixels(declared.get("max-width", ""))
    narrowest = min(width or 0, limit) if limit else width or 0
    return narrowest if narrowest >= FIXED_AT_MOST else 0


def _check_ghosts(document: HtmlDocument, styles: ComputedStyles) -> Iterator[Finding]:
    """Word's own table must be open where a layout of limited width begins; columns each need a cell."""
    opened, limited = 0, set[HtmlElement]()
    for node in document.root.iter():
        if not isinstance(node.tag, str):
            opened += sum(_opens_table(tag) for tag in tags_in(word_content(node.text)))
            continue
        parent = node.getparent()
        if parent in limited:
            limited.add(node)
        style = styles.of(node, LIGHT) if node.tag in ("div", "table") else None
        if style is None or style.is_hidden or not _is_limited(node, style.declared):
            continue
        is_column = style.declared.get("display", "").lower() == "inline-block"
        if (node not in limited and not opened) or (is_column and node in limited and not _follows_cell(node)):
            yield _without_ghost(document, node, style.declared["max-width"])
        limited.add(node)


def _is_limited(element: HtmlElement, declared: Mapping[str, str]) -> bool:
    """Whether max-width alone keeps it from filling the window: Word honours a width in pixels."""
    limit = read_pixels(declared.get("max-width", "")) or 0
    has_width = "width" not in declared and pixels_of_attribute(element.get("width")) is not None
    has_width = has_width or bool(read_pixels(declared.get("width", "")))
    return limit >= _LAYOUT_AT_LEAST and not has_width


def _without_ghost(document: HtmlDocument, element: HtmlElement, limit: str) -> Finding:
    report = document.error if element.tag == "div" else document.warning
    message = f"{element.tag!s} has max-width {limit}, which Word ignores, and no table for Word around it"
    return report("LAY-GHOST", message, element, f"max-width:{limit}")


def _opens_table(tag: Tag) -> int:
    return 0 if tag.name != "table" else -1 if tag.is_end else 1


def _follows_cell(element: HtmlElement) -> bool:
    before = element.getprevious()
    if before is None or isinstance(before.tag, str):
        return False
    return any(tag.name == "td" and not tag.is_end for tag in tags_in(word_content(before.text)))


def _check_padding(document: HtmlDocument, styles: ComputedStyles) -> Iterator[Finding]:
    for element in document.elements[:MOST_ELEMENTS]:
        style = styles.of(element, STRIPPED)
        if element.tag in CELLS or element.tag == "a" or style is None or style.is_hidden:
            continue
        if padded := [name for name in _SIDES if _is_some(style.declared.get(name, ""))]:
            message = f"{element.tag!s} has {padded[0]} {style.declared[padded[0]]}; Word knows padding on cells only"
            report = document.warning if element.tag in _LISTS else document.error
            yield report("LAY-PAD", message, element, "padding")


def _is_some(value: str) -> bool:
    return bool(read_pixels(value) or read_percentage(value))


def _pixels(declared: Mapping[str, str], names: tuple[str, ...]) -> Iterator[tuple[str, float]]:
    found = ((name, read_pixels(declared[name])) for name in names if name in declared)
    return ((name, pixels) for name, pixels in found if pixels is not None)


def _lacking(attributes: Mapping[str, str]) -> str:
    return ", ".join(f'{name}="0"' for name in _SPACING if attributes.get(name, "").strip() not in ("0", "0px"))


def _table_around(element: HtmlElement) -> HtmlElement | None:
    return next(element.iterancestors("table"), None)
