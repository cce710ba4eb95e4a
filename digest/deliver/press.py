"""Makes the message of a ledger's row: written, and signed where there is a key."""

from collections.abc import Callable
from dataclasses import replace

from digest.clock import Clock
from digest.deliver.letters import Letterhead, Reader, write_message
from digest.deliver.transport import Parcel
from digest.mail.dkim import Signer, load_signer
from digest.model import Delivery
from digest.settings import DeliverySettings, NewsletterSettings, Settings

Seal = Callable[[Parcel], Parcel]
"""Signs a message."""


class Press:
    """Prints the messages of one issue. Threads may share it."""

    def __init__(self, letterhead: Letterhead, *, signer: Signer | None, clock: Clock) -> None:
        self._letterhead = letterhead
        self._signer = signer
        self._clock = clock

    @property
    def is_signing(self) -> bool:
        """Whether messages are signed, which takes a third of a millisecond each."""
        return self._signer is not None

    def print(self, delivery: Delivery) -> Parcel:
        """The message of one row, ready to leave."""
        reader = Reader(subscriber_id=delivery.subscriber_id, address=delivery.address, name=delivery.name)
        parcel = write_message(self._letterhead, delivery.variant, reader, delivery.id)
        return parcel if self._signer is None else _sign(parcel, self._signer, self._clock)


def address_letterhead(letterhead: Letterhead, delivery: DeliverySettings, *, is_automatic: bool) -> Letterhead:
    """A letterhead with what the settings of today say of the way its messages take; it is not part of an issue.

    Args:
        letterhead: of a frozen issue or a draft.
        delivery: the table.
        is_automatic: whether no person asked for this sending (RFC 3834, section 5).
    """
    return replace(
        letterhead,
        is_automatic=is_automatic,
        return_path=delivery.return_path,
        verp=delivery.verp,
        precedence=delivery.precedence,
    )


def make_seal(settings: Settings, newsletter: NewsletterSettings, clock: Clock) -> Seal:
    """What signs single messages of a newsletter: test sends, words to the operator. Without a key it does nothing.

    Raises:
        SettingsError: a key cannot be used.
    """
    signer = load_signer(settings, newsletter)
    if signer is None:
        return lambda parcel: parcel
    return lambda parcel: _sign(parcel, signer, clock)


def _sign(parcel: Parcel, signer: Signer, clock: Clock) -> Parcel:
    return replace(parcel, content=signer.sign(parcel.content, now=clock.now()))
