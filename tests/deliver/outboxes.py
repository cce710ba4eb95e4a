"""An outbox over a list that checks what every way out owes it, and a driver that carries all of it."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterable

from digest.deliver.transport import Ending, Envelope, Outcome, Parcel, Transport
from digest.model import DeliveryState

SENDER = "bounces@example.com"


def parcel_for(recipient: str, content: bytes, *, sender: str = SENDER, delivery_id: int = 0) -> Parcel:
    return Parcel(envelope=Envelope(sender=sender, recipient=recipient), content=content, delivery_id=delivery_id)


class ListOutbox:
    """Parcels in order; every step a connection takes out of turn fails the test at once.

    What is given back is not offered again, so that a test can see it.
    """

    def __init__(
        self,
        parcels: Iterable[Parcel],
        *,
        withdrawn: Collection[Parcel] = (),
        before_release: Callable[[Parcel], Awaitable[None]] | None = None,
        pauses: int = 0,
    ) -> None:
        """Fill it.

        Args:
            parcels: what is to be carried.
            withdrawn: those that must not leave any more when their release is asked for.
            before_release: runs inside `release`, where nothing of that parcel may have arrived yet.
            pauses: how often `take` finds nothing although there is more to come.
        """
        self._waiting = list(parcels)
        self._withdrawn = withdrawn
        self._before_release = before_release
        self._pauses = pauses
        self._taken: list[Parcel] = []
        self.released: list[Parcel] = []
        self.withdrawn: list[Parcel] = []
        """Whose release was refused."""
        self.outcomes: dict[Parcel, Outcome] = {}
        self.given_back: dict[Parcel, str] = {}
        """With the reasons."""

    def take(self) -> Parcel | None:
        if self._pauses:
            self._pauses -= 1
            return None
        if not self._waiting:
            return None
        self._taken.append(self._waiting.pop(0))
        return self._taken[-1]

    async def wait(self, seconds: float) -> bool:
        assert seconds > 0
        await asyncio.sleep(0)
        return bool(self._waiting)

    async def release(self, parcel: Parcel) -> bool:
        assert parcel in self._taken
        assert parcel not in self.released, "released twice"
        self._require_open(parcel)
        if self._before_release:
            await self._before_release(parcel)
        (self.withdrawn if parcel in self._withdrawn else self.released).append(parcel)
        return parcel not in self._withdrawn

    def settle(self, parcel: Parcel, outcome: Outcome) -> None:
        self._require_open(parcel)
        assert parcel in self.released or outcome.state is DeliveryState.FAILED, "settled without its release"
        assert "\n" not in outcome.reply
        self.outcomes[parcel] = outcome

    def give_back(self, parcel: Parcel, reason: str) -> None:
        self._require_open(parcel)
        assert reason
        assert "\n" not in reason
        self.given_back[parcel] = reason

    def _require_open(self, parcel: Parcel) -> None:
        assert parcel in self._taken, "never taken"
        assert parcel not in self.outcomes, "settled before"
        assert parcel not in self.given_back, "given back before"
        assert parcel not in self.withdrawn, "it must not leave any more"

    @property
    def states(self) -> list[DeliveryState]:
        """In the order in which they were settled."""
        return [outcome.state for outcome in self.outcomes.values()]

    @property
    def forgotten(self) -> list[Parcel]:
        """Released, and nothing was said of them since; there must be none when `carry` has ended."""
        return [parcel for parcel in self.released if parcel not in self.outcomes and parcel not in self.given_back]


async def carry_once(transport: Transport, outbox: ListOutbox) -> Ending:
    """One connection to its ending."""
    async with transport.connect() as connection:
        return await connection.carry(outbox)


async def carry_all(transport: Transport, outbox: ListOutbox, *, connections: int = 1) -> None:
    """Connections side by side, opened again while one ends before the outbox does."""

    async def carry_on() -> None:
        while await carry_once(transport, outbox) is not Ending.FINISHED:
            pass

    await asyncio.gather(*(carry_on() for _ in range(connections)))
    assert not outbox.forgotten


def carry(transport: Transport, parcels: Iterable[Parcel], **options) -> ListOutbox:
    """Everything over one connection; the outbox then says what became of it."""
    outbox = ListOutbox(parcels, **options)
    asyncio.run(carry_all(transport, outbox))
    return outbox
