"""The ledger: one row per issue and subscriber, and the only ways its state changes.

queued → claimed → wire → sent | deferred | failed | uncertain. Every change by a sender checks its lease's fence in
the same transaction, so a process that was overtaken cannot write.
"""

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from digest.clock import BootTime
from digest.errors import IssueError, LeaseLostError
from digest.model import Delivery, DeliveryState, IssueState
from digest.store.database import Database, moment, to_seconds
from digest.store.events import Event, EventKind, record_event
from digest.store.indexed import IN_FLIGHT, UNSENT, WAITING
from digest.store.leases import Lease, require_fence, require_sending
from digest.store.subscribers import suppress


@dataclass(frozen=True, kw_only=True, slots=True)
class DeliveryResult:
    """What became of one delivery that was on the wire, or refused before."""

    delivery_id: int
    state: DeliveryState
    """SENT, DEFERRED, FAILED, UNCERTAIN; or QUEUED where it was certainly not delivered and may go at once."""
    code: int | None
    reply: str
    next_at: datetime | None = None
    """When to try again, where it was deferred."""
    gone: bytes | None = None
    """Keyed hash of the address, where the reply says that it takes no mail for good: the person counts as bounced
    and the address is suppressed, in the same commit."""

    @property
    def is_certain(self) -> bool:
        """Whether the message certainly did not arrive: true of a row too that never was on the wire."""
        return self.state not in {DeliveryState.SENT, DeliveryState.UNCERTAIN}


def claim_deliveries(
    database: Database, lease: Lease, *, limit: int, boot: BootTime, now: datetime
) -> tuple[Delivery, ...]:
    """Take up to `limit` rows that are due: queued ones and deferred ones whose time has come.

    Rows of people who left meanwhile are cancelled on the way.

    Raises:
        LeaseLostError: the issue was taken over, paused or cancelled.
    """
    with database.transaction():
        require_sending(database, lease, boot=boot)
        while due := database.rows(_DUE, {"issue": lease.issue_id, "now": to_seconds(now), "limit": limit}):
            _set_state(database, [row["id"] for row in due if not row["is_reader"]], _LEFT, now)
            staying = [row for row in due if row["is_reader"]]
            if staying:
                _set_state(database, [row["id"] for row in staying], "state = 'claimed', next_at = NULL", now)
                return tuple(_to_delivery(row) for row in staying)
    return ()


_IS_READER = """EXISTS (
  SELECT 1 FROM subscription JOIN subscriber AS person ON person.id = subscription.subscriber_id
  WHERE person.id = delivery.subscriber_id AND person.state = 'active' AND person.paused_until IS NULL
  AND subscription.newsletter = (SELECT newsletter FROM issue WHERE issue.id = :issue))"""
_LEFT_BEFORE = "the subscriber left before it was sent"
_LEFT = f"state = 'cancelled', reply = '{_LEFT_BEFORE}'"
# Ordered branches, so that each walks its own stretch of the index and none sorts.
_DUE = f"""
SELECT delivery.id, issue_id, subscriber_id, address, name, variant, attempts, {_IS_READER} AS is_reader
FROM (
  SELECT * FROM delivery WHERE issue_id = :issue AND {WAITING} AND state = 'queued' AND next_at IS NULL
  UNION ALL
  SELECT * FROM delivery WHERE issue_id = :issue AND {WAITING} AND state = 'queued' AND next_at <= :now
  UNION ALL
  SELECT * FROM delivery WHERE issue_id = :issue AND {WAITING} AND state = 'deferred' AND next_at <= :now
  LIMIT :limit
) AS delivery JOIN subscriber ON subscriber.id = delivery.subscriber_id
"""


def _set_state(database: Database, ids: Sequence[int], change: str, now: datetime) -> None:
    database.execute(
        f"UPDATE delivery SET {change}, updated_at = ? WHERE id IN (SELECT value FROM json_each(?))",
        (to_seconds(now), json.dumps(ids)),
    )


def _to_delivery(row: sqlite3.Row) -> Delivery:
    delivery_id, issue_id, subscriber_id, address, name, variant, attempts, _ = row
    return Delivery(
        id=delivery_id,
        issue_id=issue_id,
        subscriber_id=subscriber_id,
        address=address,
        name=name,
        variant=variant,
        attempts=attempts,
    )


