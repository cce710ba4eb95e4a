"""Words that a publisher puts on people, to find groups of them again."""

import json
from collections.abc import Iterable, Mapping

from digest.store.database import Database


def list_tags(database: Database, subscriber_id: int) -> tuple[str, ...]:
    """The tags of one person, in alphabetical order."""
    rows = database.rows("SELECT tag FROM subscriber_tag WHERE subscriber_id = ? ORDER BY tag", (subscriber_id,))
    return tuple(row["tag"] for row in rows)


def list_tags_of(database: Database, subscriber_ids: Iterable[int]) -> Mapping[int, tuple[str, ...]]:
    """The tags of several people by their ids; without those who have none."""
    rows = database.rows(
        """SELECT subscriber_id, json_group_array(tag) AS tags FROM (
          SELECT subscriber_id, tag FROM subscriber_tag
          WHERE subscriber_id IN (SELECT value FROM json_each(?)) ORDER BY subscriber_id, tag)
        GROUP BY subscriber_id""",
        (json.dumps(list(subscriber_ids)),),
    )
    return {row["subscriber_id"]: tuple(json.loads(row["tags"])) for row in rows}


def add_tags(database: Database, subscriber_id: int, tags: Iterable[str]) -> int:
    """Put tags on a person, inside the caller's transaction; tells how many are new."""
    return database.execute_many(
        "INSERT OR IGNORE INTO subscriber_tag (subscriber_id, tag) VALUES (?, ?)",
        [(subscriber_id, tag) for tag in clean_tags(tags)],
    )


def remove_tags(database: Database, subscriber_id: int, tags: Iterable[str]) -> int:
    """Take tags off a person, inside the caller's transaction; tells how many there were."""
    return database.execute_many(
        "DELETE FROM subscriber_tag WHERE subscriber_id = ? AND tag = ?",
        [(subscriber_id, tag) for tag in clean_tags(tags)],
    )


def count_tags(database: Database) -> Mapping[str, int]:
    """How many people have each tag, in alphabetical order."""
    rows = database.rows("SELECT tag, count(*) AS people FROM subscriber_tag GROUP BY tag ORDER BY tag")
    return {row["tag"]: row["people"] for row in rows}


def clean_tags(tags: Iterable[str]) -> tuple[str, ...]:
    """Tags as they are kept: spaces collapsed, none empty, none twice, in the given order."""
    return tuple(dict.fromkeys(clean for tag in tags if (clean := " ".join(tag.split()))))
