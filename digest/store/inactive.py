"""Who no longer reads: readers with whose copies nothing was done, as far as opens and clicks are counted.

Programs load pictures with nobody looking (Apple's Mail Privacy Protection), so copies that were only prefetched
neither show a reader nor prove that there is none: whoever has them is left alone.
"""

from dataclasses import dataclass
from datetime import datetime

from digest.store.database import Database, moment, to_moment

_COUNTED = """
SELECT id FROM issue WHERE json_extract(frozen, '$.newsletter.count_opens')
  OR json_extract(frozen, '$.newsletter.count_clicks')
"""
_LAST_SIGN = """
SELECT max(max(coalesce(opened_at, 0), coalesce(clicked_at, 0), coalesce(prefetched_at, 0)))
FROM reading WHERE subscriber_id = subscriber.id
"""
_UNREAD = f"""
FROM delivery WHERE subscriber_id = subscriber.id AND state = 'sent' AND issue_id IN ({_COUNTED})
  AND updated_at > coalesce(({_LAST_SIGN}), 0)
"""
UNREAD_SINCE = f"(SELECT min(updated_at) {_UNREAD})"
"""SQL on a row of `subscriber`: when the first of the issues came that they did nothing with since; NULL for none."""
UNREAD_ISSUES = f"(SELECT count(*) {_UNREAD})"
"""SQL on a row of `subscriber`: how many such issues there are, one after the other up to now."""


@dataclass(frozen=True, kw_only=True)
class Inactive:
    """A reader who no longer reads."""

    subscriber_id: int
    address: str
    unread: int
    """Issues since they were last seen to read."""
    since: datetime
    """When the first of these came."""
    last_read_at: datetime | None
    """When they last opened or clicked; None where it is not known that they ever did."""


def is_anything_counted(database: Database) -> bool:
    """Whether opens or clicks of any issue are counted."""
    return bool(database.value(f"SELECT EXISTS ({_COUNTED})"))


def list_inactive(database: Database, issues: int, *, limit: int = -1) -> tuple[Inactive, ...]:
    """Active readers who did nothing with their last issues, those with the most of them first.

    Args:
        database: the workspace's database.
        issues: how many at least.
        limit: of how many readers; -1 for all.
    """
    rows = database.rows(_LIST, {"issues": issues, "limit": limit})
    return tuple(
        Inactive(
            subscriber_id=row["id"],
            address=row["address"],
            unread=row["unread"],
            since=moment(row["since"]),
            last_read_at=to_moment(row["last_read_at"]),
        )
        for row in rows
    )


_LIST = f"""
SELECT id, address, {UNREAD_ISSUES} AS unread, {UNREAD_SINCE} AS since,
  (SELECT max(max(coalesce(opened_at, 0), coalesce(clicked_at, 0))) FROM reading
   WHERE subscriber_id = subscriber.id AND (opened_at IS NOT NULL OR clicked_at IS NOT NULL)) AS last_read_at
FROM subscriber WHERE state = 'active' AND unread >= :issues ORDER BY unread DESC, id LIMIT :limit
"""
