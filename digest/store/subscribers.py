"""Subscribers, their subscriptions, and the suppression list."""

import json
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from digest.errors import AddressError, NotFoundError
from digest.model import Subscriber, SubscriberState, Subscription
from digest.store.database import Database, moment, to_moment, to_seconds


@dataclass(frozen=True, kw_only=True)
class Profile:
    """What is said about a person when they are added, imported or changed. None leaves things as they are."""

    address: str
    """Normalised."""
    name: str | None = None
    locale: str | None = None
    timezone: str | None = None
    newsletters: tuple[str, ...] | None = None
    sections: tuple[str, ...] | None = None
    """For each of their newsletters."""
    state: SubscriberState = SubscriberState.ACTIVE
    """The state a new person begins in."""
    consent_source: str = ""
    consent_at: datetime | None = None


_READERS_OR_TO_BE = (SubscriberState.ACTIVE, SubscriberState.PENDING)
"""States of people who have not left."""


class Change(StrEnum):
    """What saving a profile did."""

    ADDED = "added"
    UPDATED = "updated"
    UNCHANGED = "unchanged"


def save_profile(
    database: Database, profile: Profile, *, address_hash: bytes, resubscribe: bool, now: datetime
) -> Change:
    """Add a person, or bring a known one up to date, inside the caller's transaction.

    Raises:
        AddressError: the person left, bounced, complained or is suppressed, and `resubscribe` is False.
    """
    known = get_subscriber(database, profile.address)
    if profile.state in _READERS_OR_TO_BE:
        _refuse_revival(database, profile, known, address_hash, resubscribe=resubscribe)
    if known is None:
        _insert(database, profile, now)
        return Change.ADDED
    return _update(database, known, profile if resubscribe else _without_given_up(database, known, profile), now)


def _refuse_revival(
    database: Database, profile: Profile, known: Subscriber | None, address_hash: bytes, *, resubscribe: bool
) -> None:
    has_left = known is not None and known.state not in _READERS_OR_TO_BE
    suppressed = database.row("SELECT reason FROM suppression WHERE address_hash = ?", (address_hash,))
    if resubscribe:
        database.execute("DELETE FROM suppression WHERE address_hash = ?", (address_hash,))
        return
    if suppressed is not None:
        raise AddressError(f"{profile.address} is suppressed ({suppressed['reason']}); --resubscribe revives it")
    if known is not None and has_left:
        on = f" on {known.left_at:%Y-%m-%d}" if known.left_at else ""
        raise AddressError(f"{profile.address} is {known.state}{on}; --resubscribe revives it")


def _insert(database: Database, profile: Profile, now: datetime) -> None:
    gone = profile.state not in _READERS_OR_TO_BE
    subscriber_id = database.insert(
        """INSERT INTO subscriber
        (address, name, locale, timezone, state, created_at, consent_source, consent_at, left_at)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)""",
        (
            profile.address,
            profile.name or "",
            profile.locale or "",
            profile.timezone or "",
            profile.state,
            to_seconds(now),
            profile.consent_source,
            to_seconds(profile.consent_at or now),
            to_seconds(now) if gone else None,
        ),
    )
    _write_subscriptions(database, subscriber_id, _wanted((), profile))


def _update(database: Database, known: Subscriber, profile: Profile, now: datetime) -> Change:
    wanted = replace(
        known,
        name=known.name if profile.name is None else profile.name,
        locale=known.locale if profile.locale is None else profile.locale,
        timezone=known.timezone if profile.timezone is None else profile.timezone,
        subscriptions=_wanted(known.subscriptions, profile),
        state=profile.state,
        left_at=None if profile.state in _READERS_OR_TO_BE else known.left_at or now,
    )
    if wanted == known:
        return Change.UNCHANGED
    if wanted.state is SubscriberState.ACTIVE is not known.state:
        wanted = replace(wanted, consent_source=profile.consent_source, consent_at=profile.consent_at or now)
    _write(database, known, wanted, now)
    return Change.UPDATED


