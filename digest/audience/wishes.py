"""What is said about a person, in words, and checked."""

import re
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache, lru_cache
from pathlib import Path
from zoneinfo import available_timezones

from digest.address import MAX_LENGTH, normalise_address
from digest.errors import AddressError, SettingsError
from digest.language import load_language
from digest.model import SubscriberState
from digest.settings import Settings
from digest.source.clean import clean_line
from digest.store.database import Database
from digest.store.subscribers import Profile, get_subscriber

_PLAIN_ADDRESS = re.compile(r"(?P<local>(?=[^@]{1,64}@)[A-Za-z0-9_+-]+(?:\.[A-Za-z0-9_+-]+)*)@(?P<domain>[^@\s]+)")
"""Letters, digits and few signs in a local part of at most 64 (RFC 5321 4.5.3.1.1)."""
_SHARED_DOMAINS = 50_000
"""A list of a million has about as many; they are looked at once."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Wishes:
    """What is said about a person, as words from a command line or a file. None leaves a thing as it is."""

    address: str
    name: str | None = None
    locale: str | None = None
    timezone: str | None = None
    newsletters: tuple[str, ...] | None = None
    sections: tuple[str, ...] | None = None
    state: str = SubscriberState.ACTIVE
    status: str = ""
    """The state in the words of the file, where there are any."""
    tags: tuple[str, ...] = ()
    """Added to those the person has."""
    consent_source: str = ""
    consent_at: datetime | None = None


def make_profile(wishes: Wishes, settings: Settings, *, locales: Path) -> Profile:
    """Check what is said about a person.

    Args:
        wishes: the words.
        settings: whose newsletters can be chosen.
        locales: the workspace's own catalogues.

    Raises:
        AddressError: the address cannot be mailed.
        SettingsError: there is no such newsletter, locale or timezone.
        ValueError: there is no such state.
    """
    for newsletter in wishes.newsletters or ():
        settings.newsletter(newsletter)
    if wishes.locale:
        load_language(wishes.locale, locales)
    if wishes.timezone and wishes.timezone not in _known_timezones():
        raise SettingsError(f"no timezone is called {wishes.timezone!r}; expected a name such as Asia/Seoul")
    return Profile(
        address=_normalise(wishes.address),
        name=None if wishes.name is None else clean_line(wishes.name),
        locale=wishes.locale,
        timezone=wishes.timezone,
        newsletters=wishes.newsletters,
        sections=None if wishes.sections is None else tuple(sorted(set(wishes.sections))),
        state=SubscriberState(wishes.state),
        consent_source=wishes.consent_source,
        consent_at=wishes.consent_at,
    )


def add_newsletters(
    database: Database, profile: Profile, newsletters: tuple[str, ...], *, default: tuple[str, ...]
) -> Profile:
    """The profile with newsletters, where it names none itself: those the person has and the given ones.

    Args:
        database: the workspace's database.
        profile: whose newsletters.
        newsletters: added to what the person has; nobody loses one by being added to another.
        default: what a person gets who would have none at all.
    """
    if profile.newsletters is not None:
        return profile
    known = get_subscriber(database, profile.address)
    had = tuple(subscription.newsletter for subscription in known.subscriptions) if known else ()
    wanted = tuple(dict.fromkeys((*had, *newsletters))) or default
    return replace(profile, newsletters=wanted)


def _normalise(text: str) -> str:
    """As `normalise_address`, but quick for plain addresses: people share few domains, and those are looked at once."""
    plain = _PLAIN_ADDRESS.fullmatch(text.strip())
    if plain is not None:
        try:
            address = f"{plain['local']}@{_normalise_domain(plain['domain'])}"
        except AddressError:
            return normalise_address(text)  # in whose words the whole address stands
        if len(address) <= MAX_LENGTH:
            return address
    return normalise_address(text)


@lru_cache(maxsize=_SHARED_DOMAINS)
def _normalise_domain(domain: str) -> str:
    return normalise_address(f"a@{domain}").rpartition("@")[2]


@cache
def _known_timezones() -> frozenset[str]:
    """Looked up once: each look reads folders full of files."""
    return frozenset(available_timezones())
