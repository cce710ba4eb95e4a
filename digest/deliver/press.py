"""Makes the message of a ledger's row: written, and signed where there is a key."""

from collections.abc import Callable
from dataclasses import replace

from digest.clock import Clock
from digest.deliver.letters import Letterhead, Reader, write_message
from digest.deliver.packing import DirectPacker, Packer, SigningPacker
from digest.deliver.transport import Parcel
from digest.mail.dkim import Signer, Unsigned, load_signer
from digest.model import Delivery
from digest.settings import DeliverySettings, NewsletterSettings, Settings

Seal = Callable[[Parcel], Parcel]
"""Signs a message."""
PACKED_AHEAD = 4
"""Signed messages kept ready for each connection."""


def make_packer(letterhead: Letterhead, *, signer: Signer | None, clock: Clock, connections: int) -> Packer:
    """What makes the messages of an issue's rows: as they are asked for, or ahead of that where they are signed."""

    def write(delivery: Delivery) -> Parcel:
        reader = Reader(subscriber_id=delivery.subscriber_id, address=delivery.address, name=delivery.name)
        return write_message(letterhead, delivery.variant, reader, delivery.id)

    if signer is None:
        return DirectPacker(write)

    def prepare(delivery: Delivery) -> _UnsignedParcel:
        parcel = write(delivery)
        return _UnsignedParcel(parcel, signer.prepare(parcel.content, now=clock.now()))

    return SigningPacker(prepare, ahead=PACKED_AHEAD * connections)


class _UnsignedParcel:
    """A written message before its signatures; see `packing.UnsignedParcel`."""

    def __init__(self, parcel: Parcel, unsigned: Unsigned) -> None:
        self._parcel = parcel
        self._unsigned = unsigned
        self._signatures: tuple[bytes, ...] = ()

    def sign(self) -> None:
        """See `packing.UnsignedParcel.sign`."""
        self._signatures = self._unsigned.compute()

    @property
    def parcel(self) -> Parcel:
        """See `packing.UnsignedParcel.parcel`."""
        return replace(self._parcel, content=self._unsigned.join(self._signatures))


def address_letterhead(
    letterhead: Letterhead, delivery: DeliverySettings, *, is_automatic: bool, link_key: bytes = b""
) -> Letterhead:
    """A letterhead with what the settings of today say of the way its messages take; it is not part of an issue.

    Args:
        letterhead: of a frozen issue or a draft.
        delivery: the table.
        is_automatic: whether no person asked for this sending (RFC 3834, section 5).
        link_key: signs links and marks; b"" where they belong to nobody, as in a test send.
    """
    return replace(
        letterhead,
        is_automatic=is_automatic,
        link_key=link_key,
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
    return lambda parcel: replace(parcel, content=signer.sign(parcel.content, now=clock.now()))
