"""What only readers with a name get, on its way from the tag `if_name` to the frame of a slot.

A frame on lines of its own takes them with it: for readers without a name there is neither an empty element nor an
empty line in its place.
"""

import re

from digest.render.slots import frame_markers


def frame(body: str, nonce: str, *, is_html: bool) -> str:
    """What the tag writes: comments around HTML, which inliners leave alone, and bare markers around text.

    A body of several lines stands on lines of its own, a part of a line stays in it. Frames within are part of it.
    """
    begin, end = frame_markers(nonce)
    for marker in (begin, end):
        body = body.replace(f"<!--{marker}-->", "").replace(marker, "")
    if is_html:
        begin, end = f"<!--{begin}-->", f"<!--{end}-->"
    if "\n" not in body:
        return f"{begin}{body}{end}"
    return f"\n{begin}\n{body}\n{end}\n" if is_html else f"{begin}\n{body}\n{end}\n"


def bare_frames(html: str, nonce: str) -> str:
    """HTML with bare markers, fit to be cut; a marker on a line of its own takes the line end with it."""
    marker = "|".join(frame_markers(nonce))
    return re.sub(rf"<!--({marker})-->", r"\1", re.sub(rf"(?m:^)<!--({marker})-->\n", r"\1", html))


def settle_frames(text: str, nonce: str) -> str:
    r"""Plain text in which each frame is a paragraph: the lines of its markers are the empty lines around it.

    >>> settle_frames("Weekly\n\nhttps://0123456789abcdef.invalid/if_name/\nHello\n\n", "0123456789abcdef")
    'Weekly\nhttps://0123456789abcdef.invalid/if_name/\nHello\n\n'
    """
    begin, end = frame_markers(nonce)
    text = re.sub(rf"\n+{end}\n+{begin}\n+", "\n\n", text)
    return re.sub(rf"\n+(?={begin}\n)|(?<={begin})\n+|\n+(?={end}(?:\n|\Z))|(?<=\n{end})\n+", "\n", text)
