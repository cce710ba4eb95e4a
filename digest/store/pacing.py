"""What pacing asks of the store: where readers live, when each row may go, how many messages went lately."""

import json
from collections.abc import Mapping
from datetime import datetime

from digest.store.database import Database, to_seconds
from digest.store.indexed import IN_FLIGHT, WAITING


def list_timezones(database: Database, newsletter: str) -> frozenset[str]:
    """The timezones that the active subscribers of a newsletter name, as they are kept; "" for its own."""
    rows = database.rows(
        """SELECT DISTINCT timezone FROM subscription JOIN subscriber ON subscriber.id = subscription.subscriber_id
        WHERE subscription.newsletter = ? AND subscriber.state = 'active' AND subscriber.paused_until IS NULL""",
        (newsletter,),
    )
    return frozenset(row["timezone"] for row in rows)


def set_opening_times(database: Database, issue_id: int, moments: Mapping[str, datetime]) -> None:
    """Let each queued row of an issue wait for the moment of its reader's timezone.

    Runs inside the caller's transaction, right after the rows were queued: it walks over all of them once.

    Args:
        database: the workspace's database.
        issue_id: whose rows.
        moments: by the name of a timezone; that of "" is for readers whose timezone is not among them.
    """
    seconds = {name: to_seconds(moment) for name, moment in moments.items()}
    database.execute(_SET_OPENING_TIMES, {"issue": issue_id, "own": seconds[""], "moments": json.dumps(seconds)})


# Materialized and joined, SQLite gives the names an index of their own; in a subquery it would scan them for each row.
_SET_OPENING_TIMES = f"""
WITH moment (name, seconds) AS MATERIALIZED (SELECT key, value FROM json_each(:moments))
UPDATE delivery SET next_at = coalesce(moment.seconds, :own)
FROM subscriber LEFT JOIN moment ON moment.name = subscriber.timezone
WHERE subscriber.id = delivery.subscriber_id AND delivery.issue_id = :issue
AND {WAITING} AND delivery.state = 'queued'
"""


def count_sent_since(database: Database, since: datetime) -> int:
    """How many messages of all newsletters were handed over since a moment; those in doubt count as well.

    Looks only at issues that had not ended by then, so it does not slow down as the history grows.
    """
    return int(database.value(_COUNT_SENT_SINCE, {"since": to_seconds(since)}))


# CROSS JOIN keeps the order: issues first, of which there are few, then their stretches of the index.
_COUNT_SENT_SINCE = """
SELECT count(*) FROM issue CROSS JOIN delivery ON delivery.issue_id = issue.id
WHERE (issue.finished_at IS NULL OR issue.finished_at >= :since)
AND delivery.state IN ('wire', 'sent', 'uncertain') AND delivery.updated_at >= :since
"""


def count_waiting(database: Database) -> int:
    """How many messages of all issues that are not over are still to be handed over."""
    return int(
        database.value(
            f"""SELECT
              (SELECT count(*) FROM delivery WHERE issue_id IN ({_SENDING}) AND {WAITING})
              + (SELECT count(*) FROM delivery WHERE issue_id IN ({_SENDING}) AND {IN_FLIGHT} AND state = 'claimed')"""
        )
    )


_SENDING = "SELECT id FROM issue WHERE state = 'sending'"
