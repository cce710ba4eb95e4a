"""A mail server that answers by script, and misbehaves in every way that servers do."""

import asyncio
import socket
import ssl
import struct
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from enum import Enum
from itertools import repeat
from typing import NamedTuple

from digest.testing.server import ReceivedMessage, ServerThread

_NO_LINGER = struct.pack("ii", 1, 0)
_MOMENT = 0.05
"""Seconds after which an IDLE answer is said."""


class Fault(Enum):
    """What a scripted server does instead of answering."""

    DROP = "drop"
    """Close the connection without a word."""
    RESET = "reset"
    """Cut it, as a machine that has crashed does."""
    HALF_CLOSE = "half close"
    """Say that no more will be said, and listen on."""
    STALL = "stall"
    """Say nothing until the client hangs up."""
    KEEP_AND_DROP = "keep and drop"
    """DOT: take responsibility for the message, and close before saying so (RFC 1047)."""


class Slowly(NamedTuple):
    """A reply said byte by byte."""

    answer: str
    seconds: float = 0.0
    """Between two bytes."""


class OnceMoreCame(NamedTuple):
    """A reply held back until the client has said another line, as only one that pipelines does."""

    answer: str


Answer = str | bytes | Fault | Slowly | OnceMoreCame
"""A reply without its line end, exact bytes, a reply said oddly, or a fault."""

