"""From a frozen variant and a subscriber to the bytes that are handed over; rendering and encoding are done by then."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from email.headerregistry import Address
from functools import cached_property
from hashlib import sha256
from itertools import product
from typing import Literal

from digest.address import MAX_LOCAL_LENGTH
from digest.deliver.counted import COUNT_TOKEN, Counted
from digest.deliver.transport import Envelope, Parcel
from digest.errors import SettingsError
from digest.mail.assembly import (
    HTML_TYPE,
    STORIES,
    TEXT_TYPE,
    Heading,
    Masthead,
    MessageTemplate,
    PartTemplate,
    Piece,
    Segment,
    Slot,
    Stories,
)
from digest.mail.encoding import BASE64, QUOTED_PRINTABLE, Encoding, choose_encoding
from digest.mail.headers import clean_name
from digest.mail.links import MessageIds, Purpose, Tokens, TokenSigner
from digest.render.cut import Passing
from digest.render.cut import Segment as PageSegment
from digest.render.links import clean_url
from digest.render.pages import Leaves
from digest.render.slots import Slot as PageSlot
from digest.render.slots import SlottedText, SlotValues, as_line, escape_html
from digest.render.width import shorten
from digest.settings import NewsletterSettings, SiteSettings, parse_mailbox

NAME_COLUMNS = 40
"""Of a name in a body, Hangul taking two: one long line of a greeting still holds it."""
NAME_CHARACTERS = 80
"""Of a name in a body: signs that take no column, such as accents, may be without number."""
_SENDER_ID = range(5, 16)
"""Characters of the last name in a Feedback-ID, as Gmail wants them."""
_BOUNCE_TOKEN_LENGTH = 40
_TOKEN_OF = {"unsubscribe_url": "unsubscribe_token", "preferences_url": "preferences_token"}
"""Slots that are links, and what is a subscriber's own in them."""
_COUNT = int(Purpose.COUNT)
_KINDS = (TEXT_TYPE, HTML_TYPE)
_ENCODINGS = (BASE64, QUOTED_PRINTABLE)
_NO_STORIES = Stories()


@dataclass(frozen=True, kw_only=True)
class Reader:
    """Whom a message is for."""

    subscriber_id: int
    """0 in previews and test sends: nobody, so the links in it change nothing."""
    address: str
    name: str = ""
    """Any text, or "" where it is not known."""


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
    """The workspace's own key: Message-IDs come from it, and signatures where no other signs."""
    link_key: bytes = b""
    """The key that signs links and marks; b"" for the workspace's own."""
    bodies: Mapping[str, VariantBody]
    """By variant key."""
    own: Callable[[str], Leaves] | None = None
    """What a variant that is not among `bodies` shows: a reader's own choice of a page's articles."""
    is_automatic: bool = False
    """Whether the schedule sends the issue, and no person."""
    return_path: str = ""
    """Where bounces go; "" for the sender."""
    verp: bool = False
    """Whether each message has a return path of its own, by which its bounce is known."""
    precedence: Literal["", "bulk", "list"] = ""
    """The Precedence header, or "" for none."""
    counted: Counted | None = None
    """What is counted in its messages; None for nothing."""
    series: str = ""
    """What tells its Message-IDs from those of others; "" for the edition."""

    @cached_property
    def stationery(self) -> "Stationery":
        """What all of its messages need, set up when the first one is written."""
        return Stationery(self)


def split_body(subject: str, html: str, text: str, nonce: str) -> VariantBody:
    """A rendering, split at its slots."""
    return VariantBody(
        subject=subject,
        html=SlottedText.split(html, nonce, escape_html),
        text=SlottedText.split(text, nonce, as_line),
    )


