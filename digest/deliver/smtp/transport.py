"""A relay as the settings name it: connecting, security, login; every failure names the setting to check."""

import asyncio
import os
import re
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from digest.deliver.smtp.channel import Channel, TimeLimits
from digest.deliver.smtp.command import is_loopback, name_of_this_host
from digest.deliver.smtp.connection import SmtpConnection
from digest.deliver.smtp.login import Credentials, TokenError, explain_challenge, read_token
from digest.deliver.smtp.reply import ConversationError, Extensions, Reply, parse_extensions
from digest.errors import TransportError

_GREETING = 220


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
    token_command: tuple[str, ...] = ()
    """A program that prints an OAuth 2 access token; with one, each login is by XOAUTH2 and a new token."""
    ca_file: Path | None = None
    """PEM certificates to trust instead of the system's."""
    timeout: float = 300
    """Seconds each step may take (RFC 5321, 4.5.3.2)."""
    timeout_after_dot: float = 600
    """Seconds to wait for the reply to a whole message (RFC 5321, 4.5.3.2.6): hurry makes doubles."""
    local_hostname: str = ""
    """What to introduce ourselves as; by default this host's full name, or the address of the connection."""
    source_address: str = ""
    """The IP address of this machine to connect from; by default the system's choice."""
    messages_per_connection: int = 0
    """After so many a connection is used up; 0 for as many as the server takes."""

    @asynccontextmanager
    async def connect(self) -> AsyncIterator[SmtpConnection]:
        """Open a connection, ready for messages; QUIT at the end.

        Raises:
            TransportError: no connection, no trusted TLS, login refused; it names the setting to check.
        """
        context = self._trusted_certificates() if self.security != "none" else None
        channel = await self._dial()
        try:
            extensions = await self._open(channel, context)
            yield SmtpConnection(channel, extensions, message_limit=self.messages_per_connection)
        finally:
            await channel.quit()

    async def _open(self, channel: Channel, context: ssl.SSLContext | None) -> Extensions:
        try:
            return await self._converse(channel, context)
        except ConversationError as error:
            channel.abort()
            raise self._unusable(error.said, "delivery.host, delivery.port and delivery.security") from error
        except BaseException:
            channel.abort()
            raise

    async def _converse(self, channel: Channel, context: ssl.SSLContext | None) -> Extensions:
        if self.security == "tls" and context is not None:
            await self._start_tls(channel, context)
        else:
            channel.start_in_the_clear()
        extensions = await self._greet(channel)
        if self.security == "starttls" and context is not None:
            extensions = await self._upgrade(channel, context, extensions)
        if self.user:
            await self._log_in(channel, extensions)
        return extensions

    def _trusted_certificates(self) -> ssl.SSLContext:
        try:
            return ssl.create_default_context(cafile=self.ca_file)
        except OSError as error:
            what = f"the certificates in {self.ca_file} cannot be read ({_reason(error)})"
            raise self._unusable(what, "delivery.ca_file") from error

    async def _dial(self) -> Channel:
        limits = TimeLimits(step=self.timeout, after_dot=self.timeout_after_dot)
        try:
            return await Channel.dial(self.host, self.port, source_address=self.source_address, limits=limits)
        except (OSError, UnicodeError) as error:  # a UnicodeError is a host name that no domain can have
            if self.source_address:
                what = f"cannot be reached from {self.source_address} ({_reason(error)})"
                raise self._unusable(what, "delivery.source_address, delivery.host and delivery.port") from error
            what = f"cannot be reached ({_reason(error)})"
            raise self._unusable(what, "delivery.host and delivery.port") from error

    async def _greet(self, channel: Channel) -> Extensions:
        greeting = await channel.read_reply()
        if greeting.code != _GREETING:
            raise self._refused("no service", greeting, "delivery.host and delivery.port")
        return await self._introduce(channel)

    async def _introduce(self, channel: Channel) -> Extensions:
        """Say EHLO, or HELO to a server that does not know it."""
        name = self.local_hostname
        if not name:
            full_name = await asyncio.to_thread(socket.getfqdn)  # asks the resolver, which may take its time
            name = name_of_this_host(full_name, channel.local_address)
        reply = await channel.ask(f"EHLO {name}")
        if reply.is_positive:
            return parse_extensions(reply)
        if reply.is_refusal:
            reply = await channel.ask(f"HELO {name}")
        if not reply.is_positive:
            raise self._refused(f"our name {name!r} refused", reply, "delivery.helo or this host's full name")
        return Extensions({})

    async def _upgrade(self, channel: Channel, context: ssl.SSLContext, extensions: Extensions) -> Extensions:
        """STARTTLS; what was offered in the clear counts for nothing after it (RFC 3207, 4.2)."""
        if "STARTTLS" not in extensions:
            raise self._unusable("offers no STARTTLS, so nothing was sent", "delivery.security and delivery.port")
        reply = await channel.ask("STARTTLS")
        if not reply.is_positive:
            raise self._refused("STARTTLS refused", reply, "delivery.security")
        await self._start_tls(channel, context)
        return await self._introduce(channel)

    async def _start_tls(self, channel: Channel, context: ssl.SSLContext) -> None:
        try:
            await channel.start_tls(context, self.host)
        except ssl.SSLCertVerificationError as error:
            what = f"its certificate is not trusted ({error.verify_message.rstrip('.')})"
            settings = "delivery.host, or name the certificate's issuer in delivery.ca_file"
            raise self._unusable(what, settings) from error
        except OSError as error:
            raise self._unusable(f"no TLS ({_reason(error)})", "delivery.security and delivery.port") from error

    async def _log_in(self, channel: Channel, extensions: Extensions) -> None:
        if not channel.is_encrypted and not is_loopback(channel.peer_address):
            raise self._unusable(f"no TLS, so the {self._secret} was not sent", "delivery.security")
        credentials = await self._find_credentials()
        mechanism = credentials.choose_mechanism(extensions.mechanisms)
        if mechanism is None:
            offered = " ".join(extensions.mechanisms) or "none"
            what = f"takes no login by {' or '.join(credentials.mechanisms)} (it offers: {offered})"
            raise self._unusable(what, f"{self._login_settings} and delivery.port")
        try:
            await self._prove(channel, credentials, mechanism)
        except ConversationError as error:
            raise ConversationError(credentials.hide(str(error)), code=error.code) from None

    async def _prove(self, channel: Channel, credentials: Credentials, mechanism: str) -> None:
        first, *further = credentials.commands(mechanism)
        reply, explanation = await channel.ask(first), ""
        for response in further:
            if reply.is_go_on:
                explanation = explain_challenge(reply) if mechanism == "XOAUTH2" else ""
                reply = await channel.ask(response)
        if not reply.is_positive:
            said = credentials.hide(f"{reply} ({explanation})" if explanation else str(reply))
            raise self._unusable(f"login refused: {said}", self._login_settings)

    async def _find_credentials(self) -> Credentials:
        if not self.token_command:
            return Credentials(user=self.user, password=self.password)
        try:
            token = await asyncio.to_thread(read_token, self.token_command)
        except TokenError as error:
            raise self._unusable(f"no token to log in with: {error}", "delivery.token_command") from error
        return Credentials(user=self.user, token=token)

    @property
    def _secret(self) -> str:
        return "token" if self.token_command else "password"

    @property
    def _login_settings(self) -> str:
        return f"delivery.user and delivery.{'token_command' if self.token_command else 'password'}"

    def _refused(self, what: str, reply: Reply, settings: str) -> TransportError:
        return self._unusable(f"{what}: {reply}", settings)

    def _unusable(self, what: str, settings: str) -> TransportError:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return TransportError(f"{host}:{self.port}: {what}; check {settings}")


def _reason(error: Exception) -> str:
    """Why it failed, in the system's words; asyncio's own repeat each address that was tried."""
    number = re.search(r"\[Errno (\d+)\]", str(error))
    if isinstance(error, ssl.SSLError) and error.reason:
        return error.reason.replace("_", " ").lower()
    if number:
        return os.strerror(int(number[1]))
    return getattr(error, "strerror", None) or str(error) or "no answer in time"
