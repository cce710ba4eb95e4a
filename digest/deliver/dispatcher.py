"""The outbox of an issue: what connections take their messages from, and where they report what became of them."""

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from random import Random
from threading import Event

from digest.clock import Clock
from digest.deliver.fault_watch import FaultWatch
from digest.deliver.journal import Journal
from digest.deliver.packing import Packer
from digest.deliver.queue import Queue
from digest.deliver.retry import GIVE_BACKS, MAX_ATTEMPTS, next_attempt
from digest.deliver.transport import Outcome, Parcel
from digest.model import Delivery, DeliveryState
from digest.replies.classify import classify
from digest.replies.kinds import CONSEQUENCES, ReplyKind
from digest.store.ledger import DeliveryResult


@dataclass(frozen=True, kw_only=True)
class Limits:
    """When a sender stops taking rows."""

    deadline: datetime
    """After this moment nothing more is handed over."""
    allowance: int | None
    """How many messages may be handed over at most; None for all."""
    stop: Event
    """Set from outside: finish the messages on the wire, begin no other."""


@dataclass(frozen=True, kw_only=True)
class Judgement:
    """How replies are judged."""

    random: Random
    """For the jitter of retries."""
    hash_address: Callable[[str], bytes]
    """The keyed hash by which an address is suppressed."""


