"""What people and programs do with their copies of an issue: opened, clicked, prefetched; first times, and sums.

Security scanners follow every link of a mail within seconds, and Apple's proxy loads the pictures of mails that nobody
looks at. What they do is counted apart. That a click was a scanner's often shows only by the next ones: then it is put
right. Addresses of networks are not kept, and for a day alone which links a person followed.
"""

import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta

from digest.model import DeliveryState
from digest.store.database import Database, moment, to_moment, to_seconds
from digest.store.issue_links import count_links

BURST_LINKS, BURST_SECONDS = 3, 4
"""Nobody reads and follows so many different links in so short a time."""
WALK_LINKS, WALK_SECONDS = 5, 60
"""Slower scanners: so many links at least, and more than half of all there are."""
RECENT = timedelta(days=1)
"""So long single clicks are kept; a link counts once for each reader in that time."""


@dataclass(frozen=True, kw_only=True)
class Copy:
    """One person's copy of an issue."""

    issue_id: int
    subscriber_id: int
    newsletter: str
    published_at: datetime
    """When the issue's contents were fixed."""
    sent_at: datetime | None
    """When the server took it; None where that is not known yet."""


@dataclass(frozen=True)
class Reading:
    """What was done with one copy: the first time of each, in unix seconds."""

    opened_at: int | None = None
    prefetched_at: int | None = None
    clicked_at: int | None = None
    machine_at: int | None = None


@dataclass(frozen=True, kw_only=True)
class ReadingSums:
    """The people of an issue by what is known of them."""

    opened: int = 0
    """Who opened it, or clicked."""
    prefetched: int = 0
    """Whose copy had its pictures loaded, perhaps by a program alone, and of whom nothing else is known."""
    clicked: int = 0
    machines: int = 0
    """In whose copy a program followed links, and who did not click."""


def find_copy(database: Database, issue_id: int, subscriber_id: int) -> Copy | None:
    """One person's copy of an issue; None where they never had one, or were erased."""
    row = database.row(
        """SELECT newsletter, frozen_at, delivery.state, updated_at FROM delivery JOIN issue ON issue.id = issue_id
        WHERE issue_id = ? AND subscriber_id = ?""",
        (issue_id, subscriber_id),
    )
    if row is None:
        return None
    has_left = row["state"] in (DeliveryState.SENT, DeliveryState.UNCERTAIN)
    return Copy(
        issue_id=issue_id,
        subscriber_id=subscriber_id,
        newsletter=row["newsletter"],
        published_at=moment(row["frozen_at"]),
        sent_at=moment(row["updated_at"]) if has_left else None,
    )


def count_opening(database: Database, copy: Copy, *, is_sure: bool, now: datetime) -> None:
    """Count that the pictures of a copy were loaded, inside the caller's transaction.

    Args:
        database: the workspace's database.
        copy: whose.
        is_sure: whether a person looked at it; it is not where a program is following links at the same time.
        now: the present moment.
    """
    at = to_seconds(now)
    if is_sure and not _has_machine(database, copy, since=at - BURST_SECONDS):
        _change(database, copy, lambda known: replace(known, opened_at=_first(known.opened_at, at)))
    else:
        _change(database, copy, lambda known: replace(known, prefetched_at=_first(known.prefetched_at, at)))


def count_click(database: Database, copy: Copy, place: int, *, is_machine: bool, now: datetime) -> None:
    """Count that a link of a copy was followed, inside the caller's transaction.

    A click is a program's too where one is at it this moment, or where it completes a burst: then the earlier ones of
    the burst become a program's.
    """
    at = to_seconds(now)
    is_machine = is_machine or _has_machine(database, copy, since=at - BURST_SECONDS)
    _count(database, copy, place, is_machine=is_machine, at=at)
    if is_machine:
        _turn_to_machine(database, copy, since=at - BURST_SECONDS, at=at)
    elif (began := _find_burst(database, copy, at)) is not None:
        _turn_to_machine(database, copy, since=began, at=at)


def read_sums(database: Database, issue_id: int) -> ReadingSums:
    """The sums of an issue."""
    row = database.row(
        "SELECT opened, prefetched, clicked, machines FROM issue_reading WHERE issue_id = ?", (issue_id,)
    )
    return ReadingSums() if row is None else ReadingSums(**dict(row))


