"""Opening the workspace's database and its one way to write: a transaction that takes the write lock at once."""

import sqlite3
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

import sqlite_utils

from digest.errors import DatabaseLockedError, StoreError
from digest.store.migrations import migrations

FILE_NAME = "digest.db"
LOCK_TIMEOUT_SECONDS = 10
_RETRY_SECONDS = 0.02
_EAGER_SECONDS = 0.0005

Parameters = Sequence[Any] | Mapping[str, Any]


class Database:
    """One connection to the workspace's database. One thread may use it.

    Rows are `sqlite3.Row`; times are unix seconds (see `to_seconds`). Every failure of SQLite is a StoreError.
    """

    def __init__(self, connection: sqlite3.Connection, path: Path) -> None:
        self.path = path
        self._connection = connection
        self._is_eager = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection; an open transaction is rolled back."""
        self._connection.close()

    @property
    def in_transaction(self) -> bool:
        """Whether a transaction is open."""
        return self._connection.in_transaction

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing, with the write lock taken at the start.

        A deferred BEGIN that reads first fails at once when another process has written in between, whatever the
        timeout; BEGIN IMMEDIATE waits for its turn instead.
        """
        if self.in_transaction:
            raise StoreError(f"{self.path}: a transaction is already open; transactions do not nest")
        try:
            self._begin()
            yield
            self.execute("COMMIT")
        except BaseException:
            self._roll_back()
            raise

    def wait_eagerly(self) -> None:
        """Look for the write lock every half millisecond from now on, for whom people wait.

        SQLite itself looks after 1, 2, 5, 10, 15, 20, 25, 25, 25, 50, 50 and then every 100 ms: beside a sender that
        commits all the time, one transaction in a hundred was measured to wait 450 ms; so, 15.
        """
        self._connection.execute("PRAGMA busy_timeout=0").fetchall()
        self._is_eager = True

    def _begin(self) -> None:
        give_up_at = time.monotonic() + LOCK_TIMEOUT_SECONDS
        while True:
            try:
                self.execute("BEGIN IMMEDIATE")
            except DatabaseLockedError:
                if not self._is_eager or time.monotonic() >= give_up_at:
                    raise
                time.sleep(_EAGER_SECONDS)
            else:
                return

    @contextmanager
    def savepoint(self) -> Iterator[None]:
        """Part of an open transaction that can fail by itself: what it wrote is taken back, the rest stays."""
        self.execute("SAVEPOINT part")
        try:
            yield
        except BaseException:
            if self.in_transaction:
                self.execute("ROLLBACK TO part")
                self.execute("RELEASE part")
            raise
        self.execute("RELEASE part")

    def _roll_back(self) -> None:
        """End a transaction without it, unless a failure such as a full disk has ended it already."""
        if self._connection.in_transaction:
            self._connection.execute("ROLLBACK")

    def rows(self, sql: str, parameters: Parameters = ()) -> list[sqlite3.Row]:
        """All rows of a query: fetched at once, as an unfinished cursor would pin the write-ahead log."""
        try:
            return self._connection.execute(sql, parameters).fetchall()
        except sqlite3.DatabaseError as error:
            raise self._translate(error) from error

    def row(self, sql: str, parameters: Parameters = ()) -> sqlite3.Row | None:
        """The first row of a query, or None."""
        found = self.rows(sql, parameters)
        return found[0] if found else None

    def value(self, sql: str, parameters: Parameters = ()) -> Any:
        """The first column of the first row, or None."""
        found = self.row(sql, parameters)
        return found[0] if found else None

    def execute(self, sql: str, parameters: Parameters = ()) -> int:
        """Run one statement and tell how many rows it changed."""
        return self._run(sql, parameters).rowcount

    def execute_many(self, sql: str, rows: Iterable[Parameters]) -> int:
        """Run one statement for each row and tell how many rows changed."""
        try:
            return self._connection.executemany(sql, rows).rowcount
        except sqlite3.DatabaseError as error:
            raise self._translate(error) from error

    def insert(self, sql: str, parameters: Parameters = ()) -> int:
        """Run one INSERT and tell the new row's id."""
        return int(self._run(sql, parameters).lastrowid or 0)

    def _run(self, sql: str, parameters: Parameters) -> sqlite3.Cursor:
        try:
            return self._connection.execute(sql, parameters)
        except sqlite3.DatabaseError as error:
            raise self._translate(error) from error

    def _translate(self, error: sqlite3.DatabaseError) -> StoreError:
        kind = DatabaseLockedError if _is_locked(error) else StoreError
        return kind(_explain(self.path, error))