class Stationery:
    """What is made once for an issue, so that a subscriber's message is only filled in."""

    def __init__(self, letterhead: Letterhead) -> None:
        self._letterhead = letterhead
        self._tokens = TokenSigner(letterhead.link_key or letterhead.key, letterhead.issue_id)
        self._counted = letterhead.counted
        site = letterhead.site
        base = site.base_url(letterhead.newsletter.mailbox.domain)
        self._unsubscribe = _TokenLink.around(site.unsubscribe_url or f"{base}/unsubscribe/{{token}}")
        self._preferences = _TokenLink.around(site.preferences_url or f"{base}/preferences/{{token}}")
        self._templates: dict[str, MessageTemplate] = {}
        self._shared = {
            (kind, encoding): _Shared(kind, encoding, self) for kind, encoding in product(_KINDS, _ENCODINGS)
        }
        self._own_templates: dict[tuple[Encoding, Encoding], MessageTemplate] = {}

    def write(self, variant: str, reader: Reader, delivery_id: int) -> Parcel:
        """The message for one reader."""
        tokens = self._tokens.sign(reader.subscriber_id)
        mark = tokens.bounce if reader.subscriber_id else ""
        template, subject, stories = self._open(variant)
        heading = Heading(
            address=reader.address,
            name=reader.name,
            message_id=self._message_ids.of(reader.subscriber_id or reader.address),
            unsubscribe_url=self._unsubscribe.with_token(tokens.unsubscribe),
            unsubscribe_token=tokens.unsubscribe,
            delivery_token=mark,
            subject=subject,
        )
        before, behind = self._return_path
        sender = f"{before}+{mark}{behind}" if mark and self._letterhead.verp else f"{before}{behind}"
        return Parcel(
            envelope=Envelope(sender=sender, recipient=reader.address),
            content=template.write(heading, self._values(reader, tokens), stories),
            delivery_id=delivery_id,
            is_plain=True,
        )

    def measure_html(self, body: VariantBody, reader: Reader) -> int:
        """The bytes of the encoded HTML part of a reader's message."""
        return self._part(HTML_TYPE, body.html).measure(self._values(reader, self._tokens.sign(reader.subscriber_id)))

    def targets(self, reader: Reader) -> Mapping[str, str]:
        """Where the counted links of a reader's message lead, by the address that stands in it."""
        if self._counted is None:
            return {}
        return self._counted.target_of(self._tokens.sign_link(_COUNT, reader.subscriber_id))

    def slot_values(self, reader: Reader) -> SlotValues:
        """What goes into the slots, with whole links."""
        tokens = self._tokens.sign(reader.subscriber_id)
        return SlotValues(
            address=reader.address,
            name=name_to_show(reader.name),
            unsubscribe_url=self._unsubscribe.with_token(tokens.unsubscribe),
            preferences_url=self._preferences.with_token(tokens.preferences),
        )

    def _part(self, content_type: str, text: SlottedText) -> PartTemplate:
        return PartTemplate(content_type, self._segments(content_type, text))

    def _values(self, reader: Reader, tokens: Tokens) -> dict[str, str]:
        """What goes into the slots; links are cut down to their tokens."""
        values = {
            "address": reader.address,
            "name": reader.name,
            "unsubscribe_token": tokens.unsubscribe,
            "preferences_token": tokens.preferences,
        }
        if self._counted is not None:
            values[COUNT_TOKEN] = self._tokens.sign_link(_COUNT, reader.subscriber_id)
        return values

    def _open(self, variant: str) -> tuple[MessageTemplate, str, Stories]:
        """What writes a variant, the subject and the stories that are its own."""
        if variant in self._templates:
            return self._templates[variant], "", _NO_STORIES
        if self._letterhead.own and variant not in self._letterhead.bodies:
            return self._open_own(self._letterhead.own(variant))
        body = self._letterhead.bodies[variant]
        self._templates[variant] = MessageTemplate(
            _masthead(self._letterhead, body.subject),
            self._part(TEXT_TYPE, body.text),
            self._part(HTML_TYPE, body.html),
        )
        return self._templates[variant], "", _NO_STORIES

    def _open_own(self, leaves: Leaves) -> tuple[MessageTemplate, str, Stories]:
        """The whole of both parts are stories: their slices are shared with the selections of other readers."""
        text = self._shared[TEXT_TYPE, choose_encoding(_texts(leaves.text))]
        html = self._shared[HTML_TYPE, choose_encoding(_texts(leaves.html))]
        encodings = text.encoding, html.encoding
        if encodings not in self._own_templates:
            masthead = _masthead(self._letterhead, leaves.subject)
            self._own_templates[encodings] = MessageTemplate(masthead, text.part, html.part)
        return (
            self._own_templates[encodings],
            leaves.subject,
            Stories(text.pieces(leaves.text), html.pieces(leaves.html)),
        )

    def _segments(self, content_type: str, text: SlottedText) -> Iterator[Segment]:
        first, *pieces = text.pieces
        yield from self.cut_text(first, content_type)
        for slot, piece in zip(text.slots, pieces, strict=True):
            yield from self.cut_slot(slot, text.escape)
            yield from self.cut_text(piece, content_type)

    def cut_text(self, text: str, content_type: str) -> tuple[str | Slot, ...]:
        """What stands between slots, cut where it is counted; plain text shows addresses as they are."""
        return self._counted.cut(text) if self._counted and content_type == HTML_TYPE else (text,)

    def cut_slot(self, slot: PageSlot, escape: Callable[[str], str]) -> tuple[str | Slot, ...]:
        """A slot; of a link all but the token is the same for everyone, and names are cleaned where they are shown."""
        if slot.name == "name":
            return (Slot(name="name", escape=lambda name: slot.fill(name_to_show(name), escape)),)
        if slot.name not in _TOKEN_OF:
            return (Slot(name=slot.name, escape=escape),)
        link = self._unsubscribe if slot.name == "unsubscribe_url" else self._preferences
        return escape(link.before), Slot(name=_TOKEN_OF[slot.name], escape=str), escape(link.behind)

    @cached_property
    def _message_ids(self) -> MessageIds:
        letterhead = self._letterhead
        slug, domain = letterhead.newsletter.slug, letterhead.newsletter.mailbox.domain
        return MessageIds(letterhead.key, slug, letterhead.series or letterhead.edition.isoformat(), domain)

    @cached_property
    def _return_path(self) -> tuple[str, str]:
        """The envelope sender, cut where a mark goes."""
        path = self._letterhead.return_path or self._letterhead.newsletter.sender_address
        local, at, domain = path.rpartition("@")
        room = MAX_LOCAL_LENGTH - _BOUNCE_TOKEN_LENGTH - len("+")
        if self._letterhead.verp and len(local) > room:
            raise SettingsError(
                f"delivery.return_path: {path!r} has {len(local)} characters before the @; {room} are allowed, "
                f"as delivery.verp puts a mark of {_BOUNCE_TOKEN_LENGTH} behind them"
            )
        return local, f"{at}{domain}"


