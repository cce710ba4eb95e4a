"""The socket of a conversation: what is written, which replies are owed, and a limit in time on every wait.

An asyncio protocol of its own: one future to wait on and one timer, whatever is waited for. Streams cost four times
as much a message.
"""

import asyncio
import os
import ssl
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from math import inf
from operator import ne
from typing import cast

from digest.deliver.smtp.reply import SERVICE_CLOSING, ConversationError, Reply, ReplyParser

_ROOM = 16_384
"""Bytes read at once; replies are short."""
_NAP_SECONDS = 0.01
_FAREWELL_SECONDS = 5.0
"""How long closing may take: nothing depends on the answer to QUIT."""


@dataclass(frozen=True, kw_only=True)
class TimeLimits:
    """How long to wait, in seconds (RFC 5321, 4.5.3.2)."""

    step: float
    """For a connection, a reply, or the server to take what we send."""
    after_dot: float
    """For the reply to a whole message."""


class Channel(asyncio.BufferedProtocol):
    """An open conversation; made by `dial`, ended by `quit` or `abort`."""

    _transport: asyncio.Transport
    """What we write to: the socket's, or TLS over it."""
    _wire: asyncio.Transport
    """The socket's."""

    def __init__(self, limits: TimeLimits) -> None:
        self.limits = limits
        self._loop = asyncio.get_running_loop()
        self._closed = self._loop.create_future()
        self._room = memoryview(bytearray(_ROOM))
        self._parser = ReplyParser()
        self._replies: deque[Reply] = deque()
        self._owed = 1  # the greeting
        self._end: ConversationError | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._deadline = inf
        self._overdue = ("", inf)
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = inf
        self._file: int | None = None

    @classmethod
    async def dial(cls, host: str, port: int, *, source_address: str, limits: TimeLimits) -> "Channel":
        """Connect a socket; nothing is read before `start_tls` or `start_in_the_clear`.

        Raises:
            OSError: no connection, TimeoutError among them.
            UnicodeError: a host name that no domain can have.
        """
        local = (source_address, 0) if source_address else None
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(limits.step):
            # No happy eyeballs: cancelled at the wrong moment, their race loses an open socket (CPython 3.11).
            _, channel = await loop.create_connection(lambda: cls(limits), host, port, local_addr=local)
        return channel

    def start_in_the_clear(self) -> None:
        """Read without TLS."""
        self._wire.resume_reading()

    async def start_tls(self, context: ssl.SSLContext, host: str) -> None:
        """Turn TLS on, at the very beginning or after a positive reply to STARTTLS.

        Raises:
            OSError: no TLS, TimeoutError and ssl.SSLError among them.
            ConversationError: something was said behind the reply to STARTTLS, as a man in the middle would
                (CVE-2011-0411).
        """
        if not self._parser.is_between_replies:
            self._finish(ConversationError("words in the clear where TLS should begin"))
        self.require_open()
        async with asyncio.timeout(self.limits.step):
            inner = await self._loop.start_tls(self._wire, self, context, server_hostname=host)
        if inner is None:
            raise ConnectionResetError("closed during the TLS handshake")
        self._transport = inner
        self._transport.set_write_buffer_limits(high=0)

    @property
    def is_encrypted(self) -> bool:
        """Whether TLS is on."""
        return self._transport is not self._wire

    @property
    def local_address(self) -> str:
        """The IP address at our end."""
        return self._address("sockname")

    @property
    def peer_address(self) -> str:
        """The IP address at the server's end."""
        return self._address("peername")

    @property
    def is_open(self) -> bool:
        """Whether neither side has ended the conversation, as far as this side has heard."""
        return self._end is None

    def require_open(self) -> None:
        """Raise the ConversationError that ended it, if one did."""
        if self._end is not None:
            raise ConversationError(*self._end.args, code=self._end.code)

    def write(self, data: bytes, *, replies: int = 0) -> None:
        """Hand bytes to the system.

        Args:
            data: whole lines.
            replies: how many are owed for them; a reply that is not owed ends the conversation.

        Raises:
            ConversationError: it is over, and nothing of these bytes has left.
        """
        self.require_open()
        self._owed += replies
        self._transport.write(data)
        if self._wire.is_closing():  # the system refused them at once
            self._finish(ConversationError("connection lost"))
            self.require_open()

    def push(self, *parts: bytes, replies: int) -> int:
        """Hand bytes straight to the system, past the event loop: one call for a whole message and what follows it.

        Args:
            parts: whole lines.
            replies: how many are owed once all has left; where some is left over, it is to be written, and says so.

        Returns:
            How many bytes have left; 0 where others are still to leave, or TLS has to see them first.

        Raises:
            ConversationError: it is over, and nothing of these bytes has left.
        """
        self.require_open()
        if self._file is None or self.is_encrypted or self._wire.is_closing() or self._has_unsent():
            return 0
        try:
            taken = os.writev(self._file, parts)
        except BlockingIOError:
            return 0
        except OSError as error:
            self._finish(ConversationError("connection lost"))
            raise ConversationError("connection lost") from error
        if taken == sum(map(len, parts)):
            self._owed += replies
        return taken

    async def flush(self) -> None:
        """Return once the system has taken everything that was written.

        Raises:
            ConversationError: it is over, or the server took nothing for one step's time.
        """
        if self._has_unsent():
            self._allow(self.limits.step, "the server took no data for")
        while self.is_open and self._has_unsent():
            if self.is_encrypted:  # TLS does not say when the socket below it has room again
                self._loop.call_later(_NAP_SECONDS, self._wake)
            await self._change()
        self.require_open()

    async def read_reply(self, seconds: float | None = None) -> Reply:
        """The next reply; waits one step's time unless told otherwise.

        Raises:
            ConversationError: there was none, it makes no sense, or it is a 421.
        """
        if not self._replies:
            self._allow(seconds or self.limits.step, "no reply within")
        while not self._replies:
            self.require_open()
            await self._change()
        reply = self._replies.popleft()
        if reply.code == SERVICE_CLOSING:
            raise ConversationError(reply.words, code=reply.code)
        return reply

    def pass_over(self, codes: Sequence[int]) -> bool:
        """Take the next replies off where all have come and are these; where not, leave them to be read one by one."""
        if len(self._replies) < len(codes) or any(map(ne, codes, (reply.code for reply in self._replies))):
            return False
        for _ in codes:
            self._replies.popleft()
        return True

    async def ask(self, command: str) -> Reply:
        """Say one line and read the reply to it."""
        self.write(f"{command}\r\n".encode("ascii"), replies=1)
        return await self.read_reply()

    async def quit(self) -> None:
        """Say goodbye and close; never raises for what the server does."""
        try:
            async with asyncio.timeout(_FAREWELL_SECONDS):
                with suppress(ConversationError):
                    await self.ask("QUIT")
                self._transport.close()
                await asyncio.shield(self._closed)
        except TimeoutError:
            pass  # nothing depends on how the server takes it
        finally:
            self.abort()

    def abort(self) -> None:
        """Close the socket at once."""
        self._finish(ConversationError("connection closed"))
        if self._timer is not None:
            self._timer.cancel()
        self._transport.abort()
        self._wire.abort()

    # What the event loop calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin with a deaf socket: the first bytes may belong to TLS."""
        self._wire = self._transport = cast("asyncio.Transport", transport)
        self._wire.set_write_buffer_limits(high=0)
        self._wire.pause_reading()
        if hasattr(os, "writev"):  # not on Windows
            self._file = self._wire.get_extra_info("socket").fileno()

    def get_buffer(self, sizehint: int) -> memoryview:  # noqa: ARG002
        """Where the loop puts what it reads."""
        return self._room

    def buffer_updated(self, nbytes: int) -> None:
        """Take replies out of what was read."""
        if self._end is not None:
            return
        try:
            for reply in self._parser.feed(bytes(self._room[:nbytes])):
                self._accept(reply)
        except ValueError as error:
            self._finish(ConversationError(f"reply not understood: {error}"))

    def eof_received(self) -> None:
        """A half-closed connection is of no use: replies come on it no more."""
        self._finish(ConversationError("connection lost"))

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        """The last call."""
        self._finish(ConversationError("connection lost"))
        if not self._closed.done():
            self._closed.set_result(None)

    def resume_writing(self) -> None:
        """The system has taken everything."""
        self._wake()

    def _accept(self, reply: Reply) -> None:
        if self._owed:
            self._owed -= 1
            self._replies.append(reply)
            self._wake()
        else:
            self._finish(_not_asked_for(reply))

    def _finish(self, error: ConversationError) -> None:
        """Note why it is over, the first time; replies that came before can still be read."""
        if self._end is None:
            self._end = error
            self._wake()

    def _address(self, end: str) -> str:
        name = self._wire.get_extra_info(end)
        if not name:  # the system no longer knows, where the connection was cut at once
            raise ConversationError("connection lost")
        return str(name[0])

    def _has_unsent(self) -> bool:
        return bool(self._transport.get_write_buffer_size() or self._wire.get_write_buffer_size())

    async def _change(self) -> None:
        """Wait until something happened, the end of the time allowed among it."""
        if self._deadline < self._timer_at:
            self._set_timer()
        self._waiter = self._loop.create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def _allow(self, seconds: float, overdue: str) -> None:
        """Limit the wait that begins now."""
        self._overdue = (overdue, seconds)
        self._deadline = self._loop.time() + seconds

    def _set_timer(self) -> None:
        """One timer serves many waits: it is set anew only where it would ring too late."""
        if self._timer is not None:
            self._timer.cancel()
        self._timer_at = self._deadline
        self._timer = self._loop.call_at(self._deadline, self._ring)

    def _ring(self) -> None:
        self._timer, self._timer_at = None, inf
        if self._waiter is None or self._waiter.done():
            return  # whoever waits next sets it
        if self._loop.time() < self._deadline:
            self._set_timer()
        else:
            words, seconds = self._overdue
            self._finish(ConversationError(f"{words} {seconds:g} s"))


def _not_asked_for(reply: Reply) -> ConversationError:
    if reply.code == SERVICE_CLOSING:
        return ConversationError(reply.words, code=reply.code)
    return ConversationError(f"a reply that nothing asked for: {reply}")
