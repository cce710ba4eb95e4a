"""Rules on characters, in the HTML part and in the plain part: nothing broken, nothing left unfilled."""

import html
import re
from collections.abc import Callable, Iterable, Iterator
from unicodedata import normalize

from lxml.html import HtmlElement

from digest.check.document import HtmlDocument
from digest.check.finding import Finding, Part, Rule, error
from digest.check.headers import decode_words, has_sound_words
from digest.check.mail import Mail
from digest.check.mojibake import find_mojibake
from digest.check.options import CheckOptions
from digest.check.placeholders import find_tokens, is_missing_in_url, is_missing_value
from digest.check.source import code_in, mask
from digest.check.visible import visible_text, words_of

RULES = (
    Rule(
        id="CHR-BAD",
        title="No control characters, U+FFFD, byte order marks, mojibake or doubly escaped entities",
        why="Readers see boxes, � or &amp;amp; in a headline; some clients stop reading at a NUL.",
        fix="Read the source in its own encoding (`--encoding cp949`), and escape text once.",
    ),
    Rule(
        id="CHR-NFC",
        title="Hangul is composed: syllables, not loose letters",
        why="Text typed or named on a Mac may be decomposed (NFD); Windows and Outlook show it as loose letters.",
        fix="Normalise titles to NFC. Compatibility Hanja may stay as they are.",
    ),
    Rule(
        id="PH-LEFT",
        title="No placeholder is left: {{, %7B%7B, %%X%%, None, nan, an address ending in .invalid",
        why="It shows that a value was missing, to every reader at once.",
        fix="Test a value with {% if %} in the template; give the article what it lacks.",
    ),
)
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
_CONTROL_REFERENCE = re.compile(
    r"&#(?:0*(?:[0-8]|1[1-2]|1[4-9]|2\d|3[01]|127)|[xX]0*(?:[0-8bBcCeEfF]|1[0-9a-fA-F]|7[fF]));"
)
_PADDING = "\u034f\u200b-\u200f\xa0\xad\u2007\ufeff"
_BOM = re.compile(f"(?<![{_PADDING}])\ufeff(?:(?![{_PADDING}\\s])|(?<!\\s\ufeff)(?![{_PADDING}]))")
"""Among other invisible characters it fills the inbox row behind a preheader, as a zero-width no-break space."""
_TWICE = re.compile(r"&(?:amp|#38|#[xX]26);(#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,30});")
_ENTITY = re.compile(r"&(#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,30});")
_LOOSE = re.compile("[\u1100-\u1112][\u1161-\u1175]|[\uac00-\ud7a3][\u11a8-\u11c2]")
_SEEN = frozenset({"subject", "from", "to", "reply-to", "sender", "list-id"})
_SNIPPET = 80
_AROUND = 20
Complain = Callable[[str, str, int], Finding]
"""Makes a finding of a rule, a message and a position in the text."""


def check_characters(document: HtmlDocument, options: CheckOptions) -> Iterator[Finding]:
    """Every breach in the characters of a page; what code elements quote is meant."""
    source = mask(document.source)
    read = html.unescape(source)
    in_source, in_text = _complain_about(document.source, Part.HTML), _complain_about(read, Part.HTML)
    yield from _first(_CONTROL.finditer(document.source), in_source, "CHR-BAD", "a control character")
    yield from _first(_CONTROL_REFERENCE.finditer(source), in_source, "CHR-BAD", "a control character as a reference")
    yield from _check_escapes(source, options.plain_text, in_source)
    yield from _check_text(read, in_text)
    yield from _first(find_tokens(read), in_text, "PH-LEFT", "a placeholder was left")
    yield from _check_missing(document)


def check_plain_characters(mail: Mail, _options: CheckOptions) -> Iterator[Finding]:
    """Every breach in the characters of the plain part; what the HTML part has in a code element is meant."""
    text = mail.text or ""
    complain = _complain_about(text, Part.TEXT)
    yield from _first(_CONTROL.finditer(text), complain, "CHR-BAD", "a control character")
    yield from _check_text(text, complain)
    quoted = "" if mail.html is None else html.unescape(code_in(mail.html.source))
    tokens = (token for token in find_tokens(text) if token[0] not in quoted)
    yield from _first(tokens, complain, "PH-LEFT", "a placeholder was left")
    for number, line in enumerate(text.split("\n"), 1):
        if is_missing_value(line) and line.strip() not in quoted:
            yield error("PH-LEFT", f"a value was missing: {line.strip()[:_SNIPPET]}", part=Part.TEXT, line=number)


