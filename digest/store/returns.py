"""What came back by mail, as rows: which messages were acted upon, how far mailboxes were read, who was taken out.

Everything that writes stands inside the caller's transaction.
"""

from dataclasses import dataclass
from datetime import datetime

from digest.model import SubscriberState
from digest.store.database import Database, moment, to_seconds
from digest.store.events import EVENT_OF_LEAVING, Event, EventKind, record_event

_RECENT_ISSUES = 400
"""Issues of one person that are looked back at: those of ten daily newsletters in more than a month."""


@dataclass(frozen=True, kw_only=True)
class Position:
    """How far a mailbox has been read."""

    mailbox: str
    """Names it: its host, user and folder, or its path."""
    validity: int
    """What the number counts from: with another one, reading begins anew (IMAP's UIDVALIDITY, RFC 3501 2.3.1.1)."""
    last: int
    """The last message: its UID, or in a file the byte behind it."""


def note_message(database: Database, digest: bytes, *, now: datetime) -> bool:
    """Keep that a message is acted upon; False where it was before."""
    return (
        database.execute(
            "INSERT OR IGNORE INTO inbound_message (digest, processed_at) VALUES (?, ?)", (digest, to_seconds(now))
        )
        > 0
    )


def forget_messages(database: Database, *, before: datetime) -> None:
    """Forget which messages were acted upon before a moment."""
    with database.transaction():
        database.execute("DELETE FROM inbound_message WHERE processed_at < ?", (to_seconds(before),))


def save_position(database: Database, position: Position) -> None:
    """Keep how far a mailbox has been read."""
    database.execute(
        """INSERT INTO inbound_position (mailbox, uid_validity, last_uid) VALUES (?, ?, ?)
        ON CONFLICT (mailbox) DO UPDATE SET uid_validity = excluded.uid_validity, last_uid = excluded.last_uid""",
        (position.mailbox, position.validity, position.last),
    )


def get_position(database: Database, mailbox: str) -> Position | None:
    """How far a mailbox was read, or None where it never was."""
    row = database.row("SELECT uid_validity, last_uid FROM inbound_position WHERE mailbox = ?", (mailbox,))
    return None if row is None else Position(mailbox=mailbox, validity=row["uid_validity"], last=row["last_uid"])


def name_issue(database: Database, issue_id: int) -> tuple[str, str]:
    """The newsletter and edition of an issue, as events have them; ("", "") where there is no such issue."""
    row = database.row("SELECT newsletter, edition FROM issue WHERE id = ?", (issue_id,))
    return ("", "") if row is None else (row["newsletter"], row["edition"])


@dataclass(frozen=True, kw_only=True)
class SentIssue:
    """An issue that one person was sent."""

    id: int
    newsletter: str
    edition: str
    """ISO 8601."""
    sent_at: datetime
    came_back: bool
    """Whether a soft bounce of it came."""


def list_sent_issues(database: Database, subscriber_id: int, *, since: datetime | None = None) -> tuple[SentIssue, ...]:
    """The issues that surely left for one person, the newest first.

    Args:
        database: the workspace's database.
        subscriber_id: the person.
        since: only those sent after that moment.
    """
    rows = database.rows(
        """WITH returned AS MATERIALIZED (
          SELECT newsletter, json_extract(facts, '$.edition') AS edition FROM subscriber_event
          WHERE subscriber_id = :person AND kind = 'soft-bounce')
        SELECT issue.id, newsletter, edition, updated_at, (newsletter, edition) IN returned AS came_back
        FROM delivery JOIN issue ON issue.id = issue_id
        WHERE subscriber_id = :person AND updated_at >= :since
          AND (delivery.state = 'sent' OR (newsletter, edition) IN returned)
        ORDER BY updated_at DESC, delivery.id DESC LIMIT :most""",
        {"person": subscriber_id, "since": to_seconds(since) if since else 0, "most": _RECENT_ISSUES},
    )
    return tuple(
        SentIssue(
            id=row["id"],
            newsletter=row["newsletter"],
            edition=row["edition"],
            sent_at=moment(row["updated_at"]),
            came_back=bool(row["came_back"]),
        )
        for row in rows
    )


def began_anew_at(database: Database, subscriber_id: int) -> datetime | None:
    """When a person last changed their address or came back: what was said of them before is about another mailbox."""
    value = database.value(
        "SELECT max(happened_at) FROM subscriber_event WHERE subscriber_id = ? AND kind IN (?, ?)",
        (subscriber_id, EventKind.ADDRESS_CHANGED, EventKind.REVIVED),
    )
    return None if value is None else moment(value)


def sent_at(database: Database, subscriber_id: int, issue_id: int) -> datetime | None:
    """When one person's copy of an issue got its state, or None where there is no such copy."""
    value = database.value(
        "SELECT updated_at FROM delivery WHERE issue_id = ? AND subscriber_id = ?", (issue_id, subscriber_id)
    )
    return None if value is None else moment(value)


def save_soft_bounces(database: Database, subscriber_id: int, *, count: int, since: datetime | None) -> None:
    """Keep how many issues in a row came back, and when the first of them was sent."""
    database.execute(
        "UPDATE subscriber SET soft_bounces = ?, soft_since = ? WHERE id = ?",
        (count, since and to_seconds(since), subscriber_id),
    )


def take_out_returned(database: Database, subscriber_id: int, state: SubscriberState, event: Event) -> None:
    """Let a person's state be what came back: bounced or complained. The event says why."""
    database.execute(
        "UPDATE subscriber SET state = ?, left_at = coalesce(left_at, ?) WHERE id = ?",
        (state, to_seconds(event.happened_at), subscriber_id),
    )
    record_event(
        database,
        subscriber_id,
        Event(
            kind=EVENT_OF_LEAVING[state], happened_at=event.happened_at, newsletter=event.newsletter, facts=event.facts
        ),
    )


@dataclass(frozen=True, kw_only=True)
class Refusals:
    """What servers refused for the sender's sake, of one reason."""

    reason: str
    """As `replies.ReplyKind` names it."""
    count: int
    example: str
    """One server's own words."""


def list_refusals(database: Database, *, since: datetime) -> tuple[Refusals, ...]:
    """The refusals after a moment, the most frequent reason first."""
    rows = database.rows(
        """SELECT coalesce(json_extract(facts, '$.reason'), '') AS reason, count(*) AS refusals,
          coalesce(max(json_extract(facts, '$.diagnostic')), '') AS example
        FROM subscriber_event WHERE happened_at > ? AND kind = 'blocked' GROUP BY 1 ORDER BY 2 DESC, 1""",
        (to_seconds(since),),
    )
    return tuple(Refusals(reason=row["reason"], count=row["refusals"], example=row["example"]) for row in rows)


def last_told_at(database: Database, subject: str) -> datetime | None:
    """When the operator was last told of something by mail."""
    value = database.value("SELECT told_at FROM operator_told WHERE subject = ?", (subject,))
    return None if value is None else moment(value)


def note_told(database: Database, subject: str, *, now: datetime) -> None:
    """Keep that the operator is told of something."""
    database.execute(
        "INSERT INTO operator_told (subject, told_at) VALUES (:subject, :now) "
        "ON CONFLICT (subject) DO UPDATE SET told_at = excluded.told_at",
        {"subject": subject, "now": to_seconds(now)},
    )
