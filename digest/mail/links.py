"""Links in a mail that act for one subscriber, and the mark by which its bounce is known: signed, without addresses."""

import hmac
import re
import struct
from base64 import b32decode, urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from enum import IntEnum
from hashlib import sha256
from itertools import product
from typing import NamedTuple

_BODY = struct.Struct(">BBQI")
"""Purpose, key id, subscriber, issue."""
_MAC_BYTES = 16
_BOUNCE_MAC_BYTES = 11
"""With what stands before it a whole number of base32 groups: no padding, and one spelling but for its case."""
_TOKEN = re.compile(r"[A-Za-z0-9_-]{40}")
_BOUNCE_TOKEN = re.compile(r"[A-Za-z2-7]{40}")


class Purpose(IntEnum):
    """What a token may be used for; one for one purpose is worthless for another."""

    UNSUBSCRIBE = 1
    PREFERENCES = 2
    BOUNCE = 3
    """Says whose message came back; never in a link."""


@dataclass(frozen=True, kw_only=True)
class SignedLink:
    """What a token says."""

    purpose: Purpose
    subscriber_id: int
    """0 in previews and test sends: nobody."""
    issue_id: int
    """0 outside an issue."""


class Tokens(NamedTuple):
    """The tokens of one subscriber in one issue, in the order of their purposes."""

    unsubscribe: str
    """URL-safe, 40 characters."""
    preferences: str
    """URL-safe, 40 characters."""
    bounce: str
    """40 lower-case characters in base32, as some servers lower-case the local parts of addresses."""


class TokenSigner:
    """Signs the tokens of one issue: body, and the beginning of its HMAC-SHA-256."""

    def __init__(self, key: bytes, issue_id: int) -> None:
        self._issue_id = issue_id
        self._key_id = _key_id(key)
        self._begun = hmac.new(key, b"link\0", sha256)

    def sign(self, subscriber_id: int) -> Tokens:
        """All tokens of one subscriber."""
        unsubscribe, preferences, bounce = (self._sign(purpose, subscriber_id) for purpose in _PURPOSES)
        return Tokens(
            urlsafe_b64encode(unsubscribe).decode(),
            urlsafe_b64encode(preferences).decode(),
            _encode_base32(bounce),
        )

    def _sign(self, purpose: int, subscriber_id: int) -> bytes:
        body = _BODY.pack(purpose, self._key_id, subscriber_id, self._issue_id)
        return body + _finish(self._begun, body)[: _MAC_BYTES if purpose != _BOUNCE else _BOUNCE_MAC_BYTES]


_PURPOSES = tuple(int(purpose) for purpose in Purpose)
_BOUNCE = int(Purpose.BOUNCE)
_PAIRS = tuple(map("".join, product("abcdefghijklmnopqrstuvwxyz234567", repeat=2)))
"""Base32 of ten bits, in lower case."""
_TENS = range(190, -1, -10)
"""Where they begin in the 25 bytes of a bounce's token, as a number."""


def _encode_base32(content: bytes) -> str:
    """As `base64.b32encode` in lower case, which takes four times as long: every message has such a token."""
    number = int.from_bytes(content)
    return "".join([_PAIRS[number >> begin & 1023] for begin in _TENS])


def sign_link(key: bytes, link: SignedLink) -> str:
    """A URL-safe token of 40 characters: purpose, key id, ids, and 16 bytes of HMAC-SHA-256.

    Raises:
        ValueError: the purpose is that of a bounce, whose token stands in no link.
    """
    tokens = TokenSigner(key, link.issue_id).sign(link.subscriber_id)
    if link.purpose is Purpose.BOUNCE:
        raise ValueError("the token of a bounce stands in no link; sign_bounce_token makes it")
    return tokens.unsubscribe if link.purpose is Purpose.UNSUBSCRIBE else tokens.preferences


def read_link(key: bytes, token: str) -> SignedLink | None:
    """What a token says, or None for one that is forged, cut or of another key."""
    if not _TOKEN.fullmatch(token):  # the decoder would skip foreign characters, and one token have many spellings
        return None
    found = _read(key, token, urlsafe_b64decode(token))
    return None if found is None or found.purpose is Purpose.BOUNCE else found


def sign_bounce_token(key: bytes, *, subscriber_id: int, issue_id: int) -> str:
    """The token of 40 characters that marks one message, in its return path and in X-Digest-Delivery."""
    return TokenSigner(key, issue_id).sign(subscriber_id).bounce


def read_bounce_token(key: bytes, token: str) -> SignedLink | None:
    """Whose message came back, or None for a token that is forged, cut or of another key; in either case of letters."""
    if not _BOUNCE_TOKEN.fullmatch(token):
        return None
    found = _read(key, token.lower(), b32decode(token, casefold=True))
    return found if found is not None and found.purpose is Purpose.BOUNCE else None


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


def _read(key: bytes, token: str, raw: bytes) -> SignedLink | None:
    """The token is believed where signing what it says gives it again."""
    _, _, subscriber_id, issue_id = _BODY.unpack(raw[: _BODY.size])
    for purpose, genuine in zip(Purpose, TokenSigner(key, issue_id).sign(subscriber_id), strict=True):
        if hmac.compare_digest(genuine, token):
            return SignedLink(purpose=purpose, subscriber_id=subscriber_id, issue_id=issue_id)
    return None
