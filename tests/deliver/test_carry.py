"""The order of take, release and settle, kept for ways out that take one message at a time."""

import asyncio

import pytest
from outboxes import ListOutbox, parcel_for

from digest.deliver.carry import NotTaken, carry_each
from digest.deliver.transport import Ending, Outcome
from digest.errors import StoreError, TransportError
from digest.model import DeliveryState

SENT = Outcome(state=DeliveryState.SENT, reply="fine")
UNCERTAIN = Outcome(state=DeliveryState.UNCERTAIN, reply="who knows")


def parcels(count: int):
    return [parcel_for(f"reader{number}@example.com", b"Subject: x\r\n\r\n") for number in range(count)]


class Hands:
    """Takes messages and gives prepared ends for them."""

    def __init__(self, *ends):
        self._ends = list(ends)
        self.delivered = []

    async def deliver(self, parcel):
        self.delivered.append(parcel)
        end = self._ends.pop(0) if self._ends else SENT
        if isinstance(end, BaseException):
            raise end
        return end


def test_every_message_is_released_then_delivered_then_settled():
    hands, some = Hands(), parcels(3)
    outbox = ListOutbox(some, pauses=2)
    assert asyncio.run(carry_each(outbox, hands.deliver)) is Ending.FINISHED
    assert hands.delivered == outbox.released == some
    assert outbox.outcomes == dict.fromkeys(some, SENT)


def test_a_withdrawn_message_is_not_delivered():
    hands, some = Hands(), parcels(3)
    outbox = ListOutbox(some, withdrawn=[some[1]])
    assert asyncio.run(carry_each(outbox, hands.deliver)) is Ending.FINISHED
    assert hands.delivered == list(outbox.outcomes) == [some[0], some[2]]


def test_where_there_is_no_way_out_any_more_the_message_is_given_back():
    hands, some = Hands(SENT, TransportError("the disk is full; check delivery.path")), parcels(3)
    outbox = ListOutbox(some)
    with pytest.raises(TransportError, match="disk is full"):
        asyncio.run(carry_each(outbox, hands.deliver))
    assert outbox.given_back == {some[1]: "the disk is full; check delivery.path"}
    assert list(outbox.outcomes) == [some[0]]


@pytest.mark.parametrize("end", [NotTaken(reason="too many"), UNCERTAIN])
def test_a_message_that_was_not_taken_or_is_in_doubt_asks_for_fewer_connections(end):
    some = parcels(3)
    outbox = ListOutbox(some)
    assert asyncio.run(carry_each(outbox, Hands(SENT, end).deliver)) is Ending.SLOW_DOWN
    assert outbox.released == some[:2]
    assert not outbox.forgotten
    assert list(outbox.given_back.values()) == (["too many"] if isinstance(end, NotTaken) else [])


def test_what_the_outbox_raises_goes_on_and_nothing_is_delivered():
    async def refuse(_parcel):
        raise StoreError("the database is locked")

    hands = Hands()
    with pytest.raises(StoreError, match="is locked"):
        asyncio.run(carry_each(ListOutbox(parcels(1), before_release=refuse), hands.deliver))
    assert hands.delivered == []


def test_a_fault_of_our_own_leaves_its_message_uncertain():
    outbox = ListOutbox(parcels(1))
    with pytest.raises(ZeroDivisionError):
        asyncio.run(carry_each(outbox, Hands(ZeroDivisionError("oh")).deliver))
    assert outbox.states == [DeliveryState.UNCERTAIN]


class SlowHands:
    """Take a message, and say what became of it only when told to."""

    def __init__(self):
        self.begun, self.go_on = asyncio.Event(), asyncio.Event()

    async def deliver(self, _parcel):
        self.begun.set()
        await self.go_on.wait()
        return SENT


async def cancel_in_mid_delivery(outbox, hands):
    task = asyncio.create_task(carry_each(outbox, hands.deliver))
    await hands.begun.wait()
    task.cancel()
    await asyncio.sleep(0)
    assert not task.done()
    return task


def test_a_cancelled_connection_sees_the_message_in_hand_to_its_end():
    outbox = ListOutbox(parcels(2))

    async def run():
        hands = SlowHands()
        task = await cancel_in_mid_delivery(outbox, hands)
        hands.go_on.set()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(run())
    assert outbox.states == [DeliveryState.SENT]


def test_cancelled_once_more_the_message_is_uncertain():
    outbox = ListOutbox(parcels(2))

    async def run():
        task = await cancel_in_mid_delivery(outbox, SlowHands())
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(run())
    assert outbox.states == [DeliveryState.UNCERTAIN]
