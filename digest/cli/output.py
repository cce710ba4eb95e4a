"""What commands print: JSON, tables that know the width of Hangul, progress; and the one question they ask."""

import json
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol

import click

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

PIPE_COLUMNS = 10_000
"""Width of tables that go into a file or a pipe: a row stays one line, for `grep` and `cut`."""
_NARROWEST_LAST_COLUMN = 12
_PLAIN_LINE_SECONDS = 5.0


def print_json(value: Any) -> None:
    """Print a value as indented UTF-8 JSON."""
    click.echo(json.dumps(value, ensure_ascii=False, indent=2))


def count_of(number: int, singular: str, plural: str = "") -> str:
    """A number with its noun: "1 article", "2,000 articles"."""
    return f"{number:,} {singular if number == 1 else plural or f'{singular}s'}"


def ask(question: str) -> None:
    """Go on only when a person at the terminal says yes.

    Raises:
        click.UsageError: nobody is there to answer.
    """
    if not sys.stdin.isatty():
        raise click.UsageError("this asks first; from a script, add --yes")
    click.confirm(question, abort=True)


def print_table(columns: Sequence[str], rows: Iterable[Sequence[object]], *, right: Sequence[str] = ()) -> None:
    """Print rows under their column names; on a narrow terminal the last column wraps.

    Args:
        columns: the names.
        rows: as many cells each. A pair of texts is a text and a remark on it, which stands on a line of its own.
        right: columns that are aligned to the right, such as numbers.
    """
    from rich.console import Console
    from rich.table import Table

    console = Console(width=None if sys.stdout.isatty() else PIPE_COLUMNS, highlight=False)
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column, justify="right" if column in right else "left", overflow="fold")
    for row in rows:
        table.add_row(*map(_to_text, row))
    _wrap_only_the_last(table, console)
    with console.capture() as printed:
        console.print(table)
    # Tables are padded to their right edge; a line that is copied should end where its text does.
    click.echo("\n".join(line.rstrip() for line in printed.get().rstrip("\n").split("\n")))


def _to_text(cell: object) -> "Text":
    """A cell as a text of its own: a title may hold square brackets, which rich would read as markup."""
    from rich.text import Text

    if isinstance(cell, tuple):
        text, remark = cell
        return Text.assemble(str(text), "\n", (str(remark), "dim"))
    return Text(str(cell))


def _wrap_only_the_last(table: "Table", console: "Console") -> None:
    """Keep ids, numbers and addresses in one piece, from the left on, while room is left for the other columns."""
    *others, last = table.columns
    room = console.width - 2 * len(others) - max(_NARROWEST_LAST_COLUMN, console.measure(last.header).maximum)
    narrowest = [console.measure(column.header).maximum for column in others]
    for number, column in enumerate(others):
        widest = max(console.measure(cell).maximum for cell in (column.header, *column.cells))
        column.no_wrap = widest + sum(narrowest[number + 1 :]) <= room
        room -= widest if column.no_wrap else narrowest[number]


class Progress(Protocol):
    """Told how work goes on."""

    def advance(self, steps: int = 1, note: str = "") -> None:
        """So many more steps are done; the note stands beside the bar."""


class _PlainProgress:
    """A line every few seconds, for logs."""

    def __init__(self, label: str, unit: str, total: int | None) -> None:
        self._label = label
        self._unit = unit
        self._total = total
        self._done = 0
        self._next_line = time.monotonic() + _PLAIN_LINE_SECONDS

    def advance(self, steps: int = 1, note: str = "") -> None:
        """Count, and print a line when the last one is some seconds old."""
        self._done += steps
        if time.monotonic() >= self._next_line:
            self._next_line = time.monotonic() + _PLAIN_LINE_SECONDS
            of_total = f" of {self._total:,}" if self._total else ""
            in_brackets = f" ({note})" if note else ""
            click.echo(f"{self._label}: {self._done:,}{of_total} {self._unit}{in_brackets}", err=True)


@contextmanager
def show_progress(label: str, unit: str, total: int | None = None) -> Iterator[Progress]:
    """A bar on a terminal, plain lines elsewhere; both on stderr, as stdout is for results.

    Args:
        label: what is being worked on.
        unit: what is counted, in the plural.
        total: how many there are, where that is known.
    """
    if not sys.stderr.isatty():
        yield _PlainProgress(label, unit, total)
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bars

    # File names are no markup: they may hold square brackets.
    name, done, counted, note = (
        TextColumn(text, markup=False)
        for text in ("{task.description}", "{task.completed:,}", unit, "{task.fields[note]}")
    )
    figures = MofNCompleteColumn() if total else done
    columns = (name, BarColumn(), figures, counted, TimeElapsedColumn(), note)
    with Bars(*columns, console=Console(stderr=True), transient=True) as bars:
        task = bars.add_task(label, total=total, note="")
        yield _BarProgress(bars, task)


class _BarProgress:
    def __init__(self, bars: Any, task: Any) -> None:
        self._bars = bars
        self._task = task

    def advance(self, steps: int = 1, note: str = "") -> None:
        """Move the bar."""
        self._bars.update(self._task, advance=steps, note=note)
