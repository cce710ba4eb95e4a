"""Erasing a person: nothing that names them is left, but the keyed hash that keeps them from being mailed again."""

from dataclasses import dataclass
from datetime import datetime

from digest.store.database import Database
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

    Events keep what happened and when, but no longer to whom; deliveries are counted and gone. SQLite overwrites what
    is deleted with zeros (`secure_delete`), so that a copy of the file does not hold it either.

    Raises:
        NotFoundError: nobody has that address.
    """
    database.execute("PRAGMA secure_delete=ON")
    person = require_subscriber(database, address)
    queued = database.value(f"SELECT count(*) FROM delivery WHERE subscriber_id = ? AND {_OPEN}", (person.id,))
    database.execute(_COUNT_DELIVERIES, (person.id,))
    deliveries = database.execute("DELETE FROM delivery WHERE subscriber_id = ?", (person.id,))
    database.execute(_FORGET_EVENTS, (person.id,))
    database.execute("DELETE FROM subscriber WHERE id = ?", (person.id,))
    suppress(database, address_hash, reason="erased", now=now)
    return Erasure(deliveries=deliveries, queued=queued)


def forget_traces(database: Database) -> None:
    """Bring what was erased out of the write-ahead log as well; not inside a transaction. A busy log waits."""
    database.rows("PRAGMA wal_checkpoint(TRUNCATE)")


_OPEN = "state IN ('queued', 'claimed', 'deferred')"
# That somebody never was a reader must be known for ever: they did not join.
_FORGET_EVENTS = """
UPDATE subscriber_event SET subscriber_id = NULL,
  facts = iif(json_extract(facts, '$.state') IS NULL, '{}', json_object('state', json_extract(facts, '$.state')))
WHERE subscriber_id = ?
"""
_COUNT_DELIVERIES = """
INSERT INTO erased_delivery (issue_id, state, deliveries)
SELECT issue_id, iif(state IN ('queued', 'claimed', 'deferred'), 'cancelled', iif(state = 'wire', 'uncertain', state)),
  1 FROM delivery WHERE subscriber_id = ?
ON CONFLICT (issue_id, state) DO UPDATE SET deliveries = deliveries + 1
"""
