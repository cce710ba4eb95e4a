"""How the audience grew: joins, leaves and bounces by week. Erased people count as they did."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo

from digest.store.database import Database, moment, to_seconds

_SLICE = 900
"""Seconds. No timezone begins its days but at a whole quarter of an hour."""
_OF_ALL = """
SELECT happened_at / :slice AS slice, kind, json_extract(facts, '$.state') IS NOT NULL AS waits, count(*) AS events
FROM subscriber_event WHERE happened_at >= :since AND newsletter = '' GROUP BY 1, 2, 3
"""
_OF_ONE = """
SELECT happened_at / :slice AS slice, kind, json_extract(facts, '$.state') IS NOT NULL AS waits, count(*) AS events
FROM subscriber_event WHERE happened_at >= :since AND (newsletter = :newsletter OR (newsletter = '' AND
  (subscriber_id IN (SELECT subscriber_id FROM subscription WHERE newsletter = :newsletter) OR (subscriber_id IS NULL
  AND EXISTS (SELECT 1 FROM json_each(facts, '$.newsletters') WHERE value = :newsletter))))) GROUP BY 1, 2, 3
"""
_JOINS = frozenset(("added", "confirmed", "revived", "subscribed"))
_LEAVES = frozenset(("unsubscribed", "complained", "left"))
_BOUNCES = frozenset(("bounced",))


@dataclass(frozen=True, kw_only=True)
class Week:
    """What happened in one week."""

    monday: date
    """Its first day, in the site's timezone."""
    joins: int
    """People who became readers: added, confirmed, or back again."""
    leaves: int
    """People who left, or complained."""
    bounces: int
    """People whose mailbox refuses mail for good."""

    @property
    def name(self) -> str:
        """As ISO 8601 has it: "2026-W10"."""
        year, week, _ = self.monday.isocalendar()
        return f"{year}-W{week:02d}"


def read_growth(
    database: Database, *, weeks: int, timezone: tzinfo, now: datetime, newsletter: str = ""
) -> tuple[Week, ...]:
    """The last weeks, oldest first, the present one among them.

    Args:
        database: the workspace's database.
        weeks: how many.
        timezone: in which days begin.
        now: the present moment.
        newsletter: only its readers; "" for all.
    """
    today = now.astimezone(timezone).date()
    first = today - timedelta(days=today.weekday(), weeks=weeks - 1)
    since = datetime(first.year, first.month, first.day, tzinfo=timezone)
    values = {"slice": _SLICE, "since": to_seconds(since), "newsletter": newsletter}
    counts = {first + timedelta(weeks=number): Counter[str]() for number in range(weeks)}
    for row in database.rows(_OF_ONE if newsletter else _OF_ALL, values):
        day = moment(row["slice"] * _SLICE).astimezone(timezone).date()
        what = _what(row["kind"], waits=bool(row["waits"]))
        if what and (monday := day - timedelta(days=day.weekday())) in counts:
            counts[monday][what] += row["events"]
    return tuple(_week(monday, found) for monday, found in counts.items())


def _what(kind: str, *, waits: bool) -> str:
    if kind in _JOINS and not waits:
        return "joins"
    return "leaves" if kind in _LEAVES else "bounces" if kind in _BOUNCES else ""


def _week(monday: date, found: Mapping[str, int]) -> Week:
    return Week(
        monday=monday, joins=found.get("joins", 0), leaves=found.get("leaves", 0), bounces=found.get("bounces", 0)
    )
