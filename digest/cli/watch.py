"""`digest issues show --watch`: how an issue that another process sends goes on, looked at once a second."""

import time
from collections import deque
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from digest.cli.gauge import open_gauge, seconds_left, words_of

if TYPE_CHECKING:
    from digest.app import App
    from digest.model import DeliveryState
    from digest.store.issues import Issue

LOOK_SECONDS = 1.0
_WAITING = ("queued", "claimed", "wire", "deferred")
_RATE_LOOKS = 10
"""The rate is that of the last ten looks: of now, not of the night before."""
_RUNNING = ("sending", "paused")


def watch_issue(app: "App", issue_id: int) -> None:
    """Show an issue's progress until it has ended or the watcher leaves with Ctrl-C, which changes nothing."""
    from digest.store.issues import get_issue_by_id
    from digest.store.ledger import count_deliveries

    rate = _Rate()
    with open_gauge(is_result=True) as gauge:
        while True:
            look = _Look(get_issue_by_id(app.database, issue_id), count_deliveries(app.database, issue_id), rate)
            is_over = look.issue.state not in _RUNNING
            gauge.show(look, is_last=is_over)
            if is_over:
                return
            time.sleep(LOOK_SECONDS)


class _Rate:
    """Messages a second, over the last looks."""

    def __init__(self) -> None:
        self._looks: deque[tuple[float, int]] = deque(maxlen=_RATE_LOOKS)

    def at(self, done: int, seconds: float) -> float:
        """The rate now that so many are done."""
        self._looks.append((seconds, done))
        (then, before), (now, after) = self._looks[0], self._looks[-1]
        return (after - before) / (now - then) if now > then else 0.0


class _Look:
    """An issue at one moment."""

    def __init__(self, issue: "Issue", counts: "Mapping[DeliveryState, int]", rate: _Rate) -> None:
        self.issue = issue
        self.name = f"{issue.newsletter} {issue.edition}"
        self.counts = {str(state): count for state, count in counts.items()}
        self.total = sum(self.counts.values())
        self.waiting = sum(self.counts[state] for state in _WAITING)
        self.done = self.total - self.waiting
        self.rate = rate.at(self.done, time.monotonic())

    def to_json(self) -> dict[str, Any]:
        """The look as plain JSON values."""
        return {
            "newsletter": self.issue.newsletter,
            "edition": self.issue.edition.isoformat(),
            "state": str(self.issue.state),
            "reason": self.issue.reason,
            "deliveries": self.counts,
            "rate": round(self.rate, 1),
            "seconds_left": seconds_left(self.waiting, self.rate),
        }

    def words(self) -> str:
        """The look as one line."""
        return f"{self.issue.state}: {words_of(self.counts, waiting=self.waiting, rate=self.rate)}"
