"""Group commits to the ledger: one transaction serves every connection that waits.

A commit at synchronous=FULL costs 0.23 ms; with one for each message of each connection the disk would set the pace.
"""

import asyncio
from collections.abc import Callable

from digest.clock import Clock
from digest.store.database import Database
from digest.store.leases import LEASE_SECONDS, Lease, renew_lease
from digest.store.ledger import DeliveryResult, advance_deliveries

RENEWALS_PER_LEASE = 4
FLUSH_TRIES = 12
"""At the end; each waits for a locked database as long as any write does (`LOCK_TIMEOUT_SECONDS`)."""


class Journal:
    """Writes the states of one leased issue while it is being sent. Runs in one event loop.

    After any failure to write every later call raises it too: nothing more may be handed over then.
    """

    def __init__(
        self, database: Database, lease: Lease, clock: Clock, on_result: Callable[[DeliveryResult], None]
    ) -> None:
        self._database = database
        self._lease = lease
        self._clock = clock
        self._on_result = on_result
        self._results: list[DeliveryResult] = []
        self._waiting: list[tuple[int, asyncio.Future[bool]]] = []
        self._something_to_write = asyncio.Event()
        self._failure: Exception | None = None

    async def put_on_wire(self, delivery_id: int) -> bool:
        """Return once the row is committed as `wire`: from then on its message may leave.

        Returns:
            False where the person left meanwhile; the message must not leave.

        Raises:
            LeaseLostError: the issue was taken over, paused or cancelled; the message must not leave.
            StoreError: the database cannot be written; the message must not leave.
        """
        if self._failure is not None:
            raise self._failure
        committed: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._waiting.append((delivery_id, committed))
        self._something_to_write.set()
        return await committed

    def record(self, result: DeliveryResult) -> None:
        """Note what became of a message; it is committed with the next group, at the latest by `flush`."""
        self._results.append(result)
        self._something_to_write.set()

    async def write_groups(self) -> None:
        """Commit groups as they come, until cancelled."""
        while True:
            await self._something_to_write.wait()
            # Whatever is ready in this turn of the loop joins the same commit.
            await asyncio.sleep(0)
            self.flush()

    async def keep_lease(self) -> None:
        """Renew the lease while messages are slow, until cancelled."""
        while True:
            await asyncio.sleep(LEASE_SECONDS / RENEWALS_PER_LEASE)
            try:
                renew_lease(self._database, self._lease, boot=self._clock.boot())
            except Exception as error:  # noqa: BLE001 - kept and raised by the next call
                self._failure = self._failure or error

    def flush(self) -> None:
        """Commit what is waiting. A failure is given to those who wait, and kept; see `require_sound`."""
        self._something_to_write.clear()
        results, self._results = self._results, []
        waiting, self._waiting = self._waiting, []
        if not results and not waiting:
            return
        try:
            on_wire = advance_deliveries(
                self._database,
                self._lease,
                results=results,
                to_wire=[delivery_id for delivery_id, _ in waiting],
                boot=self._clock.boot(),
                now=self._clock.now(),
            )
        except Exception as error:  # noqa: BLE001 - given to every waiting connection
            # What happened is written with the next group: a lock held for long must not make it uncertain.
            self._results = results + self._results
            self._fail(error, waiting)
            return
        for delivery_id, committed in waiting:
            committed.set_result(delivery_id in on_wire)
        for result in results:
            self._on_result(result)

    def flush_to_the_end(self) -> None:
        """Commit what is left, and wait for a locked database: what has happened must not become uncertain."""
        for _ in range(FLUSH_TRIES):
            self.flush()
            if not self._results:
                return

    def _fail(self, error: Exception, waiting: list[tuple[int, asyncio.Future[bool]]]) -> None:
        self._failure = self._failure or error
        for _, committed in waiting:
            if not committed.done():
                committed.set_exception(error)

    def require_sound(self) -> None:
        """Raise the failure that stopped the journal, if any did."""
        if self._failure is not None:
            raise self._failure
