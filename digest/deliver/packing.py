"""From claimed rows to parcels: at once where that takes microseconds, with help of threads where they are signed."""

import asyncio
import os
from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol

from digest.deliver.transport import Parcel
from digest.model import Delivery

Packed = tuple[Delivery, Parcel]
Pack = Callable[[Delivery], Parcel]
"""Makes the message of a delivery."""


class UnsignedParcel(Protocol):
    """A message that is written, and still to be signed."""

    def sign(self) -> None:
        """The part that takes long; called in a thread."""
        ...  # pragma: no cover

    @property
    def parcel(self) -> Parcel:
        """The signed message, once `sign` has returned."""
        ...  # pragma: no cover


Prepare = Callable[[Delivery], UnsignedParcel]
"""Writes the message of a delivery that is to be signed."""
BATCH = 16
"""Messages a thread signs in one go: handing a batch over costs about as much as one signature."""


class Packer(Protocol):
    """Where the dispatcher gets parcels from."""

    @property
    def is_empty(self) -> bool:
        """Whether nothing is packed or being packed."""
        ...  # pragma: no cover

    def next(self, next_delivery: Callable[[], Delivery | None], wake: Callable[[], None]) -> Packed | None:
        """The next parcel, of a row at hand; None where none is ready, and `wake` is called once one is."""
        ...  # pragma: no cover

    def close(self) -> None:
        """Stop; what is packed is dropped, and its rows stay claimed: safe to put back."""
        ...  # pragma: no cover


class DirectPacker:
    """Packs each parcel when it is asked for."""

    is_empty = True

    def __init__(self, pack: Pack) -> None:
        self._pack = pack

    def next(self, next_delivery: Callable[[], Delivery | None], wake: Callable[[], None]) -> Packed | None:  # noqa: ARG002
        """See `Packer.next`."""
        delivery = next_delivery()
        return None if delivery is None else (delivery, self._pack(delivery))

    def close(self) -> None:
        """See `Packer.close`."""


class SigningPacker:
    """Packs ahead, and has threads sign: an RSA signature takes 0.25 ms, during which Python's lock is free.

    Threads do nothing else: whatever they do with the lock costs the event loop twice the time, as it has to wait for
    it and to be woken.
    """

    def __init__(self, prepare: Prepare, *, ahead: int) -> None:
        """Describe the packer.

        Args:
            prepare: writes a message.
            ahead: how many parcels are kept ready.
        """
        self._prepare = prepare
        self._ahead = ahead
        self._ready: deque[Packed] = deque()
        self._batches: set[asyncio.Task[None]] = set()
        self._packing = 0
        self._failure: BaseException | None = None
        self._threads = ThreadPoolExecutor(max_workers=os.cpu_count(), thread_name_prefix="sign")

    @property
    def is_empty(self) -> bool:
        """See `Packer.is_empty`; a failure that nobody was told of is something too."""
        return not (self._ready or self._packing or self._failure)

    def next(self, next_delivery: Callable[[], Delivery | None], wake: Callable[[], None]) -> Packed | None:
        """See `Packer.next`; raises what making a message raised."""
        if self._failure is not None:
            raise self._failure
        while len(self._ready) + self._packing < self._ahead:
            batch = _take(next_delivery, BATCH)
            if not batch:
                break
            self._packing += len(batch)
            task = asyncio.get_running_loop().create_task(self._pack_batch(batch, wake))
            self._batches.add(task)
            task.add_done_callback(self._batches.discard)
        return self._ready.popleft() if self._ready else None

    def close(self) -> None:
        """See `Packer.close`."""
        self._threads.shutdown(wait=True, cancel_futures=True)

    async def _pack_batch(self, batch: list[Delivery], wake: Callable[[], None]) -> None:
        loop = asyncio.get_running_loop()
        try:
            messages = [self._prepare(delivery) for delivery in batch]
            await loop.run_in_executor(self._threads, _sign, messages)
            self._ready.extend((delivery, message.parcel) for delivery, message in zip(batch, messages, strict=True))
        except BaseException as error:  # noqa: BLE001 - raised by the next call, in the connection that asks
            self._failure = error  # a panic of a library in Rust is no Exception
        self._packing -= len(batch)
        wake()


def _sign(messages: Iterable[UnsignedParcel]) -> None:
    for message in messages:
        message.sign()


def _take(next_delivery: Callable[[], Delivery | None], limit: int) -> list[Delivery]:
    taken: list[Delivery] = []
    while len(taken) < limit and (delivery := next_delivery()) is not None:
        taken.append(delivery)
    return taken
