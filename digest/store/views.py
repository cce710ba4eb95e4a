"""View counts as they arrive: dated counts, events, and snapshots of running totals.

What they mean inside a window is decided in `rank`; here they are only kept, summed and found.
"""

from collections import Counter
from collections.abc import Iterable
from datetime import date, datetime

from digest.model import DatedCount, RunningTotal, ViewEvent
from digest.store.articles import Changes
from digest.store.database import Database, moment, to_seconds


def save_dated_counts(database: Database, counts: Iterable[DatedCount]) -> Changes:
    """Keep the counts of days, inside the caller's transaction; a later count for a day replaces the earlier one."""
    rows = [(count.views, count.date.isoformat(), count.article_id) for count in counts]
    added = database.execute_many(
        "INSERT INTO dated_count (views, date, article_id) VALUES (?, ?, ?) ON CONFLICT DO NOTHING", rows
    )
    updated = database.execute_many(
        "UPDATE dated_count SET views = ?1 WHERE date = ?2 AND article_id = ?3 AND views <> ?1", rows
    )
    return _changes(len(rows), added, updated)


def save_events(database: Database, events: Iterable[ViewEvent]) -> Changes:
    """Keep raw events, inside the caller's transaction, as views per article and second.

    A second's count is the largest that any one file showed for it, so a file imported twice, or a log that has
    grown since, changes nothing that was counted already.
    """
    per_second = Counter((to_seconds(event.viewed_at), event.article_id) for event in events)
    rows = [(views, second, article_id) for (second, article_id), views in per_second.items()]
    added = database.execute_many(
        "INSERT INTO view_event (views, viewed_at, article_id) VALUES (?, ?, ?) ON CONFLICT DO NOTHING", rows
    )
    updated = database.execute_many(
        "UPDATE view_event SET views = ?1 WHERE viewed_at = ?2 AND article_id = ?3 AND views < ?1", rows
    )
    return _changes(len(rows), added, updated)


def save_totals(database: Database, totals: Iterable[RunningTotal]) -> Changes:
    """Keep a snapshot of running totals, inside the caller's transaction.

    Of a run of equal totals only the first and the last moment are kept: the value in between is known, and a
    table that is read every hour stays as small as its changes.
    """
    rows = [(total.total, total.article_id, to_seconds(total.taken_at)) for total in totals]
    added = database.execute_many(
        "INSERT INTO running_total (total, article_id, taken_at) VALUES (?, ?, ?) ON CONFLICT DO NOTHING", rows
    )
    updated = database.execute_many(
        "UPDATE running_total SET total = ?1 WHERE article_id = ?2 AND taken_at = ?3 AND total <> ?1", rows
    )
    forgotten = database.execute_many(_FORGET_MIDDLE_OF_RUN, [{"id": row[1], "at": row[2]} for row in rows])
    return _changes(len(rows), max(0, added - forgotten), updated)


# Looks at a snapshot just written and its two neighbours, so files may come in any order, and twice.
_FORGET_MIDDLE_OF_RUN = """
DELETE FROM running_total AS middle WHERE article_id = :id AND taken_at IN (
  :at,
  (SELECT max(taken_at) FROM running_total WHERE article_id = :id AND taken_at < :at),
  (SELECT min(taken_at) FROM running_total WHERE article_id = :id AND taken_at > :at))
AND total = (SELECT total FROM running_total AS earlier WHERE article_id = :id AND earlier.taken_at < middle.taken_at
  ORDER BY taken_at DESC LIMIT 1)
AND total = (SELECT total FROM running_total AS later WHERE article_id = :id AND later.taken_at > middle.taken_at
  ORDER BY taken_at LIMIT 1)
"""


def sum_dated_counts(database: Database, first: date, last: date) -> dict[str, int]:
    """Views by article over the days `first` to `last`, both included."""
    rows = database.rows(
        "SELECT article_id, sum(views) FROM dated_count WHERE date BETWEEN ? AND ? GROUP BY article_id",
        (first.isoformat(), last.isoformat()),
    )
    return {row[0]: row[1] for row in rows}


def sum_events(database: Database, start: datetime, end: datetime) -> dict[str, int]:
    """Views by article over the moments `[start, end)`."""
    rows = database.rows(
        "SELECT article_id, sum(views) FROM view_event WHERE viewed_at >= ? AND viewed_at < ? GROUP BY article_id",
        (to_seconds(start), to_seconds(end)),
    )
    return {row[0]: row[1] for row in rows}


def list_totals(database: Database, start: datetime) -> dict[str, tuple[RunningTotal, ...]]:
    """Snapshots by article, oldest first: the newest one at or before `start`, and all after it."""
    rows = database.rows(
        """SELECT article_id, taken_at, total FROM running_total AS found
        WHERE taken_at >= coalesce(
          (SELECT max(taken_at) FROM running_total WHERE article_id = found.article_id AND taken_at <= :start), 0)
        ORDER BY article_id, taken_at""",
        {"start": to_seconds(start)},
    )
    found: dict[str, list[RunningTotal]] = {}
    for row in rows:
        total = RunningTotal(article_id=row[0], taken_at=moment(row[1]), total=row[2])
        found.setdefault(row[0], []).append(total)
    return {article_id: tuple(totals) for article_id, totals in found.items()}


def _changes(rows: int, added: int, updated: int) -> Changes:
    return Changes(added=added, updated=updated, unchanged=rows - added - updated)
