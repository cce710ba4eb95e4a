"""Articles and what the editor decided about them."""

import json
import sqlite3
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from itertools import islice
from typing import Any

from digest.model import Article
from digest.store.database import Database, moment, to_moment, to_seconds

_COLUMNS = tuple(field.name for field in fields(Article))
_CONTENT = tuple(name for name in _COLUMNS if name != "id")
_UPSERT = f"""
INSERT INTO article ({", ".join(_COLUMNS)}, read_at)
VALUES ({", ".join(":" + name for name in _COLUMNS)}, :read_at)
ON CONFLICT (id) DO UPDATE SET {", ".join(f"{name} = excluded.{name}" for name in _CONTENT)}, read_at = :read_at
"""
_BATCH = 500


@dataclass(frozen=True, kw_only=True)
class Changes:
    """What writing a group of rows changed."""

    added: int = 0
    updated: int = 0
    unchanged: int = 0

    def __add__(self, other: "Changes") -> "Changes":
        return Changes(
            added=self.added + other.added,
            updated=self.updated + other.updated,
            unchanged=self.unchanged + other.unchanged,
        )


def save_articles(database: Database, articles: Iterable[Article], *, read_at: datetime) -> Changes:
    """Add or update articles inside the caller's transaction; an article as it was is left alone but for `read_at`."""
    changes = Changes()
    remaining = iter(articles)
    while batch := list(islice(remaining, _BATCH)):
        changes += _save_batch(database, batch, to_seconds(read_at))
    return changes


def _save_batch(database: Database, batch: Sequence[Article], read_at: int) -> Changes:
    before = {row["id"]: row for row in _select_by_ids(database, [article.id for article in batch])}
    added = updated = 0
    rows = []
    for article in batch:
        row = _to_row(article)
        known = before.get(article.id)
        added += known is None
        updated += known is not None and any(known[name] != row[name] for name in _CONTENT)
        before[article.id] = row  # type: ignore[assignment]  # a second row of the same id compares with this one
        rows.append({**row, "read_at": read_at})
    database.execute_many(_UPSERT, rows)
    return Changes(added=added, updated=updated, unchanged=len(batch) - added - updated)


def get_article(database: Database, article_id: str) -> Article | None:
    """One article by its id, or None."""
    found = _select_by_ids(database, [article_id])
    return _from_row(found[0]) if found else None


def get_articles(database: Database, ids: Sequence[str], *, read_since: datetime | None = None) -> dict[str, Article]:
    """Those of the given articles that are known, by id; only those read since a moment, where one is given."""
    since = 0 if read_since is None else to_seconds(read_since)
    return {row["id"]: _from_row(row) for row in _select_by_ids(database, ids) if row["read_at"] >= since}


def list_articles(
    database: Database,
    *,
    start: datetime | None = None,
    end: datetime | None = None,
    section: str | None = None,
    text: str = "",
    read_since: datetime | None = None,
    limit: int = -1,
) -> list[Article]:
    """Articles published in `[start, end)`, newest first.

    Args:
        database: the workspace's database.
        start: from this moment on, or from the beginning.
        end: before this moment, or to the end.
        section: only this section key; "" for articles without one.
        text: only titles that contain it.
        read_since: only articles that a reading at or after this moment contained.
        limit: at most so many; -1 for all.
    """
    rows = database.rows(
        """SELECT * FROM article
        WHERE (:start IS NULL OR published_at >= :start) AND (:end IS NULL OR published_at < :end)
          AND (:section IS NULL OR section = :section) AND (:text = '' OR instr(title, :text) > 0)
          AND (:read_since IS NULL OR read_at >= :read_since)
        ORDER BY published_at DESC, id LIMIT :limit""",
        {
            "start": start and to_seconds(start),
            "end": end and to_seconds(end),
            "section": section,
            "text": text,
            "read_since": read_since and to_seconds(read_since),
            "limit": limit,
        },
    )
    return [_from_row(row) for row in rows]


def count_articles(database: Database) -> int:
    """How many articles are known."""
    return int(database.value("SELECT count(*) FROM article"))


def get_last_reading(database: Database) -> datetime | None:
    """When articles were read last, or None where there are none."""
    return to_moment(database.value("SELECT max(read_at) FROM article"))


def list_sections(database: Database) -> dict[str, str]:
    """Every section key with its readers' name, by key."""
    rows = database.rows("SELECT section, max(section_name) AS name FROM article GROUP BY section ORDER BY section")
    return {row["section"]: row["name"] for row in rows}


@dataclass(frozen=True, kw_only=True)
class Decisions:
    """What the editor wants of the next issue."""

    pinned: tuple[str, ...] = ()
    """Article ids to be shown first, in this order."""
    excluded: frozenset[str] = frozenset()
    """Article ids not to be shown."""


