"""The plain-text part as format=flowed (RFC 3676): short lines that a client may join and break anew.

A space before a line end makes a soft break. Thunderbird, Apple Mail, K-9 and Roundcube join there, so that a phone
shows no comb of long and short lines; Gmail and Outlook show the lines as they are, so each fits a narrow window.

DelSp=yes (section 4.1), made for languages without spaces, is left out: Korean has them, and a client that knows only
RFC 2646 would show every soft break as two spaces.
"""

import re
from collections.abc import Iterator

import wcwidth

from digest.render.width import display_width

SIGNATURE = "-- "
"""The line before a signature: never joined with another, in spite of its space (RFC 3676 section 4.3)."""
LONGEST_WORD = 900
"""Octets. A longer word is cut, as a line may have no more than 998 (RFC 5322 section 2.1.1); others stay whole."""
_WORD = re.compile(" *[^ ]+ *")
_STUFFED = re.compile(r"(?=[ >]|From )")
"""Lines that a space goes in front of (RFC 3676 section 4.4): it would be taken for stuffing, a quote or an mbox."""


def flow(text: str, columns: int, *, whole: str = "") -> str:
    r"""Every line of `text` as lines of at most `columns` columns, and the space of a soft break.

    Lines break at spaces only: a longer word, such as an address, has a line of its own.

    Args:
        text: each line is a paragraph, or what must stay a line by itself. Spaces at its end are dropped.
        columns: East Asian wide characters take two.
        whole: a line that holds this is not broken, as it will become shorter.

    >>> flow("가나다 라마바 사아자\n> 1", 14)
    '가나다 라마바 \n사아자\n > 1'
    """
    return "\n".join(stuff(part) for line in text.split("\n") for part in _break_line(line, columns, whole))


def unflow(text: str) -> str:
    r"""The paragraphs again, each on one line: what a client that knows format=flowed makes of `flow`.

    A quoted line is joined with one of the same depth only; what is quoted keeps its signs.

    >>> unflow("가나다 라마바 \n사아자\n > 1")
    '가나다 라마바 사아자\n> 1'
    """
    lines: list[str] = []
    open_depth: int | None = None
    for line in text.split("\n"):
        quotes = line[: len(line) - len(line.lstrip(">"))]
        words = line.removeprefix(quotes).removeprefix(" ")
        if open_depth == len(quotes) and words != SIGNATURE:
            lines[-1] += words
        else:
            lines.append(f"{quotes} {words}" if quotes else words)
        open_depth = len(quotes) if words.endswith(" ") and words != SIGNATURE else None
    return "\n".join(lines)


def _break_line(line: str, columns: int, whole: str) -> Iterator[str]:
    line = line if line == SIGNATURE else line.rstrip()
    if (whole and whole in line) or display_width(line) <= columns:
        yield line
        return
    current, used = "", 0
    for word in _words(line, columns):
        width = display_width(word)
        # Alone on its line, "-- " would begin a signature.
        if current not in ("", SIGNATURE) and used + display_width(word.rstrip(" ")) > columns:
            yield current
            current, used = "", 0
        current, used = current + word, used + width
        if not current.endswith(" "):
            yield current
            current, used = "", 0


def _words(line: str, columns: int) -> Iterator[str]:
    """The line at its spaces; each word has those that follow it, a part of one that is cut has none."""
    for word in _WORD.findall(line):
        if len(word.encode("utf-8", "replace")) <= LONGEST_WORD:
            yield word
        else:
            yield from wcwidth.wrap(word, columns)


def stuff(line: str) -> str:
    """The line with a space in front of it where it would be taken for something else."""
    return f" {line}" if _STUFFED.match(line) else line
