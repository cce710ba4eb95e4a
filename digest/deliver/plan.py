"""On which days and at which hours messages may go: sending hours, and the warm-up of a new sending address.

Pure functions on a moment and a timezone. Every moment is aware, and those that come back are in UTC.
"""

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from fractions import Fraction
from zoneinfo import ZoneInfo

from digest.schedule import local_moment
from digest.settings import WarmUpSettings

Hours = tuple[time, time]
"""When sending begins and ends each day; an earlier end is that of the next day."""

_MINUTE = timedelta(minutes=1)
_DAY = timedelta(days=1)


def is_open(hours: Hours | None, moment: datetime, timezone: ZoneInfo) -> bool:
    """Whether messages may go at a moment: the clock on the wall says so, in summer time and out of it."""
    if hours is None:
        return True
    begin, end = hours
    local = moment.astimezone(timezone).time()
    return begin <= local < end if begin < end else local >= begin or local < end


def next_opening(hours: Hours | None, moment: datetime, timezone: ZoneInfo) -> datetime:
    """The first moment from this one on at which messages may go; this one where they may."""
    return _first(moment, lambda at: is_open(hours, at, timezone))


def next_closing(hours: Hours | None, moment: datetime, timezone: ZoneInfo) -> datetime | None:
    """The first moment from this one on at which messages may not go; None where they always may."""
    return None if hours is None else _first(moment, lambda at: not is_open(hours, at, timezone))


def _first(moment: datetime, accept: Callable[[datetime], bool]) -> datetime:
    """Walks by the minute: a day has few of them, and what summer time does to them is left to the timezone."""
    at = moment.astimezone(UTC)
    while not accept(at):
        at = at.replace(second=0, microsecond=0) + _MINUTE
    return at


def start_of_day(moment: datetime, timezone: ZoneInfo) -> datetime:
    """The first moment of the local date on which a moment falls."""
    return local_moment(moment.astimezone(timezone).date(), time(), timezone)


def next_day(moment: datetime, timezone: ZoneInfo) -> datetime:
    """The first moment of the local date after that on which a moment falls."""
    return local_moment(moment.astimezone(timezone).date() + _DAY, time(), timezone)


def allowance(plan: WarmUpSettings | None, day: date) -> int | None:
    """How many messages the plan allows on a local date, of all newsletters together; None for no limit.

    It grows by the factor from day to day, rounded down, and ends after the plan's days. Before its start the
    address is as new as on the first day, so no more than then may go.
    """
    days = (day - plan.start).days if plan else 0
    if plan is None or days >= plan.days:
        return None
    # Exact, where floats would make 114 of 100 * 1.15.
    return int(plan.first_day * Fraction(str(plan.factor)) ** max(days, 0))


def remaining(plan: WarmUpSettings | None, sent_today: int, moment: datetime, timezone: ZoneInfo) -> int | None:
    """How many more messages may go on the local date of a moment; None for no limit."""
    allowed = allowance(plan, moment.astimezone(timezone).date())
    return None if allowed is None else max(0, allowed - sent_today)


def days_needed(plan: WarmUpSettings | None, count: int, moment: datetime, sent_today: int, timezone: ZoneInfo) -> int:
    """On how many local dates, that of the moment included, so many messages go out if nothing else does.

    At least 1: an issue whose rows all fit into today needs this day alone.
    """
    left = count
    day = moment.astimezone(timezone).date()
    today = remaining(plan, sent_today, moment, timezone)
    days = 1
    while today is not None and left > today:
        left -= today
        day += _DAY
        days += 1
        today = allowance(plan, day)
    return days
