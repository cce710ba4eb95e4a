"""Opening the workspace's database, and its one way to write."""

import multiprocessing
import os
import shutil
import sqlite3
import tempfile
from contextlib import contextmanager
from pathlib import Path

import pytest
import sqlite_utils

from digest.errors import StoreError
from digest.store import database as database_module
from digest.store.database import Database, open_database
from digest.store.migrations import migrations

NOBODY = 65534
INSERT = "INSERT INTO secret (name, value) VALUES (?, x'00')"
SPAWN = multiprocessing.get_context("spawn")


def open_when_told(path: Path, start, results) -> None:
    start.wait()
    try:
        with open_database(path, create=True) as database:
            results.put(len(database.rows("SELECT name FROM sqlite_master WHERE type = 'table'")))
    except Exception as error:  # noqa: BLE001 - the parent reports it
        results.put(repr(error))


def test_six_processes_may_open_a_new_file_at_once(tmp_path):
    """Migrations run under the write lock, so all find the whole set of tables."""
    start, results = SPAWN.Barrier(6), SPAWN.Queue()
    processes = [SPAWN.Process(target=open_when_told, args=(tmp_path / "new.db", start, results)) for _ in range(6)]
    for process in processes:
        process.start()
    found = [results.get(timeout=60) for _ in processes]
    for process in processes:
        process.join()
    with open_database(tmp_path / "new.db") as database:
        tables = len(database.rows("SELECT name FROM sqlite_master WHERE type = 'table'"))
    assert found == [tables] * 6
    assert tables >= 14


def test_connections_of_one_process_may_take_turns(tmp_path):
    with open_database(tmp_path / "digest.db", create=True) as first, open_database(tmp_path / "digest.db") as second:
        for number in range(20):
            writer, reader = (first, second) if number % 2 else (second, first)
            with writer.transaction():
                writer.execute(INSERT, (str(number),))
            assert reader.value("SELECT count(*) FROM secret") == number + 1


def test_a_missing_file_is_said_and_not_made(tmp_path):
    with pytest.raises(StoreError, match=r"digest\.db is not there; `digest init` makes a workspace"):
        open_database(tmp_path / "digest.db")
    assert list(tmp_path.iterdir()) == []


def make_foreign_database(path: Path, script: str) -> bytes:
    with sqlite3.connect(path) as connection:
        connection.executescript(script)
    connection.close()
    return path.read_bytes()


