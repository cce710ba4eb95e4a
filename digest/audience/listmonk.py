"""listmonk: one file with a status for the person as a whole; who left a single list is not in it.

What has no column there is an object `digest` among the attributes, which listmonk keeps and writes out again.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from digest.audience.cells import from_cell, split_words
from digest.audience.shape import UTC_ZONE, LeftOut, Person, Shape, Sheet, name_state, read_name, read_text
from digest.audience.wishes import Wishes
from digest.model import SubscriberState
from digest.source.files import Row
from digest.source.moments import parse_moment

_OURS = "digest"
_BLOCKED = (SubscriberState.UNSUBSCRIBED, SubscriberState.BOUNCED, SubscriberState.COMPLAINED)


def read_listmonk(row: Row, sheet: Sheet) -> Wishes | LeftOut:
    """A row of listmonk's."""
    status = row.text("state")
    state = name_state(row, sheet, status)
    if isinstance(state, LeftOut):
        return state
    attributes = _parse_attributes(row)
    ours = attributes.get(_OURS)
    kept = ours if isinstance(ours, dict) else {}
    if state is SubscriberState.UNSUBSCRIBED and kept.get("state") in _BLOCKED:
        state = SubscriberState(kept["state"])
    return Wishes(
        address=read_text(row, "address"),
        name=read_name(row),
        locale=_text_of(kept, "locale"),
        timezone=_text_of(kept, "timezone"),
        newsletters=_texts_of(kept, "newsletters") or None,
        sections=_texts_of(kept, "sections") or None,
        state=state,
        status=status.strip(),
        tags=(*_texts_of(attributes, "tags"), *split_words(from_cell(row.text("lists").strip()))),
        consent_source=sheet.consent_source,
        consent_at=_moment(row),
    )


def _parse_attributes(row: Row) -> Mapping[str, Any]:
    text = row.listed("attributes").strip()
    try:
        found = json.loads(text or "{}")
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise row.error("attributes", f"{text[:60]!r} is no JSON object")
    return found


def _text_of(values: Mapping[str, Any], name: str) -> str | None:
    found = values.get(name)
    return found if isinstance(found, str) and found else None


def _texts_of(values: Mapping[str, Any], name: str) -> tuple[str, ...]:
    found = values.get(name)
    return tuple(word for word in found if isinstance(word, str)) if isinstance(found, list) else ()


def _moment(row: Row) -> datetime | None:
    """Go writes `2024-05-01 09:00:00.123 +0000 UTC`: the name of the zone comes after its offset."""
    text = " ".join(row.text("consent_at").split()[:3])
    try:
        return parse_moment(text, UTC_ZONE) if text else None
    except ValueError as error:
        raise row.error("consent_at", str(error)) from error


def write_listmonk(person: Person, _: ZoneInfo) -> Sequence[str]:
    """A person in listmonk's columns."""
    subscriber = person.subscriber
    agreed = f"{(subscriber.consent_at or subscriber.created_at).astimezone(UTC):%Y-%m-%d %H:%M:%S} +0000 UTC"
    attributes = json.dumps(_attributes_of(person), ensure_ascii=False)
    status = "enabled" if subscriber.state is SubscriberState.ACTIVE else "blocklisted"
    return ("", subscriber.address, subscriber.name, attributes, status, agreed, agreed)


def _attributes_of(person: Person) -> Mapping[str, Any]:
    subscriber = person.subscriber
    ours = {
        "state": subscriber.state,
        "locale": subscriber.locale,
        "timezone": subscriber.timezone,
        "newsletters": [subscription.newsletter for subscription in subscriber.subscriptions],
        "sections": sorted({section for each in subscriber.subscriptions for section in each.sections}),
    }
    values = {"tags": list(person.tags), _OURS: {name: value for name, value in ours.items() if value}}
    return {name: value for name, value in values.items() if value}


LISTMONK = Shape(
    name="listmonk",
    title="listmonk",
    columns={
        "address": ("email",),
        "name": ("name",),
        "attributes": ("attributes", "attribs"),
        "state": ("status",),
        "lists": ("lists",),
        "consent_at": ("created_at",),
    },
    marks=(frozenset({"email", "attributes"}), frozenset({"email", "uuid", "status"})),
    read=read_listmonk,
    exported=("uuid", "email", "name", "attributes", "status", "created_at", "updated_at"),
    write=write_listmonk,
)
