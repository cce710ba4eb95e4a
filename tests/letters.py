"""Whole messages from their parts, by the way of the product: what tests read, check and show."""

from dataclasses import dataclass, replace
from email.headerregistry import Address

from digest.mail.assembly import HTML_TYPE, TEXT_TYPE, Heading, Masthead, MessageTemplate, PartTemplate


@dataclass(frozen=True, kw_only=True)
class Letter:
    """What differs from one message to the next."""

    recipient: Address
    message_id: str
    """With its angle brackets."""
    unsubscribe_url: str
    """https; also what List-Unsubscribe-Post acts on (RFC 8058)."""
    unsubscribe_mailto: str
    """Address that takes unsubscribe requests, or ""."""
    html: str
    text: str


def build_message(masthead: Masthead, letter: Letter) -> bytes:
    """The message, with CRLF line ends. The same values give the same bytes.

    Raises:
        RenderError: an address or a link could end its header.
    """
    template = MessageTemplate(
        replace(masthead, unsubscribe_mailto=letter.unsubscribe_mailto),
        PartTemplate(TEXT_TYPE, [letter.text]),
        PartTemplate(HTML_TYPE, [letter.html]),
    )
    heading = Heading(
        address=letter.recipient.addr_spec,
        name=letter.recipient.display_name,
        message_id=letter.message_id,
        unsubscribe_url=letter.unsubscribe_url,
    )
    return template.write(heading, {})
