"""The columns tell the kind of views; a bad row is reported and costs only itself."""

from datetime import UTC, date, datetime

import pytest

from digest.errors import SourceError
from digest.model import DatedCount, RunningTotal, ViewEvent
from digest.source import RefusedRow, read_view_file

READ_AT = datetime(2019, 4, 8, 9, 0, tzinfo=UTC)


@pytest.fixture
def read(write, options):
    def read(content, name="v.csv", **changes):
        return list(read_view_file(write(name, content), options(**changes)))

    return read


def test_dated_counts_are_of_calendar_days(read):
    assert read("article_id,date,views,extra\n007,2019-04-01,5,x\n") == [
        DatedCount(article_id="007", date=date(2019, 4, 1), views=5)
    ]


def test_events_are_moments_and_two_may_be_alike(read):
    event = ViewEvent(article_id="7", viewed_at=datetime(2019, 4, 1, 3, 30, tzinfo=UTC))
    assert read("viewed_at,article_id\n2019-04-01 12:30:00.9,7\n1554089400,7\n") == [event, event]


def test_running_totals_are_taken_when_they_say_or_when_they_are_read(read):
    rows = read("article_id,total,taken_at\n7,5,2019-04-01T00:00:00Z\n8,6,\n")
    assert [(row.total, row.taken_at) for row in rows] == [(5, datetime(2019, 4, 1, tzinfo=UTC)), (6, READ_AT)]
    assert read("article_id,total\n7,5\n") == [RunningTotal(article_id="7", total=5, taken_at=READ_AT)]


@pytest.mark.parametrize(
    ("content", "name"),
    [
        ('[{"article_id":7,"date":"2019-04-01","views":5}]', "v.json"),
        ('{"article_id":7,"date":"2019-04-01","views":5.0}\n', "v.ndjson.gz"),
        ("article_id\tdate\tviews\n7\t2019/04/01\t5.0\n", "v.tsv"),
    ],
)
def test_every_format_is_read(read, content, name):
    assert read(content, name) == [DatedCount(article_id="7", date=date(2019, 4, 1), views=5)]


def test_columns_can_be_mapped(read):
    assert read("aid,day,hits\n7,2019-04-01,5\n", mapping={"article_id": "aid", "date": "day", "views": "hits"})


@pytest.mark.parametrize(
    ("header", "row", "column", "reason"),
    [
        ("article_id,date,views", ",2019-04-01,5", "article_id", "no article_id"),
        ("article_id,date,views", "7,soon,5", "date", "not a day"),
        ("article_id,date,views", "7,2019-04-01 12:30,5", "date", "viewed_at"),
        ("article_id,date,views", "7,2019-04-01,-5", "views", "negative"),
        ("article_id,date,views", "7,2019-04-01,", "views", "no number"),
        ("article_id,date,views", "7,2019-04-01,1e3", "views", "whole number"),
        ("article_id,viewed_at", "7,soon", "viewed_at", "not a date"),
        ("article_id,total,taken_at", "7,5,soon", "taken_at", "not a date"),
        ("article_id,total", "7,x", "total", "whole number"),
        ("article_id,total", "7", "", "1 cells"),
    ],
)
def test_a_bad_row_is_refused_with_line_column_and_reason(read, header, row, column, reason):
    (refused,) = read(f"{header}\n{row}\n")
    assert isinstance(refused, RefusedRow)
    assert (refused.error.line, refused.error.column) == (2, column)
    assert reason in refused.error.reason


@pytest.mark.parametrize(
    "content", ["article_id,date,views\n7,2019-04-01,5\n7,2019/04/01,6\n", "article_id,total\n7,5\n7,6\n"]
)
def test_a_second_count_of_the_same_day_or_moment_is_refused(read, content):
    first, second = read(content)
    assert not isinstance(first, RefusedRow)
    assert "on line 2 already" in second.error.reason


@pytest.mark.parametrize(
    ("header", "words"),
    [
        ("id,hits", "article_id, date, views; or"),
        ("article_id,date,views,total", "two kinds"),
        ("article_id,date", "or"),
    ],
)
def test_columns_that_tell_no_kind_or_two_are_refused_in_words(read, header, words):
    with pytest.raises(SourceError) as caught:
        read(f"{header}\n")
    assert words in str(caught.value)
    assert header.replace(",", ", ") in str(caught.value)