GOOD_ANSWERS: Mapping[str, str] = {
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
"""What a good server says, by phase."""


class ScriptedServer(ServerThread):
    """A server that answers as its script says, phase by phase.

    Phases are GREETING, the verbs, BODY (instead of reading the message), DOT (the reply to it) and IDLE (said unasked
    a moment after that). A phase has one answer for ever, or a sequence of answers after which it answers as a good
    server does. It hangs up after QUIT and 421.
    """

    def __init__(
        self,
        script: Mapping[str, Answer | Iterable[Answer]] | None = None,
        *,
        extensions: Iterable[str] = ("SIZE 50000000", "8BITMIME"),
        tls_context: ssl.SSLContext | None = None,
        host: str = ServerThread.host,
    ) -> None:
        """Describe the server.

        Args:
            script: phase → answer or answers.
            extensions: what EHLO offers; "PIPELINING" makes clients say several commands at once.
            tls_context: what follows a positive answer to STARTTLS.
            host: the address to listen on.
        """
        super().__init__()
        self.host = host
        self.commands: list[str] = []
        """Every line it was told, messages aside."""
        self.open_connections = 0
        """How many are open now."""
        self.peers: list[str] = []
        """The address of the client of each connection."""
        self._answers = {phase: _forever_or_in_turn(answer) for phase, answer in (script or {}).items()}
        lines = [f"250-{line}" for line in ("mail.example.com", *extensions)]
        self._good_answers = {**GOOD_ANSWERS, "EHLO": "\r\n".join([*lines, "250 ENHANCEDSTATUSCODES"])}
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
        self.peers.append(writer.get_extra_info("peername")[0])
        self._writers.append(writer)
        try:
            await _Conversation(self, reader, writer).go()
        except (_HungUpError, OSError):
            pass  # the script's doing, or the client's
        finally:
            self.open_connections -= 1
            writer.close()

    def next_answer(self, phase: str, good: str = "") -> Answer:
        """What the script answers now, else `good`, else what a good server does."""
        silent = {"BODY", "IDLE"}
        usual = "" if phase in silent else self._good_answers.get(phase, "500 5.5.1 what?")
        return next(self._answers.get(phase, iter(())), good or usual)

    async def start_tls(self, writer: asyncio.StreamWriter) -> None:
        """TLS, where the server has a certificate."""
        if self._tls_context is None:
            return
        wire = writer.transport
        try:
            await writer.start_tls(self._tls_context)
        except AttributeError as error:
            # A handshake that ends with its connection leaves no transport, and then neither close nor __del__ works.
            writer._transport = wire  # type: ignore[attr-defined]  # noqa: SLF001
            raise _HungUpError from error

    async def stopped(self) -> None:
        """Return when the test is over."""
        await self._stop.wait()


class _HungUpError(Exception):
    """One of the two has left."""


class _Conversation:
    """One client's connection."""

    def __init__(self, server: ScriptedServer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._server = server
        self._reader = reader
        self._writer = writer
        self._read_ahead: deque[bytes] = deque()
        self._envelope: dict[str, str] = {}
        """The addresses that were accepted, by verb."""

    async def go(self) -> None:
        await self._answer("GREETING")
        while line := await self._read_line():
            await self._obey(line.decode().rstrip("\r\n"))

    async def _read_line(self) -> bytes:
        return self._read_ahead.popleft() if self._read_ahead else await self._reader.readline()

    async def _obey(self, command: str) -> None:
        self._server.commands.append(command)
        verb = command.partition(" ")[0].upper()
        said = await self._answer(verb, self._complain(verb))
        if verb in {"MAIL", "RCPT"} and said.startswith(b"2"):
            self._envelope[verb] = command.partition("<")[2].partition(">")[0]
        if verb in {"RSET", "EHLO", "HELO"}:
            self._envelope.clear()
        if verb == "QUIT":
            raise _HungUpError
        if verb == "STARTTLS" and said.startswith(b"220"):
            await self._server.start_tls(self._writer)
        if verb == "DATA" and said.startswith(b"354"):
            await self._take_message()

    def _complain(self, verb: str) -> str:
        """What a good server says to a command out of turn, "" where it is in turn."""
        if verb == "MAIL" and self._envelope:
            return "503 5.5.1 nested MAIL"
        if verb == "RCPT" and "MAIL" not in self._envelope:
            return "503 5.5.1 MAIL first"
        if verb in {"DATA", "DOT"} and len(self._envelope) < len(("MAIL", "RCPT")):
            return "554 5.5.1 no valid recipients"
        return ""

    async def _take_message(self) -> None:
        await self._answer("BODY")
        lines = []
        while (line := await self._read_line()) != b".\r\n":
            if not line:
                raise _HungUpError
            lines.append(line.removeprefix(b"."))
        answer = self._server.next_answer("DOT", self._complain("DOT"))
        if _accepts(answer) and not self._complain("DOT"):
            envelope = self._envelope
            self._server.messages.append(ReceivedMessage(envelope["MAIL"], [envelope["RCPT"]], b"".join(lines)))
        self._envelope.clear()
        await self._say("DOT", answer)
        idle = self._server.next_answer("IDLE")
        if idle:
            await asyncio.sleep(_MOMENT)
            await self._say("IDLE", idle)

    async def _answer(self, phase: str, good: str = "") -> bytes:
        return await self._say(phase, self._server.next_answer(phase, good))

    async def _say(self, phase: str, answer: Answer) -> bytes:
        """Say it, and return what was said."""
        if isinstance(answer, Fault):
            await self._misbehave(phase, answer)
            raise _HungUpError
        if isinstance(answer, OnceMoreCame):
            self._read_ahead.append(await self._reader.readline())
        content = _content(answer)
        for piece in _single_bytes(content) if isinstance(answer, Slowly) else (content,):
            self._writer.write(piece)
            await self._writer.drain()
            await asyncio.sleep(answer.seconds if isinstance(answer, Slowly) else 0)
        if content.startswith(b"421"):
            raise _HungUpError
        return content

    async def _misbehave(self, phase: str, fault: Fault) -> None:
        if fault is Fault.RESET:
            self._writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
        if fault is Fault.HALF_CLOSE:
            self._writer.write_eof()
        if fault is Fault.STALL and phase == "BODY":  # not reading is what stalls a sender
            await self._server.stopped()
        elif fault in {Fault.STALL, Fault.HALF_CLOSE}:
            await self._reader.read()


def _accepts(answer: Answer) -> bool:
    """Whether a server that answers so to a message has it."""
    return answer is Fault.KEEP_AND_DROP or (not isinstance(answer, Fault) and _content(answer).startswith(b"2"))


def _content(answer: str | bytes | Slowly | OnceMoreCame) -> bytes:
    """With its line end, where it does not bring its own; nothing where there is nothing to say."""
    if isinstance(answer, bytes):
        return answer
    text = answer if isinstance(answer, str) else answer.answer
    return f"{text}\r\n".encode() if text else b""


def _single_bytes(content: bytes) -> Iterator[bytes]:
    return (content[position : position + 1] for position in range(len(content)))


def _forever_or_in_turn(answer: Answer | Iterable[Answer]) -> Iterator[Answer]:
    if isinstance(answer, str | bytes | Fault | Slowly | OnceMoreCame):
        return repeat(answer)
    return iter(answer)
