"""Group commits: who waits goes together, nothing is told before it is in the ledger, and a failure stops all."""

import asyncio
import sqlite3
import time

import pytest

from digest.deliver.journal import RESULT_SECONDS, Journal
from digest.errors import LeaseLostError, StoreError
from digest.model import DeliveryState
from digest.store.database import Database
from digest.store.issues import cancel_issue, pause_issue
from digest.store.ledger import DeliveryResult
from ledgers import CLAIMED, QUEUED, SENT, WIRE, Ledger, result

READERS = 7


@pytest.fixture
def ledger():
    opened = Ledger(READERS)
    yield opened
    opened.close()


@pytest.fixture
def commits(monkeypatch):
    """Counts transactions."""
    counted = []
    original = Database.transaction

    def count(self):
        counted.append(1)
        return original(self)

    monkeypatch.setattr(Database, "transaction", count)
    return counted


def begin(ledger):
    lease = ledger.claim()
    ledger.freeze(lease)
    return lease, [delivery.id for delivery in ledger.take(lease)]


def write(ledger, steps, *, connections=4):
    """Run `steps(journal, ids)` beside a journal in a loop of its own; returns what it returned."""

    async def main():
        lease, ids = begin(ledger)
        journal = Journal(ledger.database, lease, ledger.clock, connections=connections)
        try:
            return await steps(journal, ids)
        finally:
            journal.flush_to_the_end()

    return asyncio.run(main())


def sent(delivery_id):
    return DeliveryResult(delivery_id=delivery_id, state=DeliveryState.SENT, code=250, reply="ok")


def test_connections_that_wait_share_one_commit(ledger, commits):
    async def steps(journal, ids):
        before = len(commits)
        assert all(await asyncio.gather(*map(journal.put_on_wire, ids)))
        return len(commits) - before

    assert write(ledger, steps) == 1
    assert set(ledger.states().values()) == {WIRE}


def test_a_lone_connection_does_not_wait_for_company(ledger):
    """The others may be waiting for their servers for minutes."""

    async def steps(journal, ids):
        begun = time.monotonic()
        assert await journal.put_on_wire(ids[0])
        return time.monotonic() - begun

    assert write(ledger, steps, connections=100) < 0.5


def test_a_row_is_on_the_wire_in_the_ledger_before_its_connection_is_told(ledger):
    async def steps(journal, ids):
        waiting = journal.put_on_wire(ids[0])
        assert not waiting.done()
        assert ledger.states()[ids[0]] is CLAIMED
        await waiting
        assert ledger.states()[ids[0]] is WIRE

    write(ledger, steps)


def test_results_ride_with_the_next_commit_or_come_within_50_milliseconds(ledger):
    async def steps(journal, ids):
        await asyncio.gather(*map(journal.put_on_wire, ids[:3]))
        journal.record(sent(ids[0]))
        await journal.put_on_wire(ids[3])
        assert ledger.states()[ids[0]] is SENT
        begun = time.monotonic()
        journal.record(sent(ids[1]))
        while ledger.states()[ids[1]] is not SENT:  # noqa: ASYNC110 - the ledger tells nobody
            await asyncio.sleep(0.001)
        return time.monotonic() - begun

    assert RESULT_SECONDS / 2 < write(ledger, steps) < 1
    assert RESULT_SECONDS <= 0.05


def test_listeners_hear_of_a_result_only_once_it_is_committed(ledger):
    heard = []

    def listen(results):
        heard.extend((each.delivery_id, ledger.states()[each.delivery_id]) for each in results)

    async def steps(journal, ids):
        journal.listeners = (listen,)
        await journal.put_on_wire(ids[0])
        journal.record(sent(ids[0]))
        assert heard == []
        journal.flush()
        return ids[0]

    first = write(ledger, steps)
    assert heard == [(first, SENT)]


@pytest.mark.parametrize("stop", ["pause", "cancel"])
def test_a_stop_from_outside_is_noticed_by_who_waits_and_by_a_look(ledger, stop):
    async def steps(journal, ids):
        await journal.put_on_wire(ids[0])
        if stop == "pause":
            pause_issue(ledger.database, 1)
        else:
            cancel_issue(ledger.database, 1, **ledger.at)
        journal.look()
        assert isinstance(journal.failure, LeaseLostError)
        journal.record(sent(ids[0]))
        with pytest.raises(LeaseLostError, match=f"{stop}"):
            await journal.put_on_wire(ids[1])
        return ids

    ids = write(ledger, steps)
    assert ledger.states()[ids[0]] is SENT, "what happened is recorded all the same"
    assert ledger.states()[ids[1]] is not WIRE


def test_nothing_is_written_once_another_process_has_taken_the_issue_over(ledger):
    async def steps(journal, ids):
        await journal.put_on_wire(ids[0])
        ledger.clock.advance(seconds=61)
        assert ledger.claim("rival") is not None
        journal.record(sent(ids[0]))
        with pytest.raises(LeaseLostError):
            await journal.put_on_wire(ids[1])
        return ids

    ids = write(ledger, steps)
    assert ledger.states()[ids[0]] is DeliveryState.UNCERTAIN
    assert ledger.states()[ids[1]] is QUEUED


def test_a_database_that_is_locked_for_a_while_only_makes_connections_wait(ledger):
    """And the loop goes on meanwhile: servers are heard."""
    ledger.database.execute("PRAGMA busy_timeout=20")

    async def steps(journal, ids):
        holder = sqlite3.connect(ledger.database.path, isolation_level=None)
        holder.execute("BEGIN IMMEDIATE")
        asyncio.get_running_loop().call_later(0.15, holder.close)
        journal.look()
        assert journal.failure is None
        return await journal.put_on_wire(ids[0])

    assert write(ledger, steps)


def test_a_lock_that_never_ends_stops_the_sending_with_its_reason(ledger, monkeypatch):
    monkeypatch.setattr("digest.deliver.journal.LOCK_PATIENCE", 3)
    ledger.database.execute("PRAGMA busy_timeout=5")

    async def steps(journal, ids):
        holder = sqlite3.connect(ledger.database.path, isolation_level=None)
        holder.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreError, match="locked"):
            await journal.put_on_wire(ids[0])
        with pytest.raises(StoreError, match="locked"):
            await journal.put_on_wire(ids[1])
        holder.close()
        return ids

    ids = write(ledger, steps)
    assert {ledger.states()[number] for number in ids} == {CLAIMED}


def test_a_result_counts_once_however_often_it_is_written(ledger):
    async def steps(journal, ids):
        await journal.put_on_wire(ids[0])
        journal.record(sent(ids[0]))
        journal.flush()
        journal.record(sent(ids[0]))
        return ids[0]

    first = write(ledger, steps)
    assert ledger.database.value("SELECT attempts FROM delivery WHERE id = ?", (first,)) == 1


def test_a_message_that_was_refused_before_its_body_needs_no_wire(ledger):
    """RCPT was answered with 4xx or 5xx; a 250 without the wire cannot be, and changes nothing."""

    async def steps(journal, ids):
        journal.record(result(ids[0], DeliveryState.FAILED))
        journal.record(sent(ids[1]))
        return ids

    ids = write(ledger, steps)
    assert ledger.states()[ids[0]] is DeliveryState.FAILED
    assert ledger.states()[ids[1]] is CLAIMED
