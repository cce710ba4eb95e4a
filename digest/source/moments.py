"""Dates as sites write them → moments in UTC, and calendar days.

A moment without a zone is in the site's timezone; one inside a spring gap moves forward, one inside an autumn overlap
is the first of the two.
"""

import re
from datetime import UTC, date, datetime, timedelta, timezone
from email.utils import parsedate_to_datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

_FIRST_YEAR, _LAST_YEAR = 1970, 2100
_MILLISECOND_DIGITS = 12
"""Seconds have so many digits only from the year 5138 on; milliseconds have them since March 1973."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LAST_UNIX_SECOND = int(datetime(_LAST_YEAR, 12, 31, 23, 59, 59, tzinfo=UTC).timestamp())
_WRITTEN = re.compile(
    r"(?P<year>\d{4})(?P<mark>-|/|\.\s?)(?P<month>\d{1,2})(?P=mark)(?P<day>\d{1,2})\.?"
    r"(?:(?:T|\s+)(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2})(?:[.,]\d+)?)?"
    r"\s*(?P<zone>Z|UTC|GMT|[+-]\d{2}(?::?\d{2})?)?)?",
    re.ASCII | re.IGNORECASE,
)
_COMPACT = re.compile(
    r"(?P<year>\d{4})(?P<month>\d{2})(?P<day>\d{2})"
    r"(?:T?(?P<hour>\d{2})(?P<minute>\d{2})(?P<second>\d{2})?(?P<zone>Z|[+-]\d{4})?)?",
    re.ASCII | re.IGNORECASE,
)
_UNIX = re.compile(r"\d+|\d{9,}\.\d+", re.ASCII)
_MAIL = re.compile(
    r"(?:[a-z]{3},\s*)?\d{1,2}\s+[a-z]{3}\s+\d{4}\s+\d{1,2}:\d{2}(?::\d{2})?"
    r"(?:\s+(?P<zone>[+-]\d{4}|UTC?|GMT|Z|[ECMP][SD]T))?(?:\s+\(.*\))?",
    re.ASCII | re.IGNORECASE,
)
_CACHED = 1024
"""The rows of a site share their days, and often their moments."""
_EXPECTED = "expected a date such as 2019-04-01T12:30:00+09:00, 2019-04-01 12:30 or 2019-04-01"


@lru_cache(maxsize=_CACHED)
def parse_moment(text: str, timezone: ZoneInfo) -> datetime:
    """The moment a text names, aware, in UTC, in whole seconds.

    Forms: ISO 8601 (a fraction is dropped; a date alone is local midnight), "2019.04.01 12:30", "2019/04/01",
    "20190401", "20190401123000", RFC 2822, and unix seconds or milliseconds as digits. Eight, twelve or fourteen
    digits that are a calendar date are read as one. Without a zone the text is in `timezone`.

    Raises:
        ValueError: in words: no such form, no such day, or a year outside 1970 to 2100.
    """
    text = text.strip()
    match = _WRITTEN.fullmatch(text)
    if match:
        return _in_range(_moment_of(match, timezone), text)
    if text.isascii() and text[:1].isdigit() and (moment := _parse_digits(text, timezone)):
        return _in_range(moment, text)
    if mail := _MAIL.fullmatch(text):
        return _in_range(_parse_mail_date(text, mail["zone"], timezone), text)
    raise ValueError(_unreadable(text))


@lru_cache(maxsize=_CACHED)
def parse_day(text: str) -> date:
    """The calendar day a text names, as it is written: never shifted by a timezone.

    Raises:
        ValueError: in words: not a day, a time other than midnight, or a year outside 1970 to 2100.
    """
    text = text.strip()
    match = _WRITTEN.fullmatch(text) or _COMPACT.fullmatch(text)
    if not match:
        raise ValueError(f"{text!r} is not a day; expected one such as 2019-04-01" if text else "no day")
    if any(int(match[part] or 0) for part in ("hour", "minute", "second")):
        raise ValueError(f"{text!r} is a moment, not a day; views at moments go into a column viewed_at")
    day = _wall_time(match).date()
    _check_year(day.year, text)
    return day


def _parse_digits(text: str, timezone: ZoneInfo) -> datetime | None:
    """Compact dates first: read as unix seconds, 20190401 would be an article of August 1970."""
    compact = _COMPACT.fullmatch(text)
    if compact and _FIRST_YEAR <= int(compact["year"]) <= _LAST_YEAR:
        try:
            return _moment_of(compact, timezone)
        except ValueError:
            if not text.isdigit():
                raise
    if not _UNIX.fullmatch(text):
        return None
    if len(text) in (4, 6):
        raise ValueError(f"{text!r} is a year or month, not a date; {_EXPECTED}")
    return _parse_unix(text)


def _parse_unix(text: str) -> datetime:
    whole = text.partition(".")[0].lstrip("0")[:20] or "0"
    seconds = int(whole) if len(whole) < _MILLISECOND_DIGITS else int(whole) // 1000
    if seconds > _LAST_UNIX_SECOND:
        raise ValueError(f"{text!r} read as unix time is after the year {_LAST_YEAR}")
    return _EPOCH + timedelta(seconds=seconds)


def _parse_mail_date(text: str, zone: str | None, local: ZoneInfo) -> datetime:
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, TypeError) as error:
        raise ValueError(_unreadable(text)) from error
    if moment.tzinfo is None:  # RFC 2822, section 3.3: "-0000" is UTC, of an unknown place
        moment = moment.replace(tzinfo=UTC if zone == "-0000" else local)
    return moment


def _moment_of(match: re.Match[str], local: ZoneInfo) -> datetime:
    wall = _wall_time(match)
    zone = match["zone"]
    return wall.replace(tzinfo=_offset(zone) if zone else local)


def _wall_time(match: re.Match[str]) -> datetime:
    year, month, day, hour, minute, second = match.group("year", "month", "day", "hour", "minute", "second")
    try:
        return datetime(int(year), int(month), int(day), int(hour or 0), int(minute or 0), int(second or 0))  # noqa: DTZ001 - the zone follows
    except ValueError as error:
        raise ValueError(f"{match[0]!r}: {error}") from error


def _offset(zone: str) -> timezone:
    if not zone.startswith(("+", "-")):
        return UTC
    hours, minutes = int(zone[1:3]), int(zone[-2:]) if len(zone) > len("+09") else 0
    if hours > 15 or minutes > 59:  # noqa: PLR2004 - no clock on earth is further than 15:59 from UTC (POSIX, ISO)
        raise ValueError(f"{zone!r} is not an offset from UTC")
    offset = timedelta(hours=hours, minutes=minutes)
    return timezone(-offset if zone[0] == "-" else offset)


def _in_range(moment: datetime, text: str) -> datetime:
    _check_year(moment.year, text, spare=1)  # first: far years cannot even be moved to UTC
    moment = moment.astimezone(UTC)
    _check_year(moment.year, text)
    return moment


def _check_year(year: int, text: str, spare: int = 0) -> None:
    if not _FIRST_YEAR - spare <= year <= _LAST_YEAR + spare:
        raise ValueError(f"{text!r} is outside the years {_FIRST_YEAR} to {_LAST_YEAR}")


def _unreadable(text: str) -> str:
    return f"{text[:60]!r} is not a date that can be read; {_EXPECTED}" if text else f"no date; {_EXPECTED}"
