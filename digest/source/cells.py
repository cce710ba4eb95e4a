"""Cells that articles and counts have in common: ids, addresses, counts and moments, each checked in one place."""

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime
from typing import TypeVar
from zoneinfo import ZoneInfo

from digest.source.moments import parse_day, parse_moment
from digest.source.rows import Row
from digest.url import clean_url

_Value = TypeVar("_Value")
_COUNT = re.compile(r"([0-9]{1,19})(?:\.0*)?")
_LARGEST_COUNT = 10**15
"""More is no count of views; and a window's sum of such must fit into SQLite's integers (2^63)."""
_SURE_DIGITS = 15
"""So many digits are always below it: the short way that almost every count takes."""
_PLAIN_ADDRESS = re.compile(r"https?://[a-z0-9]+(?:[.-][a-z0-9]+)*(?:[/?#][!-~]*)?")
"""Addresses that need no closer look: the short way that almost every one takes."""


def read_id(row: Row, name: str) -> str:
    """An id, exactly as it is written, without spaces around it; RowError where there is none."""
    text = row.text(name).strip()
    if not text:
        raise row.error(name, f"no {name}")
    if not text.isprintable():
        raise row.error(name, f"{text[:60]!r} holds an invisible character; an id is plain text")
    return text


def read_count(row: Row, name: str) -> int:
    """A whole number, zero or more; RowError where it is none."""
    return _convert(row, name, parse_count)


def read_moment(row: Row, name: str, timezone: ZoneInfo) -> datetime:
    """A moment in UTC; RowError where it cannot be read."""
    return _convert(row, name, parse_moment, timezone)


def read_day(row: Row, name: str) -> date:
    """A calendar day as it is written; RowError where it cannot be read."""
    return _convert(row, name, parse_day)


def read_address(row: Row, name: str) -> str:
    """An absolute http(s) address; RowError where it is none."""
    return _convert(row, name, parse_address)


def parse_count(text: str) -> int:
    """`"5"` and `"5.0"` as 5; ValueError in words for anything but a whole number of zero or more."""
    if len(text) <= _SURE_DIGITS and text.isascii() and text.isdigit():
        return int(text)
    text = text.strip()
    match = _COUNT.fullmatch(text)
    if not match:
        raise ValueError(_no_count(text))
    if (count := int(match[1])) > _LARGEST_COUNT:
        raise ValueError(f"{text} is larger than any counter")
    return count


def parse_address(text: str) -> str:
    """An absolute http(s) address, its spaces escaped; ValueError in words for anything else."""
    address = text.strip().replace(" ", "%20")
    if _PLAIN_ADDRESS.fullmatch(address):
        return address
    if not address:
        raise ValueError("no address")
    if not address.isprintable():
        raise ValueError(f"{text[:80]!r} is not an absolute address: it holds an invisible character")
    try:
        clean_url(address)
    except ValueError as error:
        what = "is not an absolute address that begins with http:// or https://"
        raise ValueError(f"{text[:80]!r} {what} ({error})") from error
    return address


def missing_columns(required: Iterable[str], columns: Iterable[str], mapping: Mapping[str, str]) -> tuple[str, ...]:
    """Which of our required columns a header does not have under their mapped names."""
    found = frozenset(columns)
    return tuple(name for name in required if mapping.get(name, name) not in found)


def _no_count(text: str) -> str:
    if not text:
        return "no number"
    if re.fullmatch(r"-[0-9.]+", text):
        return f"{text} is negative; a count is 0 or more"
    return f"{text[:60]!r} is not a whole number; write 1234, without separators"


def _convert(row: Row, name: str, parse: Callable[..., _Value], *options: object) -> _Value:
    text = row.text(name)
    try:
        return parse(text, *options)
    except ValueError as error:
        raise row.error(name, str(error)) from error
