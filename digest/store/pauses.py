"""Readers who want nothing for some weeks."""

from datetime import datetime

from digest.store.database import Database, to_seconds
from digest.store.events import Event, EventKind, record_event, record_events


def pause(database: Database, subscriber_id: int, *, until: datetime, now: datetime) -> None:
    """Send a person nothing until then, inside the caller's transaction."""
    database.execute("UPDATE subscriber SET paused_until = ? WHERE id = ?", (to_seconds(until), subscriber_id))
    facts = {"until": until.isoformat()}
    record_event(database, subscriber_id, Event(kind=EventKind.PAUSED, happened_at=now, facts=facts))


def resume(database: Database, subscriber_id: int, *, now: datetime) -> None:
    """End a person's pause, inside the caller's transaction."""
    changed = database.execute(
        "UPDATE subscriber SET paused_until = NULL WHERE id = ? AND paused_until IS NOT NULL", (subscriber_id,)
    )
    if changed:
        record_event(database, subscriber_id, Event(kind=EventKind.RESUMED, happened_at=now))


def end_pauses(database: Database, *, now: datetime) -> int:
    """End the pauses whose time has come, and tell how many did. A person counts as a reader only after this."""
    with database.transaction():
        ended = database.rows(
            "UPDATE subscriber SET paused_until = NULL WHERE paused_until <= ? RETURNING id", (to_seconds(now),)
        )
        event = Event(kind=EventKind.RESUMED, happened_at=now)
        record_events(database, [(row["id"], event) for row in ended])
    return len(ended)
