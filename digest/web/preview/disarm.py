"""The defence of the preview: nothing in a pane may load, run or submit anything.

Article text, templates and whole mails may be hostile, and the preview runs on the editor's machine. What is not
known to be harmless goes: elements and attributes by lists of what stays, addresses in style sheets one by one. The
document's own Content-Security-Policy and the sandboxed frame are second and third lines behind it.
"""

import re
from collections.abc import Callable
from typing import Any, TypeAlias
from urllib.parse import urlsplit

import tinycss2
from lxml import etree
from lxml.html import HtmlElement

from digest.web.preview.css import Rewriting, Tokens, map_tokens, parse_value
from digest.web.preview.images_off import hide_image
from digest.web.preview.tree import NUMBER, Tree

ImageAddress: TypeAlias = Callable[[str], str | None]
"""From a picture's address in the mail to one that may be loaded; None hides the picture."""

_ELEMENTS = frozenset(
    """html body div span p h1 h2 h3 h4 h5 h6 br hr wbr a b strong i em u s strike del ins sub sup small big font center
    blockquote pre code kbd samp var tt cite q abbr acronym dfn address ul ol li dl dt dd table caption colgroup col
    thead tbody tfoot tr th td img map area figure figcaption header footer main section article aside nav time mark
    bdo bdi""".split()  # noqa: SIM905 - easier to read than quoted words
)
"""Elements that only show what they hold. None of them is parsed as raw text, in which an attribute could break out."""
_DROPPED = frozenset(
    """script style title head base link meta iframe frame frameset noframes noembed object embed applet param audio
    video source track svg math template canvas input textarea select button xml""".split()  # noqa: SIM905 - easier to read than quoted words
)
"""Elements that go with what they hold; any other becomes a span."""
_ATTRIBUTES = frozenset(
    """class id style lang dir title role width height align valign bgcolor background border bordercolor cellpadding
    cellspacing colspan rowspan nowrap color face size alt src href name hspace vspace type start value noshade clear
    text link vlink alink span abbr scope headers usemap shape coords datetime cite""".split()  # noqa: SIM905 - easier to read than quoted words
)
_LINK = re.compile(r"\s*(?:https?:|mailto:|tel:|#)", re.IGNORECASE)
_LOADING = frozenset(
    "image image-set -webkit-image-set cross-fade -webkit-cross-fade element -moz-element paint attr".split()  # noqa: SIM905 - easier to read than quoted words
)
"""CSS functions besides url() and src() that can fetch, some of them from a plain string."""
_NONE = "none"


def disarm(tree: Tree, image_address: ImageAddress) -> str:
    """Take out everything that could load, run or submit; pictures stay where they have an address to load from.

    Returns:
        The Content-Security-Policy under which what is left works.
    """
    addresses: list[str] = []

    def find(url: str) -> str | None:
        address = image_address(url.strip())
        if address is not None:
            addresses.append(address)
        return address

    for node in list(tree.body.iter(etree.Comment, etree.PI, etree.Entity)):
        node.drop_tree()
    for element in tree.elements():
        _disarm_element(element, find)
    tree.rewrite(Rewriting(value=lambda _name, value: map_tokens(value, lambda token: _disarm_token(token, find))))
    sources = sorted({_source_of(address) for address in addresses}) or ["'none'"]
    return f"default-src 'none'; style-src 'unsafe-inline'; img-src {' '.join(sources)}"


def _disarm_element(element: HtmlElement, find: ImageAddress) -> None:
    if element.tag in _DROPPED:
        element.drop_tree()
        return
    if element.tag not in _ELEMENTS:
        element.tag = "span"
    for name in set(element.attrib) - _ATTRIBUTES:
        if not (name == NUMBER or name.startswith("aria-")) or not name.isascii():
            del element.attrib[name]
    _disarm_link(element)
    _disarm_background(element, find)
    _disarm_image(element, find)


def _disarm_link(element: HtmlElement) -> None:
    """A link opens beside the preview, and the page it opens neither reaches it nor learns of it."""
    href = element.attrib.pop("href", None)
    if href is not None and element.tag in ("a", "area") and _LINK.match(href):
        element.set("href", href.strip())
        element.set("target", "_blank")
        element.set("rel", "noreferrer noopener")


def _disarm_background(element: HtmlElement, find: ImageAddress) -> None:
    background = element.attrib.pop("background", None)
    if background and (address := find(background)) is not None:
        element.set("background", address)


def _disarm_image(element: HtmlElement, find: ImageAddress) -> None:
    source = element.attrib.pop("src", None)
    if element.tag != "img":
        return
    address = find(source) if source else None
    if address is None:
        hide_image(element)
    else:
        element.set("src", address)


def _disarm_token(token: Any, find: ImageAddress) -> Tokens | None:
    """What takes the place of a token that could load something; None for one that cannot."""
    if token.type == "url":
        return _local_url(token.value, find)
    if token.type == "function" and token.lower_name in ("url", "src"):
        strings = [argument.value for argument in token.arguments if argument.type == "string"]
        return _local_url(strings[0] if strings else "", find)
    if token.type == "function" and token.lower_name in _LOADING:
        return parse_value(_NONE)
    return None


def _local_url(url: str, find: ImageAddress) -> Tokens:
    address = find(url) if url else None
    return parse_value(_NONE if address is None else f"url({_quote(address)})")


def _quote(text: str) -> str:
    return str(tinycss2.serializer.serialize_string_value(text)).join('""')


def _source_of(address: str) -> str:
    """The policy's word for where an address lies, whatever characters it holds."""
    parts = urlsplit(address)
    if parts.scheme == "data":
        return "data:"
    is_absolute = parts.scheme in ("http", "https") and re.fullmatch(r"[\w.\-\[\]:]+", parts.netloc, re.ASCII)
    return f"{parts.scheme}://{parts.netloc}" if is_absolute else "'self'"
