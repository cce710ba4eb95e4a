"""What a hostile world may do to a sender: no mail lost, none doubled, nothing untrue in the ledger, no hang."""

import asyncio
import sqlite3
import threading
import time
from collections import Counter
from random import Random

import pytest
from checking_outbox import transport_to
from sending_stage import Play, Stage, UnsignedParcel

from digest.deliver import crew as crew_module
from digest.deliver import pace
from digest.deliver import sender as sender_module
from digest.deliver.apart import send_apart
from digest.deliver.journal import Journal
from digest.deliver.pace import Pacer
from digest.deliver.packing import SigningPacker
from digest.deliver.sender import send_deliveries
from digest.deliver.smtp import SmtpTransport
from digest.deliver.transport import Ending, Envelope, Outcome, Parcel
from digest.errors import RenderError, TransportError
from digest.model import DeliveryState
from digest.store.database import Database
from digest.store.ledger import next_attempt_at
from digest.testing import RecordingServer, ScriptedServer
from ledgers import CLAIMED, DEFERRED, QUEUED, SENT, WIRE, result


@pytest.fixture
def make_stage():
    opened = []

    def make(readers=7, **profile):
        opened.append(Stage(readers, **profile))
        return opened[-1]

    yield make
    for stage in opened:
        stage.ledger.close()


# Cut off while it waits for its commit


def test_a_connection_that_is_cut_off_while_it_waits_leaves_nothing_on_the_wire(make_stage):
    stage = make_stage(1)

    async def steps(dispatcher, journal):
        parcel = dispatcher.take()
        waiting = asyncio.create_task(dispatcher.release(parcel))
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        journal.flush_to_the_end()
        return stage.ledger.states()[parcel.delivery_id]

    assert stage.play(steps) is CLAIMED


def test_a_connection_that_is_cut_off_just_after_its_commit_puts_its_row_back(make_stage):
    """It is on the wire in the ledger, but nothing of it has left: it is not uncertain."""
    stage = make_stage(1)

    async def steps(dispatcher, journal):
        parcel = dispatcher.take()
        waiting = asyncio.create_task(dispatcher.release(parcel))
        await asyncio.sleep(0)
        journal.flush()
        assert stage.ledger.states()[parcel.delivery_id] is WIRE
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        journal.flush_to_the_end()
        return stage.ledger.states()[parcel.delivery_id]

    assert stage.play(steps) is QUEUED


def test_an_interrupt_in_the_middle_of_a_commit_loses_no_result(make_stage, monkeypatch):
    stage = make_stage(1)

    async def steps(dispatcher, journal):
        parcel = dispatcher.take()
        await dispatcher.release(parcel)
        dispatcher.settle(parcel, Outcome(state=DeliveryState.SENT, code=250, reply="ok"))

        def interrupt(_database):
            raise KeyboardInterrupt

        with monkeypatch.context() as patch:
            patch.setattr(Database, "transaction", interrupt)
            with pytest.raises(KeyboardInterrupt):
                journal.flush()
        journal.flush_to_the_end()
        return stage.ledger.states()[parcel.delivery_id]

    assert stage.play(steps) is SENT


# Connections that end


def test_a_row_given_back_at_the_very_end_goes_at_once_whichever_connection_gives_it_back(make_stage):
    """The others have said goodbye; the one that is left must not wait until so many may be open again."""
    stage = make_stage(6)
    has_failed = []

    async def act(number, outbox):
        if number == 5 and not has_failed:
            parcel = outbox.take()
            await outbox.release(parcel)
            await asyncio.sleep(0.1)
            has_failed.append(number)
            outbox.give_back(parcel, "connection lost")
            return Ending.SLOW_DOWN
        return await play.carry_on(number, outbox)

    play = Play(act)
    begun = time.monotonic()
    stage.work(play, size=6)
    assert time.monotonic() - begun < 3
    assert stage.states() == {"sent": 6}


def test_a_relay_that_restarts_is_waited_for_however_long_its_connections_were_open(make_stage, monkeypatch):
    monkeypatch.setattr(crew_module, "PATIENCE_SECONDS", 0.3)
    monkeypatch.setattr(pace, "LONGEST_WAIT_SECONDS", 0.05)
    stage = make_stage(4)

    async def act(number, outbox):
        if number > 0:
            return await play.carry_on(number, outbox)
        parcel = outbox.take()
        await outbox.release(parcel)
        await asyncio.sleep(0.5)
        outbox.give_back(parcel, "421 restarting")
        return Ending.SLOW_DOWN

    async def opening(number):
        if number == 1:
            raise TransportError("connection refused")

    play = Play(act, opening)
    stage.work(play, size=1)
    assert stage.states() == {"sent": 4}


