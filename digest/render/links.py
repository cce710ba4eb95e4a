"""The links of a rendering; what a good one looks like is in `digest.url`."""

from digest import url as web
from digest.errors import RenderError


def clean_url(url: str) -> str:
    """An absolute http(s) address in ASCII.

    Raises:
        RenderError: it cannot be linked to; imports refuse such an address, so it comes from the settings.
    """
    try:
        return web.clean_url(url)
    except ValueError as error:
        raise RenderError(f"the address {url!r} cannot be used: {error}") from error


def clean_article_url(url: str) -> str:
    """As `clean_url`, without utm parameters that are not whole: one article's must not stop an issue.

    Raises:
        RenderError: it cannot be linked to.
    """
    return web.drop_broken_utm(clean_url(url))
