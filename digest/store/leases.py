"""Who may send an issue: claims, leases and fences.

An edition is claimed by inserting its row, or by taking over one whose holder's lease ran out. The lease counts in
boot-clock seconds, as one in wall-clock time was stolen by a clock jump of an hour; and every claim raises the row's
fence, so that a holder that lost it can be told.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from digest.clock import BootTime
from digest.errors import LeaseLostError
from digest.model import IssueState
from digest.schedule import Occurrence
from digest.store.database import Database, to_seconds
from digest.store.indexed import IN_FLIGHT, WAITING

LEASE_SECONDS = 60.0
"""How long a holder may be silent before another process takes the issue over."""

Origin = Literal["schedule", "manual"]


@dataclass(frozen=True, kw_only=True)
class Lease:
    """The right to send one issue."""

    issue_id: int
    owner: str
    """Names the holding process."""
    fence: int
    """The count of this claim; any newer claim makes this one void."""


def claim_issue(
    database: Database,
    newsletter: str,
    occurrence: Occurrence,
    *,
    origin: Origin,
    deadline: datetime,
    owner: str,
    boot: BootTime,
    now: datetime,
) -> Lease | None:
    """Begin an edition, or take over one whose holder has gone silent.

    Rows that the former holder left in `wire` become uncertain, those it had claimed go back to the queue. A later
    deadline replaces that of the row.

    Returns:
        The lease, or None where another process holds the edition or it is not to be sent (any more).
    """
    with database.transaction():
        row = database.row(
            _CLAIM,
            {
                "newsletter": newsletter,
                "edition": occurrence.edition.isoformat(),
                "origin": origin,
                "scheduled_at": to_seconds(occurrence.due_at),
                "deadline": to_seconds(deadline),
                "owner": owner,
                "now": to_seconds(now),
                **lease_values(boot),
            },
        )
        if row is None:
            return None
        settle_abandoned_rows(database, row["id"], now=now)
    return Lease(issue_id=row["id"], owner=owner, fence=row["fence"])


LAPSED = "(boot_id IS NOT :boot OR lease_until < :boottime OR lease_until > :boottime + 2 * :lease)"
"""A condition on `issue`, with `lease_values`: nobody holds it.

The last part: without a boot id (see clock), a lease from before a reboot may lie in the far future. Twice the length,
as another process may have read the clock after this one did and yet claimed before it.
"""

_CLAIM = f"""
INSERT INTO issue (newsletter, edition, origin, state, scheduled_at, deadline, owner, boot_id, lease_until, started_at)
VALUES (:newsletter, :edition, :origin, 'sending', :scheduled_at, :deadline, :owner, :boot, :boottime + :lease, :now)
ON CONFLICT (newsletter, edition) DO UPDATE SET owner = excluded.owner, boot_id = excluded.boot_id,
  lease_until = excluded.lease_until, fence = fence + 1, resume_at = NULL, deadline = max(deadline, excluded.deadline)
WHERE state = 'sending' AND {LAPSED}
RETURNING id, fence
"""


def settle_abandoned_rows(database: Database, issue_id: int, *, now: datetime) -> None:
    """Sort out what a holder that is gone left behind, inside the caller's transaction."""
    database.execute(
        f"""UPDATE delivery SET state = 'uncertain', updated_at = ?,
        reply = 'the sender stopped while this message was being handed over'
        WHERE issue_id = ? AND {IN_FLIGHT} AND state = 'wire'""",
        (to_seconds(now), issue_id),
    )
    database.execute(
        f"UPDATE delivery SET state = 'queued' WHERE issue_id = ? AND {IN_FLIGHT} AND state = 'claimed'",
        (issue_id,),
    )
    database.execute(
        f"""UPDATE delivery SET state = 'cancelled', updated_at = ?, reply = 'the issue was cancelled'
        WHERE issue_id = ? AND {WAITING}
        AND (SELECT state FROM issue WHERE issue.id = issue_id) = 'cancelled'""",
        (to_seconds(now), issue_id),
    )


def settle_stopped_issues(database: Database, newsletter: str, *, boot: BootTime, now: datetime) -> None:
    """Sort out paused and cancelled issues whose holder died before it noticed; nobody claims those."""
    values = {"newsletter": newsletter, **lease_values(boot)}
    if not database.rows(_STOPPED, values):
        return
    with database.transaction():
        for row in database.rows(_STOPPED, values):
            settle_abandoned_rows(database, row["id"], now=now)


_STOPPED = f"""
SELECT id FROM issue WHERE newsletter = :newsletter AND state IN ('paused', 'cancelled') AND {LAPSED}
AND (EXISTS (SELECT 1 FROM delivery WHERE issue_id = issue.id AND {IN_FLIGHT})
  OR (issue.state = 'cancelled' AND EXISTS (SELECT 1 FROM delivery WHERE issue_id = issue.id AND {WAITING})))
"""


def has_resumable(database: Database, *, boot: BootTime, now: datetime) -> bool:
    """Whether an issue has something to send now and nobody sends it."""
    found = f"SELECT 1 FROM issue WHERE state = 'sending' AND {LAPSED} AND (resume_at IS NULL OR resume_at <= :now)"
    return database.row(found, {"now": to_seconds(now), **lease_values(boot)}) is not None


