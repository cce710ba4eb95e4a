"""The style of one element as a reader's eye meets it, computed from that of its parent and its own declarations."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from lxml.html import HtmlElement

from digest.check.values import FONT_SIZES, blend, read_color, read_percentage, read_pixels
from digest.color import Color, contrast

CELLS = frozenset({"td", "th"})
_BOLD = frozenset({"bold", "bolder", "700", "800", "900"})
_NOT_BOLD = frozenset({"normal", "lighter", "100", "200", "300", "400", "500", "600"})
_UA_BOLD = frozenset({"b", "strong", "th", "h1", "h2", "h3", "h4", "h5", "h6"})
_UA_SIZE = {"h1": 2, "h2": 1.5, "h3": 1.17, "h5": 0.83, "h6": 0.67, "small": 0.83, "sub": 0.83, "sup": 0.83, "big": 1.2}
_FONT_ATTRIBUTE = ("", "10px", "13px", "16px", "18px", "24px", "32px", "48px")
_COLORED = frozenset({"table", "thead", "tbody", "tfoot", "tr", "td", "th", "body"})
_INHERITS = frozenset({"inherit", "unset", "revert"})
_BREAKS = frozenset({"break-word", "anywhere"})
NORMAL_LEADING = 1.2


@dataclass(frozen=True, kw_only=True, slots=True)
class ElementStyle:
    """What a rule asks about the look of an element."""

    color: Color | None
    """Of its text; None where it cannot be known."""
    background: Color | None
    """What lies behind its text: its own background or that of the nearest ancestor which has one."""
    size: float = 16.0
    """Font size in pixels."""
    is_bold: bool = False
    family: str = ""
    """The font stack as written."""
    has_own_family: bool = False
    """Whether the stack stands at or below the nearest table cell: Word and old clients do not look above it."""
    leading: float = NORMAL_LEADING
    """Line height as a multiple of the font size."""
    fixed_leading: float | None = None
    """The line height in pixels, where it is a length: that is what descendants inherit."""
    word_break: str = "normal"
    overflow_wrap: str = "normal"
    opacity: float = 1.0
    """Of its text above what is behind it, 0 to 1."""
    is_hidden: bool = False
    declared: Mapping[str, str]
    """The declarations that won, by property; nothing inherited."""

    @property
    def contrast(self) -> float | None:
        """Of its text with what lies behind it, 1 to 21; None where a colour is not known."""
        if not self.color or not self.background:
            return None
        return contrast(blend(self.color, self.opacity, self.background), self.background)

    @property
    def is_large(self) -> bool:
        """Whether WCAG counts its text as large: 24 px, or 18.66 px in bold."""
        return self.size >= (18.66 if self.is_bold else 24)


def presentational_hints(element: HtmlElement) -> tuple[tuple[str, str], ...]:
    """What its attributes say of its look; any style wins over them."""
    tag, hints = element.tag, list[tuple[str, str]]()
    if tag in _COLORED and element.get("bgcolor"):
        hints.append(("background-color", _attribute_color(element.get("bgcolor", ""))))
    if tag == "body" and element.get("text"):
        hints.append(("color", _attribute_color(element.get("text", ""))))
    if tag == "font":
        size = element.get("size", "")
        sizes = [("font-size", _FONT_ATTRIBUTE[int(size)])] if re.fullmatch("[1-7]", size) else []
        found = (("color", _attribute_color(element.get("color", ""))), ("font-family", element.get("face", "")))
        hints += [*sizes, *((name, value) for name, value in found if value)]
    if "hidden" in element.attrib:
        hints.append(("display", "none"))
    return tuple(hints)


def compute_style(tag: str, declared: Mapping[str, str], parent: ElementStyle, link: Color | None) -> ElementStyle:
    """The style of an element; `link` is the client's own colour where the element is a link."""
    size = _size(tag, declared.get("font-size", ""), parent.size)
    background = _background(declared.get("background-color", ""), parent)
    family = declared.get("font-family", "")
    states_family = bool(family) and family.lower() not in _INHERITS
    leading, fixed = _leading(declared.get("line-height", ""), size, parent)
    return replace(
        parent,
        color=_color(declared.get("color", ""), parent, background, link),
        background=background,
        size=size,
        is_bold=_is_bold(tag, declared.get("font-weight", "").lower(), parent),
        family=family if states_family else parent.family,
        has_own_family=states_family or (parent.has_own_family and tag not in CELLS),
        leading=leading,
        fixed_leading=fixed,
        word_break=_keyword(declared.get("word-break", ""), parent.word_break),
        overflow_wrap=_keyword(declared.get("overflow-wrap", ""), parent.overflow_wrap),
        opacity=parent.opacity * _opacity(declared.get("opacity", "")),
        is_hidden=parent.is_hidden or _hides(declared),
        declared=declared,
    )


