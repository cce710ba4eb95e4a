"""Issue rows: where each edition stands, and what was frozen for it. Who may send one is in `leases`."""

import json
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from digest.clock import BootTime
from digest.errors import IssueError, NotFoundError
from digest.model import IssueState
from digest.schedule import Occurrence
from digest.store.database import Database, moment, to_moment, to_seconds
from digest.store.indexed import IN_FLIGHT, WAITING
from digest.store.leases import LAPSED, Lease, Origin, lease_values, require_sending, settle_abandoned_rows
from digest.store.pages import StoredPage, save_pages


@dataclass(frozen=True, kw_only=True)
class Issue:
    """One edition of a newsletter."""

    id: int
    newsletter: str
    edition: date
    origin: Origin
    state: IssueState
    reason: str
    """Why it was held, skipped, cancelled or failed, or what stopped it last."""
    scheduled_at: datetime
    deadline: datetime
    """After this moment nothing of it is sent any more."""
    resume_at: datetime | None
    """When its next deferred delivery is due, while nobody is sending it."""
    started_at: datetime
    frozen_at: datetime | None
    """When its contents were fixed; None before that."""
    finished_at: datetime | None
    frozen: Mapping[str, Any]
    """Window, settings, template and what was ranked, as plain JSON values."""


@dataclass(frozen=True, kw_only=True)
class Variant:
    """What one group of readers gets, with slots where each reader's own values go."""

    key: str
    """The group: see `store.groups.list_variant_keys`."""
    article_ids: tuple[str, ...]
    subject: str
    preheader: str
    html: str
    """"" where a page of the issue holds it."""
    text: str
    """"" where a page of the issue holds it."""


@dataclass(frozen=True, kw_only=True)
class FrozenChoice:
    """One candidate near the top, as frozen."""

    article_id: str
    position: int | None
    """1-based place in the issue, or None where it is not shown."""
    choice: Mapping[str, Any]
    """Article, views, rank and reasons as plain JSON values."""


def finish_issue(
    database: Database, lease: Lease, *, state: IssueState, reason: str, boot: BootTime, now: datetime
) -> None:
    """End an issue this process holds: sent, skipped or failed."""
    with database.transaction():
        require_sending(database, lease, boot=boot)
        _end(database, lease.issue_id, state, reason, now)


def hold_issue(database: Database, lease: Lease, *, reason: str, boot: BootTime) -> None:
    """Stop an issue of this process's before anyone is mailed, until somebody sends it by hand or cancels it."""
    with database.transaction():
        require_sending(database, lease, boot=boot)
        database.execute(
            "UPDATE issue SET state = 'held', reason = ?, lease_until = 0, resume_at = NULL WHERE id = ?",
            (reason, lease.issue_id),
        )


def expire_issue(database: Database, issue_id: int, *, boot: BootTime, now: datetime) -> bool:
    """Fail an issue that passed its deadline while nobody was sending it; False where somebody is."""
    with database.transaction():
        changed = database.execute(
            f"""UPDATE issue SET fence = fence + 1, owner = '' WHERE id = :id AND state = 'sending'
            AND deadline < :now AND {LAPSED}""",
            {"id": issue_id, "now": to_seconds(now), **lease_values(boot)},
        )
        if not changed:
            return False
        settle_abandoned_rows(database, issue_id, now=now)
        database.execute(
            f"""UPDATE delivery SET state = 'failed', updated_at = ?, reply = 'not sent before the catch-up limit'
            WHERE issue_id = ? AND {WAITING}""",
            (to_seconds(now), issue_id),
        )
        failure = database.value("SELECT reason FROM issue WHERE id = ?", (issue_id,))
        reason = "not finished before the catch-up limit" + (f"; what stopped it last: {failure}" if failure else "")
        _end(database, issue_id, IssueState.FAILED, reason, now)
    return True


def _end(database: Database, issue_id: int, state: IssueState, reason: str, now: datetime) -> None:
    database.execute(
        "UPDATE issue SET state = ?, reason = ?, finished_at = ?, lease_until = 0, resume_at = NULL WHERE id = ?",
        (state, reason, to_seconds(now), issue_id),
    )


