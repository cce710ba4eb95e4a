"""A proxy on this machine that is far away: each way it hands bytes on after half a round trip, as many as come.

    python benchmarks/delay_proxy.py PORT TO_PORT [--round-trip 20]

It delays and does not slow down: bytes that come together leave together. Runs in a process of its own until killed.
"""

import argparse
import asyncio
import contextlib
import subprocess
import sys
from collections import deque
from statistics import median
from time import perf_counter
from typing import Self, cast

from sink import HOST, free_port, wait_for_port

TIMER_SECONDS = 0.001
"""How exactly an event loop's timer rings. What is due within half of it is handed on now: waiting for the next ring
would hold the second of two writes back for a millisecond that no network asks for."""


class DelayedWay(asyncio.Protocol):
    """One side of a connection: what it reads is written to the other side, later."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._loop = asyncio.get_running_loop()
        self._chunks: deque[tuple[float, bytes | None]] = deque()
        self._is_waiting = False
        self.transport: asyncio.Transport | None = None
        self.other: Self

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Be connected; what has come for this side meanwhile waits in the other one."""
        self.transport = cast("asyncio.Transport", transport)
        self.other.wait()

    def data_received(self, data: bytes) -> None:
        """Keep it for half a round trip."""
        self._add(data)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        """Tell the other side, after what is on the way."""
        self._add(None)

    def _add(self, data: bytes | None) -> None:
        self._chunks.append((self._loop.time() + self._seconds, data))
        self.wait()

    def wait(self) -> None:
        """Plan to hand on what is on the way, once the other side is connected."""
        if self._chunks and not self._is_waiting and self.other.transport is not None:
            self._is_waiting = True
            self._loop.call_at(self._chunks[0][0], self._hand_on)

    def _hand_on(self) -> None:
        self._is_waiting = False
        target = self.other.transport
        due = self._loop.time() + TIMER_SECONDS / 2
        while target is not None and self._chunks and self._chunks[0][0] <= due:
            _, data = self._chunks.popleft()
            if data is None:
                target.close()
            elif not target.is_closing():
                target.write(data)
        self.wait()


async def lateness(seconds: float) -> float:
    """How late a timer rings here, the median of some: a round trip must not be longer than was asked for."""
    loop = asyncio.get_running_loop()
    late = []
    for _ in range(31):
        begun = perf_counter()
        rung = loop.create_future()
        loop.call_later(seconds, rung.set_result, None)
        await rung
        late.append(perf_counter() - begun - seconds)
    return median(late)


async def forward(port: int, to_port: int, seconds: float) -> None:
    """Listen, and join every connection with one of its own, until cancelled."""
    loop = asyncio.get_running_loop()
    seconds -= await lateness(seconds)
    tasks = set[asyncio.Task[object]]()

    def join() -> DelayedWay:
        near, far = DelayedWay(seconds), DelayedWay(seconds)
        near.other, far.other = far, near
        task = loop.create_task(loop.create_connection(lambda: far, HOST, to_port))
        tasks.add(task)
        task.add_done_callback(tasks.discard)
        return near

    server = await loop.create_server(join, HOST, port, backlog=1024)
    await server.serve_forever()


class DelayProxy:
    """The proxy as a process in front of a port, inside `with`."""

    def __init__(self, to_port: int, *, round_trip_ms: float) -> None:
        self._to_port = to_port
        self._round_trip_ms = round_trip_ms
        self.port = 0

    def __enter__(self) -> Self:
        self.port = free_port()
        ports, round_trip = (str(self.port), str(self._to_port)), str(self._round_trip_ms)
        self._process = subprocess.Popen([sys.executable, __file__, *ports, "--round-trip", round_trip])
        wait_for_port(self.port)
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()


def main() -> None:
    """Run until killed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("port", type=int)
    parser.add_argument("to_port", type=int)
    parser.add_argument("--round-trip", type=float, default=20.0, help="milliseconds")
    options = parser.parse_args()
    with contextlib.suppress(KeyboardInterrupt):
        work = forward(options.port, options.to_port, options.round_trip / 2000)
        # Not uvloop, whose clock counts whole milliseconds only.
        asyncio.run(work)


if __name__ == "__main__":
    main()
