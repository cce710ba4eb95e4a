"""When a newsletter is due: one instant a date in every timezone, and what a tick has to do about it."""

import calendar
import re
from contextlib import suppress
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digest.schedule import (
    DueEditions,
    Occurrence,
    Schedule,
    due_editions,
    next_edition,
    occurrence_on,
    occurrences_between,
    parse_schedule,
    reader_moments,
)

NEW_YORK, SEOUL = ZoneInfo("America/New_York"), ZoneInfo("Asia/Seoul")
YEAR = (datetime(2025, 12, 31, 9, tzinfo=UTC), datetime(2027, 1, 1, 12, tzinfo=UTC))
MONDAYS = [date(2026, 1, 5) + timedelta(weeks=n) for n in range(52)]
CATCH_UP = timedelta(hours=36)
WEEKLY, DAILY = parse_schedule("mon 08:00"), parse_schedule("daily 08:00")


def editions(text, timezone, after, until):
    return [occurrence.edition for occurrence in occurrences_between(parse_schedule(text), timezone, after, until)]


@pytest.mark.parametrize(
    ("text", "schedule"),
    [
        ("mon 08:00", Schedule(at=time(8), weekdays=frozenset({0}))),
        ("Monday 08:00", Schedule(at=time(8), weekdays=frozenset({0}))),
        ("mon,thu 23:59", Schedule(at=time(23, 59), weekdays=frozenset({0, 3}))),
        (" SAT,  sun   00:00 ", Schedule(at=time(0), weekdays=frozenset({5, 6}))),
        ("daily 08:00", Schedule(at=time(8))),
        ("1st 08:00", Schedule(at=time(8), day_of_month=1)),
        ("28th 08:00", Schedule(at=time(8), day_of_month=28)),
        ("last 08:00", Schedule(at=time(8), day_of_month=-1)),
    ],
)
def test_a_schedule_is_read_in_any_case_and_spacing(text, schedule):
    assert parse_schedule(text) == schedule


@pytest.mark.parametrize(
    "text",
    [
        "", "mon", "08:00", "mon 8:00", "mon 24:00", "mon 08:60", "mon 08:00:30", "mon 8am", "monkey 08:00", "mo 08:00",
        "mon,,thu 08:00", "mon, 08:00", "0th 08:00", "29th 08:00", "31st 08:00", "1 08:00", "weekly 08:00",
        "월 08:00", "mon 0８:00", "mon 08:00 thu", "0 8 * * 1", "last mon 08:00",
    ],
)  # fmt: skip
def test_a_text_that_is_none_of_the_forms_is_refused_with_those_that_are(text):
    with pytest.raises(ValueError, match='"mon 08:00", "mon,thu 08:00", "daily 08:00", "1st 08:00" to "28th 08:00"'):
        parse_schedule(text)


@given(st.text(st.sampled_from("mondailst0123456789 :,thfr"), max_size=14) | st.text(max_size=14))
def test_any_other_text_is_a_value_error_too(text):
    with suppress(ValueError):
        assert isinstance(parse_schedule(text), Schedule)


def test_monday_midnight_in_new_york_is_due_in_every_week_of_2026():
    """APScheduler's cron trigger leaves out the week after the clocks go forward."""
    assert editions("mon 00:00", NEW_YORK, *YEAR) == MONDAYS


def test_half_past_one_on_the_autumn_overlap_is_one_instant_the_first():
    """01:30 comes twice on 2026-11-01; cron triggers fire twice."""
    found = list(
        occurrences_between(
            parse_schedule("sun 01:30"), NEW_YORK, datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 11, 2, tzinfo=UTC)
        )
    )
    assert found == [Occurrence(edition=date(2026, 11, 1), due_at=datetime(2026, 11, 1, 5, 30, tzinfo=UTC))]


def test_a_time_inside_the_spring_gap_moves_forward():
    occurrence = occurrence_on(parse_schedule("daily 02:30"), date(2026, 3, 8), NEW_YORK)
    assert occurrence.due_at == datetime(2026, 3, 8, 7, 30, tzinfo=UTC)
    assert occurrence.due_at.astimezone(NEW_YORK).time() == time(3, 30)


