"""Files and the publisher's database come in whole or not at all."""

import csv
import gzip
import sqlite3
from contextlib import closing
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from digest.errors import RowError, SourceError, StoreError
from digest.gather import ImportOrder, import_articles, import_views, read_source, write_refused_rows
from digest.settings import load_settings
from digest.source.files import FileOptions
from digest.store.articles import Changes, count_articles, get_article, list_articles
from digest.store.views import list_totals, sum_dated_counts, sum_events
from workspaces import NOW, settings_text

OPTIONS = FileOptions(timezone=ZoneInfo("Asia/Seoul"), read_at=NOW)
LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
HEAD = "id,url,title,published_at"


def article_line(number, title="다리 위 보행로", views=""):
    return f"{number},https://x.test/{number},{title},2026-02-2{number % 7} 08:00{views}"


def order(path, **changes) -> ImportOrder:
    return ImportOrder(**{"path": path, "options": OPTIONS, **changes})


@pytest.fixture
def write(tmp_path):
    def make(name, *lines):
        path = tmp_path / name
        content = "\n".join(lines).encode()
        path.write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
        return path

    return make


def tables(database):
    """Everything that imports write."""
    names = ("article", "dated_count", "view_event", "running_total")
    return {name: [tuple(row) for row in database.rows(f"SELECT * FROM {name} ORDER BY 1, 2")] for name in names}


def test_a_file_is_imported_and_the_same_file_again_changes_nothing(database, write):
    path = write("articles.csv.gz", HEAD, *(article_line(number) for number in range(4500)))
    steps = []
    report = import_articles(database, order(path, on_progress=steps.append))
    assert (report.changes, report.refused, report.kept, report.rows) == (Changes(added=4500), (), True, 4500)
    assert sum(steps) == 4500
    before = tables(database)
    assert import_articles(database, order(path)).changes == Changes(unchanged=4500)
    assert tables(database) == before


BAD_LINES = [
    (",https://x.test/3,제목,2026-02-21 08:00", "id", "no id"),
    ("3,https://x.test/3,,2026-02-21 08:00", "title", "no title"),
    ("3,ftp://x.test/3,제목,2026-02-21 08:00", "url", "http"),
    ("3,https://x.test/3,제목,yesterday-ish", "published_at", "yesterday-ish"),
]


@pytest.mark.parametrize(("line", "column", "reason"), BAD_LINES)
def test_one_bad_row_keeps_the_whole_file_out(database, write, line, column, reason):
    """Also the rows before it, thousands of them: they are all in one transaction."""
    import_articles(database, order(write("first.csv", HEAD, article_line(9000, "먼저"))))
    before = tables(database)
    path = write("articles.csv", HEAD, *(article_line(number) for number in range(10, 2500)), line, article_line(1))
    report = import_articles(database, order(path))
    assert not report.kept
    assert tables(database) == before
    (refused,) = report.refused
    assert (refused.error.line, refused.error.column) == (2492, column)
    assert reason in refused.error.reason


def test_bad_rows_may_be_skipped_and_are_written_down_with_their_reasons(database, write, tmp_path):
    path = write("articles.csv", HEAD, article_line(1), *(line for line, _, _ in BAD_LINES), article_line(2))
    report = import_articles(database, order(path, skip_bad=True))
    assert report.kept
    assert report.changes == Changes(added=2)
    assert report.rows == 6
    write_refused_rows(tmp_path / "refused.csv", report.refused)
    with (tmp_path / "refused.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["line"], row["column"]) for row in rows] == [
        (str(number), column) for number, (_, column, _) in enumerate(BAD_LINES, 3)
    ]
    assert [",".join(row[name] for name in HEAD.split(",")) for row in rows] == [line for line, _, _ in BAD_LINES]
    assert all(row["reason"] for row in rows)


