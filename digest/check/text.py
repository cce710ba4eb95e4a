"""Rules on the plain part: that it is a digest of its own, with the headings and the links of the HTML part."""

import html
import re
from collections.abc import Iterator
from unicodedata import normalize
from urllib.parse import parse_qsl, urlencode, urlsplit

from digest.check.columns import count_columns
from digest.check.document import HtmlDocument
from digest.check.finding import Finding, Part, Rule, error, warning
from digest.check.mail import Mail
from digest.check.options import CheckOptions
from digest.check.unsubscribe import find_unsubscribe_links
from digest.check.visible import words_of

MAX_OCTETS = 998
MAX_COLUMNS = 100
LEAST_CHARACTERS = 80
LEAST_SHARE = 0.8
"""Of the headings, and of the links, of the HTML part."""
RULES = (
    Rule(
        id="TXT-BODY",
        title="The plain part has 80 characters or more, no markup, entities or CSS, and 80 % of the headings",
        why="It is what watches, screen readers, text programs and spam filters read; filters compare the two parts.",
        fix="Write the plain part as text of its own: each heading, a line or two, the link.",
    ),
    Rule(
        id="TXT-LINKS",
        title="The plain part has 80 % of the links and the address that unsubscribes",
        why="Without them readers of plain text cannot read on, nor leave.",
        fix="Put each article's link on a line of its own, and the unsubscribe link at the end.",
    ),
    Rule(
        id="TXT-LINE",
        title="Lines of the plain part have at most 998 octets; 100 columns, or format=flowed",
        why="Longer lines are cut by servers (RFC 5322 2.1.1), and programs that do not wrap make readers scroll.",
        fix="Wrap at 76 columns, a Hangul syllable taking two, or send format=flowed (RFC 3676).",
    ),
)
_TAGS = (
    "a|abbr|article|aside|b|blockquote|body|br|button|center|del|div|em|figure|font|footer|form|h[1-6]|head|header|hr|html"
    "|i|iframe|img|input|ins|li|link|main|meta|nav|ol|p|pre|script|section|small|span|strong|style|sub|sup|svg|table"
    "|tbody|td|tfoot|th|thead|title|tr|u|ul|video"
)
_MARKUP = re.compile(rf"</?(?:{_TAGS})(?:\s[^<>]{{0,1000}})?/?>|<!--|<!DOCTYPE|\bstyle=\"[a-z-]+:", re.IGNORECASE)
_ENTITY = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,30});|&nbsp(?!\w)")
_PROPERTY = (
    r"(?:font-(?:family|size|weight)|line-height|(?:background-)?color|(?:margin|padding)(?:-[a-z]+)?|text-align)"
)
_CSS = re.compile(
    rf"{_PROPERTY}:[^;{{}}\n]{{1,80}};\s{{0,9}}{_PROPERTY}:|"
    r"\{\s{0,20}[a-z-]{3,30}\s?:[^{}]{1,300};?\s{0,20}\}|@(?:media|font-face|import)\b[^\n]{0,80}[{;]"
)
_URL = re.compile(r"https?://[^\s<>\"]+")
_COUNTED = re.compile(r"https://[^\s<>\"]+/c/[A-Za-z0-9_-]{40}/[0-9]{1,9}")
"""A link of ours that counts a click; without its target there is nothing to compare."""
_SNIPPET = 80
_TOLD = 3


def check_text(mail: Mail, options: CheckOptions) -> Iterator[Finding]:
    """Every breach in the plain part of a mail; that it is missing is the structure's business."""
    if mail.text is None or mail.text_part is None:
        return
    is_flowed = (mail.text_part.fields.parameter("format") or "").lower() == "flowed"
    yield from _check_length(mail.text)
    yield from _check_words(mail.text, mail.html)
    yield from _check_lines(mail.text, is_flowed=is_flowed)
    if mail.html is not None:
        yield from _check_headings(mail.text, mail.html)
        yield from _check_links(mail.text, mail.html, options)
    yield from _check_unsubscribe(mail)


def _check_length(text: str) -> Iterator[Finding]:
    length = len(" ".join(text.split()))
    if length < LEAST_CHARACTERS:
        yield _error("TXT-BODY", f"the plain part has {length} characters, expected {LEAST_CHARACTERS} or more")


def _check_words(text: str, document: HtmlDocument | None) -> Iterator[Finding]:
    """Markup is no leftover where the HTML part shows the very same characters: an article may be about HTML."""
    shown = "" if document is None else _squeeze("".join(words.text for words in words_of(document)))
    for name, pattern in (("markup", _MARKUP), ("an entity", _ENTITY), ("CSS", _CSS)):
        for found in pattern.finditer(_blank_urls(text)):
            is_entity = pattern is not _ENTITY or html.unescape(found[0]) != found[0]
            if is_entity and _squeeze(found[0]) not in shown:
                message = f"the plain part holds {name}: {' '.join(found[0].split())[:_SNIPPET]}"
                yield _error("TXT-BODY", message, text=text, position=found.start(), snippet=found[0])
                break


