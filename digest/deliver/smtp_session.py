"""One conversation with a mail server: its socket, and a limit in time on every wait.

What is said and what replies mean is in `smtp_command` and `smtp_reply`; what to do when a conversation ends
early is `smtp`'s business. Lock-step: each command waits for its reply.
"""

import asyncio
import ssl
from contextlib import suppress
from dataclasses import dataclass

from digest.deliver.smtp_command import END_OF_MESSAGE, mail_command, recipient_command, stuff_dots
from digest.deliver.smtp_reply import (
    SERVICE_CLOSING,
    ConversationError,
    InDoubtError,
    Reply,
    is_last_line,
    judge_final_reply,
    judge_refusal,
    parse_extensions,
    parse_reply,
)
from digest.deliver.transport import Outcome
from digest.model import DeliveryState

_REPLY_LIMIT = 100_000
"""Bytes of one reply; RFC 5321, 4.5.3.1.5 allows 512 a line. More is no mail server."""
_FAREWELL_SECONDS = 5.0
"""How long closing may take: nothing depends on the answer to QUIT."""


@dataclass(frozen=True, kw_only=True)
class TimeLimits:
    """How long to wait, in seconds."""

    step: float
    """For a connection, a reply, or the server to take what we send."""
    after_dot: float
    """For the reply to a whole message."""


