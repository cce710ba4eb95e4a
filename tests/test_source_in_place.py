"""The publisher's own database is read where it lies, ranks rightly on the first run, and is never written to."""

import sqlite3
from datetime import datetime, time, timedelta
from hashlib import sha256
from zoneinfo import ZoneInfo

import pytest

from command_line import digest
from workspaces import settings_text

SEOUL = ZoneInfo("Asia/Seoul")
TODAY = datetime.now(SEOUL).replace(hour=12, minute=0, second=0, microsecond=0)
EDITION = (TODAY + timedelta(days=1)).date()
"""Tomorrow's: its window reaches up to now."""
POSTS = [
    # id, title, days ago, views of all time
    (1, "오래된 인기 기사", 90, 99_999),
    (2, "이번 주 셋째", 5, 300),
    (3, "이번 주 첫째", 3, 900),
    (4, "이번 주 둘째", 1, 500),
    (5, "아무도 읽지 않은 기사", 2, 0),
]


@pytest.fixture
def publisher(tmp_path):
    """The plainest site: one table with a `views` column and no history."""
    path = tmp_path / "cms" / "site.db"
    path.parent.mkdir()
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE post (no INTEGER PRIMARY KEY, headline TEXT, created INTEGER, views INTEGER)")
        for no, headline, days, views in POSTS:
            created = int((TODAY - timedelta(days=days)).timestamp())
            connection.execute("INSERT INTO post VALUES (?, ?, ?, ?)", (no, headline, created, views))
    connection.close()
    return path


@pytest.fixture
def site(workspace, publisher):
    query = (
        "SELECT no AS id, 'https://hanbit.example/' || no AS url, headline AS title, "
        "datetime(created, 'unixepoch') || 'Z' AS published_at, views FROM post"
    )
    return workspace(settings_text(source={"type": "sqlite", "path": str(publisher), "articles": query}))


def change(publisher, statement):
    with sqlite3.connect(publisher) as connection:
        connection.execute(statement)
    connection.close()


def let_pass(site, **amount):
    """Make every reading so far that much older."""
    seconds = int(timedelta(**amount).total_seconds())
    with sqlite3.connect(site.with_name("digest.db")) as connection:
        connection.execute("UPDATE running_total SET taken_at = taken_at - ?", (seconds,))
        connection.execute("UPDATE article SET read_at = read_at - ?", (seconds,))
    connection.close()


def ranking(site, *options):
    answer = digest("articles", "top", "--date", EDITION, "--json", *options, config=site)
    assert answer.code == 0, answer.err
    return [(row["id"], row["views"]) for row in answer.json]


def state(publisher):
    """The publisher's folder to the byte, and the times of its files."""
    return {
        path.name: (sha256(path.read_bytes()).hexdigest(), path.stat().st_mtime_ns)
        for path in publisher.parent.iterdir()
    }


def test_the_first_run_ranks_this_weeks_articles_rightly(site):
    assert ranking(site) == [("3", 900), ("4", 500), ("2", 300), ("5", 0)]


def test_the_database_is_never_written_to(site, publisher):
    before = state(publisher)
    ranking(site)
    assert digest("send", "--date", EDITION, "--dry-run", config=site).code == 0
    assert digest("send", "--date", EDITION, "--yes", config=site).code == 0
    assert state(publisher) == before


def test_a_database_that_may_only_be_read_is_read(site, publisher):
    publisher.chmod(0o444)
    publisher.parent.chmod(0o555)
    assert ranking(site)[0] == ("3", 900)
    publisher.parent.chmod(0o755)


def test_one_with_a_write_ahead_log_is_read_and_not_written_to(site, publisher):
    change(publisher, "PRAGMA journal_mode = WAL")
    change(publisher, "UPDATE post SET views = 901 WHERE no = 3")
    before = state(publisher)
    assert ranking(site)[0] == ("3", 901)
    assert state(publisher) == before


def test_what_is_in_an_unfinished_log_is_seen(site, publisher):
    connection = sqlite3.connect(publisher)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("UPDATE post SET views = 950 WHERE no = 4")
    connection.commit()
    assert ranking(site)[0] == ("4", 950)
    connection.close()


def test_an_article_deleted_there_is_no_candidate_any_more(site, publisher):
    ranking(site)
    let_pass(site, hours=1)
    change(publisher, "DELETE FROM post WHERE no = 3")
    assert ranking(site) == [("4", 500), ("2", 300), ("5", 0)]
    assert "이번 주 첫째" not in digest("preview", "--list", "--date", EDITION, config=site).out


def test_a_title_changed_there_is_changed_here(site, publisher):
    ranking(site)
    change(publisher, "UPDATE post SET headline = '고친 제목' WHERE no = 3")
    ranking(site)
    assert digest("articles", "show", "3", "--json", config=site).json["title"] == "고친 제목"


def test_two_reads_make_deltas(site, publisher):
    """An old article counts only with what came since the snapshot before the window."""
    ranking(site)
    window_start = datetime.combine(EDITION - timedelta(days=7), time(), SEOUL)
    let_pass(site, seconds=(datetime.now(SEOUL) - window_start).total_seconds() + 3600)
    change(publisher, "UPDATE post SET views = views + 40 WHERE no = 1")
    change(publisher, "UPDATE post SET views = views + 7 WHERE no = 2")
    assert ranking(site, "--candidates", "viewed") == [("1", 40), ("2", 7)]


def test_the_digest_of_such_a_site_is_sent(site):
    digest("subscribers", "add", "kim@example.com", config=site)
    answer = digest("send", "--date", EDITION, "--yes", config=site)
    assert answer.out == f"weekly {EDITION} is sent: 1 sent\n"
