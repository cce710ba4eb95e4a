"""Subscribers in bulk: profiles from words, import with its report, export."""

import csv
import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, TextIO
from zoneinfo import available_timezones

from digest.address import MAX_LENGTH, normalise_address
from digest.errors import AddressError, RowError, SettingsError, SourceError
from digest.language import load_language
from digest.model import Subscriber, SubscriberState
from digest.settings import Settings
from digest.source.clean import clean_line
from digest.source.files import FileOptions, RefusedRow, Row, open_table
from digest.source.moments import parse_moment
from digest.store.database import Database
from digest.store.secrets import hash_address
from digest.store.subscribers import Change, Profile, get_subscriber, save_profile

COLUMNS = (
    "address",
    "name",
    "locale",
    "timezone",
    "state",
    "newsletters",
    "sections",
    "consent_source",
    "consent_at",
)
"""Columns an import understands; only the address is required."""
EXPORTED = (*COLUMNS, "created_at", "left_at")
"""Columns of an export."""
_ADDRESS_NAMES = ("address", "email")
_PLAIN_ADDRESS = re.compile(r"(?P<local>(?=[^@]{1,64}@)[A-Za-z0-9_+-]+(?:\.[A-Za-z0-9_+-]+)*)@(?P<domain>[^@\s]+)")
"""Letters, digits and few signs in a local part of at most 64 (RFC 5321 4.5.3.1.1)."""
_FORMULA_SIGNS = ("=", "+", "-", "@", "\t", "\r")
_SEPARATORS = r"[;,|]"
_JSON_SIGNS = ("[", "{")
_PROGRESS_EVERY = 1000


@dataclass(frozen=True, kw_only=True)
class Wishes:
    """What is said about a person, as words from a command line or a file. None leaves a thing as it is."""

    address: str
    name: str | None = None
    locale: str | None = None
    timezone: str | None = None
    newsletters: tuple[str, ...] | None = None
    sections: tuple[str, ...] | None = None
    state: str = SubscriberState.ACTIVE
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


@lru_cache(maxsize=20_000)
def _normalise_domain(domain: str) -> str:
    return normalise_address(f"a@{domain}").rpartition("@")[2]


@cache
def _known_timezones() -> frozenset[str]:
    """Looked up once: each look reads folders full of files."""
    return frozenset(available_timezones())


@dataclass(frozen=True, kw_only=True)
class SubscriberImport:
    """How to import a file of subscribers."""

    path: Path
    options: FileOptions
    settings: Settings
    locales: Path
    key: bytes
    """The workspace's signing key: suppressed addresses are known by its hash."""
    newsletters: tuple[str, ...]
    """What people are added to whose row names none, beside those they have."""
    default_newsletters: tuple[str, ...]
    """What they get who would have none at all."""
    consent_source: str
    """Where they agreed, where the row does not say."""
    resubscribe: bool = False
    """Also bring back people who left, bounced, complained or are suppressed."""
    dry_run: bool = False
    on_progress: Callable[[int], None] = field(default=lambda _: None)


@dataclass(frozen=True, kw_only=True)
class SubscriberReport:
    """What importing subscribers did, or would have done."""

    changes: Mapping[Change, int]
    refused: tuple[RefusedRow, ...]
    kept: bool

    @property
    def rows(self) -> int:
        """How many rows the file had."""
        return sum(self.changes.values()) + len(self.refused)


class _NotKept(Exception):  # noqa: N818 - not an error: rolls a transaction back
    """Ends a transaction without keeping it."""


def import_subscribers(database: Database, order: SubscriberImport, *, now: datetime) -> SubscriberReport:
    """Import subscribers in one transaction: sound rows are kept, refused ones are reported with line and reason.

    Raises:
        SourceError: the file as a whole cannot be read; nothing is kept.
    """
    changes: Counter[Change] = Counter()
    refused: list[RefusedRow] = []
    try:
        with database.transaction(), open_table(order.path, order.options) as table:
            order = _with_address_column(order, table.columns)
            for number, row in enumerate(table.rows, 1):
                try:
                    changes[_import_row(database, order, row, now)] += 1
                except RowError as error:
                    refused.append(RefusedRow(error=error, values=row.values))
                if number % _PROGRESS_EVERY == 0:
                    order.on_progress(_PROGRESS_EVERY)
            if order.dry_run:
                raise _NotKept  # noqa: TRY301 - the exception is how a transaction is told to roll back
    except _NotKept:
        pass
    order.on_progress((changes.total() + len(refused)) % _PROGRESS_EVERY)
    return SubscriberReport(changes=changes, refused=tuple(refused), kept=not order.dry_run)


def _with_address_column(order: SubscriberImport, columns: Iterable[str]) -> SubscriberImport:
    """Find the column of the address: the mapped one, `address` or `email`."""
    there = {column.strip().lower(): column for column in columns}
    if "address" in order.options.mapping or not there:
        return order
    for name in _ADDRESS_NAMES:
        if name in there:
            mapping = {**order.options.mapping, "address": there[name]}
            return replace(order, options=replace(order.options, mapping=mapping))
    raise SourceError(
        f"no column is called address or email; found {', '.join(there.values())}; name it with --map address=COLUMN"
    )


