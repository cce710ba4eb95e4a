"""What people asked for on a page and have to confirm by a link in a mail, and the words they agreed to."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from digest.store.database import Database, moment, to_moment, to_seconds


class ConfirmationKind(StrEnum):
    """What a confirmation is of."""

    SUBSCRIBE = "subscribe"
    ADDRESS = "address"


@dataclass(frozen=True, kw_only=True)
class Wish:
    """What somebody asked for."""

    newsletters: tuple[str, ...] = ()
    """Slugs, where it is a subscription."""
    locale: str = ""
    address: str = ""
    """The new one, normalised, where it is a change of address."""


@dataclass(frozen=True, kw_only=True)
class Consent:
    """Where and in which words somebody agreed."""

    form: str = ""
    """The page or program ("https://news.example/digest/subscribe", "JSON from https://news.example")."""
    client: str = ""
    """The network it came from, shortened ("203.0.113.0/24")."""
    wording: str = ""
    """The version of the words: see `keep_wording`."""


@dataclass(frozen=True, kw_only=True)
class Confirmation:
    """One request that waits for its link, or has been confirmed."""

    id: int
    subscriber_id: int
    kind: ConfirmationKind
    wish: Wish
    consent: Consent = field(default_factory=Consent)
    asked_at: datetime
    confirmed_at: datetime | None = None


def add_confirmation(
    database: Database, subscriber_id: int, kind: ConfirmationKind, wish: Wish, *, consent: Consent, now: datetime
) -> int:
    """Keep what somebody asked for, inside the caller's transaction; returns its number."""
    wishes = {"newsletters": list(wish.newsletters), "locale": wish.locale, "address": wish.address}
    return database.insert(
        "INSERT INTO confirmation (subscriber_id, kind, wishes, consent, asked_at) VALUES (?, ?, ?, ?, ?)",
        (subscriber_id, kind, _dump(wishes), _dump(consent_to_facts(consent)), to_seconds(now)),
    )


def get_confirmation(database: Database, confirmation_id: int) -> Confirmation | None:
    """A request by its number, or None."""
    row = database.row("SELECT * FROM confirmation WHERE id = ?", (confirmation_id,))
    if row is None:
        return None
    wishes = json.loads(row["wishes"])
    return Confirmation(
        id=row["id"],
        subscriber_id=row["subscriber_id"],
        kind=ConfirmationKind(row["kind"]),
        wish=Wish(newsletters=tuple(wishes["newsletters"]), locale=wishes["locale"], address=wishes["address"]),
        consent=Consent(**json.loads(row["consent"])),
        asked_at=moment(row["asked_at"]),
        confirmed_at=to_moment(row["confirmed_at"]),
    )


def mark_confirmed(database: Database, confirmation_id: int, *, now: datetime) -> bool:
    """Note that a request was confirmed, inside the caller's transaction; False where it was before."""
    changed = database.execute(
        "UPDATE confirmation SET confirmed_at = ? WHERE id = ? AND confirmed_at IS NULL",
        (to_seconds(now), confirmation_id),
    )
    return changed > 0


def forget_unconfirmed(database: Database, *, before: datetime) -> int:
    """Forget people whom a form added and who never confirmed, and requests that were not confirmed.

    Events of these people keep what happened and when, and that they waited.

    Args:
        database: the workspace's database.
        before: what was asked for before this moment is forgotten.

    Returns:
        How many people were forgotten.
    """
    limit = to_seconds(before)
    with database.transaction():
        database.execute(_FORGET_WHAT_THEY_ASKED, {"limit": limit})
        forgotten = database.execute(f"DELETE FROM subscriber WHERE id IN ({_UNCONFIRMED})", {"limit": limit})
        database.execute("DELETE FROM confirmation WHERE confirmed_at IS NULL AND asked_at < ?", (limit,))
    return forgotten


def keep_wording(database: Database, version: str, words: str, *, now: datetime) -> None:
    """Keep the words behind a version, inside the caller's transaction."""
    database.execute(
        "INSERT OR IGNORE INTO consent_wording (version, words, first_shown_at) VALUES (?, ?, ?)",
        (version, words, to_seconds(now)),
    )


def get_wording(database: Database, version: str) -> str:
    """The words behind a version, or "" where there is none."""
    return str(database.value("SELECT words FROM consent_wording WHERE version = ?", (version,)) or "")


def consent_to_facts(consent: Consent) -> Mapping[str, str]:
    """Where and in which words, by name; without what is not known."""
    facts = {"form": consent.form, "client": consent.client, "wording": consent.wording}
    return {name: value for name, value in facts.items() if value}


def _dump(values: Mapping[str, object]) -> str:
    return json.dumps(values, ensure_ascii=False)


_UNCONFIRMED = """
SELECT id FROM subscriber WHERE state = 'pending' AND created_at < :limit
AND id IN (SELECT subscriber_id FROM confirmation)
AND NOT EXISTS (SELECT 1 FROM confirmation WHERE subscriber_id = subscriber.id AND asked_at >= :limit)
"""
_FORGET_WHAT_THEY_ASKED = f"""
UPDATE subscriber_event SET facts = json_patch('{{}}', json_object('state', json_extract(facts, '$.state')))
WHERE subscriber_id IN ({_UNCONFIRMED})
"""