def open_database(path: Path, *, create: bool = False) -> Database:
    """Open a workspace's database and bring its tables up to date.

    Args:
        path: the file.
        create: whether a missing file is made.

    Raises:
        StoreError: the file is missing, not a database, not ours, newer than this program, or locked for long.
    """
    if not create and not path.is_file():
        raise StoreError(f"{path} is not there; `digest init` makes a workspace with its database")
    if create:
        _make_private(path)
    try:
        connection = sqlite3.connect(path, isolation_level=None, timeout=LOCK_TIMEOUT_SECONDS)
    except sqlite3.DatabaseError as error:
        raise StoreError(_explain(path, error)) from error
    connection.row_factory = sqlite3.Row
    database = Database(connection, path)
    try:
        _make_ready(database, connection)
    except sqlite3.DatabaseError as error:
        database.close()
        raise StoreError(_explain(path, error)) from error
    except BaseException:
        database.close()
        raise
    return database


def _make_private(path: Path) -> None:
    """Make a missing file that only its owner can read: it will hold addresses and the signing key.

    SQLite gives the files beside it (-wal, -shm) the same permissions.
    """
    try:
        path.touch(mode=0o600, exist_ok=True)
    except OSError as error:
        raise StoreError(f"{path} cannot be made: {error.strerror}; check the folder and its permissions") from error


def _make_ready(database: Database, connection: sqlite3.Connection) -> None:
    """Check that the file is ours before anything is written to it, then set it up and apply what is missing."""
    known, applied = set(migration_names()), _applied_migrations(database)
    if unknown := applied - known:
        raise StoreError(
            f"{database.path} was written by a newer digest (it has {', '.join(sorted(unknown))}); "
            "install that version or restore a backup"
        )
    _switch_to_wal(connection)
    # FULL: a committed `wire` or `sent` must survive power loss, not only kill -9 (0.23 ms a commit).
    for pragma in ("synchronous=FULL", "temp_store=MEMORY"):
        connection.execute(f"PRAGMA {pragma}").fetchall()
    if applied != known:
        # Under the write lock, where what is missing is looked up again: six processes at once crashed five.
        with database.transaction():
            migrations.apply(sqlite_utils.Database(connection))
            _require_whole(database)
    # Only now: a step that makes a table anew must not delete what refers to the old one.
    connection.execute("PRAGMA foreign_keys=ON").fetchall()


def _require_whole(database: Database) -> None:
    """Refuse migrations that would leave rows that refer to nothing; the transaction takes them back."""
    if broken := database.rows("PRAGMA foreign_key_check"):
        tables = ", ".join(sorted({row["table"] for row in broken}))
        raise StoreError(f"{database.path}: {len(broken)} rows of {tables} refer to rows that are not there")


def _switch_to_wal(connection: sqlite3.Connection) -> None:
    """Turn the write-ahead log on, once in a file's life.

    Where two connections do so at once SQLite refuses one of them, whatever the timeout: so the waiting is done here.
    """
    give_up_at = time.monotonic() + LOCK_TIMEOUT_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL").fetchall()
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() >= give_up_at:
                raise
            time.sleep(_RETRY_SECONDS)
        else:
            return


def _applied_migrations(database: Database) -> set[str]:
    """The migrations a file has; none for an empty one. StoreError for a database of another program."""
    tables = {row["name"] for row in database.rows("SELECT name FROM sqlite_master WHERE type = 'table'")}
    if not tables:
        return set()
    known = f"SELECT name FROM {migrations.migrations_table} WHERE migration_set = ?"
    applied = database.rows(known, (migrations.name,)) if migrations.migrations_table in tables else []
    if not applied:
        raise StoreError(f"{database.path} is a SQLite database, but not one of digest; name another file")
    return {row["name"] for row in applied}


def migration_names() -> tuple[str, ...]:
    """The migrations this program knows, oldest first."""
    return tuple(m.name for m in migrations.pending(sqlite_utils.Database(memory=True)))


def read_version(database: Database) -> int:
    """A number that changes when another connection has written; cheap enough to be asked often."""
    return int(database.value("PRAGMA data_version"))


def to_seconds(moment: datetime) -> int:
    """An aware moment as the whole unix seconds kept in the database."""
    if moment.tzinfo is None:
        raise StoreError(f"{moment.isoformat()} has no timezone; only aware moments can be kept")
    return int(moment.timestamp())


def to_moment(seconds: int | None) -> datetime | None:
    """Unix seconds from the database as an aware moment in UTC."""
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)


def moment(seconds: int) -> datetime:
    """Unix seconds that are always there as an aware moment in UTC."""
    return datetime.fromtimestamp(seconds, UTC)


def _is_locked(error: sqlite3.DatabaseError) -> bool:
    return "locked" in str(error) or "busy" in str(error)


def _explain(path: Path, error: sqlite3.DatabaseError) -> str:
    text = str(error)
    if _is_locked(error):
        return f"{path} is locked by another program for more than {LOCK_TIMEOUT_SECONDS} s; try again"
    if "not a database" in text or "malformed" in text:
        return f"{path} is not a usable SQLite database ({text}); restore a backup or name another file"
    if "readonly" in text or "unable to open" in text:
        return f"{path} cannot be written ({text}); check its owner and permissions"
    if "full" in text:
        return f"{path} cannot grow, the disk is full ({text}); make room and run the command again"
    return f"{path}: {text}"