class Dispatcher:
    """The outbox of one issue; see `transport.Outbox` for its rules."""

    def __init__(
        self, queue: Queue, packer: Packer, journal: Journal, *, clock: Clock, limits: Limits, judgement: Judgement
    ) -> None:
        self._queue = queue
        self._packer = packer
        self._journal = journal
        self._clock = clock
        self._limits = limits
        self._judgement = judgement
        self._allowance = limits.allowance
        self._open: dict[int, Delivery] = {}
        self._on_wire: set[int] = set()
        self._requeued = 0
        self._given_back = Counter[int]()
        self._changed = asyncio.Event()
        self._faults = FaultWatch()
        self.fault = ""
        """Why nothing more is taken, where most of the recent replies blame the sender."""

    @property
    def is_finished(self) -> bool:
        """Whether nothing more will be taken."""
        has_none = (self._queue.is_empty and not self._requeued) or self._allowance == 0
        return self._is_over() or (has_none and self._packer.is_empty)

    def take(self) -> Parcel | None:
        """See `Outbox.take`."""
        if self._is_over():
            return None
        packed = self._packer.next(self._next_delivery, self.wake)
        if packed is None:
            return None
        delivery, parcel = packed
        self._open[delivery.id] = delivery
        return parcel

    async def wait(self, seconds: float) -> bool:
        """See `Outbox.wait`."""
        self._journal.require_sound()
        if self.is_finished:
            return False
        self._changed.clear()
        try:
            async with asyncio.timeout(min(seconds, self._queue.seconds_to_wait())):
                await self._changed.wait()
        except TimeoutError:
            pass
        self._journal.require_sound()
        return not self.is_finished

    def wake(self) -> None:
        """Let those who wait look again: something was stopped, packed or given back."""
        self._changed.set()

    async def release(self, parcel: Parcel) -> bool:
        """See `Outbox.release`."""
        if self._must_stop():  # it was taken ahead, and the answer to the one before may have taken minutes
            self._keep(self._open.pop(parcel.delivery_id))
            return False
        committed = self._journal.put_on_wire(parcel.delivery_id)
        try:
            may_leave = await committed
        except asyncio.CancelledError:
            self._withdraw(parcel, committed)
            raise
        if may_leave:
            self._on_wire.add(parcel.delivery_id)
        else:
            del self._open[parcel.delivery_id]
            self._allow_another()
        return may_leave

    def settle(self, parcel: Parcel, outcome: Outcome) -> None:
        """See `Outbox.settle`."""
        delivery = self._open.pop(parcel.delivery_id)
        self._on_wire.discard(delivery.id)
        if outcome.state is DeliveryState.SENT:
            self._faults.note(ReplyKind.DELIVERED, outcome, delivery.address)
            self._record(delivery, outcome)
        else:
            self._settle_trouble(delivery, outcome)

    def give_back(self, parcel: Parcel, reason: str) -> None:
        """See `Outbox.give_back`: it goes again at once a few times, then like one that the server deferred."""
        delivery = self._open.pop(parcel.delivery_id)
        self._given_back[delivery.id] += 1
        if self._given_back[delivery.id] > GIVE_BACKS:
            self._on_wire.discard(delivery.id)
            self._record_deferred(delivery, Outcome(state=DeliveryState.DEFERRED, reply=reason))
        elif delivery.id in self._on_wire:
            self._on_wire.discard(delivery.id)
            self._requeued += 1
            self._record(delivery, Outcome(state=DeliveryState.QUEUED, reply=reason))
        else:
            self._queue.put_back(delivery)
        self._allow_another()

    def note_committed(self, results: Sequence[DeliveryResult]) -> None:
        """Told of every group of results in the ledger: those that were queued again can be claimed from now on."""
        requeued = sum(result.state is DeliveryState.QUEUED for result in results)
        if requeued:
            self._requeued -= requeued
            self._queue.reopen()
            self.wake()

    def _next_delivery(self) -> Delivery | None:
        if self._allowance == 0:
            return None
        delivery = self._queue.pop()
        if delivery is not None and self._allowance is not None:
            self._allowance -= 1
        return delivery

    def _allow_another(self) -> None:
        if self._allowance is not None:
            self._allowance += 1
        self.wake()

    def _keep(self, delivery: Delivery) -> None:
        """Have a claimed row at hand again, through no fault of its own."""
        self._queue.put_back(delivery)
        self._allow_another()

    def _withdraw(self, parcel: Parcel, committed: asyncio.Future[bool]) -> None:
        """Its connection was cut off while it waited, perhaps just after its commit: nothing of it has left."""
        is_committed = committed.done() and not committed.cancelled() and committed.exception() is None
        if is_committed and committed.result():
            self._on_wire.add(parcel.delivery_id)
        self.give_back(parcel, "stopped before it left")

    def _is_over(self) -> bool:
        return self._journal.failure is not None or self._must_stop()

    def _must_stop(self) -> bool:
        is_stopped = self._limits.stop.is_set() or bool(self.fault)
        return is_stopped or self._clock.now() >= self._limits.deadline

    def _settle_trouble(self, delivery: Delivery, outcome: Outcome) -> None:
        kind = classify(outcome)
        self._faults.note(kind, outcome, delivery.address)
        self.fault = self.fault or self._faults.verdict() or ""
        if outcome.state is DeliveryState.DEFERRED:
            self._record_deferred(delivery, outcome)
        elif outcome.state is DeliveryState.FAILED and CONSEQUENCES[kind].suppress:
            self._record(delivery, outcome, gone=self._judgement.hash_address(delivery.address))
        else:
            self._record(delivery, outcome)

    def _record_deferred(self, delivery: Delivery, outcome: Outcome) -> None:
        attempts = delivery.attempts + 1
        if attempts >= MAX_ATTEMPTS:
            words = f"given up after {attempts} tries; the last answer: {outcome.reply}"
            self._record(delivery, Outcome(state=DeliveryState.FAILED, code=outcome.code, reply=words))
        else:
            next_at = next_attempt(attempts, now=self._clock.now(), random=self._judgement.random)
            self._record(delivery, outcome, next_at=next_at)

    def _record(
        self, delivery: Delivery, outcome: Outcome, *, next_at: datetime | None = None, gone: bytes | None = None
    ) -> None:
        self._journal.record(
            DeliveryResult(
                delivery_id=delivery.id,
                state=outcome.state,
                code=outcome.code,
                reply=outcome.reply,
                next_at=next_at,
                gone=gone,
            )
        )
