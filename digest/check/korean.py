"""Korean text: fonts that have Hangul, lines that break between words, and room between them."""

import re
from collections.abc import Iterator
from itertools import islice

from digest.check.cascade import MOST_ELEMENTS, compute_styles
from digest.check.document import HtmlDocument
from digest.check.element_style import ElementStyle, breaks_long_words
from digest.check.finding import Finding, Rule
from digest.check.options import CheckOptions
from digest.check.repeats import merge_repeats
from digest.check.view import STRIPPED
from digest.check.visible import Words, words_of

LEADING = 1.4
RULES = (
    Rule(
        id="FONT-STACK",
        title="Korean text has Apple SD Gothic Neo, Malgun Gothic and a generic font, in or below its cell",
        why="Outlook falls back to Batang or to Latin fonts without Hangul, and Word looks no further than the cell.",
        fix="Write font-family:Apple SD Gothic Neo, Malgun Gothic, sans-serif into the style attribute of each cell.",
    ),
    Rule(
        id="KO-BREAK",
        title="Korean lines break between words, and a word longer than the line breaks",
        why="Browsers break Hangul at any syllable otherwise; with keep-all alone a long word widens the page.",
        fix="Write word-break:keep-all; overflow-wrap:break-word into the style attribute.",
    ),
    Rule(
        id="KO-LEAD",
        title="Korean text of more than a few words has a line height of 1.4 or more",
        why="Hangul fills its square, so that lines set as tight as Latin run together.",
        fix="Write line-height:1.6 into the style attribute, 1.4 for headlines.",
    ),
)
_HANGUL = re.compile("[가-힣]")
_FONTS = (
    ("Apple SD Gothic Neo", ("applesdgothicneo", "애플sd산돌고딕neo")),
    ("Malgun Gothic", ("malgungothic", "맑은고딕")),
)
_GENERIC = frozenset({"sans-serif", "serif", "monospace", "cursive", "fantasy", "system-ui"})
_MAY_WRAP = 12
_EPSILON = 0.001


def check_korean(document: HtmlDocument, options: CheckOptions) -> Iterator[Finding]:  # noqa: ARG001 - a family's shape
    """Every breach of the rules on Korean text; nothing where a mail has none."""
    yield from merge_repeats(_check_all(document))


def _check_all(document: HtmlDocument) -> Iterator[Finding]:
    texts = islice(words_of(document), MOST_ELEMENTS)
    korean = [words for words in texts if _HANGUL.search(words.text) and not words.is_code]
    styles = compute_styles(document) if korean else None
    for words in korean:
        style = styles.of(words.holder, STRIPPED) if styles else None
        if style is None or style.is_hidden:
            continue
        if fault := _stack_fault(style):
            yield document.error("FONT-STACK", fault, words.holder, words.ink)
        for rule, found in (("KO-BREAK", _break_fault(words, style)), ("KO-LEAD", _leading_fault(words, style))):
            if found:
                yield document.warning(rule, found, words.holder, words.ink)


def _stack_fault(style: ElementStyle) -> str:
    if style.declared.get("mso-hide", "").lower() == "all":
        return ""
    fonts = [font.strip(" \"'").lower() for font in style.family.split(",")]
    if not style.has_own_family:
        return "Korean text whose cell names no fonts; Word looks no further"
    plain = {re.sub(r"[\s-]", "", font) for font in fonts}
    lacking = [name for name, spellings in _FONTS if not any(font.startswith(spellings) for font in plain)]
    lacking += [] if fonts[-1] in _GENERIC else ["a generic font at the end"]
    return f"Korean text in the fonts {style.family[:80]} without {' and '.join(lacking)}" if lacking else ""


def _break_fault(words: Words, style: ElementStyle) -> str:
    if words.is_alt or " " not in words.ink:
        return ""
    if style.word_break != "keep-all":
        return f"Korean text with word-break {style.word_break}; keep-all breaks lines between words"
    if breaks_long_words(style):
        return ""
    return "Korean text whose long words cannot break; overflow-wrap:break-word lets them"


def _leading_fault(words: Words, style: ElementStyle) -> str:
    may_wrap = len(words.ink) >= _MAY_WRAP and " " in words.ink and not words.is_alt
    if not may_wrap or style.leading >= LEADING - _EPSILON:
        return ""
    return f"Korean text with a line height of {style.leading:.2g}; {LEADING} is the least"
