"""Mailchimp: an archive with a file for each state, whose name begins with that state.

Its columns are those of real exports of 2013 to 2026; audiences add columns of their own in any place. Only the names
of the files tell people who subscribed from those who never did (customers of a shop, say): both have the same columns.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

from digest.audience.cells import from_cell, join_quoted, split_quoted
from digest.audience.shape import (
    UTC_ZONE,
    LeftOut,
    Person,
    Shape,
    Sheet,
    name_state,
    read_moment,
    read_name,
    read_text,
)
from digest.audience.wishes import Wishes
from digest.model import SubscriberState
from digest.source.files import Row

FILE_STATES = ("subscribed", "unsubscribed", "cleaned", "nonsubscribed", "archived", "transactional")
"""How the names of its files begin."""
FILE_OF_STATE = {
    SubscriberState.ACTIVE: "subscribed",
    SubscriberState.UNSUBSCRIBED: "unsubscribed",
    SubscriberState.BOUNCED: "cleaned",
    SubscriberState.COMPLAINED: "unsubscribed",  # with the reason, as Mailchimp has it
}
_STATE_OF_MOMENT = {"unsubscribed_at": "unsubscribed", "cleaned_at": "cleaned"}
_ABUSE = "ABUSE"
_NO_MOMENT = "0000-00-00 00:00:00"


def read_mailchimp(row: Row, sheet: Sheet) -> Wishes | LeftOut:
    """A row of one of Mailchimp's files."""
    optin, confirmed = _moment(row, "optin_time"), _moment(row, "confirm_time")
    status = _status_of(row, sheet)
    has_times = {"optin_time", "confirm_time"} & sheet.columns
    if not status and not sheet.state and has_times and optin is None is confirmed:
        return LeftOut(status="no opt-in")
    state = name_state(row, sheet, status)
    if isinstance(state, LeftOut):
        return state
    if state is SubscriberState.UNSUBSCRIBED and _ABUSE in row.text("reason").upper():
        state, status = SubscriberState.COMPLAINED, "unsubscribed for abuse"
    return Wishes(
        address=read_text(row, "address"),
        name=read_name(row),
        state=state,
        status=status,
        tags=split_quoted(from_cell(row.text("tags").strip())),
        consent_source=sheet.consent_source,
        consent_at=confirmed or optin,
    )


def _status_of(row: Row, sheet: Sheet) -> str:
    """The state, by the file's name, a column of it, or what only people in one state have; "" for none."""
    if by_name := _state_of_file(sheet.name):
        return by_name
    if "state" in sheet.columns:
        return row.text("state")
    for column, state in _STATE_OF_MOMENT.items():
        is_of_that_state = column in sheet.columns and not (sheet.columns & _STATE_OF_MOMENT.keys() - {column})
        if is_of_that_state or row.text(column):
            return state
    return ""


@lru_cache
def _state_of_file(name: str) -> str:
    return next((state for state in FILE_STATES if name.lower().startswith(state)), "")


def _moment(row: Row, name: str) -> datetime | None:
    """Its times are in UTC."""
    return None if row.text(name) == _NO_MOMENT else read_moment(row, name, UTC_ZONE)


def write_mailchimp(person: Person, _: ZoneInfo) -> Sequence[str]:
    """A person in the columns of the file of their state; the whole name is in the first of the two fields."""
    subscriber = person.subscriber
    agreed = _written(subscriber.consent_at)
    left = _written(subscriber.left_at or subscriber.created_at)
    return (
        subscriber.address,
        subscriber.name,
        "",
        agreed,
        agreed,
        left if subscriber.state in _LEFT else "",
        _ABUSE if subscriber.state is SubscriberState.COMPLAINED else "",
        left if subscriber.state is SubscriberState.BOUNCED else "",
        join_quoted(person.tags),
    )


_LEFT = (SubscriberState.UNSUBSCRIBED, SubscriberState.COMPLAINED)


def _written(moment: datetime | None) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S}" if moment else ""


MAILCHIMP = Shape(
    name="mailchimp",
    title="Mailchimp",
    columns={
        "address": ("email address", "email"),
        "name": ("name", "full name", "이름"),
        "first_name": ("first name",),
        "last_name": ("last name",),
        "state": ("email marketing status", "status"),
        "optin_time": ("optin_time",),
        "confirm_time": ("confirm_time",),
        "unsubscribed_at": ("unsub_time",),
        "cleaned_at": ("clean_time",),
        "reason": ("unsub_reason",),
        "tags": ("tags",),
    },
    marks=tuple(
        frozenset(columns)
        for columns in (
            ("member_rating",),
            ("optin_time",),
            ("confirm_time",),
            ("unsub_time",),
            ("clean_time",),
            ("leid", "euid"),
        )
    ),
    read=read_mailchimp,
    exported=(
        "Email Address",
        "First Name",
        "Last Name",
        "OPTIN_TIME",
        "CONFIRM_TIME",
        "UNSUB_TIME",
        "UNSUB_REASON",
        "CLEAN_TIME",
        "TAGS",
    ),
    write=write_mailchimp,
)
