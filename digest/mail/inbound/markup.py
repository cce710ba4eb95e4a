"""HTML as plain text, near enough to find words and addresses in it."""

import html
import re

_DROPPED = re.compile(r"<(script|style|head)\b[^>]{0,2000}>.{0,100000}?</\1\s*>", re.IGNORECASE | re.DOTALL)
_BREAKS = re.compile(r"<(?:br|/p|/div|/tr|/li|/h[1-6]|/td)\b[^<>]{0,2000}>", re.IGNORECASE)
_TAGS = re.compile(r"<(?![^<>@\s]+@)[^<>]{0,4000}>")
"""But for an address in brackets, which some write as if it were text."""


def text_of_html(source: str) -> str:
    r"""The words of a page, a line for each of its blocks.

    >>> text_of_html("<p>Not found:<br><b>kim@example.com</b></p>")
    'Not found:\nkim@example.com'
    """
    text = _BREAKS.sub("\n", _DROPPED.sub(" ", source))
    return html.unescape(_TAGS.sub("", text)).strip()
