"""CSS into style attributes, by premailer, in the only way in which it does no harm.

`<style>` is inlined and goes; `<style data-premailer="ignore">` stays verbatim, for media, dark-mode and hover rules
(premailer would strip their `!important`, and crash on nested rules).
"""

import logging
import re
from functools import lru_cache
from typing import Any, NoReturn

import cssutils
from premailer import Premailer

from digest.errors import RenderError

_DOCTYPE = "<!DOCTYPE html>"
_ANY_DOCTYPE = re.compile(r"\ufeff?\s*<!doctype html>", re.IGNORECASE)
_STYLE = re.compile(r'(?<= style=")[^"]*')
_ROOM = re.compile(r"(?<=[;,]) +")
_LEFT_ALONE = ["width", "height", "align", "valign", "bgcolor"]
"""Attributes that templates set themselves: from `width:100%;height:auto` premailer would make nonsense of them."""


def inline_css(html: str) -> str:
    """The document with its inlinable style block as style attributes. About 10 ms for 30 KB.

    Raises:
        RenderError: it is not an HTML document, or its CSS cannot be read.
    """
    beginning = _ANY_DOCTYPE.match(html)
    if not beginning:
        raise RenderError(f"the HTML template must begin with {_DOCTYPE}; without it clients fall into quirks mode")
    # In lower case or after a BOM premailer would drop it.
    document = _DOCTYPE + html[beginning.end() :]
    try:
        return _tighten(str(_premailer(document).transform(pretty_print=False)))
    except RenderError:
        raise
    except Exception as error:  # premailer, cssutils and lxml raise whatever comes up
        raise RenderError(f"the CSS of the HTML template cannot be inlined: {error}") from error


def _tighten(html: str) -> str:
    """Without the spaces in style attributes: a tenth of what a mail may have before Gmail clips it."""
    return _STYLE.sub(lambda style: _ROOM.sub("", style[0]), html)


@lru_cache(maxsize=32)
def _parse_sheet(css: str) -> Any:
    return cssutils.parseString(css, validate=False)


class _Premailer(Premailer):  # type: ignore[misc]  # it comes without types
    def _parse_css_string(self, css_body: str, validate: bool = True) -> Any:  # noqa: ARG002, FBT001, FBT002 - its form
        """Parse a style sheet once: premailer's own cache drops it for want of room, as it keeps all else there too."""
        return _parse_sheet(css_body)


def _premailer(document: str) -> Premailer:
    return _Premailer(
        document,
        allow_network=False,
        session=_NoNetwork(),
        disable_validation=True,
        disable_basic_attributes=_LEFT_ALONE,
        align_floating_images=False,
        strip_important=False,
        remove_classes=False,
        cssutils_logging_level=logging.CRITICAL,
    )


class _NoNetwork:
    """Stands in for the session premailer would fetch style sheets with."""

    def get(self, url: str, **_: object) -> NoReturn:
        raise RenderError(f"the template refers to {url}; put the style sheet into the template's folder")


def _fetch_nothing(_url: str) -> None:
    return None


# cssutils fetches every @import, file:// included, whatever premailer was told; its default fetcher has no setting.
cssutils.util._defaultFetcher = _fetch_nothing  # noqa: SLF001
