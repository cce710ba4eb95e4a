"""Subscribers, their subscriptions, and the suppression list."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from digest.errors import AddressError, NotFoundError
from digest.model import Subscriber, SubscriberState, Subscription
from digest.store.database import Database, to_seconds
from digest.store.events import EVENT_OF_LEAVING, Event, EventKind, record_event
from digest.store.subscriber_rows import subscriber_from_row, subscriptions_of


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
    consent_wording: str = ""
    cause: str = ""
    """By what a known person is changed, for their history; by default what the consent came from."""

    @property
    def why(self) -> str:
        """The cause as an event keeps it."""
        return self.cause or self.consent_source


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
        subscriber_id = _insert(database, profile, now)
        reads = profile.state is SubscriberState.ACTIVE
        facts = {"cause": profile.why, "state": "" if reads else profile.state}
        record_event(database, subscriber_id, Event(kind=EventKind.ADDED, happened_at=now, facts=facts))
        return Change.ADDED
    return _update(database, known, profile if resubscribe else _without_given_up(database, known, profile), now)


def _refuse_revival(
    database: Database, profile: Profile, known: Subscriber | None, address_hash: bytes, *, resubscribe: bool
) -> None:
    has_left = known is not None and known.state not in _READERS_OR_TO_BE
    suppressed = database.row("SELECT reason FROM suppression WHERE address_hash = ?", (address_hash,))
    if resubscribe:
        lift_suppression(database, address_hash)
        return
    if suppressed is not None:
        raise AddressError(f"{profile.address} is suppressed ({suppressed['reason']}); --resubscribe revives it")
    if known is not None and has_left:
        on = f" on {known.left_at:%Y-%m-%d}" if known.left_at else ""
        raise AddressError(f"{profile.address} is {known.state}{on}; --resubscribe revives it")


def _insert(database: Database, profile: Profile, now: datetime) -> int:
    gone = profile.state not in _READERS_OR_TO_BE
    subscriber_id = database.insert(
        """INSERT INTO subscriber
        (address, name, locale, timezone, state, created_at, consent_source, consent_at, consent_wording, left_at)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)""",
        (
            profile.address,
            profile.name or "",
            profile.locale or "",
            profile.timezone or "",
            profile.state,
            to_seconds(now),
            profile.consent_source,
            to_seconds(profile.consent_at or now),
            profile.consent_wording,
            to_seconds(now) if gone else None,
        ),
    )
    _write_subscriptions(database, subscriber_id, _wanted((), profile))
    return subscriber_id


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
        wanted = replace(
            wanted,
            consent_source=profile.consent_source,
            consent_at=profile.consent_at or now,
            consent_wording=profile.consent_wording,
        )
    _write(database, known, wanted, now, cause=profile.why)
    return Change.UPDATED


def _write(database: Database, known: Subscriber, subscriber: Subscriber, now: datetime, *, cause: str) -> None:
    database.execute(
        """UPDATE subscriber SET name = ?, locale = ?, timezone = ?, state = ?, consent_source = ?, consent_at = ?,
        consent_wording = ?, left_at = ? WHERE id = ?""",
        (
            subscriber.name,
            subscriber.locale,
            subscriber.timezone,
            subscriber.state,
            subscriber.consent_source,
            subscriber.consent_at and to_seconds(subscriber.consent_at),
            subscriber.consent_wording,
            subscriber.left_at and to_seconds(subscriber.left_at),
            subscriber.id,
        ),
    )
    if known.state in EVENT_OF_LEAVING and subscriber.state is SubscriberState.ACTIVE:  # who comes back wants mail
        database.execute("UPDATE subscriber SET paused_until = NULL WHERE id = ?", (subscriber.id,))
    if subscriber.subscriptions != known.subscriptions:
        database.execute("DELETE FROM subscription WHERE subscriber_id = ?", (subscriber.id,))
        _write_subscriptions(database, subscriber.id, subscriber.subscriptions)
        _note_given_up(database, known, subscriber, now)
    _record_changes(database, known, subscriber, now, cause=cause)


_TOLD_FIELDS = ("name", "locale", "timezone")


def _record_changes(database: Database, known: Subscriber, now_is: Subscriber, now: datetime, *, cause: str) -> None:
    """What differs, as events: a state by its own name, newsletters one by one, the rest together."""
    if now_is.state is not known.state:
        has_left = known.state in EVENT_OF_LEAVING
        kind = EVENT_OF_LEAVING.get(now_is.state, EventKind.REVIVED if has_left else EventKind.CONFIRMED)
        _record(database, known.id, kind, cause, now)
    had = {subscription.newsletter: subscription.sections for subscription in known.subscriptions}
    has = {subscription.newsletter: subscription.sections for subscription in now_is.subscriptions}
    for newsletter in sorted(had.keys() ^ has.keys()):
        kind = EventKind.SUBSCRIBED if newsletter in has else EventKind.LEFT
        _record(database, known.id, kind, cause, now, newsletter=newsletter)
    fields = [name for name in _TOLD_FIELDS if getattr(known, name) != getattr(now_is, name)]
    if any(had[newsletter] != has[newsletter] for newsletter in had.keys() & has.keys()):
        fields.append("sections")
    if fields:
        facts = {"fields": fields, "cause": cause}
        record_event(database, known.id, Event(kind=EventKind.CHANGED, happened_at=now, facts=facts))


def _record(
    database: Database, subscriber_id: int, kind: EventKind, cause: str, now: datetime, *, newsletter: str = ""
) -> None:
    event = Event(kind=kind, happened_at=now, newsletter=newsletter, facts={"cause": cause})
    record_event(database, subscriber_id, event)


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
        return change_known(database, profile, now=now)


def change_known(database: Database, profile: Profile, *, now: datetime) -> Subscriber:
    """As `change_subscriber`, inside the caller's transaction."""
    known = require_subscriber(database, profile.address)
    _update(database, known, replace(profile, state=known.state), now)
    return require_subscriber(database, profile.address)


