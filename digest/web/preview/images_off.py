"""Pictures that are not shown: a box of their size with the alt text in it.

Outlook blocks pictures of senders it does not know, and so do many readers of Naver, Daum and Gmail by choice. Clients
set the alt text in the picture's own font and colour where they show it at all (caniemail notes; Litmus, "styled alt
text"), and so does the box.
"""

import re

from lxml.html import HtmlElement

from digest.web.preview.tree import add_style

_PIXELS = re.compile(r"\s*(\d{1,4})(?:px)?\s*")
_BOX = "display:inline-block; box-sizing:border-box; overflow:hidden; max-width:100%; vertical-align:bottom"
_EDGE = "outline:1px solid rgba(128,128,128,0.45); outline-offset:-1px; padding:6px"
"""Drawn inside, so that the box has the picture's size to the pixel."""
_SMALLEST = 24
"""Pixels; below it is a spacer or a counting pixel, which has no room for an edge or words."""


def hide_image(image: HtmlElement) -> None:
    """Turn an img element into the box that stands for it; its number, classes and style stay."""
    width, height = (pixels_of(image, side) for side in ("width", "height"))
    alt = image.get("alt", "")
    for name in ("src", "srcset", "sizes", "alt", "width", "height"):
        image.attrib.pop(name, None)
    image.tag = "span"
    image.text = alt
    if alt:
        image.set("role", "img")
        image.set("aria-label", alt)
    small = min(width or _SMALLEST, height or _SMALLEST) < _SMALLEST
    add_style(image, _BOX, *([] if small else [_EDGE]), *_size(width, height))


def pixels_of(element: HtmlElement, side: str) -> int | None:
    """A width or height attribute in pixels; None where it has none or another unit."""
    found = _PIXELS.fullmatch(element.get(side, ""))
    return int(found[1]) if found else None


def _size(width: int | None, height: int | None) -> list[str]:
    """With both sides known the box shrinks in proportion on a narrow screen, as the picture would."""
    if width and height:
        return [f"width:{width}px", f"aspect-ratio:{width}/{height}"]
    sides = (("width", width), ("min-height", height))
    return [f"{side}:{pixels}px" for side, pixels in sides if pixels is not None]
