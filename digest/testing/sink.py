"""A mail server for load."""

import asyncio

from digest.testing.scripted import GOOD_ANSWERS
from digest.testing.server import ReceivedMessage, ServerThread

_EHLO = "250-mail.example.com\r\n250-SIZE 50000000\r\n250 PIPELINING"
_END = b"\r\n.\r\n"


class SinkServer(ServerThread):
    """Takes everything, many times faster than a real one, and keeps of a message only whom it was for."""

    def __init__(self) -> None:
        super().__init__()
        self.conversations: set[asyncio.Transport] = set()
        """The open ones."""

    async def _listen(self) -> asyncio.Server:
        return await self._loop.create_server(lambda: _Conversation(self), self.host, 0)

    def _hang_up(self) -> None:
        for transport in list(self.conversations):
            transport.abort()


class _Conversation(asyncio.Protocol):
    """One client's connection; all that came at once is answered at once."""

    _transport: asyncio.Transport

    def __init__(self, server: SinkServer) -> None:
        self._server = server
        self._unread = bytearray()
        self._searched = 0
        self._is_in_message = False
        self._addresses = {"MAIL": "", "RCPT": ""}

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - for the type only
        self._transport = transport
        self._server.connections += 1
        self._server.conversations.add(transport)
        transport.write(_line("GREETING"))

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        self._server.conversations.discard(self._transport)

    def data_received(self, data: bytes) -> None:
        self._unread += data
        answers = []
        while (answer := self._end_message() if self._is_in_message else self._obey_line()) is not None:
            answers.append(answer)
        self._transport.write(b"".join(answers))
        if answers and answers[-1] == _line("QUIT"):
            self._transport.close()

    def _obey_line(self) -> bytes | None:
        end = self._unread.find(b"\r\n")
        if end < 0:
            return None
        line = self._unread[:end].decode()
        del self._unread[: end + 2]
        verb = line[:4].upper()
        if verb in self._addresses:
            self._addresses[verb] = line.partition("<")[2].partition(">")[0]
        self._is_in_message, self._searched = verb == "DATA", 0
        return _line(verb)

    def _end_message(self) -> bytes | None:
        end = self._unread.find(_END, self._searched)
        self._searched = max(0, len(self._unread) - len(_END))
        if end < 0:
            return None
        del self._unread[: end + len(_END)]
        self._is_in_message = False
        self._server.messages.append(ReceivedMessage(self._addresses["MAIL"], [self._addresses["RCPT"]], b""))
        return _line("DOT")


def _line(phase: str) -> bytes:
    return f"{_EHLO if phase == 'EHLO' else GOOD_ANSWERS.get(phase, '250 fine')}\r\n".encode()