def test_the_refused_rows_can_be_imported_once_mended(database, write, tmp_path):
    path = write("articles.csv", HEAD, "3,https://x.test/3,,2026-02-21 08:00")
    write_refused_rows(tmp_path / "refused.csv", import_articles(database, order(path, skip_bad=True)).refused)
    mended = (tmp_path / "refused.csv").read_text(encoding="utf-8-sig").replace("x.test/3,,", "x.test/3,제목,")
    (tmp_path / "refused.csv").write_text(mended, encoding="utf-8-sig")
    assert import_articles(database, order(tmp_path / "refused.csv")).changes == Changes(added=1)


@pytest.mark.parametrize("skip_bad", [True, False])
def test_a_dry_run_tells_what_would_change_and_changes_nothing(database, write, skip_bad):
    path = write("articles.csv", HEAD, article_line(1), BAD_LINES[0][0])
    report = import_articles(database, order(path, dry_run=True, skip_bad=skip_bad))
    assert (report.changes, len(report.refused), report.kept) == (Changes(added=1), 1, False)
    assert count_articles(database) == 0


@pytest.mark.parametrize(
    ("importing", "head", "line"),
    [(import_articles, HEAD, article_line(1)), (import_views, "article_id,date,views", "1,2026-02-21,5")],
)
def test_a_file_that_breaks_off_in_the_middle_is_not_kept(database, write, importing, head, line):
    whole = write("whole.csv.gz", head, *([line] * 20_000))
    broken = whole.with_name("broken.csv.gz")
    broken.write_bytes(whole.read_bytes()[:-20])
    with pytest.raises(SourceError, match=r"broken\.csv\.gz: it is cut off or damaged"):
        importing(database, order(broken))
    assert not database.in_transaction
    assert not any(tables(database).values())


def test_an_interrupted_import_leaves_nothing_behind(database, write):
    path = write("articles.csv", HEAD, *(article_line(number) for number in range(5000)))

    def interrupt(_rows):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        import_articles(database, order(path, on_progress=interrupt))
    assert not database.in_transaction
    assert count_articles(database) == 0


def test_a_full_disk_leaves_nothing_behind(database, write):
    path = write("articles.csv", HEAD, *(article_line(number, "긴 제목 " * 20) for number in range(5000)))
    database.value(f"PRAGMA max_page_count = {database.value('PRAGMA page_count') + 20}")
    with pytest.raises(StoreError, match="the disk is full"):
        import_articles(database, order(path))
    assert count_articles(database) == 0


def test_a_running_views_column_takes_a_snapshot_with_the_articles(database, write):
    path = write("articles.csv", f"{HEAD},views", article_line(1, views=",12"), article_line(2, views=",0"))
    report = import_articles(database, order(path))
    assert (report.changes, report.totals) == (Changes(added=2), 2)
    found = list_totals(database, LONG_AGO)
    assert [(total.total, total.taken_at) for totals in found.values() for total in totals] == [(12, NOW), (0, NOW)]


def test_snapshots_are_not_kept_where_the_articles_are_not(database, write):
    path = write("articles.csv", f"{HEAD},views", article_line(1, views=",12"), article_line(2, views=",-1"))
    report = import_articles(database, order(path))
    assert not report.kept
    assert list_totals(database, LONG_AGO) == {}


def test_views_of_each_kind_are_kept_and_the_same_file_again_changes_nothing(database, write):
    dated = write("dated.csv", "article_id,date,views", "007,2026-02-21,5", "8,2026-02-21,0")
    events = write(
        "events.csv", "article_id,viewed_at", *["007,2026-02-21T08:00:00+09:00"] * 3000, "8,2026-02-21T08:00"
    )
    totals = write("totals.csv", "article_id,total,taken_at", "007,10,2026-02-21 08:00", "007,12,2026-02-22 08:00")
    assert [import_views(database, order(path)).changes for path in (dated, events, totals)] == [Changes(added=2)] * 3
    before = tables(database)
    assert [import_views(database, order(path)).changes for path in (dated, events, totals)] == [
        Changes(unchanged=2)
    ] * 3
    assert tables(database) == before
    assert sum_dated_counts(database, date(2026, 2, 21), date(2026, 2, 21)) == {"007": 5, "8": 0}
    assert sum_events(database, LONG_AGO, NOW) == {"007": 3000, "8": 1}
    assert [total.total for total in list_totals(database, LONG_AGO)["007"]] == [10, 12]


