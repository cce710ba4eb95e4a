"""A proxy on this machine that is far away: each way it hands bytes on after half a round trip, as many as come.

    python benchmarks/delay_proxy.py PORT TO_PORT [--round-trip 20]

It delays and does not slow down: bytes that come together leave together. Runs in a process of its own until killed.
"""

import argparse
import asyncio
import contextlib
import ctypes
import os
import socket
import subprocess
import sys
from collections import deque
from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from statistics import median
from time import monotonic, perf_counter
from typing import BinaryIO, Self, cast

from sink import HOST, free_port, wait_for_port

uvloop = import_module("uvloop") if find_spec("uvloop") else None
"""It is only quicker."""
_CLOCK_MONOTONIC, _ABSOLUTE = 1, 1
_SYSTEM = ctypes.CDLL(None, use_errno=True)


class Timer:
    """Linux's timerfd: the timers of an event loop ring on whole milliseconds, a twentieth of the round trip."""

    def __init__(self, ring: Callable[[], None]) -> None:
        self._descriptor = _SYSTEM.timerfd_create(_CLOCK_MONOTONIC, os.O_NONBLOCK)
        self._ring = ring
        asyncio.get_running_loop().add_reader(self._descriptor, self._read)

    def set(self, moment: float) -> None:
        """Ring at a moment of `time.monotonic`."""
        seconds = int(moment)
        nanoseconds = max(int((moment - seconds) * 1e9), 1)
        setting = (ctypes.c_long * 4)(0, 0, seconds, nanoseconds)
        _SYSTEM.timerfd_settime(self._descriptor, _ABSOLUTE, setting, None)

    def _read(self) -> None:
        with contextlib.suppress(BlockingIOError):
            os.read(self._descriptor, 8)
        self._ring()


class Road:
    """What is on the way, in either direction and of all connections: as all take equally long, in order."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._under_way: deque[tuple[float, Side, bytes | None]] = deque()
        self._timer = Timer(self._arrive)

    def send(self, target: "Side", data: bytes | None) -> None:
        """Bring bytes, or the end of a connection, to a side."""
        due = monotonic() + self._seconds
        self._under_way.append((due, target, data))
        if len(self._under_way) == 1:
            self._timer.set(due)

    def _arrive(self) -> None:
        now = monotonic()
        while self._under_way and self._under_way[0][0] <= now:
            _, target, data = self._under_way.popleft()
            target.hand_on(data)
        if self._under_way:
            self._timer.set(self._under_way[0][0])


class Side(asyncio.Protocol):
    """One side of a connection: what it reads is handed on by the other side, later."""

    def __init__(self, road: Road) -> None:
        self._road = road
        self._transport: asyncio.Transport | None = None
        self._early: list[bytes | None] = []
        self.other: Self

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Be connected, and hand on what has arrived before that."""
        self._transport = cast("asyncio.Transport", transport)
        early, self._early = self._early, []
        for data in early:
            self.hand_on(data)

    def data_received(self, data: bytes) -> None:
        """Send it on its way."""
        self._road.send(self.other, data)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        """Tell the other side, after what is on the way."""
        self._road.send(self.other, None)

    def hand_on(self, data: bytes | None) -> None:
        """Write what has arrived, or close."""
        if self._transport is None:
            self._early.append(data)
        elif data is None:
            self._transport.close()
        elif not self._transport.is_closing():
            self._transport.write(data)


async def forward(port: int, to_port: int, seconds: float) -> None:
    """Listen, and join every connection with one of its own, until cancelled."""
    loop, road = asyncio.get_running_loop(), Road(seconds)
    tasks = set[asyncio.Task[object]]()

    def join() -> Side:
        near, far = Side(road), Side(road)
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
        self._start(self._round_trip_ms)
        # Timers ring late, and two processes must wake: what comes on top is measured once and taken off.
        excess = self.measure_round_trip() - self._round_trip_ms
        self.__exit__()
        self._start(self._round_trip_ms - excess)
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()

    def measure_round_trip(self) -> float:
        """Milliseconds from a NOOP to its answer, the median of some, as a client behind the proxy has them."""
        with socket.create_connection((HOST, self.port)) as client, client.makefile("rb") as replies:
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            replies.readline()
            return 1000 * median(_time_noop(client, replies) for _ in range(41))

    def _start(self, round_trip_ms: float) -> None:
        self.port = free_port()
        ports = (str(self.port), str(self._to_port))
        self._process = subprocess.Popen([sys.executable, __file__, *ports, "--round-trip", str(round_trip_ms)])
        wait_for_port(self.port)


def _time_noop(client: socket.socket, replies: BinaryIO) -> float:
    begun = perf_counter()
    client.sendall(b"NOOP\r\n")
    replies.readline()
    return perf_counter() - begun


def main() -> None:
    """Run until killed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("port", type=int)
    parser.add_argument("to_port", type=int)
    parser.add_argument("--round-trip", type=float, default=20.0, help="milliseconds")
    options = parser.parse_args()
    with contextlib.suppress(KeyboardInterrupt):
        work = forward(options.port, options.to_port, options.round_trip / 2000)
        with asyncio.Runner(loop_factory=uvloop.new_event_loop if uvloop else None) as runner:
            runner.run(work)


if __name__ == "__main__":
    main()
