"""When soft bounces add up: pure counting over the issues that one person was sent.

A soft bounce belongs to an issue. What was sent and did not come back within `SETTLED` arrived, and ends a row; so the
row is worked out whenever the next soft bounce comes, and nothing is written for mail that arrives.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from digest.store.returns import SentIssue

ENOUGH = 3
"""So many issues in a row."""
LONG_ENOUGH = timedelta(days=14)
"""From the first of them to the last: three daily ones are one full mailbox over a weekend."""
JITTER = timedelta(hours=12)
"""Weekly issues are not sent on the second: the third of them counts as two weeks after the first."""
SETTLED = timedelta(days=5)
"""So long a server tries before it gives a message up and returns it (RFC 5321 4.5.4.1: four to five days)."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """The issues that came back one after the other, up to now."""

    count: int = 0
    first: datetime | None = None
    """When the first of them was sent."""
    last: datetime | None = None
    """When the last of them was sent."""

    @property
    def is_enough(self) -> bool:
        """Whether the mailbox counts as given up."""
        if self.first is None or self.last is None:
            return False
        return self.count >= ENOUGH and self.last - self.first >= LONG_ENOUGH - JITTER


def count_row(issues: Iterable[SentIssue], *, now: datetime) -> Row:
    """The row that a person's issues end with.

    Args:
        issues: those that were surely sent, the newest first.
        now: the present moment. Of what was sent shortly before it is not known yet whether it comes back.
    """
    row = Row()
    for issue in issues:
        if issue.came_back:
            row = Row(count=row.count + 1, first=issue.sent_at, last=row.last or issue.sent_at)
        elif now - issue.sent_at >= SETTLED:
            break
    return row
