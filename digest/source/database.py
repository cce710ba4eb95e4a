"""The publisher's own SQLite database, read in place: opened read only, read at once, closed at once.

Both queries see one snapshot. Nothing is ever written: the file is opened read only, every statement is, and an
authorizer refuses what could reach other files.
"""

import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import partial
from pathlib import Path
from zoneinfo import ZoneInfo

from digest.errors import RowError, SourceError
from digest.model import Article, DatedCount, RunningTotal, ViewEvent, Window
from digest.settings import SourceSettings
from digest.source.articles import REQUIRED_COLUMNS, ArticleRow, parse_articles
from digest.source.cells import missing_columns
from digest.source.rows import RefusedRow, Row
from digest.source.views import View, kind_of_views, parse_views

_BUSY_SECONDS = 5.0
"""How long to wait for a publisher that is writing."""
_FIRST_DAY, _LAST_DAY = date.min, date.max
_LAST_EPOCH = 253_402_300_799
"""The end of the year 9999."""
_SPARE = timedelta(days=1)
"""On each side of a window: a query may compare in any timezone, and the ranking counts exactly afterwards."""
_BEYOND_READING = frozenset(
    {
        *(sqlite3.SQLITE_ATTACH, sqlite3.SQLITE_DETACH, sqlite3.SQLITE_PRAGMA),
        *(sqlite3.SQLITE_TRANSACTION, sqlite3.SQLITE_SAVEPOINT),
    }
)
"""What a read-only connection would still do. Writes it refuses itself; denying those here would also deny the
full-text tables, whose set-up looks like one."""


@dataclass(frozen=True, kw_only=True)
class PublisherRead:
    """What one reading of the publisher's database found."""

    articles: tuple[Article, ...]
    totals: tuple[RunningTotal, ...]
    """From a column `views` of the articles, and from a query of running totals."""
    counts: tuple[DatedCount, ...]
    events: tuple[ViewEvent, ...]
    refused: tuple[RowError, ...]
    """Rows that are no article or no count: `line` is the row of the result, `column` "articles.url" or the like."""


@dataclass(frozen=True, kw_only=True)
class _Result:
    """All rows of one query."""

    columns: tuple[str, ...]
    rows: list[tuple[object, ...]]


def read_publisher(
    source: SourceSettings, *, settings_file: Path, timezone: ZoneInfo, window: Window | None, now: datetime
) -> PublisherRead:
    """Everything the two queries of `[source]` return, for a window or for all time.

    Args:
        source: `path` is beside the settings file unless absolute. The queries may use `:start` and `:end`, local
            dates that cover the window with a spare day on each side, and `:start_epoch` and `:end_epoch`, the same
            as unix seconds.
        settings_file: named in errors.
        timezone: the site's: times without a zone are read in it.
        window: None for all time.
        now: the moment of reading, for running totals that do not say when they were taken.

    Raises:
        SourceError: the database or a query cannot be used; the message names the setting.
    """
    results = _fetch(source, settings_file, _parameters(window, timezone))
    articles = tuple(_parse_articles(results["articles"], settings_file, timezone, now))
    views = tuple(_parse_views(results["views"], settings_file, timezone, now)) if "views" in results else ()
    return _collect(articles, views)


def _collect(articles: Iterable[ArticleRow | RefusedRow], views: Iterable[View | RefusedRow]) -> PublisherRead:
    articles, views = tuple(articles), tuple(views)
    found = [row for row in articles if isinstance(row, ArticleRow)]
    refused = [
        *(_named("articles", row.error) for row in articles if isinstance(row, RefusedRow)),
        *(_named("views", row.error) for row in views if isinstance(row, RefusedRow)),
    ]
    return PublisherRead(
        articles=tuple(row.article for row in found),
        totals=(
            *(row.total for row in found if row.total),
            *(view for view in views if isinstance(view, RunningTotal)),
        ),
        counts=tuple(view for view in views if isinstance(view, DatedCount)),
        events=tuple(view for view in views if isinstance(view, ViewEvent)),
        refused=tuple(refused),
    )


