"""Finding and counting people."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from digest.model import Subscriber, SubscriberState
from digest.store.database import Database
from digest.store.filters import EVERYBODY, Condition
from digest.store.subscriber_rows import subscriber_from_row, subscriptions_between, subscriptions_of


@dataclass(frozen=True, kw_only=True)
class SubscriberFilter:
    """Which subscribers to list; everything given must hold."""

    state: SubscriberState | None = None
    newsletter: str | None = None
    locale: str | None = None
    text: str = ""
    """Part of the address or the name."""
    condition: Condition = EVERYBODY
    """A compiled filter."""


def list_subscribers(database: Database, wanted: SubscriberFilter, *, limit: int = -1) -> Iterator[Subscriber]:
    """Subscribers in the order they came, read in pages so that a million of them need little memory."""
    after = 0
    remaining = limit
    while remaining:
        values = {**_filter_values(wanted), "after": after, "page": _page_size(remaining)}
        page = database.rows(_PAGE.format(condition=wanted.condition.sql), values)
        if not page:
            return
        subscriptions = subscriptions_between(database, page[0]["id"], page[-1]["id"])
        for row in page:
            yield subscriber_from_row(row, subscriptions.get(row["id"], ()))
        after = page[-1]["id"]
        remaining -= len(page)


def find_readers(database: Database, newsletter: str, prefix: str, *, limit: int) -> list[Subscriber]:
    """Active subscribers of a newsletter whose address begins with these letters, in alphabetical order."""
    rows = database.rows(
        """SELECT subscriber.* FROM subscriber JOIN subscription ON subscriber_id = id AND newsletter = :newsletter
        WHERE address >= :prefix AND address < :prefix || char(0x10FFFF) AND state = 'active'
        ORDER BY address LIMIT :limit""",
        {"newsletter": newsletter, "prefix": prefix, "limit": limit},
    )
    return [subscriber_from_row(row, subscriptions_of(database, row["id"])) for row in rows]


_PAGE_SIZE = 1000
_WHERE = """
  (:state IS NULL OR state = :state) AND (:locale IS NULL OR locale = :locale)
  AND (:text = '' OR instr(lower(address), lower(:text)) > 0 OR instr(lower(name), lower(:text)) > 0)
  AND (:newsletter IS NULL OR EXISTS (
    SELECT 1 FROM subscription WHERE newsletter = :newsletter AND subscriber_id = subscriber.id))
"""
_PAGE = f"SELECT * FROM subscriber WHERE id > :after AND {_WHERE} AND ({{condition}}) ORDER BY id LIMIT :page"


def _page_size(remaining: int) -> int:
    return _PAGE_SIZE if remaining < 0 else min(_PAGE_SIZE, remaining)


def _filter_values(wanted: SubscriberFilter) -> dict[str, Any]:
    return {
        **wanted.condition.values,
        "state": wanted.state,
        "newsletter": wanted.newsletter,
        "locale": wanted.locale,
        "text": wanted.text,
    }


def count_by_state(database: Database, newsletter: str | None = None) -> dict[SubscriberState, int]:
    """How many people are in each state, of one newsletter or of all."""
    rows = database.rows(
        f"SELECT state, count(*) FROM subscriber WHERE {_WHERE} GROUP BY state",
        _filter_values(SubscriberFilter(newsletter=newsletter)),
    )
    found = {row[0]: row[1] for row in rows}
    return {state: found.get(state, 0) for state in SubscriberState}


def count_suppressed(database: Database) -> int:
    """How many addresses must never be mailed again."""
    return int(database.value("SELECT count(*) FROM suppression"))
