"""The seam for relays that are spoken to over HTTP: one call a message, made in a thread of the connection's own.

A relay says how its service is called and what its answers mean, in plain blocking code;
`digest/deliver/ses_relay.py` is one.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Protocol

from digest.deliver.carry import NotTaken, carry_each
from digest.deliver.transport import Ending, Outbox, Outcome, Parcel


class Relay(Protocol):
    """A service that takes one message a call; a connection has one of its own."""

    def post(self, parcel: Parcel) -> Outcome | NotTaken:
        """Hand one message over and wait for the answer, at most for a time limit; never a second time by itself.

        An answer that says no is `failed`, or `deferred` where it says not now. A call that may have been heard
        although its answer was lost is `uncertain`.

        Raises:
            TransportError: the service cannot be reached, or takes no message of ours; this one was not taken.
        """
        ...  # pragma: no cover


@dataclass(frozen=True, kw_only=True)
class HttpRelayConnection:
    """An open relay and the thread its calls block."""

    relay: Relay
    thread: ThreadPoolExecutor

    async def carry(self, outbox: Outbox) -> Ending:
        """See `Connection.carry`."""
        return await carry_each(outbox, self._deliver)

    async def _deliver(self, parcel: Parcel) -> Outcome | NotTaken:
        return await asyncio.get_running_loop().run_in_executor(self.thread, self.relay.post, parcel)


@asynccontextmanager
async def connect_relay(open_relay: Callable[[], AbstractContextManager[Relay]]) -> AsyncIterator[HttpRelayConnection]:
    """Open a relay for one connection, and close it at the end.

    The thread is the connection's own, as the loop's few shared ones would limit how many calls run side by side.

    Args:
        open_relay: makes the relay ready; blocking code too. It may raise TransportError.
    """
    loop = asyncio.get_running_loop()
    thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="relay")
    try:
        opened = open_relay()
        relay = await loop.run_in_executor(thread, opened.__enter__)
        try:
            yield HttpRelayConnection(relay=relay, thread=thread)
        finally:
            thread.submit(opened.__exit__, None, None, None)  # behind a call that is still under way
    finally:
        thread.shutdown(wait=False)
