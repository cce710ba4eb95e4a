"""Text measured in columns, as a terminal or a monospaced mail window shows it: Hangul and hanja take two.

Cuts fall between grapheme clusters only, so that no syllable, flag or family emoji is torn (UAX 29).
"""

import re
from itertools import accumulate, takewhile

import wcwidth

TEXT_COLUMNS = 76
"""Of a plain text: RFC 5322 section 2.1.1 asks for 78 at most; two remain for the spaces of format=flowed, or "> "."""
ELLIPSIS = "…"
_TRAILING_ELLIPSIS = re.compile(r"[\s.…]*(?:…|\.{3})[\s.…]*$")
_SENTENCE_END = re.compile(r"[.!?。！？][\"'”’)\]]*(?=\s|$)")
_SIMPLE = re.compile("[ -~·–—‘’“”…가-힣]*")
"""Characters that are clusters by themselves, the Hangul among them alone wide: quick to measure."""
_FIRST_WIDE = "가"
_LOOSE_END = " \t.,;:·-–—/([{<“‘「『"


def display_width(text: str) -> int:
    """Columns that `text` takes: East Asian wide characters two, combining marks none.

    >>> display_width("조회 184,220")
    12
    """
    if _SIMPLE.fullmatch(text):
        return len(text) + sum(map(_FIRST_WIDE.__le__, text))
    return sum(max(wcwidth.wcswidth(grapheme), 0) for grapheme in wcwidth.iter_graphemes(text))


def is_plain(text: str) -> bool:
    """Whether each character is a cluster, and no sentence ends in the text: it can be cut anywhere but at its end."""
    is_open = not _SENTENCE_END.search(text) and not text.endswith((*_LOOSE_END, ELLIPSIS, "..."))
    return bool(text and is_open and _SIMPLE.fullmatch(text))


def shorten(text: str, width: int) -> str:
    """At most `width` columns of `text`.

    Cut after a sentence that ends in the last third, else after a word, then "…". An ellipsis the text came with is
    kept as one "…" right after the last word.

    >>> shorten("가나다 라마바 사아자", 16)
    '가나다 라마바…'
    """
    whole = _TRAILING_ELLIPSIS.sub("", text)
    ending = "" if whole == text else ELLIPSIS
    if not whole:
        return ending
    if display_width(whole + ending) <= width:
        return whole + ending
    sentence = _last_sentence_end(whole, len(_clip(whole, width)), width * 2 // 3)
    return _with_one_ellipsis(sentence) or _clip_at_word(whole, width - display_width(ELLIPSIS)) + ELLIPSIS


def _clip(text: str, width: int) -> str:
    if _SIMPLE.fullmatch(text):
        return _clip_simple(text, width)
    columns = 0
    kept: list[str] = []
    for grapheme in wcwidth.iter_graphemes(text):
        columns += display_width(grapheme)
        if columns > width:
            break
        kept.append(grapheme)
    return "".join(kept)


def _clip_simple(text: str, width: int) -> str:
    columns = accumulate(2 if letter >= _FIRST_WIDE else 1 for letter in text[: max(width, 0)])
    return text[: sum(1 for used in takewhile(width.__ge__, columns))]


def _last_sentence_end(text: str, longest: int, earliest: int) -> str:
    """The sentences that end within `longest` characters and `earliest` columns or later; "" where none does.

    What follows is looked at in the whole text: cut off behind its full stop, "3.5" would look like an end.
    """
    ends = [text[: match.end()] for match in _SENTENCE_END.finditer(text) if match.end() <= longest]
    return next((end for end in reversed(ends) if display_width(end) >= earliest), "")


def _with_one_ellipsis(sentence: str) -> str:
    whole = _TRAILING_ELLIPSIS.sub("", sentence)
    return sentence if whole == sentence else whole + ELLIPSIS


def _clip_at_word(text: str, width: int) -> str:
    clipped = _clip(text, width)
    word_ends_here = text[len(clipped) : len(clipped) + 1].isspace()
    words = clipped if word_ends_here else clipped.rpartition(" ")[0]
    # A text without spaces (Chinese, Japanese, one long token) is cut anywhere.
    has_words = display_width(words) * 2 >= width
    return (words if has_words else clipped).rstrip(_LOOSE_END + ELLIPSIS)
