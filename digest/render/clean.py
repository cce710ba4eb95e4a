"""The last look at text from outside before it stands in a mail: one line, without what breaks clients.

Sources clean what they read; this is what every rendering relies on, whatever template and source it has.
"""

import re
import unicodedata

_UNSAFE = re.compile(
    "["
    "\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f"  # controls; those that Python counts as spaces become spaces below
    "\u200b\u2060\ufeff"  # invisible and of no use in a line of text
    "\u200e\u200f\u202a-\u202e\u2066-\u2069"  # an override would turn the rest of the line around
    "\ud800-\udfff\ufffc\ufffd\ufdd0-\ufdef\ufffe\uffff"  # surrogates, replacement signs, noncharacters
    "]"
)
_DECOMPOSED_HANGUL = re.compile("[\u1100-\u11ff\ua960-\ua97f\ud7b0-\ud7ff]+")
_LIKE_A_PLACEHOLDER = re.compile(r"([{}%])(?=\1)|\{(?=%)")


def clean_line(text: str) -> str:
    r"""One line of safe characters with single spaces.

    Decomposed Hangul is composed, since Windows shows it as loose letters; the rest is left as written, because full
    NFC would also replace compatibility hanja. Signs of a placeholder that nobody filled, `{{`, `{%` and `%%`, are
    parted: readers, and checks, would take a title for one.

    >>> clean_line(" 두\u00a0칸  {{제목}} ")
    '두 칸 { {제목} }'
    """
    line = " ".join(_UNSAFE.sub("", text).split())
    line = _DECOMPOSED_HANGUL.sub(lambda match: unicodedata.normalize("NFC", match[0]), line)
    return _LIKE_A_PLACEHOLDER.sub(r"\g<0> ", line)
