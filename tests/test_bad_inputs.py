"""Each bad input says where it is bad and why, and leaves the database as it was: nothing lost or half-written."""

import csv
import gzip
import io
import sqlite3

import pytest

from command_line import digest, dump
from week_of_news import ARTICLES, EDITION, VIEWS
from workspaces import settings_text

HEADER = "id,url,title,published_at,views\n"
GOOD = "20,https://hanbit.example/20,좋은 소식,2026-02-24 09:00,5\n"
FINE = "21,https://hanbit.example/21,또 다른 소식,2026-02-25 09:00,6\n"
OBJECT = '{"id": "20", "url": "https://hanbit.example/20", "title": "좋은 소식", "published_at": "2026-02-24"}'
BAD_ARTICLES = [
    (",https://hanbit.example/1,제목,2026-02-24,1", "id", "no id"),
    ("1,https://hanbit.example/1,,2026-02-24,1", "title", "no title"),
    ("1,https://hanbit.example/1, \ufeff\u200b ,2026-02-24,1", "title", "no title"),
    ("1,https://hanbit.example/1,제목,yesterday,1", "published_at", "'yesterday' is not a date that can be read"),
    ("1,https://hanbit.example/1,제목,,1", "published_at", "date"),
    ("1,https://hanbit.example/1,제목,2026-02-30,1", "published_at", "2026-02-30"),
    ("1,ftp://hanbit.example/1,제목,2026-02-24,1", "url", "'ftp://hanbit.example/1' is not an absolute address"),
    ("1,javascript:alert(1),제목,2026-02-24,1", "url", "begins with http:// or https://"),
    ("1,/articles/1,제목,2026-02-24,1", "url", "not an absolute address"),
    ("1,,제목,2026-02-24,1", "url", "no address"),
    ("1,https://hanbit.example/1,제목,2026-02-24,-5", "views", "-5 is negative; a count is 0 or more"),
    ('1,https://hanbit.example/1,제목,2026-02-24,"1,234"', "views", "write 1234, without separators"),
    ("20,https://hanbit.example/1,제목,2026-02-24,1", "id", "'20' is on line 2 already"),
    ("1,https://hanbit.example/1,제목,2026-02-24", "", "has 4 cells where the header has 5"),
    ('1,https://hanbit.example/1,"제목,2026-02-24,1', "", "its quotes do not match"),
]
BAD_COUNTS = [
    (",2026-02-24,1", "article_id", "no article_id"),
    ("007,24 Feb,1", "date", "'24 Feb'"),
    ("007,2026-02-27,-1", "views", "-1 is negative; a count is 0 or more"),
    ("007,2026-02-27,many", "views", "'many' is not a whole number"),
    ("007,2026-02-26,1", "article_id", "'007' at 2026-02-26 is on line 2 already"),
]


@pytest.fixture
def week(workspace, write):
    """A workspace that has articles and views already, which no bad file may cost."""
    site = workspace(settings_text())
    assert digest("articles", "import", write("week.csv", ARTICLES), config=site).code == 0
    assert digest("views", "import", write("week_views.csv", VIEWS), config=site).code == 0
    return site


def ids(site):
    return {row["id"] for row in digest("articles", "list", "--json", config=site).json}


@pytest.mark.parametrize(("row", "column", "reason"), BAD_ARTICLES)
def test_a_bad_article_is_told_by_file_line_column_and_reason_and_nothing_is_kept(week, write, row, column, reason):
    before = dump(week)
    file = write("new.csv", f"{HEADER}{GOOD}{row}\n{FINE}")
    answer = digest("articles", "import", file, config=week)
    assert (answer.code, answer.out) == (1, "")
    lines = answer.err.splitlines()
    assert lines[0].startswith(f"{file}: line 3, column {column}: " if column else f"{file}: line 3: ")
    assert reason in lines[0]
    assert lines[1].endswith(
        "1 of 3 rows bad, so nothing of this file was kept; mend them, or keep the good rows with --skip-bad"
    )
    assert dump(week) == before


@pytest.mark.parametrize(("row", "column", "reason"), BAD_ARTICLES)
def test_skip_bad_keeps_the_good_ones_and_writes_the_others_with_reasons(week, write, row, column, reason):
    file = write("new.csv", f"{HEADER}{GOOD}{row}\n{FINE}")
    answer = digest("articles", "import", file, "--skip-bad", config=week)
    assert answer.code == 0
    assert answer.out.startswith(f"{file}: 2 articles added, 0 updated, 0 unchanged, 1 refused")
    assert {"20", "21", "007"} <= ids(week)
    refused = file.with_name("new.csv.refused.csv").read_text(encoding="utf-8-sig")
    (kept,) = csv.DictReader(io.StringIO(refused))
    assert (kept["line"], kept["column"]) == ("3", column)
    assert reason in kept["reason"]


