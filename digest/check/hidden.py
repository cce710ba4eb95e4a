"""Rules on words that readers do not see: one preheader, first in body, and no others."""

import re
from collections.abc import Iterator

from lxml.html import HtmlElement

from digest.check.css import Declaration, parse_stylesheet
from digest.check.document import HtmlDocument
from digest.check.finding import Finding, Part, Rule, error
from digest.check.options import CheckOptions
from digest.check.visible import Words, style_hides, words_of

RULES = (
    Rule(
        id="PRE-HEAD",
        title="A hidden preheader of 20 to 140 characters is the first text in body; it has mso-hide",
        why="The inbox row shows the first words of the body after the subject: without a preheader that is the name "
        "of the newsletter once more. With fewer than 20 characters clients go on with what follows; Outlook shows it "
        "on the page unless mso-hide:all is set.",
        fix='Begin body with `<div style="display:none; max-height:0; overflow:hidden; mso-hide:all">…</div>`.',
    ),
    Rule(
        id="HID-TEXT",
        title="No other text is hidden",
        why="Gmail's mobile web and Naver remove the styles that hide it, so that readers see it; filters know hidden "
        "words as a trick of spam.",
        fix="Remove the text. What one device alone should show, show on all, or hide in a media rule only.",
    ),
)
_CLASS = re.compile(r"\s*[\w-]*[.#]([\w-]+)\s*")
LEAST_CHARACTERS, MOST_CHARACTERS = 20, 140


def check_hidden(document: HtmlDocument, _options: CheckOptions) -> Iterator[Finding]:
    """Every breach in the hidden words of a page."""
    preheader = _find_preheader(document)
    if preheader is None:
        message = "the first text in body can be seen; expected a hidden preheader before it"
        yield error("PRE-HEAD", message, part=Part.HTML)
    else:
        yield from _check_preheader(document, preheader)
    yield from _check_others(document, preheader)


def _find_preheader(document: HtmlDocument) -> HtmlElement | None:
    """What hides the first text of the body."""
    first = next((words for words in words_of(document) if words.ink), None)
    return None if first is None else first.hidden_by


def _check_preheader(document: HtmlDocument, preheader: HtmlElement) -> Iterator[Finding]:
    pieces = [words.ink for words in words_of(document) if words.hidden_by is preheader and not words.is_alt]
    text = " ".join(filter(None, pieces))
    if not LEAST_CHARACTERS <= len(text) <= MOST_CHARACTERS:
        message = f"the preheader has {len(text)} characters, expected {LEAST_CHARACTERS} to {MOST_CHARACTERS}"
        yield document.warning("PRE-HEAD", message, preheader, text)
    if "mso-hide:all" not in "".join(preheader.get("style", "").lower().split()):
        yield document.warning("PRE-HEAD", "the preheader has no mso-hide:all; Outlook shows it", preheader, text)


def _check_others(document: HtmlDocument, preheader: HtmlElement | None) -> Iterator[Finding]:
    told = set() if preheader is None else {preheader}
    for words in words_of(document, hiding=_hiding_classes(document)):
        if words.hidden_by is not None and words.hidden_by not in told and _has_text(words):
            told.add(words.hidden_by)
            message = f"text that is hidden: {words.ink[:60]!r}"
            yield document.warning("HID-TEXT", message, words.hidden_by, words.ink)


def _has_text(words: Words) -> bool:
    return bool(words.ink) and not words.is_alt


def _hiding_classes(document: HtmlDocument) -> frozenset[str]:
    """Classes and ids that a style block hides on every device; rules in @media hide on some only."""
    rules = [rule for style in document.find("style") for rule in parse_stylesheet(style.text or "").rules]
    selectors = [rule.selector for rule in rules if not rule.conditions and any(map(_hides, rule.declarations))]
    names = [_CLASS.fullmatch(selector) for several in selectors for selector in several.split(",")]
    return frozenset(name[1] for name in names if name)


def _hides(declaration: Declaration) -> bool:
    return style_hides(f"{declaration.name}:{declaration.value}")
