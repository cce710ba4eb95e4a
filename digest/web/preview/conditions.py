"""Conditional comments, read as Outlook's Word engine reads them.

Its version is 16 in Outlook 2016, 2019, 2021 and classic Outlook of Microsoft 365 (Microsoft, "Conditional comments";
hteumeuleu.com, "mso conditional comments"). What the engine does not know is false.
"""

import re

VERSION = 16
_HIDDEN = re.compile(r"<!--\[if ([^\]>]*)\]>(.*?)<!\[endif\]-->", re.DOTALL | re.IGNORECASE)
_REVEALED = re.compile(r"<!--\[if ([^\]>]*)\]-->(.*?)<!--\[endif\]-->", re.DOTALL | re.IGNORECASE)
"""`<![if !mso]>…<![endif]>`, as libxml2 writes it."""
_OPENED, _CLOSED = re.compile(r"\A\s*(?:<!--\s*-->|<!-->|-->)"), re.compile(r"<!--\s*\Z")
"""What makes the content of a comment visible to all other clients."""
_SETTINGS = re.compile(r"<xml\b.*?</xml>", re.DOTALL | re.IGNORECASE)
"""Office's own settings, which would end the head too early."""
_BRACKETS = re.compile(r"\(([^()]*)\)")
_ATOM = re.compile(r"(!?)\s*(?:(gte|gt|lte|lt)\s+)?([a-z]+)(?:\s+(\d+(?:\.\d+)?))?")
_COMPARISONS = {
    "gte": lambda number: number <= VERSION,
    "gt": lambda number: number < VERSION,
    "lte": lambda number: number >= VERSION,
    "lt": lambda number: number > VERSION,
    "": lambda number: number == VERSION,
}


def reveal_for_word(html: str) -> str:
    """A document without its conditional comments: what is meant for Word stands in it, what is not is gone.

    >>> reveal_for_word("<!--[if mso]>a<![endif]--><!--[if !mso]><!-->b<!--<![endif]-->")
    'a'
    """
    return _REVEALED.sub(_choose, _HIDDEN.sub(_choose, html))


def holds_for_word(condition: str) -> bool:
    """Whether a condition holds in Word: `mso`, `gte mso 9`, `!mso`, joined by `&` and `|`, with brackets.

    >>> holds_for_word("(gte mso 9)|(IE)"), holds_for_word("lt mso 15")
    (True, False)
    """
    condition = condition.strip().lower()
    while (bracket := _BRACKETS.search(condition)) is not None:
        answer = str(holds_for_word(bracket[1])).lower()
        condition = f"{condition[: bracket.start()]}{answer}{condition[bracket.end() :]}"
    return any(all(map(_atom_holds, both.split("&"))) for both in condition.split("|"))


def _atom_holds(atom: str) -> bool:
    found = _ATOM.fullmatch(atom.strip())
    if found is None:
        return False
    negation, comparison, name, number = found.groups()
    is_true = name == "mso" and (number is None or _COMPARISONS[comparison or ""](float(number)))
    return (is_true or name == "true") != bool(negation)


def _choose(match: re.Match[str]) -> str:
    condition, content = match.groups()
    if not holds_for_word(condition):
        return ""
    shown = _OPENED.sub("", content)
    if shown == content:  # a true comment: numbers belong to elements of the source, and what it holds may claim none
        shown = re.sub("data-element", "data-other", shown, flags=re.IGNORECASE)
    return _SETTINGS.sub("", _CLOSED.sub("", shown))
