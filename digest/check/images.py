"""Images: each has a name, a size and an address that every client can show, and the mail says enough without them."""

import re
from collections.abc import Iterator
from posixpath import splitext
from urllib.parse import urlsplit

from lxml.html import HtmlElement

from digest.check.cascade import MOST_ELEMENTS
from digest.check.css import parse_attribute, urls_of
from digest.check.document import HtmlDocument
from digest.check.finding import Finding, Rule
from digest.check.options import CheckOptions
from digest.check.placeholders import find_tokens
from digest.check.repeats import merge_repeats
from digest.check.source import is_script_address
from digest.check.support import Kind, load_support
from digest.check.visible import PADDING, visible_text

TEXT_AT_LEAST, TEXT_WISE = 60, 200
RULES = (
    Rule(
        id="IMG-ALT",
        title="Every image has an alt text, and a linked one says where the link leads",
        why="Outlook and many others show no images until asked; screen readers read the address instead.",
        fix='Write what the image shows into alt; alt="" where it only decorates and is not a link.',
    ),
    Rule(
        id="IMG-DIM",
        title="Every image has its width and height in whole pixels",
        why="Word shows it at its natural size otherwise, and the text jumps when it loads.",
        fix='Write width="600" height="400", without a unit.',
    ),
    Rule(
        id="IMG-SRC",
        title="Images come from absolute https addresses",
        why="Gmail and Outlook show no data: images, proxies refuse http, and a mail has no base to be relative to.",
        fix="Put the image on a server and write its whole https:// address.",
    ),
    Rule(
        id="IMG-FMT",
        title="Images are jpg, png or gif",
        why="Word shows neither webp nor avif nor svg.",
        fix="Convert the image, or ask the image server for jpg.",
    ),
    Rule(
        id="IMG-ONLY",
        title="The mail says at least 60 characters in text; 200 are wise where it shows images",
        why="With images blocked there is nothing else to read, and spam filters distrust image-only mails.",
        fix="Write titles and excerpts as text.",
    ),
)
_WHOLE = re.compile(r"[1-9]\d{0,4}")
_CONVERTED = re.compile(r"(?:^|&)(?:format|fm|fmt|output|type|f)=(webp|avif|svg|heic|jxl)(?:&|$)", re.IGNORECASE)
_SRCSET = re.compile(r"(?:^|,\s)\s*([^\s,]\S*[^\s,]|[^\s,])")
_NEW_FORMATS = frozenset({"jxl", "jp2"})
_SHOWN = 60


def check_images(document: HtmlDocument, options: CheckOptions) -> Iterator[Finding]:  # noqa: ARG001 - a family's shape
    """Every breach of the rules on images."""
    yield from merge_repeats(_check_each(document))
    yield from merge_repeats(_check_backgrounds(document))
    length = len(visible_text(document))
    found = f"the body shows {length} characters of text"
    body = next(document.find("body"), document.root)
    if length < TEXT_AT_LEAST:
        yield document.error("IMG-ONLY", f"{found}; {TEXT_AT_LEAST} are the least", body)
    elif length < TEXT_WISE and any(True for _ in document.find("img")):
        yield document.warning("IMG-ONLY", f"{found}; {TEXT_WISE} are wise", body)


def _check_each(document: HtmlDocument) -> Iterator[Finding]:
    for image in document.find("img"):
        source = image.get("src") or ""
        name = _shown(source)
        if (fault := _alt_fault(image)) is not None:
            yield document.error("IMG-ALT", f"the image {name} {fault}", image, source)
        for side in ("width", "height"):
            value = image.get(side)
            if value is None or not _WHOLE.fullmatch(value.strip()):
                found = f"has no {side}" if value is None else f"has {side}={value[:20]!r}"
                message = f"the image {name} {found}; whole pixels are expected"
                yield document.error("IMG-DIM", message, image, source)
        yield from _check_address(document, image, source)
        for candidate in _SRCSET.findall(image.get("srcset") or ""):
            yield from _check_address(document, image, candidate)


def _check_backgrounds(document: HtmlDocument) -> Iterator[Finding]:
    for element in document.find("body", "table", "tr", "td", "th"):
        if address := element.get("background"):
            yield from _check_address(document, element, address)
    for element in document.elements[:MOST_ELEMENTS]:
        style = element.get("style", "")
        for declaration in parse_attribute(style)[0] if "(" in style else ():
            for address in urls_of(declaration):
                if ending := _strange_format(address):
                    message = f"the image {_shown(address)} is {ending}; jpg, png and gif are shown everywhere"
                    yield document.error("IMG-FMT", message, element, address)


def _check_address(document: HtmlDocument, element: HtmlElement, address: str) -> Iterator[Finding]:
    if is_script_address(address) or next(find_tokens(address), None):
        return
    if not _is_absolute(address):
        found = "has no src" if not address.strip() else f"has the address {_shown(address)}"
        yield document.error("IMG-SRC", f"an image {found}; one with https:// is expected", element, address)
    elif ending := _strange_format(address):
        message = f"the image {_shown(address)} is {ending}; jpg, png and gif are shown everywhere"
        yield document.error("IMG-FMT", message, element, address)


def _alt_fault(image: HtmlElement) -> str | None:
    alt = image.get("alt")
    if alt is None:
        return "has no alt"
    link = next(image.iterancestors("a"), None)
    if link is not None and link.get("href") and not _name(link):
        return "is a link without a name: its alt is empty"
    return None


def _name(link: HtmlElement) -> str:
    alts = (image.get("alt") or "" for image in link.iter("img"))
    labels = (link.get("aria-label") or "", link.get("title") or "")
    return PADDING.sub("", "".join((str(link.text_content()), *alts, *labels)))


def _is_absolute(address: str) -> bool:
    try:
        parts = urlsplit(address)
    except ValueError:
        return False
    return parts.scheme == "https" and bool(parts.hostname)


def _strange_format(address: str) -> str:
    """The format that the address asks for, where some client cannot show it; "" where it can or does not say."""
    parts = urlsplit(address)
    ending = splitext(parts.path)[1].lstrip(".").lower()
    feature = load_support().find(Kind.EXTENSION, ending) if ending else None
    if ending in _NEW_FORMATS or (feature and feature.is_forbidden):
        return ending
    asked = _CONVERTED.search(parts.query)
    return asked[1].lower() if asked else ""


def _shown(address: str) -> str:
    """For messages: the end of an address tells images apart."""
    text = address.partition(",")[0] if address.startswith("data:") else address
    return text if len(text) <= _SHOWN else f"…{text[-_SHOWN:]}"