def _named(query: str, error: RowError) -> RowError:
    return RowError(line=error.line, column=f"{query}.{error.column}", reason=error.reason)


def _parameters(window: Window | None, timezone: ZoneInfo) -> dict[str, str | int]:
    if window is None:
        return _named_bounds(_FIRST_DAY, _LAST_DAY, 0, _LAST_EPOCH)
    start, end = window.start - _SPARE, window.end + _SPARE
    first, last = start.astimezone(timezone).date(), end.astimezone(timezone).date()
    return _named_bounds(first, last, int(start.timestamp()), int(end.timestamp()))


def _named_bounds(first: date, last: date, start: int, end: int) -> dict[str, str | int]:
    return {"start": first.isoformat(), "end": last.isoformat(), "start_epoch": start, "end_epoch": end}


def _parse_articles(
    result: _Result, settings_file: Path, timezone: ZoneInfo, now: datetime
) -> Iterator[ArticleRow | RefusedRow]:
    missing = missing_columns(REQUIRED_COLUMNS, result.columns, {})
    if missing:
        raise SourceError(
            f"{settings_file}: source.articles: the query returns no column {', '.join(missing)}; "
            f"it returns {', '.join(result.columns)}. Name it with AS, as in SELECT headline AS title"
        )
    return parse_articles(_as_rows(result), timezone=timezone, read_at=now)


def _parse_views(
    result: _Result, settings_file: Path, timezone: ZoneInfo, now: datetime
) -> Iterator[View | RefusedRow]:
    try:
        kind = kind_of_views(result.columns)
    except ValueError as error:
        found = f"the query returns {', '.join(result.columns)}"
        raise SourceError(f"{settings_file}: source.views: {error}; {found}. Name columns with AS") from error
    return parse_views(_as_rows(result), kind, timezone=timezone, read_at=now)


def _as_rows(result: _Result) -> Iterator[Row | RefusedRow]:
    for number, cells in enumerate(result.rows, 1):
        values = {name: _as_text(cell) for name, cell in zip(result.columns, cells, strict=True)}
        row = Row(line=number, values=values)
        yield row.refusal("utf-8") if row.is_unreadable else row


def _as_text(cell: object) -> str:
    """A cell of any of SQLite's five types as text."""
    if isinstance(cell, str):
        return cell
    if isinstance(cell, bytes):
        return cell.decode("utf-8", errors="surrogateescape")
    return "" if cell is None else str(cell)


def _fetch(source: SourceSettings, settings_file: Path, parameters: Mapping[str, str | int]) -> dict[str, _Result]:
    """The results of the queries that are set, by their settings' names."""
    path = settings_file.parent / (source.path or Path()).expanduser()
    queries = {"articles": source.articles, "views": source.views}
    queries = {name: query for name, query in queries.items() if query.strip()}
    try:
        if not path.is_file():
            raise SourceError(f"{settings_file}: source.path: {path} is not there, or not a file; name the database")
        return _read_database(path, queries, parameters)
    except _QueryError as error:
        raise SourceError(f"{settings_file}: source.{error}") from error
    except sqlite3.Error as error:
        raise SourceError(f"{settings_file}: source.path: {path} {_advice(error)}") from error
    except OSError as error:
        raise SourceError(f"{settings_file}: source.path: {path} cannot be read: {error.strerror}") from error


def _read_database(path: Path, queries: Mapping[str, str], parameters: Mapping[str, str | int]) -> dict[str, _Result]:
    """The results of all queries, from one snapshot.

    Where the database keeps a write-ahead log, even a read-only connection makes files beside it: it fails in a
    read-only folder, and leaves files of the wrong owner in any other. So one whose log is empty is read as a file that
    nobody changes; if somebody did meanwhile, it is read again as one that is in use.
    """
    uri = path.absolute().as_uri()
    changed_at = path.stat().st_mtime_ns
    if _is_at_rest(path):
        with suppress(sqlite3.Error):
            results = _read_connection(f"{uri}?mode=ro&immutable=1", queries, parameters)
            if _is_at_rest(path) and path.stat().st_mtime_ns == changed_at:
                return results
    return _read_connection(f"{uri}?mode=ro", queries, parameters)


