"""Links in a mail that act for one subscriber, and the mark by which its bounce is known: signed, without addresses."""

import hmac
import re
import struct
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum
from hashlib import sha256
from typing import NamedTuple

_BODY = struct.Struct(">BBQI")
"""Purpose, key id, subscriber, issue."""
_MAC_BYTES = 16
_BOUNCE_BODY = struct.Struct(">BBBII")
"""The same in fewer bytes, as a return path has little room: of the subscriber the upper 8 bits and the lower 32."""
_BOUNCE_MAC_BYTES = 9
_LOWER = (1 << 32) - 1
_TOKEN = re.compile(r"[A-Za-z0-9_-]{40}")
_BOUNCE_TOKEN = re.compile(r"[A-Fa-f0-9]{40}")


class Purpose(IntEnum):
    """What a token may be used for; one for one purpose is worthless for another."""

    UNSUBSCRIBE = 1
    PREFERENCES = 2
    BOUNCE = 3
    """Says whose message came back; never in a link."""
    CONFIRM = 4
    """Confirms what was asked for on a page; its number is that of the confirmation instead of an issue's."""
    COUNT = 5
    """Counts a click or an opening of an issue."""


@dataclass(frozen=True, kw_only=True)
class SignedLink:
    """What a token says."""

    purpose: Purpose
    subscriber_id: int
    """0 in previews and test sends: nobody."""
    issue_id: int
    """0 outside an issue; of a confirmation its number."""


class Tokens(NamedTuple):
    """The tokens of one subscriber in one issue, in the order of their purposes."""

    unsubscribe: str
    """URL-safe, 40 characters."""
    preferences: str
    """URL-safe, 40 characters."""
    bounce: str
    """40 lower-case hexadecimal digits, as some servers lower-case the local parts of addresses."""


class TokenSigner:
    """Signs the tokens of one issue: body, and the beginning of its HMAC-SHA-256."""

    def __init__(self, key: bytes, issue_id: int) -> None:
        self._issue_id = issue_id
        self._key_id = _key_id(key)
        self._begun = hmac.new(key, b"link\0", sha256)

    def sign(self, subscriber_id: int) -> Tokens:
        """All tokens of one subscriber; the id has 40 bits at most."""
        return Tokens(
            self.sign_link(_UNSUBSCRIBE, subscriber_id),
            self.sign_link(_PREFERENCES, subscriber_id),
            self.sign_bounce(subscriber_id),
        )

    def sign_link(self, purpose: int, subscriber_id: int) -> str:
        """The token of a link."""
        body = _BODY.pack(purpose, self._key_id, subscriber_id, self._issue_id)
        return urlsafe_b64encode(body + _finish(self._begun, body)[:_MAC_BYTES]).decode()

    def sign_bounce(self, subscriber_id: int) -> str:
        """The mark of one message."""
        body = _BOUNCE_BODY.pack(_BOUNCE, self._key_id, subscriber_id >> 32, subscriber_id & _LOWER, self._issue_id)
        return (body + _finish(self._begun, body)[:_BOUNCE_MAC_BYTES]).hex()


_UNSUBSCRIBE, _PREFERENCES, _BOUNCE = (
    int(purpose) for purpose in (Purpose.UNSUBSCRIBE, Purpose.PREFERENCES, Purpose.BOUNCE)
)
_IN_LINKS = frozenset(Purpose) - {Purpose.BOUNCE}


def sign_link(key: bytes, link: SignedLink) -> str:
    """A URL-safe token of 40 characters: purpose, key id, ids, and 16 bytes of HMAC-SHA-256.

    Raises:
        ValueError: the purpose is that of a bounce, whose token stands in no link.
    """
    if link.purpose is Purpose.BOUNCE:
        raise ValueError("the token of a bounce stands in no link; sign_bounce_token makes it")
    return TokenSigner(key, link.issue_id).sign_link(int(link.purpose), link.subscriber_id)


