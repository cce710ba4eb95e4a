"""Messages that no ledger knows of: test sends, and words to the operator."""

from collections import deque
from collections.abc import Iterable, Sequence

from digest.deliver.loop import run
from digest.deliver.transport import Outcome, Parcel, Transport
from digest.errors import TransportError
from digest.model import DeliveryState

_TRIES = 2
"""So many connections in a row may carry nothing: a server may close one early, for a reason that has nothing to do
with us. One that is used up after some messages has carried those."""


def send_apart(transport: Transport, messages: Sequence[Parcel]) -> list[Outcome]:
    """Hand messages over at once, and tell what became of each.

    Raises:
        TransportError: no connection could be opened; nothing was handed over.
    """
    outbox = _Outbox(messages)
    run(_carry(transport, outbox))
    return [outbox.outcomes[message] for message in messages]


async def _carry(transport: Transport, outbox: "_Outbox") -> None:
    fruitless = 0
    while outbox.has_more and fruitless < _TRIES:
        known = len(outbox.outcomes)
        try:
            async with transport.connect() as connection:
                await connection.carry(outbox)
        except TransportError as error:
            if not outbox.outcomes:
                raise
            outbox.reason = str(error)
            break
        fruitless = 0 if len(outbox.outcomes) > known else fruitless + 1
    outbox.give_up()


class _Outbox:
    """A list of messages; see `transport.Outbox`."""

    def __init__(self, parcels: Iterable[Parcel]) -> None:
        self._waiting = deque(parcels)
        self.reason = "the server closed its connections"
        """Why the rest was not sent."""
        self.outcomes: dict[Parcel, Outcome] = {}

    @property
    def has_more(self) -> bool:
        return bool(self._waiting)

    def take(self) -> Parcel | None:
        return self._waiting.popleft() if self._waiting else None

    async def wait(self, seconds: float) -> bool:  # noqa: ARG002 - there is nothing to wait for
        return self.has_more

    async def release(self, parcel: Parcel) -> bool:  # noqa: ARG002 - any message may leave
        return True

    def settle(self, parcel: Parcel, outcome: Outcome) -> None:
        self.outcomes[parcel] = outcome

    def give_back(self, parcel: Parcel, reason: str) -> None:
        self.reason = reason
        self._waiting.appendleft(parcel)

    def give_up(self) -> None:
        """What was given back too often is not sent."""
        for parcel in self._waiting:
            self.outcomes[parcel] = Outcome(state=DeliveryState.DEFERRED, reply=self.reason)
