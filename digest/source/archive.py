"""Zip archives: their files, to be opened by `open_table` as if they lay in a folder."""

import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import cast

from digest.errors import SourceError

_ENDINGS = (".csv", ".tsv")
_HIDDEN = ("__MACOSX/", ".")
_ENCRYPTED = 0x1
"""Of the general purpose flags (PKWARE APPNOTE 4.4.4)."""


def is_archive(path: Path) -> bool:
    """Whether its name says so."""
    return path.suffix.lower() == ".zip"


@contextmanager
def open_archive(path: Path) -> Iterator[list[Path]]:
    """The tables in an archive, for as long as the `with` lasts. They can be opened and named, and nothing else.

    Raises:
        SourceError: it is missing, damaged, or locked with a password; also while its files are read.
    """
    with _open(path) as archive:
        if any(member.flag_bits & _ENCRYPTED for member in archive.infolist()):
            raise SourceError(f"{path}: it is locked with a password; unpack it and import its files")
        names = sorted(name for name in archive.namelist() if _is_table(name))
        try:
            yield [cast("Path", zipfile.Path(archive, name)) for name in names]
        except (zipfile.BadZipFile, NotImplementedError) as error:
            raise _unreadable(path, error) from error


def _open(path: Path) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(path)
    except zipfile.BadZipFile as error:
        raise _unreadable(path, error) from error
    except OSError as error:
        raise SourceError(f"{path}: it cannot be read: {error.strerror or error}") from error


def _unreadable(path: Path, error: Exception) -> SourceError:
    return SourceError(f"{path}: it is no zip archive that can be read ({error}); fetch it again")


def _is_table(name: str) -> bool:
    return name.lower().endswith(_ENDINGS) and not name.startswith(_HIDDEN)
