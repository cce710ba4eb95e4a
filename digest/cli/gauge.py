"""What a send looks like while it goes on: a bar with rate and time left on a terminal, JSON lines elsewhere."""

import json
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Protocol

import click

LINE_SECONDS = 5.0
"""How often a line is written where there is no terminal."""
REFRESH_SECONDS = 0.2
"""How often a bar is drawn anew: results come thousands a second."""


class Reading(Protocol):
    """How far the send of an issue is at one moment."""

    @property
    def name(self) -> str:
        """Newsletter and edition."""

    @property
    def total(self) -> int:
        """Messages of the issue."""

    @property
    def done(self) -> int:
        """Messages that do not wait any more."""

    def words(self) -> str:
        """The figures for people, in one line."""

    def to_json(self) -> dict[str, Any]:
        """The figures for programs, as plain JSON values."""


class Gauge(Protocol):
    """Shows how far a send is."""

    def show(self, reading: Reading, *, is_last: bool = False) -> None:
        """Show the figures, unless others were shown just now; the last ones always."""


def words_of(counts: Mapping[str, int], *, waiting: int, rate: float) -> str:
    """Figures for people: "1,200 sent, 3 deferred · 410/s, 0:12 left"."""
    from digest.model import count_in_words

    seconds = seconds_left(waiting, rate)
    left = f", {_duration(seconds)} left" if seconds else ""
    return f"{count_in_words(counts) or 'none yet'} · {rate:,.0f}/s{left}"


def seconds_left(waiting: int, rate: float) -> int | None:
    """How long so many messages take at so many a second; None where that is not known."""
    return round(waiting / rate) if rate else None


def _duration(seconds: int) -> str:
    minutes, second = divmod(seconds, 60)
    hours, minute = divmod(minutes, 60)
    return f"{hours}:{minute:02}:{second:02}" if hours else f"{minute}:{second:02}"


@contextmanager
def open_gauge(*, is_result: bool) -> Iterator[Gauge]:
    """A gauge for one issue.

    Args:
        is_result: whether the figures are what the command was asked for: they go to stdout then, from the first look
            on, and stay on the terminal. Otherwise they only accompany it, on stderr.
    """
    stream = sys.stdout if is_result else sys.stderr
    if not stream.isatty():
        yield _Lines(is_result=is_result)
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    name, note = (TextColumn(text, markup=False) for text in ("{task.description}", "{task.fields[note]}"))
    console = Console(stderr=not is_result)
    with Progress(name, BarColumn(), MofNCompleteColumn(), note, console=console, transient=not is_result) as bars:
        yield _Bar(bars)


class _Lines:
    """One JSON object a line, every few seconds; what accompanies a send that is over before needs none."""

    def __init__(self, *, is_result: bool) -> None:
        self._is_result = is_result
        self._has_written = is_result
        self._next_at = 0.0 if is_result else time.monotonic() + LINE_SECONDS

    def show(self, reading: Reading, *, is_last: bool = False) -> None:
        if time.monotonic() >= self._next_at or (is_last and self._has_written):
            self._next_at = time.monotonic() + LINE_SECONDS
            self._has_written = True
            click.echo(json.dumps(reading.to_json(), ensure_ascii=False), err=not self._is_result)


class _Bar:
    def __init__(self, bars: Any) -> None:
        self._bars = bars
        self._task = bars.add_task("", total=None, note="")
        self._next_at = 0.0

    def show(self, reading: Reading, *, is_last: bool = False) -> None:
        if not is_last and time.monotonic() < self._next_at:
            return
        self._next_at = time.monotonic() + REFRESH_SECONDS
        figures = {"total": reading.total, "completed": reading.done, "note": reading.words()}
        self._bars.update(self._task, description=reading.name, refresh=is_last, **figures)
