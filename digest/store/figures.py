"""What an operator watches, counted."""

from collections.abc import Mapping
from dataclasses import dataclass

from digest.store.database import Database
from digest.store.ledger import count_deliveries
from digest.store.subscriber_search import count_by_state, count_suppressed

_ISSUES_WATCHED = 3
"""Of each newsletter, the newest."""


@dataclass(frozen=True, kw_only=True)
class Figures:
    """One look at a workspace."""

    subscribers: Mapping[str, int]
    """People by state."""
    suppressed: int
    issues: Mapping[tuple[str, str], int]
    """By newsletter and state."""
    deliveries: Mapping[tuple[str, str, str], int]
    """Of the newest issues, by newsletter, edition and state."""
    last_sent: Mapping[str, int]
    """Unix seconds at which a newsletter's last issue was done, by newsletter."""
    notices: Mapping[str, int]
    """Single mails by state."""


def read_figures(database: Database) -> Figures:
    """Count. Nothing here walks over the deliveries of old issues."""
    issues = database.rows("SELECT newsletter, state, count(*) FROM issue GROUP BY 1, 2")
    last = database.rows("SELECT newsletter, max(finished_at) FROM issue WHERE state = 'sent' GROUP BY 1")
    notices = database.rows("SELECT state, count(*) FROM notice GROUP BY 1")
    return Figures(
        subscribers={str(state): count for state, count in count_by_state(database).items()},
        suppressed=count_suppressed(database),
        issues={(row[0], row[1]): row[2] for row in issues},
        deliveries=dict(_newest_deliveries(database)),
        last_sent={row[0]: row[1] for row in last if row[1] is not None},
        notices={row[0]: row[1] for row in notices},
    )


def _newest_deliveries(database: Database) -> Mapping[tuple[str, str, str], int]:
    newest = database.rows(
        """SELECT id, newsletter, edition FROM (
          SELECT *, row_number() OVER (PARTITION BY newsletter ORDER BY edition DESC) AS place FROM issue
          WHERE frozen_at IS NOT NULL) WHERE place <= ?""",
        (_ISSUES_WATCHED,),
    )
    return {
        (row["newsletter"], row["edition"], str(state)): count
        for row in newest
        for state, count in count_deliveries(database, row["id"]).items()
    }