@pytest.mark.parametrize("clock", ["00:00", "01:30", "02:30", "23:45"])
def test_in_every_timezone_each_monday_of_2026_is_due_exactly_once(clock):
    schedule = parse_schedule(f"mon {clock}")
    for zone in sorted(available_timezones()):
        due = [occurrence_on(schedule, monday, ZoneInfo(zone)) for monday in MONDAYS]
        gaps = {later.due_at - earlier.due_at for earlier, later in pairwise(due)}
        assert min(gaps) > timedelta(days=6, hours=20), zone
        assert max(gaps) < timedelta(days=7, hours=4), zone


@pytest.mark.parametrize("zone", ["America/New_York", "Asia/Seoul", "Australia/Lord_Howe", "Pacific/Kiritimati",
                                  "Africa/Casablanca", "America/Nuuk", "Africa/Cairo", "Etc/GMT+12"])  # fmt: skip
@pytest.mark.parametrize("clock", ["00:00", "02:15", "23:59"])
def test_polling_finds_each_date_once_however_the_ticks_fall(zone, clock):
    """What one tick looks at begins where the last one ended, so nothing falls between and nothing comes twice."""
    schedule, found, moment = parse_schedule(f"daily {clock}"), [], YEAR[0]
    while moment < YEAR[1]:
        until = moment + timedelta(hours=7, minutes=13)
        found += occurrences_between(schedule, ZoneInfo(zone), moment, until)
        moment = until
    dates = [occurrence.edition for occurrence in found]
    assert dates == [dates[0] + timedelta(days=n) for n in range(len(dates))]
    assert date(2026, 1, 1) in dates
    assert date(2026, 12, 31) in dates
    assert [o.due_at for o in found] == sorted({o.due_at for o in found})


def test_an_occurrence_that_a_gap_moves_past_midnight_is_found_on_the_day_after():
    """Nuuk's clocks go from 23:00 on 2026-03-28 to midnight: 23:30 of that date comes at 00:30 of the next."""
    after = datetime(2026, 3, 29, 1, 15, tzinfo=UTC)
    assert editions("daily 23:30", ZoneInfo("America/Nuuk"), after, after + timedelta(minutes=30)) == [
        date(2026, 3, 28)
    ]


@given(
    day=st.dates(date(1990, 1, 1), date(2037, 12, 31)),
    at=st.times(),
    zone=st.sampled_from(sorted(available_timezones())),
)
@settings(deadline=None)
def test_an_occurrence_is_utc_and_falls_on_its_edition_date_unless_that_date_does_not_exist(day, at, zone):
    timezone = ZoneInfo(zone)
    due_at = occurrence_on(Schedule(at=at), day, timezone).due_at
    local = due_at.astimezone(timezone)
    assert due_at.utcoffset() == timedelta()
    is_skipped_date = local.date() != day
    assert not is_skipped_date or local.date() - day == timedelta(days=1)
    assert local.replace(tzinfo=None) >= datetime.combine(day, at)


def test_monthly_schedules_fall_on_their_day_of_every_month():
    assert editions("1st 08:00", SEOUL, *YEAR) == [date(2026, month, 1) for month in range(1, 13)] + [date(2027, 1, 1)]
    assert editions("28th 08:00", SEOUL, *YEAR) == [date(2026, month, 28) for month in range(1, 13)]


def test_last_is_the_last_day_of_every_month_leap_years_too():
    after, until = datetime(2028, 1, 1, tzinfo=UTC), datetime(2029, 1, 1, tzinfo=UTC)
    lengths = [calendar.monthrange(2028, month)[1] for month in range(1, 13)]
    assert editions("last 08:00", SEOUL, after, until) == [date(2028, m, day) for m, day in enumerate(lengths, 1)]
    assert lengths[1] == 29


def test_several_weekdays_are_due_on_each_of_them():
    found = editions("mon,thu 08:00", SEOUL, datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 3, 15, tzinfo=UTC))
    assert found == [date(2026, 3, 2), date(2026, 3, 5), date(2026, 3, 9), date(2026, 3, 12)]


