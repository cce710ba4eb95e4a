"""What a list of readers looks like in one system: its columns, how they are read, and how they are written."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

from digest.audience.cells import from_cell
from digest.audience.wishes import Wishes
from digest.model import Subscriber, SubscriberState
from digest.source.files import Row
from digest.source.moments import parse_moment

UTC_ZONE = ZoneInfo("UTC")


@dataclass(frozen=True, kw_only=True)
class LeftOut:
    """A row of somebody who never agreed, or is no more."""

    status: str
    """Why, in the words of the file."""


@dataclass(frozen=True, kw_only=True)
class Sheet:
    """What the rows of one file have in common."""

    name: str
    """Of the file, without folders."""
    timezone: ZoneInfo
    """The site's: moments without a zone are in it, where a system does not say another."""
    consent_source: str
    """Where people agreed whose row does not say."""
    columns: frozenset[str]
    """Those of ours that the file has."""
    state: str = ""
    """Of people whose row and file name none; "" where the operator named none either."""


@dataclass(frozen=True, kw_only=True)
class Person:
    """Somebody to be exported."""

    subscriber: Subscriber
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Shape:
    """How one system writes lists of readers."""

    name: str
    """As in `--shape`."""
    title: str
    """For people."""
    columns: Mapping[str, Sequence[str]]
    """Our columns and what they are called there, the best first; letter case does not matter."""
    marks: Sequence[frozenset[str]] = ()
    """Columns in lower case: where a file has all of one set, it is this system's."""
    read: Callable[[Row, Sheet], Wishes | LeftOut]
    """Raises RowError for a bad row, SourceError for a file that cannot be understood."""
    exported: Sequence[str]
    """Columns of an export."""
    write: Callable[[Person, ZoneInfo], Sequence[str]]
    """The cells of a person, in their order; the timezone is the site's."""


STATES: Mapping[str, SubscriberState | None] = {
    **{state.value: state for state in SubscriberState},
    **dict.fromkeys(("subscribed", "enabled", "confirmed", "구독중", "구독"), SubscriberState.ACTIVE),
    **dict.fromkeys(("unconfirmed", "확인대기"), SubscriberState.PENDING),
    **dict.fromkeys(("disabled", "blocklisted", "blacklisted"), SubscriberState.UNSUBSCRIBED),
    **dict.fromkeys(("수신거부", "구독취소", "구독해지"), SubscriberState.UNSUBSCRIBED),
    **dict.fromkeys(("cleaned", "자동삭제"), SubscriberState.BOUNCED),
    **dict.fromkeys(("complaint", "spam", "스팸신고"), SubscriberState.COMPLAINED),
    **dict.fromkeys(("nonsubscribed", "non-subscribed", "transactional", "archived", "deleted")),
}
"""States by the words of all systems, in lower case, without spaces; None for people who never agreed or are gone."""


def name_state(row: Row, sheet: Sheet, word: str, *, column: str = "state") -> SubscriberState | LeftOut:
    """The state that a word means; that of the sheet where there is no word, else active.

    Raises:
        RowError: no system has that word.
    """
    wanted = "".join(word.lower().split()) or sheet.state or SubscriberState.ACTIVE
    try:
        return STATES[wanted] or LeftOut(status=word.strip())
    except KeyError:
        known = ", ".join(SubscriberState)
        raise row.error(column, f"{word.strip()!r} is not a state; expected one of {known}") from None


def read_text(row: Row, name: str) -> str:
    """A cell of ours without spaces around it, "" where there is none."""
    return from_cell(row.text(name).strip())


def read_moment(row: Row, name: str, timezone: ZoneInfo) -> datetime | None:
    """The moment in a cell of ours; None where it is empty.

    Raises:
        RowError: it cannot be read as one.
    """
    text = row.text(name).strip()
    try:
        return parse_moment(text, timezone) if text else None
    except ValueError as error:
        raise row.error(name, str(error)) from error


def is_yes(text: str) -> bool:
    """Whether a cell says yes."""
    return text.strip().lower() in {"true", "t", "yes", "y", "1"}


_HANGUL = re.compile(r"[가-힣]+")


@lru_cache(maxsize=4096)
def join_name(first: str, last: str) -> str:
    """A name of two parts; in Korean the family name comes first, without a space.

    >>> join_name("길동", "홍"), join_name("Ada", "Lovelace"), join_name("", "홍")
    ('홍길동', 'Ada Lovelace', '홍')
    """
    if _HANGUL.fullmatch(first) and _HANGUL.fullmatch(last):
        return last + first
    return f"{first} {last}".strip()


def read_name(row: Row) -> str | None:
    """A person's name, whole or in two parts."""
    whole = from_cell(row.text("name"))
    return whole or join_name(read_text(row, "first_name"), read_text(row, "last_name")) or None