def advance_deliveries(
    database: Database,
    lease: Lease,
    *,
    results: Sequence[DeliveryResult],
    to_wire: Sequence[int],
    boot: BootTime,
    now: datetime,
) -> frozenset[int]:
    """Record results and let the next rows onto the wire, in one commit.

    Results are recorded even when the issue was paused or cancelled meanwhile: they happened. Nothing new goes onto
    the wire then, and nothing for a person who left since the row was claimed: such a row is cancelled.

    Returns:
        Those of `to_wire` whose messages may leave now.

    Raises:
        LeaseLostError: the issue was taken over (nothing was written), or paused or cancelled (results were).
        IssueError: a row that was to go onto the wire is not claimed.
    """
    on_wire: frozenset[int] = frozenset()
    with database.transaction():
        state = require_fence(database, lease, boot=boot)
        _record_results(database, results, now)
        if to_wire and state is IssueState.SENDING:
            on_wire = _put_on_wire(database, lease.issue_id, to_wire, now)
    if to_wire and state is not IssueState.SENDING:
        raise LeaseLostError(f"the issue was {state} by another command")
    return on_wire


def _record_results(database: Database, results: Sequence[DeliveryResult], now: datetime) -> None:
    seconds = to_seconds(now)
    database.execute_many(
        """UPDATE delivery SET state = ?1, code = ?2, reply = ?3, next_at = ?4, attempts = attempts + (?1 <> 'queued'),
        updated_at = ?5 WHERE id = ?6 AND (state = 'wire' OR (state = 'claimed' AND ?7))""",
        [
            (r.state, r.code, r.reply, r.next_at and to_seconds(r.next_at), seconds, r.delivery_id, r.is_certain)
            for r in results
        ],
    )
    for result in results:
        if result.gone is not None:
            _take_out_bounced(database, result.delivery_id, result.gone, now)


def _take_out_bounced(database: Database, delivery_id: int, address_hash: bytes, now: datetime) -> None:
    """Somebody whose mailbox is gone: no newsletter tries it again."""
    person = database.row(
        """UPDATE subscriber SET state = 'bounced', left_at = ?
        WHERE id = (SELECT subscriber_id FROM delivery WHERE id = ?) AND state = 'active' RETURNING id""",
        (to_seconds(now), delivery_id),
    )
    if person is not None:
        reply = database.value("SELECT reply FROM delivery WHERE id = ?", (delivery_id,))
        bounced = Event(kind=EventKind.BOUNCED, happened_at=now, facts={"diagnostic": reply})
        record_event(database, person["id"], bounced)
    suppress(database, address_hash, reason="bounced", now=now)


def _put_on_wire(database: Database, issue_id: int, ids: Sequence[int], now: datetime) -> frozenset[int]:
    values = {"now": to_seconds(now), "issue": issue_id, "ids": json.dumps(ids), "left": _LEFT_BEFORE}
    on_wire = frozenset(row[0] for row in database.rows(_TO_WIRE, values))
    if len(on_wire) == len(ids):
        return on_wire
    left = database.execute(_LEAVERS, values)
    erased = len(ids) - int(database.value(_STILL_THERE, values))
    if missing := len(ids) - len(on_wire) - left - erased:
        raise IssueError(f"{missing} of {len(ids)} deliveries are no longer claimed; none is sent")
    return on_wire


_THESE = "state = 'claimed' AND id IN (SELECT value FROM json_each(:ids))"
_TO_WIRE = f"UPDATE delivery SET state = 'wire', updated_at = :now WHERE {_THESE} AND {_IS_READER} RETURNING id"
_STILL_THERE = "SELECT count(*) FROM delivery WHERE id IN (SELECT value FROM json_each(:ids))"
_LEAVERS = f"UPDATE delivery SET state = 'cancelled', reply = :left, updated_at = :now WHERE {_THESE}"


