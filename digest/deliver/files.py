"""The way out into a folder for other programs: NAME.eml is the message as SMTP would carry it, NAME.json its envelope.

A program that watches the folder waits for names that end in `.eml`; the envelope is there before the message is. It
takes them in the order of their names, and removes both when it is done.
"""

import json
import os
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC
from pathlib import Path

from digest.clock import Clock
from digest.deliver.carry import carry_each
from digest.deliver.folder import explain_failure, place_file, prepare_folder
from digest.deliver.transport import Ending, Envelope, Outbox, Outcome, Parcel
from digest.model import DeliveryState

_ASIDE = "tmp"
"""The folder inside in which files are written; what lies there is not whole."""


@dataclass(frozen=True, kw_only=True)
class FilesTransport:
    """A folder of messages for a program that takes them further."""

    path: Path
    """The folder; made where it is not there, open to its owner only: it holds addresses."""
    clock: Clock
    """Names files, so that their order is the order of sending."""

    @asynccontextmanager
    async def connect(self) -> AsyncIterator["FilesConnection"]:
        """Make the folder ready.

        Raises:
            TransportError: it cannot be made or written to.
        """
        prepare_folder(self.path, (_ASIDE,))
        yield FilesConnection(path=self.path, clock=self.clock)


@dataclass(frozen=True, kw_only=True)
class FilesConnection:
    """An open folder."""

    path: Path
    clock: Clock

    async def carry(self, outbox: Outbox) -> Ending:
        """See `Connection.carry`. Writing blocks for a flush of the disk, and so cannot be cancelled half-way."""
        return await carry_each(outbox, self._deliver)

    async def _deliver(self, parcel: Parcel) -> Outcome:
        name = self._unique_name()
        with explain_failure(self.path):
            self._place_both(name, parcel)
        return Outcome(state=DeliveryState.SENT, reply=f"written to {name}.eml")

    def _place_both(self, name: str, parcel: Parcel) -> None:
        """The envelope first: a message that is seen without it could not be delivered."""
        envelope = self.path / f"{name}.json"
        self._place(envelope, _envelope_as_json(parcel.envelope))
        try:
            self._place(self.path / f"{name}.eml", parcel.content)
        except BaseException:
            envelope.unlink(missing_ok=True)
            raise

    def _place(self, target: Path, content: bytes) -> None:
        place_file(content, aside=self.path / _ASIDE / target.name, target=target)

    def _unique_name(self) -> str:
        """Time in UTC to the microsecond, then process and chance: "20190408T080000.123456Z-417-9f86d081884c7d65"."""
        moment = self.clock.now().astimezone(UTC)
        return f"{moment:%Y%m%dT%H%M%S.%f}Z-{os.getpid()}-{secrets.token_hex(8)}"


def _envelope_as_json(envelope: Envelope) -> bytes:
    content = {"from": envelope.sender, "to": envelope.recipient}
    return json.dumps(content, ensure_ascii=False).encode() + b"\n"
