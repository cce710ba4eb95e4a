"""The private keys that sign mail: made, read from their files, and refused where they would not do.

RSA is what every receiver verifies; Ed25519 (RFC 8463) is shorter and quicker, but Gmail and Microsoft do not honour
it, so it stands beside an RSA key, never alone.
"""

import os
from base64 import b64encode
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256
from pathlib import Path
from stat import S_IMODE

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.hashes import SHA256

from digest.errors import SettingsError
from digest.settings import DkimSettings

LEAST_BITS, GOOD_BITS, MOST_BITS = 1024, 2048, 4096
"""Of an RSA key: receivers ignore shorter ones than the first and need not verify longer ones than the last (RFC 8301
section 3.2); the second is what to use."""
_EXPONENT = 65537
_OTHERS = 0o077
_PADDING, _SHA256 = PKCS1v15(), SHA256()


class KeyType(StrEnum):
    """What kind of key; the k= of its record."""

    RSA = "rsa"
    """RSASSA-PKCS1-v1_5 (RFC 6376 section 3.3.1)."""
    ED25519 = "ed25519"
    """Edwards curve, over the SHA-256 of what is signed (RFC 8463 section 3)."""


@dataclass(frozen=True, kw_only=True, eq=False)
class SigningKey:
    """A private key with the name it is published under. Threads may share it; RSA releases the GIL."""

    selector: str
    """Names the key within its domain."""
    domain: str
    """Who signs: d=, in lower case and ASCII."""
    private_key: RSAPrivateKey | Ed25519PrivateKey

    @property
    def type(self) -> KeyType:
        """Its kind."""
        return KeyType.RSA if isinstance(self.private_key, RSAPrivateKey) else KeyType.ED25519

    @property
    def algorithm(self) -> str:
        """a= of its signatures."""
        return f"{self.type}-sha256"

    @property
    def bits(self) -> int:
        """Its length."""
        return self.private_key.key_size if isinstance(self.private_key, RSAPrivateKey) else 256

    @property
    def weakness(self) -> str:
        """What is to be said against it, though it works; "" for a good one."""
        if self.type is KeyType.ED25519 or GOOD_BITS <= self.bits <= MOST_BITS:
            return ""
        if self.bits > MOST_BITS:
            return f"RSA with {self.bits} bits: receivers need not verify more than {MOST_BITS} (RFC 8301)"
        return f"RSA with {self.bits} bits is weak, and {GOOD_BITS} are expected"

    @property
    def public_value(self) -> str:
        """The public half in base64, as p= holds it."""
        encoding, form = serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        if self.type is KeyType.ED25519:
            encoding, form = serialization.Encoding.Raw, serialization.PublicFormat.Raw
        return b64encode(self.private_key.public_key().public_bytes(encoding, form)).decode()

    def sign(self, content: bytes) -> bytes:
        """The signature of some bytes."""
        if isinstance(self.private_key, RSAPrivateKey):
            return self.private_key.sign(content, _PADDING, _SHA256)
        return self.private_key.sign(sha256(content).digest())


def make_key_file(path: Path, key_type: KeyType, *, bits: int = GOOD_BITS) -> None:
    """Make a private key and write it, in PEM, for its owner only; folders that are not there are made.

    Raises:
        SettingsError: there is a file already. It is left alone: a key that is overwritten is lost.
    """
    private_key = generate_private_key(_EXPONENT, bits) if key_type is KeyType.RSA else Ed25519PrivateKey.generate()
    content = private_key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError as error:
        raise SettingsError(f"{path} is there already and was not changed; choose another --selector") from error
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)


def load_signing_key(settings: DkimSettings, file: Path, domain: str) -> SigningKey:
    """Read the key of one `[[delivery.dkim]]`.

    Args:
        settings: that table.
        file: digest.toml, which `key_file` counts from and messages name.
        domain: the newsletter's; the table's own wins over it.

    Raises:
        SettingsError: there is no such file, others can read it, or it holds no key that can sign.
    """
    path = file.parent / settings.key_file
    try:
        private_key = _parse_key(_read_private_file(path))
    except FileNotFoundError as error:
        hint = f"`digest dkim new --selector {settings.selector}` makes a key"
        raise SettingsError(f"{file}: delivery.dkim: key_file: {path} is not there; {hint}") from error
    except OSError as error:
        raise SettingsError(f"{file}: delivery.dkim: key_file: {path} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise SettingsError(f"{file}: delivery.dkim: key_file: {path} {error}") from error
    return SigningKey(selector=settings.selector, domain=(settings.domain or domain).lower(), private_key=private_key)


def _read_private_file(path: Path) -> bytes:
    """Its content; ValueError where others may read it, too."""
    with path.open("rb") as file:
        mode = S_IMODE(os.fstat(file.fileno()).st_mode)
        if mode & _OTHERS:
            raise ValueError(f"can be read by others (mode {mode:04o}), who could sign as you: chmod 600 {path}")
        return file.read()


def _parse_key(content: bytes) -> RSAPrivateKey | Ed25519PrivateKey:
    """The key of a PEM file; ValueError where it cannot sign mail."""
    try:
        key = serialization.load_pem_private_key(content, password=None)
    except TypeError as error:
        raise ValueError(
            "is encrypted, and a service has nobody to ask for the passphrase: store it without one "
            "(openssl pkey -in OLD -out NEW)"
        ) from error
    except UnsupportedAlgorithm as error:
        raise ValueError("holds a key of an unknown kind; DKIM knows RSA and Ed25519") from error
    except ValueError as error:
        raise ValueError(_describe_no_key(content, error)) from error
    return _check_kind(key)


def _describe_no_key(content: bytes, error: ValueError) -> str:
    for label, what in ((b" PUBLIC KEY", "a public key"), (b" CERTIFICATE", "a certificate")):
        if b"-----BEGIN" + label in content:
            return f"holds {what}, not a private key; key_file is the file that `digest dkim new` wrote"
    if b"PRIVATE KEY-----" not in content:
        return "is no private key in PEM (-----BEGIN PRIVATE KEY-----); `digest dkim new` makes one"
    return f"holds a private key that cannot be read: {str(error).splitlines()[0]}"


def _check_kind(key: PrivateKeyTypes) -> RSAPrivateKey | Ed25519PrivateKey:
    if not isinstance(key, RSAPrivateKey | Ed25519PrivateKey):
        kind = type(key).__name__.removesuffix("PrivateKey")
        raise ValueError(f"holds a key of the kind {kind}; DKIM knows RSA and Ed25519")  # noqa: TRY004 - its content
    if isinstance(key, RSAPrivateKey) and key.key_size < LEAST_BITS:
        raise ValueError(
            f"holds an RSA key of {key.key_size} bits, which receivers ignore (RFC 8301); make one with {GOOD_BITS}"
        )
    return key