class SmtpSession:
    """An open conversation; build it with `dial`, then `introduce`, and end it with `quit` or `abort`."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, limits: TimeLimits) -> None:
        self._reader = reader
        self._writer = writer
        self._plain_writer = writer  # while TLS runs over it: collected, it would close the socket
        self._limits = limits
        self._must_reset = False
        self.extensions: dict[str, tuple[str, ...]] = {}
        """What the server offers, as `parse_extensions` gives it; empty after HELO."""

    @classmethod
    async def dial(cls, host: str, port: int, *, tls: ssl.SSLContext | None, limits: TimeLimits) -> "SmtpSession":
        """Connect a socket, inside TLS from the first byte where a context is given.

        Raises:
            OSError: no connection, TimeoutError and ssl.SSLError among them.
        """
        async with asyncio.timeout(limits.step):
            # No happy eyeballs: cancelled at the wrong moment, their race loses an open socket (CPython 3.11).
            reader, writer = await asyncio.open_connection(host, port, ssl=tls, limit=_REPLY_LIMIT)
        return cls(reader, writer, limits)

    @property
    def local_address(self) -> str:
        """The IP address at our end."""
        return str(self._writer.get_extra_info("sockname")[0])

    @property
    def peer_address(self) -> str:
        """The IP address at the server's end."""
        return str(self._writer.get_extra_info("peername")[0])

    @property
    def is_encrypted(self) -> bool:
        """Whether TLS is on."""
        return self._writer.get_extra_info("ssl_object") is not None

    async def introduce(self, name: str) -> Reply:
        """Say EHLO, or HELO to a server that does not know it, and note what it offers."""
        reply = await self.ask(f"EHLO {name}")
        if reply.is_refusal:
            self.extensions = {}
            return await self.ask(f"HELO {name}")
        self.extensions = parse_extensions(reply)
        return reply

    async def start_tls(self, context: ssl.SSLContext, host: str) -> None:
        """Turn TLS on after a positive reply to STARTTLS; forgets what was said before (RFC 3207, 4.2).

        The new reader drops what a man in the middle put behind that reply (CVE-2011-0411).

        Raises:
            OSError: no TLS, TimeoutError and ssl.SSLError among them.
        """
        loop = asyncio.get_running_loop()
        reader = asyncio.StreamReader(limit=_REPLY_LIMIT)
        protocol = asyncio.StreamReaderProtocol(reader)
        async with asyncio.timeout(self._limits.step):
            transport = await loop.start_tls(self._writer.transport, protocol, context, server_hostname=host)
        if transport is None:
            raise ConnectionResetError("closed during the TLS handshake")
        protocol.connection_made(transport)
        self._reader, self._writer = reader, asyncio.StreamWriter(transport, protocol, reader, loop)
        self.extensions = {}

    async def ask(self, command: str) -> Reply:
        """Say one line and read the reply to it."""
        await self._write(f"{command}\r\n".encode("ascii"))
        return await self.read_reply()

    async def read_reply(self, seconds: float | None = None) -> Reply:
        """The next reply; waits one step's time unless told otherwise.

        Raises:
            ConversationError: there was none, it makes no sense, or it is a 421.
        """
        seconds = seconds or self._limits.step
        try:
            async with asyncio.timeout(seconds):
                reply = parse_reply(await self._read_reply_lines())
        except TimeoutError:
            raise ConversationError(f"no reply within {seconds:g} s") from None
        except (OSError, asyncio.IncompleteReadError) as error:
            raise ConversationError("connection lost") from error
        except asyncio.LimitOverrunError as error:
            raise ConversationError(f"reply longer than {_REPLY_LIMIT} bytes") from error
        except ValueError as error:
            raise ConversationError(f"reply not understood: {error}") from error
        if reply.code == SERVICE_CLOSING:
            raise ConversationError(reply.words, code=reply.code)
        return reply

    async def begin(self, sender: str, lines: bytes) -> Reply:
        """Begin a message, undoing what a refused one left behind; the reply to MAIL.

        Raises:
            ConversationError: it is over; nothing of this message was said that could deliver it.
            UnsendableError: see `mail_command`; nothing was said at all.
        """
        command = mail_command(sender, lines, self.extensions)
        if self._must_reset:
            reply = await self.ask("RSET")
            if not reply.is_positive:
                raise ConversationError(f"RSET refused ({reply.code} {reply.words})")
        self._must_reset = True
        return await self.ask(command)

    async def complete(self, mail_reply: Reply, recipient: str, lines: bytes) -> Outcome:
        """Go on from the reply to MAIL to the end of the message.

        Raises:
            ConversationError: it is over; an InDoubtError where the message may have been delivered.
            UnsendableError: see `recipient_command`.
        """
        if not mail_reply.is_positive:
            return judge_refusal(mail_reply)
        reply = await self.ask(recipient_command(recipient))
        if not reply.is_positive:
            return judge_refusal(reply)
        reply = await self.ask("DATA")
        if not reply.is_go_on:
            return judge_refusal(reply)
        return await self._hand_over(lines)

    async def _hand_over(self, lines: bytes) -> Outcome:
        """Send the message, and only once it is out the dot: until then a loss is certainly no delivery."""
        await self._write(stuff_dots(lines))
        try:
            await self._write(END_OF_MESSAGE)
            outcome = judge_final_reply(await self.read_reply(self._limits.after_dot))
        except ConversationError as error:
            if error.code == SERVICE_CLOSING:
                raise
            raise InDoubtError(str(error)) from error
        self._must_reset = outcome.state is not DeliveryState.SENT
        return outcome

    async def quit(self) -> None:
        """Say goodbye and close; never raises for what the server does."""
        try:
            async with asyncio.timeout(_FAREWELL_SECONDS):
                with suppress(ConversationError):
                    await self.ask("QUIT")
                self._writer.close()
                await self._writer.wait_closed()
        except OSError:
            pass  # a TimeoutError among them: nothing depends on how the server takes it
        finally:
            self.abort()

    def abort(self) -> None:
        """Close the socket at once."""
        self._writer.transport.abort()

    async def _write(self, data: bytes) -> None:
        try:
            async with asyncio.timeout(self._limits.step):
                self._writer.write(data)
                await self._writer.drain()
        except TimeoutError:
            raise ConversationError(f"the server took no data for {self._limits.step:g} s") from None
        except OSError as error:
            raise ConversationError("connection lost") from error

    async def _read_reply_lines(self) -> list[bytes]:
        lines = [await self._reader.readuntil()]
        while not is_last_line(lines[-1]):
            lines.append(await self._reader.readuntil())
            if sum(map(len, lines)) > _REPLY_LIMIT:
                raise asyncio.LimitOverrunError("", _REPLY_LIMIT)
        return lines
