"""A connection to a public server: its name looked up once, its address checked, and every wait under one deadline.

The address that was checked is the one connected to: looking the name up again would let it answer with a public
address first and a private one afterwards (DNS rebinding). A deadline covers all reads together, so a server that
sends a byte now and then (slow loris) holds nobody up. Only looking a name up keeps to the system's own limits.
"""

import io
import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from digest.errors import FetchError, UnreachableError
from digest.source.public_address import is_public


class Deadline:
    """A moment after which nothing is waited for."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        """How long it was when it began."""
        self._end = time.monotonic() + seconds

    def remaining(self) -> float:
        """Seconds left, always more than 0.

        Raises:
            TimeoutError: it has passed.
        """
        left = self._end - time.monotonic()
        if left <= 0:
            raise TimeoutError
        return left


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where to connect to."""

    url: str
    """The address it is for; errors name it."""
    host: str
    """A name in ASCII, or an IP address without brackets."""
    port: int
    is_encrypted: bool
    """Whether TLS begins with the first byte."""


class TimedSocket:
    """As much of a socket as `http.client` uses, each step within what is left of the time."""

    def __init__(self, connection: socket.socket, deadline: Deadline) -> None:
        self._connection = connection
        self._deadline = deadline

    def makefile(self, _mode: str) -> io.BufferedReader:
        """What the server sends."""
        return io.BufferedReader(_TimedStream(self._connection, self._deadline))

    def sendall(self, content: bytes) -> None:
        """Send all of it."""
        self._connection.settimeout(self._deadline.remaining())
        self._connection.sendall(content)

    def close(self) -> None:
        """Do nothing: `open_connection` closes what it opened."""


class _TimedStream(io.RawIOBase):
    def __init__(self, connection: socket.socket, deadline: Deadline) -> None:
        self._connection = connection
        self._deadline = deadline

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        self._connection.settimeout(self._deadline.remaining())
        return self._connection.recv_into(buffer)


@contextmanager
def open_connection(
    place: Place, deadline: Deadline, *, allow_private: bool = False, ca_file: Path | None = None
) -> Iterator[TimedSocket]:
    """Connect to a place, inside TLS where it is asked for, for as long as the `with` lasts.

    Args:
        place: where to.
        deadline: for connecting and for every read and write afterwards.
        allow_private: whether addresses outside the public internet are allowed.
        ca_file: certificates to trust instead of the system's.

    Raises:
        UnreachableError: the name is not known, or nobody answers at its addresses.
        FetchError: its addresses are private.
        ssl.SSLError: its certificate is not trusted, or it speaks no TLS.
        TimeoutError: TLS took too long.
    """
    with _connect(place, _allowed_addresses(place, allow_private=allow_private), deadline) as plain:
        if not place.is_encrypted:
            yield TimedSocket(plain, deadline)
            return
        context = ssl.create_default_context(cafile=ca_file)
        plain.settimeout(deadline.remaining())
        with context.wrap_socket(plain, server_hostname=place.host) as encrypted:
            yield TimedSocket(encrypted, deadline)


_Addresses = list[tuple[socket.AddressFamily, Any]]
"""Families with the addresses that `socket.connect` takes."""


def _allowed_addresses(place: Place, *, allow_private: bool) -> _Addresses:
    """The addresses of a name that may be connected to."""
    try:
        found = socket.getaddrinfo(place.host, place.port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        words = getattr(error, "strerror", None) or error
        raise UnreachableError(place.url, f"{place.host} cannot be looked up ({words})") from error
    addresses: _Addresses = [(family, address) for family, _, _, _, address in found]
    allowed = [item for item in addresses if allow_private or is_public(item[1][0])]
    if not allowed:
        where = "" if place.host == addresses[0][1][0] else f" is at {addresses[0][1][0]}, which"
        raise FetchError(place.url, f"{place.host}{where} is no address of the public internet")
    return allowed


def _connect(place: Place, addresses: _Addresses, deadline: Deadline) -> socket.socket:
    """A connection to the first address that answers; each gets its share of the time that is left."""
    failure = OSError("no address")
    for tries_left, (family, address) in zip(range(len(addresses), 0, -1), addresses, strict=True):
        connection = socket.socket(family, socket.SOCK_STREAM)
        try:
            connection.settimeout(deadline.remaining() / tries_left)
            connection.connect(address)
        except OSError as error:
            connection.close()
            failure = error
        except BaseException:
            connection.close()
            raise
        else:
            return connection
    words = "no answer" if isinstance(failure, TimeoutError) else failure.strerror or str(failure)
    raise UnreachableError(place.url, f"{place.host} cannot be reached ({words})") from failure
