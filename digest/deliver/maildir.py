"""The way out into a folder: each message a file that any mail reader opens (https://cr.yp.to/proto/maildir.html)."""

import os
import secrets
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from digest.clock import Clock
from digest.deliver.carry import carry_each
from digest.deliver.folder import explain_failure, place_file, prepare_folder
from digest.deliver.transport import Ending, Outbox, Outcome, Parcel
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
        prepare_folder(self.path, ("tmp", "new", "cur"))
        yield MaildirConnection(path=self.path, clock=self.clock)


@dataclass(frozen=True, kw_only=True)
class MaildirConnection:
    """An open Maildir."""

    path: Path
    clock: Clock

    async def carry(self, outbox: Outbox) -> Ending:
        """See `Connection.carry`. Writing blocks for a flush of the disk, and so cannot be cancelled half-way."""
        return await carry_each(outbox, self._deliver)

    async def _deliver(self, parcel: Parcel) -> Outcome:
        """Write one message, line ends as the system's own; the headers alone say who it is for."""
        name = self._unique_name()
        content = parcel.content.replace(b"\r\n", b"\n")
        with explain_failure(self.path):
            place_file(content, aside=self.path / "tmp" / name, target=self.path / "new" / name)
        return Outcome(state=DeliveryState.SENT, reply=f"written to new/{name}")

    def _unique_name(self) -> str:
        """Seconds, microseconds, process, chance and host, as the Maildir page asks."""
        moment = self.clock.now()
        host = socket.gethostname().replace("/", r"\057").replace(":", r"\072")
        return f"{int(moment.timestamp())}.M{moment:%f}P{os.getpid()}R{secrets.token_hex(8)}.{host}"
