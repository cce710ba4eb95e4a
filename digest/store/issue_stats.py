"""What became of an issue after it was sent: what came back, who left, and what was opened and clicked."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from digest.model import DeliveryState
from digest.store.database import Database, moment, to_seconds
from digest.store.issue_links import LinkClicks, list_clicks
from digest.store.issues import Issue
from digest.store.ledger import count_deliveries
from digest.store.readings import ReadingSums, read_sums


@dataclass(frozen=True, kw_only=True)
class LinkStats:
    """One article's link."""

    title: str
    clicks: LinkClicks


@dataclass(frozen=True, kw_only=True)
class IssueStats:
    """One frozen issue in figures; people who were erased since are in all of them."""

    issue: Issue
    sent: int
    """Messages that a server took."""
    failed: int
    """Messages that no server took."""
    uncertain: int
    bounced: int
    """Of those sent: came back for good."""
    soft: int
    """Of those sent: came back for now."""
    blocked: int
    """Of those sent: refused for the sender's sake, afterwards."""
    complained: int
    left: int
    """Readers who left the newsletter, or all, after they got the issue and before the next one."""
    opens: ReadingSums | None
    """None where openings were not counted."""
    clicks: ReadingSums | None
    """None where clicks were not counted."""
    links: tuple[LinkStats, ...]
    """In the order of the ranking; empty where clicks were not counted."""

    @property
    def delivered(self) -> int:
        """Messages that were taken and did not come back for good: what shares are of."""
        return max(self.sent - self.bounced, 0)


def read_stats(database: Database, issue: Issue) -> IssueStats:
    """The figures of a frozen issue, as its own settings had them counted."""
    counts, returned = count_deliveries(database, issue.id), _count_returned(database, issue)
    newsletter, sums = issue.frozen.get("newsletter", {}), read_sums(database, issue.id)
    return IssueStats(
        issue=issue,
        sent=counts[DeliveryState.SENT],
        failed=counts[DeliveryState.FAILED],
        uncertain=counts[DeliveryState.UNCERTAIN],
        bounced=returned.get("bounced", 0),
        soft=returned.get("soft-bounce", 0),
        blocked=returned.get("blocked", 0),
        complained=returned.get("complained", 0),
        left=_count_left(database, issue),
        opens=sums if newsletter.get("count_opens") else None,
        clicks=sums if newsletter.get("count_clicks") else None,
        links=_read_links(database, issue) if newsletter.get("count_clicks") else (),
    )


def _count_returned(database: Database, issue: Issue) -> Mapping[str, int]:
    rows = database.rows(
        """SELECT kind, count(*) FROM subscriber_event WHERE happened_at >= ?
        AND kind IN ('bounced', 'soft-bounce', 'blocked', 'complained')
        AND newsletter = ? AND json_extract(facts, '$.edition') = ? GROUP BY kind""",
        (to_seconds(issue.started_at), issue.newsletter, issue.edition.isoformat()),
    )
    return {row[0]: row[1] for row in rows}


def _count_left(database: Database, issue: Issue) -> int:
    values = {
        "issue": issue.id,
        "newsletter": issue.newsletter,
        "since": to_seconds(issue.started_at),
        "until": to_seconds(_next_began_at(database, issue)),
    }
    return int(database.value(_LEFT, values))


def _next_began_at(database: Database, issue: Issue) -> datetime:
    """When the next issue of the newsletter was frozen; the end of time where there is none."""
    value = database.value(
        """SELECT min(frozen_at) FROM issue WHERE newsletter = ? AND edition > ? AND frozen_at IS NOT NULL""",
        (issue.newsletter, issue.edition.isoformat()),
    )
    return moment(_NEVER if value is None else value)


def _read_links(database: Database, issue: Issue) -> tuple[LinkStats, ...]:
    titles = {
        row["article_id"]: row["title"]
        for row in database.rows(
            """SELECT article_id, json_extract(choice, '$.article.title') AS title FROM issue_choice
            WHERE issue_id = ?""",
            (issue.id,),
        )
    }
    return tuple(
        LinkStats(title=titles.get(clicks.link.article_id) or clicks.link.url, clicks=clicks)
        for clicks in list_clicks(database, issue.id)
    )


_NEVER = 253_402_300_799
"""The last second of the year 9999, of which Python still knows."""
_LEFT = """
SELECT count(*) FROM subscriber_event WHERE happened_at >= :since AND happened_at < :until
AND kind IN ('unsubscribed', 'left') AND newsletter IN ('', :newsletter) AND (EXISTS (
  SELECT 1 FROM delivery WHERE issue_id = :issue AND delivery.subscriber_id = subscriber_event.subscriber_id
  AND state IN ('sent', 'uncertain')) OR (subscriber_id IS NULL AND EXISTS (
  SELECT 1 FROM json_each(facts, '$.issues') WHERE value = :issue)))
"""
"""Of people who were erased since, `store.erase` kept the issues that they left after."""
