"""Single mails to one person: their queue, with the states of the ledger."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from digest.clock import BootTime
from digest.model import DeliveryState
from digest.store.database import Database, moment, to_seconds

WIRE_SECONDS = 900.0
"""After so long on the wire nobody knows what became of a mail whose process died (RFC 5321 4.5.3.2: 10 min)."""


class NoticeKind(StrEnum):
    """What a mail says."""

    CONFIRM = "confirm"
    """Confirm your subscription."""
    ADDRESS = "address"
    """Confirm your new address."""
    MOVED = "moved"
    """Your address was changed: to the old one."""


@dataclass(frozen=True, kw_only=True)
class Notice:
    """One mail to one person."""

    id: int
    kind: NoticeKind
    subscriber_id: int
    confirmation_id: int
    """0 where there is nothing to confirm."""
    address: str
    locale: str
    """"" for the newsletter's own."""
    newsletter: str
    """In whose name it goes."""
    attempts: int
    """How often it was handed over before."""
    created_at: datetime


def add_notice(
    database: Database,
    kind: NoticeKind,
    *,
    subscriber_id: int,
    confirmation_id: int,
    address: str,
    locale: str,
    newsletter: str,
    now: datetime,
) -> int:
    """Queue a mail, inside the caller's transaction; returns its number."""
    seconds = to_seconds(now)
    return database.insert(
        """INSERT INTO notice
        (kind, subscriber_id, confirmation_id, address, locale, newsletter, next_at, created_at, updated_at)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)""",
        (kind, subscriber_id, confirmation_id or None, address, locale, newsletter, seconds, seconds, seconds),
    )


def count_recent_notices(database: Database, address: str, *, since: datetime) -> int:
    """How many mails one address was to get since a moment."""
    return int(
        database.value(
            "SELECT count(*) FROM notice WHERE address = ? AND created_at >= ?", (address, to_seconds(since))
        )
    )


@dataclass(frozen=True, kw_only=True)
class NoticeStatus:
    """One mail of a person, and what became of it."""

    kind: NoticeKind
    address: str
    """Where it went: a new address that is not confirmed, or the one before."""
    newsletter: str
    """In whose name it went."""
    state: DeliveryState
    reply: str
    """The server's answer, or why there is none yet."""
    updated_at: datetime


def list_notices_to(database: Database, subscriber_id: int) -> tuple[NoticeStatus, ...]:
    """The single mails of one person that are still known, the oldest first; see `forget_old_notices`."""
    rows = database.rows("SELECT * FROM notice WHERE subscriber_id = ? ORDER BY id", (subscriber_id,))
    return tuple(
        NoticeStatus(
            kind=NoticeKind(row["kind"]),
            address=row["address"],
            newsletter=row["newsletter"],
            state=DeliveryState(row["state"]),
            reply=row["reply"],
            updated_at=moment(row["updated_at"]),
        )
        for row in rows
    )


def claim_notices(database: Database, *, limit: int, boot: BootTime, now: datetime) -> tuple[Notice, ...]:
    """Put mails that are due onto the wire: committed before anything of them can leave.

    Those whose process died on the wire become uncertain: whoever waits for one can ask for another.
    """
    with database.transaction():
        database.execute(
            f"""UPDATE notice SET state = 'uncertain', reply = 'its process died', updated_at = ?
            WHERE {_OPEN} AND state = 'wire' AND (boot_id <> ? OR wire_since < ?)""",
            (to_seconds(now), boot.boot_id, boot.seconds - WIRE_SECONDS),
        )
        rows = database.rows(
            f"""UPDATE notice SET state = 'wire', boot_id = ?, wire_since = ?, updated_at = ? WHERE id IN (
              SELECT id FROM notice WHERE {_OPEN} AND state <> 'wire' AND next_at <= ? ORDER BY next_at LIMIT ?)
            RETURNING *""",
            (boot.boot_id, boot.seconds, to_seconds(now), to_seconds(now), limit),
        )
    return tuple(
        Notice(
            id=row["id"],
            kind=NoticeKind(row["kind"]),
            subscriber_id=row["subscriber_id"],
            confirmation_id=row["confirmation_id"] or 0,
            address=row["address"],
            locale=row["locale"],
            newsletter=row["newsletter"],
            attempts=row["attempts"],
            created_at=moment(row["created_at"]),
        )
        for row in sorted(rows, key=lambda row: row["id"])
    )


_OPEN = "state IN ('queued', 'wire', 'deferred')"
"""As the condition of the index has it."""


@dataclass(frozen=True, kw_only=True)
class NoticeResult:
    """What became of a mail on the wire."""

    notice_id: int
    state: DeliveryState
    """SENT, DEFERRED, FAILED or UNCERTAIN."""
    reply: str
    next_at: datetime
    """When to try again, where it was deferred."""


def record_notices(database: Database, results: Sequence[NoticeResult], *, now: datetime) -> None:
    """Note what became of mails, in one commit."""
    with database.transaction():
        database.execute_many(
            """UPDATE notice SET state = ?, reply = ?, next_at = ?, attempts = attempts + 1, updated_at = ?
            WHERE id = ? AND state = 'wire'""",
            [(r.state, r.reply, to_seconds(r.next_at), to_seconds(now), r.notice_id) for r in results],
        )


def put_back_notices(database: Database, ids: Sequence[int], *, until: datetime, reply: str, now: datetime) -> None:
    """Return mails to the queue that certainly did not leave."""
    with database.transaction():
        database.execute(
            """UPDATE notice SET state = 'deferred', reply = ?, next_at = ?, updated_at = ?
            WHERE state = 'wire' AND id IN (SELECT value FROM json_each(?))""",
            (reply, to_seconds(until), to_seconds(now), json.dumps(list(ids))),
        )


def forget_old_notices(database: Database, *, now: datetime, days: int) -> int:
    """Forget mails that ended so many days ago: they hold addresses."""
    limit = to_seconds(now - timedelta(days=days))
    with database.transaction():
        return database.execute(f"DELETE FROM notice WHERE NOT ({_OPEN}) AND updated_at < ?", (limit,))
