"""The publisher's database is read as it is, never changed, and every fault names the setting."""

import hashlib
import sqlite3
from contextlib import closing
from datetime import UTC, date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from digest.errors import SourceError
from digest.model import Window
from digest.settings import SourceSettings
from digest.source import database, read_publisher

NOW = datetime(2019, 4, 8, 9, 0, 0, 500, tzinfo=UTC)
ARTICLES = "SELECT id, url, title, published_at FROM article"
SCHEMA = """
CREATE TABLE article (id, url, title, published_at, hits);
INSERT INTO article VALUES ('007', 'https://x.test/7', '가 &amp; 나', '2019-04-01 12:30:00', 12),
                           (8, 'https://x.test/8', '다', 1554089400, NULL);
CREATE TABLE view (article, day, n);
INSERT INTO view VALUES ('007', '2019-04-01', 5), (8, '2019-04-02', 6.0);
"""


@pytest.fixture
def workspace(tmp_path):
    """A settings file's folder with the publisher's database `news.db` beside it."""
    with closing(sqlite3.connect(tmp_path / "news.db")) as connection:
        connection.executescript(SCHEMA)
    return tmp_path


@pytest.fixture
def read(workspace):
    def read(articles=ARTICLES, views="", path="news.db", window=None):
        source = SourceSettings(type="sqlite", path=Path(path), articles=articles, views=views)
        file = workspace / "digest.toml"
        return read_publisher(source, settings_file=file, timezone=ZoneInfo("Asia/Seoul"), window=window, now=NOW)

    return read


def fault(read, *args, **kwargs):
    with pytest.raises(SourceError) as caught:
        read(*args, **kwargs)
    return str(caught.value)


def test_articles_and_dated_counts_are_read(read):
    found = read(views="SELECT article AS article_id, day AS date, n AS views FROM view")
    assert [(article.id, article.title) for article in found.articles] == [("007", "가 & 나"), ("8", "다")]
    assert {article.published_at for article in found.articles} == {datetime(2019, 4, 1, 3, 30, tzinfo=UTC)}
    assert [(count.article_id, count.date, count.views) for count in found.counts] == [
        ("007", date(2019, 4, 1), 5),
        ("8", date(2019, 4, 2), 6),
    ]
    assert (found.totals, found.events, found.refused) == ((), (), ())


def test_a_views_column_and_a_views_query_of_totals_are_both_totals(read):
    found = read(
        "SELECT id, url, title, published_at, hits AS views FROM article",
        "SELECT article AS article_id, n AS total, '2019-04-02' AS taken_at FROM view",
    )
    midnight = datetime(2019, 4, 1, 15, tzinfo=UTC)
    assert [(total.article_id, total.total, total.taken_at) for total in found.totals] == [
        ("007", 12, NOW.replace(microsecond=0)),
        ("007", 5, midnight),
        ("8", 6, midnight),
    ]


def test_events_are_read(read):
    found = read(views="SELECT 7 AS article_id, 1554089400.9 AS viewed_at")
    assert found.events[0].viewed_at == datetime(2019, 4, 1, 3, 30, tzinfo=UTC)


def test_a_bad_row_is_refused_by_itself_and_named_by_query_and_column(read):
    found = read(
        f"{ARTICLES} UNION ALL SELECT 9, 'x', 'y', 0 UNION ALL SELECT 10, 'http://x.test', CAST(x'ff' AS TEXT), 0",
        "SELECT 7 AS article_id, 'x' AS date, 1 AS views",
    )
    assert len(found.articles) == 2
    assert [(error.line, error.column) for error in found.refused] == [
        (3, "articles.url"),
        (4, "articles.title"),
        (1, "views.date"),
    ]


@pytest.mark.parametrize(
    ("window", "expected"),
    [
        (None, ("0001-01-01", "9999-12-31", 0, 253402300799)),
        (
            Window(
                start=datetime(2019, 3, 31, 15, tzinfo=UTC),
                end=datetime(2019, 4, 7, 15, tzinfo=UTC),
                timezone="Asia/Seoul",
            ),
            ("2019-03-31", "2019-04-09", 1553958000, 1554735600),
        ),
    ],
)
def test_queries_may_name_the_window_with_a_spare_day_on_each_side(read, window, expected):
    found = read(
        "SELECT 1 AS id, 'http://x.test' AS url, :start || ' ' || :end || ' ' || :start_epoch || ' ' || :end_epoch"
        " AS title, 0 AS published_at",
        window=window,
    )
    assert found.articles[0].title == " ".join(map(str, expected))


@pytest.mark.parametrize("name", ["뉴스 #1?x%20y.db", "a&mode=rwc.db", "it's.db"])
def test_any_file_name_is_taken_as_it_is(workspace, read, name):
    (workspace / "news.db").rename(workspace / name)
    assert len(read(path=name).articles) == 2
    assert len(read(path=str(workspace / name)).articles) == 2


