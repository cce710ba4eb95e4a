"""DKIM signatures (RFC 6376): a header field by which a receiver knows that the domain sent this very message.

The body is hashed once for all keys, and what does not differ between messages is made once; the RSA operation is
what a signature costs.
"""

from binascii import b2a_base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from hashlib import sha256
from textwrap import wrap
from typing import NamedTuple

from digest.errors import SettingsError
from digest.mail.dkim_keys import SigningKey, load_signing_key
from digest.mail.dkim_relaxed import relax_body, relax_fields
from digest.settings import NewsletterSettings, Settings

SIGNED_FIELDS = (
    *("From", "Reply-To", "To", "Subject", "Date", "Message-ID"),
    *("List-Id", "List-Unsubscribe", "List-Unsubscribe-Post"),
    *("MIME-Version", "Content-Type", "Feedback-ID", "X-Digest-Delivery", "Auto-Submitted"),
)
"""What is signed where a message has it. RFC 8058 section 4 asks for both List-Unsubscribe fields, Gmail for
Feedback-ID."""
OVERSIGNED_FIELDS = frozenset({"From", "To", "Subject", "Date", "Content-Type"})
"""Signed once more than they occur, so that a second one breaks the signature: mail programs differ in which of two
they show, and whoever sends a signed message again could put his own in front. Only what a message may have once (RFC
5322 section 3.6) and what no honest server adds: a relay may well add Reply-To, Feedback-ID or List-Unsubscribe."""
_COLUMNS = 76
_BASE64_COLUMNS = 72
_FIELDS = tuple((name, name.lower().encode(), name in OVERSIGNED_FIELDS) for name in SIGNED_FIELDS)


@dataclass(frozen=True)
class Signer:
    """Signs messages, with one signature for each key. Threads may share it."""

    keys: tuple[SigningKey, ...]

    def sign(self, message: bytes, *, now: datetime) -> bytes:
        """The message with its signatures in front, the first key's topmost.

        The same message, keys and second give the same bytes.

        Args:
            message: with CRLF line ends.
            now: the moment of signing, aware; told to receivers (t=).
        """
        unsigned = self.prepare(message, now=now)
        return unsigned.join(unsigned.compute())

    def prepare(self, message: bytes, *, now: datetime) -> "Unsigned":
        """The same but for the signatures, which take nearly all of the time."""
        head, _, body = message.partition(b"\r\n\r\n")
        names, lines = _select(relax_fields(head))
        body_hash = b2a_base64(sha256(relax_body(body)).digest(), newline=False)
        tail = b"t=%d; bh=%b;" % (int(now.timestamp()), body_hash)
        return Unsigned(message, tuple(_prepare_field(key, names, lines, tail) for key in self.keys))


class _UnsignedField(NamedTuple):
    """One header field before its signature."""

    key: SigningKey
    content: bytes
    """What is signed."""
    begin: bytes
    """The field up to its signature."""


@dataclass(frozen=True, slots=True)
class Unsigned:
    """A message whose signatures are still to be computed."""

    message: bytes
    fields: tuple[_UnsignedField, ...]

    def compute(self) -> tuple[bytes, ...]:
        """The signatures. Threads can do it side by side: RSA runs without Python's lock."""
        return tuple([field.key.sign(field.content) for field in self.fields])

    def join(self, signatures: Sequence[bytes]) -> bytes:
        """The signed message."""
        fields = [field.begin + _fold(signature) for field, signature in zip(self.fields, signatures, strict=True)]
        return b"".join((*fields, self.message))


def load_signer(settings: Settings, newsletter: NewsletterSettings) -> Signer | None:
    """What signs a newsletter's messages; None where no key is configured, as then the relay signs.

    Raises:
        SettingsError: a key cannot be used.
    """
    domain = newsletter.mailbox.domain
    keys = tuple(load_signing_key(table, settings.file, domain) for table in settings.delivery.dkim)
    names = [(key.selector.lower(), key.domain) for key in keys]
    if len(set(names)) < len(names):
        twice = next(selector for selector, domain in names if names.count((selector, domain)) > 1)
        raise SettingsError(
            f"{settings.file}: delivery.dkim: two keys have the selector {twice!r}; each needs a record of its own"
        )
    return Signer(keys) if keys else None


def _select(fields: Mapping[bytes, Sequence[bytes]]) -> tuple[tuple[str, ...], bytes]:
    """The names for h=, and the canonical lines in that order: of a repeated field the lowest comes first.

    RFC 6376 section 5.4.2.
    """
    names: list[str] = []
    lines: list[bytes] = []
    for name, key, oversigned in _FIELDS:
        for value in reversed(fields.get(key, ())):
            names.append(name)
            lines.append(b"%b:%b\r\n" % (key, value))
        if oversigned:
            names.append(name)
    return tuple(names), b"".join(lines)


def _prepare_field(key: SigningKey, names: tuple[str, ...], lines: bytes, tail: bytes) -> _UnsignedField:
    """One header field; it is itself signed, with an empty b= (RFC 6376 section 3.7)."""
    folded, canonical = _frame(key, names)
    return _UnsignedField(key, b"%b%b %b b=" % (lines, canonical, tail), b"%b\r\n %b\r\n b=" % (folded, tail))


def _fold(signature: bytes) -> bytes:
    """The end of the field: the signature in base64, in lines."""
    encoded = b2a_base64(signature, newline=False)
    lines = [encoded[at : at + _BASE64_COLUMNS] for at in range(0, len(encoded), _BASE64_COLUMNS)]
    return b"%b\r\n" % b"\r\n ".join(lines)


@lru_cache(maxsize=256)
def _frame(key: SigningKey, names: tuple[str, ...]) -> tuple[bytes, bytes]:
    """The tags that messages share: as a folded header field, and in canonical form."""
    tags = f"v=1; a={key.algorithm}; c=relaxed/relaxed; d={key.domain}; s={key.selector}; h={': '.join(names)};"
    lines = wrap(
        tags,
        _COLUMNS,
        initial_indent="DKIM-Signature: ",
        subsequent_indent=" ",
        break_long_words=False,
        break_on_hyphens=False,
    )
    return "\r\n".join(lines).encode(), f"dkim-signature:{tags}".encode()
