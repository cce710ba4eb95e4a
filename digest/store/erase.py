"""Erasing a person: nothing that names them is left, but the keyed hash that keeps them from being mailed again."""

from dataclasses import dataclass
from datetime import datetime

from digest.model import SubscriberState
from digest.store.database import Database
from digest.store.events import Event, EventKind, record_event
from digest.store.subscribers import require_subscriber, suppress


@dataclass(frozen=True, kw_only=True)
class Erasure:
    """What erasing a person took away."""

    deliveries: int
    """Rows of the ledger; an issue's figures still count them."""
    queued: int
    """Those of them that had not left yet, and never will."""


def erase_subscriber(database: Database, address: str, *, address_hash: bytes, now: datetime) -> Erasure:
    """Take a person out of every table, in the caller's transaction, and suppress the address by its hash.

    Events keep what happened, when, and which newsletters and issues it counts for, but no longer to whom; deliveries
    are counted and gone. A reader who is erased has left. SQLite overwrites what is deleted with zeros
    (`secure_delete`), so that a copy of the file does not hold it either.

    Raises:
        NotFoundError: nobody has that address.
    """
    database.execute("PRAGMA secure_delete=ON")
    person = require_subscriber(database, address)
    if person.state is SubscriberState.ACTIVE:
        record_event(database, person.id, Event(kind=EventKind.UNSUBSCRIBED, happened_at=now))
    queued = database.value(f"SELECT count(*) FROM delivery WHERE subscriber_id = ? AND {_OPEN}", (person.id,))
    database.execute(_FORGET_EVENTS, {"person": person.id})
    database.execute(_COUNT_DELIVERIES, (person.id,))
    deliveries = database.execute("DELETE FROM delivery WHERE subscriber_id = ?", (person.id,))
    database.execute("DELETE FROM subscriber WHERE id = ?", (person.id,))
    suppress(database, address_hash, reason="erased", now=now)
    return Erasure(deliveries=deliveries, queued=queued)


def forget_traces(database: Database) -> None:
    """Bring what was erased out of the write-ahead log as well; not inside a transaction. A busy log waits."""
    database.rows("PRAGMA wal_checkpoint(TRUNCATE)")


_OPEN = "state IN ('queued', 'claimed', 'deferred')"
# What figures ask of an event: whether its person waited, and would not count as a reader; the issue that came back; of
# what holds for all newsletters, which they had; of leaving, the last issue of each that they got before. A patch
# (RFC 7396) drops what is NULL.
_FORGET_EVENTS = """
UPDATE subscriber_event SET subscriber_id = NULL, facts = json_patch('{}', json_object(
  'state', json_extract(facts, '$.state'),
  'edition', json_extract(facts, '$.edition'),
  'newsletters', iif(newsletter = '',
    (SELECT json_group_array(newsletter) FROM subscription WHERE subscription.subscriber_id = :person), NULL),
  'issues', iif(kind IN ('unsubscribed', 'left'), (
    SELECT json_group_array(issue.id) FROM delivery JOIN issue ON issue.id = delivery.issue_id
    WHERE delivery.subscriber_id = :person AND delivery.state IN ('sent', 'uncertain')
    AND subscriber_event.newsletter IN ('', issue.newsletter) AND issue.started_at <= happened_at
    AND NOT EXISTS (SELECT 1 FROM issue AS later WHERE later.newsletter = issue.newsletter
      AND later.edition > issue.edition AND later.frozen_at <= happened_at)), NULL)))
WHERE subscriber_id = :person
"""
_COUNT_DELIVERIES = """
INSERT INTO erased_delivery (issue_id, state, deliveries)
SELECT issue_id, iif(state IN ('queued', 'claimed', 'deferred'), 'cancelled', iif(state = 'wire', 'uncertain', state)),
  1 FROM delivery WHERE subscriber_id = ?
ON CONFLICT (issue_id, state) DO UPDATE SET deliveries = deliveries + 1
"""
