"""Views come in as dated counts, as events or as running totals, and from several files at once."""

import gzip

import pytest

from command_line import digest, dump
from week_of_news import ARTICLES, EDITION, VIEWS


@pytest.fixture
def articles(site, write):
    assert digest("articles", "import", write("articles.csv", ARTICLES), config=site).code == 0
    return site


def ranked(site, date=EDITION):
    rows = digest("articles", "top", "--date", date, "--json", config=site).json
    return [(row["id"], row["views"]) for row in rows if row["views"]]


def test_importing_twice_changes_nothing(articles, write):
    file = write("views.csv", VIEWS)
    assert digest("views", "import", file, config=articles).out == (f"{file}: 6 counts added, 0 updated, 0 unchanged\n")
    before = dump(articles)
    assert digest("views", "import", file, config=articles).out == (f"{file}: 0 counts added, 0 updated, 6 unchanged\n")
    assert dump(articles) == before


def test_a_later_count_of_a_day_replaces_the_earlier(articles, write):
    digest("views", "import", write("views.csv", VIEWS), config=articles)
    digest("views", "import", write("more.csv", "article_id,date,views\n007,2026-02-24,150\n"), config=articles)
    assert ranked(articles)[0] == ("007", 1050)


def test_events_are_counted(articles, write):
    lines = ["article_id,viewed_at", *["009,2026-02-26 08:00:00"] * 3, "008,2026-02-27 09:00:00"]
    file = write("events.csv", "\n".join(lines))
    digest("views", "import", file, config=articles)
    assert ranked(articles) == [("009", 3), ("008", 1)]
    digest("views", "import", file, config=articles)
    assert ranked(articles) == [("009", 3), ("008", 1)]


def test_running_totals_become_deltas(articles, write):
    totals = """article_id,total,taken_at
009,1000,2026-02-23 00:00
009,1500,2026-02-27 00:00
009,1450,2026-02-28 00:00
009,1700,2026-03-02 00:00
009,9999,2026-03-03 00:00
"""
    digest("views", "import", write("totals.csv", totals), config=articles)
    assert ranked(articles) == [("009", 700)]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("views.tsv", VIEWS.replace(",", "\t")),
        ("views.json", '[{"article_id": "007", "date": "2026-02-24", "views": 100}]'),
        ("views.ndjson", '{"article_id": "007", "date": "2026-02-24", "views": "100"}\n'),
        ("views.csv.gz", gzip.compress(VIEWS.encode(), mtime=0)),
        ("views.CSV", VIEWS),
        ("views.csv", "\ufeff" + VIEWS),
    ],
)
def test_every_format_is_told_by_its_name(articles, write, name, content):
    answer = digest("views", "import", write(name, content), config=articles)
    assert answer.code == 0, answer.err
    assert ranked(articles)[0][0] == "007"


def test_a_format_can_be_said(articles, write):
    answer = digest("views", "import", "--format", "csv", write("views.txt", VIEWS), config=articles)
    assert answer.code == 0


def test_several_files_are_imported_in_order(articles, write):
    first, second = write("1.csv", VIEWS), write("2.csv", VIEWS.replace("900", "950"))
    rows = digest("views", "import", first, second, "--json", config=articles).json
    assert [(row["file"], row["added"], row["updated"]) for row in rows] == [(str(first), 6, 0), (str(second), 0, 1)]


def test_json_of_earlier_files_is_printed_when_a_later_one_fails(articles, write):
    answer = digest("views", "import", write("1.csv", VIEWS), "nowhere.csv", "--json", config=articles)
    assert answer.code == 1
    assert [row["added"] for row in answer.json] == [6]
    assert "nowhere.csv" in answer.err