def _blank_urls(text: str) -> str:
    return _URL.sub(lambda url: " " * len(url[0]), text)


def _check_lines(text: str, *, is_flowed: bool) -> Iterator[Finding]:
    too_long, too_wide = [], []
    for number, line in enumerate(text.split("\n"), 1):
        if len(line) * 4 > MAX_OCTETS and len(line.encode("utf-8", "replace")) > MAX_OCTETS:
            too_long.append(number)
        elif not is_flowed and _is_too_wide(line):
            too_wide.append(number)
    if too_long:
        message = f"a line of the plain part has more than {MAX_OCTETS} octets{_times(too_long)}"
        yield error("TXT-LINE", message, part=Part.TEXT, line=too_long[0])
    if too_wide:
        message = f"a line takes more than {MAX_COLUMNS} columns and the part is not format=flowed{_times(too_wide)}"
        yield warning("TXT-LINE", message, part=Part.TEXT, line=too_wide[0])


def _is_too_wide(line: str) -> bool:
    """An address alone on its line cannot be wrapped."""
    if len(line) * 2 <= MAX_COLUMNS or (len(line.split(maxsplit=1)) == 1 and "://" in line):
        return False
    return count_columns(line) > MAX_COLUMNS


def _check_headings(text: str, document: HtmlDocument) -> Iterator[Finding]:
    headings = _headings(document)
    written = _squeeze(text)
    missing = [heading for heading in headings if _squeeze(heading) not in written]
    if len(headings) - len(missing) < LEAST_SHARE * len(headings):
        message = f"the plain part lacks {len(missing)} of {len(headings)} headings: {_some(missing)}"
        yield _error("TXT-BODY", message)


def _headings(document: HtmlDocument) -> list[str]:
    """The text of each heading that can be seen and has any."""
    texts: dict[object, str] = {}
    for words in words_of(document):
        if words.heading is not None and words.hidden_by is None and not words.is_alt:
            texts[words.heading] = texts.get(words.heading, "") + words.text
    return [text for text in texts.values() if _squeeze(text)]


def _check_links(text: str, document: HtmlDocument, options: CheckOptions) -> Iterator[Finding]:
    """The plain part shows the real addresses of links whose clicks are counted; where they lead only we know."""
    addresses = (options.target_of(anchor.get("href", "")) for anchor in document.find("a"))
    links = {link for address in addresses if not _COUNTED.fullmatch(address) and (link := _comparable(address))}
    missing = sorted(links - _addresses_in(text))
    if len(links) - len(missing) < LEAST_SHARE * len(links):
        message = f"the plain part lacks {len(missing)} of {len(links)} links: {_some(missing)}"
        yield _error("TXT-LINKS", message)


def _check_unsubscribe(mail: Mail) -> Iterator[Finding]:
    written = _addresses_in(mail.text or "")
    wanted = {_comparable(url) for url in re.findall(r"<(https?://[^\s<>]+)>", mail.fields.value("list-unsubscribe"))}
    if mail.html is not None:
        wanted |= {_comparable(link.get("href", "")) for link in find_unsubscribe_links(mail.html)}
    wanted.discard("")
    if wanted and not wanted & written:
        yield _error("TXT-LINKS", f"the plain part has no address that unsubscribes, such as {min(wanted)}")


def _addresses_in(text: str) -> set[str]:
    """Every address in a text, with and without the marks that may only follow it."""
    found = _URL.findall(text)
    return {_comparable(url) for address in found for url in (address, address.rstrip(".,;:!?)]}'’”»"))}


def _comparable(url: str) -> str:
    """An address without what may differ between the parts: tracking, the fragment, a last slash; "" for others."""
    try:
        parts = urlsplit(url.strip())
    except ValueError:
        return ""
    if parts.scheme.lower() not in {"http", "https"}:
        return ""
    query = parts.query
    if "utm_" in query:
        kept = [pair for pair in parse_qsl(query, keep_blank_values=True) if not pair[0].startswith("utm_")]
        query = urlencode(kept)
    return f"{parts.netloc.lower()}{parts.path.rstrip('/')}{f'?{query}' if query else ''}"


def _squeeze(text: str) -> str:
    """Without spaces, case and the way of composing, as two parts may differ in them."""
    return "".join(normalize("NFC", text).casefold().split())


def _some(things: list[str]) -> str:
    shown = "; ".join(" ".join(thing.split())[:_SNIPPET] for thing in things[:_TOLD])
    return f"{shown} and {len(things) - _TOLD} more" if len(things) > _TOLD else shown


def _times(lines: list[int]) -> str:
    return f" ({len(lines):,} times)" if len(lines) > 1 else ""


def _error(rule: str, message: str, *, text: str = "", position: int | None = None, snippet: str = "") -> Finding:
    line = None if position is None else text.count("\n", 0, position) + 1
    return error(rule, message, part=Part.TEXT, line=line, snippet=snippet[:_SNIPPET])