@dataclass(frozen=True, kw_only=True)
class KnownReading:
    """What is kept of one person and one issue."""

    newsletter: str
    edition: str
    """ISO 8601."""
    opened_at: datetime | None
    prefetched_at: datetime | None
    clicked_at: datetime | None
    machine_at: datetime | None

    @property
    def moments(self) -> tuple[tuple[str, datetime], ...]:
        """What was done, with the first time of it."""
        known = {
            "opened": self.opened_at,
            "prefetched": self.prefetched_at,
            "clicked": self.clicked_at,
            "scanned": self.machine_at,
        }
        return tuple((what, moment) for what, moment in known.items() if moment is not None)


def list_readings(database: Database, subscriber_id: int) -> tuple[KnownReading, ...]:
    """All that is kept of what one person opened and clicked, oldest edition first."""
    rows = database.rows(
        """SELECT newsletter, edition, reading.* FROM reading JOIN issue ON issue.id = issue_id
        WHERE subscriber_id = ? ORDER BY edition, newsletter""",
        (subscriber_id,),
    )
    return tuple(
        KnownReading(
            newsletter=row["newsletter"],
            edition=row["edition"],
            opened_at=to_moment(row["opened_at"]),
            prefetched_at=to_moment(row["prefetched_at"]),
            clicked_at=to_moment(row["clicked_at"]),
            machine_at=to_moment(row["machine_at"]),
        )
        for row in rows
    )


def forget_recent_clicks(database: Database, *, now: datetime) -> None:
    """Forget which links people followed more than a day ago."""
    with database.transaction():
        database.execute("DELETE FROM recent_click WHERE clicked_at < ?", (to_seconds(now - RECENT),))


def forget_readings(database: Database, *, days: Callable[[str], int], now: datetime) -> None:
    """Forget who opened and clicked in old issues; the sums stay.

    Args:
        database: the workspace's database.
        days: how many days after its publishing that is kept of an issue, by newsletter.
        now: the present moment.
    """
    with database.transaction():
        for row in database.rows("SELECT DISTINCT newsletter FROM issue"):
            before = to_seconds(now - timedelta(days=days(row["newsletter"])))
            database.execute(_FORGET, (row["newsletter"], before))


def _find_burst(database: Database, copy: Copy, at: int) -> int | None:
    """When the burst began that the newest click completes; None where there is none."""
    rows = database.rows(
        """SELECT min(clicked_at) AS first FROM recent_click
        WHERE issue_id = ? AND subscriber_id = ? AND is_machine = 0 AND clicked_at >= ? GROUP BY place""",
        (copy.issue_id, copy.subscriber_id, at - WALK_SECONDS),
    )
    if len(rows) == 1:
        return None
    return find_burst([row["first"] for row in rows], count_links(database, copy.issue_id), at)


def find_burst(firsts: Sequence[int], links: int, at: int) -> int | None:
    """When a burst began: the first of its clicks.

    Args:
        firsts: when each of several links was first followed, in seconds.
        links: how many the issue has; of two, both are a burst.
        at: the present second.

    >>> find_burst([100, 101, 101], 10, 101), find_burst([100, 120, 140], 10, 140)
    (100, None)
    """
    at_once = [first for first in firsts if at - first <= BURST_SECONDS]
    if len(at_once) >= min(BURST_LINKS, max(links, 2)):
        return min(at_once)
    if len(firsts) >= WALK_LINKS and len(firsts) * 2 > links:
        return min(firsts)
    return None


def _has_machine(database: Database, copy: Copy, *, since: int) -> bool:
    found = database.value(
        """SELECT 1 FROM recent_click
        WHERE issue_id = ? AND subscriber_id = ? AND is_machine = 1 AND clicked_at >= ? LIMIT 1""",
        (copy.issue_id, copy.subscriber_id, since),
    )
    return found is not None


def _count(database: Database, copy: Copy, place: int, *, is_machine: bool, at: int) -> None:
    """Note a click, once a day for each link; the newest click of a program keeps its burst alive."""
    key = {"issue": copy.issue_id, "person": copy.subscriber_id, "place": place, "machine": is_machine, "at": at}
    is_new = database.execute(_NOTE_CLICK, key)
    if is_new:
        column = "machines" if is_machine else "people"
        database.execute(
            f"UPDATE issue_link SET {column} = {column} + 1 WHERE issue_id = :issue AND place = :place", key
        )
    elif is_machine:
        database.execute(_KEEP_ALIVE, key)
    if is_machine:
        _change(database, copy, lambda known: replace(known, machine_at=_first(known.machine_at, at)))
    else:
        _change(database, copy, lambda known: replace(known, clicked_at=_first(known.clicked_at, at)))


