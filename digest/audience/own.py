"""Our own columns, and plain lists that have some of them."""

from collections.abc import Sequence
from zoneinfo import ZoneInfo

from digest.audience.cells import join_list, read_list
from digest.audience.shape import LeftOut, Person, Shape, Sheet, name_state, read_moment, read_name, read_text
from digest.audience.wishes import Wishes
from digest.source.files import Row

EXPORTED = (
    "address",
    "name",
    "locale",
    "timezone",
    "state",
    "newsletters",
    "sections",
    "tags",
    "consent_source",
    "consent_at",
    "created_at",
    "left_at",
)
ADDRESS_NAMES = ("address", "email", "email address", "e-mail", "이메일 주소", "이메일주소", "이메일")


def read_own(row: Row, sheet: Sheet) -> Wishes | LeftOut:
    """A row of a plain list."""
    status = row.text("state")
    state = name_state(row, sheet, status)
    if isinstance(state, LeftOut):
        return state
    return Wishes(
        address=read_text(row, "address"),
        name=read_name(row),
        locale=row.text("locale").strip() or None,
        timezone=row.text("timezone").strip() or None,
        newsletters=read_list(row, "newsletters") or None,
        sections=read_list(row, "sections") or None,
        state=state,
        status=status.strip(),
        tags=read_list(row, "tags"),
        consent_source=read_text(row, "consent_source") or sheet.consent_source,
        consent_at=read_moment(row, "consent_at", sheet.timezone),
    )


def write_own(person: Person, _: ZoneInfo) -> Sequence[str]:
    """A person in our own columns."""
    subscriber = person.subscriber
    subscriptions = subscriber.subscriptions
    return (
        subscriber.address,
        subscriber.name,
        subscriber.locale,
        subscriber.timezone,
        subscriber.state,
        join_list([subscription.newsletter for subscription in subscriptions]),
        join_list(sorted({section for subscription in subscriptions for section in subscription.sections})),
        join_list(person.tags),
        subscriber.consent_source,
        subscriber.consent_at.isoformat() if subscriber.consent_at else "",
        subscriber.created_at.isoformat(),
        subscriber.left_at.isoformat() if subscriber.left_at else "",
    )


OWN = Shape(
    name="digest",
    title="plain columns",
    columns={
        "address": ADDRESS_NAMES,
        "name": ("name", "full name", "이름"),
        "first_name": ("first name", "first_name"),
        "last_name": ("last name", "last_name"),
        "locale": ("locale",),
        "timezone": ("timezone",),
        "state": ("state", "status", "구독 상태", "상태"),
        "newsletters": ("newsletters",),
        "sections": ("sections",),
        "tags": ("tags",),
        "consent_source": ("consent_source",),
        "consent_at": ("consent_at",),
    },
    read=read_own,
    exported=EXPORTED,
    write=write_own,
)
"""What is left when no other system is recognised."""
