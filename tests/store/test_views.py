"""View counts as they arrive in the store."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from digest.errors import StoreError
from digest.model import DatedCount, RunningTotal, ViewEvent, Window
from digest.rank.score import count_from_totals
from digest.store.articles import Changes
from digest.store.database import open_database
from digest.store.views import (
    list_totals,
    save_dated_counts,
    save_events,
    save_totals,
    sum_dated_counts,
    sum_events,
)
from workspaces import NOW, make_article

DAY = date(2026, 3, 1)
HOUR = timedelta(hours=1)


def save(database, kind, rows) -> Changes:
    with database.transaction():
        return kind(database, rows)


def count(article_id, views, day=DAY):
    return DatedCount(article_id=article_id, date=day, views=views)


def events(*seconds, article_id="a"):
    return [ViewEvent(article_id=article_id, viewed_at=NOW + timedelta(seconds=second)) for second in seconds]


def totals(*hours_and_totals, article_id="a"):
    return [RunningTotal(article_id=article_id, total=t, taken_at=NOW + h * HOUR) for h, t in hours_and_totals]


def kept(database):
    rows = database.rows("SELECT taken_at, total FROM running_total ORDER BY article_id, taken_at")
    return [((datetime.fromtimestamp(row[0], UTC) - NOW) // HOUR, row[1]) for row in rows]


def test_dated_counts_are_replaced_and_counted_as_what_they_changed(database):
    first = [count("a", 5), count("b", 0), count("a", 7, DAY + timedelta(days=1))]
    assert save(database, save_dated_counts, first) == Changes(added=3)
    assert save(database, save_dated_counts, first) == Changes(unchanged=3)
    second = [count("a", 6), count("b", 0), count("c", 1)]
    assert save(database, save_dated_counts, second) == Changes(added=1, updated=1, unchanged=1)
    assert sum_dated_counts(database, DAY, DAY) == {"a": 6, "b": 0, "c": 1}
    assert sum_dated_counts(database, DAY, DAY + timedelta(days=1)) == {"a": 13, "b": 0, "c": 1}
    assert sum_dated_counts(database, DAY + timedelta(days=2), DAY + timedelta(days=9)) == {}


def test_a_negative_count_is_refused_and_nothing_of_its_group_is_kept(database):
    with pytest.raises(StoreError, match="CHECK"):
        save(database, save_dated_counts, [count("a", 5), count("b", -1)])
    assert sum_dated_counts(database, DAY, DAY) == {}


def test_the_same_log_again_changes_nothing_and_a_grown_one_adds_only_the_new(database):
    """Views within one second are counted, so a log read twice cannot count a view twice."""
    log = events(0, 0, 0, 5, 9) + events(0, article_id="b")
    assert save(database, save_events, log) == Changes(added=4)
    assert save(database, save_events, log) == Changes(unchanged=4)
    grown = log + events(9, 12)
    assert save(database, save_events, grown) == Changes(added=1, updated=1, unchanged=3)
    assert sum_events(database, NOW, NOW + HOUR) == {"a": 7, "b": 1}


def test_a_part_of_a_log_takes_nothing_away(database):
    save(database, save_events, events(0, 0, 0, 5))
    assert save(database, save_events, events(0)) == Changes(unchanged=1)
    assert sum_events(database, NOW, NOW + HOUR) == {"a": 4}


def test_events_are_summed_from_the_start_to_before_the_end(database):
    save(database, save_events, events(0, 1, 2))
    assert sum_events(database, NOW + timedelta(seconds=1), NOW + timedelta(seconds=2)) == {"a": 1}


def test_of_a_run_of_equal_totals_the_first_and_the_last_are_kept(database):
    for hour, total in [(0, 5), (1, 5), (2, 5), (3, 5), (4, 6), (5, 6), (6, 5)]:
        save(database, save_totals, totals((hour, total)))
    assert kept(database) == [(0, 5), (3, 5), (4, 6), (5, 6), (6, 5)]


def test_totals_may_come_in_any_order(database):
    for hour in (3, 0, 2, 4, 1):
        save(database, save_totals, totals((hour, 5)))
    assert kept(database) == [(0, 5), (4, 5)]


def test_the_same_totals_again_change_nothing(database):
    history = totals((0, 5), (1, 5), (2, 5), (3, 9), (4, 9), (5, 9), (6, 9))
    assert save(database, save_totals, history).updated == 0
    before = kept(database)
    assert save(database, save_totals, history) == Changes(unchanged=7)
    for single in history:
        assert save(database, save_totals, [single]) == Changes(unchanged=1)
    assert kept(database) == before == [(0, 5), (2, 5), (3, 9), (6, 9)]


def test_a_total_of_a_moment_may_be_corrected(database):
    save(database, save_totals, totals((0, 5), (1, 7)))
    assert save(database, save_totals, totals((1, 6))) == Changes(updated=1)
    assert kept(database) == [(0, 5), (1, 6)]


def test_totals_are_listed_from_the_newest_at_the_start_on(database):
    save(database, save_totals, totals((-5, 1), (-2, 2), (3, 4)) + totals((2, 8), article_id="b"))
    found = list_totals(database, NOW)
    assert found == {"a": tuple(totals((-2, 2), (3, 4))), "b": tuple(totals((2, 8), article_id="b"))}


HISTORY = st.lists(
    st.tuples(st.integers(1, 40), st.one_of(st.sampled_from([0, 5, 5, 5, 100]), st.integers(0, 300))),
    min_size=1,
    max_size=14,
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    steps=HISTORY,
    again=st.lists(st.integers(0, 13), max_size=5),
    hours=st.tuples(st.integers(-10, 300), st.integers(1, 200), st.integers(-50, 300)),
    is_past=st.booleans(),
)
def test_forgetting_the_middle_of_runs_loses_nothing_known(tmp_path_factory, steps, again, hours, is_past):
    """The views of any window, from what is kept, equal those from the whole history; reading parts again as well."""
    start, length, age = hours
    hour, history = 0, []
    for pause, total in steps:
        hour += pause
        history.extend(totals((hour, total)))
    window = Window(start=NOW + start * HOUR, end=NOW + (start + length) * HOUR, timezone="UTC")
    article = make_article(1, id="a", published_at=NOW + age * HOUR)
    with open_database(tmp_path_factory.mktemp("views") / "digest.db", create=True) as database:
        database.execute("PRAGMA synchronous=OFF")
        for total in history:
            save(database, save_totals, [total])
        for number in again:
            save(database, save_totals, [history[number % len(history)]])
        found = list_totals(database, window.start).get("a", ())
        before = [total for total in history if total.taken_at <= window.start][-1:]
        whole = (*before, *(total for total in history if total.taken_at > window.start))
        counted = count_from_totals(article, found, window, is_past=is_past)
        expected = count_from_totals(article, whole, window, is_past=is_past)
        runs = database.rows(
            """SELECT total, lag(total) OVER w AS before, lead(total) OVER w AS after
            FROM running_total WINDOW w AS (ORDER BY taken_at)"""
        )
    assert (counted.views, counted.kind) == (expected.views, expected.kind)
    assert not [row for row in runs if row["total"] == row["before"] == row["after"]]
