"""CSS values as numbers: colours, lengths, and the parts of the shorthands `font` and `background`."""

import re
from functools import lru_cache

import tinycss2.color3

from digest.color import Color

FONT_SIZES = {
    "xx-small": 9.0, "x-small": 10.0, "small": 13.0, "medium": 16.0, "large": 18.0, "x-large": 24.0, "xx-large": 32.0,
}  # fmt: skip
"""Pixels of the size keywords."""
DEFAULT_SIZE = 16.0
_LENGTH = re.compile(r"([+-]?(?:\d+(?:\.\d*)?|\.\d+))(px|pt|pc|in|cm|mm|em|ex|ch|rem|%|)", re.IGNORECASE)
_PIXELS = {"px": 1.0, "pt": 4 / 3, "pc": 16.0, "in": 96.0, "cm": 96 / 2.54, "mm": 96 / 25.4}
_OF_SIZE = {"em": 1.0, "rem": 1.0, "ex": 0.5, "ch": 0.5}
_FONT = re.compile(
    r"(?:[a-z0-9-]+\s+){0,4}?"
    r"(?P<size>[\d.]+(?:px|pt|em|rem|%)|(?:xx?-)?(?:small|large)|medium|smaller|larger)"
    r"(?:\s*/\s*(?P<height>[\w.%]+))?\s+(?P<family>.+)",
    re.IGNORECASE,
)
_WEIGHT = re.compile(r"(?:^|\s)(bold|bolder|[6-9]00)\s", re.IGNORECASE)
_PADDING = ("padding-top", "padding-right", "padding-bottom", "padding-left")
_WIDE = frozenset({"inherit", "initial", "unset", "revert"})


@lru_cache(maxsize=1_024)
def read_color(text: str) -> tuple[Color, float] | None:
    """The colour that a value means and its opacity, 0 to 1; None where it is no colour or depends on another.

    >>> read_color("transparent")
    (Color(red=0, green=0, blue=0), 0.0)
    """
    found = tinycss2.color3.parse_color(text)
    if found is None or isinstance(found, str):
        return None
    red, green, blue, alpha = found
    return Color(*(round(255 * min(max(part, 0), 1)) for part in (red, green, blue))), min(max(alpha, 0), 1)


def blend(color: Color, alpha: float, below: Color) -> Color:
    """What one sees of a colour of that opacity above another."""
    pairs = ((color.red, below.red), (color.green, below.green), (color.blue, below.blue))
    return Color(*(round(alpha * top + (1 - alpha) * bottom) for top, bottom in pairs))


def read_pixels(text: str, size: float = DEFAULT_SIZE) -> float | None:
    """A length in pixels, at a font size of `size`; None for percentages, keywords and anything else.

    >>> read_pixels("12pt")
    16.0
    """
    found = _LENGTH.fullmatch(text.strip())
    if not found or found[2] == "%" or (not found[2] and float(found[1])):
        return None
    unit = found[2].lower()
    return float(found[1]) * (_PIXELS.get(unit) or _OF_SIZE.get(unit, 0.0) * size)


def read_percentage(text: str) -> float | None:
    """50 for `50%`; None for anything else."""
    found = _LENGTH.fullmatch(text.strip())
    return float(found[1]) if found and found[2] == "%" else None


def expand_sides(value: str) -> tuple[str, str, str, str]:
    """Top, right, bottom and left of a value such as that of `padding`.

    >>> expand_sides("1px 2px")
    ('1px', '2px', '1px', '2px')
    """
    top, *rest = value.split()[:4] or ["0"]
    right = rest[0] if rest else top
    bottom = rest[1] if len(rest) > 1 else top
    return top, right, bottom, rest[2] if len(rest) > 2 else right  # noqa: PLR2004 - the fourth side


@lru_cache(maxsize=1_024)
def expand_shorthand(name: str, value: str) -> tuple[tuple[str, str], ...]:
    """The properties that one declaration sets: the parts of a shorthand, or itself."""
    word = value.lower()
    if name == "font":
        return _expand_font(value, word)
    if name == "background":
        color = next((part for part in _parts(value) if part == "currentcolor" or read_color(part)), "transparent")
        return (("background-color", word if word in _WIDE else color),)
    if name == "padding":
        return tuple(zip(_PADDING, expand_sides(value), strict=True))
    return (("overflow-wrap", value),) if name == "word-wrap" else ((name, value),)


def _expand_font(value: str, word: str) -> tuple[tuple[str, str], ...]:
    longhands = ("font-size", "line-height", "font-family", "font-weight")
    if word in _WIDE:
        return tuple((name, word) for name in longhands)
    found = _FONT.fullmatch(value)
    if not found:
        return ()
    weight = _WEIGHT.search(value[: found.start("size")])
    values = (found["size"], found["height"] or "normal", found["family"], weight[1] if weight else "normal")
    return tuple(zip(longhands, values, strict=True))


def _parts(value: str) -> list[str]:
    """The words of a value; a function is one word."""
    return re.findall(r"[\w#%.-]+\([^()]*\)|[^\s/,]+", value)