def _is_at_rest(path: Path) -> bool:
    """Whether it keeps a write-ahead log (file format version 2, by sqlite.org/fileformat.html) with nothing in it."""
    with path.open("rb") as file:
        keeps_log = file.read(20)[18:20] == b"\x02\x02"
    logs = (path.with_name(path.name + ending) for ending in ("-wal", "-journal"))
    return keeps_log and not any(log.exists() and log.stat().st_size for log in logs)


def _read_connection(uri: str, queries: Mapping[str, str], parameters: Mapping[str, str | int]) -> dict[str, _Result]:
    with closing(sqlite3.connect(uri, uri=True, timeout=_BUSY_SECONDS, isolation_level=None)) as connection:
        connection.text_factory = partial(str, encoding="utf-8", errors="surrogateescape")
        connection.execute("PRAGMA query_only = ON")
        connection.execute("BEGIN")
        connection.execute("SELECT count(*) FROM sqlite_master").fetchall()  # faults of the file show here
        connection.set_authorizer(_refuse_more_than_reading)
        return {name: _run(connection, name, query, parameters) for name, query in queries.items()}


def _refuse_more_than_reading(action: int, detail: str | None, *_: str | None) -> int:
    is_version = action == sqlite3.SQLITE_PRAGMA and detail == "data_version"  # full-text tables ask for it
    return sqlite3.SQLITE_DENY if action in _BEYOND_READING and not is_version else sqlite3.SQLITE_OK


def _run(connection: sqlite3.Connection, name: str, query: str, parameters: Mapping[str, str | int]) -> _Result:
    try:
        cursor = connection.execute(query, parameters)
        rows = cursor.fetchall()
    except (sqlite3.Error, sqlite3.Warning) as error:
        if _primary_code(error) in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_IOERR):
            raise
        raise _QueryError(f"{name}: {_fault_of_query(error)}") from error
    if cursor.description is None:
        raise _QueryError(f"{name}: the query returns nothing; write a SELECT")
    columns = tuple(column[0] for column in cursor.description)
    twice = sorted({column for column in columns if columns.count(column) > 1})
    if twice:
        raise _QueryError(f"{name}: the query returns the column {twice[0]} twice; rename one with AS")
    return _Result(columns=columns, rows=rows)


class _QueryError(SourceError):
    """The query is at fault, not the file; begins with the name of its setting."""


def _fault_of_query(error: Exception) -> str:
    text = str(error)
    if _primary_code(error) in (sqlite3.SQLITE_AUTH, sqlite3.SQLITE_READONLY) or "VACUUM" in text:
        return "only a SELECT is allowed; the publisher's database is never changed"
    if "one statement" in text:
        return "it holds more than one statement; write one SELECT"
    if "binding" in text.lower():
        return f"{text}; a query may use :start, :end, :start_epoch and :end_epoch"
    return f"the query fails: {text}"


def _advice(error: sqlite3.Error) -> str:
    advice = {
        sqlite3.SQLITE_BUSY: "is locked by another program; try again when that has finished",
        sqlite3.SQLITE_NOTADB: "is not a SQLite database, or it is encrypted; name the right file",
        sqlite3.SQLITE_CORRUPT: "is damaged; check it with PRAGMA integrity_check",
        sqlite3.SQLITE_CANTOPEN: "cannot be opened; let digest read it and write to its folder",
        sqlite3.SQLITE_READONLY: "cannot be opened before its log is finished; open it once with its own program",
    }
    return advice.get(_primary_code(error), f"cannot be read: {error}")


def _primary_code(error: Exception) -> int:
    """SQLite's result code without its extension; 0 where Python itself objects."""
    return int(getattr(error, "sqlite_errorcode", 0)) & 0xFF
