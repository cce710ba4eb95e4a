"""Import files: opening, decompressing and decoding them, and telling CSV, TSV, JSON and NDJSON apart.

Whatever is wrong with one row becomes a `RefusedRow`; whatever is wrong with the file becomes a `SourceError`.
"""

import gzip
import io
import zlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from itertools import chain
from pathlib import Path
from typing import IO
from zoneinfo import ZoneInfo

from digest.errors import SourceError
from digest.source.delimited import read_delimited
from digest.source.json_rows import read_json_array, read_json_lines
from digest.source.rows import RefusedRow, Row

__all__ = ["FORMATS", "FileOptions", "RefusedRow", "Row", "Table", "check_mapping", "open_table", "read_rows"]

_FORMAT_OF_ENDING = {".csv": "csv", ".tsv": "tsv", ".json": "json", ".ndjson": "ndjson", ".jsonl": "ndjson"}
FORMATS = tuple(dict.fromkeys(_FORMAT_OF_ENDING.values()))
"""Names that `FileOptions.format` may have."""
_PEEKED_ROWS = 100
_GUISES = {
    b"PK\x03\x04": "it is an Excel or zip file; save it as CSV",
    b"\xd0\xcf\x11\xe0": "it is an old Excel file; save it as CSV",
    b"\x1f\x8b": "it is compressed with gzip; give it a name that ends in .gz",
    b"SQLite format 3": 'it is a SQLite database; read it with type = "sqlite" under [source] in digest.toml',
}
_UTF_16_MARKS = (b"\xff\xfe", b"\xfe\xff")

_Records = tuple[tuple[str, ...] | None, Iterator[Row | RefusedRow]]
"""Column names, where they are known before the rows are read, and the rows."""


@dataclass(frozen=True, kw_only=True)
class FileOptions:
    """How to read an import file."""

    mapping: Mapping[str, str] = field(default_factory=dict)
    """Our column name → the file's, where they differ (`--map title=headline`)."""
    encoding: str | None = None
    """A Python codec name such as "cp949"; None is UTF-8, with or without a byte order mark."""
    timezone: ZoneInfo
    """The site's: dates without a zone are read in it."""
    read_at: datetime
    """The moment of reading, aware: when running totals were taken that do not say it themselves."""
    format: str | None = None
    """csv, tsv, json or ndjson; None goes by the file's name."""


@dataclass(frozen=True, kw_only=True)
class Table:
    """An open import file."""

    columns: tuple[str, ...]
    """Its column names in order; empty for JSON without a sound row. For NDJSON, those of the first 100 rows."""
    rows: Iterator[Row | RefusedRow]
    """Read as they are asked for."""


def read_rows(path: Path, options: FileOptions) -> Iterator[Row | RefusedRow]:
    """All rows of a file as text; `Row.text` knows our column names.

    Raises:
        SourceError: the file is missing, cut off, in another encoding or of an unknown format (while iterating).
    """
    with open_table(path, options) as table:
        yield from table.rows


@contextmanager
def open_table(path: Path, options: FileOptions) -> Iterator[Table]:
    """A file's columns and rows, for as long as the `with` lasts.

    Raises:
        SourceError: as `read_rows`, also while its rows are read.
    """
    try:
        with _open_bytes(path) as file:
            name = _format_of(path, options.format)
            _check_guise(file, options.encoding)
            with _open_text(file, options.encoding) as text:
                yield _make_table(text, name, options)
    except SourceError as error:
        raise SourceError(_with_name(path, str(error))) from error
    except (EOFError, zlib.error) as error:
        raise SourceError(f"{path}: it is cut off or damaged ({error}); fetch it again") from error
    except UnicodeError as error:
        raise SourceError(f"{path}: {_not_in(options.encoding)}") from error
    except OSError as error:
        raise SourceError(f"{path}: it cannot be read: {error.strerror or error}") from error


def check_mapping(mapping: Mapping[str, str], known: Iterable[str]) -> None:
    """Whether a mapping names columns of ours.

    Raises:
        SourceError: it names one that is not `known`.
    """
    for name, column in mapping.items():
        if name not in known:
            raise SourceError(f"--map {name}={column}: {name} is none of our columns; they are {', '.join(known)}")


