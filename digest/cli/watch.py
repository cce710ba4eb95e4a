"""`digest issues show --watch`: how an issue that another process sends goes on, looked at once a second."""

import json
import sys
import time
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol

import click

from digest.cli.progress import LINE_SECONDS

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
    with _view() as view:
        while True:
            issue, counts = get_issue_by_id(app.database, issue_id), count_deliveries(app.database, issue_id)
            is_over = issue.state not in _RUNNING
            view.show(_Look(issue, counts, rate.at(_done(counts), time.monotonic())), is_last=is_over)
            if is_over:
                return
            time.sleep(LOOK_SECONDS)


def _done(counts: "Mapping[DeliveryState, int]") -> int:
    return sum(count for state, count in counts.items() if state not in _WAITING)


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

    def __init__(self, issue: "Issue", counts: "Mapping[DeliveryState, int]", rate: float) -> None:
        self.issue = issue
        self.counts = {str(state): count for state, count in counts.items()}
        self.rate = rate
        self.waiting = sum(self.counts[state] for state in _WAITING)
        self.total = sum(self.counts.values())

    def to_json(self) -> dict[str, Any]:
        """The look as plain JSON values."""
        return {
            "newsletter": self.issue.newsletter,
            "edition": self.issue.edition.isoformat(),
            "state": str(self.issue.state),
            "reason": self.issue.reason,
            "deliveries": self.counts,
            "rate": round(self.rate, 1),
            "seconds_left": round(self.waiting / self.rate) if self.rate else None,
        }

    def words(self) -> str:
        """The look as one line."""
        from digest.model import count_in_words

        left = f", {_duration(self.waiting / self.rate)} left" if self.rate and self.waiting else ""
        return f"{self.issue.state}: {count_in_words(self.counts) or 'nothing yet'} · {self.rate:,.0f}/s{left}"


def _duration(seconds: float) -> str:
    minutes, second = divmod(round(seconds), 60)
    hours, minute = divmod(minutes, 60)
    return f"{hours}:{minute:02}:{second:02}" if hours else f"{minute}:{second:02}"


class _View(Protocol):
    def show(self, look: _Look, *, is_last: bool) -> None: ...


class _Lines:
    """One JSON object a line, every few seconds and at the end."""

    def __init__(self) -> None:
        self._next_at = 0.0

    def show(self, look: _Look, *, is_last: bool) -> None:
        if is_last or time.monotonic() >= self._next_at:
            self._next_at = time.monotonic() + LINE_SECONDS
            click.echo(json.dumps(look.to_json(), ensure_ascii=False))


class _Bar:
    def __init__(self, bars: Any) -> None:
        self._bars = bars
        self._task = bars.add_task("", total=None, note="")

    def show(self, look: _Look, *, is_last: bool) -> None:
        name = f"{look.issue.newsletter} {look.issue.edition}"
        done = look.total - look.waiting
        self._bars.update(self._task, description=name, total=look.total, completed=done, note=look.words())
        if is_last:
            self._bars.refresh()


@contextmanager
def _view() -> "Iterator[_View]":
    if not sys.stdout.isatty():
        yield _Lines()
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    name, note = (TextColumn(text, markup=False) for text in ("{task.description}", "{task.fields[note]}"))
    with Progress(name, BarColumn(), MofNCompleteColumn(), note) as bars:
        yield _Bar(bars)
