"""What the sender needs of a way out, and what a way out asks of the sender: two Protocols and the values between them.

A connection pulls: it takes a message from its outbox when it has room for one, so that a mail server with
PIPELINING is told of the next message while it still reads the body of the last. Two moments of each message are
the outbox's: before anything leaves that could deliver it (`release`), and when it is known what became of it
(`settle`, or `give_back` where nothing can have been delivered).
"""

from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from enum import Enum
from typing import Protocol

from digest.model import DeliveryState


@dataclass(frozen=True, kw_only=True, slots=True)
class Envelope:
    """Who a message is from and for, as the server is told; the headers may say it otherwise."""

    sender: str
    """Return path, ASCII."""
    recipient: str
    """One address."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Parcel:
    """One message on its way out."""

    envelope: Envelope
    content: bytes
    """The whole RFC 5322 message: CRLF lines, no bare CR or LF, an end to the last line, 7-bit, no stuffed dots."""
    delivery_id: int = 0
    """Its row in the ledger; 0 where none knows of it."""
    is_plain: bool = False
    """Whether it is sure that `content` is as said above and no line of it begins with a dot, so that nobody looks."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """What became of one message.

    `sent`: the server took responsibility. `deferred`: certainly not delivered, try later. `failed`: refused for
    good. `uncertain`: it may have been delivered (RFC 1047), so nobody may simply send it again.
    """

    state: DeliveryState
    """One of SENT, DEFERRED, FAILED, UNCERTAIN."""
    code: int | None = None
    """The SMTP reply code, where a server spoke."""
    reply: str = ""
    """The server's words, or what happened instead, in one line."""
    is_before_recipient: bool = False
    """Whether the server answered so before it knew whom the message is for: to MAIL FROM."""


class Outbox(Protocol):
    """Where connections take their messages from, and report to. All of it runs in one event loop."""

    def take(self) -> Parcel | None:
        """A message that may go now, or None where there is none at this moment; it is this connection's then."""
        ...  # pragma: no cover

    async def wait(self, seconds: float) -> bool:
        """Wait until `take` may give something again, at most so long.

        Returns:
            False where nothing more will come: the connection is to say goodbye.
        """
        ...  # pragma: no cover

    async def release(self, parcel: Parcel) -> bool:
        """Return once the ledger holds that this message may leave; nothing that could deliver it leaves before.

        Returns:
            False where it must not leave (any more); it is not this connection's then.

        Raises:
            DigestError: the ledger cannot be written, or the issue is no longer this process's; nothing may leave.
        """
        ...  # pragma: no cover

    def settle(self, parcel: Parcel, outcome: Outcome) -> None:
        """Note what became of a message: a released one, or one that was refused before its release."""
        ...  # pragma: no cover

    def give_back(self, parcel: Parcel, reason: str) -> None:
        """Return a message that was certainly not delivered, through no fault of its own: a lost connection, a 421."""
        ...  # pragma: no cover


class Ending(Enum):
    """Why a connection stopped carrying messages."""

    FINISHED = "the outbox has no more"
    USED_UP = "it has carried as many messages as one connection may, or its server closed it while it was idle"
    SLOW_DOWN = "the server closed it with 421, or it was lost: fewer connections may fare better"


class Connection(Protocol):
    """An open way out."""

    async def carry(self, outbox: Outbox) -> Ending:
        """Carry messages until there are no more, or this connection is at its end.

        Every message that was taken is settled or given back, or was not released, when this returns or raises. What
        a server does about a message is an outcome; a stall ends at a time limit.

        Raises:
            TransportError: there is no way out any more (a full disk); what was not carried is given back.
            DigestError: as the outbox raised it.
        """
        ...  # pragma: no cover


class Transport(Protocol):
    """A way out: a mail server, a folder, a program."""

    def connect(self) -> AbstractAsyncContextManager[Connection]:
        """Open a connection; closing it is clean (QUIT).

        Raises:
            TransportError: it cannot be used at all (no route, wrong password, untrusted certificate).
        """
        ...  # pragma: no cover
