"""Mail servers for tests: a real one that records (aiosmtpd), one that answers by script and misbehaves, a quick one.

All listen on a free port of 127.0.0.1 in a thread of their own, so that any test can use them with `with`.
Needs the `test` extra.
"""

import asyncio
import ssl
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping
from enum import Enum
from itertools import repeat
from types import TracebackType
from typing import Any, NamedTuple, Self

from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword


class ReceivedMessage(NamedTuple):
    """What a server took."""

    mail_from: str
    rcpt_tos: list[str]
    content: bytes
    """CRLF lines, doubled dots undone."""


class ServerThread(ABC):
    """A server of one loop in one thread; listening inside `with`."""

    host = "127.0.0.1"

    def __init__(self) -> None:
        self.port = 0
        """Known inside `with`."""
        self.connections = 0
        """How many were made so far."""
        self.messages: list[ReceivedMessage] = []
        """Accepted messages, in order."""
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        if not self._ready.wait(timeout=10):
            raise RuntimeError(f"{type(self).__name__} did not start; see the thread's traceback above")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(timeout=10)

    async def _run(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        server = await self._listen()
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        await self._stop.wait()
        server.close()
        self._hang_up()
        await asyncio.sleep(0.01)  # the loop must run once more for sockets to be closed, not collected

    @abstractmethod
    async def _listen(self) -> asyncio.Server:
        """Begin to listen on `host` and a free port."""

    @abstractmethod
    def _hang_up(self) -> None:
        """Cut every open connection."""


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


class Fault(Enum):
    """What a scripted server does instead of answering."""

    DROP = "drop"
    """Close the connection without a word."""
    STALL = "stall"
    """Say nothing until the client hangs up."""


Answer = str | bytes | Fault
"""A reply without its line end, exact bytes, or a fault."""

_GOOD_ANSWERS: Mapping[str, str] = {
    "GREETING": "220 mail.example.com ready",
    "HELO": "250 mail.example.com",
    "STARTTLS": "220 go ahead",
    "AUTH": "235 2.7.0 welcome",
    "MAIL": "250 2.1.0 sender fine",
    "RCPT": "250 2.1.5 recipient fine",
    "DATA": "354 go ahead",
    "DOT": "250 2.0.0 queued",
    "RSET": "250 2.0.0 forgotten",
    "QUIT": "221 2.0.0 bye",
}


class _HungUpError(Exception):
    """One of the two has left."""


class ScriptedServer(ServerThread):
    """A server that answers as its script says, phase by phase.

    Phases are GREETING, the verbs, BODY (instead of reading the message) and DOT (the reply to it). A phase has
    one answer for ever, or a sequence of answers after which it answers as a good server does. It hangs up after
    QUIT and 421.
    """

    def __init__(
        self,
        script: Mapping[str, Answer | Iterable[Answer]] | None = None,
        *,
        extensions: Iterable[str] = ("SIZE 50000000", "8BITMIME"),
        tls_context: ssl.SSLContext | None = None,
    ) -> None:
        """Describe the server; `tls_context` is what follows a positive answer to STARTTLS."""
        super().__init__()
        self.commands: list[str] = []
        """Every line it was told, messages aside."""
        self.open_connections = 0
        """How many are open now."""
        self._answers = {phase: _forever_or_in_turn(answer) for phase, answer in (script or {}).items()}
        self._good_answers = {
            **_GOOD_ANSWERS,
            "EHLO": "\r\n".join(
                [*(f"250-{line}" for line in ("mail.example.com", *extensions)), "250 ENHANCEDSTATUSCODES"]
            ),
        }
        self._tls_context = tls_context
        self._writers: list[asyncio.StreamWriter] = []

    async def _listen(self) -> asyncio.Server:
        return await asyncio.start_server(self._converse, self.host, 0)

    def _hang_up(self) -> None:
        for writer in self._writers:
            writer.transport.abort()

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self.open_connections += 1
        self._writers.append(writer)
        try:
            await self._answer("GREETING", reader, writer)
            while line := await reader.readline():
                await self._obey(line.decode().rstrip("\r\n"), reader, writer)
        except (_HungUpError, OSError):
            pass  # the script's doing, or the client's
        finally:
            self.open_connections -= 1
            writer.close()

    async def _obey(self, command: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.commands.append(command)
        verb = command.partition(" ")[0].upper()
        answer = await self._answer(verb, reader, writer)
        if verb == "QUIT":
            raise _HungUpError
        if verb == "STARTTLS" and answer.startswith(b"220") and self._tls_context:
            await writer.start_tls(self._tls_context)
        if verb == "DATA" and answer.startswith(b"354"):
            await self._take_message(reader, writer)

    async def _take_message(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await self._answer("BODY", reader, writer)
        lines = []
        while (line := await reader.readline()) != b".\r\n":
            if not line:
                raise _HungUpError
            lines.append(line.removeprefix(b"."))
        answer = await self._answer("DOT", reader, writer)
        if answer.startswith(b"2"):
            message = ReceivedMessage(self._last("MAIL"), [self._last("RCPT")], b"".join(lines))
            self.messages.append(message)

    def _last(self, verb: str) -> str:
        """The address of the newest command of that verb."""
        command = next(command for command in reversed(self.commands) if command.startswith(verb))
        return command.partition("<")[2].partition(">")[0]

    async def _answer(self, phase: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
        good = b"" if phase == "BODY" else self._good_answers.get(phase, "500 5.5.1 what?")
        answer: Answer = next(self._answers.get(phase, iter(())), good)
        if answer is Fault.STALL:
            await self._stall(phase, reader)
        if isinstance(answer, Fault):
            raise _HungUpError
        content = f"{answer}\r\n".encode() if isinstance(answer, str) else answer
        writer.write(content)
        await writer.drain()
        if content.startswith(b"421"):
            raise _HungUpError
        return content

    async def _stall(self, phase: str, reader: asyncio.StreamReader) -> None:
        if phase == "BODY":  # not reading is what stalls a sender
            await self._stop.wait()
        else:
            await reader.read()


def _forever_or_in_turn(answer: Answer | Iterable[Answer]) -> Iterator[Answer]:
    return repeat(answer) if isinstance(answer, str | bytes | Fault) else iter(answer)


class SinkServer(ServerThread):
    """A server for load: takes everything, several times faster, and keeps of a message only whom it was for."""

    def __init__(self) -> None:
        super().__init__()
        self._writers: set[asyncio.StreamWriter] = set()

    async def _listen(self) -> asyncio.Server:
        return await asyncio.start_server(self._converse, self.host, 0, limit=_LARGEST_MESSAGE)

    def _hang_up(self) -> None:
        for writer in self._writers:
            writer.transport.abort()

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self._writers.add(writer)
        try:
            await self._take_messages(reader, writer)
        except (OSError, asyncio.IncompleteReadError):
            pass  # the client has died
        finally:
            self._writers.discard(writer)
            writer.close()

    async def _take_messages(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        addresses = {"MAIL": "", "RCPT": ""}
        writer.write(_line("GREETING"))
        while line := (await reader.readline()).decode():
            verb = line[:4].upper()
            if verb in addresses:
                addresses[verb] = line.partition("<")[2].partition(">")[0]
            writer.write(_line(verb))
            if verb == "DATA":
                await reader.readuntil(b"\r\n.\r\n")
                self.messages.append(ReceivedMessage(addresses["MAIL"], [addresses["RCPT"]], b""))
                writer.write(_line("DOT"))
            elif verb == "QUIT":
                return


_LARGEST_MESSAGE = 1_000_000


def _line(phase: str) -> bytes:
    return f"{_GOOD_ANSWERS.get(phase, '250 mail.example.com')}\r\n".encode()
