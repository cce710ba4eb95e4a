"""The way out over SMTP: connections to one relay, with its security and login, opened again when lost."""

import asyncio
import os
import re
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from digest.deliver.smtp_command import (
    UnsendableError,
    choose_mechanism,
    hide_password,
    is_loopback,
    login_commands,
    name_of_this_host,
    normalise_lines,
)
from digest.deliver.smtp_reply import SERVICE_CLOSING, ConversationError, Reply, judge_end, one_line
from digest.deliver.smtp_session import SmtpSession, TimeLimits
from digest.deliver.transport import Envelope, Outcome
from digest.errors import TransportError
from digest.model import DeliveryState


class SmtpConnection:
    """A conversation with the relay that is opened again when it was lost; one message at a time."""

    def __init__(self, session: SmtpSession, open_session: Callable[[], Awaitable[SmtpSession]]) -> None:
        self._session: SmtpSession | None = session
        self._open_session = open_session

    async def deliver(self, envelope: Envelope, message: bytes) -> Outcome:
        """Hand one message over; see `Connection.deliver`. Cancelling closes the socket."""
        lines = normalise_lines(message)
        try:
            session, reply = await self._begin(envelope.sender, lines)
            return await session.complete(reply, envelope.recipient, lines)
        except UnsendableError as error:
            return Outcome(state=DeliveryState.FAILED, reply=one_line(str(error)))
        except ConversationError as error:
            self._drop()
            return judge_end(error)
        except BaseException:
            self._drop()
            raise

    async def close(self) -> None:
        """Say goodbye, where there is still somebody to say it to."""
        if self._session is not None:
            session, self._session = self._session, None
            await session.quit()

    async def _begin(self, sender: str, lines: bytes) -> tuple[SmtpSession, Reply]:
        """The session and its reply to MAIL; one that has ended since the last message is opened again, once.

        Safe to repeat: nothing that could deliver the message was said.
        """
        if self._session is not None:
            try:
                return self._session, await self._session.begin(sender, lines)
            except ConversationError as error:
                if error.code == SERVICE_CLOSING:
                    raise
                self._drop()
        self._session = await self._open_session()
        return self._session, await self._session.begin(sender, lines)

    def _drop(self) -> None:
        if self._session is not None:
            self._session.abort()
            self._session = None


