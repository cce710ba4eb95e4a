"""What a preview is made of, as one word that changes when any of it does: settings, templates, catalogues, database.

Looking a few times a second at the times of some forty files costs less than a millisecond, works on every file
system, and sees a folder that is made later.
"""

import hashlib
from collections.abc import Iterable
from pathlib import Path

from digest.settings import Settings


def files_of(settings: Settings, template_folders: Iterable[Path]) -> tuple[Path, ...]:
    """The files and folders a preview depends on, besides the workspace's own database."""
    return (settings.file, *template_folders, settings.folder / "locales")


def publisher_files(settings: Settings) -> tuple[Path, ...]:
    """The publisher's database with its write-ahead log; () where articles come by import."""
    if settings.source.type != "sqlite" or settings.source.path is None:
        return ()
    path = settings.folder / settings.source.path
    return path, path.with_name(f"{path.name}-wal")


def stamp(paths: Iterable[Path]) -> str:
    """Names, times and sizes of files, and of all files in folders, as one word; what is not there counts too."""
    total = hashlib.sha256()
    for path in paths:
        for file in sorted(path.rglob("*")) if path.is_dir() else (path,):
            total.update(_describe(file))
    return total.hexdigest()


def _describe(file: Path) -> bytes:
    try:
        found = file.stat()
    except OSError:  # an editor is just replacing it
        return f"{file}\0".encode()
    return f"{file}\0{found.st_mtime_ns}\0{found.st_size}\0".encode()