def test_events_of_a_second_are_counted_over_the_whole_file(database, write):
    """Rows are written in batches; a second whose events lie in two of them has all of them."""
    lines = ["a,2026-02-21T08:00:00Z", *(f"b{number},2026-02-21T09:00:00Z" for number in range(4000))]
    import_views(database, order(write("events.csv", "article_id,viewed_at", *lines, lines[0], lines[0])))
    assert sum_events(database, LONG_AGO, NOW)["a"] == 3


@pytest.mark.parametrize("count", ["-1", "viele", "1.5", "99999999999999999999"])
def test_a_bad_count_keeps_the_file_out(database, write, count):
    path = write("views.csv", "article_id,date,views", "1,2026-02-21,5", f"2,2026-02-21,{count}")
    report = import_views(database, order(path))
    assert not report.kept
    assert isinstance(report.refused[0].error, RowError)
    assert (report.refused[0].error.line, report.refused[0].error.column) == (3, "views")
    assert not any(tables(database).values())


PUBLISHER = """
CREATE TABLE post (id, url, title, published_at, views);
INSERT INTO post VALUES (1, 'https://x.test/1', '첫 글', '2026-02-21 08:00', 10),
                        (2, 'https://x.test/2', '', '2026-02-21 08:00', 5),
                        (3, 'https://x.test/3', '셋째 글', '2026-02-21 08:00', 7);
"""
SOURCE = {
    "type": "sqlite",
    "path": "news.db",
    "articles": "SELECT id, url, title, published_at, views FROM post",
}


@pytest.fixture
def settings(tmp_path):
    with closing(sqlite3.connect(tmp_path / "news.db")) as connection:
        connection.executescript(PUBLISHER)
    file = tmp_path / "digest.toml"
    file.write_text(settings_text(source=SOURCE), encoding="utf-8")
    return load_settings(file, {})


def test_the_publishers_database_is_read_and_its_bad_rows_are_said(database, settings):
    """One bad article must not stop an issue."""
    reading = read_source(database, settings, window=None, now=NOW)
    assert (reading.articles, reading.read_at) == (2, NOW)
    assert ["no title" in error.reason for error in reading.refused] == [True]
    assert [article.id for article in list_articles(database, read_since=NOW)] == ["1", "3"]
    assert {key: [total.total for total in totals] for key, totals in list_totals(database, LONG_AGO).items()} == {
        "1": [10],
        "3": [7],
    }


def test_a_reading_that_cannot_be_kept_whole_is_not_kept_at_all(database, settings):
    read_source(database, settings, window=None, now=NOW)
    before = tables(database)
    database.execute(
        """CREATE TEMP TRIGGER no_totals BEFORE INSERT ON running_total
        BEGIN SELECT RAISE(ABORT, 'no more totals'); END"""
    )
    with closing(sqlite3.connect(settings.folder / "news.db")) as connection, connection:
        connection.execute("UPDATE post SET title = '고친 글', views = 11 WHERE id = 1")
    with pytest.raises(StoreError, match="no more totals"):
        read_source(database, settings, window=None, now=NOW.replace(hour=1))
    assert tables(database) == before
    assert get_article(database, "1").title == "첫 글"


def test_a_publishers_database_that_is_gone_changes_nothing(database, settings):
    read_source(database, settings, window=None, now=NOW)
    before = tables(database)
    (settings.folder / "news.db").unlink()
    with pytest.raises(SourceError, match=r"source\.path"):
        read_source(database, settings, window=None, now=NOW)
    assert tables(database) == before


def test_nothing_is_read_where_articles_come_by_import(database, tmp_path):
    file = tmp_path / "digest.toml"
    file.write_text(settings_text(), encoding="utf-8")
    assert read_source(database, load_settings(file, {}), window=None, now=NOW) is None