def check_header_characters(mail: Mail, _options: CheckOptions) -> Iterator[Finding]:
    """Every breach in the words of the header that readers see: the subject and the names of addresses."""
    for field in mail.fields.all:
        if field.name in _SEEN and has_sound_words(field.value):
            words = decode_words(field.value)
            complain = _complain_about(words, Part.MESSAGE, line=field.line)
            yield from _first(_CONTROL.finditer(words), complain, "CHR-BAD", "a control character")
            yield from _check_text(words, complain)
            if field.name == "subject":
                yield from _check_entities(words, mail, complain)
            else:
                yield from _first(find_tokens(words), complain, "PH-LEFT", "a placeholder was left")


def _check_entities(subject: str, mail: Mail, complain: Complain) -> Iterator[Finding]:
    """A subject is no HTML: an entity was escaped for nothing, unless the page shows the same characters."""
    shown = "" if mail.html is None else visible_text(mail.html)
    found = (entity for entity in _ENTITY.finditer(subject) if _is_entity(entity[1]) and entity[0] not in shown)
    yield from _first(found, complain, "CHR-BAD", "an entity in the subject")


def _complain_about(text: str, part: Part, *, line: int = 1) -> Complain:
    def complain(rule: str, message: str, position: int) -> Finding:
        start = max(text.rfind("\n", 0, position) + 1, position - _AROUND)
        snippet = text[start : start + _SNIPPET].partition("\n")[0]
        return error(rule, message, part=part, line=line + text.count("\n", 0, position), snippet=snippet)

    return complain


def _first(found: Iterable[re.Match[str]], complain: Complain, rule: str, what: str) -> Iterator[Finding]:
    """One finding for all of a kind, at the first place."""
    places = list(found)
    if places:
        times = f" ({len(places):,} times)" if len(places) > 1 else ""
        yield complain(rule, f"{what}: {places[0][0][:_SNIPPET]!r}{times}", places[0].start())


def _check_text(text: str, complain: Complain) -> Iterator[Finding]:
    yield from _first(_BOM.finditer(text), complain, "CHR-BAD", "a byte order mark")
    yield from _first(re.finditer("\ufffd", text), complain, "CHR-BAD", "a character that was lost")
    yield from _first(find_mojibake(text), complain, "CHR-BAD", "text read in the wrong encoding")
    loose = (found for found in _LOOSE.finditer(text) if normalize("NFC", found[0]) != found[0])
    yield from _first(loose, complain, "CHR-NFC", "decomposed Hangul")


def _check_escapes(source: str, plain_text: str | None, complain: Complain) -> Iterator[Finding]:
    """An article may be about `&amp;`: then the plain part shows the same characters."""
    twice = (
        found
        for found in _TWICE.finditer(source)
        if _is_entity(found[1]) and (plain_text is None or f"&{found[1]};" not in plain_text)
    )
    yield from _first(twice, complain, "CHR-BAD", "an entity that was escaped twice")


def _is_entity(name: str) -> bool:
    return html.unescape(f"&{name};") != f"&{name};"


def _check_missing(document: HtmlDocument) -> Iterator[Finding]:
    """Values that were not there, where they are all of a text, a fact or a piece of an address."""
    for words in words_of(document):
        if not words.is_code and is_missing_value(words.text):
            yield _missing(document, words.holder, words.text)
    for element in document.elements:
        if element.tag == "title" and is_missing_value(element.text or ""):
            yield _missing(document, element, element.text or "")
        for name in ("href", "src"):
            if is_missing_in_url(element.get(name, "")):
                yield _missing(document, element, element.get(name, ""))
        for name in ("width", "height", "title", "aria-label", "content"):
            if element.get(name) in {"None", "nan"}:
                yield _missing(document, element, f'{name}="{element.get(name)}"')


def _missing(document: HtmlDocument, element: HtmlElement, text: str) -> Finding:
    text = " ".join(text.split())
    return document.error("PH-LEFT", f"a value was missing: {text[:_SNIPPET]}", element, text)
