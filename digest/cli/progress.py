"""How a send that this command makes goes on, told by its results."""

import time
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, Self

from digest.cli.gauge import Gauge, open_gauge, seconds_left, words_of

if TYPE_CHECKING:
    from digest.store.issues import Issue
    from digest.store.ledger import DeliveryResult
    from digest.tick import Observer

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
    def name(self) -> str:
        """Newsletter and edition."""
        return f"{self.newsletter} {self.edition}"

    @property
    def done(self) -> int:
        """Messages whose outcome is known."""
        return sum(self.counts[state] for state in ENDED)

    @property
    def waiting(self) -> int:
        """The others."""
        return max(self.total - self.done, 0)

    @property
    def rate(self) -> float:
        """Messages a second, since the beginning."""
        seconds = time.monotonic() - self._began_at
        return self.done / seconds if seconds > 0 else 0.0

    def add(self, results: "Sequence[DeliveryResult]") -> None:
        """Count a group of results; one that was put back into the queue is none yet."""
        self.counts.update(str(result.state) for result in results if result.state in ENDED)

    def words(self) -> str:
        """The figures for people."""
        return words_of(self.counts, waiting=self.waiting, rate=self.rate)

    def to_json(self) -> dict[str, Any]:
        """The figures for programs."""
        rate = self.rate
        return {
            "newsletter": self.newsletter,
            "edition": self.edition,
            "waiting": self.waiting,
            **{state: self.counts[state] for state in ENDED[:4]},
            "rate": round(rate, 1),
            "seconds_left": seconds_left(self.waiting, rate),
        }


class SendProgress:
    """Shows the progress of one issue after the other, on stderr: stdout is for results."""

    def __init__(self) -> None:
        self._opened = ExitStack()
        self._shown: tuple[Meter, Gauge] | None = None

    @property
    def observer(self) -> "Observer":
        """What the tick tells of its sending."""
        from digest.tick import Observer

        return Observer(on_begin=self._begin, on_results=self._advance)

    def finish(self) -> None:
        """End the view of an issue."""
        if self._shown is not None:
            meter, gauge = self._shown
            gauge.show(meter, is_last=True)
        self._shown = None
        self._opened.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.finish()

    def _begin(self, issue: "Issue", waiting: int) -> None:
        self.finish()
        self._shown = Meter(issue, waiting), self._opened.enter_context(open_gauge(is_result=False))

    def _advance(self, results: "Sequence[DeliveryResult]") -> None:
        if self._shown is not None:
            meter, gauge = self._shown
            meter.add(results)
            gauge.show(meter)
