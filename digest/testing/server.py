"""What the servers have in common: a loop in a thread of its own, and what they took."""

import asyncio
import threading
from abc import ABC, abstractmethod
from types import TracebackType
from typing import NamedTuple, Self


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
