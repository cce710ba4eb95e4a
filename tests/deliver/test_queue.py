"""Rows at hand: claimed a batch at a time, in the order in which they may go, slow domains apart."""

import time
from math import inf

import pytest

from digest.deliver import queue as queue_module
from digest.deliver.journal import LOCK_PATIENCE
from digest.deliver.pace import Pacer
from digest.deliver.queue import CLAIM_SIZE, Queue
from digest.errors import DatabaseLockedError
from digest.model import Delivery


def make_delivery(number, domain="example.com"):
    return Delivery(
        id=number,
        issue_id=1,
        subscriber_id=number,
        address=f"reader{number}@{domain}",
        name="",
        variant="",
        attempts=0,
    )


class Rows:
    """What a ledger would give, in order; notes how often it was asked."""

    def __init__(self, *domains):
        self.left = [make_delivery(number, domain) for number, domain in enumerate(domains)]
        self.asked = 0

    def claim(self, limit):
        self.asked += 1
        claimed, self.left = self.left[:limit], self.left[limit:]
        return claimed


def pop_all(queue):
    popped = []
    while delivery := queue.pop():
        popped.append(delivery.id)
    return popped


def test_rows_come_in_the_order_in_which_they_were_claimed_each_once():
    rows = Rows(*["example.com"] * (CLAIM_SIZE + 3))
    queue = Queue(rows.claim, Pacer())
    assert queue.fetch() == CLAIM_SIZE
    assert pop_all(queue) == list(range(CLAIM_SIZE + 3))
    assert queue.is_empty


def test_a_queue_is_empty_only_once_the_ledger_has_said_so():
    rows = Rows("example.com")
    queue = Queue(rows.claim, Pacer())
    queue.pop()
    assert len(queue) == 0
    assert not queue.is_empty
    assert queue.pop() is None
    assert queue.is_empty


def test_an_empty_queue_asks_the_ledger_no_more_until_it_is_reopened():
    rows = Rows()
    queue = Queue(rows.claim, Pacer())
    assert pop_all(queue) == pop_all(queue) == []
    assert rows.asked == 1
    rows.left = [make_delivery(7)]
    queue.reopen()
    assert pop_all(queue) == [7]


def test_a_row_put_back_is_the_next():
    queue = Queue(Rows(*["example.com"] * 3).claim, Pacer())
    first = queue.pop()
    queue.put_back(first)
    assert len(queue) == 3
    assert pop_all(queue) == [0, 1, 2]


def test_a_domain_that_has_to_wait_lets_the_others_overtake():
    queue = Queue(Rows(*["naver.com"] * 300, "example.com").claim, Pacer(0, {"naver.com": 0.01}))
    assert pop_all(queue) == [0, 300]
    assert len(queue) == 299
    assert not queue.is_empty


def test_lanes_take_turns():
    queue = Queue(Rows(*["naver.com"] * 3, *["example.com"] * 3).claim, Pacer(0, {"naver.com": 1_000_000}))
    assert pop_all(queue) == [0, 3, 1, 4, 2, 5]


def test_no_more_rows_are_held_for_slow_domains_than_fit(monkeypatch):
    monkeypatch.setattr(queue_module, "HELD_AT_MOST", 2 * CLAIM_SIZE)
    rows = Rows(*["naver.com"] * 10 * CLAIM_SIZE)
    queue = Queue(rows.claim, Pacer(0, {"naver.com": 0.01}))
    assert pop_all(queue) == [0]
    assert len(queue) <= 3 * CLAIM_SIZE


def test_there_is_nothing_to_wait_for_where_no_row_waits_for_its_turn():
    assert Queue(Rows("example.com").claim, Pacer()).seconds_to_wait() == inf
    assert Queue(Rows().claim, Pacer(1)).seconds_to_wait() == inf


def test_the_wait_is_that_of_the_row_that_may_go_first():
    rows = Rows(*["naver.com"] * 3, *["daum.net"] * 3)
    queue = Queue(rows.claim, Pacer(0, {"naver.com": 0.1, "daum.net": 1}))
    pop_all(queue)
    assert 0 < queue.seconds_to_wait() <= 1


def test_a_row_that_may_go_by_now_is_looked_for_in_a_moment():
    queue = Queue(Rows("naver.com").claim, Pacer(0, {"naver.com": 10}))
    queue.fetch()
    assert 0 < queue.seconds_to_wait() < 0.01


def test_a_locked_database_is_asked_again_after_a_rest_and_given_up_in_the_end(monkeypatch):
    """Asking stops the event loop for as long as the lock is waited for."""
    monkeypatch.setattr(queue_module, "LOCK_REST_SECONDS", 0.005)
    asked = []

    def claim(_limit):
        asked.append(1)
        raise DatabaseLockedError("locked")

    queue = Queue(claim, Pacer())
    looks = 0
    while len(asked) < LOCK_PATIENCE - 1:
        looks += 1
        assert queue.pop() is None
        assert not queue.is_empty
    assert looks > 2 * len(asked)
    time.sleep(queue_module.LOCK_REST_SECONDS)
    with pytest.raises(DatabaseLockedError):
        queue.pop()


def test_the_first_claim_of_a_send_does_not_wait_for_a_lock():
    def claim(_limit):
        raise DatabaseLockedError("locked")

    with pytest.raises(DatabaseLockedError):
        Queue(claim, Pacer()).fetch()
