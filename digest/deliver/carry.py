"""Carrying for ways out that take one message at a time: a folder, a program, an HTTP interface.

Whoever writes such a way out says what becomes of one message; the order of take, release and settle is kept here.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from digest.deliver.transport import Ending, Outbox, Outcome, Parcel
from digest.errors import TransportError
from digest.model import DeliveryState

IDLE_SECONDS = 60.0
"""How long one wait for the next message lasts; then the outbox is asked again. Nothing here is lost by idling."""
_GIVEN_UP = Outcome(state=DeliveryState.UNCERTAIN, reply="stopped before it was known what became of the message")


@dataclass(frozen=True, kw_only=True, slots=True)
class NotTaken:
    """A message was certainly not taken, through no fault of its own; fewer at once may fare better."""

    reason: str
    """What was said instead, in one line."""


Deliver = Callable[[Parcel], Awaitable[Outcome | NotTaken]]
"""Hands one released message over, within a time limit of its own.

Raises TransportError where there is no way out any more; the message was certainly not delivered then.
"""


async def carry_each(outbox: Outbox, deliver: Deliver) -> Ending:
    """Carry messages one after the other, as `Connection.carry` promises.

    A message in hand is seen to its end even where this is cancelled, as only its end tells whether it was delivered;
    cancelled once more, it is uncertain.

    Returns:
        FINISHED where the outbox has no more; SLOW_DOWN after a message that was not taken, or is uncertain.

    Raises:
        TransportError: as `deliver` raised it; its message is given back.
        DigestError: as the outbox raised it.
    """
    while True:
        parcel = outbox.take()
        if parcel is None:
            if not await outbox.wait(IDLE_SECONDS):
                return Ending.FINISHED
        elif await outbox.release(parcel) and not await _see_through(outbox, parcel, deliver):
            return Ending.SLOW_DOWN


async def _see_through(outbox: Outbox, parcel: Parcel, deliver: Deliver) -> bool:
    """Whether the way out is as good as before."""
    delivery = asyncio.ensure_future(deliver(parcel))
    try:
        await asyncio.wait([delivery])  # unlike awaiting the task itself, this does not hand a cancellation on to it
    except asyncio.CancelledError:
        try:
            await asyncio.wait([delivery])
        finally:
            _report(outbox, parcel, delivery)
        raise
    return _report(outbox, parcel, delivery)


def _report(outbox: Outbox, parcel: Parcel, delivery: asyncio.Future[Outcome | NotTaken]) -> bool:
    if not delivery.done():
        delivery.cancel()
        outbox.settle(parcel, _GIVEN_UP)
        return False
    try:
        end = delivery.result()
    except TransportError as error:
        outbox.give_back(parcel, str(error))
        raise
    except BaseException:
        outbox.settle(parcel, _GIVEN_UP)
        raise
    if isinstance(end, NotTaken):
        outbox.give_back(parcel, end.reason)
        return False
    outbox.settle(parcel, end)
    return end.state is not DeliveryState.UNCERTAIN
