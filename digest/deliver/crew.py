"""The connections of a send, worked side by side: opened, given up where the server asks for less, opened again."""

import asyncio
import time
from random import Random

from digest.deliver.dispatcher import Dispatcher
from digest.deliver.pace import Throttle
from digest.deliver.transport import Ending, Outcome, Parcel, Transport
from digest.errors import TransportError
from digest.model import DeliveryState

PATIENCE_SECONDS = 60.0
"""How long a server that took connections before may take none: a relay that restarts is back by then."""
STEP_SECONDS = 0.25
"""How often a connection that has to wait looks whether it still has to."""


class Crew:
    """Keeps as many connections at work as the server bears."""

    def __init__(self, transport: Transport, dispatcher: Dispatcher, random: Random, size: int) -> None:
        self._transport = transport
        self._dispatcher = dispatcher
        self._size = size
        self._throttle = Throttle(size, random=random)
        self._last_opened: float | None = None

    async def work(self) -> None:
        """Carry until the dispatcher is finished.

        Raises:
            TransportError: no connection could be opened, or none any more for a minute.
            DigestError: what the dispatcher raised.
        """
        endings = await asyncio.gather(*map(self._work, range(self._size)), return_exceptions=True)
        failures = [ending for ending in endings if ending is not None]
        serious = [failure for failure in failures if not isinstance(failure, TransportError)]
        if serious or (failures and len(failures) == len(endings)):
            raise (serious or failures)[0]

    async def _work(self, number: int) -> None:
        """One connection after the other, in this place of the crew."""
        place = _Place(number, self._dispatcher, self._throttle)
        while not self._dispatcher.is_finished:
            seconds = self._seconds_to_wait(number)
            if seconds > 0:
                await asyncio.sleep(min(seconds, STEP_SECONDS))
            else:
                await self._open_and_carry(place)

    async def _open_and_carry(self, place: "_Place") -> None:
        has_opened = False
        try:
            async with self._transport.connect() as connection:
                has_opened = True
                self._last_opened = time.monotonic()
                ending = await connection.carry(place)
        except TransportError:
            if has_opened or not self._may_try_again():
                raise
            self._throttle.set_back(time.monotonic())
        else:
            if ending is Ending.SLOW_DOWN:
                self._throttle.set_back(time.monotonic())

    def _may_try_again(self) -> bool:
        return self._last_opened is not None and time.monotonic() - self._last_opened < PATIENCE_SECONDS

    def _seconds_to_wait(self, number: int) -> float:
        now = time.monotonic()
        return STEP_SECONDS if number >= self._throttle.allowed(now) else self._throttle.delay(now)


class _Place:
    """The outbox as one connection sees it: closed while the server bears fewer connections."""

    def __init__(self, number: int, dispatcher: Dispatcher, throttle: Throttle) -> None:
        self._number = number
        self._dispatcher = dispatcher
        self._throttle = throttle
        self.release = dispatcher.release
        self.give_back = dispatcher.give_back

    def take(self) -> Parcel | None:
        """See `Outbox.take`."""
        return None if self._is_closed() else self._dispatcher.take()

    async def wait(self, seconds: float) -> bool:
        """See `Outbox.wait`."""
        return not self._is_closed() and await self._dispatcher.wait(seconds)

    def settle(self, parcel: Parcel, outcome: Outcome) -> None:
        """See `Outbox.settle`."""
        self._dispatcher.settle(parcel, outcome)
        if self._throttle.is_slowed and outcome.state is DeliveryState.SENT:
            self._throttle.note_success()

    def _is_closed(self) -> bool:
        return self._throttle.is_slowed and self._number >= self._throttle.allowed(time.monotonic())