@dataclass(frozen=True, kw_only=True)
class SmtpTransport:
    """A mail server that takes our messages: the relay of `[delivery]`."""

    host: str
    """Its name, or an IP address."""
    port: int
    security: Literal["starttls", "tls", "none"]
    """starttls: TLS after a plain greeting, or not at all; tls: from the first byte; none: in the clear."""
    user: str = ""
    """Login, or "" for none."""
    password: str = field(default="", repr=False)
    """Sent only inside TLS, or to this machine itself."""
    ca_file: Path | None = None
    """PEM certificates to trust instead of the system's."""
    timeout: float = 300
    """Seconds each step may take (RFC 5321, 4.5.3.2)."""
    timeout_after_dot: float = 600
    """Seconds to wait for the reply to a whole message (RFC 5321, 4.5.3.2.6): hurry makes doubles."""
    local_hostname: str | None = None
    """What to introduce ourselves as; by default this host's full name, or the address of the connection."""

    @asynccontextmanager
    async def connect(self) -> AsyncIterator[SmtpConnection]:
        """Open a connection, ready for messages; QUIT at the end.

        Raises:
            TransportError: no connection, no trusted TLS, login refused; it names the setting to check.
        """
        connection = SmtpConnection(await self._open_session(), self._open_session)
        try:
            yield connection
        finally:
            await connection.close()

    async def _open_session(self) -> SmtpSession:
        context = self._trusted_certificates() if self.security != "none" else None
        session = await self._dial(context if self.security == "tls" else None)
        try:
            await self._greet(session)
            if self.security == "starttls" and context is not None:
                await self._start_tls(session, context)
            if self.user:
                await self._log_in(session)
        except ConversationError as error:
            session.abort()
            said = f"{error.code} {error}" if error.code else str(error)
            raise self._unusable(said, "delivery.host, delivery.port and delivery.security") from error
        except BaseException:
            session.abort()
            raise
        return session

    def _trusted_certificates(self) -> ssl.SSLContext:
        try:
            return ssl.create_default_context(cafile=self.ca_file)
        except OSError as error:
            what = f"the certificates in {self.ca_file} cannot be read ({_reason(error)})"
            raise self._unusable(what, "delivery.ca_file") from error

    async def _dial(self, tls: ssl.SSLContext | None) -> SmtpSession:
        limits = TimeLimits(step=self.timeout, after_dot=self.timeout_after_dot)
        try:
            return await SmtpSession.dial(self.host, self.port, tls=tls, limits=limits)
        except ssl.SSLError as error:
            raise self._untrusted(error) from error
        except (OSError, UnicodeError) as error:  # a UnicodeError is a host name that no domain can have
            what = f"cannot be reached ({_reason(error)})"
            raise self._unusable(what, "delivery.host and delivery.port") from error

    async def _greet(self, session: SmtpSession) -> None:
        greeting = await session.read_reply()
        if not greeting.is_positive:
            raise self._refused("no service", greeting, "delivery.host and delivery.port")
        await self._introduce(session)

    async def _introduce(self, session: SmtpSession) -> None:
        name = self.local_hostname
        if name is None:
            full_name = await asyncio.to_thread(socket.getfqdn)  # asks the resolver, which may take its time
            name = name_of_this_host(full_name, session.local_address)
        reply = await session.introduce(name)
        if not reply.is_positive:
            raise self._refused(f"our name {name!r} refused", reply, "this host's full name")

    async def _start_tls(self, session: SmtpSession, context: ssl.SSLContext) -> None:
        if "STARTTLS" not in session.extensions:
            raise self._unusable("offers no STARTTLS, so nothing was sent", "delivery.security and delivery.port")
        reply = await session.ask("STARTTLS")
        if not reply.is_positive:
            raise self._refused("STARTTLS refused", reply, "delivery.security")
        try:
            await session.start_tls(context, self.host)
        except OSError as error:
            raise self._untrusted(error) from error
        await self._introduce(session)  # what it offered in the clear counts for nothing (RFC 3207, 4.2)

    async def _log_in(self, session: SmtpSession) -> None:
        if not session.is_encrypted and not is_loopback(session.peer_address):
            raise self._unusable("no TLS, so the password was not sent", "delivery.security")
        mechanism = choose_mechanism(session.extensions.get("AUTH", ()))
        if mechanism is None:
            offered = " ".join(session.extensions.get("AUTH", ())) or "none"
            what = f"takes no login by PLAIN or LOGIN (it offers: {offered})"
            raise self._unusable(what, "delivery.user and delivery.port")
        first, *further = login_commands(mechanism, self.user, self.password)
        reply = await session.ask(first)
        for response in further:
            if reply.is_go_on:
                reply = await session.ask(response)
        if not reply.is_positive:
            raise self._refused("login refused", reply, "delivery.user and delivery.password")

    def _untrusted(self, error: OSError) -> TransportError:
        if isinstance(error, ssl.SSLCertVerificationError):
            what = f"its certificate is not trusted ({error.verify_message.rstrip('.')})"
            return self._unusable(what, "delivery.host, or name the certificate's issuer in delivery.ca_file")
        return self._unusable(f"no TLS ({_reason(error)})", "delivery.security and delivery.port")

    def _refused(self, what: str, reply: Reply, settings: str) -> TransportError:
        return self._unusable(f"{what}: {reply.code} {reply.words}", settings)

    def _unusable(self, what: str, settings: str) -> TransportError:
        what = hide_password(what, self.user, self.password)  # a server may repeat what it was told
        return TransportError(f"{self.host}:{self.port}: {what}; check {settings}")


def _reason(error: Exception) -> str:
    """Why it failed, in the system's words; asyncio's own repeat each address that was tried."""
    number = re.search(r"\[Errno (\d+)\]", str(error))
    if isinstance(error, ssl.SSLError) and error.reason:
        return error.reason.replace("_", " ").lower()
    if number:
        return os.strerror(int(number[1]))
    return getattr(error, "strerror", None) or str(error) or "no answer in time"
