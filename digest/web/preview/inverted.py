"""Dark mode by force: what clients do to a mail's colours that ask nobody.

Three families are told apart (Litmus, "Ultimate guide to dark mode"): no change (Gmail and Yahoo in a browser), partial
inversion (Outlook.com turns light backgrounds and dark text only), and full inversion (Gmail on iOS, Outlook on
Windows): every colour changes sides, so that a dark header turns light. Full inversion is modelled, as the harder of
the two: on a mail with light backgrounds both look alike. Gmail turns `background:#000; color:#fff` into
`background:#fff; color:#000` (hteumeuleu.com 2021, "Fixing Gmail's dark mode issues with CSS blend modes"); Outlook's
own editor mirrors CIE lightness and keeps the other two axes, over a floor of #333333 (microsoft/roosterjs,
`getDarkColor`). Here lightness L* becomes 100 - L*, without a floor, and hue stays. Pictures stay as they are and
`prefers-color-scheme` is not known, as on Gmail. The exact figures of either client are not published: approximate.
"""

import re
from typing import Any

import tinycss2.color3

from digest.color import Color
from digest.web.preview.css import Rewriting, Tokens, map_tokens, parse_value
from digest.web.preview.tree import Tree

_COLORED = re.compile(r"color|background|border|outline|shadow|fill|stroke|column-rule|text-decoration|text-emphasis")
_ATTRIBUTES = ("bgcolor", "color", "text", "link", "vlink", "alink", "bordercolor")
_WHITE_POINT = (0.95047, 1.0, 1.08883)
"""D65, as in sRGB."""
_TO_XYZ = ((0.4124564, 0.3575761, 0.1804375), (0.2126729, 0.7151522, 0.0721750), (0.0193339, 0.1191920, 0.9503041))
_TO_RGB = ((3.2404542, -1.5371385, -0.4985314), (-0.9692660, 1.8760108, 0.0415560), (0.0556434, -0.2040259, 1.0572252))
_CUBE_ROOT_FROM = 216 / 24389
_SLOPE = 24389 / 27
"""CIE 15: lightness is a cube root above this share of white and a straight line below."""


def invert_colors(tree: Tree) -> None:
    """Mirror the lightness of every colour that is set in style sheets and attributes."""
    tree.rewrite(Rewriting(value=_invert_value))
    for element in tree.elements():
        for name in _ATTRIBUTES:
            if (value := element.get(name)) and (tokens := _invert_value("color", parse_value(value))):
                element.set(name, str(tinycss2.serialize(tokens)))


def inverted_sheet() -> str:
    """The defaults of a mail client in forced dark mode, for what sets no colour: white, black and link blue turned."""
    link = invert(Color(0, 0, 0xEE))
    return f":root {{ background-color: #000; color: #fff; }} :where(a:link) {{ color: {link}; }}"


def invert(color: Color) -> Color:
    """The colour of the same hue with mirrored CIE lightness; chroma gives way where sRGB has no such colour.

    >>> str(invert(Color(255, 255, 255))), str(invert(Color(0, 0, 0)))
    ('#000000', '#ffffff')
    """
    lightness, green_red, blue_yellow = _to_lab(color)
    for share in range(20, -1, -1):
        found = _from_lab(100 - lightness, green_red * share / 20, blue_yellow * share / 20)
        if found is not None:
            return found
    return Color(0, 0, 0)


def _invert_value(name: str, value: Tokens) -> Tokens:
    return map_tokens(value, _invert_token) if _COLORED.search(name) else value


def _invert_token(token: Any) -> Tokens | None:
    rgba = tinycss2.color3.parse_color(token)
    if rgba is None or isinstance(rgba, str):  # "currentColor" is a string
        return None
    red, green, blue, alpha = rgba
    turned = invert(Color(*(round(min(max(part, 0), 1) * 255) for part in (red, green, blue))))
    css = str(turned) if alpha == 1 else f"rgba({turned.red},{turned.green},{turned.blue},{alpha:g})"
    return parse_value(css)


def _to_lab(color: Color) -> tuple[float, float, float]:
    linear = [_to_linear(part / 255) for part in (color.red, color.green, color.blue)]
    x, y, z = (
        _compress(sum(factor * part for factor, part in zip(row, linear, strict=True)) / white)
        for row, white in zip(_TO_XYZ, _WHITE_POINT, strict=True)
    )
    return 116 * y - 16, 500 * (x - y), 200 * (y - z)


def _from_lab(lightness: float, green_red: float, blue_yellow: float) -> Color | None:
    """None where sRGB has no such colour."""
    y = (lightness + 16) / 116
    roots = (y + green_red / 500, y, y - blue_yellow / 200)
    xyz = [_expand(root) * white for root, white in zip(roots, _WHITE_POINT, strict=True)]
    linear = [sum(factor * part for factor, part in zip(row, xyz, strict=True)) for row in _TO_RGB]
    if not all(-0.002 <= part <= 1.002 for part in linear):  # noqa: PLR2004 - what rounding to a byte forgives
        return None
    return Color(*(round(255 * _from_linear(min(max(part, 0), 1))) for part in linear))


def _compress(share: float) -> float:
    return share ** (1 / 3) if share > _CUBE_ROOT_FROM else (_SLOPE * share + 16) / 116


def _expand(root: float) -> float:
    return root**3 if root**3 > _CUBE_ROOT_FROM else (116 * root - 16) / _SLOPE


def _to_linear(share: float) -> float:
    return share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4  # noqa: PLR2004 - sRGB's own


def _from_linear(share: float) -> float:
    return share * 12.92 if share <= 0.0031308 else 1.055 * share ** (1 / 2.4) - 0.055  # noqa: PLR2004 - sRGB's own