def pin_article(database: Database, newsletter: str, article_id: str, *, position: int | None, now: datetime) -> None:
    """Put an article first in the next issue, at a 1-based position among the pins or after the others."""
    with database.transaction():
        others = [pinned for pinned in list_decisions(database, newsletter).pinned if pinned != article_id]
        others.insert(len(others) if position is None else max(0, position - 1), article_id)
        _replace(database, newsletter, article_id, "pin", now)
        _number_pins(database, newsletter, others)


def exclude_article(database: Database, newsletter: str, article_id: str, *, now: datetime) -> None:
    """Keep an article out of the issues to come, until `forget_decision`."""
    with database.transaction():
        _replace(database, newsletter, article_id, "exclude", now)


def forget_decision(database: Database, newsletter: str, article_id: str, kind: str) -> bool:
    """Undo a pin or an exclusion; False where there was none."""
    with database.transaction():
        return bool(
            database.execute(
                "DELETE FROM editor_decision WHERE newsletter = ? AND article_id = ? AND kind = ?",
                (newsletter, article_id, kind),
            )
        )


def list_decisions(database: Database, newsletter: str) -> Decisions:
    """The pins, in order, and the exclusions of a newsletter."""
    rows = database.rows(
        "SELECT article_id, kind FROM editor_decision WHERE newsletter = ? ORDER BY position, decided_at, article_id",
        (newsletter,),
    )
    return Decisions(
        pinned=tuple(row["article_id"] for row in rows if row["kind"] == "pin"),
        excluded=frozenset(row["article_id"] for row in rows if row["kind"] == "exclude"),
    )


def change_decisions(
    database: Database, newsletter: str, change: Callable[[Decisions], Decisions], *, now: datetime
) -> tuple[Decisions, Decisions]:
    """Decide anew about any number of articles, in one transaction.

    Args:
        database: the workspace's database.
        newsletter: its slug.
        change: from the decisions as they stand under the write lock to those that are wanted; what it raises leaves
            everything as it was.
        now: kept with the decisions that are new.

    Returns:
        The decisions before and after.
    """
    with database.transaction():
        before = list_decisions(database, newsletter)
        after = change(before)
        decided = {
            **dict.fromkeys(after.excluded - before.excluded, "exclude"),
            **dict.fromkeys(set(after.pinned) - set(before.pinned), "pin"),
        }
        database.execute_many(
            "DELETE FROM editor_decision WHERE newsletter = ? AND article_id = ?",
            [(newsletter, gone) for gone in {*before.pinned, *before.excluded} - {*after.pinned, *after.excluded}],
        )
        for article_id, kind in decided.items():
            _replace(database, newsletter, article_id, kind, now)
        _number_pins(database, newsletter, after.pinned)
    return before, after


def use_up_pins(database: Database, newsletter: str, article_ids: Iterable[str]) -> None:
    """Drop the pins an issue has just shown, inside the caller's transaction."""
    database.execute_many(
        "DELETE FROM editor_decision WHERE newsletter = ? AND article_id = ? AND kind = 'pin'",
        [(newsletter, article_id) for article_id in article_ids],
    )


def _replace(database: Database, newsletter: str, article_id: str, kind: str, now: datetime) -> None:
    database.execute(
        """INSERT INTO editor_decision (newsletter, article_id, kind, decided_at) VALUES (?, ?, ?, ?)
        ON CONFLICT (newsletter, article_id) DO UPDATE SET kind = excluded.kind, decided_at = excluded.decided_at""",
        (newsletter, article_id, kind, to_seconds(now)),
    )


def _number_pins(database: Database, newsletter: str, ids: Sequence[str]) -> None:
    database.execute_many(
        "UPDATE editor_decision SET position = ? WHERE newsletter = ? AND article_id = ?",
        [(number, newsletter, article_id) for number, article_id in enumerate(ids, 1)],
    )


def _select_by_ids(database: Database, ids: Sequence[str]) -> list[sqlite3.Row]:
    return database.rows(
        "SELECT * FROM article WHERE id IN (SELECT value FROM json_each(?))",
        (json.dumps(list(ids), ensure_ascii=False),),
    )


def _to_row(article: Article) -> dict[str, Any]:
    row = {name: getattr(article, name) for name in _COLUMNS}
    row["published_at"] = to_seconds(article.published_at)
    row["subheads"] = json.dumps(article.subheads, ensure_ascii=False) if article.subheads else "[]"
    return row


def _from_row(row: sqlite3.Row) -> Article:
    values = {name: row[name] for name in _COLUMNS}
    values["published_at"] = moment(row["published_at"])
    values["subheads"] = tuple(json.loads(row["subheads"]))
    return Article(**values)
