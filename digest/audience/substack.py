"""Substack: one file, of the archive of everything or of the page of subscribers.

The archive's has `active_subscription`, which tells who pays, and `email_disabled`, which tells who gets no mail; the
page's has `Start date` and many columns of figures. Whoever has left is in neither. `Cancel date` is the end of a paid
subscription: its reader stays a free one.
"""

from collections.abc import Sequence
from zoneinfo import ZoneInfo

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


def read_substack(row: Row, sheet: Sheet) -> Wishes | LeftOut:
    """A row of Substack's."""
    is_disabled = is_yes(row.text("disabled"))
    state = SubscriberState.UNSUBSCRIBED if is_disabled else name_state(row, sheet, "")
    if isinstance(state, LeftOut):
        return state
    return Wishes(
        address=read_text(row, "address"),
        name=read_name(row),
        state=state,
        status="email disabled" if is_disabled else "",
        consent_source=sheet.consent_source,
        consent_at=read_moment(row, "consent_at", UTC_ZONE),
    )


def write_substack(person: Person, _: ZoneInfo) -> Sequence[str]:
    """A person in the columns of the archive; nobody pays here."""
    subscriber = person.subscriber
    agreed = f"{subscriber.consent_at or subscriber.created_at:%Y-%m-%dT%H:%M:%S.000Z}"
    is_disabled = subscriber.state is not SubscriberState.ACTIVE
    return (subscriber.address, subscriber.name, "false", "", "free", str(is_disabled).lower(), agreed, "")


SUBSTACK = Shape(
    name="substack",
    title="Substack",
    columns={
        "address": ("email",),
        "name": ("name",),
        "disabled": ("email_disabled",),
        "consent_at": ("created_at", "start date"),
    },
    marks=tuple(
        frozenset(columns)
        for columns in (
            ("email", "active_subscription"),
            ("email", "email_disabled"),
            ("email", "start date", "subscription source (free)"),
            ("email", "start date", "stripe plan"),
            ("email", "start date", "type"),
            ("email", "emails received (6mo)"),
        )
    ),
    read=read_substack,
    exported=(
        "email",
        "name",
        "active_subscription",
        "expiry",
        "plan",
        "email_disabled",
        "created_at",
        "first_payment_at",
    ),
    write=write_substack,
)