class _Shared:
    """One part of messages that are each a reader's own choice, from slices that all of them share."""

    def __init__(self, content_type: str, encoding: Encoding, stationery: Stationery) -> None:
        self.encoding = encoding
        self.part = PartTemplate(content_type, [STORIES], encoding)
        self._content_type = content_type
        self._escape = escape_html if content_type == HTML_TYPE else as_line
        self._stationery = stationery
        self._known: dict[object, tuple[Piece, ...]] = {}

    def pieces(self, segments: Iterable[PageSegment]) -> list[Piece]:
        """The segments as slices, each text encoded once for all that share it."""
        known, pieces = self._known, list[Piece]()
        for segment in segments:
            pieces += known.get(segment) or self._learn(segment)
        return pieces

    def _learn(self, segment: PageSegment) -> tuple[Piece, ...]:
        if isinstance(segment, Passing):
            return (segment,)
        if isinstance(segment, str):
            cut = self._stationery.cut_text(segment, self._content_type)
        else:
            cut = tuple(filter(None, self._stationery.cut_slot(segment, self._escape)))
        self._known[segment] = tuple(self.part.slice(each) if isinstance(each, str) else each for each in cut)
        return self._known[segment]


def _texts(segments: Iterable[PageSegment]) -> Iterator[str]:
    return (segment for segment in segments if isinstance(segment, str))