def _with_name(path: Path, message: str) -> str:
    return message if message.startswith(f"{path}: ") else f"{path}: {message}"


def _open_bytes(path: Path) -> IO[bytes]:
    if path.suffix.lower() == ".gz":
        return gzip.open(path, "rb")  # type: ignore[return-value]  # a GzipFile reads and peeks like a file
    return path.open("rb")


def _open_text(file: IO[bytes], encoding: str | None) -> io.TextIOWrapper:
    """Undecodable bytes stay recognisable (PEP 383), so that they cost their row and not the file."""
    try:
        return io.TextIOWrapper(file, encoding or "utf-8-sig", errors="surrogateescape", newline="")
    except LookupError as error:
        raise SourceError(f"{encoding!r} is no encoding; --encoding takes names such as utf-8 or cp949") from error


def _check_guise(file: IO[bytes], encoding: str | None) -> None:
    """Files that are something else altogether, told from their first bytes."""
    start: bytes = file.peek(16)[:16]  # type: ignore[attr-defined]  # both kinds of file have it
    for mark, advice in _GUISES.items():
        if start.startswith(mark):
            raise SourceError(advice)
    if encoding is None and start.startswith(_UTF_16_MARKS):
        raise SourceError("it is UTF-16; say so with --encoding utf-16")


def _format_of(path: Path, asked: str | None) -> str:
    name = path.with_suffix("") if path.suffix.lower() == ".gz" else path
    found = asked or _FORMAT_OF_ENDING.get(name.suffix.lower())
    if found not in FORMATS:
        what = f"{asked!r} is no format" if asked else f"its name ends in {name.suffix or 'nothing known'!r}"
        raise SourceError(f"{what}; use {', '.join(FORMATS)} (.gz too) in its name or with --format")
    return found


def _make_table(file: io.TextIOWrapper, name: str, options: FileOptions) -> Table:
    header, rows = _read_as(name, file, options.mapping)
    peeked = _peek(rows)
    _check_encoding(peeked, options.encoding)
    columns = _columns_of(peeked) if header is None else header
    if header:
        _check_mapped_columns(options.mapping, header)
    return Table(columns=columns, rows=_refuse_unreadable(chain(peeked, rows), options.encoding or "utf-8"))


def _read_as(name: str, file: io.TextIOWrapper, mapping: Mapping[str, str]) -> _Records:
    if name == "json":
        rows = list(read_json_array(file.read().removeprefix("\ufeff"), mapping))
        return _columns_of(rows), iter(rows)
    if name == "ndjson":
        return None, read_json_lines(file, mapping)
    return read_delimited(file, delimiter="\t" if name == "tsv" else ",", mapping=mapping)


def _peek(rows: Iterator[Row | RefusedRow]) -> list[Row | RefusedRow]:
    """The rows up to the hundredth sound one."""
    peeked: list[Row | RefusedRow] = []
    sound = 0
    for row in rows:
        peeked.append(row)
        sound += isinstance(row, Row)
        if sound == _PEEKED_ROWS:
            break
    return peeked


def _columns_of(rows: Iterable[Row | RefusedRow]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for row in rows if isinstance(row, Row) for name in row.values))


def _check_encoding(peeked: Iterable[Row | RefusedRow], encoding: str | None) -> None:
    """One bad byte costs its row; where most rows have some, the whole file is in another encoding."""
    rows = [row for row in peeked if isinstance(row, Row)]
    faulty = sum(row.has_undecoded_bytes for row in rows)
    if faulty * 2 > len(rows):
        raise SourceError(_not_in(encoding))


def _not_in(encoding: str | None) -> str:
    if encoding is None:
        return "it is not UTF-8; say how it is encoded, for example --encoding cp949"
    return f"it is not {encoding}; leave out --encoding for UTF-8, or name another"


def _check_mapped_columns(mapping: Mapping[str, str], columns: tuple[str, ...]) -> None:
    for name, column in mapping.items():
        if column not in columns:
            raise SourceError(f"--map {name}={column}: it has no column {column}; found: {', '.join(columns)}")


def _refuse_unreadable(rows: Iterable[Row | RefusedRow], encoding: str) -> Iterator[Row | RefusedRow]:
    for row in rows:
        yield row.refusal(encoding) if isinstance(row, Row) and row.is_unreadable else row
