"""Servers that know for certain whom they took a message for: one that answers late, and postfix's smtp-sink."""

import asyncio
import os
import shutil
import socket
import subprocess
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Self

from digest.testing import ReceivedMessage, ServerThread

_EHLO = "250-mail.example.com\r\n250-SIZE 50000000\r\n250-ENHANCEDSTATUSCODES\r\n250 PIPELINING"
_GREETING, _BYE = "220 mail.example.com ready", "221 2.0.0 bye"


class LateServer(ServerThread):
    """Takes a message with its last byte, and says so only a while later: a kill in between is what doubles mail.

    It offers PIPELINING, and does not care whether its client still lives.
    """

    def __init__(
        self,
        *,
        delay: Callable[[], float] = lambda: 0.0,
        refuse: Callable[[str, str], str] = lambda _phase, _address: "",
        on_taken: Callable[[int], None] = lambda _: None,
    ) -> None:
        """Describe the server.

        Args:
            delay: seconds between taking a message and saying so.
            refuse: the reply to a recipient, by phase (RCPT or DOT) and address; "" where it is taken.
            on_taken: told how many were taken, after each of them.
        """
        super().__init__()
        self.delay = delay
        self._refuse, self._on_taken = refuse, on_taken
        self._writers: set[asyncio.StreamWriter] = set()

    def taken(self) -> Counter[str]:
        """How often a message was taken for each address."""
        return Counter(message.rcpt_tos[0] for message in list(self.messages))

    def count(self) -> int:
        """How many messages were taken."""
        return len(self.messages)

    async def _listen(self) -> asyncio.Server:
        return await asyncio.start_server(self._converse, self.host, 0, limit=1_000_000)

    def _hang_up(self) -> None:
        for writer in self._writers:
            writer.transport.abort()

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self._writers.add(writer)
        try:
            await self._obey(reader, writer)
        except (OSError, asyncio.IncompleteReadError):
            pass  # the client was killed
        finally:
            self._writers.discard(writer)
            writer.close()

    async def _obey(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        recipient = ""
        _say(writer, _GREETING)
        while line := (await reader.readline()).decode().strip():
            verb = line[:4].upper()
            reply = {"EHLO": _EHLO, "HELO": "250 mail.example.com", "QUIT": _BYE}.get(verb, "250 2.0.0 fine")
            if verb == "RCPT":
                address = line.partition("<")[2].partition(">")[0]
                reply = self._refuse("RCPT", address) or reply
                recipient = address if reply.startswith("250") else ""
            elif verb == "DATA" and not recipient:
                reply = "554 5.5.1 no valid recipients"
            elif verb == "DATA":
                _say(writer, "354 go ahead")
                await reader.readuntil(b"\r\n.\r\n")
                reply = await self._take(recipient)
                recipient = ""
            _say(writer, reply)
            if verb == "QUIT":
                return

    async def _take(self, recipient: str) -> str:
        refusal = self._refuse("DOT", recipient)
        if not refusal:
            self.messages.append(ReceivedMessage("", [recipient], b""))
            self._on_taken(len(self.messages))
        await asyncio.sleep(self.delay())
        return refusal or "250 2.0.0 queued"


def _say(writer: asyncio.StreamWriter, reply: str) -> None:
    if not writer.is_closing():
        writer.write(f"{reply}\r\n".encode())


def find_smtp_sink() -> str | None:
    """Postfix's program, where it is installed."""
    return shutil.which("smtp-sink", path=os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin"]))


class SmtpSink:
    """smtp-sink on a free port, which keeps a file of each message it took, and none of one that broke off."""

    host = "127.0.0.1"

    def __init__(self, program: str, folder: Path) -> None:
        self._program, self._folder = program, folder
        self.port = 0

    def __enter__(self) -> Self:
        self._folder.mkdir()
        with socket.socket() as listener:
            listener.bind((self.host, 0))
            self.port = listener.getsockname()[1]
        user = ["-u", "root"] if os.geteuid() == 0 else []
        command = [self._program, *user, "-d", f"{self._folder}/message.", f"{self.host}:{self.port}", "100"]
        self._process = subprocess.Popen(command)
        give_up_at = time.monotonic() + 10
        while True:
            try:
                socket.create_connection((self.host, self.port)).close()
            except OSError:
                assert time.monotonic() < give_up_at
                time.sleep(0.01)
            else:
                return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()

    def taken(self) -> Counter[str]:
        """How often a message was taken for each address."""
        return Counter(_recipient(file.read_text(encoding="latin-1")) for file in self._folder.iterdir())

    def count(self) -> int:
        """How many messages were taken, or are being taken."""
        return sum(1 for _ in self._folder.iterdir())


def _recipient(dumped: str) -> str:
    return dumped.partition("X-Rcpt-Args: <")[2].partition(">")[0]
