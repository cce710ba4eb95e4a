"""Links in a mail that act for one subscriber: signed, and without their address in them."""

import hmac
import re
import struct
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from enum import IntEnum
from hashlib import sha256

_BODY = struct.Struct(">BBQI")
_MAC_BYTES = 16
_TOKEN = re.compile(r"[A-Za-z0-9_-]{40}")


class Purpose(IntEnum):
    """What a link may be used for; a token for one purpose is worthless for another."""

    UNSUBSCRIBE = 1
    PREFERENCES = 2


@dataclass(frozen=True, kw_only=True)
class SignedLink:
    """What a token says."""

    purpose: Purpose
    subscriber_id: int
    """0 in previews and test sends: nobody."""
    issue_id: int
    """0 outside an issue."""


def sign_link(key: bytes, link: SignedLink) -> str:
    """A URL-safe token of 40 characters: purpose, key id, ids, and 16 bytes of HMAC-SHA-256."""
    body = _BODY.pack(link.purpose, _key_id(key), link.subscriber_id, link.issue_id)
    return urlsafe_b64encode(body + _mac(key, body)).decode().rstrip("=")


def read_link(key: bytes, token: str) -> SignedLink | None:
    """What a token says, or None for one that is forged, cut or of another key."""
    if not _TOKEN.fullmatch(token):  # the decoder would skip foreign characters, and one token have many spellings
        return None
    raw = urlsafe_b64decode(token)
    body, mac = raw[: _BODY.size], raw[_BODY.size :]
    if not hmac.compare_digest(mac, _mac(key, body)):
        return None
    purpose, _, subscriber_id, issue_id = _BODY.unpack(body)
    if purpose not in set(Purpose):
        return None
    return SignedLink(purpose=Purpose(purpose), subscriber_id=subscriber_id, issue_id=issue_id)


def make_message_id(key: bytes, newsletter: str, edition: str, recipient: int | str, domain: str) -> str:
    """The Message-ID of one delivery, always the same, so that a server's log can tell what became of it.

    Args:
        key: the workspace's signing key.
        newsletter: its slug.
        edition: the edition date in ISO 8601.
        recipient: the subscriber's id, or the address of a test send.
        domain: the sender's.
    """
    secret = hmac.new(key, f"message\0{newsletter}\0{edition}\0{recipient}".encode(), sha256)
    return f"<{secret.hexdigest()[:32]}@{domain}>"


def make_slot_nonce(key: bytes, newsletter: str, edition: str) -> str:
    """A word that no article can contain by chance or by intent, for the slots of one issue."""
    return hmac.new(key, f"slots\0{newsletter}\0{edition}".encode(), sha256).hexdigest()[:16]


def _key_id(key: bytes) -> int:
    return sha256(b"key id\0" + key).digest()[0]


def _mac(key: bytes, body: bytes) -> bytes:
    return hmac.new(key, b"link\0" + body, sha256).digest()[:_MAC_BYTES]