def test_the_span_of_occurrences_leaves_its_start_out_and_takes_its_end_in():
    due_at = occurrence_on(WEEKLY, date(2026, 3, 2), SEOUL).due_at
    week = timedelta(weeks=1)
    assert [o.edition for o in occurrences_between(WEEKLY, SEOUL, due_at - week, due_at)] == [date(2026, 3, 2)]
    assert [o.edition for o in occurrences_between(WEEKLY, SEOUL, due_at, due_at + week)] == [date(2026, 3, 9)]


def test_an_editor_works_on_todays_edition_all_day_and_on_the_next_one_after_it():
    assert next_edition(WEEKLY, SEOUL, datetime(2026, 3, 1, 15, 0, tzinfo=UTC)) == date(2026, 3, 2)
    assert next_edition(WEEKLY, SEOUL, datetime(2026, 3, 2, 14, 59, tzinfo=UTC)) == date(2026, 3, 2)
    assert next_edition(WEEKLY, SEOUL, datetime(2026, 3, 2, 15, 0, tzinfo=UTC)) == date(2026, 3, 9)


def due(schedule, now, *, known=(), last=None, timezone=SEOUL):
    return due_editions(schedule, timezone, known=frozenset(known), last_scheduled=last, now=now, catch_up=CATCH_UP)


def march(day, hour=0, minute=0, second=0):
    """A moment of March 2026 in Seoul."""
    return datetime(2026, 3, day, hour, minute, second, tzinfo=SEOUL).astimezone(UTC)


def dates(found: DueEditions):
    in_time = found.in_time and found.in_time.edition
    return [occurrence.edition for occurrence in found.too_late], in_time


def test_an_edition_is_due_from_its_instant_on():
    assert dates(due(WEEKLY, march(2, 7, 59, 59))) == ([], None)
    assert dates(due(WEEKLY, march(2, 8))) == ([], date(2026, 3, 2))


def test_an_edition_may_be_sent_until_the_catch_up_limit_and_is_too_late_from_then_on():
    last = date(2026, 2, 23)
    assert dates(due(WEEKLY, march(3, 19, 59, 59), known=[last], last=last)) == ([], date(2026, 3, 2))
    assert dates(due(WEEKLY, march(3, 20), known=[last], last=last)) == ([date(2026, 3, 2)], None)


def test_a_new_workspace_does_not_begin_with_a_history_of_omissions():
    assert dates(due(WEEKLY, march(4, 12))) == ([], None)
    assert dates(due(DAILY, march(4, 12))) == ([date(2026, 3, 3)], date(2026, 3, 4))


def test_after_a_long_silence_everything_missed_is_recorded_oldest_first_and_the_newest_in_time_is_sent():
    last = date(2026, 2, 26)
    missed = [date(2026, 2, 27), date(2026, 2, 28), date(2026, 3, 1), date(2026, 3, 2)]
    assert dates(due(DAILY, march(3, 9), known=[last], last=last)) == (missed, date(2026, 3, 3))


def test_an_edition_that_is_overtaken_by_a_newer_one_in_time_is_not_sent_after_it():
    """Both are within the limit; readers get the newer one only."""
    last = date(2026, 3, 1)
    assert dates(due(DAILY, march(3, 8, 1), known=[last], last=last)) == ([date(2026, 3, 2)], date(2026, 3, 3))


def test_editions_that_have_an_issue_are_never_repeated_in_whatever_state_it_is():
    known = [date(2026, 3, 1), date(2026, 3, 2), date(2026, 3, 3)]
    assert dates(due(DAILY, march(3, 9), known=known, last=known[0])) == ([], None)
    assert dates(due(DAILY, march(3, 9), known=known[:2], last=known[1])) == ([], date(2026, 3, 3))


def test_a_schedule_moved_to_a_later_hour_does_not_send_the_same_edition_again():
    sent = date(2026, 3, 2)
    assert dates(due(parse_schedule("mon 20:00"), march(2, 21), known=[sent], last=sent)) == ([], None)


def test_a_schedule_that_is_changed_does_not_send_an_older_edition_than_the_last():
    """Sent on Monday, then changed to Sundays: yesterday is within the limit, but nobody waits for it."""
    sent = date(2026, 3, 2)
    assert dates(due(parse_schedule("sun 20:00"), march(2, 15), known=[sent], last=sent)) == ([], None)
    assert dates(due(parse_schedule("sun 20:00"), march(8, 20), known=[sent], last=sent)) == ([], date(2026, 3, 8))


