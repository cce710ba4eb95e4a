"""How large a picture on the web is, and whether every mail client can show it."""

import struct
import warnings
from dataclasses import dataclass
from io import BytesIO

from PIL import Image, UnidentifiedImageError

from digest.errors import FetchError
from digest.source.fetch import Fetch

READ_AT_MOST = 5_000_000
"""Bytes. The size stands near the beginning, but a photographer's notes before it may be long."""
KEEP_AT_MOST = 1_000_000
"""Bytes of a picture that is kept for the preview; a larger one is too heavy for a mail anyway."""
SECONDS = 5.0
"""For one picture."""
_TYPES = {"JPEG": "image/jpeg", "MPO": "image/jpeg", "PNG": "image/png", "GIF": "image/gif"}
"""Pillow's names; an MPO is a JPEG with further pictures behind it, of which every client shows the first."""
_ACCEPT = "image/jpeg, image/png, image/gif, */*;q=0.1"
"""Servers that choose by what is accepted then do not choose WebP."""
_ORIENTATION = 0x0112
_LYING = frozenset((5, 6, 7, 8))
"""Orientations in which width and height change places (EXIF 2.32, 4.6.4)."""
_OTHER_KINDS = (
    (b"RIFF", 0, "WebP"),
    (b"ftypavif", 4, "AVIF"),
    (b"ftypavis", 4, "AVIF"),
    (b"ftyphei", 4, "HEIC"),
    (b"BM", 0, "BMP"),
    (b"II*\0", 0, "TIFF"),
    (b"MM\0*", 0, "TIFF"),
)
"""How pictures begin that some client does not show: bytes, from where on, and the kind."""
_PILLOW_FAILURES = (OSError, ValueError, SyntaxError, LookupError, TypeError, ArithmeticError, struct.error)
"""What its readers are known to raise over damaged files."""


@dataclass(frozen=True, kw_only=True)
class ImageSize:
    """A picture that every client shows."""

    url: str
    """The address that was asked for."""
    width: int
    """Pixels, as clients show it: turned the way its EXIF data says."""
    height: int
    """Pixels."""
    type: str
    """image/jpeg, image/png or image/gif, by its content."""
    content: bytes
    """The whole file, or b"" where it has more than `KEEP_AT_MOST` bytes."""


def read_image_size(url: str, *, fetch: Fetch, timeout: float = SECONDS) -> ImageSize:
    """Read a picture once and measure it, without decoding it.

    Args:
        url: absolute, https.
        fetch: how to read from the web.
        timeout: seconds for the whole of it.

    Raises:
        UnreachableError: no connection could be made.
        FetchError: it cannot be read, or it is no jpg, png or gif; the reason is in words.
    """
    answer = fetch(url, timeout=timeout, max_bytes=READ_AT_MOST, accept=_ACCEPT, https_only=True)
    if not answer.is_good:
        raise FetchError(url, f"the server answered {answer.status}")
    try:
        kind, width, height = measure(answer.body)
    except ValueError as error:
        raise FetchError(url, str(error)) from error
    is_kept = not answer.is_cut and len(answer.body) <= KEEP_AT_MOST
    return ImageSize(url=url, width=width, height=height, type=kind, content=answer.body if is_kept else b"")


def measure(content: bytes) -> tuple[str, int, int]:
    """Type, width and height of a jpg, png or gif, whatever its name or its headers say.

    Args:
        content: the file, or as much of its beginning as holds the size.

    Raises:
        ValueError: it is something else, or damaged; in words.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        try:
            return _measure(content)
        except (Image.DecompressionBombWarning, Image.DecompressionBombError) as error:
            raise ValueError("it has more pixels than any picture of a mail") from error
        except UnidentifiedImageError as error:
            raise ValueError(_describe(content)) from error
        except _PILLOW_FAILURES as error:
            raise ValueError(f"the picture is damaged ({type(error).__name__})") from error


def _measure(content: bytes) -> tuple[str, int, int]:
    with Image.open(BytesIO(content), formats=("JPEG", "PNG", "GIF")) as image:
        width, height = image.size
        kind = _TYPES[image.format or ""]
        if kind == "image/jpeg" and image.getexif().get(_ORIENTATION) in _LYING:
            width, height = height, width
    if not (width and height):
        raise OSError("no pixels")
    return kind, width, height


def _describe(content: bytes) -> str:
    """What it is instead."""
    for mark, start, name in _OTHER_KINDS:
        if content.startswith(mark, start):
            return f"it is {name}, which some mail clients do not show; offer jpg, png or gif"
    beginning = content[:1000].lstrip().lower()
    if b"<svg" in beginning:
        return "it is SVG, which some mail clients do not show; offer jpg, png or gif"
    if beginning.startswith(b"<"):
        return "it is a page, not a picture"
    return "it is no jpg, png or gif" if content else "the file is empty"
