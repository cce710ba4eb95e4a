"""An mbox file as mailbox (RFC 4155): messages one behind the other, each after a line that begins with "From ".

The file is never written anew. How far it was read is remembered, and once all of it was acted upon it can be emptied,
under the locks that mail servers take; what arrives meanwhile stays for the next time.
"""

import mailbox
import os
import re
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from digest.errors import MailboxError
from digest.mailbox.mailbox import LARGEST, After, Letter
from digest.store.returns import Position

_LOCK_SECONDS = 10.0
_PAUSE = 0.1
_FINGERPRINT = 1024
"""Bytes of the first message by which a file is known again; a file made anew begins otherwise."""
_BEGIN = re.compile(rb"From [^\n]{0,300}\d{4}[^\n]{0,40}\n")
"""With a year: a text may have a line that begins so too."""


class MboxMailbox:
    """A file that mail is appended to."""

    def __init__(self, path: Path, *, after: After, remembers: bool = True) -> None:
        """Name a file.

        Args:
            path: the file.
            after: delete empties it; otherwise it stays as it is.
            remembers: whether it is to be remembered how far it was read.
        """
        self._path = path
        self._after = after
        self._remembers = remembers
        self._open = 0
        """Letters that were handed out and are not settled."""

    @property
    def name(self) -> str:
        """The file."""
        return str(self._path)

    def letters(self, position: Position | None) -> Iterator[Letter]:
        """See `Mailbox`."""
        with _failures_in_words(self._path), self._locked():
            size = self._path.stat().st_size
        if not size:
            return
        with _failures_in_words(self._path), self._path.open("rb") as file:
            validity = _fingerprint(file)
            start = position.last if position and position.validity == validity and position.last <= size else 0
            for content, end in _split(file, start, size):
                self._open += 1
                place = Position(mailbox=self.name, validity=validity, last=end) if self._remembers else None
                yield Letter(name=f"the message up to byte {end} of {self._path.name}", content=content, position=place)
        if self._after == "delete" and not self._open:
            self._empty(size)

    def settle(self, letter: Letter) -> None:  # noqa: ARG002 - the position says it
        """See `Mailbox`."""
        self._open -= 1

    def _empty(self, size: int) -> None:
        """Take out what was acted upon, where nothing came behind it meanwhile."""
        with _failures_in_words(self._path), self._locked():
            if self._path.stat().st_size == size:
                os.truncate(self._path, 0)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """The file's own lock and the dot lock, as mail servers take both; none where the file is not ours to write."""
        if not os.access(self._path, os.W_OK):
            yield
            return
        box = mailbox.mbox(self._path, create=False)
        try:
            _lock(box, self._path)
            yield
        finally:
            box.close()  # it unlocks; nothing of it was changed, so nothing is written


def _lock(box: "mailbox.mbox", path: Path) -> None:
    give_up_at = time.monotonic() + _LOCK_SECONDS
    while True:
        try:
            box.lock()
        except mailbox.ExternalClashError as error:
            if time.monotonic() >= give_up_at:
                raise MailboxError(f"{path} is locked by another program for {_LOCK_SECONDS:g} s; try again") from error
            time.sleep(_PAUSE)
        else:
            return


def _fingerprint(file: IO[bytes]) -> int:
    """Of the first line, with the envelope's sender and moment, and what follows within the first message."""
    return zlib.crc32(file.readline(_FINGERPRINT))


def _split(file: IO[bytes], start: int, size: int) -> Iterator[tuple[bytes, int]]:
    """Messages with the place behind each, from a place in the file on, without their "From " lines."""
    file.seek(start)
    lines: list[bytes] = []
    place, length, is_behind_blank = start, 0, True
    while place < size and (line := file.readline(min(LARGEST, size - place))):
        if is_behind_blank and _BEGIN.match(line):
            if lines:
                yield b"".join(lines)[:LARGEST], place
            lines, length = [], 0
        elif length < LARGEST:
            lines.append(line)
            length += len(line)
        place += len(line)
        is_behind_blank = not line.strip()
    if lines:
        yield b"".join(lines)[:LARGEST], place


@contextmanager
def _failures_in_words(path: Path) -> Iterator[None]:
    try:
        yield
    except MailboxError:
        raise
    except (OSError, mailbox.Error) as error:
        words = getattr(error, "strerror", None) or error
        raise MailboxError(f"{path} cannot be read as an mbox ({words}); check its path and who may read it") from error
