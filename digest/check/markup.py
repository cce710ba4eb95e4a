"""Rules on the frame of the HTML part: doctype, language, metas, and elements that mail must not have."""

import re
from collections import Counter
from collections.abc import Iterator
from unicodedata import east_asian_width
from unicodedata import name as name_of

from babel.core import get_global
from lxml.html import HtmlElement

from digest.check.document import HtmlDocument
from digest.check.finding import Finding, Part, Rule, error, warning
from digest.check.options import CheckOptions
from digest.check.source import is_script_address
from digest.check.visible import PADDING, words_of
from digest.language import direction_of

RULES = (
    Rule(
        id="DOC-TYPE",
        title="The HTML part begins with <!DOCTYPE html>",
        why="Anything else, or anything before it, puts browsers into quirks mode: other widths, other font sizes.",
        fix="Make `<!DOCTYPE html>` the first characters.",
    ),
    Rule(
        id="DOC-LANG",
        title="lang is valid and fits the script; dir is set, and lang is repeated on an element in body",
        why="Screen readers choose their voice by it and browsers their hyphenation and Hanja forms; Outlook.com drops "
        "the attributes of the html element, so they are needed once more inside.",
        fix='Write `<html lang="ko" dir="ltr">` and `<div lang="ko" dir="ltr">` around all of the body.',
    ),
    Rule(
        id="DOC-META",
        title="The charset is in the first 1,024 bytes, there is a title, and a viewport",
        why="Programs that save or forward a mail look for the charset there and nowhere else; the title names the "
        "mail to screen readers and in browsers; without a viewport phones shrink the page.",
        fix='Begin the head with `<meta charset="utf-8">`, a viewport meta and a title.',
    ),
    Rule(
        id="DOC-SCHEME",
        title="The metas color-scheme and supported-color-schemes are there",
        why="Without them Apple Mail does not apply your dark rules and inverts colours by its own guess.",
        fix='Write `<meta name="color-scheme" content="light dark">`, and the same for supported-color-schemes.',
    ),
    Rule(
        id="EL-FORBID",
        title="There is no script, form, iframe, video, svg, link or the like",
        why="Mail programs remove them with what they hold, and filters take them for an attack.",
        fix="Use links, pictures, and style elements; put a form on a page and link to it.",
    ),
    Rule(
        id="ATTR-JS",
        title="There are no on… attributes and no javascript: addresses",
        why="Every mail program removes them, and filters take them for an attack.",
        fix="Remove them.",
    ),
)
FORBIDDEN = (
    "script", "form", "input", "button", "select", "textarea", "iframe", "frame", "frameset", "object", "embed",
    "applet", "video", "audio", "picture", "source", "svg", "math", "canvas", "link", "base", "dialog", "portal",
    "fieldset", "noscript", "template", "marquee", "track",
)  # fmt: skip
_DOCTYPE = re.compile(r"<!doctype\s+html\s*>", re.IGNORECASE)
_TAG = re.compile(r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]{2,8}){0,4}")
_CHARSET = re.compile(rb"<meta[^>]{0,200}charset\s*=\s*[\"']?\s*utf-8[\s\"'/>;]", re.IGNORECASE)
_REMARK = re.compile(rb"<!--.*?(?:-->|\Z)", re.DOTALL)
_CHARSET_WITHIN = 1_024
_LEAST_LETTERS = 20
"""Fewer say nothing about the script of a page."""
_LEAST_SHARE = 0.25
"""Of the letters that must be of the language's own script: brand names and quotations are in others."""
_NEARLY_ALL = 0.8
_SCRIPTS = {
    "Kore": {"HANGUL", "CJK"},
    "Jpan": {"HIRAGANA", "KATAKANA", "CJK"},
    "Hans": {"CJK"},
    "Hant": {"CJK", "BOPOMOFO"},
    "Latn": {"LATIN"},
    "Cyrl": {"CYRILLIC"},
    "Grek": {"GREEK"},
    "Arab": {"ARABIC"},
    "Hebr": {"HEBREW"},
    "Thai": {"THAI"},
    "Deva": {"DEVANAGARI"},
}
"""First words of Unicode names by ISO 15924; pages in other scripts are not judged."""
_ADDRESSES = ("href", "src", "action", "formaction", "background", "poster", "data", "xlink:href", "lowsrc", "dynsrc")


def check_markup(document: HtmlDocument, _options: CheckOptions) -> Iterator[Finding]:
    """Every breach in the frame of a page."""
    yield from _check_doctype(document)
    yield from _check_lang(document)
    yield from _check_metas(document)
    yield from _check_elements(document)
    yield from _check_attributes(document)


def _check_doctype(document: HtmlDocument) -> Iterator[Finding]:
    # A byte order mark before it is reported as what it is, by CHR-BAD.
    if not _DOCTYPE.match(document.source.removeprefix("\ufeff")):
        found = " ".join(document.source[:60].split())
        message = f"expected <!DOCTYPE html> first, found {found!r}"
        yield error("DOC-TYPE", message, part=Part.HTML, line=1, snippet=found)


def _check_lang(document: HtmlDocument) -> Iterator[Finding]:
    for element in document.elements:
        tag = element.get("lang")
        if tag is not None and not is_language(tag):
            yield document.error("DOC-LANG", f"lang={tag[:40]!r} is no language", element, f'lang="{tag}"')
    page = next(document.find("html"), document.root)
    lang = page.get("lang", "")
    if not lang:
        yield document.error("DOC-LANG", "the html element has no lang", page)
    elif is_language(lang):
        yield from _check_script(document, page, lang)
        yield from _check_wrapper(document, lang)
    if page.get("dir", "").lower() not in ({direction_of(lang)} - {""} or {"ltr", "rtl"}):
        yield document.warning("DOC-LANG", "the html element has no dir, or that of another script", page)
    if lang and not any(_repeats(element, lang) for element in document.elements):
        message = f'no element in body repeats lang="{lang[:40]}" and dir; Outlook.com drops those of html'
        yield document.warning("DOC-LANG", message, page)


