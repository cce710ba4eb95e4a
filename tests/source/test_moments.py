"""Dates as sites write them are read as the moments and days they mean."""

from datetime import UTC, date, datetime, timedelta
from email.utils import format_datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.source.moments import parse_day, parse_moment

SEOUL = ZoneInfo("Asia/Seoul")
NEW_YORK = ZoneInfo("America/New_York")
NOON = datetime(2019, 4, 1, 3, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    [
        "2019-04-01T12:30:00+09:00",
        "2019-04-01T03:30:00Z",
        "2019-04-01t03:30:00z",
        "2019-04-01 03:30:00.999999Z",
        "2019-04-01 03:30:00.123456789+00",
        "2019-04-01 03:30:00 UTC",
        "2019-04-01T12:30+0900",
        "2019-04-01 12:30",
        "2019-04-01 12:30:00",
        " 2019-04-01  12:30:00 ",
        "2019.04.01 12:30",
        "2019. 4. 1. 12:30",
        "2019/04/01 12:30:00",
        "20190401T033000Z",
        "20190401123000",
        "201904011230",
        "Mon, 01 Apr 2019 12:30:00 +0900",
        "Mon, 1 Apr 2019 03:30:00 GMT",
        "01 Apr 2019 03:30 -0000",
        "Mon, 01 Apr 2019 12:30:00",
        "Sun, 31 Mar 2019 23:30:00 EDT",
        "1554089400",
        "1554089400.75",
        "1554089400000",
        "1554089400999",
    ],
)
def test_every_form_names_the_same_moment(text):
    moment = parse_moment(text, SEOUL)
    assert moment == NOON
    assert moment.tzinfo is UTC


@pytest.mark.parametrize("text", ["2019-04-01", "2019.04.01", "2019.04.01.", "2019/04/01", "20190401"])
def test_a_date_alone_is_local_midnight(text):
    assert parse_moment(text, SEOUL) == datetime(2019, 3, 31, 15, tzinfo=UTC)


def test_a_time_inside_a_gap_moves_forward_and_one_inside_an_overlap_is_the_first():
    assert parse_moment("2019-03-10 02:30", NEW_YORK) == datetime(2019, 3, 10, 7, 30, tzinfo=UTC)
    assert parse_moment("2019-11-03 01:30", NEW_YORK) == datetime(2019, 11, 3, 5, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "yesterday",
        "2019-02-29",
        "2019-13-01",
        "2019-04-01 25:00",
        "2019-04-01 12:30:61",
        "2019-04-01T12:30+99:00",
        "2019-04-01T12:30+09:75",
        "2019-04-01+09:00",
        "2019-04-01 12:30 KST",
        "2019-04/01",
        "1969-12-31",
        "2101-01-02",
        "0001-01-01",
        "9999-12-31T23:59:59-12:00",
        "2019",
        "201904",
        "-1",
        "4133980800",
        "99999999999999999999999",
        "9" * 5000,
        "１５５４０８９４００",
        "2458574.5",
        "Mon, 99 Apr 2019 12:30:00 +0900",
        "Mon, 01 Apr 19 12:30:00 +0900",
        "nan",
    ],
)
def test_what_is_no_date_is_refused_in_words(text):
    with pytest.raises(ValueError, match=r"\w{3}"):
        parse_moment(text, SEOUL)


def test_the_years_1970_to_2100_are_allowed_to_their_last_second():
    assert parse_moment("0", SEOUL).year == 1970
    assert parse_moment("4133980799", SEOUL) == parse_moment("2100-12-31T23:59:59Z", SEOUL)
    with pytest.raises(ValueError, match="1970 to 2100"):
        parse_moment("2101-01-01T00:00:00Z", SEOUL)


EARLIEST, LATEST = datetime(1974, 1, 1), datetime(2099, 12, 31)  # noqa: DTZ001 - hypothesis adds the zone


@given(st.datetimes(EARLIEST, LATEST, timezones=st.timezones()))
def test_what_python_writes_is_read_back_in_whole_seconds(moment):
    offset = moment.utcoffset() or timedelta()
    if moment.astimezone(UTC).astimezone(moment.tzinfo) == moment and not offset.total_seconds() % 60:
        whole = moment.replace(microsecond=0).astimezone(UTC)
        assert parse_moment(moment.isoformat(), SEOUL) == whole
        assert parse_moment(format_datetime(moment), SEOUL) == whole
        assert parse_moment(str(int(whole.timestamp() * 1000)), SEOUL) == whole


@given(st.text(max_size=30))
def test_any_text_is_a_moment_in_range_or_a_value_error(text):
    try:
        moment = parse_moment(text, SEOUL)
    except ValueError:
        return
    assert 1970 <= moment.year <= 2100
    assert moment.utcoffset() == timedelta()
    assert moment.microsecond == 0


@pytest.mark.parametrize(
    "text", ["2019-04-01", "2019.4.1", "2019/04/01", "20190401", "2019-04-01T00:00:00+09:00", "2019-04-01 00:00:00Z"]
)
def test_a_day_is_never_shifted(text):
    assert parse_day(text) == date(2019, 4, 1)


@pytest.mark.parametrize(
    "text", ["", "2019-04-01 12:30", "1554089400", "2019-02-30", "1969-12-31", "Mon", "2101-01-01"]
)
def test_what_is_no_day_is_refused_in_words(text):
    with pytest.raises(ValueError, match=r"\w{3}"):
        parse_day(text)
