"""On which days and at which hours messages go, in every timezone and through its summer time."""

import re
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digest.deliver.plan import (
    allowance,
    days_needed,
    is_open,
    next_closing,
    next_day,
    next_opening,
    remaining,
    start_of_day,
)
from digest.settings import DeliverySettings, WarmUpSettings

SEOUL, NEW_YORK, CAIRO = ZoneInfo("Asia/Seoul"), ZoneInfo("America/New_York"), ZoneInfo("Africa/Cairo")
DAYTIME, NIGHT = (time(8), time(21)), (time(22), time(6))
MINUTE = timedelta(minutes=1)
MOMENTS = st.datetimes(datetime(2015, 1, 1), datetime(2037, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001
ZONES = st.sampled_from(sorted(available_timezones())).map(ZoneInfo)
TIMES = st.times().map(lambda at: at.replace(second=0, microsecond=0))
HOURS = st.tuples(TIMES, TIMES).filter(lambda hours: hours[0] != hours[1])
PLAN = WarmUpSettings(start=date(2026, 3, 2))


def seoul(day, hour=0, minute=0):
    return datetime(2026, 3, day, hour, minute, tzinfo=SEOUL)


# Sending hours


@pytest.mark.parametrize(
    ("hours", "clock", "expected"),
    [
        (DAYTIME, time(7, 59, 59), False), (DAYTIME, time(8), True), (DAYTIME, time(20, 59, 59), True),
        (DAYTIME, time(21), False), (NIGHT, time(21, 59), False), (NIGHT, time(22), True), (NIGHT, time(0), True),
        (NIGHT, time(5, 59), True), (NIGHT, time(6), False), (None, time(3), True),
    ],
)  # fmt: skip
def test_hours_include_their_begin_and_not_their_end_and_may_run_over_midnight(hours, clock, expected):
    assert is_open(hours, datetime.combine(date(2026, 3, 2), clock, tzinfo=SEOUL), SEOUL) is expected


def test_hours_are_read_from_the_settings():
    assert DeliverySettings(hours="08:00-21:00").sending_hours == DAYTIME
    assert DeliverySettings().sending_hours is None


def test_sending_goes_on_at_the_next_opening_and_stops_at_the_next_closing():
    assert next_opening(DAYTIME, seoul(2, 7), SEOUL) == seoul(2, 8)
    assert next_opening(DAYTIME, seoul(2, 22), SEOUL) == seoul(3, 8)
    assert next_closing(DAYTIME, seoul(2, 9, 17), SEOUL) == seoul(2, 21)
    assert next_closing(NIGHT, seoul(2, 23), SEOUL) == seoul(3, 6)


def test_what_is_open_opens_now_and_what_is_closed_closes_now():
    now = seoul(2, 9) + timedelta(seconds=17.5)
    assert next_opening(DAYTIME, now, SEOUL) == now
    assert next_closing(NIGHT, now, SEOUL) == now


def test_without_hours_it_is_open_now_and_never_closes():
    assert next_opening(None, seoul(2, 3), SEOUL) == seoul(2, 3)
    assert next_closing(None, seoul(2, 3), SEOUL) is None


def test_an_opening_inside_the_spring_gap_is_the_end_of_the_gap():
    """2026-03-08 in New York: at 02:00 the clock shows 03:00."""
    hours = (time(2, 30), time(12))
    assert next_opening(hours, datetime(2026, 3, 8, 6, 0, tzinfo=UTC), NEW_YORK) == datetime(2026, 3, 8, 7, tzinfo=UTC)


def test_hours_that_lie_inside_the_gap_open_on_the_day_after():
    hours = (time(2, 10), time(2, 50))
    opening = next_opening(hours, datetime(2026, 3, 8, 5, 0, tzinfo=UTC), NEW_YORK)
    assert opening == datetime(2026, 3, 9, 2, 10, tzinfo=NEW_YORK)


def test_an_hour_that_comes_twice_in_autumn_is_open_twice():
    """2026-11-01 in New York: 01:00 to 02:00 comes twice."""
    hours = (time(1), time(1, 30))
    first = next_closing(hours, datetime(2026, 11, 1, 5, 0, tzinfo=UTC), NEW_YORK)
    assert first == datetime(2026, 11, 1, 5, 30, tzinfo=UTC)
    assert next_opening(hours, first, NEW_YORK) == datetime(2026, 11, 1, 6, 0, tzinfo=UTC)


@given(hours=HOURS, moment=MOMENTS, timezone=ZONES)
@settings(deadline=None, max_examples=50)
def test_the_next_opening_is_open_and_every_minute_before_it_is_not(hours, moment, timezone):
    opening = next_opening(hours, moment, timezone)
    assert opening.utcoffset() == timedelta()
    assert moment <= opening <= moment + timedelta(days=2, hours=2)
    assert is_open(hours, opening, timezone)
    assert opening == moment or not is_open(hours, opening - MINUTE, timezone)
    closing = next_closing(hours, opening, timezone)
    assert opening < closing <= opening + timedelta(days=2, hours=2)
    assert not is_open(hours, closing, timezone)
    assert is_open(hours, closing - timedelta(microseconds=1), timezone)


# Days


def test_a_day_is_that_of_the_timezone():
    moment = datetime(2026, 3, 1, 15, 30, tzinfo=UTC)
    assert start_of_day(moment, SEOUL) == seoul(2)
    assert next_day(moment, SEOUL) == seoul(3)
    assert start_of_day(moment, NEW_YORK) == datetime(2026, 3, 1, 5, tzinfo=UTC)


def test_a_day_without_a_midnight_begins_where_the_gap_ends():
    """2026-04-24 in Cairo: at 00:00 the clock shows 01:00."""
    assert next_day(datetime(2026, 4, 23, 12, tzinfo=UTC), CAIRO) == datetime(2026, 4, 23, 22, tzinfo=UTC)


@given(moment=MOMENTS, timezone=ZONES)
@settings(deadline=None)
def test_a_moment_lies_within_its_day_and_days_follow_one_another(moment, timezone):
    start, end = start_of_day(moment, timezone), next_day(moment, timezone)
    assert start <= moment < end
    assert timedelta(hours=22) < end - start < timedelta(hours=26)
    assert start_of_day(end, timezone) == end
    assert {at.astimezone(timezone).date() for at in (start, end - timedelta(microseconds=1))} == {
        moment.astimezone(timezone).date()
    }


# Warm-up


def test_each_day_allows_the_factor_times_the_day_before_rounded_down():
    days = [allowance(PLAN, date(2026, 3, 2) + timedelta(days=n)) for n in range(6)]
    assert days == [500, 750, 1125, 1687, 2531, 3796]


def test_after_its_days_the_plan_holds_nothing_back():
    assert allowance(PLAN, date(2026, 3, 31)) == int(500 * 1.5**29)
    assert allowance(PLAN, date(2026, 4, 1)) is None
    assert allowance(None, date(2026, 3, 2)) is None


def test_before_its_start_no_more_may_go_than_on_the_first_day():
    assert allowance(PLAN, date(2026, 3, 1)) == allowance(PLAN, date(2020, 1, 1)) == 500


def test_the_figures_are_exact():
    """As floats, 100 * 1.15 is 114.99999999999999; and ten to the 364th is no float at all."""
    assert allowance(WarmUpSettings(start=date(2026, 3, 1), first_day=100, factor=1.15), date(2026, 3, 2)) == 115
    steep = WarmUpSettings(start=date(2026, 1, 1), first_day=1, factor=10, days=365)
    assert allowance(steep, date(2026, 12, 31)) == 10**364


def test_what_remains_is_what_is_allowed_today_less_what_went_and_never_negative():
    evening = datetime(2026, 3, 2, 15, 30, tzinfo=UTC)
    assert remaining(PLAN, 700, evening, SEOUL) == 50
    assert remaining(PLAN, 700, evening, ZoneInfo("UTC")) == 0
    assert remaining(None, 700, evening, SEOUL) is None


@pytest.mark.parametrize(
    ("count", "sent_today", "days"),
    [(0, 0, 1), (500, 0, 1), (501, 0, 2), (500, 1, 2), (500, 9999, 2), (1250, 0, 2), (10_000, 0, 6), (10**9, 0, 31)],
)
def test_an_issue_needs_as_many_days_as_the_plan_makes_of_it(count, sent_today, days):
    assert days_needed(PLAN, count, seoul(2, 8), sent_today, SEOUL) == days


def test_without_a_plan_or_after_it_one_day_is_enough():
    assert days_needed(None, 10**6, seoul(2, 8), 5, SEOUL) == 1
    assert days_needed(PLAN, 10**6, datetime(2026, 4, 1, tzinfo=SEOUL), 10**6, SEOUL) == 1


@given(
    first_day=st.integers(1, 1000),
    factor=st.floats(1, 10),
    days=st.integers(1, 60),
    offset=st.integers(-20, 70),
    count=st.integers(0, 10_000),
    sent_today=st.integers(0, 2000),
)
@settings(deadline=None)
def test_day_by_day_the_issue_ends_on_the_day_that_was_said(*, first_day, factor, days, offset, count, sent_today):
    plan = WarmUpSettings(start=date(2026, 3, 2), first_day=first_day, factor=factor, days=days)
    moment = seoul(2, 8) + timedelta(days=offset)
    said = days_needed(plan, count, moment, sent_today, SEOUL)
    went, left = sent_today, count
    for day in range(said):
        assert left > 0 or day == 0
        left -= min(left, left if (rest := remaining(plan, went, moment, SEOUL)) is None else rest)
        went, moment = 0, next_day(moment, SEOUL)
    assert left == 0


def test_the_page_shows_the_plan_as_it_is():
    section = (Path(__file__).parents[2] / "docs" / "pacing.md").read_text("utf-8").partition("# Warm up")[2]
    rows = re.findall(r"\| (\d{4}-\d\d-\d\d) \| ([\d,]+) \| ([\d,]+) \|", section)
    readers, sent, expected = 10_000, 0, []
    for day, _, _ in rows:
        allowed = allowance(PLAN, date.fromisoformat(day))
        sent = min(readers, sent + allowed)
        expected.append((day, f"{allowed:,}", f"{sent:,}"))
    assert rows == expected
    assert sent == readers
    assert len(rows) == days_needed(PLAN, readers, seoul(2, 8), 0, SEOUL)