def record_skipped(database: Database, newsletter: str, occurrence: Occurrence, *, reason: str, now: datetime) -> None:
    """Note an edition that will never be sent; nothing changes where it has an issue already."""
    ending: tuple[IssueState, Origin, str] = (IssueState.SKIPPED, "schedule", reason)
    _record_ended(database, newsletter, occurrence, ending, now)


def _record_ended(
    database: Database, newsletter: str, occurrence: Occurrence, ending: tuple[IssueState, Origin, str], now: datetime
) -> None:
    state, origin, reason = ending
    due_at = to_seconds(occurrence.due_at)
    seconds = to_seconds(now)
    database.execute(
        """INSERT INTO issue
        (newsletter, edition, origin, state, reason, scheduled_at, deadline, started_at, finished_at)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (newsletter, edition) DO NOTHING""",
        (newsletter, occurrence.edition.isoformat(), origin, state, reason, due_at, due_at, seconds, seconds),
    )


def reopen_unsent(database: Database, newsletter: str, edition: date) -> bool:
    """Let a held, skipped or failed edition be begun again by hand, if nothing of it was ever frozen."""
    with database.transaction():
        return bool(
            database.execute(
                """UPDATE issue SET state = 'sending', reason = '', finished_at = NULL, lease_until = 0
                WHERE newsletter = ? AND edition = ? AND frozen_at IS NULL
                AND state IN ('held', 'skipped', 'failed')""",
                (newsletter, edition.isoformat()),
            )
        )


def pause_issue(database: Database, issue_id: int) -> None:
    """Stop an issue until `resume_issue`; a sender in another process notices before its next message.

    Raises:
        IssueError: it is not being sent.
    """
    with database.transaction():
        _change_state(database, issue_id, (IssueState.SENDING,), IssueState.PAUSED)


def resume_issue(database: Database, issue_id: int, *, deadline: datetime) -> None:
    """Let a paused or held issue go on, until a new deadline or a later one it had; a held one is checked again.

    Raises:
        IssueError: it is neither.
    """
    with database.transaction():
        _change_state(database, issue_id, (IssueState.PAUSED, IssueState.HELD), IssueState.SENDING, deadline=deadline)
        database.execute("UPDATE issue SET reason = '' WHERE id = ?", (issue_id,))


def _change_state(
    database: Database,
    issue_id: int,
    allowed: tuple[IssueState, ...],
    state: IssueState,
    *,
    deadline: datetime | None = None,
) -> None:
    found = get_issue_by_id(database, issue_id)
    if found.state not in allowed:
        raise IssueError(
            f"the issue of {found.newsletter} {found.edition} is {found.state}; "
            f"it would have to be {' or '.join(allowed)}"
        )
    database.execute(
        "UPDATE issue SET state = ?, deadline = max(deadline, coalesce(?, deadline)), resume_at = NULL WHERE id = ?",
        (state, deadline and to_seconds(deadline), issue_id),
    )


def cancel_issue(database: Database, issue_id: int, *, boot: BootTime, now: datetime) -> None:
    """End an issue by hand; what is queued is not sent, what is on the wire is still recorded.

    Raises:
        IssueError: it has ended already.
    """
    with database.transaction():
        running = (IssueState.SENDING, IssueState.PAUSED, IssueState.HELD)
        _change_state(database, issue_id, running, IssueState.CANCELLED)
        if database.row(f"SELECT 1 FROM issue WHERE id = :id AND {LAPSED}", {"id": issue_id, **lease_values(boot)}):
            settle_abandoned_rows(database, issue_id, now=now)
        for unsent in (WAITING, f"{IN_FLIGHT} AND state = 'claimed'"):
            database.execute(
                f"""UPDATE delivery SET state = 'cancelled', updated_at = ?, reply = 'the issue was cancelled'
                WHERE issue_id = ? AND {unsent}""",
                (to_seconds(now), issue_id),
            )
        database.execute(
            "UPDATE issue SET reason = 'cancelled by hand', finished_at = ? WHERE id = ?", (to_seconds(now), issue_id)
        )


