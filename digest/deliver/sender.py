"""Walks an issue's ledger: claims rows, hands their messages over on several connections, records each answer."""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from random import Random
from threading import Event

from digest.clock import Clock
from digest.deliver.journal import Journal
from digest.deliver.letters import OutgoingMessage
from digest.deliver.retry import next_attempt
from digest.deliver.transport import Connection, Outcome, Transport
from digest.errors import TransportError
from digest.model import Delivery, DeliveryState
from digest.store.database import Database
from digest.store.leases import Lease
from digest.store.ledger import DeliveryResult, claim_deliveries

CLAIM_SIZE = 100
"""Rows claimed at once. Claimed rows are safe to put back, so this bounds only how often the database is asked."""


@dataclass(frozen=True, kw_only=True)
class Sending:
    """Everything it takes to send one leased issue."""

    database: Database
    lease: Lease
    clock: Clock
    transport: Transport
    write: Callable[[Delivery], OutgoingMessage]
    """Makes the message of a delivery."""
    random: Random
    connections: int
    """How many are used side by side at most."""
    deadline: datetime
    """After this moment nothing more is handed over."""
    stop: Event
    """Set from outside: finish the messages on the wire, begin no other."""
    on_result: Callable[[DeliveryResult], None] = field(default=lambda _: None)
    """Told of every result once it is committed."""


def send_deliveries(sending: Sending) -> None:
    """Hand over every delivery that is due now, and return when none is left, at a stop, or past the deadline.

    Raises:
        LeaseLostError: the issue was taken over, paused or cancelled; what was on the wire is recorded if it may be.
        TransportError: no connection could be opened; nothing was handed over.
        StoreError: the ledger cannot be written; nothing more was handed over.
    """
    asyncio.run(_send(sending))


async def _send(sending: Sending) -> None:
    journal = Journal(sending.database, sending.lease, sending.clock, sending.on_result)
    walk = _Walk(sending)
    workers = min(sending.connections, walk.count_claimed())
    helpers = [asyncio.create_task(journal.write_groups()), asyncio.create_task(journal.keep_lease())]
    try:
        endings = await asyncio.gather(*(_work(sending, walk, journal) for _ in range(workers)), return_exceptions=True)
    finally:
        for helper in helpers:
            helper.cancel()
        journal.flush_to_the_end()
    _raise_failure(endings)
    journal.require_sound()


async def _work(sending: Sending, walk: "_Walk", journal: Journal) -> None:
    """One connection, used until nothing is left."""
    async with sending.transport.connect() as connection:
        while (delivery := walk.next()) is not None:
            await _hand_over(sending, connection, journal, delivery)


def _raise_failure(endings: list[BaseException | None]) -> None:
    """Raise what stopped the sending; a connection that could not be opened does not, while another could."""
    failures = [ending for ending in endings if ending is not None]
    serious = [failure for failure in failures if not isinstance(failure, TransportError)]
    if serious or (failures and len(failures) == len(endings)):
        raise (serious or failures)[0]


class _Walk:
    """The rows that are due, claimed a batch at a time as connections ask for them."""

    def __init__(self, sending: Sending) -> None:
        self._sending = sending
        self._claimed: deque[Delivery] = deque()

    def count_claimed(self) -> int:
        """How many rows are at hand; claims a batch where none is."""
        if not self._claimed and not self._is_over():
            self._claimed.extend(self._claim())
        return len(self._claimed)

    def next(self) -> Delivery | None:
        """The next row to send, or None at the end, at a stop, or past the deadline."""
        if self._is_over() or not self.count_claimed():
            return None
        return self._claimed.popleft()

    def _is_over(self) -> bool:
        return self._sending.stop.is_set() or self._sending.clock.now() >= self._sending.deadline

    def _claim(self) -> tuple[Delivery, ...]:
        clock = self._sending.clock
        return claim_deliveries(
            self._sending.database, self._sending.lease, limit=CLAIM_SIZE, boot=clock.boot(), now=clock.now()
        )


async def _hand_over(sending: Sending, connection: Connection, journal: Journal, delivery: Delivery) -> None:
    message = sending.write(delivery)
    if not await journal.put_on_wire(delivery.id):
        return
    try:
        outcome = await connection.deliver(message.envelope, message.content)
    except TransportError as error:
        # Nothing left, so the row goes back; and this connection ends, or an outage would touch every row in turn.
        journal.record(DeliveryResult(delivery_id=delivery.id, state=DeliveryState.QUEUED, code=None, reply=str(error)))
        raise
    journal.record(_to_result(sending, delivery, outcome))


def _to_result(sending: Sending, delivery: Delivery, outcome: Outcome) -> DeliveryResult:
    is_deferred = outcome.state is DeliveryState.DEFERRED
    now = sending.clock.now()
    return DeliveryResult(
        delivery_id=delivery.id,
        state=outcome.state,
        code=outcome.code,
        reply=outcome.reply,
        next_at=next_attempt(delivery.attempts + 1, now=now, random=sending.random) if is_deferred else None,
    )


def send_apart(transport: Transport, messages: Sequence[OutgoingMessage]) -> list[Outcome]:
    """Hand messages over that no ledger knows of: test sends.

    Raises:
        TransportError: no connection could be opened; nothing was handed over.
    """

    async def hand_over() -> list[Outcome]:
        async with transport.connect() as connection:
            return [await connection.deliver(message.envelope, message.content) for message in messages]

    return asyncio.run(hand_over())
