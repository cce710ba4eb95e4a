"""The rows that a sender has at hand: claimed a batch at a time, in the order in which they may go."""

import time
from collections import deque
from collections.abc import Callable, Sequence
from math import inf

from digest.deliver.journal import LOCK_PATIENCE
from digest.deliver.pace import Pacer
from digest.errors import DatabaseLockedError
from digest.model import Delivery

CLAIM_SIZE = 250
"""Rows claimed at once. Claimed rows are safe to put back, so this bounds only how often the database is asked."""
HELD_AT_MOST = 20_000
"""Rows kept at hand for domains that have to wait, so that others can overtake them: some 10 MB."""
SHORTEST_WAIT_SECONDS = 0.001
LOCK_REST_SECONDS = 0.5
"""How long not to ask a locked database again: asking stops the event loop, and servers must be heard meanwhile."""


class Queue:
    """Rows by lane: those of a domain that is mailed slowly do not hold up the others."""

    def __init__(self, claim: Callable[[int], Sequence[Delivery]], pacer: Pacer) -> None:
        self._claim = claim
        self._pacer = pacer
        self._lanes: dict[str, deque[Delivery]] = {}
        self._held = 0
        self._is_drained = False
        self._locked = 0
        self._claims_from = -inf

    def __len__(self) -> int:
        """How many rows are at hand."""
        return self._held

    @property
    def is_empty(self) -> bool:
        """Whether no row is left, neither at hand nor in the ledger."""
        return not self._held and self._is_drained

    def fetch(self) -> int:
        """Claim a batch where none is at hand; how many rows are."""
        if not self._held:
            self._add(self._claim(CLAIM_SIZE))
        return self._held

    def pop(self) -> Delivery | None:
        """The next row that may go at this moment, or None.

        Raises:
            DatabaseLockedError: another program has locked the database all through `LOCK_PATIENCE` tries.
        """
        delivery = self._pop_admitted()
        while delivery is None and self._may_claim():
            self._claim_more()
            delivery = self._pop_admitted()
        return delivery

    def put_back(self, delivery: Delivery) -> None:
        """Keep a claimed row that could not go; it is the next of its lane."""
        self._lane(delivery).appendleft(delivery)
        self._held += 1

    def reopen(self) -> None:
        """Ask the ledger again: a row of it is due after all."""
        self._is_drained = False

    def seconds_to_wait(self) -> float:
        """How long until a row at hand may go, a moment at least; infinity where none waits for its turn."""
        if self._pacer.is_unlimited or not self._held:
            return inf
        now = time.monotonic()
        seconds = min(self._pacer.delay(lane, now) for lane, rows in self._lanes.items() if rows)
        return max(seconds, SHORTEST_WAIT_SECONDS)

    def _pop_admitted(self) -> Delivery | None:
        if not self._held:
            return None
        now = 0.0 if self._pacer.is_unlimited else time.monotonic()
        for lane, rows in self._lanes.items():
            if rows and not self._pacer.admit(lane, now):
                self._held -= 1
                delivery = rows.popleft()
                if len(self._lanes) > 1:
                    self._lanes[lane] = self._lanes.pop(lane)  # the others come first next time
                return delivery
        return None

    def _may_claim(self) -> bool:
        return not self._is_drained and self._held < HELD_AT_MOST and time.monotonic() >= self._claims_from

    def _claim_more(self) -> None:
        try:
            claimed = self._claim(CLAIM_SIZE)
        except DatabaseLockedError:
            self._locked += 1
            self._claims_from = time.monotonic() + LOCK_REST_SECONDS
            if self._locked >= LOCK_PATIENCE:
                raise
        else:
            self._locked = 0
            self._add(claimed)

    def _add(self, claimed: Sequence[Delivery]) -> None:
        self._is_drained = not claimed
        for delivery in claimed:
            self._lane(delivery).append(delivery)
        self._held += len(claimed)

    def _lane(self, delivery: Delivery) -> deque[Delivery]:
        lane = "" if self._pacer.is_unlimited else self._pacer.lane_of(delivery.address.rpartition("@")[2])
        return self._lanes.setdefault(lane, deque())
