"""From a frozen variant and a subscriber to the bytes that are handed over; rendering is done by then."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from email.headerregistry import Address

from digest.deliver.transport import Envelope
from digest.mail.links import Purpose, SignedLink, make_message_id, sign_link
from digest.mail.message import Letter, Masthead, build_message
from digest.render.links import clean_url
from digest.render.slots import SlottedText, SlotValues, as_line, escape_html
from digest.settings import NewsletterSettings, SiteSettings, parse_mailbox


@dataclass(frozen=True, kw_only=True)
class Reader:
    """Whom a message is for."""

    subscriber_id: int
    """0 in previews and test sends: nobody, so the links in it change nothing."""
    address: str
    name: str = ""


@dataclass(frozen=True, kw_only=True)
class VariantBody:
    """A variant's rendering, split once at its slots."""

    subject: str
    html: SlottedText
    text: SlottedText


@dataclass(frozen=True, kw_only=True)
class Letterhead:
    """What the messages of one issue share."""

    site: SiteSettings
    newsletter: NewsletterSettings
    edition: date
    issue_id: int
    """0 where nothing is frozen: a preview."""
    date: datetime
    """The Date of every message."""
    key: bytes
    """The workspace's signing key."""
    bodies: Mapping[str, VariantBody]
    """By variant key."""


@dataclass(frozen=True, kw_only=True)
class OutgoingMessage:
    """A message with its envelope."""

    envelope: Envelope
    content: bytes


def split_body(subject: str, html: str, text: str, nonce: str) -> VariantBody:
    """A rendering, split at its slots."""
    return VariantBody(
        subject=subject,
        html=SlottedText.split(html, nonce, escape_html),
        text=SlottedText.split(text, nonce, as_line),
    )


def write_message(letterhead: Letterhead, variant: str, reader: Reader) -> OutgoingMessage:
    """The message for one reader. The same values give the same bytes."""
    body = letterhead.bodies[variant]
    sender = letterhead.newsletter.mailbox
    values = slot_values(letterhead, reader)
    content = build_message(
        _masthead(letterhead, body.subject),
        Letter(
            recipient=_to_mailbox(reader),
            message_id=make_message_id(
                letterhead.key,
                letterhead.newsletter.slug,
                letterhead.edition.isoformat(),
                reader.subscriber_id or reader.address,
                sender.domain,
            ),
            unsubscribe_url=values.unsubscribe_url,
            unsubscribe_mailto=letterhead.site.unsubscribe_mailto,
            html=body.html.fill(values),
            text=body.text.fill(values),
        ),
    )
    envelope = Envelope(sender=f"{sender.username}@{sender.domain}", recipient=reader.address)
    return OutgoingMessage(envelope=envelope, content=content)


def slot_values(letterhead: Letterhead, reader: Reader) -> SlotValues:
    """What goes into the slots for one reader."""
    site, newsletter = letterhead.site, letterhead.newsletter
    tokens = {
        purpose: sign_link(
            letterhead.key,
            SignedLink(purpose=purpose, subscriber_id=reader.subscriber_id, issue_id=letterhead.issue_id),
        )
        for purpose in Purpose
    }
    base = site.base_url(newsletter.mailbox.domain)
    unsubscribe = site.unsubscribe_url or f"{base}/unsubscribe/{{token}}"
    preferences = site.preferences_url or f"{base}/preferences/{{token}}"
    return SlotValues(
        unsubscribe_url=clean_url(unsubscribe.replace("{token}", tokens[Purpose.UNSUBSCRIBE])),
        preferences_url=clean_url(preferences.replace("{token}", tokens[Purpose.PREFERENCES])),
        address=reader.address,
    )


def _masthead(letterhead: Letterhead, subject: str) -> Masthead:
    newsletter = letterhead.newsletter
    return Masthead(
        sender=newsletter.mailbox,
        reply_to=parse_mailbox(newsletter.reply_to) if newsletter.reply_to else None,
        subject=subject,
        date=letterhead.date,
        list_id=f"{newsletter.slug}.{newsletter.mailbox.domain}",
        list_name=newsletter.title,
    )


def _to_mailbox(reader: Reader) -> Address:
    local, _, domain = reader.address.rpartition("@")
    # An address object refuses line ends in a name, and one odd name must not stop an issue.
    return Address(display_name=" ".join(reader.name.split()), username=local, domain=domain)
