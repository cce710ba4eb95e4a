"""Colours as numbers: reading CSS's spellings, contrast by WCAG 2.2, and the nearest colour that can be read."""

import colorsys
import re
from dataclasses import dataclass
from functools import cache

READABLE = 4.5
"""Contrast that text must have (WCAG 2.2, 1.4.3)."""
READABLE_LARGE = 3.0
"""Contrast that large text must have: 24 px, or 18.66 px in bold."""
_HEX = re.compile(r"#(?:[0-9a-f]{3}|[0-9a-f]{6})", re.IGNORECASE)
_RGB = re.compile(r"rgb\(\s*(\d{1,3})\s*,\s*(\d{1,3})\s*,\s*(\d{1,3})\s*\)", re.IGNORECASE)
_NAMES = {
    "black": "#000000", "silver": "#c0c0c0", "gray": "#808080", "grey": "#808080", "white": "#ffffff",
    "maroon": "#800000", "red": "#ff0000", "purple": "#800080", "fuchsia": "#ff00ff", "green": "#008000",
    "lime": "#00ff00", "olive": "#808000", "yellow": "#ffff00", "navy": "#000080", "blue": "#0000ff",
    "teal": "#008080", "aqua": "#00ffff", "orange": "#ffa500",
}  # fmt: skip
"""The basic colour keywords: those that every mail client knows."""


@dataclass(frozen=True)
class Color:
    """An opaque sRGB colour, each part 0 to 255."""

    red: int
    green: int
    blue: int

    def __str__(self) -> str:
        """As every client reads it: `#rrggbb`."""
        return f"#{self.red:02x}{self.green:02x}{self.blue:02x}"

    @property
    def luminance(self) -> float:
        """Relative luminance, 0 to 1 (WCAG 2.2)."""
        return 0.2126 * _linear(self.red) + 0.7152 * _linear(self.green) + 0.0722 * _linear(self.blue)


def parse_color(text: str) -> Color | None:
    """The colour that `#rgb`, `#rrggbb`, `rgb(r, g, b)` or a basic name means; None for any other spelling.

    >>> str(parse_color("#a20"))
    '#aa2200'
    """
    word = text.strip().lower()
    word = _NAMES.get(word, word)
    if _HEX.fullmatch(word):
        digits = word[1:] if len(word) == len("#rrggbb") else "".join(2 * digit for digit in word[1:])
        return Color(*bytes.fromhex(digits))
    if (found := _RGB.fullmatch(word)) and all(int(part) <= 255 for part in found.groups()):  # noqa: PLR2004 - a byte
        return Color(*(int(part) for part in found.groups()))
    return None


def contrast(one: Color, other: Color) -> float:
    """The contrast ratio of two colours, 1 to 21, in either order (WCAG 2.2).

    >>> contrast(Color(0, 0, 0), Color(255, 255, 255))
    21.0
    """
    low, high = sorted((one.luminance, other.luminance))
    return round((high + 0.05) / (low + 0.05), 4)


def nearest_readable(color: Color, *backgrounds: Color, ratio: float = READABLE) -> Color:
    """The colour of the same hue nearest in lightness that can be read on all backgrounds; itself where it can.

    Backgrounds that no one colour can be read on give black or white, whichever does better.
    """
    hue, lightness, saturation = colorsys.rgb_to_hls(color.red / 255, color.green / 255, color.blue / 255)
    steps = sorted((step / 200 for step in range(201)), key=lambda step: abs(step - lightness))
    for step in (lightness, *steps):
        found = Color(*(round(part * 255) for part in colorsys.hls_to_rgb(hue, step, saturation)))
        if all(contrast(found, background) >= ratio for background in backgrounds):
            return found
    extremes = (Color(0, 0, 0), Color(255, 255, 255))
    return max(extremes, key=lambda extreme: min(contrast(extreme, background) for background in backgrounds))


@cache
def _linear(part: int) -> float:
    share = part / 255
    return share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4  # noqa: PLR2004 - sRGB's own