def write_message(letterhead: Letterhead, variant: str, reader: Reader, delivery_id: int = 0) -> Parcel:
    """The message for one reader, by the row of the ledger that asks for it. The same values give the same bytes.

    Raises:
        RenderError: a value holds a control character, or the address what could end its header.
        SettingsError: the return path is too long for marks.
    """
    return letterhead.stationery.write(variant, reader, delivery_id)


def slot_values(letterhead: Letterhead, reader: Reader) -> SlotValues:
    """What goes into the slots for one reader."""
    return letterhead.stationery.slot_values(reader)


def counted_targets(letterhead: Letterhead, reader: Reader) -> Mapping[str, str]:
    """Where the counted links of one reader's message lead, by the address that stands in it."""
    return letterhead.stationery.targets(reader)


def html_size(letterhead: Letterhead, body: VariantBody, reader: Reader) -> int:
    """How many bytes the HTML part of one reader's message has, encoded, as Gmail counts them for its clip."""
    return letterhead.stationery.measure_html(body, reader)


def name_to_show(name: str) -> str:
    r"""A name as a body shows it: as in the header, but of 40 columns at most, and "" where there is no letter in it.

    >>> [name_to_show(name) for name in ("\u202e김하늘\r\n", "-", f"{'가' * 19} {'나' * 9}")]
    ['김하늘', '', '가가가가가가가가가가가가가가가가가가가…']
    """
    if not any(map(str.isalnum, name)):
        return ""
    return shorten(clean_name(name)[:NAME_CHARACTERS], NAME_COLUMNS)


@dataclass(frozen=True, kw_only=True)
class _TokenLink:
    """A link, cut where a subscriber's token goes."""

    before: str
    behind: str

    @classmethod
    def around(cls, pattern: str) -> "_TokenLink":
        """The pattern is an address with `{token}` in it; an address is made clean once, as a token is clean itself."""
        stand_in = sha256(pattern.encode("utf-8", "replace")).hexdigest()
        before, _, behind = clean_url(pattern.replace("{token}", stand_in)).partition(stand_in)
        return cls(before=before, behind=behind)

    def with_token(self, token: str) -> str:
        return f"{self.before}{token}{self.behind}"


def _masthead(letterhead: Letterhead, subject: str) -> Masthead:
    newsletter = letterhead.newsletter
    return Masthead(
        sender=newsletter.mailbox,
        reply_to=parse_mailbox(newsletter.reply_to) if newsletter.reply_to else None,
        subject=subject,
        date=letterhead.date,
        list_id=f"{newsletter.slug}.{newsletter.mailbox.domain}",
        list_name=newsletter.title,
        unsubscribe_mailto=letterhead.site.unsubscribe_mailto,
        feedback_id=_feedback_id(letterhead.edition, newsletter.slug, newsletter.mailbox),
        is_automatic=letterhead.is_automatic,
        precedence=letterhead.precedence,
    )


def _feedback_id(edition: date, slug: str, sender: Address) -> str:
    """Edition, newsletter, product and sender: complaints are counted for each of them by itself.

    >>> _feedback_id(date(2019, 4, 8), "weekly", Address("", "news", "example.com"))
    '2019-04-08:weekly:digest:example-com'
    """
    name = sender.domain.lower().replace(".", "-")
    if len(name) < _SENDER_ID.start:
        name = f"{name}-mail"
    return f"{edition.isoformat()}:{slug}:digest:{name[-_SENDER_ID[-1] :].strip('-')}"
