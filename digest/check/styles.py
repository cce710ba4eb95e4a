"""CSS: how much of it there is, whether it can be read, and whether mail clients know what it asks for."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import tinycss2.color3
from cssselect import SelectorSyntaxError
from cssselect import parse as parse_selector
from lxml.html import HtmlElement

from digest.check.cascade import MOST_ELEMENTS, compute_styles
from digest.check.css import IN_STYLE_RULE, Declaration, Fault, Spot, Stylesheet, parse_attribute, urls_of, walk
from digest.check.document import HtmlDocument
from digest.check.finding import Finding, Rule
from digest.check.options import CheckOptions
from digest.check.repeats import merge_repeats
from digest.check.support import Feature, Kind, load_support

STYLE_BYTES, STYLE_BYTES_WISE = 16_384, 8_192
RULES = (
    Rule(
        id="SIZE-STYLE",
        title="All style blocks together have at most 16,384 bytes; 8,192 are wise",
        why="Gmail drops every style block after the first 16 KB, with all media and dark-mode rules in it.",
        fix="Move what every client must see into style attributes and take rules out that nothing uses.",
    ),
    Rule(
        id="CSS-FORBID",
        title="No CSS that breaks the mail in some client",
        why="What a client does not know it drops, and the layout that leaned on it falls apart (caniemail).",
        fix="Lay out with table cells, and measure in px, em and %.",
    ),
    Rule(
        id="CSS-AVOID",
        title="No CSS that has no effect, or a bad one, in many clients",
        why="A third of the readers see something else than what was designed (caniemail).",
        fix="Do without it, or check that the mail is as good where it is ignored.",
    ),
    Rule(
        id="CSS-PARSE",
        title="All CSS can be parsed",
        why="Clients that rewrite CSS drop the whole block or attribute at the first thing they cannot read.",
        fix="Close each bracket, string and comment; write declarations as `name: value;`.",
    ),
    Rule(
        id="CSS-NEST",
        title="No rule stands in a style rule, and no at-rule in an at-rule",
        why="Gmail drops a style block that nests at-rules; nested style rules are known to hardly any client.",
        fix="Write both conditions into one @media, and each selector in full.",
    ),
    Rule(
        id="CSS-COLOR",
        title="Colours are #rgb, #rrggbb, names or rgb(r, g, b) with commas",
        why="Gmail drops the whole style attribute at `rgb(0 0 0)`; Word knows neither opacity nor hsl().",
        fix="Write the colour as #rrggbb; for a transparent one the colour that it has above its background.",
    ),
    Rule(
        id="CSS-EXT",
        title="CSS loads nothing: no @import, url() only over https, better no @font-face",
        why="Clients drop @import and block what is not https; web fonts load in Apple Mail and hardly anywhere else.",
        fix="Put the CSS into the mail, and name fonts that readers have.",
    ),
    Rule(
        id="CSS-IMP",
        title="Each declaration in @media is !important, and none in a style attribute is",
        why="Style attributes win over style blocks, so a media rule without it does nothing; "
        "in an attribute it keeps the dark mode's rules from winning.",
        fix="Add !important inside @media, and take it out of style attributes.",
    ),
)
_PLAIN_HASH = re.compile(r"[0-9a-fA-F]{3}(?:[0-9a-fA-F]{3})?")
_COLOR_FUNCTIONS = frozenset({
    "rgb", "rgba", "hsl", "hsla", "hwb", "lab", "lch", "oklab", "oklch", "color", "color-mix", "light-dark",
    "device-cmyk",
})  # fmt: skip
_COLOR_WORDS = frozenset(
    {"inherit", "initial", "unset", "revert", "currentcolor", "transparent", "auto", "invert", "rebeccapurple"}
)
_COLOR_ATTRIBUTES = ("bgcolor", "color", "text", "link", "vlink", "alink")
_COLORED_TAGS = frozenset({"table", "thead", "tbody", "tfoot", "tr", "td", "th", "body", "font", "basefont", "hr"})
_PSEUDO = re.compile(r"(?<![\\:]):{1,2}(-?[a-zA-Z][\w-]*)")


@dataclass(frozen=True, kw_only=True)
class _Place:
    """A declaration or fault with the element whose CSS it is."""

    element: HtmlElement
    is_attribute: bool


def check_styles(document: HtmlDocument, options: CheckOptions) -> Iterator[Finding]:  # noqa: ARG001 - a family's shape
    """Every breach of the rules on CSS; the same declaration is one finding however often it stands there."""
    yield from _check_size(document)
    yield from merge_repeats(_check_blocks(document))
    yield from merge_repeats(_check_declarations(document))
    yield from merge_repeats(_check_attribute_colors(document))


def _check_size(document: HtmlDocument) -> Iterator[Finding]:
    blocks = list(document.find("style"))
    size = sum(len((block.text or "").encode()) for block in blocks)
    found = f"all style blocks together have {size:,} bytes"
    if size > STYLE_BYTES:
        yield document.error("SIZE-STYLE", f"{found}; Gmail drops what is beyond {STYLE_BYTES:,}", blocks[-1])
    elif size > STYLE_BYTES_WISE:
        yield document.warning("SIZE-STYLE", f"{found}; {STYLE_BYTES_WISE:,} are wise", blocks[-1])


def _check_blocks(document: HtmlDocument) -> Iterator[Finding]:
    for element, sheet in compute_styles(document).sheets:
        place = _Place(element=element, is_attribute=False)
        yield from (_parse_finding(document, fault, place) for fault in sheet.faults)
        yield from _check_at_rules(document, sheet, place)
        yield from _check_rules(document, sheet, place)


def _check_at_rules(document: HtmlDocument, sheet: Stylesheet, place: _Place) -> Iterator[Finding]:
    for each in sheet.at_rules:
        name = f"@{each.name}"
        if each.outer:
            around = each.outer[-1] if each.outer[-1] == IN_STYLE_RULE else f"@{each.outer[-1]}"
            message = f"{name} stands in {around}; no at-rule may be nested"
            yield _finding(document, "CSS-NEST", message, each.spot, place)
        elif each.name == "import":
            yield _finding(document, "CSS-EXT", f"{name} loads CSS from elsewhere; clients drop it", each.spot, place)
        elif each.name == "font-face":
            yield _warning(document, "CSS-EXT", f"{name} loads a font, which few clients do", each.spot, place)
        elif feature := load_support().find(Kind.AT_RULE, each.name):
            yield _by_verdict(document, name, feature, each.spot, place)


def _check_rules(document: HtmlDocument, sheet: Stylesheet, place: _Place) -> Iterator[Finding]:
    for rule in sheet.rules:
        if rule.is_nested:
            message = f"the rule {rule.selector} stands in another; write its selector in full"
            yield _finding(document, "CSS-NEST", message, rule.spot, place)
        elif not _is_selector(rule.selector):
            yield _finding(document, "CSS-PARSE", f"{rule.selector} is no selector", rule.spot, place)
        for name in _PSEUDO.findall(rule.selector):
            if feature := load_support().find(Kind.SELECTOR, name):
                yield _by_verdict(document, f":{name}", feature, rule.spot, place)
        weak = [each for each in rule.declarations if not each.is_important]
        if weak and any(name == "media" for name, _ in rule.conditions):
            names = ", ".join(each.name for each in weak)
            message = f"{rule.selector} sets {names} in @media without !important; style attributes win over it"
            yield _finding(document, "CSS-IMP", message, weak[0].spot, place)


def _check_declarations(document: HtmlDocument) -> Iterator[Finding]:
    for element, sheet in compute_styles(document).sheets:
        place = _Place(element=element, is_attribute=False)
        for each in sheet.declarations:
            yield from _check_declaration(document, each, place)
    for element in document.elements[:MOST_ELEMENTS]:
        if not (style := element.get("style")):
            continue
        place = _Place(element=element, is_attribute=True)
        declarations, faults = parse_attribute(style)
        yield from (_parse_finding(document, fault, place) for fault in faults)
        for each in declarations:
            yield from _check_declaration(document, each, place)


def _check_declaration(document: HtmlDocument, each: Declaration, place: _Place) -> Iterator[Finding]:
    if each.is_important and place.is_attribute:
        yield _warning(document, "CSS-IMP", f"{each.name} is !important in a style attribute", each.spot, place)
    if each.name.startswith("mso-"):
        return
    for found, feature in _features(each):
        yield _by_verdict(document, found, feature, each.spot, place)
    for color in _strange_colors(each):
        message = f"{each.name} is {color}; every client reads only #rgb, #rrggbb, names and rgb(r, g, b)"
        yield _finding(document, "CSS-COLOR", message, each.spot, place)
    for url in urls_of(each):
        if not url.lower().startswith("https://"):
            message = f"{each.name} loads {url[:60]!r}; only https is allowed"
            yield _finding(document, "CSS-EXT", message, each.spot, place)


def _features(each: Declaration) -> Iterator[tuple[str, Feature]]:
    """The features that a declaration uses and some client lacks: one where the property itself is one."""
    support = load_support()
    if feature := support.find(Kind.PROPERTY, each.name):
        yield each.name, feature
        return
    for token in walk(each.tokens):
        if token.type == "ident" and (feature := support.find_value(each.name, token.lower_value)):
            yield f"{each.name}: {token.value}", feature
        elif token.type == "dimension" and (feature := support.find(Kind.UNIT, token.lower_unit)):
            yield f"the unit {token.lower_unit} in {each.name}", feature
        elif _is_plain_function(token) and (feature := support.find(Kind.FUNCTION, token.lower_name)):
            yield f"{token.name}() in {each.name}", feature


def _is_plain_function(token: Any) -> bool:
    """Those that are colours have a rule of their own."""
    return bool(token.type == "function" and token.lower_name not in _COLOR_FUNCTIONS)


def _strange_colors(each: Declaration) -> Iterator[str]:
    """Colours in other spellings than those that every client reads, and words that are none."""
    for token in walk(each.tokens):
        is_hash = token.type == "hash" and not _PLAIN_HASH.fullmatch(token.value)
        is_function = token.type == "function" and token.lower_name in _COLOR_FUNCTIONS and not _is_comma_rgb(token)
        if is_hash or is_function:
            yield tinycss2.serialize([token])
    if each.name == "color" or each.name.endswith("-color"):
        words = (token for token in each.tokens if token.type == "ident")
        yield from (word.value for word in words if not _is_color_word(word.lower_value))


def _is_color_word(word: str) -> bool:
    return word in _COLOR_WORDS or tinycss2.color3.parse_color(word) is not None


def _is_comma_rgb(token: Any) -> bool:
    parts = [part for part in token.arguments if part.type != "whitespace"]
    numbers, commas = parts[::2], parts[1::2]
    return (
        token.lower_name == "rgb"
        and len(parts) == len("r,g,b")
        and all(part.type in ("number", "percentage") for part in numbers)
        and all(part.type == "literal" and part.value == "," for part in commas)
    )


def _check_attribute_colors(document: HtmlDocument) -> Iterator[Finding]:
    for element in document.find(*_COLORED_TAGS):
        for name in _COLOR_ATTRIBUTES:
            value = (element.get(name) or "").strip()
            if value and not _is_attribute_color(value):
                snippet = f'{name}="{element.get(name)}"'
                message = f"the attribute {name} is {value[:40]!r}; every client reads only #rrggbb and names"
                yield document.error("CSS-COLOR", message, element, snippet)


def _is_attribute_color(value: str) -> bool:
    digits = value.removeprefix("#")
    is_name = value.isalpha() and (tinycss2.color3.parse_color(value) is not None or value.lower() in _COLOR_WORDS)
    return is_name or bool(_PLAIN_HASH.fullmatch(digits))


def _is_selector(text: str) -> bool:
    """Whether it can be read; what is in parentheses is younger than any parser and taken as it is."""
    if not text or "(" in text:
        return True
    try:
        parse_selector(text)
    except SelectorSyntaxError:
        return False
    return True


def _parse_finding(document: HtmlDocument, fault: Fault, place: _Place) -> Finding:
    return _finding(document, "CSS-PARSE", fault.message, fault.spot, place)


def _by_verdict(document: HtmlDocument, found: str, feature: Feature, spot: Spot, place: _Place) -> Finding:
    if feature.is_forbidden:
        return _finding(document, "CSS-FORBID", f"{found} must not be used: {feature.absence}", spot, place)
    return _warning(document, "CSS-AVOID", f"{found} is better avoided: {feature.absence}", spot, place)


def _finding(document: HtmlDocument, rule: str, message: str, spot: Spot, place: _Place) -> Finding:
    return _at_spot(document.error(rule, message, place.element, spot.snippet), spot)


def _warning(document: HtmlDocument, rule: str, message: str, spot: Spot, place: _Place) -> Finding:
    return _at_spot(document.warning(rule, message, place.element, spot.snippet), spot)


def _at_spot(finding: Finding, spot: Spot) -> Finding:
    return replace(finding, line=None if finding.line is None else finding.line + spot.line - 1)
