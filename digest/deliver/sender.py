"""Sends one leased issue: connections pull from its ledger, side by side, until nothing is left that may go now."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from digest.clock import Clock
from digest.deliver.crew import Crew
from digest.deliver.dispatcher import Dispatcher, Judgement, Limits
from digest.deliver.journal import Journal
from digest.deliver.loop import run
from digest.deliver.pace import Pacer
from digest.deliver.packing import Packer
from digest.deliver.queue import Queue
from digest.deliver.transport import Transport
from digest.errors import SenderAtFaultError
from digest.model import Delivery
from digest.store.database import Database
from digest.store.leases import Lease
from digest.store.ledger import DeliveryResult, claim_deliveries

LOOK_SECONDS = 0.5
"""How often the issue is looked at, so that a pause takes effect within a second even where messages are slow."""


@dataclass(frozen=True, kw_only=True)
class Sending:
    """Everything it takes to send one leased issue."""

    database: Database
    lease: Lease
    clock: Clock
    transport: Transport
    packer: Packer
    """Makes the messages; it is closed at the end."""
    connections: int
    """How many are used side by side at most."""
    pacer: Pacer
    """How fast messages may go."""
    limits: Limits
    judgement: Judgement
    on_results: Callable[[Sequence[DeliveryResult]], None] = field(default=lambda _: None)
    """Told of results once they are committed, a group at a time."""


def send_deliveries(sending: Sending) -> None:
    """Hand over every delivery that may go now, and return when none is left, at a stop, or past the deadline.

    Raises:
        LeaseLostError: the issue was taken over, paused or cancelled; what was on the wire is recorded if it may be.
        SenderAtFaultError: most of the recent replies blame the sender; the rest is not handed over.
        TransportError: no connection could be opened; nothing more was handed over.
        StoreError: the ledger cannot be written; nothing more was handed over.
    """
    run(_send(sending))


async def _send(sending: Sending) -> None:
    queue = Queue(lambda limit: _claim(sending, limit), sending.pacer)
    workers = min(sending.connections, queue.fetch())
    packer = sending.packer
    journal = Journal(sending.database, sending.lease, sending.clock, connections=workers)
    dispatcher = Dispatcher(
        queue, packer, journal, clock=sending.clock, limits=sending.limits, judgement=sending.judgement
    )
    journal.listeners += (dispatcher.note_committed, sending.on_results)
    crew = Crew(sending.transport, dispatcher, sending.judgement.random, workers)
    watch = asyncio.create_task(_watch(journal, dispatcher, crew))
    try:
        await crew.work()
    finally:
        watch.cancel()
        packer.close()
        journal.flush_to_the_end()
    journal.require_sound()
    if dispatcher.fault:
        raise SenderAtFaultError(dispatcher.fault)


def _claim(sending: Sending, limit: int) -> Sequence[Delivery]:
    clock = sending.clock
    return claim_deliveries(sending.database, sending.lease, limit=limit, boot=clock.boot(), now=clock.now())


async def _watch(journal: Journal, dispatcher: Dispatcher, crew: Crew) -> None:
    """Notice a pause, a stop and the deadline while messages are slow, until cancelled."""
    while True:
        await asyncio.sleep(LOOK_SECONDS)
        journal.look()
        dispatcher.wake()
        crew.look()