def change_address(database: Database, known: Subscriber, address: str, *, now: datetime) -> None:
    """Give a person another address that nobody else has, inside the caller's transaction."""
    database.execute(
        "UPDATE subscriber SET address = ?, soft_bounces = 0, soft_since = NULL WHERE id = ?", (address, known.id)
    )
    record_event(database, known.id, Event(kind=EventKind.ADDRESS_CHANGED, happened_at=now))


def take_out(database: Database, address: str, *, state: SubscriberState, now: datetime, cause: str = "") -> bool:
    """Let a person leave: their state changes, and what is still queued for them is not sent.

    Returns:
        False where they had left already.

    Raises:
        NotFoundError: nobody has that address.
    """
    with database.transaction():
        return let_leave(database, require_subscriber(database, address), state=state, now=now, cause=cause)


def let_leave(database: Database, known: Subscriber, *, state: SubscriberState, now: datetime, cause: str) -> bool:
    """As `take_out`, inside the caller's transaction."""
    if known.state is state:
        return False
    _write(database, known, replace(known, state=state, left_at=now), now, cause=cause)
    return True


def leave_newsletter(database: Database, known: Subscriber, newsletter: str, *, now: datetime, cause: str) -> bool:
    """Let a person leave one newsletter, inside the caller's transaction; whoever leaves their last one leaves whole.

    Returns:
        False where they did not get it.
    """
    kept = tuple(each for each in known.subscriptions if each.newsletter != newsletter)
    if known.state not in _READERS_OR_TO_BE or len(kept) == len(known.subscriptions):
        return False
    if not kept:
        return let_leave(database, known, state=SubscriberState.UNSUBSCRIBED, now=now, cause=cause)
    _write(database, known, replace(known, subscriptions=kept), now, cause=cause)
    return True


def lift_suppression(database: Database, address_hash: bytes) -> bool:
    """Let an address be mailed again; tells whether it was suppressed."""
    return database.execute("DELETE FROM suppression WHERE address_hash = ?", (address_hash,)) > 0


def is_suppressed(database: Database, address_hash: bytes) -> bool:
    """Whether an address must never be mailed again."""
    return database.value("SELECT 1 FROM suppression WHERE address_hash = ?", (address_hash,)) is not None


def suppress(database: Database, address_hash: bytes, *, reason: str, now: datetime) -> None:
    """Put an address, as its keyed hash, on the list of those never to be mailed again."""
    database.execute(
        "INSERT OR IGNORE INTO suppression (address_hash, reason, suppressed_at) VALUES (?, ?, ?)",
        (address_hash, reason, to_seconds(now)),
    )


def get_subscriber(database: Database, address: str) -> Subscriber | None:
    """The person with that normalised address, or None."""
    row = database.row("SELECT * FROM subscriber WHERE address = ?", (address,))
    return None if row is None else subscriber_from_row(row, subscriptions_of(database, row["id"]))


def get_subscriber_by_id(database: Database, subscriber_id: int) -> Subscriber | None:
    """The person of a signed link, or None."""
    row = database.row("SELECT * FROM subscriber WHERE id = ?", (subscriber_id,))
    return None if row is None else subscriber_from_row(row, subscriptions_of(database, row["id"]))


def require_subscriber(database: Database, address: str) -> Subscriber:
    """The person with that normalised address.

    Raises:
        NotFoundError: nobody has it.
    """
    found = get_subscriber(database, address)
    if found is None:
        raise NotFoundError(f"no subscriber has the address {address}")
    return found
