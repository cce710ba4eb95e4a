"""What became of the rows of an import, and the file that lists those that were not taken."""

import csv
from collections import Counter
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from digest.audience.cells import guard
from digest.errors import RowError
from digest.store.subscribers import Change


@dataclass(frozen=True, kw_only=True)
class Refusal:
    """A row that could not be used."""

    path: Path
    error: RowError
    """Line, column and reason."""


@dataclass(frozen=True, kw_only=True)
class StatusCount:
    """How many rows had a status that keeps people from being mailed."""

    status: str
    """In the words of the file."""
    kept_as: str | None
    """The state they have here; None where they were left out."""
    rows: int


@dataclass(frozen=True, kw_only=True)
class SubscriberReport:
    """What importing subscribers did, or would have done."""

    shapes: tuple[str, ...]
    """Names of the shapes of its files, each once."""
    changes: Mapping[Change, int]
    refused_rows: int
    refused: tuple[Refusal, ...]
    """The first of them, as many as were asked for."""
    statuses: tuple[StatusCount, ...]
    """The most frequent first."""
    stay_pending: int
    """Rows that say active of people who have not confirmed; they stay pending, and the rest of the row was kept."""
    kept: bool

    @property
    def left_out(self) -> int:
        """Rows of people who never agreed, or are gone."""
        return sum(count.rows for count in self.statuses if count.kept_as is None)

    @property
    def rows(self) -> int:
        """How many rows the files had."""
        return sum(self.changes.values()) + self.refused_rows + self.left_out


class Tally:
    """Counts rows while they are read, and writes those that are not taken into a file, where one is named.

    The file is CSV with the line, the column and the reason before the row's own cells, and the file before them all
    where there are several. Rows that the file itself spoils come first, then those of people who must not be revived.
    It carries a byte order mark, as spreadsheets read Korean wrongly without one.
    """

    def __init__(self, path: Path | None, *, listed: int | None) -> None:
        self.refused_rows = 0
        self.refused: list[Refusal] = []
        self.statuses: Counter[tuple[str, str | None]] = Counter()
        self._path = path
        self._listed = listed
        self._columns: dict[str, None] = {}
        self._names_files = False
        self._stack = ExitStack()
        self._writer: Any = None

    def __enter__(self) -> Self:
        if self._path is not None:
            file = self._stack.enter_context(self._path.open("w", encoding="utf-8-sig", newline=""))
            self._writer = csv.writer(file)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._stack.__exit__(kind, error, traceback)

    @property
    def wants_cells(self) -> bool:
        """Whether rows are wanted as they were read."""
        return self._writer is not None

    def begin(self, columns: Mapping[str, None], *, several_files: bool) -> None:
        """Name the columns of all files, before the first row."""
        self._columns, self._names_files = dict(columns), several_files
        self._write_row("file", "line", "column", "reason", *self._columns)

    def note_status(self, status: str, kept_as: str | None) -> None:
        """Count a row of somebody who is not to be mailed."""
        self.statuses[status, kept_as] += 1

    def refuse(self, path: Path, error: RowError, cells: Mapping[str, str]) -> None:
        """Note a row that cannot be used."""
        self.refused_rows += 1
        if self._listed is None or len(self.refused) < self._listed:
            self.refused.append(Refusal(path=path, error=error))
        self.list(path, error, cells)

    def list(self, path: Path, error: RowError, cells: Mapping[str, str]) -> None:
        """Write a row that was not taken into the file."""
        if self._writer is not None:
            values = [guard(cells.get(name, "")) for name in self._columns]
            self._write_row(path.name, str(error.line), error.column, error.reason, *values)

    def _write_row(self, file: str, *cells: str) -> None:
        if self._writer is not None:
            self._writer.writerow((file, *cells) if self._names_files else cells)

    def report(
        self, changes: Mapping[Change, int], *, shapes: tuple[str, ...], stay_pending: int, kept: bool
    ) -> SubscriberReport:
        """All that was counted."""
        return SubscriberReport(
            shapes=shapes,
            changes=changes,
            refused_rows=self.refused_rows,
            refused=tuple(self.refused),
            statuses=tuple(
                StatusCount(status=status, kept_as=kept_as, rows=rows)
                for (status, kept_as), rows in self.statuses.most_common()
            ),
            stay_pending=stay_pending,
            kept=kept,
        )
