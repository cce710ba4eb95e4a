"""How a send goes on: a bar with rate and time left on a terminal, JSON lines elsewhere, and a look from outside."""

import json
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any, Protocol, Self

import click

if TYPE_CHECKING:
    from digest.store.issues import Issue
    from digest.store.ledger import DeliveryResult
    from digest.tick import Observer

LINE_SECONDS = 5.0
"""How often a line is written where there is no terminal."""
REFRESH_SECONDS = 0.2
"""How often a bar is drawn anew: results come thousands a second."""
ENDED = ("sent", "deferred", "failed", "uncertain", "cancelled")
"""What can become of a message that was waiting."""


class Meter:
    """Counts what became of an issue's messages, and how fast."""

    def __init__(self, issue: "Issue", waiting: int) -> None:
        self.newsletter = issue.newsletter
        self.edition = issue.edition.isoformat()
        self.total = waiting
        self.counts = Counter[str]()
        self._began_at = time.monotonic()

    @property
    def done(self) -> int:
        """Messages whose outcome is known."""
        return sum(self.counts[state] for state in ENDED)

    @property
    def rate(self) -> float:
        """Messages a second, since the beginning."""
        seconds = time.monotonic() - self._began_at
        return self.done / seconds if seconds > 0 else 0.0

    @property
    def seconds_left(self) -> float | None:
        """How long the rest takes at this rate; None where nothing is known yet."""
        return (self.total - self.done) / self.rate if self.rate else None

    def add(self, results: "Sequence[DeliveryResult]") -> None:
        """Count a group of results; one that was put back into the queue is none yet."""
        self.counts.update(str(result.state) for result in results if result.state in ENDED)

    def words(self) -> str:
        """The figures for people: "1,200 sent, 3 deferred · 410/s"."""
        from digest.model import count_in_words

        return f"{count_in_words(self.counts) or 'none yet'} · {self.rate:,.0f}/s"

    def to_json(self) -> dict[str, Any]:
        """The figures for programs."""
        left = self.seconds_left
        return {
            "newsletter": self.newsletter,
            "edition": self.edition,
            "waiting": max(self.total - self.done, 0),
            **{state: self.counts[state] for state in ENDED[:4]},
            "rate": round(self.rate, 1),
            "seconds_left": None if left is None else round(left),
        }


class SendProgress:
    """Shows the progress of one issue after the other, on stderr: stdout is for results."""

    def __init__(self) -> None:
        self._open_bar = ExitStack()
        self._meter: Meter | None = None
        self._view: _View = _Lines()

    @property
    def observer(self) -> "Observer":
        """What the tick tells of its sending."""
        from digest.tick import Observer

        return Observer(on_begin=self._begin, on_results=self._advance)

    def finish(self) -> None:
        """End the view of an issue."""
        if self._meter is not None:
            self._view.end(self._meter)
        self._meter = None
        self._open_bar.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.finish()

    def _begin(self, issue: "Issue", waiting: int) -> None:
        self.finish()
        self._meter = Meter(issue, waiting)
        self._view = self._open_bar.enter_context(_bar(self._meter)) if sys.stderr.isatty() else _Lines()

    def _advance(self, results: "Sequence[DeliveryResult]") -> None:
        if self._meter is not None:
            self._meter.add(results)
            self._view.show(self._meter)


class _View(Protocol):
    def show(self, meter: Meter) -> None: ...

    def end(self, meter: Meter) -> None: ...


class _Lines:
    """One JSON object a line, every few seconds; a send that is over before the first needs none."""

    def __init__(self) -> None:
        self._next_at = time.monotonic() + LINE_SECONDS
        self._has_written = False

    def show(self, meter: Meter) -> None:
        if time.monotonic() >= self._next_at:
            self._next_at = time.monotonic() + LINE_SECONDS
            self._write(meter)

    def end(self, meter: Meter) -> None:
        if self._has_written:
            self._write(meter)

    def _write(self, meter: Meter) -> None:
        self._has_written = True
        click.echo(json.dumps(meter.to_json(), ensure_ascii=False), err=True)


class _Bar:
    def __init__(self, update: Callable[[Meter], None]) -> None:
        self._update = update
        self._next_at = 0.0

    def show(self, meter: Meter) -> None:
        if time.monotonic() >= self._next_at:
            self._next_at = time.monotonic() + REFRESH_SECONDS
            self._update(meter)

    def end(self, meter: Meter) -> None:
        self._update(meter)


@contextmanager
def _bar(meter: Meter) -> "Iterator[_Bar]":
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    name, note = (TextColumn(text, markup=False) for text in ("{task.description}", "{task.fields[note]}"))
    columns = (name, BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(), note)
    with Progress(*columns, console=Console(stderr=True), transient=True) as bars:
        task = bars.add_task(f"{meter.newsletter} {meter.edition}", total=meter.total, note="")
        yield _Bar(lambda now: bars.update(task, completed=now.done, note=now.words()))
