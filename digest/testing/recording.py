"""A correct mail server, by aiosmtpd."""

import asyncio
import ssl
from collections.abc import Callable
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword

from digest.testing.server import ReceivedMessage, ServerThread


class RecordingServer(ServerThread):
    """A correct mail server that keeps what it takes in `messages`."""

    def __init__(
        self,
        *,
        answer: Callable[[ReceivedMessage], str] | None = None,
        tls_context: ssl.SSLContext | None = None,
        require_starttls: bool = False,
        auth: tuple[str, str] | None = None,
    ) -> None:
        """Describe the server.

        Args:
            answer: the reply to a whole message ("451 4.3.0 later"); only what it answers with 2xx is kept.
            tls_context: TLS with these certificates, from the first byte or as the next argument says.
            require_starttls: greet in the clear, offer STARTTLS, and take no mail before it.
            auth: user and password without which no mail is taken.
        """
        super().__init__()
        self._answer = answer
        self._tls_context = tls_context
        self._require_starttls = require_starttls
        self._auth = auth
        self._conversations: list[SMTP] = []

    async def _listen(self) -> asyncio.Server:
        implicit_tls = None if self._require_starttls else self._tls_context
        return await self._loop.create_server(self._converse, self.host, 0, ssl=implicit_tls)

    def _converse(self) -> SMTP:
        self.connections += 1
        conversation = SMTP(
            self,
            hostname="mail.example.com",
            loop=self._loop,
            tls_context=self._tls_context if self._require_starttls else None,
            require_starttls=self._require_starttls,
            authenticator=self._authenticate,
            # True would warn, and hide AUTH inside implicit TLS; who logged in is checked at MAIL instead.
            auth_require_tls=False,
            auth_exclude_mechanism=[] if self._auth else ["PLAIN", "LOGIN"],
        )
        self._conversations.append(conversation)
        return conversation

    def _hang_up(self) -> None:
        for conversation in self._conversations:
            if isinstance(conversation.transport, asyncio.WriteTransport):
                conversation.transport.abort()

    def _authenticate(self, _server: Any, _session: Any, _envelope: Any, _mechanism: str, data: Any) -> AuthResult:
        expected = LoginPassword(*(text.encode() for text in self._auth or ()))
        return AuthResult(success=data == expected, handled=False)

    async def handle_MAIL(  # noqa: N802 - aiosmtpd's name
        self, _server: Any, session: Any, envelope: Any, address: str, options: list[str]
    ) -> str:
        """Take a sender, if the client may send at all."""
        if self._auth and not session.authenticated:
            return "530 5.7.0 Authentication required"
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 2.1.0 OK"

    async def handle_exception(self, error: Exception) -> str:
        """Say what went wrong to the client, instead of a traceback to the log."""
        return f"500 5.3.0 {type(error).__name__}: {error}"

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802
        """Answer a whole message, and keep it where the answer takes it."""
        message = ReceivedMessage(envelope.mail_from, list(envelope.rcpt_tos), bytes(envelope.content))
        answer = self._answer(message) if self._answer else f"250 2.0.0 queued as {len(self.messages) + 1}"
        if answer.startswith("2"):
            self.messages.append(message)
        return answer