def is_language(tag: str) -> bool:
    """Whether it is a tag of a language there is (BCP 47), such as ko or en-GB."""
    return bool(_TAG.fullmatch(tag)) and direction_of(tag) != ""


def _repeats(element: HtmlElement, lang: str) -> bool:
    is_inside = element.tag not in {"html", "head", "body"}
    return is_inside and element.get("lang", "").lower() == lang.lower() and bool(element.get("dir"))


def _check_script(document: HtmlDocument, page: HtmlElement, lang: str) -> Iterator[Finding]:
    """The words in the page's own language; all of them, where hardly any are."""
    scripts = _count_scripts(document)
    own = scripts.get(_own(lang), Counter[str]())
    letters = own if own.total() >= _LEAST_LETTERS else sum(scripts.values(), Counter[str]())
    if most := _foreign_script(letters, lang):
        message = f'lang="{lang}", and nearly all letters are of other scripts, mostly {most.title()}'
        yield document.error("DOC-LANG", message, page, f'lang="{lang}"')


def _check_wrapper(document: HtmlDocument, lang: str) -> Iterator[Finding]:
    """The element around all of the body, which stands in for html where a client drops its attributes."""
    body = next(document.find("body"), document.root)
    whole = len(body.text_content())
    for element in body.iterchildren("div", "center", "table", "main", "article"):
        inner = element.get("lang", lang)
        if _own(inner) != _own(lang) and len(element.text_content()) > _NEARLY_ALL * whole:
            message = f'the html element has lang="{lang}", and what is around the body lang="{inner[:40]}"'
            yield document.error("DOC-LANG", message, element, f'lang="{inner}"')


def _own(lang: str) -> str:
    """The language of a tag, without its script and region."""
    return lang.partition("-")[0].lower()


def _foreign_script(letters: Counter[str], lang: str) -> str:
    """The script that most letters are of, where too few are of the language's own; "" where all is well."""
    expected = _SCRIPTS.get(_script_of(lang))
    total = letters.total()
    fitting = sum(letters[script] for script in expected or ())
    if not expected or total < _LEAST_LETTERS or fitting >= _LEAST_SHARE * total:
        return ""
    return max(letters, key=lambda script: letters[script])


def _script_of(lang: str) -> str:
    """ISO 15924 code of the script a language is written in, by CLDR; "" where it is not known."""
    named = next((part for part in lang.split("-")[1:] if re.fullmatch(r"[A-Za-z]{4}", part)), "")
    likely = str(get_global("likely_subtags").get(lang.partition("-")[0].lower(), ""))
    return named.title() or next((part for part in likely.split("_") if len(part) == 4), "")  # noqa: PLR2004 - ISO 15924


def _count_scripts(document: HtmlDocument) -> dict[str, Counter[str]]:
    """Letters by language, then by script: the first word of their Unicode name."""
    letters: dict[str, Counter[str]] = {}
    for words in words_of(document):
        if not words.is_alt:
            letters.setdefault(_own(words.lang), Counter()).update(words.text)
    return {language: _by_script(counted) for language, counted in letters.items()}


def _by_script(letters: Counter[str]) -> Counter[str]:
    scripts = Counter[str]()
    for letter, count in letters.items():
        if letter.isalpha():
            # A syllable or an ideograph says as much as two letters.
            weight = 1 + (east_asian_width(letter) in "WF")
            scripts[name_of(letter, "?").partition(" ")[0].partition("-")[0]] += weight * count
    return scripts


def _check_metas(document: HtmlDocument) -> Iterator[Finding]:
    beginning = document.source[:_CHARSET_WITHIN].encode("utf-8", "replace")[:_CHARSET_WITHIN]
    if not _CHARSET.search(_REMARK.sub(b"", beginning)):
        message = f"no <meta charset=utf-8> in the first {_CHARSET_WITHIN:,} bytes"
        yield error("DOC-META", message, part=Part.HTML, line=1)
    if not any(PADDING.sub("", title.text or "") for title in document.find("title")):
        yield error("DOC-META", "there is no title, or it is empty", part=Part.HTML, line=1)
    metas = {meta.get("name", "").lower(): meta.get("content", "") for meta in document.find("meta")}
    if "width" not in metas.get("viewport", ""):
        yield warning("DOC-META", "there is no viewport meta", part=Part.HTML, line=1)
    for name in ("color-scheme", "supported-color-schemes"):
        if not re.search(r"\b(?:light|dark|only)\b", metas.get(name, ""), re.IGNORECASE):
            yield warning("DOC-SCHEME", f"there is no {name} meta", part=Part.HTML, line=1)


def _check_elements(document: HtmlDocument) -> Iterator[Finding]:
    for name in FORBIDDEN:
        for element in document.find(name):
            yield document.error("EL-FORBID", f"a {name} element", element, f"<{name}")
    for meta in document.find("meta"):
        if meta.get("http-equiv", "").lower() == "refresh":
            yield document.error("EL-FORBID", "a meta element that loads another page", meta, "<meta")


def _check_attributes(document: HtmlDocument) -> Iterator[Finding]:
    for element in document.elements:
        for name, value in element.attrib.items():
            if re.match(r"on[a-z]", name, re.IGNORECASE):
                yield document.error("ATTR-JS", f"an {name} attribute", element, f'{name}="{value}')
            elif name.lower() in _ADDRESSES and is_script_address(value):
                yield document.error("ATTR-JS", f"a script in {name}", element, f'{name}="{value}')
