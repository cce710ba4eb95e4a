"""Rows of an import on their way: in temporary tables beside the database, so that reading a file locks nobody out.

The tables live in a file of SQLite's own in the system's folder for temporary files (`SQLITE_TMPDIR` names another),
which no other program can open and which is gone when this process is, however it ends.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

from digest.store.database import Database


class StagedRow(NamedTuple):
    """One sound row of a file, as it waits to be written. None means that the row does not say."""

    position: int
    """1 for the first row of the import, counted over all its files."""
    file: int
    """Which of the import's files."""
    line: int
    address: str
    """Normalised."""
    address_hash: bytes
    """Keyed, as in the suppression list."""
    name: str | None
    locale: str | None
    timezone: str | None
    state: str
    newsletters: str | None
    """Slugs, each once, as a JSON list."""
    sections: str | None
    """Section keys as a JSON list, written as the table of subscriptions has them."""
    tags: str | None
    """A JSON list."""
    consent_source: str
    consent_at: int | None
    """Unix seconds."""
    cells: str | None
    """The row as it was read, as a JSON object, where a report may want it."""


_TABLES = {
    "incoming": """
      position INTEGER PRIMARY KEY, file INTEGER NOT NULL, line INTEGER NOT NULL,
      address TEXT NOT NULL COLLATE NOCASE, address_hash BLOB NOT NULL,
      name TEXT, locale TEXT, timezone TEXT, state TEXT NOT NULL,
      newsletters TEXT, sections TEXT, tags TEXT, consent_source TEXT NOT NULL, consent_at INTEGER, cells TEXT,
      round INTEGER NOT NULL DEFAULT 1  -- 1 for the first row of an address, 2 for its second, and so on
    """,
    # What is to become of the rows of one round: change is NULL while that is not known.
    "fate": """
      position INTEGER PRIMARY KEY, subscriber_id INTEGER NOT NULL, state TEXT NOT NULL,
      stays_pending INTEGER NOT NULL, change TEXT
    """,
    # Newsletters that known people get, lose, or get with other sections.
    "move": """
      subscriber_id INTEGER, newsletter TEXT, kind TEXT NOT NULL, sections TEXT NOT NULL,
      PRIMARY KEY (subscriber_id, newsletter)
    """,
    # Known people who are not what their row says; fields are names for their history, each with a comma after it.
    "differing": """
      position INTEGER PRIMARY KEY, subscriber_id INTEGER NOT NULL UNIQUE,
      was TEXT NOT NULL, state TEXT NOT NULL, fields TEXT NOT NULL
    """,
}
_CACHE_KILOBYTES = 8000
_PLACES = ", ".join("?" * len(StagedRow._fields))


@contextmanager
def open_staging(database: Database) -> Iterator[None]:
    """Empty temporary tables for one import, for as long as the `with` lasts; in a file, as they may be large."""
    database.rows("PRAGMA temp_store=FILE")
    try:
        for name, columns in _TABLES.items():
            database.execute(f"CREATE TEMP TABLE {name} ({columns}) STRICT")
        database.rows(f"PRAGMA temp.cache_size=-{_CACHE_KILOBYTES}")
        yield
    finally:
        # Takes the tables and their file away, where the connection is still open.
        database.rows("PRAGMA temp_store=MEMORY")


def stage_rows(database: Database, rows: Iterable[StagedRow]) -> None:
    """Add rows to an open staging."""
    with database.savepoint():  # one commit for all of them; nothing but temporary tables is touched
        database.execute_many(f"INSERT INTO incoming ({', '.join(StagedRow._fields)}) VALUES ({_PLACES})", rows)


def number_rounds(database: Database) -> int:
    """Part the rows into rounds in which no address comes twice; tells how many rounds there are.

    Written one round after the other, the rows of an address have the same effect as written one by one.
    """
    with database.savepoint():
        database.execute("CREATE INDEX temp.incoming_address ON incoming (address)")
        repeated = database.execute(_NUMBER_REPEATED)
        if repeated:
            database.execute("CREATE INDEX temp.incoming_round ON incoming (round)")
    return int(database.value("SELECT coalesce(max(round), 0) FROM incoming"))


_NUMBER_REPEATED = """
WITH numbered AS MATERIALIZED (
  SELECT position, row_number() OVER (PARTITION BY address ORDER BY position) AS number FROM incoming
  WHERE address IN (SELECT address FROM incoming GROUP BY address HAVING count(*) > 1))
UPDATE incoming SET round = number FROM numbered WHERE numbered.position = incoming.position AND number > 1
"""
