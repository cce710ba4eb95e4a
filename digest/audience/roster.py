"""Files that hold lists of readers: opened, and recognised by their columns."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from digest.audience.shape import Shape, Sheet
from digest.audience.shapes import SHAPES, map_columns, present_columns, recognise_shape
from digest.errors import SourceError
from digest.source.archive import is_archive, open_archive
from digest.source.files import FileOptions, RefusedRow, Row, check_mapping, open_table


@dataclass(frozen=True, kw_only=True)
class RosterOptions:
    """How to read what is to be imported."""

    files: FileOptions
    shape: str | None = None
    """Whose columns the file has; None goes by them."""
    state: str = ""
    """Of people whose row names none."""
    consent_source: str = ""
    """Where people agreed, where the row does not say; "" names the file and the system."""


@dataclass(frozen=True, kw_only=True)
class Roster:
    """An open file."""

    path: Path
    shape: Shape
    sheet: Sheet
    columns: tuple[str, ...]
    """The file's own."""
    address_column: str
    """The file's name for it."""
    rows: Iterator[Row | RefusedRow]
    """Each knows our columns by their names."""


@contextmanager
def list_rosters(path: Path, options: RosterOptions) -> Iterator[Sequence[Path]]:
    """The files to import: the one that is named, or those of an archive that hold readers.

    Archives hold other tables too, some of them with addresses (who opened which mail). So only files with the columns
    of a system are taken, or else the only file there is.

    Raises:
        SourceError: an archive cannot be read, or none of its files holds readers.
    """
    if not is_archive(path):
        yield [path]
        return
    with open_archive(path) as files:
        taken = [file for file in files if _is_roster(file, options)]
        if not taken and len(files) == 1:
            taken = files
        if not taken:
            names = ", ".join(file.name for file in files) or "no CSV file at all"
            raise SourceError(f"{path}: none of its files is a list of readers (found {names}); unpack it and name one")
        yield taken


def _is_roster(file: Path, options: RosterOptions) -> bool:
    with open_table(file, options.files) as table:
        return recognise_shape(table.columns).name != "digest"


@contextmanager
def open_roster(path: Path, options: RosterOptions, *, within: Path) -> Iterator[Roster]:
    """A file's rows, for as long as the `with` lasts.

    Args:
        path: the file.
        options: how to read it.
        within: what the operator named: the file itself, or its archive.

    Raises:
        SourceError: it cannot be read, also while its rows are; or it has no column of addresses.
    """
    mapping = dict(options.files.mapping)
    with open_table(path, replace(options.files, mapping=mapping)) as table:
        shape = SHAPES[options.shape] if options.shape else recognise_shape(table.columns)
        check_mapping(mapping, shape.columns)
        # Rows hold this very dictionary; what the header tells is added to it before the first of them is read.
        mapping.update(map_columns(shape, table.columns, options.files.mapping))
        sheet = Sheet(
            name=path.name,
            timezone=options.files.timezone,
            consent_source=options.consent_source or _source_of(within, shape),
            columns=present_columns(mapping, table.columns),
            state=options.state,
        )
        yield Roster(
            path=path,
            shape=shape,
            sheet=sheet,
            columns=table.columns,
            address_column=mapping["address"],
            rows=table.rows,
        )


def _source_of(path: Path, shape: Shape) -> str:
    return f"import of {path.name}" + ("" if shape.name == "digest" else f" ({shape.title})")