def _write(database: Database, known: Subscriber, subscriber: Subscriber, now: datetime) -> None:
    database.execute(
        """UPDATE subscriber SET name = ?, locale = ?, timezone = ?, state = ?, consent_source = ?, consent_at = ?,
        left_at = ? WHERE id = ?""",
        (
            subscriber.name,
            subscriber.locale,
            subscriber.timezone,
            subscriber.state,
            subscriber.consent_source,
            subscriber.consent_at and to_seconds(subscriber.consent_at),
            subscriber.left_at and to_seconds(subscriber.left_at),
            subscriber.id,
        ),
    )
    if subscriber.subscriptions != known.subscriptions:
        database.execute("DELETE FROM subscription WHERE subscriber_id = ?", (subscriber.id,))
        _write_subscriptions(database, subscriber.id, subscriber.subscriptions)
        _note_given_up(database, known, subscriber, now)


def _note_given_up(database: Database, known: Subscriber, subscriber: Subscriber, now: datetime) -> None:
    had = {subscription.newsletter for subscription in known.subscriptions}
    has = {subscription.newsletter for subscription in subscriber.subscriptions}
    database.execute_many(
        "DELETE FROM given_up WHERE subscriber_id = ? AND newsletter = ?", [(subscriber.id, n) for n in has]
    )
    database.execute_many(
        "INSERT OR IGNORE INTO given_up (newsletter, subscriber_id, given_up_at) VALUES (?, ?, ?)",
        [(newsletter, subscriber.id, to_seconds(now)) for newsletter in had - has],
    )


def _without_given_up(database: Database, known: Subscriber, profile: Profile) -> Profile:
    """The profile less the newsletters this person gave up."""
    if profile.newsletters is None:
        return profile
    rows = database.rows("SELECT newsletter FROM given_up WHERE subscriber_id = ?", (known.id,))
    given_up = {row["newsletter"] for row in rows}
    return replace(profile, newsletters=tuple(n for n in profile.newsletters if n not in given_up) or None)


def _wanted(known: Sequence[Subscription], profile: Profile) -> tuple[Subscription, ...]:
    sections = {subscription.newsletter: subscription.sections for subscription in known}
    newsletters = tuple(sections) if profile.newsletters is None else profile.newsletters
    return tuple(
        Subscription(
            newsletter=newsletter,
            sections=sections.get(newsletter, ()) if profile.sections is None else profile.sections,
        )
        for newsletter in sorted(newsletters)
    )


def _write_subscriptions(database: Database, subscriber_id: int, subscriptions: Sequence[Subscription]) -> None:
    database.execute_many(
        "INSERT INTO subscription (newsletter, subscriber_id, sections) VALUES (?, ?, ?)",
        [
            (subscription.newsletter, subscriber_id, json.dumps(subscription.sections, ensure_ascii=False))
            for subscription in subscriptions
        ],
    )


def change_subscriber(database: Database, profile: Profile, *, now: datetime) -> Subscriber:
    """Change what is said about a known person; their state stays.

    Raises:
        NotFoundError: nobody has that address.
    """
    with database.transaction():
        known = require_subscriber(database, profile.address)
        _update(database, known, replace(profile, state=known.state), now)
    return require_subscriber(database, profile.address)


def take_out(database: Database, address: str, *, state: SubscriberState, now: datetime) -> bool:
    """Let a person leave: their state changes, and what is still queued for them is not sent.

    Returns:
        False where they had left already.

    Raises:
        NotFoundError: nobody has that address.
    """
    with database.transaction():
        known = require_subscriber(database, address)
        if known.state is state:
            return False
        _write(database, known, replace(known, state=state, left_at=now), now)
    return True


def suppress(database: Database, address_hash: bytes, *, reason: str, now: datetime) -> None:
    """Put an address, as its keyed hash, on the list of those never to be mailed again."""
    database.execute(
        "INSERT OR IGNORE INTO suppression (address_hash, reason, suppressed_at) VALUES (?, ?, ?)",
        (address_hash, reason, to_seconds(now)),
    )


