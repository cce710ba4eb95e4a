"""What the sender needs of a way out: the Protocol, declared beside its user."""

from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol

from digest.model import DeliveryState


@dataclass(frozen=True, kw_only=True)
class Envelope:
    """Who a message is from and for, as the server is told; the headers may say it otherwise."""

    sender: str
    """Return path, ASCII."""
    recipient: str
    """One ASCII address."""


@dataclass(frozen=True, kw_only=True)
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


class Connection(Protocol):
    """An open way out, used for many messages one after the other."""

    async def deliver(self, envelope: Envelope, message: bytes) -> Outcome:
        """Hand one whole RFC 5322 message over (CRLF lines).

        What a server does about a message is an outcome. A lost connection is opened again by the next call.

        Raises:
            TransportError: there is no way out any more (no connection, a full disk); nothing was handed over.
        """
        ...  # pragma: no cover


class Transport(Protocol):
    """A way out: a mail server, a folder."""

    def connect(self) -> AbstractAsyncContextManager[Connection]:
        """Open a connection; closing it is clean (QUIT).

        Raises:
            TransportError: it cannot be used at all (no route, wrong password, untrusted certificate).
        """
        ...  # pragma: no cover
