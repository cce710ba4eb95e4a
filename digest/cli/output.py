"""What commands print: JSON, tables that know the width of Hangul, progress."""

import json
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Protocol

import click

PIPE_COLUMNS = 200
"""Width of tables that go into a file or a pipe, where nobody's screen says how wide a line may be."""
_PLAIN_LINE_SECONDS = 5.0


def print_json(value: Any) -> None:
    """Print a value as indented UTF-8 JSON."""
    click.echo(json.dumps(value, ensure_ascii=False, indent=2))


def print_table(columns: Sequence[str], rows: Iterable[Sequence[object]], *, right: Sequence[str] = ()) -> None:
    """Print rows under their column names.

    Args:
        columns: the names.
        rows: as many cells each.
        right: columns that are aligned to the right, such as numbers.
    """
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column, justify="right" if column in right else "left", overflow="fold")
    for row in rows:
        # Text, as a title may hold square brackets, which rich would read as markup.
        table.add_row(*(Text(str(cell)) for cell in row))
    width = None if sys.stdout.isatty() else PIPE_COLUMNS
    Console(width=width, highlight=False).print(table)


class Progress(Protocol):
    """Told how work goes on."""

    def advance(self, steps: int = 1, note: str = "") -> None:
        """So many more steps are done; the note stands beside the bar."""


class _PlainProgress:
    """A line every few seconds, for logs."""

    def __init__(self, label: str, total: int | None) -> None:
        self._label = label
        self._total = total
        self._done = 0
        self._next_line = time.monotonic() + _PLAIN_LINE_SECONDS

    def advance(self, steps: int = 1, note: str = "") -> None:
        """Count, and print a line when the last one is some seconds old."""
        self._done += steps
        if time.monotonic() >= self._next_line:
            self._next_line = time.monotonic() + _PLAIN_LINE_SECONDS
            of_total = f" of {self._total:,}" if self._total else ""
            click.echo(f"{self._label}: {self._done:,}{of_total} {note}".rstrip(), err=True)


@contextmanager
def show_progress(label: str, total: int | None = None) -> Iterator[Progress]:
    """A bar on a terminal, plain lines elsewhere; both on stderr, as stdout is for results."""
    if not sys.stderr.isatty():
        yield _PlainProgress(label, total)
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bars

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Bars(*columns, TextColumn("{task.fields[note]}"), console=Console(stderr=True), transient=True) as bars:
        task = bars.add_task(label, total=total, note="")
        yield _BarProgress(bars, task)


class _BarProgress:
    def __init__(self, bars: Any, task: Any) -> None:
        self._bars = bars
        self._task = task

    def advance(self, steps: int = 1, note: str = "") -> None:
        """Move the bar."""
        self._bars.update(self._task, advance=steps, note=note)