def get_subscriber(database: Database, address: str) -> Subscriber | None:
    """The person with that normalised address, or None."""
    row = database.row("SELECT * FROM subscriber WHERE address = ?", (address,))
    return None if row is None else _from_row(row, _subscriptions_of(database, row["id"]))


def get_subscriber_by_id(database: Database, subscriber_id: int) -> Subscriber | None:
    """The person of a signed link, or None."""
    row = database.row("SELECT * FROM subscriber WHERE id = ?", (subscriber_id,))
    return None if row is None else _from_row(row, _subscriptions_of(database, row["id"]))


def require_subscriber(database: Database, address: str) -> Subscriber:
    """The person with that normalised address.

    Raises:
        NotFoundError: nobody has it.
    """
    found = get_subscriber(database, address)
    if found is None:
        raise NotFoundError(f"no subscriber has the address {address}")
    return found


@dataclass(frozen=True, kw_only=True)
class SubscriberFilter:
    """Which subscribers to list; everything given must hold."""

    state: SubscriberState | None = None
    newsletter: str | None = None
    locale: str | None = None
    text: str = ""
    """Part of the address or the name."""


def list_subscribers(database: Database, wanted: SubscriberFilter, *, limit: int = -1) -> Iterator[Subscriber]:
    """Subscribers in the order they came, read in pages so that a million of them need little memory."""
    after = 0
    remaining = limit
    while remaining:
        page = database.rows(_PAGE, {**_filter_values(wanted), "after": after, "page": _page_size(remaining)})
        if not page:
            return
        subscriptions = _subscriptions_between(database, page[0]["id"], page[-1]["id"])
        for row in page:
            yield _from_row(row, subscriptions.get(row["id"], ()))
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
    return [_from_row(row, _subscriptions_of(database, row["id"])) for row in rows]


_PAGE_SIZE = 1000
_WHERE = """
  (:state IS NULL OR state = :state) AND (:locale IS NULL OR locale = :locale)
  AND (:text = '' OR instr(lower(address), lower(:text)) > 0 OR instr(lower(name), lower(:text)) > 0)
  AND (:newsletter IS NULL OR EXISTS (
    SELECT 1 FROM subscription WHERE newsletter = :newsletter AND subscriber_id = subscriber.id))
"""
_PAGE = f"SELECT * FROM subscriber WHERE id > :after AND {_WHERE} ORDER BY id LIMIT :page"


def _page_size(remaining: int) -> int:
    return _PAGE_SIZE if remaining < 0 else min(_PAGE_SIZE, remaining)


def _filter_values(wanted: SubscriberFilter) -> dict[str, str | None]:
    return {
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


def _subscriptions_of(database: Database, subscriber_id: int) -> tuple[Subscription, ...]:
    return _subscriptions_between(database, subscriber_id, subscriber_id).get(subscriber_id, ())


def _subscriptions_between(database: Database, first: int, last: int) -> dict[int, tuple[Subscription, ...]]:
    found: dict[int, list[Subscription]] = {}
    for row in database.rows(
        """SELECT subscriber_id, newsletter, sections FROM subscription
        WHERE subscriber_id BETWEEN ? AND ? ORDER BY subscriber_id, newsletter""",
        (first, last),
    ):
        subscription = Subscription(newsletter=row["newsletter"], sections=tuple(json.loads(row["sections"])))
        found.setdefault(row["subscriber_id"], []).append(subscription)
    return {subscriber_id: tuple(subscriptions) for subscriber_id, subscriptions in found.items()}


def _from_row(row: sqlite3.Row, subscriptions: tuple[Subscription, ...]) -> Subscriber:
    return Subscriber(
        id=row["id"],
        address=row["address"],
        name=row["name"],
        locale=row["locale"],
        timezone=row["timezone"],
        state=SubscriberState(row["state"]),
        created_at=moment(row["created_at"]),
        consent_source=row["consent_source"],
        consent_at=to_moment(row["consent_at"]),
        left_at=to_moment(row["left_at"]),
        subscriptions=subscriptions,
    )
