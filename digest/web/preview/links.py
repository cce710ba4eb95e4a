"""The links of a message: what each is for, and whether HTML and text lead to the same places."""

import re
from base64 import urlsafe_b64decode
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import urlsplit

from lxml.html import HtmlElement

from digest.check.document import HtmlDocument, parse_html
from digest.mail.links import Purpose
from digest.web.preview.parts import Parts

_ADDRESS = re.compile(r"https?://[^\s<>\"']+", re.IGNORECASE)
_TOKEN = re.compile(r"(?<![\w-])[\w-]{40}(?![\w-])", re.ASCII)
"""A signed link of ours, by its length; see `digest.mail.links`."""
_ENDS = ".,;:!?…」』】”’*_"


class LinkKind(StrEnum):
    """What a link is for."""

    ARTICLE = "article"
    """A page of the publisher below its front page."""
    OWN_PAGE = "own page"
    """The publisher's front page, or a page of digest's own."""
    UNSUBSCRIBE = "unsubscribe"
    """Ends the subscription: in List-Unsubscribe, or signed for that."""
    PREFERENCES = "preferences"
    """Signed for one reader and for something else."""
    OTHER = "other"
    """Any other host, a mail address, a place in the mail."""


@dataclass(frozen=True, kw_only=True)
class Link:
    """One link of the HTML part."""

    url: str
    text: str
    """What it shows, on one line: its words, else the alt text of its picture."""
    element: int
    """Position in `HtmlDocument.elements`."""
    line: int | None
    """1-based line in the HTML part."""
    kind: LinkKind

    @property
    def may_be_fetched(self) -> bool:
        """Whether following it changes nothing: signed links act for a reader, so a checker leaves them alone."""
        acts = self.kind in (LinkKind.UNSUBSCRIBE, LinkKind.PREFERENCES)
        return not acts and self.url.lower().startswith(("http://", "https://"))


@dataclass(frozen=True, kw_only=True)
class LinkDifference:
    """Where the two parts lead, each address once, in the order of the part."""

    both: tuple[str, ...]
    only_in_html: tuple[str, ...]
    only_in_text: tuple[str, ...]


def list_links(parts: Parts) -> tuple[Link, ...]:
    """Every link of the HTML part with an address, in order; the same address may come several times."""
    document, senders = parse_html(parts.html), _Sender.of(parts)
    found = [element for element in document.find("a", "area") if element.get("href", "").strip()]
    return tuple(_make_link(element, document, senders) for element in found)


def compare_links(parts: Parts) -> LinkDifference:
    """Which http(s) addresses stand in both parts and which in one alone."""
    in_html = dict.fromkeys(link.url for link in list_links(parts) if _ADDRESS.match(link.url))
    in_text = dict.fromkeys(_without_end(match[0]) for match in _ADDRESS.finditer(parts.unfolded_text))
    return LinkDifference(
        both=tuple(url for url in in_html if url in in_text),
        only_in_html=tuple(url for url in in_html if url not in in_text),
        only_in_text=tuple(url for url in in_text if url not in in_html),
    )


@dataclass(frozen=True, kw_only=True)
class _Sender:
    """By what a message's own links are known."""

    unsubscribe: frozenset[str]
    hosts: frozenset[str]
    """Of the sender's address and of the unsubscribe link."""
    pages: tuple[str, ...]
    """Where digest's own pages begin."""

    @staticmethod
    def of(parts: Parts) -> "_Sender":
        urls = [url for url in re.findall(r"<([^<>]*)>", parts.header("List-Unsubscribe")) if _ADDRESS.match(url)]
        hosts = {_host(url) for url in urls} | {parts.sender_address.rpartition("@")[2].lower()}
        # https://site/digest/unsubscribe/TOKEN: what stands two steps above is digest's own.
        above = (url.rsplit("/", 2)[0] + "/" for url in urls)
        pages = tuple(page for page in above if _path(page) not in ("", "/"))
        return _Sender(unsubscribe=frozenset(urls), hosts=frozenset(filter(None, hosts)), pages=pages)

    def owns(self, host: str) -> bool:
        """Whether a host is the sender's, or above or below it."""
        return any(host == own or host.endswith(f".{own}") or own.endswith(f".{host}") for own in self.hosts)


def _make_link(element: HtmlElement, document: HtmlDocument, sender: _Sender) -> Link:
    url = element.get("href", "").strip()
    pictures = " ".join(image.get("alt", "") for image in element.iter("img"))
    text = " ".join(element.text_content().split()) or " ".join(pictures.split())
    return Link(
        url=url, text=text, element=document.numbers[element], line=element.sourceline, kind=_kind_of(url, sender)
    )


def _kind_of(url: str, sender: _Sender) -> LinkKind:
    purposes = {_purpose_of(token) for token in _TOKEN.findall(url)}
    if url in sender.unsubscribe or Purpose.UNSUBSCRIBE in purposes:
        return LinkKind.UNSUBSCRIBE
    if purposes - {None}:
        return LinkKind.PREFERENCES
    host = _host(url)
    if not host or not sender.owns(host):
        return LinkKind.OTHER
    return LinkKind.OWN_PAGE if _path(url) in ("", "/") or url.startswith(sender.pages) else LinkKind.ARTICLE


def _purpose_of(token: str) -> Purpose | None:
    """What a token says it is for; no key is needed to read that. None for a word that only has its length."""
    raw = urlsafe_b64decode(token + "==")
    # Its third to fifth byte begin the subscriber's id, which no newsletter will ever need.
    is_ours = raw[0] in set(Purpose) and raw[2:5] == bytes(3)
    return Purpose(raw[0]) if is_ours else None


def _host(url: str) -> str:
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    return (parts.hostname or "") if parts.scheme.lower() in ("http", "https") else ""


def _path(url: str) -> str:
    try:
        return urlsplit(url).path
    except ValueError:
        return ""


def _without_end(url: str) -> str:
    """An address in running text without the sentence's own signs behind it."""
    shorter = url.rstrip(_ENDS)
    is_bracketed = shorter.endswith(")") and "(" not in shorter
    return _without_end(shorter[:-1]) if is_bracketed else shorter
