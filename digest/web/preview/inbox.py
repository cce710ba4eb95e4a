"""Inbox rows: what named clients show of a message before it is opened.

No client publishes its figures, and each depends on window and font, so every one is approximate. They count columns of
half an em, in which Hangul takes two and an average Latin letter one: a row's pixels divided by half its type size.
"""

from dataclasses import dataclass

import wcwidth

from digest.render.width import ELLIPSIS, display_width
from digest.web.preview.parts import Parts

WIDE_SCREEN, PHONE_SCREEN = 1280, 375
"""Pixels."""
_SEPARATOR = 3
"""Columns of " - " where subject and preheader share a line."""


@dataclass(frozen=True, kw_only=True)
class InboxClient:
    """How one client's list cuts, in columns."""

    name: str
    screen: int
    """Width of the screen in pixels."""
    sender: int
    subject: int
    """Or, where the line is shared, of subject and preheader together."""
    preheader: int = 0
    """Over all of its lines; 0 where the list shows none."""
    shares_line: bool = False
    """The preheader takes what the subject leaves of its line."""
    basis: str
    """Where the figures come from."""


@dataclass(frozen=True, kw_only=True)
class InboxRow:
    """What one client shows of a message."""

    client: InboxClient
    sender: str
    subject: str
    preheader: str
    """With what follows it in the body, where there is room for that; "" where the list shows none."""
    cut: tuple[str, ...]
    """Which of "sender", "subject" and "preheader" are cut. The preheader is only where its own words are."""


CLIENTS = (
    InboxClient(
        name="Gmail (web)",
        screen=WIDE_SCREEN,
        sender=24,
        subject=93,
        shares_line=True,
        basis="14 px type: 168 px of sender; about 650 px of 1280 are left for subject and preheader "
        "together beside navigation, marks and date (themarketer.com measured 97 characters)",
    ),
    InboxClient(
        name="Gmail (app)",
        screen=PHONE_SCREEN,
        sender=30,
        subject=40,
        preheader=38,
        basis="14 px type on 285 px beside the avatar, a line each; about 40 characters of subject by several tests",
    ),
    InboxClient(
        name="iOS Mail",
        screen=PHONE_SCREEN,
        sender=28,
        subject=46,
        preheader=95,
        basis="emailtooltester.com measured 48 and 99 on an iPhone 14 of 390 px; two lines of preheader by default",
    ),
    InboxClient(
        name="Outlook",
        screen=WIDE_SCREEN,
        sender=34,
        subject=34,
        preheader=38,
        basis="a message list of about 340 px in 14 px type, three lines, the date on the second; "
        "themarketer.com measured 35 characters of preheader on Windows",
    ),
    InboxClient(
        name="네이버 메일 (web)",
        screen=WIDE_SCREEN,
        sender=22,
        subject=100,
        basis="13 px type: about 150 px of sender and 650 px of subject beside navigation, marks, date and size; "
        "no preheader in the default list",
    ),
    InboxClient(
        name="네이버 메일 (app)",
        screen=PHONE_SCREEN,
        sender=30,
        subject=40,
        preheader=44,
        basis="16 px type for the subject and 14 px for the text below, on about 315 px",
    ),
    InboxClient(
        name="다음 메일 (web)",
        screen=WIDE_SCREEN,
        sender=20,
        subject=100,
        basis="13 px type: about 130 px of sender and 650 px of subject; no preheader in the list",
    ),
)


def inbox_rows(parts: Parts) -> tuple[InboxRow, ...]:
    """The message in the list of each client, in the order of `CLIENTS`."""
    return tuple(_row(parts, client) for client in CLIENTS)


def _row(parts: Parts, client: InboxClient) -> InboxRow:
    sender = _cut(parts.sender_name or parts.sender_address, client.sender)
    subject = _cut(parts.subject, client.subject)
    room = client.subject - display_width(subject) - _SEPARATOR if client.shares_line else client.preheader
    preheader = _cut(parts.snippet, max(room, 0))
    is_cut = {
        "sender": sender != (parts.sender_name or parts.sender_address),
        "subject": subject != parts.subject,
        "preheader": (client.shares_line or room > 0) and display_width(parts.preheader) > room,
    }
    return InboxRow(
        client=client,
        sender=sender,
        subject=subject,
        preheader=preheader,
        cut=tuple(name for name, cut in is_cut.items() if cut),
    )


def _cut(text: str, columns: int) -> str:
    """At most so many columns, cut between any two characters as browsers cut, with an ellipsis."""
    if display_width(text) <= columns:
        return text
    kept, room = "", columns - display_width(ELLIPSIS)
    for grapheme in wcwidth.iter_graphemes(text):
        room -= display_width(grapheme)
        if room < 0:
            break
        kept += grapheme
    return kept.rstrip() + ELLIPSIS if columns > 0 else ""
