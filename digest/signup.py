"""Asking to subscribe and confirming it; the words that people agree to. The caller's transaction holds each step."""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta

from digest.errors import AddressError
from digest.language import Language
from digest.model import Subscriber, SubscriberState
from digest.settings import Settings
from digest.store.confirmations import (
    Confirmation,
    ConfirmationKind,
    Consent,
    Wish,
    add_confirmation,
    consent_to_facts,
    get_confirmation,
    keep_wording,
    mark_confirmed,
)
from digest.store.database import Database
from digest.store.events import Event, EventKind, record_event
from digest.store.notices import NoticeKind, add_notice, count_recent_notices
from digest.store.subscribers import (
    Profile,
    get_subscriber,
    get_subscriber_by_id,
    is_suppressed,
    require_subscriber,
    save_profile,
)

MAILS_AN_HOUR = 2
"""Confirmation mails that one address gets at most: whoever knows it could have them sent."""
MAILS_A_DAY = 4
_VERSION_LENGTH = 12


@dataclass(frozen=True, kw_only=True)
class SignUp:
    """What somebody filled in."""

    address: str
    """Normalised."""
    newsletters: tuple[str, ...]
    """Slugs of newsletters that there are, at least one."""
    locale: str
    consent: Consent
    words: str
    """What they agreed to, in full."""


@dataclass(frozen=True, kw_only=True)
class Wording:
    """The words that people agree to."""

    words: str
    version: str
    """Of these very words: "ko-3f2a9c…"."""


def consent_wording(settings: Settings, language: Language) -> Wording:
    """What the form asks people to agree to, in their language or in the publisher's own words."""
    words = settings.web_or_defaults.consent or language.gettext(
        "I want to receive these newsletters from {site} by e-mail. I can unsubscribe at any time with one click."
    ).format(site=settings.site.name)
    digest = hashlib.sha256(words.encode()).hexdigest()[:_VERSION_LENGTH]
    return Wording(words=words, version=f"{language.code}-{digest}")


def ask_to_subscribe(database: Database, sign_up: SignUp, *, address_hash: bytes, now: datetime) -> bool:
    """Keep what somebody asked for and queue the mail in which they confirm it.

    Nothing of this shows in the answer: whether an address is known, suppressed or was asked for too often is only
    told to its mailbox, by a mail or by none.

    Returns:
        Whether a mail was queued.
    """
    keep_wording(database, sign_up.consent.wording, sign_up.words, now=now)
    if is_suppressed(database, address_hash) or has_enough_mail(database, sign_up.address, now=now):
        return False
    person = get_subscriber(database, sign_up.address) or _add_pending(database, sign_up, address_hash, now)
    wish = Wish(newsletters=sign_up.newsletters, locale=sign_up.locale)
    confirmation = add_confirmation(
        database, person.id, ConfirmationKind.SUBSCRIBE, wish, consent=sign_up.consent, now=now
    )
    facts = {**consent_to_facts(sign_up.consent), "newsletters": list(sign_up.newsletters)}
    record_event(database, person.id, Event(kind=EventKind.ASKED, happened_at=now, facts=facts))
    add_notice(
        database,
        NoticeKind.CONFIRM,
        subscriber_id=person.id,
        confirmation_id=confirmation,
        address=person.address,
        locale=sign_up.locale,
        newsletter=sign_up.newsletters[0],
        now=now,
    )
    return True


def subscribe_at_once(database: Database, sign_up: SignUp, *, address_hash: bytes, now: datetime) -> None:
    """Subscribe without a confirmation, where the settings say so; nobody who is suppressed is added."""
    keep_wording(database, sign_up.consent.wording, sign_up.words, now=now)
    if is_suppressed(database, address_hash):
        return
    person = get_subscriber(database, sign_up.address) or _add_pending(database, sign_up, address_hash, now)
    wish = Wish(newsletters=sign_up.newsletters, locale=sign_up.locale)
    _activate(database, person, wish, sign_up.consent, address_hash=address_hash, now=now)


def has_enough_mail(database: Database, address: str, *, now: datetime) -> bool:
    """Whether an address was sent as many single mails as it may get."""
    limits = ((timedelta(hours=1), MAILS_AN_HOUR), (timedelta(days=1), MAILS_A_DAY))
    return any(count_recent_notices(database, address, since=now - span) >= most for span, most in limits)


def find_confirmation(
    database: Database, *, subscriber_id: int, confirmation_id: int, days: int, now: datetime
) -> Confirmation | None:
    """The request a link confirms, or None where it is gone, somebody else's, or older than so many days."""
    found = get_confirmation(database, confirmation_id)
    if found is None or found.subscriber_id != subscriber_id or now - found.asked_at > timedelta(days=days):
        return None
    return found


def confirm_subscription(
    database: Database, confirmation: Confirmation, *, address_hash: bytes, now: datetime
) -> Subscriber | None:
    """Subscribe whom a confirmation is of; once is enough, and a second time changes nothing.

    Returns:
        The person, or None where they were suppressed meanwhile.
    """
    person = get_subscriber_by_id(database, confirmation.subscriber_id)
    if person is None or is_suppressed(database, address_hash):
        return None
    if mark_confirmed(database, confirmation.id, now=now):
        _activate(database, person, confirmation.wish, confirmation.consent, address_hash=address_hash, now=now)
    return require_subscriber(database, person.address)


def _add_pending(database: Database, sign_up: SignUp, address_hash: bytes, now: datetime) -> Subscriber:
    profile = Profile(
        address=sign_up.address,
        locale=sign_up.locale,
        newsletters=sign_up.newsletters,
        state=SubscriberState.PENDING,
        consent_source=sign_up.consent.form,
        consent_wording=sign_up.consent.wording,
    )
    try:
        save_profile(database, profile, address_hash=address_hash, resubscribe=False, now=now)
    except AddressError as error:  # looked at before, in the same transaction
        raise AddressError(f"{sign_up.address} cannot be added: {error}") from error
    return require_subscriber(database, sign_up.address)


def _activate(
    database: Database, person: Subscriber, wish: Wish, consent: Consent, *, address_hash: bytes, now: datetime
) -> None:
    """Whoever reads already keeps what they have; whoever comes, or comes back, gets what they asked for."""
    had = tuple(s.newsletter for s in person.subscriptions) if person.state is SubscriberState.ACTIVE else ()
    profile = Profile(
        address=person.address,
        locale=wish.locale or None,
        newsletters=tuple(dict.fromkeys((*had, *wish.newsletters))),
        state=SubscriberState.ACTIVE,
        consent_source=consent.form,
        consent_at=now,
        consent_wording=consent.wording,
    )
    save_profile(database, profile, address_hash=address_hash, resubscribe=True, now=now)
    facts = {**consent_to_facts(consent), "newsletters": list(wish.newsletters)}
    record_event(database, person.id, Event(kind=EventKind.CONSENTED, happened_at=now, facts=facts))