def _turn_to_machine(database: Database, copy: Copy, *, since: int, at: int) -> None:
    """What was taken for a person's since a moment was a program's."""
    values = {"issue": copy.issue_id, "person": copy.subscriber_id, "since": since}
    for row in database.rows(_TAKE_CLICKS, values):
        database.execute(
            "UPDATE issue_link SET people = people - 1 WHERE issue_id = ? AND place = ?", (copy.issue_id, row["place"])
        )
        _count(database, copy, row["place"], is_machine=True, at=row["clicked_at"])
    _change(database, copy, lambda known: _without(known, since=since, at=at))


def _without(known: Reading, *, since: int, at: int) -> Reading:
    """A reading of which all since a moment was a program's."""
    if known.clicked_at is not None and known.clicked_at >= since:
        known = replace(known, clicked_at=None, machine_at=_first(known.machine_at, at))
    if known.opened_at is not None and known.opened_at >= since:
        known = replace(known, opened_at=None, prefetched_at=_first(known.prefetched_at, known.opened_at))
    return known


def _first(known: int | None, at: int) -> int:
    return at if known is None else min(known, at)


def _change(database: Database, copy: Copy, change: Callable[[Reading], Reading]) -> None:
    """Change what is known of a copy, and the sums by the difference."""
    row = database.row(
        "SELECT * FROM reading WHERE issue_id = ? AND subscriber_id = ?", (copy.issue_id, copy.subscriber_id)
    )
    before = Reading() if row is None else _from_row(row)
    after = change(before)
    if after == before:
        return
    database.execute(_SAVE, {"issue": copy.issue_id, "person": copy.subscriber_id, **asdict(after)})
    old, new = asdict(_sums_of(before)), asdict(_sums_of(after))
    if old != new:
        database.execute(_ADD, {"issue": copy.issue_id, **{name: new[name] - old[name] for name in new}})


def _sums_of(known: Reading) -> ReadingSums:
    """What one copy counts for."""
    has_clicked = known.clicked_at is not None
    has_opened = has_clicked or known.opened_at is not None
    return ReadingSums(
        opened=has_opened,
        prefetched=known.prefetched_at is not None and not has_opened,
        clicked=has_clicked,
        machines=known.machine_at is not None and not has_clicked,
    )


def _from_row(row: sqlite3.Row) -> Reading:
    return Reading(row["opened_at"], row["prefetched_at"], row["clicked_at"], row["machine_at"])


_FORGET = "DELETE FROM reading WHERE issue_id IN (SELECT id FROM issue WHERE newsletter = ? AND frozen_at < ?)"
_NOTE_CLICK = """
INSERT OR IGNORE INTO recent_click (issue_id, subscriber_id, place, is_machine, clicked_at)
VALUES (:issue, :person, :place, :machine, :at)
"""
_KEEP_ALIVE = """
UPDATE recent_click SET clicked_at = max(clicked_at, :at)
WHERE issue_id = :issue AND subscriber_id = :person AND place = :place AND is_machine = 1
"""
_TAKE_CLICKS = """
DELETE FROM recent_click WHERE issue_id = :issue AND subscriber_id = :person AND is_machine = 0 AND clicked_at >= :since
RETURNING place, clicked_at
"""
_SAVE = """
INSERT INTO reading (issue_id, subscriber_id, opened_at, prefetched_at, clicked_at, machine_at)
VALUES (:issue, :person, :opened_at, :prefetched_at, :clicked_at, :machine_at)
ON CONFLICT (issue_id, subscriber_id) DO UPDATE SET opened_at = excluded.opened_at,
  prefetched_at = excluded.prefetched_at, clicked_at = excluded.clicked_at, machine_at = excluded.machine_at
"""
_ADD = """
INSERT INTO issue_reading (issue_id, opened, prefetched, clicked, machines)
VALUES (:issue, :opened, :prefetched, :clicked, :machines)
ON CONFLICT (issue_id) DO UPDATE SET opened = opened + :opened, prefetched = prefetched + :prefetched,
  clicked = clicked + :clicked, machines = machines + :machines
"""
