"""When a line of a mail server's log was written."""

import re
from calendar import isleap
from datetime import UTC, datetime, timedelta, tzinfo

_ISO = re.compile(rb"(?:<\d+>\d? ?)?(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)(?:[.,]\d+)? ?(Z|[+-]\d\d:?\d\d)?")
_SYSLOG = re.compile(rb"(?:<\d+>)?([A-Z][a-z]{2}) {1,2}(\d{1,2}) (\d\d):(\d\d):(\d\d) ")
_MONTH_NAMES = (b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec")
_MONTHS = {name: number for number, name in enumerate(_MONTH_NAMES, 1)}
_JOURNAL = re.compile(rb"__REALTIME_TIMESTAMP\"?\s*[=:]\s*\"?(\d{16,17})\b")
_JSON = re.compile(rb"\"(?:timestamp|event_time)\"\s*:\s*(?:(\d{9,11})\b|\"([^\"]{19,40})\")")
_CLOCKS_DIFFER = timedelta(days=1)
_HEAD = 4096
"""Bytes of a line in which its moment is looked for; a JSON record may name it after other fields."""


def read_moment(line: bytes, *, now: datetime, timezone: tzinfo) -> datetime | None:
    """When a line was written, in UTC; None where it does not say so.

    Read are RFC 3339, as in RFC 5424, Postfix on newer systems and `journalctl -o short-iso`; Exim's form of it;
    RFC 3164 ("Mar  2 09:00:01"); the journal's export and JSON; KumoMTA's `timestamp` and `event_time`.

    Args:
        line: one line of a log.
        now: the present moment; a line without a year is of the newest one that does not put it into the future.
        timezone: that of the server, for lines without one.

    >>> read_moment(b"Dec 31 23:59:59 mx postfix/qmgr[7]: ", now=datetime(2026, 3, 2, tzinfo=UTC), timezone=UTC)
    datetime.datetime(2025, 12, 31, 23, 59, 59, tzinfo=datetime.timezone.utc)
    """
    try:
        return _read_iso(line, timezone) or _read_syslog(line, now, timezone) or _read_fields(line[:_HEAD], timezone)
    except (ValueError, OverflowError):  # the 31st of February, the year 0
        return None


def _read_iso(line: bytes, timezone: tzinfo) -> datetime | None:
    found = _ISO.match(line)
    if found is None:
        return None
    day, time, zone = (part.decode("ascii") if part else "" for part in found.groups())
    return _in_utc(datetime.fromisoformat(f"{day}T{time}{zone}"), timezone)


def _read_syslog(line: bytes, now: datetime, timezone: tzinfo) -> datetime | None:
    found = _SYSLOG.match(line)
    if found is None or found[1] not in _MONTHS:
        return None
    month, (day, hour, minute, second) = _MONTHS[found[1]], map(int, found.groups()[1:])
    for year in (now.year + 1, now.year, now.year - 1, *range(now.year - 2, now.year - 9, -1)):
        if (month, day) == (2, 29) and not isleap(year):
            continue
        moment = _in_utc(datetime(year, month, day, hour, minute, second), timezone)  # noqa: DTZ001 - its zone is added there
        if moment <= now + _CLOCKS_DIFFER:
            return moment
    return None


def _read_fields(line: bytes, timezone: tzinfo) -> datetime | None:
    if found := _JOURNAL.search(line):
        return datetime.fromtimestamp(int(found[1]) // 1_000_000, UTC)
    if found := _JSON.search(line):
        if found[1]:
            return datetime.fromtimestamp(int(found[1]), UTC)
        return _read_iso(found[2], timezone)
    return None


def _in_utc(moment: datetime, timezone: tzinfo) -> datetime:
    aware = moment if moment.tzinfo is not None else moment.replace(tzinfo=timezone)
    return aware.astimezone(UTC).replace(microsecond=0)