def test_editions_that_a_clock_in_the_future_recorded_do_not_stop_the_schedule():
    wrong = date(2027, 3, 1)
    assert dates(due(WEEKLY, march(2, 9), known=[wrong], last=wrong)) == ([], date(2026, 3, 2))


@given(
    text=st.sampled_from(["mon 08:00", "daily 01:30", "mon,thu 00:00", "last 23:59"]),
    zone=st.sampled_from(["America/New_York", "Asia/Seoul", "Australia/Lord_Howe"]),
    waits=st.lists(st.integers(1, 200), min_size=1, max_size=25),
)
@settings(deadline=None)
def test_whenever_ticks_come_every_edition_is_dealt_with_once_and_in_order(text, zone, waits):
    """Ticks hours or days apart: each edition is either begun or recorded as missed, and never both or twice."""
    schedule, timezone, now = parse_schedule(text), ZoneInfo(zone), datetime(2026, 2, 20, tzinfo=UTC)
    first = next(occurrences_between(schedule, timezone, now, now + timedelta(days=40)))
    known, dealt_with = {first.edition}, []
    now = first.due_at
    for hours in waits:
        now += timedelta(hours=hours)
        found = due(schedule, now, known=known, last=max(known), timezone=timezone)
        assert found.in_time is None or now - found.in_time.due_at < CATCH_UP
        dealt_with += [*found.too_late, *([found.in_time] if found.in_time else [])]
        known |= {occurrence.edition for occurrence in dealt_with}
    assert dealt_with == list(occurrences_between(schedule, timezone, first.due_at, now))


# Where readers live


AUCKLAND, LONDON, HONOLULU = "Pacific/Auckland", "Europe/London", "Pacific/Honolulu"
READERS = (AUCKLAND, "Asia/Seoul", LONDON, "America/New_York", HONOLULU)
MONDAY, EIGHT = date(2026, 3, 2), time(8)


def test_readers_get_an_edition_at_its_time_of_day_where_they_live():
    moments = reader_moments(MONDAY, EIGHT, SEOUL, READERS)
    assert {name: moment.astimezone(SEOUL) for name, moment in moments.items()} == {
        "": datetime(2026, 3, 2, 8, tzinfo=SEOUL),
        AUCKLAND: datetime(2026, 3, 2, 4, tzinfo=SEOUL),
        "Asia/Seoul": datetime(2026, 3, 2, 8, tzinfo=SEOUL),
        LONDON: datetime(2026, 3, 2, 17, tzinfo=SEOUL),
        "America/New_York": datetime(2026, 3, 2, 22, tzinfo=SEOUL),
        HONOLULU: datetime(2026, 3, 3, 3, tzinfo=SEOUL),
    }
    assert {moment.utcoffset() for moment in moments.values()} == {timedelta()}


def test_the_page_on_pacing_shows_these_moments():
    page = (Path(__file__).parents[1] / "docs" / "pacing.md").read_text("utf-8")
    rows = re.findall(r"^\| [\w ]+ \| `(\w+/\w+)` \| (\S+ \S+) \| (\S+ \S+) \|$", page, re.MULTILINE)
    moments = reader_moments(MONDAY, EIGHT, SEOUL, READERS)
    assert rows == [
        (name, f"{moments[name].astimezone(ZoneInfo(name)):%F %H:%M}", f"{moments[name].astimezone(SEOUL):%F %H:%M}")
        for name in READERS
    ]


def test_nobody_gets_an_edition_before_its_date_has_begun_where_the_newsletter_lives():
    honolulu = ZoneInfo(HONOLULU)
    assert reader_moments(MONDAY, EIGHT, honolulu, [AUCKLAND])[AUCKLAND] == datetime(2026, 3, 2, tzinfo=honolulu)


@pytest.mark.parametrize(
    "name", ["", "Mars/Olympus", "Asia", "../etc/passwd", "/etc/localtime", "a\0b", "한국", "x" * 300]
)
def test_a_name_that_no_timezone_has_means_the_newsletters_own(name):
    moments = reader_moments(MONDAY, EIGHT, SEOUL, [name])
    assert moments[name] == moments[""] == occurrence_on(WEEKLY, MONDAY, SEOUL).due_at