def cancel_edition(database: Database, newsletter: str, occurrence: Occurrence, *, now: datetime) -> None:
    """Note that an edition that was not begun yet is not to be sent."""
    ending: tuple[IssueState, Origin, str] = (IssueState.CANCELLED, "manual", "cancelled before it began")
    _record_ended(database, newsletter, occurrence, ending, now)


def freeze_issue(
    database: Database,
    lease: Lease,
    *,
    frozen: Mapping[str, Any],
    choices: tuple[FrozenChoice, ...],
    variants: tuple[Variant, ...],
    pages: tuple[StoredPage, ...] = (),
    boot: BootTime,
    now: datetime,
) -> None:
    """Fix an issue's contents, inside the caller's transaction. They never change after that.

    Raises:
        LeaseLostError: the issue is not this process's any more.
        IssueError: it is frozen already.
    """
    require_sending(database, lease, boot=boot)
    changed = database.execute(
        "UPDATE issue SET frozen = ?, frozen_at = ? WHERE id = ? AND frozen_at IS NULL",
        (json.dumps(frozen, ensure_ascii=False), to_seconds(now), lease.issue_id),
    )
    if not changed:
        raise IssueError("the issue is frozen already; its contents cannot be replaced")
    database.execute_many(
        "INSERT INTO issue_choice (issue_id, place, article_id, position, choice) VALUES (?, ?, ?, ?, ?)",
        [
            (lease.issue_id, place, c.article_id, c.position, json.dumps(c.choice, ensure_ascii=False))
            for place, c in enumerate(choices, 1)
        ],
    )
    database.execute_many(
        """INSERT INTO issue_variant (issue_id, variant, article_ids, subject, preheader, html, text)
        VALUES (?, ?, ?, ?, ?, ?, ?)""",
        [(lease.issue_id, v.key, json.dumps(v.article_ids), v.subject, v.preheader, v.html, v.text) for v in variants],
    )
    save_pages(database, lease.issue_id, pages)


def get_issue(database: Database, newsletter: str, edition: date) -> Issue | None:
    """The issue of that edition, or None."""
    row = database.row("SELECT * FROM issue WHERE newsletter = ? AND edition = ?", (newsletter, edition.isoformat()))
    return None if row is None else _from_row(row)


def get_issue_by_id(database: Database, issue_id: int) -> Issue:
    """The issue with that id.

    Raises:
        NotFoundError: there is none.
    """
    row = database.row("SELECT * FROM issue WHERE id = ?", (issue_id,))
    if row is None:
        raise NotFoundError(f"there is no issue with the id {issue_id}")
    return _from_row(row)


def newsletter_of_issue(database: Database, issue_id: int) -> str:
    """The newsletter of an issue, or "" where there is no such issue."""
    return str(database.value("SELECT newsletter FROM issue WHERE id = ?", (issue_id,)) or "")


def list_issues(
    database: Database, newsletter: str | None = None, *, state: IssueState | None = None, limit: int = -1
) -> list[Issue]:
    """Issues of one newsletter or all, newest edition first."""
    rows = database.rows(
        """SELECT * FROM issue WHERE (:newsletter IS NULL OR newsletter = :newsletter)
        AND (:state IS NULL OR state = :state) ORDER BY edition DESC, newsletter LIMIT :limit""",
        {"newsletter": newsletter, "state": state, "limit": limit},
    )
    return [_from_row(row) for row in rows]


def list_frozen(database: Database, newsletter: str | None = None, *, limit: int = -1) -> list[Issue]:
    """Issues whose contents were fixed, of one newsletter or all, newest edition first."""
    rows = database.rows(
        """SELECT * FROM issue WHERE (:newsletter IS NULL OR newsletter = :newsletter) AND frozen_at IS NOT NULL
        ORDER BY edition DESC, newsletter LIMIT :limit""",
        {"newsletter": newsletter, "limit": limit},
    )
    return [_from_row(row) for row in rows]