def test_nothing_is_written_and_nothing_stays_open(workspace, read):
    before = hashlib.sha256((workspace / "news.db").read_bytes()).digest()
    read(views="SELECT article AS article_id, day AS date, n AS views FROM view")
    assert hashlib.sha256((workspace / "news.db").read_bytes()).digest() == before
    assert [file.name for file in workspace.iterdir()] == ["news.db"]
    with closing(sqlite3.connect(workspace / "news.db", timeout=0)) as connection:
        connection.execute("BEGIN EXCLUSIVE")


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("DELETE FROM article", "only a SELECT"),
        ("WITH x AS (SELECT 1) DELETE FROM article RETURNING id, url, title, published_at", "only a SELECT"),
        ("CREATE TABLE x (y)", "only a SELECT"),
        ("ATTACH 'other.db' AS other", "only a SELECT"),
        ("PRAGMA query_only = OFF", "only a SELECT"),
        ("COMMIT", "only a SELECT"),
        ("VACUUM INTO 'copy.db'", "only a SELECT"),
        (f"{ARTICLES}; DELETE FROM article", "more than one statement"),
        (f"{ARTICLES}; {ARTICLES}", "more than one statement"),
        ("-- nothing", "write a SELECT"),
        ("SELEC id", "syntax error"),
        ("SELECT * FROM articles", "no such table: articles"),
        (f"{ARTICLES} WHERE published_at > :begin", ":start_epoch"),
        (f"{ARTICLES} WHERE published_at > ?", ":start_epoch"),
        ("SELECT id, url AS link, title FROM article", "no column url, published_at; it returns id, link, title"),
        ("SELECT id, id, url, title, published_at FROM article", "column id twice"),
    ],
)
def test_a_query_that_is_no_select_of_articles_is_refused_in_words(workspace, read, query, words):
    before = (workspace / "news.db").read_bytes()
    message = fault(read, query)
    assert message.startswith(f"{workspace / 'digest.toml'}: source.articles: ")
    assert words in message
    assert (workspace / "news.db").read_bytes() == before
    assert [file.name for file in workspace.iterdir()] == ["news.db"]


def test_a_semicolon_and_a_comment_may_end_a_query(read):
    assert len(read(f"-- articles\n{ARTICLES};\n-- all of them\n").articles) == 2


def test_wrong_columns_of_views_say_what_they_need(read):
    message = fault(read, views="SELECT article, day FROM view")
    assert "source.views: views need the columns article_id, date, views; or" in message
    assert "article, day" in message


def test_a_missing_file_a_folder_and_a_file_that_is_no_database_name_the_path(workspace, read):
    (workspace / "text.db").write_text("only text, but long enough to be looked at" * 10, encoding="utf-8")
    for path, words in (("none.db", "not there"), (".", "not a file"), ("text.db", "not a SQLite database")):
        message = fault(read, path=path)
        assert message.startswith(f"{workspace / 'digest.toml'}: source.path: ")
        assert words in message


def test_a_damaged_database_names_the_path(workspace, read):
    data = bytearray((workspace / "news.db").read_bytes())
    data[4096:] = b"\xff" * (len(data) - 4096)
    (workspace / "news.db").write_bytes(data)
    assert "source.path" in fault(read)


def test_a_locked_database_names_the_path(workspace, read, monkeypatch):
    monkeypatch.setattr(database, "_BUSY_SECONDS", 0.05)
    with closing(sqlite3.connect(workspace / "news.db", isolation_level=None)) as connection:
        connection.execute("BEGIN EXCLUSIVE")
        assert "is locked by another program" in fault(read)
    assert len(read().articles) == 2


def test_what_a_writer_has_committed_to_its_log_is_seen(workspace, read):
    with closing(sqlite3.connect(workspace / "news.db", isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("INSERT INTO article SELECT 9, url, title, published_at, 0 FROM article WHERE id = 8")
        assert len(read().articles) == 3


@pytest.fixture
def at_rest(workspace):
    """The database with a write-ahead log that is empty, and nobody who has it open."""
    with closing(sqlite3.connect(workspace / "news.db", isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
    return workspace


def test_reading_a_logged_database_at_rest_leaves_nothing_beside_it(at_rest, read):
    assert len(read().articles) == 2
    assert [file.name for file in at_rest.iterdir()] == ["news.db"]


def test_a_logged_database_whose_folder_takes_no_shared_memory_is_read_when_its_log_is_empty(at_rest, read):
    """A folder in the place of the shared memory does what a read-only folder does, also for root."""
    (at_rest / "news.db-shm").mkdir()
    assert len(read().articles) == 2


def test_a_database_whose_log_holds_something_is_not_at_rest(at_rest):
    assert database._is_at_rest(at_rest / "news.db")
    (at_rest / "news.db-wal").write_bytes(b"x")
    assert not database._is_at_rest(at_rest / "news.db")


def test_a_database_that_is_written_while_it_is_read_at_rest_is_read_again(at_rest, read, monkeypatch):
    writer = sqlite3.connect(at_rest / "news.db", isolation_level=None)
    answers = iter([True, False])
    monkeypatch.setattr(database, "_is_at_rest", lambda _: next(answers))
    with closing(writer):
        writer.execute("DELETE FROM article WHERE id = 8")
        assert len(read().articles) == 1


def test_full_text_tables_may_be_read(workspace, read):
    with closing(sqlite3.connect(workspace / "news.db", isolation_level=None)) as connection:
        connection.execute("CREATE VIRTUAL TABLE search USING fts5(title)")
        connection.execute("INSERT INTO search SELECT title FROM article")
    query = "SELECT rowid AS id, 'http://x.test' AS url, title, 0 AS published_at FROM search"
    assert len(read(f"{query} WHERE search MATCH '다'").articles) == 1