def test_readers_have_their_own_summer_time():
    """2026-03-08 is a day of 23 hours in New York: 02:30 comes as 03:30. 2026-11-01 has 01:30 twice."""
    spring = reader_moments(date(2026, 3, 8), time(2, 30), SEOUL, ["America/New_York"])["America/New_York"]
    autumn = reader_moments(date(2026, 11, 1), time(1, 30), SEOUL, ["America/New_York"])["America/New_York"]
    assert spring == datetime(2026, 3, 8, 7, 30, tzinfo=UTC)
    assert autumn == datetime(2026, 11, 1, 5, 30, tzinfo=UTC)


@pytest.mark.parametrize("text", ["mon 08:00", "mon,thu 08:00", "2nd 08:00"])
def test_an_edition_is_begun_at_the_moment_of_the_first_reader(text):
    schedule, last = parse_schedule(text), date(2026, 2, 26)

    def begun_at(now):
        found = due_editions(
            schedule, SEOUL, known=frozenset([last]), last_scheduled=last, now=now, catch_up=CATCH_UP, readers=READERS
        )
        return dates(found)

    assert begun_at(march(2, 3, 59, 59)) == ([], None)
    assert begun_at(march(2, 4)) == ([], MONDAY)


def test_how_late_an_edition_is_counts_from_the_newsletters_own_moment():
    """The first reader's moment was 04:00; at 16:00 of the day after, that is 36 hours ago, and 08:00 is not."""
    last = date(2026, 2, 23)
    values = {"known": frozenset([last]), "last_scheduled": last, "catch_up": CATCH_UP, "readers": READERS}
    assert dates(due_editions(WEEKLY, SEOUL, now=march(3, 19, 59, 59), **values)) == ([], MONDAY)
    assert dates(due_editions(WEEKLY, SEOUL, now=march(3, 20), **values)) == ([MONDAY], None)


def test_an_edition_that_was_begun_early_is_not_begun_again():
    values = {"known": frozenset([MONDAY]), "last_scheduled": MONDAY, "catch_up": CATCH_UP, "readers": READERS}
    for hour in range(4, 24):
        assert dates(due_editions(WEEKLY, SEOUL, now=march(2, hour), **values)) == ([], None)


@given(
    zone=st.sampled_from(["America/New_York", "Asia/Seoul", "Australia/Lord_Howe", "Pacific/Kiritimati", HONOLULU]),
    text=st.sampled_from(["mon 08:00", "daily 01:30", "mon,thu 00:00", "last 23:59"]),
    readers=st.frozensets(st.sampled_from([*READERS, "", "Mars/Olympus", "Pacific/Kiritimati"])),
    waits=st.lists(st.integers(1, 100), min_size=1, max_size=25),
)
@settings(deadline=None)
def test_with_readers_everywhere_every_edition_is_still_dealt_with_once_and_in_order(zone, text, readers, waits):
    schedule, timezone, now = parse_schedule(text), ZoneInfo(zone), datetime(2026, 2, 20, tzinfo=UTC)
    first = next(occurrences_between(schedule, timezone, now, now + timedelta(days=40)))
    known, dealt_with = {first.edition}, []
    now = first.due_at
    for hours in waits:
        now += timedelta(hours=hours)
        found = due_editions(
            schedule, timezone, known=frozenset(known), last_scheduled=max(known), now=now, catch_up=CATCH_UP,
            readers=readers,
        )  # fmt: skip
        begun = [found.in_time] if found.in_time else []
        for occurrence in begun:
            assert min(reader_moments(occurrence.edition, schedule.at, timezone, readers).values()) <= now
            assert occurrence.edition <= now.astimezone(timezone).date()
        dealt_with += [*found.too_late, *begun]
        known |= {occurrence.edition for occurrence in dealt_with}
    expected = occurrences_between(schedule, timezone, first.due_at, now + timedelta(days=3))
    moments = {o.edition: min(reader_moments(o.edition, schedule.at, timezone, readers).values()) for o in expected}
    assert [o.edition for o in dealt_with] == [edition for edition, moment in moments.items() if moment <= now]