def test_a_connection_that_is_still_being_opened_does_not_hold_up_the_end(make_stage):
    """A server that takes few connections lets the others knock for minutes."""
    stage = make_stage(4)

    async def opening(number):
        if number == 1:
            await asyncio.sleep(60)

    begun = time.monotonic()
    send_deliveries(stage.sending(Play(opening=opening)))
    assert time.monotonic() - begun < 3
    assert stage.states() == {"sent": 4}


def test_a_stop_is_not_held_up_by_a_connection_that_is_still_being_opened(make_stage):
    stage = make_stage(4)

    async def opening(_number):
        await asyncio.sleep(60)

    threading.Timer(0.1, stage.stop.set).start()
    begun = time.monotonic()
    send_deliveries(stage.sending(Play(opening=opening)))
    assert time.monotonic() - begun < 3
    assert set(stage.states()) == {"claimed"}


def test_an_opening_that_is_slow_to_be_called_off_does_not_end_the_watch(make_stage, monkeypatch):
    """The watch keeps the lease."""
    monkeypatch.setattr(sender_module, "LOOK_SECONDS", 0.02)
    stage = make_stage(4)
    looks = Counter()

    async def opening(number):
        try:
            await asyncio.sleep(60 if number else 0)
        finally:
            known = looks.total()
            await asyncio.sleep(0.2 if number else 0)
            looks["while called off"] += looks.total() - known

    def look(journal):
        looks["all"] += 1
        return original(journal)

    original = Journal.look
    monkeypatch.setattr(Journal, "look", look)
    send_deliveries(stage.sending(Play(opening=opening)))
    assert looks["while called off"] > 2


def test_a_server_that_closes_each_connection_at_once_is_not_stormed(make_stage):
    stage = make_stage(4)

    async def act(_number, outbox):
        return Ending.USED_UP if play.opened < 5000 else await play.carry_on(_number, outbox)

    play = Play(act)
    threading.Timer(0.5, stage.stop.set).start()
    stage.work(play, size=1)
    assert play.opened < 5


def test_a_server_that_says_421_right_behind_its_greeting_is_not_stormed(make_stage):
    stage = make_stage(4)
    busy = b"250-mail.example.com\r\n250 PIPELINING\r\n421 4.3.2 too busy\r\n"
    with ScriptedServer({"EHLO": busy}) as server:
        threading.Timer(0.4, stage.stop.set).start()
        send_deliveries(stage.sending(transport_to(server)))
        assert server.connections < 6


@pytest.mark.parametrize("seed", range(6))
def test_whatever_connections_do_everybody_gets_one_or_is_known_to_be_uncertain(make_stage, monkeypatch, seed):
    """Lost before the dot, lost after it, refused, used up, closed while idle, not opened at all."""
    monkeypatch.setattr(pace, "LONGEST_WAIT_SECONDS", 0.01)
    monkeypatch.setattr(crew_module, "STEP_SECONDS", 0.005)
    monkeypatch.setattr(pace, "GROWTH_SECONDS", 0.05)
    stage = make_stage(60)
    chance = Random(seed)
    lost = []

    async def opening(number):
        if number > 5 and chance.random() < 0.2:
            raise TransportError("connection refused")

    async def act(_number, outbox):
        ahead = None
        while parcel := ahead or outbox.take():
            ahead = outbox.take() if chance.random() < 0.5 else None
            await asyncio.sleep(chance.choice([0, 0, 0.002]))
            is_released = chance.random() < 0.8 and await outbox.release(parcel)
            fate = chance.random()
            if is_released and fate < 0.8:
                play.deliver(parcel, outbox)
                continue
            if is_released and fate < 0.85:
                lost.append(parcel.delivery_id)
                outbox.settle(parcel, Outcome(state=DeliveryState.UNCERTAIN, reply="lost"))
            else:
                outbox.give_back(parcel, "lost")
            if ahead:
                outbox.give_back(ahead, "lost")
            return chance.choice([Ending.SLOW_DOWN, Ending.USED_UP])
        return Ending.USED_UP if await outbox.wait(0.01) else Ending.FINISHED

    play = Play(act, opening)
    stage.work(play, size=4, packer=SigningPacker(UnsignedParcel, ahead=8) if seed % 2 else None)
    assert max(Counter(play.delivered + lost).values()) == 1
    states = stage.ledger.states()
    assert {row for row, state in states.items() if state is SENT} == set(play.delivered)
    assert {row for row, state in states.items() if state is DeliveryState.UNCERTAIN} == set(lost)
    assert {states[row] for row in states if row not in play.delivered + lost} <= {DEFERRED}


def test_an_observer_that_fails_ends_the_send_and_leaves_the_ledger_true(make_stage):
    """The program that read our lines has closed its end."""
    stage = make_stage(40)

    def fail(_results):
        raise BrokenPipeError

    play = Play()
    with pytest.raises(BrokenPipeError):
        send_deliveries(stage.sending(play, on_results=fail))
    assert len(play.delivered) < 40
    assert stage.states() == {"sent": len(play.delivered), "claimed": 40 - len(play.delivered)}


# Making messages


