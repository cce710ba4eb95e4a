"""A finished message taken apart: what a preview shows of it, from its bytes alone.

It is opened by the same functions as the check opens it, so that lines and elements are counted alike.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from email.utils import parseaddr

from digest.check.document import HtmlDocument
from digest.check.headers import decode_words
from digest.check.mail import Mail, open_mail
from digest.check.visible import words_of
from digest.errors import DigestError
from digest.render.flowed import unflow

SNIPPET = 300
"""Characters of the body's first text that are kept: more than any inbox shows."""


@dataclass(frozen=True, kw_only=True)
class Header:
    """One header field."""

    name: str
    """As written; "" for a line that is no field."""
    value: str
    """Unfolded and decoded, for reading."""
    raw: str
    """As it stands in the message, folds included, without the last line end."""


@dataclass(frozen=True, kw_only=True)
class Parts:
    """A message in its parts. Made by `open_parts`."""

    content: bytes = field(repr=False)
    """The whole message as it travels."""
    headers: tuple[Header, ...]
    """Those of the message itself, in order."""
    subject: str
    sender_name: str
    """The display name, or "" where From has none."""
    sender_address: str
    html: str = field(repr=False)
    """The HTML part, decoded; findings count its lines and elements."""
    text: str = field(repr=False)
    """The plain part, decoded and not unfolded; "" where there is none."""
    text_is_flowed: bool
    """It says format=flowed (RFC 3676): lines that end in a space go on."""
    preheader: str
    """The hidden text with which the body begins, or "" where it begins with something visible."""
    snippet: str
    """The body's first text, the hidden included, on one line: what an inbox row goes on with."""
    html_bytes: int
    """Size of the HTML part as encoded: what Gmail's clip counts."""
    html_encoding: str
    """Its Content-Transfer-Encoding."""

    @property
    def unfolded_text(self) -> str:
        """The plain part with each of its paragraphs on one line, where it is flowed."""
        return unflow(self.text) if self.text_is_flowed else self.text

    @property
    def total_bytes(self) -> int:
        """Size of the whole message as it travels."""
        return len(self.content)

    def header(self, name: str) -> str:
        """The value of the first header of that name, or ""."""
        return next((header.value for header in self.headers if header.name.lower() == name.lower()), "")


def open_parts(content: bytes) -> Parts:
    """Take a message apart.

    Raises:
        DigestError: it has no HTML part.
    """
    mail = open_mail(content)
    if mail.html is None or mail.html_part is None:
        kinds = ", ".join(part.content_type for part in mail.root.walk())
        raise DigestError(f"the message of {len(content):,} bytes has no text/html part to show; it holds {kinds}")
    flowed = mail.text_part.fields.parameter("format") if mail.text_part else None
    name, address = parseaddr(decode_words(mail.fields.value("from")))
    return Parts(
        content=content,
        headers=tuple(_read_headers(mail)),
        subject=decode_words(mail.fields.value("subject")),
        sender_name=name,
        sender_address=address,
        html=mail.html.source,
        text=mail.text or "",
        text_is_flowed=(flowed or "").lower() == "flowed",
        preheader=_preheader(mail.html),
        snippet=_snippet(mail.html),
        html_bytes=mail.html_size,
        html_encoding=mail.html_part.encoding,
    )


def _read_headers(mail: Mail) -> Iterator[Header]:
    lines = mail.raw.split(b"\n")
    for found in mail.fields.all:
        # Fields have their names in lower case; the message has them as they were written.
        written = lines[found.line - 1][: len(found.name)].decode("ascii", "replace")
        raw = found.raw.decode("utf-8", "replace").removeprefix(" ")
        yield Header(name=written, value=decode_words(found.value), raw=raw)


def _preheader(document: HtmlDocument) -> str:
    words = [words for words in words_of(document) if words.ink and not words.is_alt]
    hider = words[0].hidden_by if words else None
    return "" if hider is None else " ".join(run.ink for run in words if run.hidden_by is hider)


def _snippet(document: HtmlDocument) -> str:
    inks = (words.ink for words in words_of(document) if not words.is_alt)
    return " ".join(filter(None, inks))[:SNIPPET]
