"""The connections of a send, worked side by side: opened, given up where the server asks for less, opened again."""

import asyncio
import time
from contextlib import AsyncExitStack
from random import Random

from digest.deliver.dispatcher import Dispatcher
from digest.deliver.pace import Throttle
from digest.deliver.transport import Connection, Ending, Outcome, Parcel, Transport
from digest.errors import TransportError
from digest.model import DeliveryState

PATIENCE_SECONDS = 60.0
"""How long a server that took connections before may take none: a relay that restarts is back by then."""
FRUITLESS_SECONDS = 1.0
"""A connection that ends sooner without having taken a message was closed by its server: that is no idling."""
STEP_SECONDS = 0.25
"""How often a connection that has to wait looks whether it still has to."""


class Crew:
    """Keeps as many connections at work as the server bears."""

    def __init__(self, transport: Transport, dispatcher: Dispatcher, random: Random, size: int) -> None:
        self._transport = transport
        self._dispatcher = dispatcher
        self._throttle = Throttle(size, random=random)
        self._places = [_Place(self, dispatcher, self._throttle) for _ in range(size)]
        self._openings: set[asyncio.Timeout] = set()
        self._last_alive: float | None = None

    async def work(self) -> None:
        """Carry until the dispatcher is finished.

        Raises:
            TransportError: no connection could be opened, or none any more for a minute.
            DigestError: what the dispatcher raised.
        """
        endings = await asyncio.gather(*map(self._work, self._places), return_exceptions=True)
        failures = [ending for ending in endings if ending is not None]
        serious = [failure for failure in failures if not isinstance(failure, TransportError)]
        if serious or (failures and len(failures) == len(endings)):
            raise (serious or failures)[0]

    def look(self) -> None:
        """Call off connections that are still being opened when there is nothing left to carry: it may take minutes."""
        while self._openings and self._dispatcher.is_finished:
            self._openings.pop().reschedule(asyncio.get_running_loop().time())

    def rank(self, place: "_Place") -> int:
        """How many places before this one are still worked: one that is left alone is the first."""
        return self._places.index(place)

    async def _work(self, place: "_Place") -> None:
        """One connection after the other, in this place of the crew."""
        try:
            while not self._dispatcher.is_finished:
                seconds = self._seconds_to_wait(place)
                if seconds > 0:
                    await asyncio.sleep(min(seconds, STEP_SECONDS))
                else:
                    await self._open_and_carry(place)
        finally:
            self._places.remove(place)

    async def _open_and_carry(self, place: "_Place") -> None:
        async with AsyncExitStack() as stack:
            connection = await self._open(stack)
            if connection is None:
                return
            opened_at = self._last_alive = time.monotonic()
            place.has_taken = False
            ending = await connection.carry(place)
            self._last_alive = time.monotonic()
        is_fruitless = not place.has_taken and self._last_alive - opened_at < FRUITLESS_SECONDS
        if ending is Ending.SLOW_DOWN or (ending is Ending.USED_UP and is_fruitless):
            self._throttle.set_back(time.monotonic())

    async def _open(self, stack: AsyncExitStack) -> Connection | None:
        """A connection; None where the server takes none just now, or it was called off."""
        limit = asyncio.timeout(None)
        try:
            async with limit:
                self._openings.add(limit)
                return await stack.enter_async_context(self._transport.connect())
        except TransportError:
            if not self._may_try_again():
                raise
            self._throttle.set_back(time.monotonic())
        except TimeoutError:
            if not limit.expired():
                raise
        finally:
            self._openings.discard(limit)
        return None

    def _may_try_again(self) -> bool:
        return self._last_alive is not None and time.monotonic() - self._last_alive < PATIENCE_SECONDS

    def _seconds_to_wait(self, place: "_Place") -> float:
        now = time.monotonic()
        return STEP_SECONDS if self.rank(place) >= self._throttle.allowed(now) else self._throttle.delay(now)


class _Place:
    """The outbox as one connection sees it: closed while the server bears fewer connections."""

    def __init__(self, crew: Crew, dispatcher: Dispatcher, throttle: Throttle) -> None:
        self._crew = crew
        self._dispatcher = dispatcher
        self._throttle = throttle
        self.release = dispatcher.release
        self.give_back = dispatcher.give_back
        self.has_taken = False
        """Whether its connection has taken a message."""

    def take(self) -> Parcel | None:
        """See `Outbox.take`."""
        parcel = None if self._is_closed() else self._dispatcher.take()
        if parcel is not None:
            self.has_taken = True
        return parcel

    async def wait(self, seconds: float) -> bool:
        """See `Outbox.wait`."""
        return not self._is_closed() and await self._dispatcher.wait(seconds)

    def settle(self, parcel: Parcel, outcome: Outcome) -> None:
        """See `Outbox.settle`."""
        self._dispatcher.settle(parcel, outcome)
        if self._throttle.is_slowed and outcome.state is DeliveryState.SENT:
            self._throttle.note_success()

    def _is_closed(self) -> bool:
        return self._throttle.is_slowed and self._crew.rank(self) >= self._throttle.allowed(time.monotonic())
