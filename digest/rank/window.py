"""The time an issue covers, in the newsletter's own days."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from digest.model import Window

DEFAULT_DAYS = 7
"""What a since-last window covers where there is no last issue."""


def whole_days_before(edition: date, days: int, timezone: ZoneInfo) -> Window:
    """The `days` local days before an edition date: midnight to midnight, however long the days are.

    >>> window = whole_days_before(date(2019, 4, 8), 7, ZoneInfo("Asia/Seoul"))
    >>> window.start.isoformat(), window.end.isoformat()
    ('2019-03-31T15:00:00+00:00', '2019-04-07T15:00:00+00:00')
    """
    return Window(
        start=_midnight(edition - timedelta(days=days), timezone),
        end=_midnight(edition, timezone),
        timezone=timezone.key,
    )


def since_last(previous_end: datetime | None, until: datetime, edition: date, timezone: ZoneInfo) -> Window:
    """From where the previous issue's window ended until now, so that late issues leave no gap and no overlap.

    Args:
        previous_end: the end of the previous issue's window; None begins `DEFAULT_DAYS` local days before.
        until: the end of this window.
        edition: the edition date, for the first issue.
        timezone: the newsletter's.
    """
    start = previous_end or _midnight(edition - timedelta(days=DEFAULT_DAYS), timezone)
    return Window(start=start, end=max(start, until), timezone=timezone.key)


def counted_days(window: Window) -> tuple[date, date]:
    """The first and last calendar day whose dated counts belong to a window; none where last < first.

    A day belongs to the window in which it ends: its count is complete only then, and windows that tile count each
    day once.
    """
    timezone = ZoneInfo(window.timezone)
    first = window.start.astimezone(timezone).date()
    last = window.end.astimezone(timezone).date() - timedelta(days=1)
    return first, last


def _midnight(day: date, timezone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), tzinfo=timezone).astimezone(UTC)
