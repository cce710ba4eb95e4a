"""The outbox of an issue: what may be taken, what a release means, and what is written of every end."""

import asyncio
from datetime import timedelta

import pytest
from sending_stage import SENT as OK
from sending_stage import Stage

from digest.deliver.fault_watch import ENOUGH
from digest.deliver.retry import GIVE_BACKS, MAX_ATTEMPTS
from digest.deliver.transport import Outcome
from digest.errors import LeaseLostError
from digest.model import DeliveryState, SubscriberState
from digest.store.issues import pause_issue
from digest.store.subscribers import take_out
from ledgers import CANCELLED, CLAIMED, DEFERRED, FAILED, QUEUED, SENT, WIRE
from workspaces import NOW, reader_address

GONE = Outcome(state=DeliveryState.FAILED, code=550, reply="5.1.1 user unknown")
LATER = Outcome(state=DeliveryState.DEFERRED, code=451, reply="4.3.0 later")
BLOCKED = Outcome(state=DeliveryState.FAILED, code=550, reply="5.7.1 blocked using a blocklist")


@pytest.fixture
def stage():
    opened = Stage(7)
    yield opened
    opened.ledger.close()


async def send_one(dispatcher, outcome=OK):
    parcel = dispatcher.take()
    assert await dispatcher.release(parcel)
    dispatcher.settle(parcel, outcome)
    return parcel.delivery_id


def test_a_message_is_on_the_wire_in_the_ledger_from_its_release_to_its_end(stage):
    async def steps(dispatcher, journal):
        parcel = dispatcher.take()
        states = [stage.ledger.states()[parcel.delivery_id]]
        assert await dispatcher.release(parcel)
        states.append(stage.ledger.states()[parcel.delivery_id])
        dispatcher.settle(parcel, OK)
        journal.flush()
        return [*states, stage.ledger.states()[parcel.delivery_id]]

    assert stage.play(steps) == [CLAIMED, WIRE, SENT]


def test_nothing_is_taken_beyond_the_allowance_but_what_came_back_may_go(stage):
    async def steps(dispatcher, _journal):
        first = dispatcher.take()
        assert dispatcher.take() is not None
        assert dispatcher.take() is None
        dispatcher.give_back(first, "connection lost")
        assert dispatcher.take().delivery_id == first.delivery_id
        assert dispatcher.take() is None
        return dispatcher.is_finished

    assert stage.play(steps, allowance=2)


def test_a_message_given_back_before_its_release_is_the_next(stage):
    async def steps(dispatcher, _journal):
        parcel = dispatcher.take()
        dispatcher.give_back(parcel, "421 closing")
        return dispatcher.take().delivery_id == parcel.delivery_id

    assert stage.play(steps)


def test_a_message_given_back_after_its_release_is_waited_for_and_taken_once_the_ledger_has_it(stage):
    async def steps(dispatcher, _journal):
        last = [dispatcher.take() for _ in range(7)][-1]
        await dispatcher.release(last)
        assert dispatcher.take() is None
        dispatcher.give_back(last, "connection lost")
        assert not dispatcher.is_finished
        assert dispatcher.take() is None, "it is still on the wire in the ledger"
        assert await dispatcher.wait(5)
        return dispatcher.take().delivery_id == last.delivery_id

    assert stage.play(steps)


def test_a_message_that_comes_back_again_and_again_is_put_off(stage):
    async def steps(dispatcher, journal):
        for _ in range(GIVE_BACKS):
            parcel = dispatcher.take()
            dispatcher.give_back(parcel, "421 closing")
        last = dispatcher.take()
        assert last.delivery_id == parcel.delivery_id
        dispatcher.give_back(last, "421 closing")
        assert dispatcher.take().delivery_id != last.delivery_id
        journal.flush()
        return stage.ledger.states()[last.delivery_id]

    assert stage.play(steps) is DEFERRED


def test_whoever_left_since_the_claim_gets_nothing_and_it_is_no_ones_message_then(stage):
    async def steps(dispatcher, _journal):
        parcel = dispatcher.take()
        take_out(stage.ledger.database, reader_address(0), state=SubscriberState.UNSUBSCRIBED, now=NOW)
        assert dispatcher.take() is None
        assert not await dispatcher.release(parcel)
        assert dispatcher.take() is not None, "another may go in their place"
        return stage.ledger.states()[parcel.delivery_id]

    assert stage.play(steps, allowance=1) is CANCELLED