def read_link(key: bytes, token: str) -> SignedLink | None:
    """What a token says, or None for one that is forged, cut or of another key."""
    if not _TOKEN.fullmatch(token):  # the decoder would skip foreign characters, and one token have many spellings
        return None
    purpose, _, subscriber_id, issue_id = _BODY.unpack(urlsafe_b64decode(token)[: _BODY.size])
    # It is believed where signing it gives it again.
    if not hmac.compare_digest(TokenSigner(key, issue_id).sign_link(purpose, subscriber_id), token):
        return None
    if purpose not in _IN_LINKS:
        return None
    return SignedLink(purpose=Purpose(purpose), subscriber_id=subscriber_id, issue_id=issue_id)


def sign_bounce_token(key: bytes, *, subscriber_id: int, issue_id: int) -> str:
    """The token of 40 characters that marks one message, in its return path and in X-Digest-Delivery."""
    return TokenSigner(key, issue_id).sign_bounce(subscriber_id)


def read_bounce_token(key: bytes, token: str) -> SignedLink | None:
    """Whose message came back, or None for a token that is forged, cut or of another key; in either case of letters."""
    if not _BOUNCE_TOKEN.fullmatch(token):
        return None
    _, _, upper, lower, issue_id = _BOUNCE_BODY.unpack(bytes.fromhex(token)[: _BOUNCE_BODY.size])
    subscriber_id = upper << 32 | lower
    if not hmac.compare_digest(TokenSigner(key, issue_id).sign_bounce(subscriber_id), token.lower()):
        return None
    return SignedLink(purpose=Purpose.BOUNCE, subscriber_id=subscriber_id, issue_id=issue_id)


@dataclass(frozen=True)
class Keyring:
    """The keys of a workspace that may have signed a link or a mark."""

    keys: tuple[bytes, ...]
    """The first signs; all are believed. The workspace's own, which signed before the first rotation, is the last."""

    @property
    def signing(self) -> bytes:
        """The key that signs."""
        return self.keys[0]

    def read_link(self, token: str) -> SignedLink | None:
        """What a token says, or None for one that none of the keys has signed."""
        if not _TOKEN.fullmatch(token):
            return None
        return self._first(read_link, token, key_id=urlsafe_b64decode(token)[1])

    def read_mark(self, token: str) -> SignedLink | None:
        """Whose message came back, or None for a mark that none of the keys has signed."""
        if not _BOUNCE_TOKEN.fullmatch(token):
            return None
        return self._first(read_bounce_token, token, key_id=bytes.fromhex(token)[1])

    def _first(self, read: Callable[[bytes, str], SignedLink | None], token: str, *, key_id: int) -> SignedLink | None:
        """Key ids have 8 bits, so that two keys may share one."""
        candidates = (key for key in self.keys if _key_id(key) == key_id)
        return next((link for key in candidates if (link := read(key, token))), None)


class MessageIds:
    """The Message-IDs of one issue, always the same, so that a server's log can tell what became of a message."""

    def __init__(self, key: bytes, newsletter: str, edition: str, domain: str) -> None:
        self._begun = hmac.new(key, f"message\0{newsletter}\0{edition}\0".encode(), sha256)
        self._domain = domain

    def of(self, recipient: int | str) -> str:
        """That of a subscriber's message, by id, or of a test send, by its address."""
        return f"<{_finish(self._begun, str(recipient).encode()).hex()[:32]}@{self._domain}>"


def make_message_id(key: bytes, newsletter: str, edition: str, recipient: int | str, domain: str) -> str:
    """The Message-ID of one delivery.

    Args:
        key: the workspace's signing key.
        newsletter: its slug.
        edition: the edition date in ISO 8601.
        recipient: the subscriber's id, or the address of a test send.
        domain: the sender's.
    """
    return MessageIds(key, newsletter, edition, domain).of(recipient)


def make_slot_nonce(key: bytes, newsletter: str, edition: str) -> str:
    """A word that no article can contain by chance or by intent, for the slots of one issue."""
    return hmac.new(key, f"slots\0{newsletter}\0{edition}".encode(), sha256).hexdigest()[:16]


def _key_id(key: bytes) -> int:
    return sha256(b"key id\0" + key).digest()[0]


def _finish(begun: hmac.HMAC, message: bytes) -> bytes:
    mac = begun.copy()
    mac.update(message)
    return mac.digest()
