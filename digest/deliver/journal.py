"""Group commits to the ledger: one transaction serves every connection that waits.

A commit at synchronous=FULL costs 0.23 ms; with one for each message of each connection the disk would set the pace.
"""

import asyncio
from collections.abc import Callable, Sequence

from digest.clock import Clock
from digest.errors import DatabaseLockedError
from digest.store.database import Database
from digest.store.leases import Lease, keep_sending
from digest.store.ledger import DeliveryResult, advance_deliveries

GATHER_SECONDS = 0.002
"""How long a connection waits for others to join its commit, where enough of them come that fast."""
_REMEMBERED = 8
"""Over about so many messages it is averaged how often one comes."""
RESULT_SECONDS = 0.04
"""How long a result waits for a commit to join: a crash within it makes the message uncertain."""
LOCK_PATIENCE = 12
"""How often a commit is tried again while another program locks the database; each try waits as any write does
(`LOCK_TIMEOUT_SECONDS`), so two minutes in all."""

Waiting = tuple[int, asyncio.Future[bool]]


class Journal:
    """Writes the states of one leased issue while it is being sent. Runs in one event loop.

    After any failure to write every later call raises it too: nothing more may be handed over then.
    """

    def __init__(self, database: Database, lease: Lease, clock: Clock, *, connections: int) -> None:
        self._database = database
        self._lease = lease
        self._clock = clock
        self._enough = max(1, connections * 3 // 5)
        self.listeners: tuple[Callable[[Sequence[DeliveryResult]], None], ...] = ()
        """Told of results once they are committed, a group at a time."""
        self._results: list[DeliveryResult] = []
        self._waiting: list[Waiting] = []
        self._loop = asyncio.get_running_loop()
        self._last_at = self._loop.time()
        self._interval = 0.0
        self._planned: asyncio.Handle | None = None
        self._planned_for = 0.0
        self._tries = 0
        self.failure: Exception | None = None
        """What stopped it, if anything did."""

    def put_on_wire(self, delivery_id: int) -> asyncio.Future[bool]:
        """Done once the row is committed as `wire`: from then on its message may leave.

        Its result is False where the person left meanwhile; the message must not leave. Its exception says the same:
        LeaseLostError where the issue was taken over, paused or cancelled, StoreError where nothing can be written.
        """
        committed: asyncio.Future[bool] = self._loop.create_future()
        if self.failure is not None:
            committed.set_exception(self.failure)
            return committed
        self._waiting.append((delivery_id, committed))
        self._note_arrival()
        self._commit_within(self._patience())
        return committed

    def _patience(self) -> float:
        """How long to wait for others: until there are enough, or not at all where they come too seldom for that."""
        missing = self._enough - len(self._waiting)
        return GATHER_SECONDS if 0 < missing * self._interval <= GATHER_SECONDS else 0

    def _note_arrival(self) -> None:
        """Keep the average time between two messages that ask for the wire."""
        now = self._loop.time()
        self._interval += (now - self._last_at - self._interval) / _REMEMBERED
        self._last_at = now

    def record(self, result: DeliveryResult) -> None:
        """Note what became of a message; it is committed with the next group, at the latest by `flush_to_the_end`."""
        self._results.append(result)
        if self._planned is None:
            self._commit_within(RESULT_SECONDS)

    def _commit_within(self, seconds: float) -> None:
        """Commit soon; a commit that was planned for an earlier moment serves as well."""
        at = self._loop.time() + seconds
        if self._planned is not None:
            if self._planned_for <= at:
                return
            self._planned.cancel()
        self._planned_for = at
        # At the end of this turn of the loop, where nothing is to be waited for: others may join until then.
        self._planned = self._loop.call_later(seconds, self.flush) if seconds else self._loop.call_soon(self.flush)

    def _cancel_planned(self) -> None:
        if self._planned is not None:
            self._planned.cancel()
            self._planned = None

    def look(self) -> None:
        """Keep the lease and notice a pause while messages are slow; a failure is kept and raised by the next call."""
        if self.failure is not None:
            return
        try:
            keep_sending(self._database, self._lease, boot=self._clock.boot())
        except DatabaseLockedError:
            pass  # who holds the lock cannot have taken the issue
        except Exception as error:  # noqa: BLE001 - kept
            self._fail(error)

    def flush(self) -> None:
        """Commit what is waiting. A failure is given to those who wait, and kept in `failure`."""
        self._cancel_planned()
        results, self._results = self._results, []
        # Who was cut off while it waited sends nothing, so its row stays off the wire.
        waiting, self._waiting = [each for each in self._waiting if not each[1].done()], []
        if not results and not waiting:
            return
        try:
            on_wire = self._advance(results, waiting)
        except DatabaseLockedError as error:
            self._put_back(results, waiting)
            self._try_again(error)
        except Exception as error:  # noqa: BLE001 - given to every waiting connection
            # What happened is written with the next group: a full disk must not make it uncertain.
            self._put_back(results, waiting)
            self._fail(error)
        except BaseException:
            self._put_back(results, waiting)  # an operator's interrupt must not either
            raise
        else:
            self._tries = 0
            for delivery_id, committed in waiting:
                committed.set_result(delivery_id in on_wire)
            self._tell(results)

    def _tell(self, results: list[DeliveryResult]) -> None:
        if not results:
            return
        try:
            for listener in self.listeners:
                listener(results)
        except Exception as error:  # noqa: BLE001 - kept: whoever watches has gone, as a closed pipe has
            self._fail(error)

    def _advance(self, results: list[DeliveryResult], waiting: list[Waiting]) -> frozenset[int]:
        return advance_deliveries(
            self._database,
            self._lease,
            results=results,
            to_wire=[delivery_id for delivery_id, _ in waiting],
            boot=self._clock.boot(),
            now=self._clock.now(),
        )

    def _put_back(self, results: list[DeliveryResult], waiting: list[Waiting]) -> None:
        self._results = results + self._results
        self._waiting = waiting + self._waiting

    def _try_again(self, error: DatabaseLockedError) -> None:
        """Another program writes for long: connections wait, and read what their servers say meanwhile."""
        self._tries += 1
        if self._tries < LOCK_PATIENCE:
            self._commit_within(GATHER_SECONDS)
        else:
            self._fail(error)

    def flush_to_the_end(self) -> None:
        """Commit what is left, and wait for a locked database: what has happened must not become uncertain."""
        for _ in range(LOCK_PATIENCE):
            self.flush()
            if not self._results:
                break
        self._cancel_planned()

    def _fail(self, error: Exception) -> None:
        self.failure = self.failure or error
        waiting, self._waiting = self._waiting, []
        for _, committed in waiting:
            if not committed.done():
                committed.set_exception(error)

    def require_sound(self) -> None:
        """Raise the failure that stopped the journal, if any did."""
        if self.failure is not None:
            raise self.failure