def list_resumable(database: Database, newsletter: str, *, boot: BootTime, now: datetime) -> list[Issue]:
    """Issues nobody holds that have something to send now, oldest first."""
    rows = database.rows(
        f"""SELECT * FROM issue WHERE newsletter = :newsletter AND state = 'sending' AND {LAPSED}
        AND (resume_at IS NULL OR resume_at <= :now OR deadline < :now) ORDER BY scheduled_at""",
        {"newsletter": newsletter, "now": to_seconds(now), **lease_values(boot)},
    )
    return [_from_row(row) for row in rows]


def list_editions(database: Database, newsletter: str) -> tuple[frozenset[date], date | None]:
    """All editions that have an issue, and the newest that the schedule itself began or skipped."""
    rows = database.rows("SELECT edition, origin FROM issue WHERE newsletter = ?", (newsletter,))
    editions = {date.fromisoformat(row["edition"]): row["origin"] for row in rows}
    scheduled = [edition for edition, origin in editions.items() if origin == "schedule"]
    return frozenset(editions), max(scheduled, default=None)


def list_choices(database: Database, issue_id: int) -> tuple[FrozenChoice, ...]:
    """The frozen candidates of an issue: the shown ones in their order, then those passed over."""
    rows = database.rows("SELECT * FROM issue_choice WHERE issue_id = ? ORDER BY place", (issue_id,))
    return tuple(
        FrozenChoice(article_id=row["article_id"], position=row["position"], choice=json.loads(row["choice"]))
        for row in rows
    )


def list_variants(database: Database, issue_id: int) -> tuple[Variant, ...]:
    """What each group of readers gets of a frozen issue."""
    rows = database.rows("SELECT * FROM issue_variant WHERE issue_id = ? ORDER BY variant", (issue_id,))
    return tuple(
        Variant(
            key=row["variant"],
            article_ids=tuple(json.loads(row["article_ids"])),
            subject=row["subject"],
            preheader=row["preheader"],
            html=row["html"],
            text=row["text"],
        )
        for row in rows
    )


def list_recently_shown(database: Database, newsletter: str, before: date, issues: int) -> dict[str, date]:
    """Articles shown by the last so many issues before an edition, with the newest edition that had each."""
    rows = database.rows(
        """SELECT article_id, max(edition) AS edition FROM issue_choice JOIN
        (SELECT id, edition FROM issue WHERE newsletter = :newsletter AND edition < :before AND frozen_at IS NOT NULL
         AND state IN ('sending', 'paused', 'sent') ORDER BY edition DESC LIMIT :issues) AS recent
        ON issue_id = recent.id WHERE position IS NOT NULL GROUP BY article_id""",
        {"newsletter": newsletter, "before": before.isoformat(), "issues": issues},
    )
    return {row["article_id"]: date.fromisoformat(row["edition"]) for row in rows}


def get_previous_window_end(database: Database, newsletter: str, before: date) -> datetime | None:
    """Where the window of the newest frozen issue before an edition ended, for windows that tile."""
    value = database.value(
        """SELECT json_extract(frozen, '$.window.end') FROM issue WHERE newsletter = ? AND edition < ?
        AND frozen_at IS NOT NULL AND state IN ('sending', 'paused', 'sent') ORDER BY edition DESC LIMIT 1""",
        (newsletter, before.isoformat()),
    )
    return None if value is None else datetime.fromisoformat(value)


def _from_row(row: sqlite3.Row) -> Issue:
    return Issue(
        id=row["id"],
        newsletter=row["newsletter"],
        edition=date.fromisoformat(row["edition"]),
        origin=row["origin"],
        state=IssueState(row["state"]),
        reason=row["reason"],
        scheduled_at=moment(row["scheduled_at"]),
        deadline=moment(row["deadline"]),
        resume_at=to_moment(row["resume_at"]),
        started_at=moment(row["started_at"]),
        frozen_at=to_moment(row["frozen_at"]),
        finished_at=to_moment(row["finished_at"]),
        frozen=json.loads(row["frozen"]),
    )
