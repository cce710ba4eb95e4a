"""What a reader changes on their own pages, and all that is known about them. The caller's transaction holds it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from digest.model import Subscriber, SubscriberState
from digest.signup import has_enough_mail
from digest.store.confirmations import (
    Confirmation,
    ConfirmationKind,
    Consent,
    Wish,
    add_confirmation,
    get_wording,
    mark_confirmed,
)
from digest.store.database import Database
from digest.store.events import Event, EventKind, list_events, record_event
from digest.store.ledger import list_deliveries_to
from digest.store.notices import NoticeKind, add_notice, list_notices_to
from digest.store.pauses import pause
from digest.store.readings import list_readings
from digest.store.subscribers import (
    Profile,
    change_address,
    change_known,
    get_subscriber,
    get_subscriber_by_id,
    let_leave,
    require_subscriber,
    save_profile,
)
from digest.store.tags import list_tags

CAUSE = "preferences page"
LONGEST_PAUSE = 26
"""Weeks."""


@dataclass(frozen=True, kw_only=True)
class Choices:
    """What a reader chose on the page of preferences."""

    newsletters: tuple[str, ...]
    """Slugs; none means to leave."""
    sections: tuple[str, ...]
    """Keys, for each of them; none means all."""
    locale: str
    timezone: str


def save_choices(database: Database, person: Subscriber, choices: Choices, *, now: datetime) -> Subscriber:
    """Keep what a reader chose. Whoever takes all newsletters off leaves, and can come back here."""
    if not choices.newsletters:
        let_leave(database, person, state=SubscriberState.UNSUBSCRIBED, now=now, cause=CAUSE)
        return require_subscriber(database, person.address)
    profile = Profile(
        address=person.address,
        newsletters=choices.newsletters,
        sections=tuple(sorted(choices.sections)),
        locale=choices.locale,
        timezone=choices.timezone,
        cause=CAUSE,
    )
    return change_known(database, profile, now=now)


def pause_for(database: Database, person: Subscriber, weeks: int, *, now: datetime) -> None:
    """Send a reader nothing for so many weeks, `LONGEST_PAUSE` at most; whoever has left gets nothing anyhow."""
    if person.state is not SubscriberState.ACTIVE:
        return
    weeks = max(1, min(weeks, LONGEST_PAUSE))
    pause(database, person.id, until=now + timedelta(weeks=weeks), now=now)


def come_back(database: Database, person: Subscriber, *, address_hash: bytes, consent: Consent, now: datetime) -> None:
    """Subscribe somebody again who had left, to what they had then: the link they hold proves whose mailbox it is."""
    if person.state is not SubscriberState.UNSUBSCRIBED:
        return
    profile = Profile(
        address=person.address,
        state=SubscriberState.ACTIVE,
        consent_source=consent.form,
        consent_at=now,
        consent_wording=consent.wording,
    )
    save_profile(database, profile, address_hash=address_hash, resubscribe=True, now=now)


def ask_to_move(database: Database, person: Subscriber, address: str, *, is_allowed: bool, now: datetime) -> None:
    """Queue the mail by which a new address is confirmed. Whether it is known or suppressed does not show.

    Args:
        database: the workspace's database.
        person: who asks.
        address: the new one, normalised.
        is_allowed: whether it may be mailed at all.
        now: the present moment.
    """
    if not is_allowed or has_enough_mail(database, address, now=now):
        return
    wish = Wish(address=address)
    confirmation = add_confirmation(database, person.id, ConfirmationKind.ADDRESS, wish, consent=Consent(), now=now)
    add_notice(
        database,
        NoticeKind.ADDRESS,
        subscriber_id=person.id,
        confirmation_id=confirmation,
        address=address,
        locale=person.locale,
        newsletter=_newsletter_of(person),
        now=now,
    )


class Move(StrEnum):
    """How a change of address ended."""

    DONE = "done"
    TAKEN = "taken"
    """Somebody else subscribes with it: perhaps the same person."""
    GONE = "gone"
    """Whoever asked has left, or was erased."""


def confirm_move(database: Database, confirmation: Confirmation, *, fallback_newsletter: str, now: datetime) -> Move:
    """Change a reader's address to the one they confirmed, and tell the old one. A second time changes nothing."""
    person = get_subscriber_by_id(database, confirmation.subscriber_id)
    address = confirmation.wish.address
    if person is not None and person.address == address:
        return Move.DONE
    if person is None or person.state is not SubscriberState.ACTIVE:
        return Move.GONE
    other = get_subscriber(database, address)
    if other is not None and other.id != person.id:
        return Move.TAKEN
    if not mark_confirmed(database, confirmation.id, now=now):
        return Move.GONE  # confirmed before, and moved on since
    change_address(database, person, address, now=now)
    add_notice(
        database,
        NoticeKind.MOVED,
        subscriber_id=person.id,
        confirmation_id=0,
        address=person.address,
        locale=person.locale,
        newsletter=_newsletter_of(person) or fallback_newsletter,
        now=now,
    )
    return Move.DONE


def read_personal_data(database: Database, person: Subscriber) -> Mapping[str, Any]:
    """All that is kept about a person, as plain JSON values (GDPR article 15, PIPA article 35)."""
    return {
        "address": person.address,
        "name": person.name,
        "language": person.locale,
        "timezone": person.timezone,
        "state": str(person.state),
        "newsletters": [
            {"newsletter": each.newsletter, "sections": list(each.sections)} for each in person.subscriptions
        ],
        "tags": list(list_tags(database, person.id)),
        "added": person.created_at.isoformat(),
        "left": person.left_at and person.left_at.isoformat(),
        "paused_until": person.paused_until and person.paused_until.isoformat(),
        "consent": {
            "from": person.consent_source,
            "at": person.consent_at and person.consent_at.isoformat(),
            "words": get_wording(database, person.consent_wording),
        },
        "events": _events_of(database, person),
        "mails": _mails_of(database, person),
        "single_mails": _single_mails_of(database, person),
        "read": _readings_of(database, person),
    }


def _events_of(database: Database, person: Subscriber) -> list[dict[str, Any]]:
    return [
        {"what": str(event.kind), "at": event.happened_at.isoformat(), "newsletter": event.newsletter, **event.facts}
        for event in list_events(database, person.id)
    ]


def _mails_of(database: Database, person: Subscriber) -> list[dict[str, Any]]:
    return [
        {
            "newsletter": mail.newsletter,
            "edition": mail.edition,
            "state": str(mail.state),
            "at": mail.updated_at.isoformat(),
            "answer": mail.reply,
        }
        for mail in list_deliveries_to(database, person.id)
    ]


def _single_mails_of(database: Database, person: Subscriber) -> list[dict[str, Any]]:
    return [
        {
            "kind": str(mail.kind),
            "to": mail.address,
            "state": str(mail.state),
            "at": mail.updated_at.isoformat(),
            "answer": mail.reply,
        }
        for mail in list_notices_to(database, person.id)
    ]


def _readings_of(database: Database, person: Subscriber) -> list[dict[str, Any]]:
    return [
        {
            "newsletter": reading.newsletter,
            "edition": reading.edition,
            **{what: moment.isoformat() for what, moment in reading.moments},
        }
        for reading in list_readings(database, person.id)
    ]


def note_data_read(database: Database, person: Subscriber, *, now: datetime) -> None:
    """Note that a person took their data: it stands in their history, should somebody else have their link."""
    record_event(database, person.id, Event(kind=EventKind.DATA_READ, happened_at=now))


def _newsletter_of(person: Subscriber) -> str:
    return person.subscriptions[0].newsletter if person.subscriptions else ""
