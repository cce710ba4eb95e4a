"""Windows are whole local days, however long those are, and windows that follow one another leave nothing out."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digest.model import Window
from digest.rank.window import counted_days, since_last, whole_days_before

ZONES = sorted(available_timezones())
NEW_YORK = ZoneInfo("America/New_York")
# From 2012 on: before that some zones set their clocks back across midnight, and a date came twice.
DAYS = st.dates(date(2012, 1, 1), date(2037, 12, 1))
MOMENTS = st.datetimes(datetime(2012, 1, 1), datetime(2037, 12, 1), timezones=st.just(UTC))  # noqa: DTZ001


@pytest.mark.parametrize(
    ("zone", "edition", "hours"),
    [
        ("Asia/Seoul", date(2026, 3, 9), 168),
        ("America/New_York", date(2026, 3, 9), 167),
        ("America/New_York", date(2026, 11, 2), 169),
        ("Australia/Lord_Howe", date(2026, 4, 6), 168.5),
        ("Australia/Lord_Howe", date(2026, 10, 5), 167.5),
        ("Pacific/Apia", date(2012, 1, 2), 144),
        ("America/Sao_Paulo", date(2018, 11, 5), 167),
        ("Africa/Cairo", date(2026, 4, 27), 167),
    ],
)
def test_seven_days_are_whole_local_days_over_every_change_of_clocks(zone, edition, hours):
    """Samoa left out 2011-12-30; Sao Paulo and Cairo set clocks forward at midnight, so that a day begins at 01:00."""
    window = whole_days_before(edition, 7, ZoneInfo(zone))
    assert (window.end - window.start) / timedelta(hours=1) == hours
    assert window.timezone == zone
    for moment, day in ((window.start, edition - timedelta(days=7)), (window.end, edition)):
        just_before = (moment - timedelta(microseconds=1)).astimezone(ZoneInfo(zone))
        assert moment.astimezone(ZoneInfo(zone)).date() == day
        assert just_before.date() < day


@given(edition=DAYS, days=st.integers(1, 40), zone=st.sampled_from(ZONES))
@settings(deadline=None)
def test_windows_of_whole_days_tile(edition, days, zone):
    """The next window begins in the very instant in which this one ends."""
    timezone = ZoneInfo(zone)
    first = whole_days_before(edition, days, timezone)
    second = whole_days_before(edition + timedelta(days=days), days, timezone)
    assert first.end == second.start
    assert first.start < first.end
    assert first.start.utcoffset() == timedelta()


@given(edition=DAYS, days=st.integers(1, 40), zone=st.sampled_from(ZONES))
@settings(deadline=None)
def test_dated_counts_of_whole_days_are_the_days_before_the_edition(edition, days, zone):
    if zone in ("Pacific/Fakaofo", "Pacific/Apia"):  # they have no 2011-12-30, and a window may touch it
        edition = max(edition, date(2012, 3, 1))
    window = whole_days_before(edition, days, ZoneInfo(zone))
    assert counted_days(window) == (edition - timedelta(days=days), edition - timedelta(days=1))


@given(moments=st.lists(MOMENTS, min_size=3, max_size=12, unique=True), zone=st.sampled_from(ZONES))
@settings(deadline=None)
def test_windows_that_tile_count_each_day_once(moments, zone):
    """Whenever since-last issues end, every calendar day between the first and the last belongs to just one of them."""
    counted = []
    for start, end in pairwise(sorted(moments)):
        first, last = counted_days(Window(start=start, end=end, timezone=zone))
        counted += [first + timedelta(days=n) for n in range((last - first).days + 1)]
    assert counted == sorted(set(counted))
    begin, end = (moment.astimezone(ZoneInfo(zone)).date() for moment in (min(moments), max(moments)))
    assert counted == [begin + timedelta(days=n) for n in range((end - begin).days)]


def test_a_since_last_window_begins_where_the_previous_one_ended():
    previous_end = datetime(2026, 3, 2, 9, 17, tzinfo=UTC)
    until = datetime(2026, 3, 5, 20, 3, tzinfo=UTC)
    window = since_last(previous_end, until, date(2026, 3, 5), NEW_YORK)
    assert (window.start, window.end, window.timezone) == (previous_end, until, "America/New_York")


def test_the_first_since_last_window_covers_seven_local_days_and_today_so_far():
    until = datetime(2026, 3, 9, 12, 30, tzinfo=UTC)
    window = since_last(None, until, date(2026, 3, 9), NEW_YORK)
    assert (window.start, window.end) == (datetime(2026, 3, 2, 5, tzinfo=UTC), until)


def test_a_since_last_window_never_ends_before_it_begins():
    previous_end = datetime(2026, 3, 9, tzinfo=UTC)
    window = since_last(previous_end, previous_end - timedelta(hours=5), date(2026, 3, 8), NEW_YORK)
    assert window.start == window.end == previous_end
    first, last = counted_days(window)
    assert last < first


@given(moments=st.lists(MOMENTS, min_size=2, max_size=8, unique=True), zone=st.sampled_from(ZONES))
@settings(deadline=None)
def test_since_last_windows_tile_whenever_they_are_sent(moments, zone):
    timezone = ZoneInfo(zone)
    end, windows = None, []
    for moment in sorted(moments):
        windows.append(since_last(end, moment, moment.astimezone(timezone).date(), timezone))
        end = windows[-1].end
    assert all(earlier.end == later.start for earlier, later in pairwise(windows))
    assert windows[-1].end == max(moments)
