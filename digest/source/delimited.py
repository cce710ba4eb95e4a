"""CSV and TSV → rows, each with the physical line on which it begins.

A row with mismatched quotes is refused by itself: the lines it swallowed are handed back and read again, so that one
forgotten quote does not cost the rest of the file.
"""

import csv
from collections.abc import Iterable, Iterator, Mapping
from typing import Self

from digest.errors import RowError, SourceError
from digest.source.rows import UNREADABLE, RefusedRow, Row


def read_delimited(
    lines: Iterable[str], *, delimiter: str, mapping: Mapping[str, str]
) -> tuple[tuple[str, ...], Iterator[Row | RefusedRow]]:
    """The column names of the first row, and the rows after it. Blank lines are passed over.

    Raises:
        SourceError: there is no header row, or it cannot be used.
    """
    source = _Lines(lines)
    records = _read_records(source, delimiter)
    first = next(records, None)
    if first is None:
        raise SourceError("it is empty; its first line must name the columns")
    _, header = first
    if isinstance(header, csv.Error):
        raise SourceError(f"its header row cannot be read: {_in_words(header)}")
    names = _check_header(header)
    return names, (_make_row(line, cells, names, source, mapping) for line, cells in records)


def _check_header(header: list[str]) -> tuple[str, ...]:
    names = tuple(name.replace("\ufeff", "").strip() for name in header)
    unreadable = [name for name in names if UNREADABLE.search(name)]
    if unreadable:
        raise SourceError("its header row is in another encoding; say which, for example --encoding cp949")
    twice = sorted({name for name in names if name and names.count(name) > 1})
    if twice:
        raise SourceError(f"its header row names the column {twice[0]!r} twice; rename or remove one of them")
    return names


def _make_row(
    line: int,
    cells: list[str] | csv.Error,
    names: tuple[str, ...],
    source: "_Lines",
    mapping: Mapping[str, str],
) -> Row | RefusedRow:
    if isinstance(cells, csv.Error):
        raw = {"": source.first_line}
        return RefusedRow(error=RowError(line=line, column="", reason=_in_words(cells)), values=raw)
    values = dict(zip(names, cells))  # noqa: B905 - the lengths are compared next
    if len(cells) == len(names):
        return Row(line=line, values=values, mapping=mapping)
    reason = f"has {len(cells)} cells where the header has {len(names)}"
    return RefusedRow(error=RowError(line=line, column="", reason=reason), values=values)


def _read_records(source: "_Lines", delimiter: str) -> Iterator[tuple[int, list[str] | csv.Error]]:
    """Each record with its first line; a faulty one as the error of its first line alone."""
    reader = csv.reader(source, delimiter=delimiter, strict=True)
    while True:
        source.begin_record()
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            source.hand_back()
            yield source.record_line, _split_unquoted(source.first_line, delimiter) or error
        else:
            if cells:
                yield source.record_line, cells


def _split_unquoted(line: str, delimiter: str) -> list[str] | None:
    """The cells of a TSV line whose quotes are mere characters, as the IANA's TSV has it; CSV has no such form."""
    return line.split("\t") if delimiter == "\t" and "\t" in line else None


def _in_words(error: csv.Error) -> str:
    if "field limit" in str(error):
        return f"a cell is longer than {csv.field_size_limit():,} characters; shorten it, or close its quote"
    return 'its quotes do not match: close every ", and write "" for one inside a quoted cell'


class _Lines:
    """Physical lines, numbered; those of the current record can be handed back."""

    def __init__(self, lines: Iterable[str]) -> None:
        self._lines = iter(lines)
        self._again: list[str] = []
        self._taken: list[str] = []
        self.record_line = 1

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> str:
        line = self._again.pop() if self._again else next(self._lines)
        self._taken.append(line)
        return line

    @property
    def first_line(self) -> str:
        """The first line of the current record, without its line ending."""
        return self._taken[0].rstrip("\r\n")

    def begin_record(self) -> None:
        self.record_line += len(self._taken)
        self._taken.clear()

    def hand_back(self) -> None:
        """All lines of the current record but its first."""
        self._again.extend(reversed(self._taken[1:]))
        del self._taken[1:]