def renew_lease(database: Database, lease: Lease, *, boot: BootTime) -> None:
    """Keep an issue for another lease length.

    Raises:
        LeaseLostError: another process took it over.
    """
    with database.transaction():
        require_fence(database, lease, boot=boot)


def require_fence(database: Database, lease: Lease, *, boot: BootTime) -> IssueState:
    """Check, inside the caller's transaction, that the lease is still the newest, and renew it.

    It is written anew only once a tenth of it is gone: this runs with every group of messages.

    Returns:
        The state of the issue.

    Raises:
        LeaseLostError: another process took it over.
    """
    found = database.row(
        "SELECT state, boot_id, lease_until FROM issue WHERE id = ? AND owner = ? AND fence = ?",
        (lease.issue_id, lease.owner, lease.fence),
    )
    if found is None:
        raise LeaseLostError("another process took this issue over while this one was silent; it goes on there")
    left = found["lease_until"] - boot.seconds
    if found["boot_id"] != boot.boot_id or not 0.9 * LEASE_SECONDS <= left <= LEASE_SECONDS:
        database.execute(
            "UPDATE issue SET boot_id = :boot, lease_until = :boottime + :lease WHERE id = :id",
            {"id": lease.issue_id, **lease_values(boot)},
        )
    return IssueState(found["state"])


def require_sending(database: Database, lease: Lease, *, boot: BootTime) -> None:
    """As `require_fence`, and the issue was not paused or cancelled meanwhile."""
    state = require_fence(database, lease, boot=boot)
    if state is not IssueState.SENDING:
        raise LeaseLostError(f"the issue was {state} by another command")


def keep_sending(database: Database, lease: Lease, *, boot: BootTime) -> None:
    """Look whether the issue may still be sent, and renew its lease where a quarter of it is gone.

    Cheap enough to be called twice a second: it writes only to renew.

    Raises:
        LeaseLostError: it was taken over, paused or cancelled.
    """
    row = database.row("SELECT state, fence, lease_until FROM issue WHERE id = ?", (lease.issue_id,))
    is_fresh = row is not None and row["fence"] == lease.fence and row["state"] == IssueState.SENDING
    if not is_fresh or row is None or row["lease_until"] - boot.seconds < 0.75 * LEASE_SECONDS:
        with database.transaction():
            require_sending(database, lease, boot=boot)


def pause_own_issue(database: Database, lease: Lease, *, reason: str, boot: BootTime) -> None:
    """Pause the issue this process is sending, until a person lets it go on.

    Raises:
        LeaseLostError: it was taken over, paused or cancelled meanwhile.
    """
    with database.transaction():
        require_sending(database, lease, boot=boot)
        database.execute("UPDATE issue SET state = 'paused', reason = ? WHERE id = ?", (reason, lease.issue_id))


def extend_deadline(database: Database, issue_id: int, deadline: datetime) -> None:
    """Let an issue be sent until a later moment, inside the caller's transaction; an earlier one changes nothing."""
    database.execute("UPDATE issue SET deadline = max(deadline, ?) WHERE id = ?", (to_seconds(deadline), issue_id))


def release_lease(
    database: Database, lease: Lease, *, resume_at: datetime | None, now: datetime, failure: str = ""
) -> None:
    """Let the issue go, so that the next tick or command may resume it.

    Args:
        database: the workspace's database.
        lease: whose issue; nothing happens where it is void.
        resume_at: not before this moment; None for at once.
        now: the present moment.
        failure: why it could not be sent this time, kept as the issue's reason while it waits.
    """
    with database.transaction():
        changed = database.execute(
            """UPDATE issue SET lease_until = 0, resume_at = :resume_at,
            reason = CASE WHEN state = 'sending' THEN :failure ELSE reason END
            WHERE id = :id AND owner = :owner AND fence = :fence""",
            {
                "resume_at": resume_at and to_seconds(resume_at),
                "failure": failure,
                "id": lease.issue_id,
                "owner": lease.owner,
                "fence": lease.fence,
            },
        )
        if changed:
            settle_abandoned_rows(database, lease.issue_id, now=now)


def list_leases(database: Database, newsletter: str, *, boot: BootTime) -> list[Lease]:
    """The leases that hold issues of a newsletter now."""
    rows = database.rows(
        f"SELECT id, owner, fence FROM issue WHERE newsletter = :newsletter AND lease_until > 0 AND NOT {LAPSED}",
        {"newsletter": newsletter, **lease_values(boot)},
    )
    return [Lease(issue_id=row["id"], owner=row["owner"], fence=row["fence"]) for row in rows]


def release_dead_holder(database: Database, lease: Lease) -> bool:
    """Let an issue go whose holder is known to have died; False where the lease was no longer the newest.

    What the holder left behind is settled by the next claim.
    """
    return bool(
        database.execute(
            "UPDATE issue SET lease_until = 0 WHERE id = ? AND owner = ? AND fence = ?",
            (lease.issue_id, lease.owner, lease.fence),
        )
    )


def lease_values(boot: BootTime) -> dict[str, str | float]:
    """The values that `LAPSED` asks for."""
    return {"boot": boot.boot_id, "boottime": boot.seconds, "lease": LEASE_SECONDS}
