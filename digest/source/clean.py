"""Dirty text of real sites → clean lines: markup, entities, invisible characters, spaces and composition.

Every text of an article passes here once, on its way in; nothing later has to ask whether a title is clean.
"""

import re
import unicodedata
from html import unescape
from html.entities import html5

from digest.source.markup import strip_markup

_TAIL = r"(?P<tail>\s?(?:…|⋯|\.{2,3})?)\Z"
_CUTTABLE = (
    *("amp", "apos", "quot", "lt", "gt", "nbsp", "ldquo", "rdquo", "lsquo", "rsquo", "laquo", "raquo"),
    *("hellip", "middot", "ndash", "mdash"),
)
"""Entities common enough to be cut. All lower-case, so that R&D, S&P and "Tiffany &Co" are safe."""
_BEGINNINGS = sorted({name[:end] for name in _CUTTABLE for end in range(2, len(name) + 1)}, reverse=True)
_CUT_ENTITY = re.compile(rf"&(?:#[xX]?[0-9a-fA-F]*|{'|'.join(_BEGINNINGS)}|q|(?<![A-Za-z0-9]&)[aglmrnh])?{_TAIL}")
"""An entity without its semicolon at the very end; a single letter after a Latin one ("Q&a") is not taken for it."""
_ENTITY = re.compile(
    r"&(?:#(?:[0-9]{1,7}|[xX][0-9a-fA-F]{1,6})|[A-Za-z][A-Za-z0-9]{1,31});"
    r"|&(?:quot|amp|lt|gt|nbsp|#[0-9]{2,7})(?![A-Za-z0-9;=])"
)
"""With its semicolon, or one of those that sites write without: `&section=` must not become `§ion=`."""

_PICTURE = r"\u2190-\u2bff\u3030\u303d\u3297\u3299\U0001f000-\U0001faff"
_INVISIBLE = re.compile(
    rf"((?<=[{_PICTURE}\ufe0f])\u200d(?=[{_PICTURE}])"  # the joiner inside an emoji such as a family
    r"|\U0001f3f4[\U000e0020-\U000e007f]+)"  # the tags of a regional flag
    r"|[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\xad\u034f\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f"
    r"\ufeff\ufdd0-\ufdef\ufff9-\ufffb\ufffe\uffff\ud800-\udfff\U0001d173-\U0001d17a\U000e0000-\U000e007f]"
)
"""Group 1 stays; the rest goes: controls, zero-width and bidi characters, soft hyphens, halves of characters."""
_HANGUL_FILLERS = {0x3164: " ", 0xFFA0: " "}
"""Letters to Unicode, blanks to the eye."""
_COMPATIBILITY_HANJA = re.compile(r"([\uf900-\ufaff\U0002f800-\U0002fa1f]+)")


def clean_line(text: str) -> str:
    r"""One clean line of a title, name or caption; `<` and `>` are characters like any other.

    Entities are decoded exactly once, and one that was cut at the end is dropped. Invisible characters go, all
    spaces collapse, and the text is NFC except for compatibility hanja, which Korean writers choose on purpose.

    >>> clean_line("\ufeff Q&amp;A:\u3000&lt;b&gt; 갤럭시S10+&ap…")
    'Q&A: <b> 갤럭시S10+…'
    """
    if not text:
        return ""
    if "&" in text:
        text = _ENTITY.sub(_decode_entity, _CUT_ENTITY.sub(_tail_of_cut, " ".join(text.split())))
    if not text.isprintable():
        text = _INVISIBLE.sub(r"\1", text)
    if "\u3164" in text or "\uffa0" in text:
        text = text.translate(_HANGUL_FILLERS)
    if not unicodedata.is_normalized("NFC", text):
        text = _compose(text)
    return " ".join(text.split())


def clean_excerpt(text: str) -> str:
    """One clean line of an article's opening, HTML reduced to its text; the length stays as it is.

    Only known HTML tags are markup: `<한국경제>`, `<앵커>` and `a < b` are text.

    >>> clean_excerpt("<p>3 < 5</p><p><앵커> 오늘&qu …")
    '3 < 5 <앵커> 오늘 …'
    """
    return clean_line(strip_markup(text) if "<" in text else text)


def _tail_of_cut(match: re.Match[str]) -> str:
    """What follows a cut entity; a lone `&` was only cut where an ellipsis says so."""
    is_lone = match.start("tail") == match.start() + 1
    return match["tail"] if match["tail"].strip() or not is_lone else match[0]


def _decode_entity(match: re.Match[str]) -> str:
    """`unescape` alone would read "&notit;" as "¬it;"."""
    entity = match[0]
    is_known = entity.startswith("&#") or entity[1:] in html5
    return unescape(entity) if is_known else entity


def _compose(text: str) -> str:
    """NFC, which joins the letters of Hangul, but around the hanja it would replace by their look-alikes."""
    parts = _COMPATIBILITY_HANJA.split(text)
    parts[::2] = (unicodedata.normalize("NFC", part) for part in parts[::2])
    return "".join(parts)
