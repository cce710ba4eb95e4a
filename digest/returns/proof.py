"""Whom a returned message is about, and how surely that is known.

Anybody can write a bounce of anybody's mail. What they cannot write is what stood in our message alone: its mark, a
token, or its Message-ID, each an HMAC that nobody else has seen but the servers on its way and its reader.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from digest.address import normalise_address
from digest.app import App
from digest.errors import AddressError
from digest.mail.inbound.report import InboundMessage
from digest.mail.links import Purpose, make_message_id
from digest.model import Subscriber
from digest.store.returns import list_sent_issues
from digest.store.subscribers import get_subscriber, get_subscriber_by_id

_REMEMBERED = timedelta(days=90)
"""Message-IDs of issues sent before that are not looked for."""


class Proof(StrEnum):
    """What ties a message to a person, the surest first."""

    TOKEN = "token"  # noqa: S105 - a word
    """That of an unsubscribe link of theirs."""
    MARK = "mark"
    """That of a message to them: from its return path, or its X-Digest-Delivery."""
    MESSAGE_ID = "Message-ID"
    """That of a message to them."""
    SOURCE = "source"
    """Their address, told by whom we know: a signed or secret webhook."""
    ADDRESS = "address"
    """Their address alone: no proof."""


@dataclass(frozen=True, kw_only=True)
class Finding:
    """The person a message is about."""

    person: Subscriber | None
    """None where they were erased, or nobody has the address."""
    proof: Proof
    issue_id: int = 0
    """The issue it is about; 0 where that is not known, or it is about a mail outside of any."""

    @property
    def is_proven(self) -> bool:
        """Whether more than an address ties the message to them."""
        return self.proof is not Proof.ADDRESS


def find_marked(app: App, message: InboundMessage) -> Finding | None:
    """By the mark of our message, or None where the message has none of ours."""
    keyring = app.keyring
    link = next((link for mark in message.marks if (link := keyring.read_mark(mark))), None)
    if link is None or not link.subscriber_id:
        return None
    person = get_subscriber_by_id(app.database, link.subscriber_id)
    return Finding(person=person, proof=Proof.MARK, issue_id=link.issue_id)


def find_by_token(app: App, message: InboundMessage) -> Finding | None:
    """By the token of an unsubscribe link, or None where the message has none of ours."""
    keyring = app.keyring
    for token in message.tokens:
        link = keyring.read_link(token)
        if link is not None and link.purpose is Purpose.UNSUBSCRIBE and link.subscriber_id:
            person = get_subscriber_by_id(app.database, link.subscriber_id)
            return Finding(person=person, proof=Proof.TOKEN, issue_id=link.issue_id)
    return None


def find_addressed(app: App, message: InboundMessage, address: str, *, is_known_source: bool) -> Finding:
    """By an address, with a Message-ID of a mail to that address where the message names one.

    Args:
        app: the workspace.
        message: the whole message.
        address: as it stands in the message.
        is_known_source: whether the message came from where nobody else can write.
    """
    person = _with_address(app, address)
    if person is None:
        return Finding(person=None, proof=Proof.SOURCE if is_known_source else Proof.ADDRESS)
    issue_id = _issue_named(app, message, person)
    if issue_id:
        return Finding(person=person, proof=Proof.MESSAGE_ID, issue_id=issue_id)
    return Finding(person=person, proof=Proof.SOURCE if is_known_source else Proof.ADDRESS)


def _with_address(app: App, address: str) -> Subscriber | None:
    try:
        return get_subscriber(app.database, normalise_address(address))
    except AddressError:
        return None


def _issue_named(app: App, message: InboundMessage, person: Subscriber) -> int:
    """The issue whose Message-ID to this person the message names, 0 for none.

    The part behind the @ is the sender's domain at that time; the HMAC before it says all.
    """
    named = {message_id.strip("<>").partition("@")[0] for message_id in message.message_ids}
    return next((issue for issue, local in _message_ids(app, person) if local in named), 0) if named else 0


def _message_ids(app: App, person: Subscriber) -> Iterator[tuple[int, str]]:
    """The parts before the @ of what this person was sent, the newest first."""
    for issue in list_sent_issues(app.database, person.id, since=app.clock.now() - _REMEMBERED):
        whole = make_message_id(app.key, issue.newsletter, issue.edition, person.id, "")
        yield issue.id, whole.strip("<>").rstrip("@")
