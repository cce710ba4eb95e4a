"""The seam for relays over HTTP: a thread and a client for each connection, closed at the end."""

import asyncio
import threading
from contextlib import contextmanager

import pytest
from outboxes import ListOutbox, carry_once, parcel_for

from digest.deliver.http_relay import connect_relay
from digest.deliver.transport import Outcome
from digest.errors import TransportError
from digest.model import DeliveryState

MANY = 24
"""More connections than the loop's shared threads on a small machine."""


class MeetingRelay:
    """Answers only when as many calls as expected are under way at once."""

    def __init__(self, calls: int) -> None:
        self._barrier = threading.Barrier(calls, timeout=10)
        self.opened, self.closed = 0, 0
        self._lock = threading.Lock()

    def connect(self):
        return connect_relay(self._open)

    @contextmanager
    def _open(self):
        with self._lock:
            self.opened += 1
        yield self
        with self._lock:
            self.closed += 1

    def post(self, _parcel) -> Outcome:
        self._barrier.wait()
        return Outcome(state=DeliveryState.SENT, reply="taken")


def test_as_many_calls_run_side_by_side_as_there_are_connections():
    relay = MeetingRelay(MANY)
    outboxes = [ListOutbox([parcel_for(f"reader{number}@example.com", b"\r\n")]) for number in range(MANY)]

    async def run():
        await asyncio.gather(*(carry_once(relay, outbox) for outbox in outboxes))

    asyncio.run(run())
    assert [outbox.states for outbox in outboxes] == [[DeliveryState.SENT]] * MANY
    for thread in threading.enumerate():
        if thread.name.startswith("relay"):
            thread.join(10)
    assert relay.opened == relay.closed == MANY


def test_a_relay_that_cannot_be_opened_is_no_way_out():
    @contextmanager
    def open_relay():
        raise TransportError("no key; check delivery.transport")
        yield

    async def run():
        async with connect_relay(open_relay):
            pass

    with pytest.raises(TransportError, match="no key"):
        asyncio.run(run())
