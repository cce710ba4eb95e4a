"""Issues that readers have: all that an archive may show, and nothing of what is still to come."""

import sqlite3
from dataclasses import dataclass
from datetime import date, datetime

from digest.store.database import Database, moment

# Most deliveries are done in the order of their subscribers, so the first ones tell; a million need not be looked at.
_IS_OUT = """issue.frozen_at IS NOT NULL AND (issue.state = 'sent'
  OR (issue.state IN ('sending', 'paused', 'failed') AND EXISTS (SELECT 1 FROM (
    SELECT state FROM delivery WHERE issue_id = issue.id ORDER BY subscriber_id LIMIT 1000) WHERE state = 'sent')))"""
"""Whether an issue is with readers: sent, or sent to some of them. One that was cancelled is taken back."""
_LOOK = """
SELECT issue.id, issue.newsletter, issue.edition, issue.frozen_at, coalesce(subject, '') AS subject,
  coalesce(preheader, '') AS preheader, coalesce(json_extract(frozen, '$.locale'), '') AS locale
FROM issue LEFT JOIN issue_variant ON issue_id = issue.id AND variant = '["",[]]'
"""


@dataclass(frozen=True, kw_only=True)
class PublishedIssue:
    """One edition as a list of issues shows it."""

    id: int
    newsletter: str
    edition: date
    published_at: datetime
    """When its contents were fixed: the Date of its messages."""
    subject: str
    """As those without wishes of their own got it."""
    preheader: str
    locale: str
    """The language of the newsletter at that time."""

    @classmethod
    def from_row(cls, row: sqlite3.Row) -> "PublishedIssue":
        """A row of the query."""
        return cls(
            id=row["id"],
            newsletter=row["newsletter"],
            edition=date.fromisoformat(row["edition"]),
            published_at=moment(row["frozen_at"]),
            subject=row["subject"],
            preheader=row["preheader"],
            locale=row["locale"],
        )


def list_published(
    database: Database, newsletter: str, *, limit: int = -1, offset: int = 0
) -> tuple[PublishedIssue, ...]:
    """Issues of a newsletter that are with readers, newest edition first."""
    rows = database.rows(
        f"{_LOOK} WHERE newsletter = ? AND {_IS_OUT} ORDER BY edition DESC LIMIT ? OFFSET ?",
        (newsletter, limit, offset),
    )
    return tuple(map(PublishedIssue.from_row, rows))


def count_published(database: Database, newsletter: str) -> int:
    """How many there are."""
    return int(database.value(f"SELECT count(*) FROM issue WHERE newsletter = ? AND {_IS_OUT}", (newsletter,)))


def find_published(database: Database, newsletter: str, edition: date) -> PublishedIssue | None:
    """The issue of an edition, or None where readers have none."""
    row = database.row(f"{_LOOK} WHERE newsletter = ? AND edition = ? AND {_IS_OUT}", (newsletter, edition.isoformat()))
    return None if row is None else PublishedIssue.from_row(row)
