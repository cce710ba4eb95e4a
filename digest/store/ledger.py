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
from digest.store.database import Database, to_seconds
from digest.store.leases import Lease, require_fence, require_sending


@dataclass(frozen=True, kw_only=True)
class DeliveryResult:
    """What became of one delivery that was on the wire."""

    delivery_id: int
    state: DeliveryState
    code: int | None
    reply: str
    next_at: datetime | None = None
    """When to try again, where it was deferred."""


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
                _set_state(database, [row["id"] for row in staying], "state = 'claimed'", now)
                return tuple(_to_delivery(row) for row in staying)
    return ()


_IS_READER = """EXISTS (
  SELECT 1 FROM subscription JOIN subscriber AS person ON person.id = subscription.subscriber_id
  WHERE person.id = delivery.subscriber_id AND person.state = 'active'
  AND subscription.newsletter = (SELECT newsletter FROM issue WHERE issue.id = delivery.issue_id))"""
_LEFT_BEFORE = "the subscriber left before it was sent"
_LEFT = f"state = 'cancelled', reply = '{_LEFT_BEFORE}'"
_DUE = f"""
SELECT delivery.id, issue_id, subscriber_id, address, name, variant, attempts, {_IS_READER} AS is_reader
FROM (
  SELECT * FROM delivery WHERE issue_id = :issue AND state = 'queued'
  UNION ALL
  SELECT * FROM delivery WHERE issue_id = :issue AND state = 'deferred' AND next_at <= :now
) AS delivery JOIN subscriber ON subscriber.id = delivery.subscriber_id
LIMIT :limit
"""


def _set_state(database: Database, ids: Sequence[int], change: str, now: datetime) -> None:
    database.execute(
        f"UPDATE delivery SET {change}, updated_at = ? WHERE id IN (SELECT value FROM json_each(?))",
        (to_seconds(now), json.dumps(ids)),
    )


def _to_delivery(row: sqlite3.Row) -> Delivery:
    return Delivery(**{name: row[name] for name in row.keys() if name != "is_reader"})  # noqa: SIM118 - a Row is no dict


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
        require_fence(database, lease, boot=boot)
        _record_results(database, results, now)
        state = database.value("SELECT state FROM issue WHERE id = ?", (lease.issue_id,))
        if to_wire and state == IssueState.SENDING:
            on_wire = _put_on_wire(database, to_wire, now)
    if to_wire and state != IssueState.SENDING:
        raise LeaseLostError(f"the issue was {state} by another command")
    return on_wire


def _record_results(database: Database, results: Sequence[DeliveryResult], now: datetime) -> None:
    database.execute_many(
        """UPDATE delivery SET state = ?, code = ?, reply = ?, next_at = ?, attempts = attempts + 1, updated_at = ?
        WHERE id = ? AND state = 'wire'""",
        [
            (r.state, r.code, r.reply, r.next_at and to_seconds(r.next_at), to_seconds(now), r.delivery_id)
            for r in results
        ],
    )


def _put_on_wire(database: Database, ids: Sequence[int], now: datetime) -> frozenset[int]:
    rows = database.rows(_TO_WIRE, (_LEFT_BEFORE, to_seconds(now), json.dumps(ids)))
    if len(rows) != len(ids):
        raise IssueError(f"{len(ids) - len(rows)} of {len(ids)} deliveries are no longer claimed; none is sent")
    return frozenset(row["id"] for row in rows if row["state"] == DeliveryState.WIRE)


_TO_WIRE = f"""
UPDATE delivery SET state = iif({_IS_READER}, 'wire', 'cancelled'), reply = iif({_IS_READER}, reply, ?), updated_at = ?
WHERE state = 'claimed' AND id IN (SELECT value FROM json_each(?)) RETURNING id, state
"""


def count_deliveries(database: Database, issue_id: int) -> dict[DeliveryState, int]:
    """How many rows of an issue are in each state."""
    rows = database.rows("SELECT state, count(*) FROM delivery WHERE issue_id = ? GROUP BY state", (issue_id,))
    found = {row[0]: row[1] for row in rows}
    return {state: found.get(state, 0) for state in DeliveryState}


def next_attempt_at(database: Database, issue_id: int) -> int | None:
    """When the first deferred row of an issue is due, in unix seconds; None where none is deferred."""
    value = database.value("SELECT min(next_at) FROM delivery WHERE issue_id = ? AND state = 'deferred'", (issue_id,))
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
    rows = database.rows(
        """SELECT delivery.id, subscriber_id, address, delivery.state, attempts, code, reply, updated_at
        FROM delivery JOIN subscriber ON subscriber.id = subscriber_id
        WHERE issue_id = ? AND delivery.state IN (SELECT value FROM json_each(?)) ORDER BY delivery.id LIMIT ?""",
        (issue_id, json.dumps(list(states)), limit),
    )
    return tuple(LedgerRow(**{**dict(row), "state": DeliveryState(row["state"])}) for row in rows)


def resolve_uncertain(
    database: Database, issue_id: int, *, as_sent: bool, addresses: Sequence[str], now: datetime
) -> int:
    """Decide by hand about uncertain rows, of all or of the given addresses, inside the caller's transaction.

    Args:
        database: the workspace's database.
        issue_id: whose rows.
        as_sent: they were delivered; otherwise they are queued again.
        addresses: only these; empty for all.
        now: the present moment.

    Returns:
        How many rows were decided about.

    Raises:
        IssueError: they are to be sent again, and the issue is cancelled.
    """
    state = database.value("SELECT state FROM issue WHERE id = ?", (issue_id,))
    if not as_sent and state == IssueState.CANCELLED:
        raise IssueError("the issue is cancelled and nothing of it is sent any more; settle its rows with --as-sent")
    return database.execute(
        """UPDATE delivery SET state = :state, reply = :reply, updated_at = :now
        WHERE issue_id = :issue AND state = 'uncertain' AND (:all OR subscriber_id IN (
          SELECT id FROM subscriber WHERE address IN (SELECT value FROM json_each(:addresses))))""",
        {
            "state": DeliveryState.SENT if as_sent else DeliveryState.QUEUED,
            "reply": "resolved by hand: delivered" if as_sent else "resolved by hand: to be sent again",
            "now": to_seconds(now),
            "issue": issue_id,
            "all": not addresses,
            "addresses": json.dumps(list(addresses)),
        },
    )


def reopen_issue(database: Database, issue_id: int, *, deadline: datetime) -> None:
    """Let an issue be sent again for rows that were queued again, inside the caller's transaction."""
    database.execute(
        """UPDATE issue SET state = 'sending', reason = '', finished_at = NULL, resume_at = NULL, deadline = ?
        WHERE id = ? AND state IN ('sent', 'failed', 'sending')""",
        (to_seconds(deadline), issue_id),
    )