@pytest.mark.parametrize(("row", "column", "reason"), BAD_COUNTS)
def test_a_bad_count_is_told_and_nothing_is_kept(week, write, row, column, reason):
    before = dump(week)
    file = write("new.csv", f"article_id,date,views\n007,2026-02-26,3\n{row}\n")
    answer = digest("views", "import", file, config=week)
    assert (answer.code, answer.out) == (1, "")
    assert answer.err.startswith(f"{file}: line 3, column {column}: ")
    assert reason in answer.err
    assert dump(week) == before
    assert digest("views", "import", file, "--skip-bad", config=week).out.startswith(f"{file}: 1 count added")


def test_bad_events_and_totals_are_told_alike(week, write):
    before = dump(week)
    for name, content, column in (
        ("events.csv", "article_id,viewed_at\n007,noon\n", "viewed_at"),
        ("totals.csv", "article_id,total,taken_at\n007,-3,2026-02-24\n", "total"),
        ("totals.csv", "article_id,total,taken_at\n007,3,never\n", "taken_at"),
    ):
        answer = digest("views", "import", write(name, content), config=week)
        assert answer.code == 1
        assert f"line 2, column {column}: " in answer.err
    assert dump(week) == before


def test_only_the_first_ten_of_many_bad_rows_are_shown(week, write):
    rows = "".join(f"{n},nowhere,제목,2026-02-24,1\n" for n in range(200))
    answer = digest("articles", "import", write("new.csv", HEADER + rows), config=week)
    assert len(answer.err.splitlines()) == 12
    assert "… and 190 more bad rows" in answer.err
    refused = digest("articles", "import", write("new.csv", HEADER + rows), "--json", config=week).json[0]["refused"]
    assert len(refused) == 200
    assert refused[199]["line"] == 201


def test_json_tells_each_bad_row_as_data(week, write):
    file = write("new.csv", f"{HEADER}{GOOD},x,,never,\n")
    answer = digest("articles", "import", file, "--json", config=week)
    assert answer.code == 1
    (report,) = answer.json
    assert (report["kept"], report["rows"]) == (False, 2)
    assert report["refused"] == [{"line": 3, "column": "id", "reason": "no id"}]


def test_a_refused_file_that_cannot_be_written_costs_no_good_row(week, write):
    file = write("new.csv", f"{HEADER}{GOOD},x,,never,\n")
    file.with_name("new.csv.refused.csv").mkdir()
    answer = digest("articles", "import", file, "--skip-bad", config=week)
    assert answer.code == 1
    assert "cannot be written (Is a directory), so the reasons are only shown; the good rows were kept" in answer.err
    assert "20" in ids(week)


BAD_FILES = [
    ("new.csv", (HEADER + GOOD).encode("cp949"), (), "it is not UTF-8; say how it is encoded, for example --encoding"),
    ("new.csv", (HEADER + GOOD).encode(), ("--encoding", "utf-16"), "it is not utf-16"),
    ("new.csv", (HEADER + GOOD).encode("utf-16"), (), "it is UTF-16; say so with --encoding utf-16"),
    ("new.csv", HEADER + GOOD, ("--encoding", "klingon"), "'klingon' is no encoding"),
    ("new.csv.gz", gzip.compress((HEADER + GOOD * 99).encode(), mtime=0)[:-20], (), "it is cut off or damaged"),
    ("new.csv.gz", HEADER + GOOD, (), "cannot be read: Not a gzipped file"),
    ("new.csv", gzip.compress((HEADER + GOOD).encode(), mtime=0), (), "it is compressed with gzip; give it a name"),
    ("new.csv", b"PK\x03\x04...", (), "it is an Excel or zip file; save it as CSV"),
    ("new.xls", HEADER + GOOD, (), "its name ends in '.xls'; use csv, tsv, json, ndjson"),
    ("new", HEADER + GOOD, (), "or with --format"),
    ("new.csv", HEADER + GOOD, ("--format", "xml"), "'xml' is no format"),
    ("new.csv", "", (), "it is empty"),
    ("new.csv", "headline,link\nA,B\n", (), "it has no column id, url, title, published_at; found: headline, link"),
    ("new.csv", "id,id,url,title,published_at\n", (), "names the column 'id' twice"),
    ("new.csv", HEADER + GOOD, ("--map", "title=headline"), "it has no column headline; found: id, url, title"),
    ("new.csv", HEADER + GOOD, ("--map", "headline=title"), "headline is none of our columns; they are id, url, title"),
    ("new.json", '{"id": 1}', (), "it is not a JSON array of objects; for an object a line, name it .ndjson"),
    ("new.json", '[{"id": 1}', (), "it is not well-formed JSON"),
    ("new.json", '[{"id": "1", "url": }]', (), "line 1: it is not well-formed JSON"),
]