def test_a_message_that_cannot_be_made_is_told_even_if_it_was_the_last(make_stage):
    """Told to nobody, it would go round and round: put back, claimed, packed in vain."""
    stage = make_stage(4)

    def refuse(_delivery):
        raise RenderError("cannot be made")

    with pytest.raises(RenderError):
        send_deliveries(stage.sending(Play(), packer=SigningPacker(refuse, ahead=8)))
    assert stage.states() == {"claimed": 4}


class Panic(BaseException):
    """As libraries written in Rust raise it (pyo3's PanicException)."""


@pytest.mark.parametrize("where", ["writing", "signing"])
def test_a_panic_ends_the_send_instead_of_hanging_it(make_stage, where):
    stage = make_stage(4)

    def panic(_delivery):
        raise Panic

    prepare = panic if where == "writing" else lambda delivery: UnsignedParcel(delivery, panic)
    with pytest.raises(Panic):
        stage.work(Play(), packer=SigningPacker(prepare, ahead=4), within=3)


# Moments and limits


def test_a_message_taken_ahead_does_not_leave_after_the_deadline(make_stage):
    """A server may take ten minutes to answer the message before it."""
    stage = make_stage(2)

    async def steps(dispatcher, _journal):
        parcel = dispatcher.take()
        stage.ledger.clock.advance(hours=2)
        return await dispatcher.release(parcel)

    assert stage.play(steps) is False
    assert stage.states() == {"claimed": 2}


def test_after_a_stop_no_message_taken_ahead_leaves_and_none_is_counted(make_stage):
    stage = make_stage(2)

    async def steps(dispatcher, _journal):
        parcel = dispatcher.take()
        stage.stop.set()
        assert not await dispatcher.release(parcel)
        stage.stop.clear()
        return [dispatcher.take() is not None, dispatcher.take() is not None]

    assert stage.play(steps, allowance=1) == [True, False]


def test_a_rate_is_reached_by_a_single_connection(make_stage):
    """A row that falls due between a look and the wait after it must not wait for the next occasion."""
    stage = make_stage(400)
    begun = time.monotonic()
    send_deliveries(stage.sending(Play(), pacer=Pacer(1000), connections=1))
    assert time.monotonic() - begun < 0.8


def test_waiting_for_a_slow_lane_costs_next_to_nothing(make_stage):
    stage = make_stage(22)
    begun, worked = time.monotonic(), time.process_time()
    send_deliveries(stage.sending(Play(), pacer=Pacer(20), connections=20))
    assert time.process_time() - worked < 0.3 * (time.monotonic() - begun)


def test_a_lock_while_rows_are_claimed_only_makes_connections_wait(make_stage):
    stage = make_stage(4)
    stage.ledger.database.execute("PRAGMA busy_timeout=20")
    holder = sqlite3.connect(stage.ledger.database.path, isolation_level=None, check_same_thread=False)

    async def steps(dispatcher, _journal):
        holder.execute("BEGIN IMMEDIATE")
        asyncio.get_running_loop().call_later(0.2, holder.close)
        taken = []
        while len(taken) < 4 and await dispatcher.wait(0.05):
            if parcel := dispatcher.take():
                taken.append(parcel)
        return len(taken)

    assert stage.play(steps) == 4


def test_rows_that_may_go_at_once_are_not_kept_waiting_by_a_deferred_one(make_stage):
    stage = make_stage(2)
    first, _second = (delivery.id for delivery in stage.claim(2))
    later = stage.ledger.clock.now().replace(hour=5)
    stage.ledger.advance(stage.lease, results=[result(first, DEFERRED, later)])
    stage.ledger.database.execute("UPDATE delivery SET state = 'queued' WHERE state = 'claimed'")
    assert next_attempt_at(stage.ledger.database, 1) is None


# Messages apart


def apart(count):
    envelope = Envelope(sender="b@example.com", recipient="reader@example.com")
    return [Parcel(envelope=envelope, content=b"Subject: x\r\n\r\nHello\r\n") for _ in range(count)]


def test_messages_apart_all_go_however_few_one_connection_may_carry():
    with RecordingServer() as server:
        transport = SmtpTransport(host=server.host, port=server.port, security="none", messages_per_connection=1)
        outcomes = send_apart(transport, apart(5))
    assert [outcome.state for outcome in outcomes] == [DeliveryState.SENT] * 5
    assert len(server.messages) == 5


def test_messages_apart_that_were_sent_are_told_where_the_next_connection_cannot_be_opened():
    async def act(number, outbox):
        play.deliver(outbox.take(), outbox)
        return Ending.USED_UP

    async def opening(number):
        if number:
            raise TransportError("connection refused")

    play = Play(act, opening)
    outcomes = send_apart(play, apart(2))
    assert [outcome.state for outcome in outcomes] == [DeliveryState.SENT, DeliveryState.DEFERRED]
    assert outcomes[1].reply == "connection refused"
