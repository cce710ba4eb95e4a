"""Connections side by side: no more than the server bears, opened again, and given up for a good reason only."""

import asyncio
import time

import pytest
from sending_stage import Play, Stage

from digest.deliver.crew import Crew
from digest.deliver.transport import Ending
from digest.errors import LeaseLostError, TransportError
from digest.store.issues import pause_issue


@pytest.fixture
def stage():
    opened = Stage(12)
    yield opened
    opened.ledger.close()


class Side(Play):
    """Knows how many connections were open side by side."""

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.open = self.most = 0

    async def act(self, number, outbox):
        self.open += 1
        self.most = max(self.most, self.open)
        try:
            await asyncio.sleep(0.01)
            return await super().act(number, outbox)
        finally:
            self.open -= 1


def test_so_many_connections_as_the_settings_say_work_side_by_side(stage):
    play = Side()
    stage.work(play, size=3)
    assert (play.most, play.opened) == (3, 3)
    assert stage.states() == {"sent": 12}


def test_a_connection_that_is_used_up_is_followed_by_another_at_once(stage):
    async def act(_number, outbox):
        if parcel := outbox.take():
            await outbox.release(parcel)
            play.deliver(parcel, outbox)
            return Ending.USED_UP
        return Ending.FINISHED

    play = Play(act)
    begun = time.monotonic()
    stage.work(play, size=1)
    assert time.monotonic() - begun < 0.5
    assert stage.states() == {"sent": 12}


def test_a_server_that_asks_for_less_gets_half_the_connections(stage):
    """The places beyond say goodbye although there is more to carry."""
    ends = []

    async def act(number, outbox):
        await asyncio.sleep(0.02 if number else 0.01)
        if number == 0:
            return Ending.SLOW_DOWN
        is_closed = outbox.take() is None and not await outbox.wait(5)
        ends.append((number, is_closed))
        return Ending.FINISHED

    async def steps(dispatcher, _journal):
        crew = Crew(Play(act), dispatcher, stage.random, 4)
        working = asyncio.create_task(crew.work())
        await asyncio.sleep(0.1)
        stage.stop.set()
        await working

    stage.play(steps)
    assert (2, True) in ends
    assert (3, True) in ends
    assert (1, False) in ends


def test_no_connection_at_all_is_an_error_and_sends_nothing(stage):
    async def opening(_number):
        raise TransportError("no route")

    play = Play(opening=opening)
    with pytest.raises(TransportError, match="no route"):
        stage.work(play, size=3)
    assert (play.opened, play.delivered) == (3, [])


def test_one_connection_of_several_is_enough(stage):
    async def opening(number):
        if number != 1:
            raise TransportError("too many")

    stage.work(Play(opening=opening), size=3)
    assert stage.states() == {"sent": 12}


def test_a_way_out_that_ends_in_mid_send_is_an_error_where_it_was_the_only_one(stage):
    """A disk that is full: opening it again does not help."""

    async def act(_number, outbox):
        parcel = outbox.take()
        await outbox.release(parcel)
        outbox.give_back(parcel, "disk full")
        raise TransportError("disk full")

    with pytest.raises(TransportError, match="disk full"):
        stage.work(Play(act), size=1)
    assert "wire" not in stage.states()


def test_a_lost_lease_counts_more_than_a_server_and_all_connections_come_to_their_end(stage):
    """What the others have on the wire is seen through and recorded."""

    async def act(number, outbox):
        parcel = outbox.take()
        await outbox.release(parcel)
        if number == 0:
            pause_issue(stage.ledger.database, 1)
            play.deliver(parcel, outbox)
            await outbox.release(outbox.take())
        await asyncio.sleep(0.1)
        if number == 1:
            play.deliver(parcel, outbox)
            return Ending.FINISHED
        outbox.give_back(parcel, "lost")
        raise TransportError("connection refused")

    play = Play(act)
    with pytest.raises(LeaseLostError):
        stage.work(play, size=3)
    assert len(play.delivered) == stage.states()["sent"] == 2
    assert "wire" not in stage.states()