def count_deliveries(database: Database, issue_id: int) -> dict[DeliveryState, int]:
    """How many rows of an issue are in each state."""
    found = {row[0]: row[1] for row in database.rows(_COUNTS, {"issue": issue_id})}
    found["sent"] = found.pop("all") - sum(found.values())
    erased = {row[0]: row[1] for row in database.rows(_ERASED, {"issue": issue_id})}
    return {state: found.get(state, 0) + erased.get(state, 0) for state in DeliveryState}


_ERASED = "SELECT state, deliveries FROM erased_delivery WHERE issue_id = :issue"
# Nearly all rows are sent ones, and those are in no index; to look at a million of them would take a second.
_COUNTS = f"""
SELECT state, count(*) FROM delivery WHERE issue_id = :issue AND {WAITING} GROUP BY state
UNION ALL SELECT state, count(*) FROM delivery WHERE issue_id = :issue AND {IN_FLIGHT} GROUP BY state
UNION ALL SELECT state, count(*) FROM delivery WHERE issue_id = :issue AND {UNSENT} GROUP BY state
UNION ALL SELECT 'all', count(*) FROM delivery WHERE issue_id = :issue
"""


def next_attempt_at(database: Database, issue_id: int) -> int | None:
    """When the first row of an issue is due, in unix seconds; None where one may go at once, or none is left.

    Claimed rows count among those that may go at once, as their sender puts back what it does not send.
    """
    value = database.value(
        f"""SELECT CASE WHEN count(*) = count(next_at) THEN min(next_at) END FROM (
          SELECT next_at FROM delivery WHERE issue_id = :issue AND {WAITING}
          UNION ALL SELECT NULL FROM delivery WHERE issue_id = :issue AND {IN_FLIGHT} AND state = 'claimed')""",
        {"issue": issue_id},
    )
    return None if value is None else int(value)


@dataclass(frozen=True, kw_only=True)
class LedgerRow:
    """One delivery as an operator reads it."""

    id: int
    subscriber_id: int
    address: str
    state: DeliveryState
    attempts: int
    code: int | None
    reply: str
    updated_at: int
    """Unix seconds."""


def list_deliveries(
    database: Database, issue_id: int, *, states: Sequence[DeliveryState], limit: int = -1
) -> tuple[LedgerRow, ...]:
    """The rows of an issue in the given states, in the order they were queued."""
    # Those that were sent are in no index of states, and looked for only where they are asked for.
    conditions = (WAITING, IN_FLIGHT, UNSENT, *(["state = 'sent'"] if DeliveryState.SENT in states else []))
    found = " UNION ALL ".join(_IN_STATES.format(condition=condition) for condition in conditions)
    rows = database.rows(
        f"""SELECT chosen.id, subscriber_id, address, chosen.state, attempts, code, reply, updated_at
        FROM ({found}) AS chosen JOIN subscriber ON subscriber.id = subscriber_id ORDER BY chosen.id LIMIT :limit""",
        {"issue": issue_id, "states": json.dumps(list(states)), "limit": limit},
    )
    return tuple(LedgerRow(**{**dict(row), "state": DeliveryState(row["state"])}) for row in rows)


@dataclass(frozen=True, kw_only=True)
class SentMail:
    """One delivery as its reader would see it."""

    newsletter: str
    edition: str
    """ISO 8601."""
    state: DeliveryState
    code: int | None
    reply: str
    updated_at: datetime


def list_deliveries_to(database: Database, subscriber_id: int) -> tuple[SentMail, ...]:
    """Every delivery to one person, in the order they were queued."""
    rows = database.rows(
        """SELECT newsletter, edition, delivery.state, code, reply, delivery.updated_at FROM delivery
        JOIN issue ON issue.id = issue_id WHERE subscriber_id = ? ORDER BY delivery.id""",
        (subscriber_id,),
    )
    return tuple(
        SentMail(
            newsletter=row["newsletter"],
            edition=row["edition"],
            state=DeliveryState(row["state"]),
            code=row["code"],
            reply=row["reply"],
            updated_at=moment(row["updated_at"]),
        )
        for row in rows
    )


_IN_STATES = """
SELECT * FROM delivery WHERE issue_id = :issue AND {condition} AND state IN (SELECT value FROM json_each(:states))
"""
