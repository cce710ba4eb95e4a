"""Keys made for this run, and dkimpy as the receiver that has the last word."""

from datetime import UTC, datetime

import dkim
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key

from digest.mail.dkim_keys import SigningKey
from digest.mail.dkim_record import record_name, record_value

DOMAIN = "hanbit.example"
RSA = SigningKey(selector="s2026", domain=DOMAIN, private_key=generate_private_key(65537, 2048))
ED25519 = SigningKey(selector="s2026-ed", domain=DOMAIN, private_key=Ed25519PrivateKey.generate())
OTHER_RSA = SigningKey(selector="s2026", domain=DOMAIN, private_key=generate_private_key(65537, 2048))
SIGNED_AT = datetime(2024, 3, 2, 0, 0, 1, 999_999, tzinfo=UTC)
"""Past: dkimpy refuses what was signed in the future."""


def verifies(message: bytes, *keys: SigningKey) -> bool:
    """Whether dkimpy takes each signature, the first key's being the topmost, as the message arrives over SMTP."""
    arrived = message if message.endswith(b"\r\n") else message + b"\r\n"
    return all(_verify(arrived, number, key) for number, key in enumerate(keys))


def _verify(message: bytes, number: int, key: SigningKey) -> bool:
    receiver = dkim.DKIM(message) if key.type == "rsa" else Ed25519Receiver(message, key)

    def look_up(name: bytes, timeout: int = 5) -> str:
        assert name.decode() == f"{record_name(key)}."
        return record_value(key)

    try:
        return receiver.verify(number, dnsfunc=look_up)
    except dkim.ValidationError:
        return False


class Ed25519Receiver(dkim.DKIM):
    """dkimpy with the Ed25519 of `cryptography` instead of PyNaCl's; what was signed is dkimpy's own finding."""

    def __init__(self, message: bytes, key: SigningKey) -> None:
        super().__init__(message)
        self.pk, self.keysize, self.ktag = Ed25519Verdict(key), key.bits, b"ed25519"

    def verify_sig(self, sig, include_headers, sig_header, dnsfunc):
        assert sig[b"a"] == b"ed25519-sha256"
        return self.verify_sig_process(sig, include_headers, sig_header, dnsfunc) and self.pk.is_good


class Ed25519Verdict:
    """Remembers instead of raising: dkimpy would look for PyNaCl's exception."""

    def __init__(self, key: SigningKey) -> None:
        self._public_key = key.private_key.public_key()
        self.is_good = False

    def verify(self, digest: bytes, signature: bytes) -> None:
        try:
            self._public_key.verify(signature, digest)
            self.is_good = True
        except InvalidSignature:
            self.is_good = False
