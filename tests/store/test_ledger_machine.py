"""Whatever happens to a ledger in whatever order, nobody gets two and nobody is lost."""

from datetime import timedelta

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from digest.errors import IssueError, LeaseLostError
from digest.model import DeliveryState, IssueState, SubscriberState
from digest.store.issues import cancel_issue, expire_issue, finish_issue, get_issue_by_id, pause_issue, resume_issue
from digest.store.leases import release_lease, settle_stopped_issues
from digest.store.ledger import count_deliveries, next_attempt_at
from digest.store.subscribers import take_out
from digest.store.uncertain import reopen_issue, resolve_uncertain
from ledgers import (
    CANCELLED,
    CATCH_UP,
    CLAIMED,
    DEFERRED,
    FAILED,
    QUEUED,
    READERS,
    SENT,
    UNCERTAIN,
    WIRE,
    Ledger,
    result,
)
from workspaces import NOW, reader_address


class LedgerMachine(RuleBasedStateMachine):
    """Senders claim, hand over, die and are overtaken; an operator pauses, cancels and resolves; readers leave.

    `expected` is what every row should be. `handed` counts how often a message may have been delivered without an
    answer that says it was not; `resent` how often the operator asked for another one.
    """

    @initialize()
    def begin(self):
        self.ledger = Ledger()
        self.holder = self.ledger.claim("holder 0")
        self.ledger.freeze(self.holder)
        self.former = []
        self.owners = 1
        self.expected = self.ledger.states()
        self.handed = dict.fromkeys(self.expected, 0)
        self.resent = dict.fromkeys(self.expected, 0)
        self.next_at = {}
        self.gone = set()
        assert set(self.expected.values()) == {QUEUED}

    @property
    def issue(self):
        return get_issue_by_id(self.ledger.database, 1)

    def in_state(self, *states):
        return [delivery for delivery, state in self.expected.items() if state in states]

    def change(self, before, after):
        for delivery in self.in_state(*before):
            self.expected[delivery] = after

    def settle(self):
        """What a takeover or a release finds."""
        self.change([WIRE], UNCERTAIN)
        self.change([CLAIMED], QUEUED)
        if self.issue.state is IssueState.CANCELLED:
            self.change([QUEUED, DEFERRED], CANCELLED)

    @precondition(lambda self: self.holder)
    @rule(data=st.data(), limit=st.integers(1, 5))
    def send(self, data, limit):
        """Claim some rows, put some of those claimed on the wire, record some of those on it."""
        self._claim_rows(limit)
        self._put_on_wire(self._draw(data, CLAIMED))
        outcomes = st.sampled_from([SENT, SENT, DEFERRED, FAILED, UNCERTAIN])
        self._record({delivery: data.draw(outcomes) for delivery in self._draw(data, WIRE)})
        self._finish_if_nothing_waits()

    def _draw(self, data, state):
        there = self.in_state(state)
        return data.draw(st.lists(st.sampled_from(there), unique=True, min_size=len(there) // 2)) if there else []

    def _claim_rows(self, limit):
        now = self.ledger.clock.now()
        due = [d for d, s in self.expected.items() if s is QUEUED or (s is DEFERRED and self.next_at[d] <= now)]
        if self.issue.state is not IssueState.SENDING:
            with pytest.raises(LeaseLostError):
                self.ledger.take(self.holder, limit)
            return
        taken = [delivery.id for delivery in self.ledger.take(self.holder, limit)]
        staying = [delivery for delivery in due if delivery not in self.gone]
        assert set(taken) <= set(staying)
        assert min(1, len(staying)) <= len(taken) <= limit
        for delivery, state in self.ledger.states().items():
            if delivery in due and delivery in self.gone and state is CANCELLED:
                self.expected[delivery] = CANCELLED
        self.expected |= dict.fromkeys(taken, CLAIMED)

    def _put_on_wire(self, chosen):
        if chosen and self.issue.state is not IssueState.SENDING:
            with pytest.raises(LeaseLostError):
                self.ledger.advance(self.holder, to_wire=chosen)
            return
        self.ledger.advance(self.holder, to_wire=chosen)
        for delivery in chosen:
            self.expected[delivery] = CANCELLED if delivery in self.gone else WIRE
            self.handed[delivery] += delivery not in self.gone

    def _record(self, outcomes):
        """Also of a paused or cancelled issue: it happened."""
        now = self.ledger.clock.now()
        for delivery, state in outcomes.items():
            self.next_at[delivery] = now + timedelta(minutes=20)
            self.handed[delivery] -= state in (DEFERRED, FAILED)
        results = [result(d, s, self.next_at[d] if s is DEFERRED else None) for d, s in outcomes.items()]
        self.ledger.advance(self.holder, results=results)
        self.expected |= outcomes

    def _finish_if_nothing_waits(self):
        """As a tick does."""
        is_sending = self.issue.state is IssueState.SENDING
        if is_sending and not self.in_state(QUEUED, CLAIMED, WIRE, DEFERRED):
            finish_issue(self.ledger.database, self.holder, state=IssueState.SENT, reason="", **self.ledger.at)
            self._let_go()

    @precondition(lambda self: self.holder)
    @rule(dies=st.booleans())
    def stop_sending(self, dies):
        if dies:
            self.former.append(self.holder)
            self.holder = None
        else:
            self._let_go()

    def _let_go(self):
        release_lease(self.ledger.database, self.holder, resume_at=None, now=self.ledger.clock.now())
        self.settle()
        self.former.append(self.holder)
        self.holder = None

    @precondition(lambda self: not self.holder)
    @rule()
    def take_over(self):
        self.ledger.clock.advance(seconds=61)
        settle_stopped_issues(self.ledger.database, "weekly", **self.ledger.at)
        lease = self.ledger.claim(f"holder {self.owners}")
        self.owners += 1
        assert (lease is not None) == (self.issue.state is IssueState.SENDING)
        if self.issue.state in (IssueState.SENDING, IssueState.PAUSED, IssueState.CANCELLED):
            self.settle()
        self.holder = lease

    @precondition(lambda self: self.holder)
    @rule(data=st.data())
    def others_try_to_write(self, data):
        """Neither a newcomer nor whoever held the issue before can do anything to it."""
        assert self.ledger.claim("thief") is None
        if not self.former:
            return
        former = data.draw(st.sampled_from(self.former))
        for write in (
            lambda: self.ledger.take(former),
            lambda: self.ledger.advance(former, to_wire=self.in_state(CLAIMED)),
            lambda: self.ledger.advance(former, results=[result(d, SENT) for d in self.in_state(WIRE)]),
            lambda: finish_issue(self.ledger.database, former, state=IssueState.SENT, reason="", **self.ledger.at),
        ):
            with pytest.raises(LeaseLostError):
                write()
        release_lease(self.ledger.database, former, resume_at=None, now=self.ledger.clock.now())

    @precondition(lambda self: self.issue.state in (IssueState.SENDING, IssueState.PAUSED))
    @rule(cancels=st.integers(0, 5).map(lambda number: number == 5))
    def operate(self, cancels):
        """Pause, or resume what is paused, or now and then cancel."""
        if cancels:
            cancel_issue(self.ledger.database, 1, **self.ledger.at)
            self.change([QUEUED, CLAIMED, DEFERRED], CANCELLED)
        elif self.issue.state is IssueState.SENDING:
            pause_issue(self.ledger.database, 1)
        else:
            resume_issue(self.ledger.database, 1, deadline=self.ledger.clock.now() + CATCH_UP)

    @precondition(lambda self: not self.holder and self.issue.state is IssueState.SENDING and self.owners > 3)
    @rule()
    def expire(self):
        self.ledger.clock.advance(days=3)
        assert expire_issue(self.ledger.database, 1, **self.ledger.at)
        self.settle()
        self.change([QUEUED, DEFERRED], FAILED)

    @precondition(lambda self: self.in_state(UNCERTAIN))
    @rule(as_sent=st.booleans(), data=st.data())
    def resolve(self, as_sent, data):
        chosen = self._draw(data, UNCERTAIN)
        addresses = [reader_address(delivery - 1) for delivery in chosen]
        chosen = chosen or self.in_state(UNCERTAIN)
        if not as_sent and self.issue.state is IssueState.CANCELLED:
            with pytest.raises(IssueError):
                resolve_uncertain(self.ledger.database, 1, as_sent=False, addresses=addresses, now=NOW)
            return
        with self.ledger.database.transaction():
            decided = resolve_uncertain(self.ledger.database, 1, as_sent=as_sent, addresses=addresses, now=NOW)
            if not as_sent:
                reopen_issue(self.ledger.database, 1, deadline=self.ledger.clock.now() + CATCH_UP)
        assert decided == len(chosen)
        for delivery in chosen:
            self.expected[delivery] = SENT if as_sent else QUEUED
            self.resent[delivery] += not as_sent

    @precondition(lambda self: self.holder and len(self.gone) < 2)
    @rule(delivery=st.integers(1, READERS))
    def leave(self, delivery):
        take_out(self.ledger.database, reader_address(delivery - 1), state=SubscriberState.UNSUBSCRIBED, now=NOW)
        self.gone.add(delivery)

    @precondition(lambda self: self.in_state(DEFERRED))
    @rule(minutes=st.sampled_from([0.5, 25]))
    def time_passes(self, minutes):
        self.ledger.clock.set_wall_clock(self.ledger.clock.now() + timedelta(minutes=minutes))

    @invariant()
    def rows_are_as_expected(self):
        assert self.ledger.states() == self.expected

    @invariant()
    def nobody_gets_two_unless_asked_for(self):
        assert all(self.handed[delivery] <= 1 + self.resent[delivery] for delivery in self.expected)

    @invariant()
    def nobody_is_lost(self):
        """Who was not handed a message and did not leave still waits, unless the issue was ended or refused it."""
        for delivery, state in self.expected.items():
            if not self.handed[delivery] and delivery not in self.gone and self.issue.state is IssueState.SENDING:
                assert state in (QUEUED, CLAIMED, DEFERRED, FAILED)

    @invariant()
    def figures_add_up(self):
        counts = count_deliveries(self.ledger.database, 1)
        assert sum(counts.values()) == READERS
        assert list(counts) == list(DeliveryState)
        deferred = [self.next_at[delivery] for delivery in self.in_state(DEFERRED)]
        goes_at_once = self.in_state(QUEUED) or self.in_state(CLAIMED)
        first = None if goes_at_once else min(deferred, default=None)
        assert next_attempt_at(self.ledger.database, 1) == (first and int(first.timestamp()))

    def teardown(self):
        self.ledger.close()


LedgerMachine.TestCase.settings = settings(max_examples=40, stateful_step_count=30, deadline=None)
TestNobodyGetsTwoAndNobodyIsLost = LedgerMachine.TestCase