@pytest.mark.parametrize(("name", "content", "options", "reason"), BAD_FILES)
def test_a_bad_file_is_one_line_and_nothing_is_kept(week, write, *, name, content, options, reason):
    before = dump(week)
    answer = digest("articles", "import", write(name, content), *options, config=week)
    assert (answer.code, answer.out) == (1, "")
    assert answer.err.startswith("digest: ")
    assert answer.err.count("\n") == 1
    assert reason in answer.err
    assert dump(week) == before


def test_a_file_cut_off_late_loses_what_was_read_of_it(week, write):
    """Thousands of good rows come before the damage; none of them may stay."""
    before = dump(week)
    rows = "".join(f"{n},https://hanbit.example/{n},소식 {n * n},2026-02-24,1\n" for n in range(20_000))
    content = gzip.compress((HEADER + rows).encode())
    answer = digest("articles", "import", write("new.csv.gz", content[: len(content) * 9 // 10]), config=week)
    assert (answer.code, answer.err.count("\n")) == (1, 1)
    assert dump(week) == before


def test_a_missing_file_and_a_folder_are_one_line(week, tmp_path):
    for path, reason in ((tmp_path / "nowhere.csv", "No such file"), (tmp_path, "Is a directory")):
        answer = digest("articles", "import", path, config=week)
        assert (answer.code, answer.err.count("\n")) == (1, 1)
        assert f"{path}: it cannot be read: {reason}" in answer.err


def test_a_mapping_without_an_equals_sign_is_a_usage_error(week, write):
    answer = digest("articles", "import", write("new.csv", HEADER), "--map", "title", config=week)
    assert answer.code == 2
    assert "write it as title=headline" in answer.err


def test_a_file_of_articles_is_no_file_of_views(week, write):
    answer = digest("views", "import", write("new.csv", HEADER + GOOD), config=week)
    assert answer.code == 1
    assert (
        "views need the columns article_id, date, views; or article_id, viewed_at; or article_id, total" in answer.err
    )


@pytest.mark.parametrize(
    ("name", "content", "options"),
    [
        ("new.csv", ("\ufeff" + HEADER + GOOD).encode(), ()),
        ("new.csv", (HEADER + GOOD).encode("cp949"), ("--encoding", "cp949")),
        ("new.csv", (HEADER + GOOD).encode("utf-16"), ("--encoding", "utf-16")),
        ("new.csv.gz", gzip.compress((HEADER + GOOD).encode(), mtime=0), ()),
        ("new.csv", "id,link,headline,published_at\n20,https://hanbit.example/20,좋은 소식,2026-02-24\n",
         ("--map", "title=headline", "--map", "url=link")),
        ("new.tsv", (HEADER + GOOD).replace(",", "\t"), ()),
        ("new.ndjson", OBJECT, ()),
    ],
)  # fmt: skip
def test_what_only_looks_bad_is_good(week, write, name, content, options):
    answer = digest("articles", "import", write(name, content), *options, config=week)
    assert answer.code == 0, answer.err
    assert digest("articles", "show", "20", "--json", config=week).json["title"] == "좋은 소식"


def test_a_dry_run_keeps_nothing_and_says_the_same(week, write):
    before = dump(week)
    file = write("new.csv", HEADER + GOOD)
    answer = digest("articles", "import", file, "--dry-run", config=week)
    noted = "1 running total noted"
    assert answer.out == f"{file}: 1 article added, 0 updated, 0 unchanged, {noted} (dry run: nothing was kept)\n"
    assert dump(week) == before
    bad = write("bad.csv", HEADER + ",,,,\n")
    assert digest("articles", "import", bad, "--dry-run", "--skip-bad", config=week).code == 0
    assert not bad.with_name("bad.csv.refused.csv").exists()
    assert dump(week) == before


def test_importing_twice_changes_nothing_and_a_changed_article_is_updated(week, write):
    file = write("new.csv", ARTICLES)
    assert digest("articles", "import", file, config=week).out == f"{file}: 0 articles added, 0 updated, 5 unchanged\n"
    assert len(ids(week)) == 5
    changed = write("new.csv", ARTICLES.replace("이름 없는 꽃", "이름을 찾은 꽃"))
    assert (
        digest("articles", "import", changed, config=week).out == f"{file}: 0 articles added, 1 updated, 4 unchanged\n"
    )
    assert digest("articles", "show", "011", "--json", config=week).json["title"] == "이름을 찾은 꽃"


def test_007_stays_007_whatever_the_format(week, write):
    for name, content in (
        ("a.csv", HEADER + GOOD.replace("20,", "0020,", 1)),
        (
            "b.json",
            '[{"id": "00021", "url": "https://hanbit.example/1", "title": "제목", "published_at": "2026-02-24"}]',
        ),
    ):
        assert digest("articles", "import", write(name, content), config=week).code == 0
    assert {"0020", "00021", "007"} <= ids(week)


class TestPublisherDatabase:
    """`[source] type = "sqlite"`: what is wrong there is told by the name of its setting."""

    @pytest.fixture
    def publisher(self, tmp_path):
        path = tmp_path / "site.db"
        with sqlite3.connect(path) as connection:
            connection.execute("CREATE TABLE post (id, url, title, published_at, views)")
            connection.execute("INSERT INTO post VALUES (1, 'https://hanbit.example/1', '소식', '2026-02-24', 5)")
        connection.close()
        return path

    @pytest.fixture
    def read(self, workspace, publisher):
        """Ranks the week from the publisher's database and returns what was said, and the settings file."""

        def make(**changes):
            source = {"type": "sqlite", "path": str(publisher), "articles": "SELECT * FROM post", **changes}
            site = workspace(settings_text(source=source))
            before = dump(site)
            answer = digest("articles", "top", "--date", EDITION, config=site)
            assert answer.code == 0 or dump(site) == before
            return answer, site

        return make

    @pytest.mark.parametrize(
        ("changes", "setting", "reason"),
        [
            ({"articles": "SELECT id, title FROM post"}, "source.articles", "url, published_at"),
            ({"articles": "SELECT * FROM posts"}, "source.articles", "no such table: posts"),
            ({"articles": "SELEC * FROM post"}, "source.articles", "syntax error"),
            ({"articles": "DELETE FROM post RETURNING *"}, "source.articles", "only a SELECT is allowed"),
            ({"articles": "SELECT 1; DROP TABLE post"}, "source.articles", "more than one statement"),
            ({"articles": "PRAGMA journal_mode = DELETE"}, "source.articles", "only a SELECT is allowed"),
            ({"articles": "ATTACH 'other.db' AS other"}, "source.articles", "only a SELECT is allowed"),
            ({"articles": "SELECT * FROM post WHERE id > :since"}, "source.articles", ":start_epoch and :end_epoch"),
            ({"views": "SELECT id, views FROM post"}, "source.views", "article_id, date, views"),
            ({"path": "nowhere.db"}, "source.path", "is not there, or not a file"),
        ],
    )
    def test_a_wrong_setting_is_named(self, read, publisher, changes, setting, reason):
        content = publisher.read_bytes()
        answer, site = read(**changes)
        assert answer.code == 1
        assert answer.err.startswith(f"digest: {site}: {setting}: ")
        assert answer.err.count("\n") == 1
        assert reason in answer.err
        assert publisher.read_bytes() == content

    def test_a_file_that_is_no_database_is_named(self, read, publisher):
        publisher.write_bytes(b"This is a text, and long enough to be looked at as a database." * 20)
        answer, site = read()
        assert answer.code == 1
        assert answer.err.startswith(f"digest: {site}: source.path: {publisher} is not a SQLite database")

    def test_a_locked_database_is_named_after_a_while(self, read, publisher, monkeypatch):
        monkeypatch.setattr("digest.source.database._BUSY_SECONDS", 0.1)
        connection = sqlite3.connect(publisher, isolation_level=None)
        connection.execute("BEGIN EXCLUSIVE")
        answer, site = read()
        connection.close()
        assert answer.code == 1
        assert answer.err == (
            f"digest: {site}: source.path: {publisher} is locked by another program; try again when that has finished\n"
        )

    def test_a_bad_row_is_left_out_and_noted(self, read, publisher):
        with sqlite3.connect(publisher) as connection:
            connection.execute("INSERT INTO post VALUES (2, 'nowhere', '주소 없는 소식', '2026-02-24', 5)")
        connection.close()
        answer, _ = read()
        assert answer.code == 0
        assert "1 article published" in answer.out
        assert answer.err.startswith("Note: 1 row of the publisher's database left out: line 2, column articles.url: ")
