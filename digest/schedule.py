"""When a newsletter is due: pure values on (schedule, timezone, known editions, now).

An occurrence is one instant per date, `datetime.combine(date, time)` in the newsletter's timezone: a time inside a
spring gap moves forward, one inside an autumn overlap takes the first. APScheduler's own cron skips a whole week
after such a gap (Monday 00:00 New York) and fires twice in the overlap, which is why it is only the tick.

Where readers get it at the time of day where they live, an edition has one instant for each of their timezones, by the
same rule, and is begun at the first of them.
"""

import calendar
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_WEEKDAYS = {spelling: number for number, name in enumerate(_DAYS) for spelling in (name, name[:3])}
_LONGEST_LEAD = timedelta(hours=26)
"""Above a whole local day: an edition is never begun before its date has begun."""
_ALLOWED = '"mon 08:00", "mon,thu 08:00", "daily 08:00", "1st 08:00" to "28th 08:00" or "last 08:00"'


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """On which dates and at what local time a newsletter is due."""

    at: time
    """Local time of day."""
    weekdays: frozenset[int] = frozenset()
    """0 for Monday; empty means any."""
    day_of_month: int | None = None
    """1 to 28, or -1 for the month's last day; None means any."""

    def falls_on(self, day: date) -> bool:
        """Whether the newsletter is due on that local date."""
        if self.weekdays and day.weekday() not in self.weekdays:
            return False
        if self.day_of_month is None:
            return True
        last = calendar.monthrange(day.year, day.month)[1]
        return day.day == (last if self.day_of_month == -1 else self.day_of_month)


@dataclass(frozen=True, kw_only=True)
class Occurrence:
    """One edition that is or was due."""

    edition: date
    """The edition date: the local date on which it is due."""
    due_at: datetime
    """The instant in the newsletter's own timezone, aware, in UTC."""


@dataclass(frozen=True, kw_only=True)
class DueEditions:
    """What a tick has to do about one newsletter."""

    too_late: tuple[Occurrence, ...] = ()
    """To be recorded as skipped, oldest first: past the catch-up limit, or overtaken by a newer edition."""
    in_time: Occurrence | None = None
    """The newest edition that is due and has not been begun."""


def parse_schedule(text: str) -> Schedule:
    """Read `"mon 08:00"` and its kind.

    >>> parse_schedule("mon,thu 08:00").weekdays == {0, 3}
    True

    Raises:
        ValueError: the text is none of the allowed forms.
    """
    days, _, clock = " ".join(text.lower().split()).rpartition(" ")
    if not re.fullmatch(r"([01][0-9]|2[0-3]):[0-5][0-9]", clock):
        raise ValueError(f"expected a time HH:MM at the end, as in {_ALLOWED}")
    at = time.fromisoformat(clock)
    monthly = re.fullmatch(r"([0-9]{1,2})(?:st|nd|rd|th)", days)
    if days == "daily":
        return Schedule(at=at)
    if days == "last":
        return Schedule(at=at, day_of_month=-1)
    if monthly and 1 <= int(monthly[1]) <= 28:  # noqa: PLR2004 - every month has 28 days
        return Schedule(at=at, day_of_month=int(monthly[1]))
    names = [name.strip() for name in days.split(",")]
    if all(name in _WEEKDAYS for name in names):
        return Schedule(at=at, weekdays=frozenset(_WEEKDAYS[name] for name in names))
    raise ValueError(f"expected {_ALLOWED}")


def occurrence_on(schedule: Schedule, day: date, timezone: ZoneInfo) -> Occurrence:
    """The occurrence of one local date, whether or not the schedule falls on it."""
    return Occurrence(edition=day, due_at=local_moment(day, schedule.at, timezone))


def local_moment(day: date, at: time, timezone: ZoneInfo) -> datetime:
    """The instant of a local date and time of day, in UTC: a gap moves it forward, of an overlap it is the first."""
    return datetime.combine(day, at, tzinfo=timezone).astimezone(UTC)


def reader_moments(edition: date, at: time, timezone: ZoneInfo, readers: Iterable[str] = ()) -> dict[str, datetime]:
    """When readers get an edition at the time of day where they live.

    Nobody gets it before its date has begun in the newsletter's own timezone: the window is not over until then. A
    reader that far east gets it at that moment.

    Args:
        edition: the edition date.
        at: the schedule's time of day.
        timezone: the newsletter's own.
        readers: the names of their timezones; "" and a name that no timezone has mean the newsletter's own.

    Returns:
        The instant for each name, aware, in UTC; that of "" is always there.
    """
    begins_at = local_moment(edition, time(), timezone)
    return {
        name: max(begins_at, local_moment(edition, at, _timezone_named(name) or timezone)) for name in {"", *readers}
    }


def _timezone_named(name: str) -> ZoneInfo | None:
    try:
        return ZoneInfo(name) if name else None
    except (ZoneInfoNotFoundError, ValueError, OSError):  # "Asia", "../x": a folder, a path
        return None


def occurrences_between(
    schedule: Schedule, timezone: ZoneInfo, after: datetime, until: datetime
) -> Iterator[Occurrence]:
    """All occurrences with `after < due_at <= until`, oldest first."""
    day = after.astimezone(timezone).date() - timedelta(days=1)
    last = until.astimezone(timezone).date() + timedelta(days=1)
    while day <= last:
        if schedule.falls_on(day):
            occurrence = occurrence_on(schedule, day, timezone)
            if after < occurrence.due_at <= until:
                yield occurrence
        day += timedelta(days=1)


def next_edition(schedule: Schedule, timezone: ZoneInfo, now: datetime) -> date:
    """The edition an editor works on: today's on its day, else the next one's."""
    day = now.astimezone(timezone).date()
    while not schedule.falls_on(day):
        day += timedelta(days=1)
    return day


def due_editions(
    schedule: Schedule,
    timezone: ZoneInfo,
    *,
    known: frozenset[date],
    last_scheduled: date | None,
    now: datetime,
    catch_up: timedelta,
    readers: Iterable[str] = (),
) -> DueEditions:
    """What is due now and what has become too late.

    How late an edition is counts from its instant in the newsletter's own timezone.

    Args:
        schedule: when the newsletter is due.
        timezone: of its dates.
        known: editions that have an issue already, in whatever state.
        last_scheduled: the newest edition the schedule itself began or skipped. Without one nothing before the
            catch-up limit is recorded, so a new workspace does not begin with a history of omissions.
        now: the present moment, aware.
        catch_up: how late an edition may still be sent.
        readers: the timezones of readers who get it at the time of day where they live; see `reader_moments`. It is
            due as soon as the first of them is.
    """
    limit = now - catch_up
    start = limit
    if last_scheduled is not None and last_scheduled <= now.astimezone(timezone).date():
        # A schedule that was just changed has other dates before the last one, and nobody waits for those. A last
        # one in the future was recorded by a wrong clock and says nothing.
        start = occurrence_on(schedule, last_scheduled, timezone).due_at
    names = frozenset(readers)

    def is_due(occurrence: Occurrence) -> bool:
        """Only where it is not due for the newsletter itself are the readers looked at, of whom there may be many."""
        return occurrence.due_at <= now or (
            min(reader_moments(occurrence.edition, schedule.at, timezone, names).values()) <= now
        )

    candidates = occurrences_between(schedule, timezone, start, now + _LONGEST_LEAD)
    pending = [occurrence for occurrence in candidates if occurrence.edition not in known and is_due(occurrence)]
    in_time = pending[-1] if pending and pending[-1].due_at > limit else None
    return DueEditions(too_late=tuple(pending[:-1] if in_time else pending), in_time=in_time)
