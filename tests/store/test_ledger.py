"""The ledger: rows are claimed once, put on the wire before they leave, and end as what became of them."""

from datetime import timedelta

import pytest

from digest.errors import IssueError
from digest.model import DeliveryState, SubscriberState
from digest.store.groups import count_recipients, list_variant_keys, make_variant_key
from digest.store.leases import release_lease
from digest.store.ledger import advance_deliveries, count_deliveries, list_deliveries
from digest.store.subscribers import Profile, change_subscriber, get_subscriber, take_out
from digest.store.uncertain import resolve_uncertain
from ledgers import CANCELLED, CLAIMED, DEFERRED, QUEUED, READERS, SENT, Ledger, result
from workspaces import NOW, add_readers, reader_address


@pytest.fixture
def ledger():
    made = Ledger()
    yield made
    made.close()


def test_rows_are_claimed_once_and_in_parts(ledger):
    lease = ledger.claim()
    assert ledger.freeze(lease) == READERS
    parts = [ledger.take(lease, 3) for _ in range(4)]
    assert [len(part) for part in parts] == [3, 3, 1, 0]
    assert len({delivery.address for part in parts for delivery in part}) == READERS
    assert {delivery.attempts for part in parts for delivery in part} == {0}


def test_a_deferred_row_comes_back_when_it_is_due_and_counts_its_attempts(ledger):
    lease = ledger.claim()
    ledger.freeze(lease)
    first = ledger.take(lease, 1)[0]
    ledger.advance(lease, to_wire=[first.id])
    ledger.advance(lease, results=[result(first.id, DEFERRED, NOW + timedelta(minutes=20))])
    assert first.id not in [delivery.id for delivery in ledger.take(lease)]
    ledger.clock.set_wall_clock(NOW + timedelta(minutes=20))
    again = ledger.take(lease)
    assert [(delivery.id, delivery.attempts) for delivery in again] == [(first.id, 1)]


def test_a_group_with_a_row_that_is_not_claimed_goes_out_not_at_all(ledger):
    lease = ledger.claim()
    ledger.freeze(lease)
    taken = [delivery.id for delivery in ledger.take(lease, 2)]
    with pytest.raises(IssueError, match="1 of 3 deliveries are no longer claimed; none is sent"):
        ledger.advance(lease, to_wire=[*taken, 7])
    assert set(ledger.states().values()) == {CLAIMED, QUEUED}


def test_a_result_of_a_row_that_is_not_on_the_wire_changes_nothing(ledger):
    """A result that is written twice, after a lock held for long, counts once."""
    lease = ledger.claim()
    ledger.freeze(lease)
    first = ledger.take(lease, 1)[0].id
    ledger.advance(lease, results=[result(first, SENT)])
    assert ledger.states()[first] is CLAIMED
    ledger.advance(lease, to_wire=[first])
    for _ in range(2):
        ledger.advance(lease, results=[result(first, SENT)])
    assert ledger.database.value("SELECT attempts FROM delivery WHERE id = ?", (first,)) == 1


@pytest.mark.parametrize("leaving", ["unsubscribed", "no longer subscribed"])
def test_whoever_leaves_while_queued_gets_none(ledger, leaving):
    lease = ledger.claim()
    ledger.freeze(lease)
    if leaving == "unsubscribed":
        take_out(ledger.database, reader_address(2), state=SubscriberState.UNSUBSCRIBED, now=NOW)
    else:
        change_subscriber(ledger.database, Profile(address=reader_address(2), newsletters=()), now=NOW)
    assert reader_address(2) not in [delivery.address for delivery in ledger.take(lease)]
    rows = list_deliveries(ledger.database, 1, states=[CANCELLED])
    assert [(row.address, row.reply) for row in rows] == [(reader_address(2), "the subscriber left before it was sent")]