@pytest.mark.parametrize(
    "script",
    [
        "CREATE TABLE post (id INTEGER PRIMARY KEY, title TEXT); INSERT INTO post VALUES (1, '글');",
        # Another program that uses the same migration table.
        """CREATE TABLE post (id INTEGER); CREATE TABLE _sqlite_migrations
        (id INTEGER PRIMARY KEY, migration_set TEXT, name TEXT, applied_at TEXT);
        INSERT INTO _sqlite_migrations VALUES (1, 'blog', 'm001', 'now');""",
    ],
)
def test_a_database_of_another_program_is_left_as_it_is(tmp_path, script):
    path = tmp_path / "site.db"
    before = make_foreign_database(path, script)
    with pytest.raises(StoreError, match=r"site\.db is a SQLite database, but not one of digest; name another file"):
        open_database(path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("content", [b"id,title\n1,no database at all, but a text of some length\n" * 20, b"\0" * 4096])
def test_a_file_that_is_no_database_is_left_as_it_is(tmp_path, content):
    path = tmp_path / "digest.db"
    path.write_bytes(content)
    with pytest.raises(StoreError, match=r"digest\.db is not a usable SQLite database"):
        open_database(path)
    assert path.read_bytes() == content


def test_a_folder_is_said(tmp_path):
    with pytest.raises(StoreError, match="cannot be written"):
        open_database(tmp_path, create=True)


def test_a_damaged_database_is_said(tmp_path):
    path = tmp_path / "digest.db"
    open_database(path, create=True).close()
    content = bytearray(path.read_bytes())
    content[100:20000] = b"\xff" * 19900
    path.write_bytes(content)
    with pytest.raises(StoreError, match="is not a usable SQLite database"):
        open_database(path)


def test_a_database_of_a_newer_digest_is_left_as_it_is(tmp_path):
    path = tmp_path / "digest.db"
    open_database(path, create=True).close()
    with sqlite3.connect(path) as connection:
        connection.execute(
            "INSERT INTO _sqlite_migrations (migration_set, name, applied_at) VALUES ('digest', 'm999_future', 'later')"
        )
    connection.close()
    before = path.read_bytes()
    with pytest.raises(StoreError, match=r"was written by a newer digest \(it has m999_future\); install that version"):
        open_database(path)
    assert path.read_bytes() == before


def test_an_older_database_gets_what_is_missing(tmp_path):
    path = tmp_path / "digest.db"
    with open_database(path, create=True) as database:
        database.execute(INSERT, ("kept",))
        for table in ("delivery", "issue_variant", "issue_choice", "issue"):
            database.execute(f"DROP TABLE {table}")
        database.execute("DELETE FROM _sqlite_migrations WHERE name = 'm003_issues_and_ledger'")
    with open_database(path) as database:
        assert database.value("SELECT count(*) FROM delivery") == 0
        assert database.value("SELECT name FROM secret") == "kept"


def test_issues_keep_their_ledger_when_their_table_is_made_anew(tmp_path):
    """A database of before issues could be held: dropping the old table must not take what refers to it."""
    path = tmp_path / "digest.db"
    with sqlite3.connect(path, isolation_level=None) as connection:
        migrations.apply(sqlite_utils.Database(connection), stop_before="m004_held_issues_words_and_images")
        connection.executescript("""
            INSERT INTO subscriber (id, address, state, created_at) VALUES (1, 'kim@example.com', 'active', 0);
            INSERT INTO issue (id, newsletter, edition, origin, state, scheduled_at, deadline, started_at, fence)
              VALUES (7, 'weekly', '2026-03-02', 'schedule', 'sent', 0, 0, 0, 3),
              (9, 'weekly', '2026-03-09', 'schedule', 'sending', 0, 0, 0, 0);
            DELETE FROM issue WHERE id = 9;
            INSERT INTO issue_variant VALUES (7, 'v', '[]', 's', 'p', 'h', 't');
            INSERT INTO issue_choice VALUES (7, 1, 'a', 1, '{}');
            INSERT INTO delivery (issue_id, subscriber_id, variant, state, updated_at) VALUES (7, 1, 'v', 'sent', 0);
        """)
    connection.close()
    with open_database(path) as database:
        for table in ("issue", "issue_variant", "issue_choice", "delivery"):
            assert database.value(f"SELECT count(*) FROM {table}") == 1
        assert database.value("SELECT fence FROM issue WHERE id = 7") == 3
        database.execute("UPDATE issue SET state = 'held'")
        with pytest.raises(StoreError, match="CHECK constraint failed"):
            database.execute("UPDATE issue SET state = 'lost'")
        new = database.insert(
            "INSERT INTO issue (newsletter, edition, origin, state, scheduled_at, deadline, started_at) "
            "VALUES ('weekly', '2026-03-16', 'manual', 'sending', 0, 0, 0)"
        )
        assert new == 10, "an id is never used twice: links are made from it"
        database.execute("DELETE FROM issue WHERE id = 7")
        assert database.value("SELECT count(*) FROM delivery") == 0, "foreign keys count again"


@pytest.fixture
def open_folder():
    """A folder that other users may look into, unlike tmp_path."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    yield folder
    folder.chmod(0o755)
    shutil.rmtree(folder)


@contextmanager
def as_ordinary_user():
    """Root may write anywhere, so permissions count only for another user."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


def test_a_read_only_file_is_said_when_it_is_written_and_keeps_what_it_has(open_folder):
    path = open_folder / "digest.db"
    with open_database(path, create=True) as database:
        database.execute(INSERT, ("kept",))
    path.chmod(0o444)
    open_folder.chmod(0o555)
    refusal = pytest.raises(StoreError, match=r"digest\.db cannot be written .*; check its owner")
    with as_ordinary_user(), refusal, open_database(path) as database:
        database.execute(INSERT, ("new",))
    with open_database(path) as database:
        assert [row["name"] for row in database.rows("SELECT name FROM secret")] == ["kept"]


def test_a_read_only_folder_is_said_and_stays_empty(open_folder):
    open_folder.chmod(0o555)
    with as_ordinary_user(), pytest.raises(StoreError, match=r"digest\.db cannot be made: .*; check the folder"):
        open_database(open_folder / "digest.db", create=True)
    assert list(open_folder.iterdir()) == []


def test_a_new_database_is_for_its_owner_alone(tmp_path):
    """It holds addresses and the signing key."""
    with open_database(tmp_path / "digest.db", create=True) as database, database.transaction():
        assert {file.stat().st_mode & 0o777 for file in tmp_path.iterdir()} == {0o600}


@contextmanager
def held_lock(path: Path, begin: str = "BEGIN IMMEDIATE"):
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute(begin)
    try:
        yield
    finally:
        connection.close()


def test_a_write_waits_for_a_lock_and_then_says_so(tmp_path, monkeypatch):
    monkeypatch.setattr(database_module, "LOCK_TIMEOUT_SECONDS", 0.1)
    path = tmp_path / "digest.db"
    with open_database(path, create=True) as database:
        refusal = pytest.raises(StoreError, match=r"locked by another program for more than 0\.1 s")
        with held_lock(path), refusal, database.transaction():
            pytest.fail("the lock was taken twice")
        assert not database.in_transaction
        with database.transaction():
            database.execute(INSERT, ("after",))


def test_a_new_file_that_another_program_locks_is_said(tmp_path, monkeypatch):
    monkeypatch.setattr(database_module, "LOCK_TIMEOUT_SECONDS", 0.1)
    path = tmp_path / "digest.db"
    path.touch()
    with held_lock(path, "BEGIN EXCLUSIVE"), pytest.raises(StoreError, match="locked by another program"):
        open_database(path)
    open_database(path).close()


def test_a_full_disk_is_said_and_nothing_of_the_transaction_is_kept(database):
    database.execute(INSERT, ("before",))
    pages = database.value("PRAGMA page_count")
    database.value(f"PRAGMA max_page_count = {pages + 2}")
    refusal = pytest.raises(StoreError, match=r"the disk is full .*; make room and run the command again")
    with refusal, database.transaction():
        database.execute(INSERT, ("first",))
        for number in range(1000):
            database.execute("INSERT INTO secret (name, value) VALUES (?, zeroblob(1000))", (str(number),))
    assert not database.in_transaction
    assert [row["name"] for row in database.rows("SELECT name FROM secret")] == ["before"]
    database.value(f"PRAGMA max_page_count = {pages + 1000}")
    database.execute(INSERT, ("after",))


def test_transactions_do_not_nest(database):
    with pytest.raises(StoreError, match="transactions do not nest"), database.transaction():  # noqa: PT012
        database.execute(INSERT, ("outer",))
        with database.transaction():
            pytest.fail("a transaction began inside another")
    assert database.value("SELECT count(*) FROM secret") == 0


@pytest.mark.parametrize("kind", [ValueError, KeyboardInterrupt, SystemExit, GeneratorExit, StoreError])
def test_any_exception_undoes_the_whole_transaction(database, kind):
    with pytest.raises(kind), database.transaction():  # noqa: PT012
        database.execute(INSERT, ("one",))
        database.execute_many(INSERT, [("two",), ("three",)])
        raise kind
    assert not database.in_transaction
    assert database.value("SELECT count(*) FROM secret") == 0


def test_a_failed_statement_undoes_what_went_before_it(database: Database):
    with pytest.raises(StoreError, match="UNIQUE"), database.transaction():
        database.execute_many(INSERT, [("same",), ("same",)])
    assert database.value("SELECT count(*) FROM secret") == 0


def test_what_is_committed_survives_and_references_are_checked(database):
    assert database.value("PRAGMA synchronous") == 2  # FULL
    assert database.value("PRAGMA journal_mode") == "wal"
    with pytest.raises(StoreError, match="FOREIGN KEY"):
        database.execute("INSERT INTO subscription (newsletter, subscriber_id) VALUES ('weekly', 99)")
