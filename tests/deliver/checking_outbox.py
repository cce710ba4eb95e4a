"""An outbox that proves what every connection owes it, and the few words in which SMTP tests are said."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from enum import StrEnum

from digest.deliver.smtp import SmtpTransport
from digest.deliver.transport import Ending, Envelope, Outcome, Parcel
from digest.model import DeliveryState
from digest.testing import ServerThread

MESSAGE = b"To: reader@example.com\r\nSubject: x\r\n\r\nHello\r\n"
BIG = MESSAGE + (b"y" * 70 + b"\r\n") * 230_000
"""16 MB fill every buffer on the way to a server that does not read."""


class Place(StrEnum):
    """Where a message is; SETTLED and GIVEN_BACK and WITHDRAWN are ends."""

    WAITING = "waiting"
    TAKEN = "taken"
    RELEASED = "released"
    WITHDRAWN = "withdrawn"
    GIVEN_BACK = "given back"
    SETTLED = "settled"


MAY_FOLLOW = {
    Place.TAKEN: {Place.WAITING},
    Place.RELEASED: {Place.TAKEN},
    Place.WITHDRAWN: {Place.TAKEN},
    Place.GIVEN_BACK: {Place.TAKEN, Place.RELEASED},
    Place.SETTLED: {Place.TAKEN, Place.RELEASED},
}


class CheckingOutbox:
    """Messages in order, each for a reader of its own; a step out of turn fails at once, a forgotten one at the end."""

    def __init__(self, parcels: Iterable[Parcel], *, most_ahead: int = 1) -> None:
        """Fill it; `most_ahead` is how many a connection may have taken before their release, over all of them."""
        self.parcels = list(parcels)
        self.places = dict.fromkeys(self.parcels, Place.WAITING)
        self.outcomes: dict[Parcel, Outcome] = {}
        self.reasons: dict[Parcel, str] = {}
        self.on_release: Callable[[Parcel], Awaitable[bool]] | None = None
        self.on_wait: Callable[[], Awaitable[bool]] | None = None
        self.broken: list[str] = []
        self._waiting = deque(self.parcels)
        self._most_ahead = most_ahead

    def take(self) -> Parcel | None:
        if not self._waiting:
            return None
        parcel = self._waiting.popleft()
        self._move(parcel, Place.TAKEN)
        if [*self.places.values()].count(Place.TAKEN) > self._most_ahead:
            self.broken.append("more than one was taken ahead")
        return parcel

    async def wait(self, seconds: float) -> bool:
        if self.on_wait and not self._waiting:
            return await self.on_wait()
        await asyncio.sleep(0)
        return bool(self._waiting)

    async def release(self, parcel: Parcel) -> bool:
        await asyncio.sleep(0)
        may_leave = await self.on_release(parcel) if self.on_release else True
        self._move(parcel, Place.RELEASED if may_leave else Place.WITHDRAWN)
        return may_leave

    def settle(self, parcel: Parcel, outcome: Outcome) -> None:
        if self.places[parcel] is Place.TAKEN and outcome.state not in (DeliveryState.DEFERRED, DeliveryState.FAILED):
            self.broken.append(f"{outcome.state} without a release")
        self._require_one_line(outcome.reply)
        self._move(parcel, Place.SETTLED)
        self.outcomes[parcel] = outcome

    def give_back(self, parcel: Parcel, reason: str) -> None:
        self._require_one_line(reason)
        self._move(parcel, Place.GIVEN_BACK)
        self.reasons[parcel] = reason

    def add(self, parcel: Parcel) -> None:
        self.parcels.append(parcel)
        self.places[parcel] = Place.WAITING
        self._waiting.append(parcel)

    def offer_again(self) -> None:
        """Put what was given back, but never what is settled, in front of the rest."""
        for parcel in [each for each in reversed(self.parcels) if self.places[each] is Place.GIVEN_BACK]:
            self.places[parcel] = Place.WAITING
            self._waiting.appendleft(parcel)

    def require_accounted(self) -> None:
        """No step was out of turn, and nothing that was taken is left over."""
        assert not self.broken
        assert not set(self.places.values()) & {Place.TAKEN, Place.RELEASED}

    @property
    def ends(self) -> list[str]:
        """In the order of the messages: "sent", "deferred", "failed", "uncertain", or their place."""
        return [
            str(self.outcomes[parcel].state) if place is Place.SETTLED else str(place)
            for parcel, place in self.places.items()
        ]

    @property
    def words(self) -> list[str]:
        """The reply or the reason of each, "" for those that have none."""
        return [
            self.outcomes[parcel].reply if parcel in self.outcomes else self.reasons.get(parcel, "")
            for parcel in self.parcels
        ]

    def recipients(self, *ends: str) -> list[str]:
        return [parcel.envelope.recipient for parcel, end in zip(self.parcels, self.ends, strict=True) if end in ends]

    def _move(self, parcel: Parcel, place: Place) -> None:
        if self.places[parcel] not in MAY_FOLLOW[place]:
            self.broken.append(f"{self.places[parcel]} → {place}")
        self.places[parcel] = place

    def _require_one_line(self, words: str) -> None:
        if not words or not words.isprintable():
            self.broken.append(f"words {words!r}")


def parcel(recipient: str = "reader@example.com", content: bytes = MESSAGE, *, sender: str = "b@example.com") -> Parcel:
    return Parcel(envelope=Envelope(sender=sender, recipient=recipient), content=content)


def parcels(count: int, content: bytes = MESSAGE) -> list[Parcel]:
    return [parcel(f"reader{number}@example.com", content) for number in range(count)]


def transport_to(server: ServerThread, **options) -> SmtpTransport:
    values = {"security": "none", "timeout": 20, "timeout_after_dot": 20, "local_hostname": "client.example.com"}
    return SmtpTransport(host=server.host, port=server.port, **{**values, **options})


async def carry_once(transport: SmtpTransport, outbox: CheckingOutbox) -> Ending:
    async with transport.connect() as connection:
        ending = await connection.carry(outbox)
    outbox.require_accounted()
    return ending


def carry(server: ServerThread, outbox: CheckingOutbox, *, within: float = 10, **options) -> Ending:
    """One connection to its ending, in a bounded time."""
    return asyncio.run(asyncio.wait_for(carry_once(transport_to(server, **options), outbox), within))


async def until(is_so: Callable[[], bool]) -> None:
    while not is_so():  # noqa: ASYNC110 - the server lives in another thread, where an asyncio.Event does not reach
        await asyncio.sleep(0.01)
