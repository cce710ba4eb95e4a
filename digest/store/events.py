"""What happened to people, with dates: written in the transaction that made it happen."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from digest.model import SubscriberState
from digest.store.database import Database, moment, to_seconds


class EventKind(StrEnum):
    """What happened. Facts are those named; `cause` says by what ("import of members.csv", "one click", "form")."""

    ADDED = "added"
    """By hand, import or form. Facts: cause; state where it is no reader ("pending")."""
    ASKED = "asked"
    """Filled in the form, and has not confirmed yet. Facts: form, client, wording, newsletters."""
    CONSENTED = "consented"
    """Followed the link of the confirmation mail. Facts: form, client, wording, newsletters."""
    CONFIRMED = "confirmed"
    """Is a reader from now on, after being pending. Facts: cause."""
    REVIVED = "revived"
    """Is active again after leaving. Facts: cause."""
    CHANGED = "changed"
    """Facts: fields (names of what changed), cause."""
    SUBSCRIBED = "subscribed"
    """To one more newsletter. Facts: cause."""
    LEFT = "left"
    """One newsletter of several. Facts: cause."""
    PAUSED = "paused"
    """Facts: until (ISO 8601)."""
    RESUMED = "resumed"
    """The pause ended."""
    ADDRESS_CHANGED = "address-changed"
    """The person confirmed another address."""
    DATA_READ = "data-read"
    """The person downloaded all that is known about them."""
    UNSUBSCRIBED = "unsubscribed"
    """Left for good. Facts: cause."""
    BOUNCED = "bounced"
    """The mailbox refuses mail for good. Facts: reason, status, diagnostic, edition."""
    COMPLAINED = "complained"
    """Marked a mail as spam. Facts: reason, edition."""
    SOFT_BOUNCE = "soft-bounce"
    """A mailbox refused a mail for now. Facts: reason, status, diagnostic, edition; with these the row is counted."""
    BLOCKED = "blocked"
    """A server refused a mail for the sender's sake. Facts: reason, status, diagnostic, edition."""
    AUTO_REPLY = "auto-reply"
    """A program answered: a vacation notice. Facts: reason, diagnostic, edition."""


EVENT_OF_LEAVING: Mapping[SubscriberState, EventKind] = {
    SubscriberState.UNSUBSCRIBED: EventKind.UNSUBSCRIBED,
    SubscriberState.BOUNCED: EventKind.BOUNCED,
    SubscriberState.COMPLAINED: EventKind.COMPLAINED,
}
"""What a change to one of these states is called."""


@dataclass(frozen=True, kw_only=True)
class Event:
    """One thing that happened to a person."""

    kind: EventKind
    happened_at: datetime
    newsletter: str = ""
    """Its slug, or "" for all."""
    facts: Mapping[str, Any] = field(default_factory=dict)
    """Names and JSON values, as the kind documents."""


def record_event(database: Database, subscriber_id: int, event: Event) -> None:
    """Keep that something happened, inside the caller's transaction."""
    record_events(database, [(subscriber_id, event)])


def record_events(database: Database, events: Iterable[tuple[int, Event]]) -> None:
    """Keep what happened to several people, inside the caller's transaction."""
    database.execute_many(
        "INSERT INTO subscriber_event (subscriber_id, happened_at, kind, newsletter, facts) VALUES (?, ?, ?, ?, ?)",
        [
            (
                subscriber_id,
                to_seconds(event.happened_at),
                event.kind,
                event.newsletter,
                json.dumps({name: value for name, value in event.facts.items() if value}, ensure_ascii=False),
            )
            for subscriber_id, event in events
        ],
    )


def list_events(database: Database, subscriber_id: int) -> tuple[Event, ...]:
    """What happened to one person, in the order it did."""
    rows = database.rows(
        """SELECT kind, happened_at, newsletter, facts FROM subscriber_event
        WHERE subscriber_id = ? ORDER BY happened_at, id""",
        (subscriber_id,),
    )
    return tuple(
        Event(
            kind=EventKind(row["kind"]),
            happened_at=moment(row["happened_at"]),
            newsletter=row["newsletter"],
            facts=json.loads(row["facts"]),
        )
        for row in rows
    )
