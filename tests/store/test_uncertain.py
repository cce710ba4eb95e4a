"""Rows of which nobody knows whether they were delivered: what is decided about them, and by whom."""

import pytest

from digest.errors import IssueError
from digest.model import DeliveryState
from digest.store.uncertain import (
    Decision,
    list_uncertain,
    list_witnesses,
    reopen_issue,
    resolve_uncertain,
    settle_uncertain,
)
from ledgers import CATCH_UP, Ledger
from workspaces import NOW, reader_address

SENT, FAILED, QUEUED = DeliveryState.SENT, DeliveryState.FAILED, DeliveryState.QUEUED


@pytest.fixture
def ledger():
    made = Ledger(readers=30)
    lease = made.claim()
    made.freeze(lease)
    yield made
    made.close()


def put(ledger, states):
    """Give rows their states as a sender would have left them, a second apart in the order of their ids."""
    with ledger.database.transaction():
        for number, state in states.items():
            ledger.database.execute(
                "UPDATE delivery SET state = ?, updated_at = ?, reply = '' WHERE id = ?",
                (state, int(NOW.timestamp()) + number, number),
            )


def decide(*decisions):
    return [Decision(delivery_id=number, state=state, code=250, words=f"said {number}") for number, state in decisions]


def settle(ledger, *decisions):
    with ledger.database.transaction():
        return settle_uncertain(ledger.database, 1, decide(*decisions), now=NOW)


def test_uncertain_rows_are_listed_of_all_or_of_some(ledger):
    put(ledger, {1: "sent", 2: "uncertain", 5: "uncertain"})
    rows = list_uncertain(ledger.database, 1)
    assert [row.id for row in rows] == [2, 5]
    assert (rows[0].updated_at - NOW).total_seconds() == 2
    assert [row.id for row in list_uncertain(ledger.database, 1, addresses=[rows[1].address.upper()])] == [5]
    assert list_uncertain(ledger.database, 2) == ()


def test_witnesses_are_what_was_sent_just_before_and_after(ledger):
    put(ledger, {number: "uncertain" if number in (10, 11) else "sent" for number in range(1, 26)})
    near = list_witnesses(ledger.database, 1)
    moments = sorted((witness.sent_at - NOW).total_seconds() for witness in near)
    assert moments == [5, 6, 7, 8, 9, 12, 13, 14, 15, 16]
    assert {witness.address for witness in near} <= {reader_address(number) for number in range(30)}


def test_only_what_was_surely_sent_is_a_witness(ledger):
    put(ledger, {1: "failed", 2: "uncertain", 3: "uncertain", 4: "deferred", 5: "sent"})
    with ledger.database.transaction():
        resolve_uncertain(ledger.database, 1, as_sent=True, addresses=(), now=NOW)
    assert list_witnesses(ledger.database, 1) == ()
    put(ledger, {2: "uncertain"})
    assert len(list_witnesses(ledger.database, 1)) == 1


def test_the_log_settles_rows_that_are_still_uncertain(ledger):
    put(ledger, {1: "uncertain", 2: "uncertain", 3: "sent"})
    assert settle(ledger, (1, SENT), (2, FAILED), (3, FAILED)) == 2
    states = ledger.states()
    assert [states[number] for number in (1, 2, 3)] == [SENT, FAILED, SENT]
    row = ledger.database.row("SELECT code, reply FROM delivery WHERE id = 2")
    assert tuple(row) == (250, "resolved by the server's log: said 2")


def test_rows_of_another_issue_are_left_alone(ledger):
    put(ledger, {1: "uncertain"})
    with ledger.database.transaction():
        assert settle_uncertain(ledger.database, 2, decide((1, SENT)), now=NOW) == 0


def test_nothing_of_a_cancelled_issue_is_queued_again(ledger):
    put(ledger, {1: "uncertain", 2: "uncertain"})
    ledger.database.execute("UPDATE issue SET state = 'cancelled'")
    for again in (
        lambda: settle(ledger, (1, SENT), (2, QUEUED)),
        lambda: resolve_uncertain(ledger.database, 1, as_sent=False, addresses=(), now=NOW),
    ):
        with pytest.raises(IssueError, match="settle its rows with --as-sent"):
            again()
    assert settle(ledger, (1, SENT)) == 1


def test_an_issue_with_rows_to_send_again_is_sent_again(ledger):
    put(ledger, dict.fromkeys(range(1, 31), "sent") | {1: "uncertain"})
    ledger.database.execute("UPDATE issue SET state = 'sent', lease_until = 0")
    with ledger.database.transaction():
        assert resolve_uncertain(ledger.database, 1, as_sent=False, addresses=[], now=NOW) == 1
        reopen_issue(ledger.database, 1, deadline=NOW + CATCH_UP)
    ledger.clock.advance(hours=1)
    lease = ledger.claim("two")
    assert [delivery.id for delivery in ledger.take(lease)] == [1]
