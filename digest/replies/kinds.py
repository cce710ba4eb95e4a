"""What a server's reply can mean, and what follows from each meaning. How a reply is read is in `classify`."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class ReplyKind(StrEnum):
    """What a server's reply says about a message."""

    DELIVERED = "delivered"
    """The server took responsibility for it."""
    RECIPIENT_UNKNOWN = "recipient_unknown"
    """There is no such mailbox."""
    HOST_UNKNOWN = "host_unknown"
    """The address's domain does not exist, or has no mail server."""
    MOVED = "moved"
    """The mailbox is elsewhere now, under an address we do not have."""
    NOT_ACCEPTING = "not_accepting"
    """The mailbox or its host accepts no mail for good: closed, disabled, inactive."""
    MAILBOX_FULL = "mailbox_full"
    """The mailbox has no room."""
    TOO_LARGE = "too_large"
    """The message is larger than the server or the mailbox takes."""
    THROTTLED = "throttled"
    """Too many or too fast: rate limits, greylisting, too many connections, "try again later"."""
    BLOCKED = "blocked"
    """Our server's address or name is refused: its reputation, a blocklist."""
    SPAM = "spam"
    """The contents are taken for spam, or for something harmful."""
    AUTHENTICATION = "authentication"
    """The DNS does not prove who we are: SPF, DKIM, DMARC, reverse DNS."""
    POLICY = "policy"
    """A rule of the receiver forbids the message: its form, its headers, an administrator's choice."""
    RELAY_DENIED = "relay_denied"
    """Our relay refuses to work for us: no login, a sender it does not know, a used-up quota, a command out of turn."""
    TEMPORARY = "temporary"
    """Not now, for a reason that is not ours; or what became of it is not known."""
    PERMANENT_UNKNOWN = "permanent_unknown"
    """Never, and the reply does not say why in a way we understand."""

    @property
    def words(self) -> str:
        """Its name as people read it."""
        return self.replace("_", " ")


@dataclass(frozen=True, kw_only=True)
class Consequence:
    """What follows from one kind of reply."""

    suppress: bool = False
    """Whether the address is never mailed again. A reply is of such a kind only where it is final (5xx)."""
    retry: bool = False
    """Whether the same message may well be taken later with nothing changed. (Any 4xx is tried again.)"""
    counts_against_sender: bool = False
    """Whether the sender is at fault: when most of the recent replies are such, the issue pauses."""
    advice: str
    """What the operator does about it."""


CONSEQUENCES: Mapping[ReplyKind, Consequence] = {
    ReplyKind.DELIVERED: Consequence(advice="Nothing."),
    ReplyKind.RECIPIENT_UNKNOWN: Consequence(
        suppress=True, advice="Nothing; many of them mean that the list is old or was not confirmed."
    ),
    ReplyKind.HOST_UNKNOWN: Consequence(suppress=True, advice="Nothing; look for typing errors in the domain."),
    ReplyKind.MOVED: Consequence(suppress=True, advice="Nothing; the reader subscribes with the new address."),
    ReplyKind.NOT_ACCEPTING: Consequence(suppress=True, advice="Nothing."),
    ReplyKind.MAILBOX_FULL: Consequence(retry=True, advice="Nothing; the next issue tries again."),
    ReplyKind.TOO_LARGE: Consequence(advice="Fewer articles or shorter excerpts; `digest check` tells the size."),
    ReplyKind.THROTTLED: Consequence(
        retry=True, advice="Nothing; where it lasts, fewer `connections`, a `rate`, or a limit in `domain_rates`."
    ),
    ReplyKind.BLOCKED: Consequence(
        counts_against_sender=True,
        advice="Follow the link in the reply; ask for the address to be taken off the list; send less for a while.",
    ),
    ReplyKind.SPAM: Consequence(
        counts_against_sender=True,
        advice="Look at the words and links with `digest check`; mail only people who asked for it.",
    ),
    ReplyKind.AUTHENTICATION: Consequence(
        counts_against_sender=True, advice="Mend SPF, DKIM, DMARC or the reverse DNS of the sending address."
    ),
    ReplyKind.POLICY: Consequence(
        counts_against_sender=True, advice="Read the reply: it names the rule; ask that server's postmaster."
    ),
    ReplyKind.RELAY_DENIED: Consequence(
        counts_against_sender=True,
        advice="Check `[delivery]` (user, password, host), the sender's address, and the relay's limits.",
    ),
    ReplyKind.TEMPORARY: Consequence(retry=True, advice="Nothing; it is tried again."),
    ReplyKind.PERMANENT_UNKNOWN: Consequence(advice="Read the reply; the next issue tries again."),
}