def breaks_long_words(style: ElementStyle) -> bool:
    """Whether a word longer than its line is broken instead of widening the page."""
    return style.overflow_wrap in _BREAKS or style.word_break in ("break-word", "break-all")


def _attribute_color(value: str) -> str:
    """Attributes may leave the `#` out."""
    return f"#{value}" if re.fullmatch(r"[0-9a-fA-F]{6}", value.strip()) else value.strip()


def _size(tag: str, value: str, inherited: float) -> float:
    word = value.strip().lower()
    if not word:
        return inherited * _UA_SIZE.get(tag, 1)
    if word in FONT_SIZES:
        return FONT_SIZES[word]
    if word in ("smaller", "larger"):
        return inherited * (1.2 if word == "larger" else 0.83)
    percentage = read_percentage(word)
    found = inherited * percentage / 100 if percentage is not None else read_pixels(word, inherited)
    return inherited if found is None else found


def _background(value: str, parent: ElementStyle) -> Color | None:
    if not value or value.lower() in _INHERITS:
        return parent.background
    found = read_color(value)
    if found is None:
        return None if value.lower() != "initial" else parent.background
    color, alpha = found
    if alpha == 1 or parent.background is None:
        return color if alpha == 1 else None
    return blend(color, alpha, parent.background)


def _color(value: str, parent: ElementStyle, background: Color | None, link: Color | None) -> Color | None:
    word = value.lower()
    if not word or word == "revert":
        return link or parent.color
    if word in ("inherit", "unset", "currentcolor"):
        return parent.color
    found = read_color("black" if word == "initial" else word)
    if found is None:
        return None
    color, alpha = found
    return color if alpha == 1 else (blend(color, alpha, background) if background else None)


def _is_bold(tag: str, value: str, parent: ElementStyle) -> bool:
    if value in _BOLD or value in _NOT_BOLD:
        return value in _BOLD
    return parent.is_bold or (tag in _UA_BOLD and value not in _INHERITS)


def _leading(value: str, size: float, parent: ElementStyle) -> tuple[float, float | None]:
    """As a multiple, and in pixels where it is a length."""
    word = value.strip().lower()
    if not word or word in _INHERITS:
        fixed = parent.fixed_leading
        return (fixed / size, fixed) if fixed is not None and size else (parent.leading, fixed)
    if re.fullmatch(r"\d+(?:\.\d*)?|\.\d+", word):
        return float(word), None
    percentage = read_percentage(word)
    pixels = size * percentage / 100 if percentage is not None else read_pixels(word, size)
    return (NORMAL_LEADING, None) if pixels is None or not size else (pixels / size, pixels)


def _opacity(value: str) -> float:
    if (percentage := read_percentage(value)) is not None:
        return min(max(percentage / 100, 0), 1)
    return min(float(value), 1) if re.fullmatch(r"\d{1,4}(?:\.\d*)?|\.\d+", value) else 1


def _keyword(value: str, inherited: str) -> str:
    word = value.strip().lower()
    return inherited if not word or word in _INHERITS else word


def _hides(declared: Mapping[str, str]) -> bool:
    is_gone = declared.get("display", "").lower() == "none"
    if is_gone or declared.get("visibility", "").lower() in ("hidden", "collapse"):
        return True
    if re.fullmatch(r"0*\.?0+%?", declared.get("opacity", "")):
        return True
    is_clipped = declared.get("overflow", declared.get("overflow-y", "")).lower() in ("hidden", "clip")
    heights = (read_pixels(declared.get(name, "")) for name in ("height", "max-height"))
    return is_clipped and any(height == 0 for height in heights)
