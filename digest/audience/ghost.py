"""Ghost: one file of members; not all of them get mail (`subscribed_to_emails`)."""

from collections.abc import Sequence
from zoneinfo import ZoneInfo

from digest.audience.cells import from_cell, split_words
from digest.audience.shape import (
    UTC_ZONE,
    LeftOut,
    Person,
    Shape,
    Sheet,
    is_yes,
    name_state,
    read_moment,
    read_name,
    read_text,
)
from digest.audience.wishes import Wishes
from digest.model import SubscriberState
from digest.source.files import Row


def read_ghost(row: Row, sheet: Sheet) -> Wishes | LeftOut:
    """A row of Ghost's."""
    if row.text("deleted_at").strip():
        return LeftOut(status="deleted")
    state = _state_of(row, sheet)
    if isinstance(state, LeftOut):
        return state
    return Wishes(
        address=read_text(row, "address"),
        name=read_name(row),
        state=state,
        status="not subscribed to emails" if state is SubscriberState.UNSUBSCRIBED else "",
        tags=split_words(from_cell(row.text("tags").strip())),
        consent_source=sheet.consent_source,
        consent_at=read_moment(row, "consent_at", UTC_ZONE),
    )


def _state_of(row: Row, sheet: Sheet) -> SubscriberState | LeftOut:
    """What the column says; a file without it, as people write for Ghost's import, has readers."""
    if "subscribed" not in sheet.columns:
        return name_state(row, sheet, "")
    answer = row.text("subscribed").strip()
    if not answer:
        return LeftOut(status="subscribed_to_emails is empty")
    return SubscriberState.ACTIVE if is_yes(answer) else SubscriberState.UNSUBSCRIBED


def write_ghost(person: Person, _: ZoneInfo) -> Sequence[str]:
    """A person in the columns of Ghost's import; labels are parted by commas, which none of them can hold."""
    subscriber = person.subscriber
    is_reader = subscriber.state is SubscriberState.ACTIVE
    agreed = f"{subscriber.consent_at or subscriber.created_at:%Y-%m-%dT%H:%M:%S.000Z}"
    labels = ",".join(tag.replace(",", " ") for tag in person.tags)
    name = subscriber.name
    return ("", subscriber.address, name, "", str(is_reader).lower(), "false", "", agreed, "", labels, "")


GHOST = Shape(
    name="ghost",
    title="Ghost",
    columns={
        "address": ("email",),
        "name": ("name",),
        "subscribed": ("subscribed_to_emails", "subscribed"),
        "consent_at": ("created_at",),
        "deleted_at": ("deleted_at",),
        "tags": ("labels",),
    },
    marks=(frozenset({"email", "subscribed_to_emails"}),),
    read=read_ghost,
    exported=(
        "id",
        "email",
        "name",
        "note",
        "subscribed_to_emails",
        "complimentary_plan",
        "stripe_customer_id",
        "created_at",
        "deleted_at",
        "labels",
        "tiers",
    ),
    write=write_ghost,
)
