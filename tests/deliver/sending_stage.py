"""A sender's parts put together over a real ledger, and a way out that does as a test says."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from random import Random
from threading import Event

from digest.deliver.crew import Crew
from digest.deliver.dispatcher import Dispatcher, Judgement, Limits
from digest.deliver.journal import Journal
from digest.deliver.pace import Pacer
from digest.deliver.packing import DirectPacker
from digest.deliver.queue import Queue
from digest.deliver.sender import Sending
from digest.deliver.transport import Ending, Envelope, Outbox, Outcome, Parcel
from digest.model import Delivery, DeliveryState
from digest.store.ledger import claim_deliveries
from ledgers import Ledger
from workspaces import NOW

SENT = Outcome(state=DeliveryState.SENT, code=250, reply="ok")


def pack(delivery: Delivery) -> Parcel:
    envelope = Envelope(sender="b@example.com", recipient=delivery.address)
    return Parcel(envelope=envelope, content=b"Subject: x\r\n\r\nHello\r\n", delivery_id=delivery.id)


class UnsignedParcel:
    """A message that is signed by writing it: `write` is called in a thread."""

    def __init__(self, delivery, write=pack):
        self._delivery = delivery
        self._write = write

    def sign(self):
        self.parcel = self._write(self._delivery)


class Stage:
    """One issue with its readers queued, and what sends it."""

    def __init__(self, readers=7, **profile):
        self.ledger = Ledger(readers, **profile)
        self.lease = self.ledger.claim()
        self.ledger.freeze(self.lease)
        self.stop = Event()
        self.random = Random(1)

    def claim(self, limit):
        return claim_deliveries(self.ledger.database, self.lease, limit=limit, **self.ledger.at)

    def limits(self, *, allowance=None):
        return Limits(deadline=NOW + timedelta(hours=1), allowance=allowance, stop=self.stop)

    @property
    def judgement(self):
        return Judgement(random=self.random, hash_address=lambda address: address.encode())

    def open(self, *, connections=4, allowance=None, packer=None, pacer=None, queue=None):
        """A dispatcher and its journal, in the running loop."""
        queue = queue or Queue(self.claim, pacer or Pacer())
        journal = Journal(self.ledger.database, self.lease, self.ledger.clock, connections=connections)
        dispatcher = Dispatcher(
            queue,
            packer or DirectPacker(pack),
            journal,
            clock=self.ledger.clock,
            limits=self.limits(allowance=allowance),
            judgement=self.judgement,
        )
        journal.listeners += (dispatcher.note_committed,)
        return dispatcher, journal

    def play(self, steps, **options):
        """Run `steps(dispatcher, journal)` in a loop of its own, and write what is left at its end."""

        async def main():
            options["packer"] = options.get("packer") or DirectPacker(pack)
            dispatcher, journal = self.open(**options)
            try:
                return await asyncio.wait_for(steps(dispatcher, journal), 20)
            finally:
                options["packer"].close()
                journal.flush_to_the_end()

        return asyncio.run(main())

    def work(self, transport, *, size=2, within=10.0, **options):
        """Carry everything by a crew."""

        async def steps(dispatcher, _journal):
            await asyncio.wait_for(Crew(transport, dispatcher, self.random, size).work(), within)

        self.play(steps, connections=size, **options)

    def sending(self, transport, **changes):
        values = {
            "database": self.ledger.database,
            "lease": self.lease,
            "clock": self.ledger.clock,
            "transport": transport,
            "packer": DirectPacker(pack),
            "connections": 2,
            "pacer": Pacer(),
            "limits": self.limits(),
            "judgement": self.judgement,
        }
        return Sending(**{**values, **changes})

    def states(self):
        """How many rows are in each state."""
        states = list(self.ledger.states().values())
        return {str(state): states.count(state) for state in dict.fromkeys(states)}


class Play:
    """A way out: each connection does what `act(number, outbox)` does; what it hands over is in `delivered`."""

    def __init__(
        self,
        act: Callable[[int, Outbox], Awaitable[Ending]] | None = None,
        opening: Callable[[int], Awaitable[None]] | None = None,
    ) -> None:
        self._act = act
        self._opening = opening
        self.opened = 0
        """Connections begun, those that failed among them."""
        self.delivered: list[int] = []

    @asynccontextmanager
    async def connect(self) -> AsyncIterator["PlayConnection"]:
        number, self.opened = self.opened, self.opened + 1
        if self._opening:
            await self._opening(number)
        yield PlayConnection(self, number)

    async def act(self, number: int, outbox: Outbox) -> Ending:
        return await (self._act or self.carry_on)(number, outbox)

    async def carry_on(self, number: int, outbox: Outbox) -> Ending:
        """As a good connection does."""
        while True:
            parcel = outbox.take()
            if parcel is None:
                if not await outbox.wait(5):
                    return Ending.FINISHED
            elif await outbox.release(parcel):
                self.deliver(parcel, outbox)

    def deliver(self, parcel: Parcel, outbox: Outbox) -> None:
        self.delivered.append(parcel.delivery_id)
        outbox.settle(parcel, SENT)


class PlayConnection:
    def __init__(self, play: Play, number: int) -> None:
        self._play = play
        self._number = number

    async def carry(self, outbox: Outbox) -> Ending:
        return await self._play.act(self._number, outbox)
