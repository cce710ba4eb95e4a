"""A feed as RSS 2.0, Atom (RFC 4287) and JSON Feed 1.1: the same values, three ways to write them."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime

from lxml import etree

_ATOM = "http://www.w3.org/2005/Atom"
_CONTENT = "http://purl.org/rss/1.0/modules/content/"
_XML = "http://www.w3.org/XML/1998/namespace"
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What no XML document may hold (XML 1.0, section 2.2)."""


@dataclass(frozen=True, kw_only=True)
class FeedItem:
    """One issue."""

    id: str
    """Never changes, wherever the archive moves."""
    url: str
    title: str
    summary: str
    """One line of plain text, or ""."""
    content: str
    """HTML."""
    published_at: datetime
    language: str
    image: str = ""


@dataclass(frozen=True, kw_only=True)
class Feed:
    """The issues of a newsletter, newest first."""

    id: str
    title: str
    description: str
    author: str
    url: str
    """Of the page that lists the same."""
    own_url: str
    """Of the feed itself."""
    language: str
    changed_at: datetime
    items: tuple[FeedItem, ...]
    icon: str = ""


def write_rss(feed: Feed) -> bytes:
    """RSS 2.0 with content:encoded and the link to itself that the RSS Advisory Board's profile asks for."""
    root = etree.Element("rss", nsmap={"atom": _ATOM, "content": _CONTENT}, version="2.0")
    channel = etree.SubElement(root, "channel")
    _add(channel, "title", feed.title)
    _add(channel, "link", feed.url)
    _add(channel, "description", feed.description)
    _add(channel, "language", feed.language)
    _add(channel, "lastBuildDate", _rfc_822(feed.changed_at))
    _add(channel, f"{{{_ATOM}}}link", href=feed.own_url, rel="self", type="application/rss+xml")
    for each in feed.items:
        item = etree.SubElement(channel, "item")
        _add(item, "title", each.title)
        _add(item, "link", each.url)
        _add(item, "guid", each.id, isPermaLink="false")
        _add(item, "pubDate", _rfc_822(each.published_at))
        _add(item, "description", each.summary or each.title)
        _add(item, f"{{{_CONTENT}}}encoded", each.content)
    return _document(root)


def write_atom(feed: Feed) -> bytes:
    """Atom 1.0 (RFC 4287)."""
    root = etree.Element(f"{{{_ATOM}}}feed", nsmap={None: _ATOM})
    root.set(f"{{{_XML}}}lang", feed.language)
    _add_atom(root, "id", feed.id)
    _add_atom(root, "title", feed.title)
    if feed.description:
        _add_atom(root, "subtitle", feed.description)
    _add_atom(root, "updated", feed.changed_at.astimezone(UTC).isoformat(timespec="seconds"))
    _add_atom(root, "link", rel="self", type="application/atom+xml", href=feed.own_url)
    _add_atom(root, "link", rel="alternate", type="text/html", href=feed.url)
    _add_atom(_add_atom(root, "author"), "name", feed.author)
    for each in feed.items:
        entry = _add_atom(root, "entry")
        entry.set(f"{{{_XML}}}lang", each.language)
        moment = each.published_at.astimezone(UTC).isoformat(timespec="seconds")
        _add_atom(entry, "id", each.id)
        _add_atom(entry, "title", each.title)
        _add_atom(entry, "link", rel="alternate", type="text/html", href=each.url)
        _add_atom(entry, "published", moment)
        _add_atom(entry, "updated", moment)
        if each.summary:
            _add_atom(entry, "summary", each.summary)
        _add_atom(entry, "content", each.content, type="html")
    return _document(root)


def write_json(feed: Feed) -> bytes:
    """JSON Feed 1.1 (jsonfeed.org)."""
    values = {
        "version": "https://jsonfeed.org/version/1.1",
        "title": feed.title,
        "home_page_url": feed.url,
        "feed_url": feed.own_url,
        "description": feed.description,
        "icon": feed.icon,
        "language": feed.language,
        "authors": [{"name": feed.author}],
        "items": [_json_item(each) for each in feed.items],
    }
    return json.dumps(_filled(values), ensure_ascii=False).encode("utf-8", "replace")


def _json_item(item: FeedItem) -> Mapping[str, object]:
    return _filled(
        {
            "id": item.id,
            "url": item.url,
            "title": item.title,
            "summary": item.summary,
            "content_html": item.content,
            "image": item.image,
            "date_published": item.published_at.astimezone(UTC).isoformat(timespec="seconds"),
            "language": item.language,
        }
    )


def _filled(values: Mapping[str, object]) -> Mapping[str, object]:
    """Without what is empty; a feed without issues has its list all the same."""
    return {name: value for name, value in values.items() if value or name == "items"}


def _add(parent: etree._Element, tag: str, text: str | None = None, **attributes: str) -> etree._Element:
    element = etree.SubElement(parent, tag)
    for name, value in attributes.items():
        element.set(name, _NOT_XML.sub("\ufffd", value))
    if text is not None:
        element.text = _NOT_XML.sub("\ufffd", text)
    return element


def _add_atom(parent: etree._Element, tag: str, text: str | None = None, **attributes: str) -> etree._Element:
    return _add(parent, f"{{{_ATOM}}}{tag}", text, **attributes)


def _document(root: etree._Element) -> bytes:
    return etree.tostring(root, xml_declaration=True, encoding="utf-8")


def _rfc_822(moment: datetime) -> str:
    """With a year of four digits, as RSS allows."""
    return format_datetime(moment.astimezone(UTC))
