"""Pictures in a mail: which ones clients show, and how large."""

import re
from pathlib import PurePosixPath
from urllib.parse import urlsplit

from digest.errors import RenderError
from digest.model import Article
from digest.render.clean import clean_line
from digest.render.context import ImageContext
from digest.render.links import clean_url
from digest.render.width import shorten

MAX_WIDTH = 600
MAX_HEIGHT = 600
"""A portrait is scaled down to it, so that the headline stays in sight."""
MIN_WIDTH, MIN_HEIGHT = 120, 40
"""Smaller ones are icons, lines and counting pixels."""
_EXTENSIONS = frozenset(("", ".jpg", ".jpeg", ".png", ".gif"))
"""What every client shows; an address without an extension is taken on trust."""
_LOOKS_LIKE_EXTENSION = re.compile(r"\.[A-Za-z][A-Za-z0-9]{1,4}")
_CAPTION_COLUMNS = 160
_ALT_COLUMNS = 100
"""As much as fits where the picture would be."""


def choose_image(article: Article) -> ImageContext | None:
    """The article's picture, scaled to fit; None where it has none that every client shows in its size.

    Outlook and Gmail show no webp, avif or svg; a picture over http is blocked or makes the mail look unsafe; and
    Word shows one whose width and height are not both known at its natural size.
    """
    url, width, height = _showable_url(article.image), article.image_width or 0, article.image_height or 0
    if not url or width < MIN_WIDTH or height < MIN_HEIGHT:
        return None
    shown_width, shown_height = scale(width, height)
    caption = shorten(clean_line(article.image_caption), _CAPTION_COLUMNS)
    alt = shorten(caption or clean_line(article.title) or url, _ALT_COLUMNS)
    return ImageContext(url=url, alt=alt, caption=caption, width=shown_width, height=shown_height)


def scale(width: int, height: int) -> tuple[int, int]:
    """The size in whole pixels at which a picture of that size fits; never larger than it is.

    >>> scale(1200, 800)
    (600, 400)
    """
    factor = min(1, MAX_WIDTH / width, MAX_HEIGHT / height)
    return max(1, round(width * factor)), max(1, round(height * factor))


def _showable_url(image: str) -> str:
    try:
        url = clean_url(image)
    except RenderError:
        return ""
    suffix = PurePosixPath(urlsplit(url).path).suffix
    extension = suffix.lower() if _LOOKS_LIKE_EXTENSION.fullmatch(suffix) else ""
    return url if url.startswith("https://") and extension in _EXTENSIONS else ""