def test_whoever_leaves_after_being_claimed_gets_none_either(ledger):
    lease = ledger.claim()
    ledger.freeze(lease)
    first, second = ledger.take(lease, 2)
    take_out(ledger.database, first.address, state=SubscriberState.UNSUBSCRIBED, now=NOW)
    on_wire = advance_deliveries(
        ledger.database, lease, results=[], to_wire=[first.id, second.id], boot=ledger.clock.boot(), now=NOW
    )
    assert on_wire == {second.id}
    states = {row.id: row.state for row in list_deliveries(ledger.database, 1, states=list(DeliveryState))}
    assert (states[first.id], states[second.id]) == (CANCELLED, DeliveryState.WIRE)


def test_a_whole_queue_of_people_who_left_ends(ledger):
    lease = ledger.claim()
    ledger.freeze(lease)
    for number in range(READERS):
        take_out(ledger.database, reader_address(number), state=SubscriberState.BOUNCED, now=NOW)
    assert ledger.take(lease, 2) == ()
    assert set(ledger.states().values()) == {CANCELLED}


def test_only_active_readers_of_the_newsletter_are_queued_each_in_their_group():
    ledger = Ledger(0)
    add_readers(ledger.database, [0, 1])
    add_readers(ledger.database, [2], locale="en")
    add_readers(ledger.database, [3], locale="en", sections=("경제", 'a"b'))
    add_readers(ledger.database, [4], newsletters=("daily",))
    add_readers(ledger.database, [5], state=SubscriberState.PENDING)
    add_readers(ledger.database, [6], sections=("nothing",))
    keys = {key.key for key in list_variant_keys(ledger.database, "weekly")}
    groups = {
        make_variant_key(locale, sections).key
        for locale, sections in [("", ()), ("en", ()), ("en", ("경제", 'a"b')), ("", ("nothing",))]
    }
    assert keys == groups
    rendered = keys - {make_variant_key("", ("nothing",)).key}
    assert count_recipients(ledger.database, "weekly", rendered) == 4
    lease = ledger.claim()
    assert ledger.freeze(lease, *rendered) == 4
    taken = {delivery.address: delivery.variant for delivery in ledger.take(lease)}
    assert taken == {
        reader_address(0): make_variant_key("", ()).key,
        reader_address(1): make_variant_key("", ()).key,
        reader_address(2): make_variant_key("en", ()).key,
        reader_address(3): make_variant_key("en", ("경제", 'a"b')).key,
    }
    ledger.close()


def test_the_default_group_is_there_without_any_reader():
    ledger = Ledger(0)
    assert list_variant_keys(ledger.database, "weekly") == (make_variant_key("", ()),)
    ledger.close()


def test_uncertain_rows_of_all_or_of_some_are_decided(ledger):
    lease = ledger.claim()
    ledger.freeze(lease)
    ledger.advance(lease, to_wire=[delivery.id for delivery in ledger.take(lease, 4)])
    release_lease(ledger.database, lease, resume_at=None, now=NOW)
    some = [reader_address(0).upper(), reader_address(6), "nobody@example.com"]
    assert resolve_uncertain(ledger.database, 1, as_sent=True, addresses=some, now=NOW) == 1
    assert resolve_uncertain(ledger.database, 1, as_sent=True, addresses=(), now=NOW) == 3
    assert resolve_uncertain(ledger.database, 1, as_sent=True, addresses=(), now=NOW) == 0
    assert count_deliveries(ledger.database, 1)[SENT] == 4


def test_the_list_of_rows_is_cut_by_state_and_number(ledger):
    lease = ledger.claim()
    ledger.freeze(lease)
    ledger.take(lease, 2)
    rows = list_deliveries(ledger.database, 1, states=[QUEUED], limit=3)
    assert [row.address for row in rows] == [reader_address(number) for number in (2, 3, 4)]
    assert {row.state for row in rows} == {QUEUED}
    assert len(list_deliveries(ledger.database, 1, states=[QUEUED, CLAIMED])) == READERS
    assert get_subscriber(ledger.database, rows[0].address).id == rows[0].subscriber_id
