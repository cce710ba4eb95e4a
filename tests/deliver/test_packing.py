"""From rows to parcels: each row once, packed ahead but not far, and a failure is raised where it can be seen."""

import asyncio
import threading
import time

import pytest
from sending_stage import UnsignedParcel, pack
from test_queue import make_delivery

from digest.deliver.packing import BATCH, DirectPacker, SigningPacker


class Source:
    """Rows, and how many were taken of them."""

    def __init__(self, count):
        self.count = count
        self.taken = 0

    def next(self):
        if self.taken == self.count:
            return None
        self.taken += 1
        return make_delivery(self.taken)


def drain(packer, source, *, most=1000):
    """Everything a packer gives; waits for its wake."""

    async def main():
        woken = asyncio.Event()
        packed = []
        while len(packed) < most:
            woken.clear()
            found = packer.next(source.next, woken.set)
            if found is not None:
                packed.append(found)
            elif packer.is_empty:
                break
            else:
                await asyncio.wait_for(woken.wait(), 5)
        return packed

    try:
        return asyncio.run(main())
    finally:
        packer.close()


@pytest.mark.parametrize("make", [DirectPacker, lambda _: SigningPacker(UnsignedParcel, ahead=8)])
def test_every_row_is_packed_once_in_order(make):
    packed = drain(make(pack), Source(100))
    assert [delivery.id for delivery, _ in packed] == list(range(1, 101))
    assert all(parcel.delivery_id == delivery.id for delivery, parcel in packed)


def test_a_direct_packer_takes_a_row_only_when_it_is_asked():
    source = Source(5)
    packer = DirectPacker(pack)
    packer.next(source.next, lambda: None)
    assert source.taken == 1
    assert packer.is_empty


def test_signed_messages_are_made_ahead_but_not_far():
    """Rows that are packed and not sent go back at a stop; the fewer the better."""
    source = Source(1000)
    drain(SigningPacker(UnsignedParcel, ahead=8), source, most=10)
    assert 10 <= source.taken <= 10 + 8 + BATCH


def test_signing_happens_in_threads():
    names = set()

    def pack_in_thread(delivery):
        names.add(threading.current_thread().name)
        return pack(delivery)

    drain(SigningPacker(lambda delivery: UnsignedParcel(delivery, pack_in_thread), ahead=8), Source(40))
    assert names
    assert all(name.startswith("sign") for name in names)


def test_a_failure_is_raised_by_the_next_call_and_every_call_after():
    def fail(_delivery):
        raise ValueError("no such variant")

    packer = SigningPacker(fail, ahead=4)
    for _ in range(2):
        with pytest.raises(ValueError, match="no such variant"):
            drain(packer, Source(1))


def test_closing_waits_for_what_is_being_signed_and_begins_no_more():
    begun, ended = [], []

    def slowly(delivery):
        begun.append(delivery.id)
        time.sleep(0.002)
        ended.append(delivery.id)
        return pack(delivery)

    async def main():
        packer = SigningPacker(lambda delivery: UnsignedParcel(delivery, slowly), ahead=20 * BATCH)
        packer.next(Source(20 * BATCH).next, lambda: None)
        await asyncio.sleep(0.01)
        packer.close()
        assert sorted(begun) == sorted(ended)
        assert len(begun) < 20 * BATCH
        known = len(begun)
        await asyncio.sleep(0.01)
        assert len(begun) == known

    asyncio.run(main())
