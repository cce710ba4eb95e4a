"""Rows → views: dated counts, events or running totals, whichever their columns say."""

from collections.abc import Callable, Hashable, Iterable, Iterator
from datetime import UTC, datetime
from enum import Enum
from pathlib import Path
from zoneinfo import ZoneInfo

from digest.errors import RowError, SourceError
from digest.model import DatedCount, RunningTotal, ViewEvent
from digest.source.cells import missing_columns, read_count, read_day, read_id, read_moment
from digest.source.files import FileOptions, RefusedRow, Row, check_mapping, open_table

View = DatedCount | ViewEvent | RunningTotal
_Parser = Callable[[Row, ZoneInfo, datetime], View]


class ViewKind(Enum):
    """The three forms of views; the value is the columns that tell each."""

    DATED_COUNTS = ("article_id", "date", "views")
    """The views of an article on a calendar day."""
    EVENTS = ("article_id", "viewed_at")
    """One view a row."""
    RUNNING_TOTALS = ("article_id", "total")
    """An all-time counter; with `taken_at`, when it was read."""


COLUMNS = tuple(dict.fromkeys((*(name for kind in ViewKind for name in kind.value), "taken_at")))
"""Every column of views there is. Any other is passed over."""


def read_view_file(path: Path, options: FileOptions) -> Iterator[View | RefusedRow]:
    """The views of an import file, in its order, and the rows that are none.

    Raises:
        SourceError: the whole file is at fault (while iterating): missing, cut off, not decodable, of an unknown
            format, or its columns are of no kind of views.
    """
    check_mapping(options.mapping, COLUMNS)
    with open_table(path, options) as table:
        own_columns = [name for name in COLUMNS if not missing_columns([name], table.columns, options.mapping)]
        if not table.columns:
            yield from (row for row in table.rows if isinstance(row, RefusedRow))
            return
        try:
            kind = kind_of_views(own_columns)
        except ValueError as error:
            raise SourceError(
                f"{error}; found: {', '.join(table.columns)}. Say which column is which with --map date=COLUMN"
            ) from error
        yield from parse_views(table.rows, kind, timezone=options.timezone, read_at=options.read_at)


def kind_of_views(columns: Iterable[str]) -> ViewKind:
    """The kind that columns of ours tell.

    Raises:
        ValueError: in words: they tell none, or more than one.
    """
    found = frozenset(columns)
    kinds = [kind for kind in ViewKind if found.issuperset(kind.value)]
    if not kinds:
        allowed = "; or ".join(", ".join(kind.value) for kind in ViewKind)
        raise ValueError(f"views need the columns {allowed}")
    if len(kinds) > 1:
        both = " and ".join(", ".join(kind.value) for kind in kinds)
        raise ValueError(f"the columns are of two kinds of views, {both}; keep one of them")
    return kinds[0]


def parse_views(
    rows: Iterable[Row | RefusedRow], kind: ViewKind, *, timezone: ZoneInfo, read_at: datetime
) -> Iterator[View | RefusedRow]:
    """Each row as a view of that kind, or refused: also where its count has been on an earlier line."""
    parse = _PARSERS[kind]
    taken_at = read_at.astimezone(UTC).replace(microsecond=0)
    line_of_count: dict[Hashable, int] = {}
    for row in rows:
        if isinstance(row, RefusedRow):
            yield row
            continue
        try:
            view = parse(row, timezone, taken_at)
            _check_new(row, view, line_of_count)
        except RowError as error:
            yield RefusedRow(error=error, values=row.values)
        else:
            yield view


def _check_new(row: Row, view: View, line_of_count: dict[Hashable, int]) -> None:
    """Two events may be alike; two counts of one day or moment contradict or double each other."""
    if isinstance(view, ViewEvent):
        return
    moment = view.date if isinstance(view, DatedCount) else view.taken_at
    line = line_of_count.setdefault((view.article_id, moment), row.line)
    if line != row.line:
        raise row.error("article_id", f"{view.article_id!r} at {moment.isoformat()} is on line {line} already")


def _dated_count(row: Row, _timezone: ZoneInfo, _taken_at: datetime) -> DatedCount:
    article_id, day = read_id(row, "article_id"), read_day(row, "date")
    return DatedCount(article_id=article_id, date=day, views=read_count(row, "views"))


def _event(row: Row, timezone: ZoneInfo, _taken_at: datetime) -> ViewEvent:
    return ViewEvent(article_id=read_id(row, "article_id"), viewed_at=read_moment(row, "viewed_at", timezone))


def _running_total(row: Row, timezone: ZoneInfo, taken_at: datetime) -> RunningTotal:
    article_id, total = read_id(row, "article_id"), read_count(row, "total")
    if row.text("taken_at").strip():
        taken_at = read_moment(row, "taken_at", timezone)
    return RunningTotal(article_id=article_id, total=total, taken_at=taken_at)


_PARSERS: dict[ViewKind, _Parser] = {
    ViewKind.DATED_COUNTS: _dated_count,
    ViewKind.EVENTS: _event,
    ViewKind.RUNNING_TOTALS: _running_total,
}
