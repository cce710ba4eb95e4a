"""Connections that take their time: one that does not say its request, or does not take its answer, is closed.

uvicorn has a time limit between requests only. A client that sends a byte a minute would hold its connection for ever
(slow loris), and some thousands of those all there are.
"""

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

REQUEST_SECONDS = 10.0
"""From the first byte of a request, or of a connection, until it is there in whole."""
ANSWER_SECONDS = 30.0
"""Until the answer is taken."""
LARGEST_HEAD = 65_536
"""Bytes of a request line and its headers."""


class ImpatientProtocol(HttpToolsProtocol):
    """HTTP/1.1 with a time limit on each request and each answer."""

    _timer: asyncio.TimerHandle | None = None
    _head_size: int | None = None
    """Bytes that came since a request's head began; None while none is awaited."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Wait for the first request."""
        super().connection_made(transport)
        self._head_size = 0
        self._allow(REQUEST_SECONDS)

    def data_received(self, data: bytes) -> None:
        """Take what comes, but no head without an end: the parser has no limit of its own."""
        if self._head_size is not None:
            self._head_size += len(data)
        super().data_received(data)
        # Only now: the same piece may hold the end of the head and much of a body.
        if self._head_size is not None and self._head_size > LARGEST_HEAD:
            self._give_up()

    def on_headers_complete(self) -> None:
        """The head is there."""
        self._head_size = None
        if len(self.url) + sum(len(name) + len(value) for name, value in self.headers) > LARGEST_HEAD:
            self._give_up()
            return
        super().on_headers_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait for nothing any more."""
        self._allow(None)
        super().connection_lost(exc)

    def on_message_begin(self) -> None:
        """Wait for the rest of a request."""
        super().on_message_begin()
        self._allow(REQUEST_SECONDS)

    def on_message_complete(self) -> None:
        """Wait for the answer to be taken."""
        super().on_message_complete()
        self._allow(ANSWER_SECONDS)

    def on_response_complete(self) -> None:
        """Between requests uvicorn's own limit counts."""
        self._allow(None)
        self._head_size = 0
        super().on_response_complete()

    def _allow(self, seconds: float | None) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = None if seconds is None else self.loop.call_later(seconds, self._give_up)

    def _give_up(self) -> None:
        transport: Any = self.transport
        transport.abort()
