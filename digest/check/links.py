"""Links: addresses that work in every client, words that say where they lead, and nothing that looks like fraud."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import parse_qsl, unquote, urlsplit

from lxml.html import HtmlElement

from digest.check.document import HtmlDocument
from digest.check.finding import Finding, Rule
from digest.check.options import CheckOptions
from digest.check.placeholders import find_tokens, is_missing_in_url
from digest.check.repeats import merge_repeats
from digest.check.source import is_script_address
from digest.check.visible import PADDING
from digest.url import clean_url

RULES = (
    Rule(
        id="LNK-HREF",
        title="Links are absolute and cleanly encoded, and https",
        why="A mail has no base; clients cut addresses at spaces and rewrite raw Hangul each in its own way.",
        fix="Write the whole https:// address with everything but ASCII percent-encoded.",
    ),
    Rule(
        id="LNK-TEXT",
        title="Each link has words that say where it leads",
        why="Screen readers list links by their words alone; five times 더보기 says nothing.",
        fix="Link the headline, or write 더보기: 한강 다리 or read more about the bridge.",
    ),
    Rule(
        id="LNK-SHORT",
        title="No link goes through a URL shortener",
        why="Spam filters know them as what hides the bad address.",
        fix="Link the article's own address.",
    ),
    Rule(
        id="LNK-SPOOF",
        title="A host that is shown is the host the link leads to",
        why="Another one is how phishing looks; Gmail and Outlook warn of it.",
        fix="Show the real host, or words instead of an address.",
    ),
    Rule(
        id="LNK-UTM",
        title="utm parameters are complete and stand there once",
        why="Analytics drops or splits the campaign otherwise.",
        fix="Write utm_source, utm_medium and utm_campaign each once and with a value, or none at all.",
    ),
    Rule(
        id="LNK-PII",
        title="No e-mail address stands in a link",
        why="Addresses of readers end up in server logs, analytics and referrers.",
        fix="Use a signed token that only your server can read.",
    ),
)
UTM = ("utm_source", "utm_medium", "utm_campaign")
SHORTENERS = frozenset({
    "abit.ly", "adf.ly", "bit.do", "bit.ly", "bitly.com", "bitly.kr", "bl.ink", "buff.ly", "buly.kr", "c11.kr",
    "cutt.ly", "dlvr.it", "durl.kr", "fb.me", "goo.gl", "han.gl", "hoy.kr", "is.gd", "j.mp", "kko.to", "lnkd.in",
    "lrl.kr", "me2.do", "me2.kr", "muz.so", "naver.me", "ow.ly", "rb.gy", "rebrand.ly", "s.id", "short.io",
    "shorturl.at", "snip.ly", "t.co", "t.ly", "tiny.cc", "tinyurl.com", "trib.al", "tr.im", "url.kr", "v.gd",
    "vo.la", "vvd.bz", "wp.me", "zrr.kr", "tiny.one", "bitly.ws", "dub.sh", "lnk.to", "shorturl.com",
    "u.to", "1url.com", "clck.ru", "amzn.to", "ouo.io", "x.gd",
})  # fmt: skip
_KNOWN_SCHEMES = frozenset({"mailto", "tel", "sms"})
_CLEAN = re.compile(r"[!#$%&'()*+,\-./0-9:;=?@A-Z\[\]_a-z~]+")
_LONE_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")
_EMPTY_WORDS = frozenset({
    "더보기", "더읽기", "자세히", "자세히보기", "자세히알아보기", "전체보기", "보기", "바로가기", "여기",
    "기사더보기", "전문보기", "기사전문", "본문보기", "더알아보기", "this", "fullstory",
    "여기를클릭", "여기클릭", "클릭", "클릭하세요", "링크", "기사보기", "계속읽기", "원문보기", "here", "clickhere",
    "click", "more", "readmore", "seemore", "viewmore", "learnmore", "findoutmore", "continue", "continuereading",
    "link", "thislink", "details", "readon",
})  # fmt: skip
_NOT_LETTERS = re.compile(r"[\W_]+")
_TOP_LEVELS = (
    "com|net|org|info|biz|edu|gov|io|co|me|tv|app|dev|ai|news|shop|store|online|site|xyz|blog|club|example|test"
    "|kr|jp|cn|tw|hk|us|uk|de|fr|es|it|nl|eu|ru|in|au|ca|ch|at|se|no|br|vn|sg|한국"
)
_HOST = rf"(?:[\w-]{{1,63}}\.){{1,8}}(?:{_TOP_LEVELS})"
_SHOWN_ADDRESS = re.compile(rf"https?://({_HOST})(?![\w.-])", re.IGNORECASE)
_SHOWN_ALONE = re.compile(rf"(?:www\.)?({_HOST})(?::\d+)?(?:/\S*)?(?:\s(?:바로가기|홈페이지|방문하기))?", re.IGNORECASE)
_ADDRESS = re.compile(
    r"(?<![\w.+%@-])[\w.+-]{1,64}@(?:[\w-]{1,63}\.){1,5}(?!(?:html?|php|jpe?g|png|gif|svg|css|js|pdf)\b)[A-Za-z]{2,18}(?![\w-])"
)


@dataclass(frozen=True, kw_only=True)
class _Link:
    """One link with what the rules ask of it."""

    element: HtmlElement
    href: str
    words: str
    """What it shows, spaces collapsed."""
    host: str
    """In lower case; "" where it has none."""
    target: str
    """Where it leads in the end: another address where clicks are counted."""


def check_links(document: HtmlDocument, options: CheckOptions) -> Iterator[Finding]:
    """Every breach of the rules on links, but for those on unsubscribing."""
    yield from merge_repeats(_check_all(document, options))


def _check_all(document: HtmlDocument, options: CheckOptions) -> Iterator[Finding]:
    for element in document.find("a", "area"):
        if (href := element.get("href")) is None:
            if element.tag == "a" and not (element.get("name") or element.get("id")):
                yield document.error("LNK-HREF", "a link without an address", element)
            continue
        link = _Link(
            element=element, href=href, words=_words(element), host=_host(href), target=options.target_of(href)
        )
        yield from _check_address(document, link)
        yield from _check_words(document, link)
        yield from _check_host(document, link)
        yield from _check_parameters(document, link)


def _check_address(document: HtmlDocument, link: _Link) -> Iterator[Finding]:
    href, scheme = link.href, link.href.partition(":")[0].strip().lower()
    if is_script_address(href) or next(find_tokens(href), None) or is_missing_in_url(href):
        return
    if href.startswith("#"):
        message = f"the link {_cut(href)} leads within the mail, which many clients do not follow"
        yield document.warning("LNK-HREF", message, link.element, href)
    elif fault := _address_fault(href, scheme):
        yield document.error("LNK-HREF", f"the link {_cut(href)} {fault}", link.element, href)
    elif scheme == "http":
        yield document.warning("LNK-HREF", f"the link {_cut(href)} is not https", link.element, href)


def _address_fault(href: str, scheme: str) -> str:
    if not href.strip():
        return "is empty"
    if scheme not in _KNOWN_SCHEMES and not href.lower().startswith(("https://", "http://")):
        return "is not absolute; https:// and a host are expected"
    if not _CLEAN.fullmatch(href) or _LONE_PERCENT.search(href):
        return "is not cleanly encoded: only ASCII and whole %XX may stand in it"
    if scheme in _KNOWN_SCHEMES:
        return ""
    try:
        clean_url(href)
    except ValueError as error:
        return f"cannot be used: {error}"
    else:
        return ""


def _check_words(document: HtmlDocument, link: _Link) -> Iterator[Finding]:
    label = link.element.get("aria-label") or link.element.get("title") or ""
    if not link.words:
        holds_image = next(link.element.iter("img"), None) is not None or link.element.tag == "area"
        if not holds_image and not label.strip():
            yield document.error("LNK-TEXT", f"the link to {_cut(link.href)} shows nothing", link.element, link.href)
        return
    plain = _NOT_LETTERS.sub("", link.words).casefold()
    if plain in _EMPTY_WORDS and _NOT_LETTERS.sub("", label).casefold() in _EMPTY_WORDS | {""}:
        message = f"the link {link.words[:40]!r} does not say where it leads"
        yield document.warning("LNK-TEXT", message, link.element, link.words)


def _check_host(document: HtmlDocument, link: _Link) -> Iterator[Finding]:
    if _host(link.target).removeprefix("www.").rstrip(".") in SHORTENERS:
        yield document.error("LNK-SHORT", f"{_cut(link.target)} goes through a shortener", link.element, link.href)
    shown = shown_host(link.words)
    if shown and link.host and not _is_same_site(shown, link.host):
        message = f"a link shows {shown} and leads to {link.host}"
        yield document.error("LNK-SPOOF", message, link.element, link.words)


def _check_parameters(document: HtmlDocument, link: _Link) -> Iterator[Finding]:
    if not link.host:
        return
    fields = [(name.lower(), value) for name, value in parse_qsl(urlsplit(link.target).query, keep_blank_values=True)]
    names = [name for name, _ in fields if name.startswith("utm_")]
    filled = {name for name, value in fields if value.strip()}
    if doubled := [name for name in dict.fromkeys(names) if names.count(name) > 1]:
        yield document.error("LNK-UTM", f"{_cut(link.target)} has {doubled[0]} twice", link.element, link.href)
    elif names and (lacking := [name for name in UTM if name not in filled]):
        message = f"{_cut(link.target)} has utm parameters, but no {', '.join(lacking)}"
        yield document.error("LNK-UTM", message, link.element, link.href)
    if _ADDRESS.search(unquote(unquote(link.target))):
        message = "a link holds an e-mail address; logs and analytics would keep it"
        yield document.warning("LNK-PII", message, link.element, link.href)


def _words(element: HtmlElement) -> str:
    return PADDING.sub(" ", str(element.text_content())).strip()


def _host(href: str) -> str:
    try:
        parts = urlsplit(href)
    except ValueError:
        return ""
    return (parts.hostname or "") if parts.scheme in ("http", "https") else ""


def shown_host(words: str) -> str:
    """The host that a reader takes the link to lead to; "" where its words are no address."""
    found = _SHOWN_ADDRESS.search(words) or _SHOWN_ALONE.fullmatch(words.strip("()[]<>“”‘’'\" .,!›»→"))
    return found[1].lower() if found else ""


def _is_same_site(shown: str, real: str) -> bool:
    """Whether one host is the other or lies within it."""
    one, other = _ascii(shown).removeprefix("www."), real.removeprefix("www.")
    return one == other or one.endswith(f".{other}") or other.endswith(f".{one}")


def _ascii(host: str) -> str:
    try:
        return host.encode("idna").decode("ascii")
    except UnicodeError:
        return host


def _cut(href: str) -> str:
    """For messages: an address of which one sees where it leads."""
    return href if len(href) <= 60 else f"{href[:59]}…"  # noqa: PLR2004 - a line's worth
