"""How wide text is where each character has one column or two, as in an inbox row of Hangul."""

from unicodedata import combining, east_asian_width


def count_columns(text: str) -> int:
    """Columns of a line: East Asian wide characters take two (UAX 11), combining marks none.

    >>> count_columns("주간 Digest")
    11
    """
    if text.isascii():
        return len(text)
    return sum(1 + (east_asian_width(letter) in "WF") for letter in text if not combining(letter))
