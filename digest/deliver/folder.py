"""Files that appear whole and on the disk, or not at all: what the ways out into a folder share."""

import errno
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from digest.errors import TransportError


def prepare_folder(folder: Path, parts: Iterable[str]) -> None:
    """Make a folder with its parts, open to its owner only, where they are not there yet: it will hold addresses.

    Raises:
        TransportError: it cannot be made, or no file could be made in a part of it.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for part in (folder / name for name in parts):
            part.mkdir(mode=0o700, exist_ok=True)
            _require_writable(part)
        _require_writable(folder)
    except OSError as error:
        raise TransportError(
            f"{folder}: messages cannot be kept there ({error.strerror}); check delivery.path"
        ) from error


@contextmanager
def explain_failure(folder: Path) -> Iterator[None]:
    """Make of a message that cannot be written there a TransportError that says what to check."""
    try:
        yield
    except OSError as error:
        what = f"{folder}: the message cannot be written ({error.strerror})"
        raise TransportError(f"{what}; check delivery.path") from error


def place_file(content: bytes, *, aside: Path, target: Path) -> None:
    """Write aside, flush, rename: `mailbox.Maildir.add` leaves its file in tmp/ when the disk is full.

    Args:
        content: the whole file.
        aside: where it is written, on the same file system; nothing is left there.
        target: where it appears, readable by its owner only.

    Raises:
        OSError: it cannot be written; nothing has appeared.
    """
    try:
        with open(aside, "xb", opener=_open_for_owner) as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        aside.rename(target)
    except BaseException:
        aside.unlink(missing_ok=True)
        raise
    _flush_folder(target.parent)


def _open_for_owner(path: str, flags: int) -> int:
    return os.open(path, flags, mode=0o600)


def _require_writable(folder: Path) -> None:
    if not os.access(folder, os.W_OK | os.X_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))


def _flush_folder(folder: Path) -> None:
    """Make the new name survive a power cut; costs 0.1 to 0.25 ms."""
    with suppress(OSError):  # some network file systems cannot; the message is there all the same
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
