"""Strangers' words, made fit to be shown and kept."""

import re

WORDS_LIMIT = 500
"""Characters of a server's words that are kept."""
_UNPRINTABLE = re.compile("[\x00-\x20\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]+")
"""What a terminal obeys: control characters, line separators, marks that turn the direction of text."""


def one_line(text: str) -> str:
    r"""The text for a terminal or a table: one line, nothing that steers a terminal, at most 500 characters.

    >>> one_line("550 no\r\n\x1b[2J such user ")
    '550 no [2J such user'
    """
    if not text.isprintable() or "  " in text:
        text = _UNPRINTABLE.sub(" ", text)
    return text.strip()[:WORDS_LIMIT]
