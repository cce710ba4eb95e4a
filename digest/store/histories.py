"""What readers have been sent already, set-wise: those with the same history share what is chosen for them."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from digest.store.database import Database
from digest.store.groups import KEY, READERS, VariantKey

_RECENT = """
SELECT id FROM (
  SELECT id, row_number() OVER (PARTITION BY newsletter ORDER BY edition DESC) AS place FROM issue
  WHERE frozen_at IS NOT NULL AND id <> :issue
) WHERE place <= :issues
"""
_WAS_SENT = "state IN ('sent', 'uncertain')"


@dataclass(frozen=True, kw_only=True)
class History:
    """Readers of one group who were sent the same before."""

    key: VariantKey
    """Their group."""
    signature: str
    """Names what they were sent; "" for nothing."""
    received: frozenset[str]
    """The articles of it."""


class Histories:
    """What the readers of a newsletter were sent by recent issues, as it was at one moment."""

    def __init__(self, database: Database, newsletter: str) -> None:
        self._database = database
        self._newsletter = newsletter

    def list(self) -> tuple[History, ...]:
        """Each history that readers have, with their group; for every group also the empty one."""
        parts = _articles_of_parts(self._database)
        rows = self._database.rows(
            f"""SELECT DISTINCT key, coalesce(signature, '') AS signature
            FROM (SELECT subscription.subscriber_id, {KEY} AS key FROM {READERS} LIMIT -1)
            LEFT JOIN temp.reader_history USING (subscriber_id) ORDER BY key, signature""",
            {"newsletter": self._newsletter},
        )
        known = dict.fromkeys((row["key"], row["signature"]) for row in rows)
        known |= dict.fromkeys((key, "") for key, _ in tuple(known))
        return tuple(
            History(key=VariantKey.parse(key), signature=signature, received=_received(signature, parts))
            for key, signature in known
        )


@contextmanager
def open_histories(database: Database, newsletter: str, *, issues: int, but: int = 0) -> Iterator[Histories]:
    """Look at what was sent, certainly or perhaps, by the last so many issues of each newsletter.

    It is kept in temporary tables until the context ends: a million readers' would not fit into memory well.

    Args:
        database: the workspace's database.
        newsletter: whose readers are asked about.
        issues: how many issues of each newsletter are looked at.
        but: an issue that is not: the one that is being published.
    """
    _drop(database)
    values = {"issue": but, "issues": issues, "newsletter": newsletter}
    try:
        database.execute(
            f"""CREATE TEMP TABLE history_part AS SELECT row_number() OVER () AS part, issue_id, variant FROM
            (SELECT DISTINCT issue_id, variant FROM delivery WHERE issue_id IN ({_RECENT}) AND {_WAS_SENT}
             ORDER BY issue_id, variant)""",
            values,
        )
        database.execute("CREATE UNIQUE INDEX temp.history_part_of ON history_part (issue_id, variant)")
        database.execute("CREATE TEMP TABLE reader_history (subscriber_id INTEGER PRIMARY KEY, signature TEXT)")
        database.execute(
            f"""INSERT INTO temp.reader_history SELECT subscriber_id, group_concat(part) FROM (
              SELECT subscriber_id, part FROM delivery JOIN temp.history_part USING (issue_id, variant)
              WHERE {_WAS_SENT} ORDER BY subscriber_id, part) GROUP BY subscriber_id""",
            values,
        )
        yield Histories(database, newsletter)
    finally:
        _drop(database)


def received_by(database: Database, subscriber_id: int, *, issues: int) -> frozenset[str]:
    """The articles one reader was sent, certainly or perhaps, by the last so many issues of each newsletter."""
    rows = database.rows(
        f"""SELECT issue_id, variant FROM delivery
        WHERE subscriber_id = :reader AND issue_id IN ({_RECENT}) AND {_WAS_SENT}""",
        {"reader": subscriber_id, "issue": 0, "issues": issues},
    )
    return frozenset(
        article for row in rows for article in _articles_of(database, row["issue_id"], VariantKey.parse(row["variant"]))
    )


def _drop(database: Database) -> None:
    for table in ("reader_history", "history_part"):
        database.execute(f"DROP TABLE IF EXISTS temp.{table}")


def _articles_of_parts(database: Database) -> Mapping[str, frozenset[str]]:
    rows = database.rows("SELECT part, issue_id, variant FROM temp.history_part")
    return {
        str(row["part"]): frozenset(_articles_of(database, row["issue_id"], VariantKey.parse(row["variant"])))
        for row in rows
    }


def _articles_of(database: Database, issue_id: int, key: VariantKey) -> tuple[str, ...]:
    """What the readers of a variant were sent: the group's articles, or those of the page that the key names."""
    if key.articles:
        page = database.value("SELECT article_ids FROM issue_page WHERE issue_id = ? LIMIT 1", (issue_id,))
        ids = json.loads(page) if page else ()
        if ids:
            return tuple(ids[index] for index in key.articles)
    stored = database.value(
        "SELECT article_ids FROM issue_variant WHERE issue_id = ? AND variant = ?", (issue_id, key.key)
    )
    return tuple(json.loads(stored)) if stored else ()


def _received(signature: str, parts: Mapping[str, frozenset[str]]) -> frozenset[str]:
    return frozenset[str]().union(*(parts[part] for part in signature.split(",") if part))