def _import_row(database: Database, order: SubscriberImport, row: Row | RefusedRow, now: datetime) -> Change:
    if isinstance(row, RefusedRow):
        raise row.error
    row = replace(row, mapping=order.options.mapping)
    profile = add_newsletters(database, _to_profile(order, row), order.newsletters, default=order.default_newsletters)
    try:
        return save_profile(
            database,
            profile,
            address_hash=hash_address(order.key, profile.address),
            resubscribe=order.resubscribe,
            now=now,
        )
    except AddressError as error:
        raise row.error("address", str(error)) from error


def _to_profile(order: SubscriberImport, row: Row) -> Profile:
    wishes = Wishes(
        address=_from_cell(row.text("address")),
        name=_from_cell(row.text("name")) or None,
        locale=row.text("locale").strip() or None,
        timezone=row.text("timezone").strip() or None,
        newsletters=_read_list(row, "newsletters") or None,
        sections=_read_list(row, "sections") or None,
        state=row.text("state").strip().lower() or SubscriberState.ACTIVE,
        consent_source=_from_cell(row.text("consent_source")).strip() or order.consent_source,
        consent_at=_moment(order, row, "consent_at"),
    )
    try:
        return make_profile(wishes, order.settings, locales=order.locales)
    except AddressError as error:
        raise row.error("address", str(error)) from error
    except SettingsError as error:
        raise row.error("", str(error)) from error
    except ValueError as error:
        raise row.error("state", f"{error}; expected one of {', '.join(SubscriberState)}") from error


def _moment(order: SubscriberImport, row: Row, name: str) -> datetime | None:
    text = row.text(name).strip()
    try:
        return parse_moment(text, order.options.timezone) if text else None
    except ValueError as error:
        raise row.error(name, str(error)) from error


def _read_list(row: Row, name: str) -> tuple[str, ...]:
    """A list in one cell: a JSON array, or words with commas, semicolons or bars between them."""
    text = _from_cell(row.listed(name).strip())
    words = _parse_json_list(row, name, text) if text[:1] in _JSON_SIGNS else re.split(_SEPARATORS, text)
    return tuple(word.strip() for word in words if word.strip())


def _parse_json_list(row: Row, name: str, text: str) -> list[str]:
    try:
        values = json.loads(text)
    except (ValueError, RecursionError):
        values = None
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        raise row.error(name, f"{text[:60]!r} is no list of texts; write words with ; between them")
    return values


def subscriber_to_json(subscriber: Subscriber) -> dict[str, Any]:
    """A subscriber as plain JSON values."""
    return {
        "address": subscriber.address,
        "name": subscriber.name,
        "locale": subscriber.locale,
        "timezone": subscriber.timezone,
        "state": str(subscriber.state),
        "newsletters": [subscription.newsletter for subscription in subscriber.subscriptions],
        "sections": sorted({section for s in subscriber.subscriptions for section in s.sections}),
        "consent_source": subscriber.consent_source,
        "consent_at": subscriber.consent_at and subscriber.consent_at.isoformat(),
        "created_at": subscriber.created_at.isoformat(),
        "left_at": subscriber.left_at and subscriber.left_at.isoformat(),
    }


def export_csv(subscribers: Iterable[Subscriber], file: TextIO) -> int:
    """Write subscribers as CSV and tell how many.

    A cell that a spreadsheet would run as a formula gets an apostrophe before it; an import takes it off again.
    """
    writer = csv.writer(file)
    writer.writerow(EXPORTED)
    written = 0
    for subscriber in subscribers:
        values = subscriber_to_json(subscriber)
        writer.writerow([_to_cell(values[name]) for name in EXPORTED])
        written += 1
    return written


def export_json(subscribers: Iterable[Subscriber], file: TextIO) -> int:
    """Write subscribers as a JSON array, a line each, and tell how many."""
    written = 0
    file.write("[")
    for subscriber in subscribers:
        file.write(",\n" if written else "\n")
        json.dump(subscriber_to_json(subscriber), file, ensure_ascii=False)
        written += 1
    file.write("\n]\n" if written else "]\n")
    return written


def _to_cell(value: Any) -> str:
    text = _join(value) if isinstance(value, list) else "" if value is None else str(value)
    return f"'{text}" if _needs_guard(text) else text


def _join(words: list[str]) -> str:
    """Words with semicolons between them; as JSON where a word holds a sign that parts words."""
    is_plain = not any(re.search(_SEPARATORS, word) or word[:1] in _JSON_SIGNS for word in words)
    return ";".join(words) if is_plain else json.dumps(words, ensure_ascii=False)


def _from_cell(text: str) -> str:
    return text[1:] if text.startswith("'") and _needs_guard(text) else text


def _needs_guard(text: str) -> bool:
    """Whether a spreadsheet would run it, or it looks as if it were guarded already."""
    return text.lstrip("'").startswith(_FORMULA_SIGNS)
