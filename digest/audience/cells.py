"""Cells of spreadsheets: guarded against being run as formulas, and holding lists."""

import csv
import json
import re
from collections.abc import Sequence
from functools import lru_cache

from digest.source.files import Row

_FORMULA_SIGNS = ("=", "+", "-", "@", "\t", "\r")
_SEPARATORS = r"[;,|]"
_JSON_SIGNS = ("[", "{")


def guard(text: str) -> str:
    """A cell that a spreadsheet would run as a formula gets an apostrophe before it; an import takes it off again."""
    return f"'{text}" if _needs_guard(text) else text


def from_cell(text: str) -> str:
    """The text of a cell, without the apostrophe that `guard` put there."""
    return text[1:] if text.startswith("'") and _needs_guard(text) else text


def _needs_guard(text: str) -> bool:
    """Whether a spreadsheet would run it, or it looks as if it were guarded already."""
    return text.lstrip("'").startswith(_FORMULA_SIGNS)


def join_list(words: Sequence[str]) -> str:
    """Words with semicolons between them; as JSON where a word holds a sign that parts words."""
    is_plain = not any(re.search(_SEPARATORS, word) or word[:1] in _JSON_SIGNS for word in words)
    return ";".join(words) if is_plain else json.dumps(words, ensure_ascii=False)


def read_list(row: Row, name: str) -> tuple[str, ...]:
    """A list in one cell: a JSON array, or words with commas, semicolons or bars between them.

    Raises:
        RowError: it is JSON, but no array of texts.
    """
    text = from_cell(row.listed(name).strip())
    if not text:
        return ()
    words = _parse_json_list(row, name, text) if text[:1] in _JSON_SIGNS else re.split(_SEPARATORS, text)
    return tuple(word.strip() for word in words if word.strip())


def _parse_json_list(row: Row, name: str, text: str) -> list[str]:
    try:
        values = json.loads(text)
    except (ValueError, RecursionError):
        values = None
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        raise row.error(name, f"{text[:60]!r} is no list of texts; write words with ; between them")
    return values


def join_quoted(words: Sequence[str]) -> str:
    """Words in quotes with commas between them, as Mailchimp writes tags."""
    return ",".join('"' + word.replace('"', '""') + '"' for word in words)


def split_words(text: str) -> tuple[str, ...]:
    """Words with commas between them and no quotes of their own; some programs put the whole list in quotes."""
    whole = text[1:-1] if len(text) > 1 and text[0] == text[-1] == '"' else text
    return tuple(word.strip() for word in whole.split(",") if word.strip())


@lru_cache(maxsize=1024)
def split_quoted(text: str) -> tuple[str, ...]:
    """Words with commas between them, in quotes or without."""
    if not text:
        return ()
    words = next(csv.reader([text.replace("\n", " ")], skipinitialspace=True), [])
    return tuple(word.strip() for word in words if word.strip())
