"""What a message that came in says, as values. It is a claim: who acts upon it checks whose message it was."""

from dataclasses import dataclass
from enum import StrEnum


class ReportKind(StrEnum):
    """What is said about one person."""

    HARD = "hard"
    """Their mailbox refuses mail for good: there is none, or it is closed."""
    SOFT = "soft"
    """Their mailbox refused a mail for now, or for a reason that may pass."""
    BLOCKED = "blocked"
    """A server refused it for the sender's sake; the person has done nothing."""
    COMPLAINT = "complaint"
    """They marked it as spam, or their provider tells of it so (RFC 5965)."""
    UNSUBSCRIBE = "unsubscribe"
    """They ask to get no more."""
    AUTO_REPLY = "auto-reply"
    """A program answered for them: on holiday, received, a new address."""
    UNKNOWN = "unknown"
    """Something was said of a delivery that asks for nothing."""


@dataclass(frozen=True, kw_only=True)
class Report:
    """What a message says about one person."""

    recipient: str
    """The address it is about, as it was found; "" where none was."""
    kind: ReportKind
    reason: str
    """Of bounces a `ReplyKind`; of complaints the feedback type; else a word for what it is."""
    status: str = ""
    """Enhanced status code (RFC 3463), or ""."""
    diagnostic: str = ""
    """The server's own words, in one line."""


@dataclass(frozen=True, kw_only=True)
class InboundMessage:
    """A whole message that came in."""

    digest: bytes
    """SHA-256 of what does not change on its way: a second copy has the same."""
    reports: tuple[Report, ...] = ()
    """One for each person it tells of; none for a letter of a person, and for what is no mail at all."""
    marks: tuple[str, ...] = ()
    """What may be marks of our messages, from the return path and from the returned headers; to be verified."""
    message_ids: tuple[str, ...] = ()
    """Ids of messages it is about, without brackets."""
    tokens: tuple[str, ...] = ()
    """What may be tokens of our unsubscribe links; to be verified."""
    sender: str = ""
    """The address in From, lower-case."""
    is_delay: bool = False
    """Whether it only warns that a delivery is late: the server still tries."""
