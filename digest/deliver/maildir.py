"""The way out into a folder: each message a file that any mail reader opens (https://cr.yp.to/proto/maildir.html)."""

import errno
import os
import secrets
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from digest.clock import Clock
from digest.deliver.transport import Envelope, Outcome
from digest.errors import TransportError
from digest.model import DeliveryState


@dataclass(frozen=True, kw_only=True)
class MaildirTransport:
    """A Maildir as outbox: nothing leaves the machine."""

    path: Path
    """The folder; made where it is not there, open to its owner only: it holds addresses."""
    clock: Clock
    """Names files, so that their order is the order of sending."""

    @asynccontextmanager
    async def connect(self) -> AsyncIterator["MaildirConnection"]:
        """Make the folder ready.

        Raises:
            TransportError: it cannot be made or written to.
        """
        try:
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            for name in ("tmp", "new", "cur"):
                (self.path / name).mkdir(mode=0o700, exist_ok=True)
            _require_writable(self.path / "tmp")
        except OSError as error:
            what = f"{self.path}: messages cannot be kept there ({error.strerror})"
            raise TransportError(f"{what}; check delivery.path") from error
        yield MaildirConnection(path=self.path, clock=self.clock)


@dataclass(frozen=True, kw_only=True)
class MaildirConnection:
    """An open Maildir."""

    path: Path
    clock: Clock

    async def deliver(self, envelope: Envelope, message: bytes) -> Outcome:  # noqa: ARG002
        """Write one message, line ends as the system's own; the headers alone say who it is for.

        The file appears in `new/` whole and on the disk, or not at all. Writing blocks for a flush of the
        disk, and so cannot be cancelled half-way.

        Raises:
            TransportError: it cannot be written.
        """
        name = self._unique_name()
        try:
            self._write(name, message.replace(b"\r\n", b"\n"))
        except OSError as error:
            what = f"{self.path}: the message cannot be written ({error.strerror})"
            raise TransportError(f"{what}; check delivery.path") from error
        return Outcome(state=DeliveryState.SENT, reply=f"written to new/{name}")

    def _write(self, name: str, content: bytes) -> None:
        """Write aside, flush, rename: `mailbox.Maildir.add` leaves its file in tmp/ when the disk is full."""
        aside = self.path / "tmp" / name
        try:
            with aside.open("xb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            aside.rename(self.path / "new" / name)
        except BaseException:
            aside.unlink(missing_ok=True)
            raise
        _flush_folder(self.path / "new")

    def _unique_name(self) -> str:
        """Seconds, microseconds, process, chance and host, as the Maildir page asks."""
        moment = self.clock.now()
        host = socket.gethostname().replace("/", r"\057").replace(":", r"\072")
        return f"{int(moment.timestamp())}.M{moment:%f}P{os.getpid()}R{secrets.token_hex(8)}.{host}"


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
