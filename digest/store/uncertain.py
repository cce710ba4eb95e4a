"""Uncertain rows of the ledger: those a person, or the mail server's log, decides about."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from digest.errors import IssueError
from digest.model import DeliveryState, IssueState
from digest.store.database import Database, to_seconds
from digest.store.indexed import UNSENT

_WITNESSES_EACH_SIDE = 5
_BY_HAND = "resolved by hand: "
_BY_LOG = "resolved by the server's log: "


@dataclass(frozen=True, kw_only=True)
class UncertainRow:
    """A message that may or may not have been delivered."""

    id: int
    subscriber_id: int
    address: str
    updated_at: datetime
    """When it was noticed; it was handed over before that, after the issue was frozen."""


@dataclass(frozen=True, kw_only=True)
class Witness:
    """A message of the issue that its server surely took, at about the time of an uncertain one."""

    subscriber_id: int
    address: str
    sent_at: datetime


@dataclass(frozen=True, kw_only=True)
class Decision:
    """What is decided about an uncertain row."""

    delivery_id: int
    state: DeliveryState
    """SENT, FAILED, or QUEUED to be sent again."""
    code: int | None = None
    """The reply code, where one was found."""
    words: str
    """Why, and what the server said."""


def list_uncertain(database: Database, issue_id: int, *, addresses: Sequence[str] = ()) -> tuple[UncertainRow, ...]:
    """The uncertain rows of an issue, of all or of the given addresses, in the order they were queued."""
    rows = database.rows(
        f"""SELECT delivery.id, subscriber_id, address, updated_at
        FROM delivery JOIN subscriber ON subscriber.id = subscriber_id
        WHERE {_CHOSEN} ORDER BY delivery.id""",
        {"issue": issue_id, **_choice(addresses)},
    )
    return tuple(
        UncertainRow(
            id=row["id"],
            subscriber_id=row["subscriber_id"],
            address=row["address"],
            updated_at=_to_moment(row["updated_at"]),
        )
        for row in rows
    )


_CHOSEN = f"""issue_id = :issue AND {UNSENT} AND delivery.state = 'uncertain' AND (:all OR subscriber_id IN (
  SELECT id FROM subscriber WHERE address IN (SELECT value FROM json_each(:addresses))))"""


def _choice(addresses: Sequence[str]) -> dict[str, object]:
    return {"all": not addresses, "addresses": json.dumps(list(addresses))}


def list_witnesses(database: Database, issue_id: int) -> tuple[Witness, ...]:
    """The messages that were sent just before and just after each uncertain one: a whole log has them all.

    Those somebody decided about are none: nobody knows.
    """
    rows = database.rows(_WITNESSES, {"issue": issue_id, "resolved": "resolved by *"})
    return tuple(
        Witness(subscriber_id=row["subscriber_id"], address=row["address"], sent_at=_to_moment(row["updated_at"]))
        for row in rows
    )


_WITNESSES = f"""
SELECT subscriber_id, address, updated_at FROM (
  SELECT subscriber_id, delivery.state = 'sent' AS is_sent, updated_at, max(state = 'uncertain') OVER (
    ORDER BY updated_at, id ROWS BETWEEN {_WITNESSES_EACH_SIDE} PRECEDING AND {_WITNESSES_EACH_SIDE} FOLLOWING
  ) AS is_near
  FROM delivery WHERE issue_id = :issue AND state IN ('sent', 'uncertain') AND reply NOT GLOB :resolved
) JOIN subscriber ON subscriber.id = subscriber_id
WHERE is_near AND is_sent
"""


def settle_uncertain(database: Database, issue_id: int, decisions: Sequence[Decision], *, now: datetime) -> int:
    """Settle uncertain rows by what a server's log tells, inside the caller's transaction.

    Returns:
        How many rows were settled; those that are no longer uncertain are left as they are.

    Raises:
        IssueError: some are to be sent again, and the issue is cancelled.
    """
    if any(decision.state is DeliveryState.QUEUED for decision in decisions):
        _require_open(database, issue_id)
    return database.execute_many(
        """UPDATE delivery SET state = ?, code = ?, reply = ?, updated_at = ?
        WHERE id = ? AND issue_id = ? AND state = 'uncertain'""",
        [(d.state, d.code, f"{_BY_LOG}{d.words}", to_seconds(now), d.delivery_id, issue_id) for d in decisions],
    )


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
    if not as_sent:
        _require_open(database, issue_id)
    return database.execute(
        f"UPDATE delivery SET state = :state, reply = :reply, updated_at = :now WHERE {_CHOSEN}",
        {
            "state": DeliveryState.SENT if as_sent else DeliveryState.QUEUED,
            "reply": f"{_BY_HAND}{'delivered' if as_sent else 'to be sent again'}",
            "now": to_seconds(now),
            "issue": issue_id,
            **_choice(addresses),
        },
    )


def _require_open(database: Database, issue_id: int) -> None:
    if database.value("SELECT state FROM issue WHERE id = ?", (issue_id,)) == IssueState.CANCELLED:
        raise IssueError("the issue is cancelled and nothing of it is sent any more; settle its rows with --as-sent")


def reopen_issue(database: Database, issue_id: int, *, deadline: datetime) -> None:
    """Let an issue be sent again for rows that were queued again, inside the caller's transaction."""
    database.execute(
        """UPDATE issue SET state = 'sending', reason = '', finished_at = NULL, resume_at = NULL,
        deadline = max(deadline, ?) WHERE id = ? AND state IN ('sent', 'failed', 'sending')""",
        (to_seconds(deadline), issue_id),
    )


def _to_moment(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