def test_a_wait_ends_when_nothing_more_will_come(stage):
    async def steps(dispatcher, _journal):
        while dispatcher.take():
            pass
        return await asyncio.wait_for(dispatcher.wait(60), 1)

    assert stage.play(steps) is False


def test_a_wait_ends_at_a_stop_as_soon_as_it_is_woken(stage):
    async def steps(dispatcher, _journal):
        parcel = [dispatcher.take() for _ in range(7)][-1]
        await dispatcher.release(parcel)
        dispatcher.give_back(parcel, "connection lost")
        waiting = asyncio.create_task(dispatcher.wait(60))
        await asyncio.sleep(0)
        stage.stop.set()
        dispatcher.wake()
        return await asyncio.wait_for(waiting, 1)

    assert stage.play(steps) is False


def test_who_waits_is_told_of_a_pause(stage):
    async def steps(dispatcher, journal):
        pause_issue(stage.ledger.database, 1)
        journal.look()
        assert dispatcher.take() is None
        with pytest.raises(LeaseLostError, match="paused"):
            await dispatcher.wait(60)

    stage.play(steps)


def test_outcomes_are_recorded_after_another_connection_has_met_a_pause(stage):
    async def steps(dispatcher, _journal):
        on_wire, ahead = dispatcher.take(), dispatcher.take()
        await dispatcher.release(on_wire)
        pause_issue(stage.ledger.database, 1)
        with pytest.raises(LeaseLostError, match="paused"):
            await dispatcher.release(ahead)
        dispatcher.settle(on_wire, OK)
        return on_wire.delivery_id, ahead.delivery_id

    on_wire, ahead = stage.play(steps)
    assert stage.ledger.states()[on_wire] is SENT
    assert stage.ledger.states()[ahead] is CLAIMED


def test_nothing_is_taken_after_the_deadline(stage):
    async def steps(dispatcher, _journal):
        stage.ledger.clock.advance(hours=1)
        return dispatcher.take(), dispatcher.is_finished

    assert stage.play(steps) == (None, True)


def test_a_deferred_message_gets_a_time_and_the_last_try_is_its_end(stage):
    database = stage.ledger.database
    database.execute("UPDATE delivery SET attempts = ? WHERE id = 1", (MAX_ATTEMPTS - 1,))

    async def steps(dispatcher, _journal):
        return await send_one(dispatcher, LATER), await send_one(dispatcher, LATER)

    ended, waits = stage.play(steps)
    assert stage.ledger.states()[ended] is FAILED
    assert stage.ledger.states()[waits] is DEFERRED
    next_at = database.value("SELECT next_at FROM delivery WHERE id = ?", (waits,))
    assert next_at >= (NOW + timedelta(minutes=15)).timestamp()
    assert database.value("SELECT next_at FROM delivery WHERE id = ?", (ended,)) is None


@pytest.mark.parametrize(("outcome", "suppressed"), [(GONE, 1), (BLOCKED, 0), (LATER, 0), (OK, 0)])
def test_only_an_address_that_is_gone_is_suppressed(stage, outcome, suppressed):
    async def steps(dispatcher, _journal):
        await send_one(dispatcher, outcome)

    stage.play(steps)
    assert stage.ledger.database.value("SELECT count(*) FROM suppression") == suppressed


def test_replies_that_blame_the_sender_stop_the_taking_and_what_was_taken_ahead():
    stage = Stage(ENOUGH + 5)

    async def steps(dispatcher, _journal):
        ahead = dispatcher.take()
        for _ in range(ENOUGH):
            await send_one(dispatcher, BLOCKED)
        assert "blame the sender" in dispatcher.fault
        assert dispatcher.take() is None
        return dispatcher.is_finished and not await dispatcher.release(ahead)

    assert stage.play(steps)
    assert stage.states() == {"claimed": 5, "failed": ENOUGH}
    stage.ledger.close()


def test_a_message_lost_in_doubt_is_never_offered_again(stage):
    async def steps(dispatcher, journal):
        lost = await send_one(dispatcher, Outcome(state=DeliveryState.UNCERTAIN, reply="lost after the dot"))
        journal.flush()
        return lost, [parcel.delivery_id for parcel in iter(dispatcher.take, None)]

    lost, others = stage.play(steps)
    assert lost not in others
    assert QUEUED not in stage.ledger.states().values()
