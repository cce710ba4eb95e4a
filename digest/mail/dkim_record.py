"""The DNS record that publishes a DKIM key (RFC 6376 section 3.6.1): written, read, and held against the key."""

import re
from base64 import b64decode
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_der_public_key

from digest.mail.dkim_keys import KeyType, SigningKey

_STRING_LENGTH = 255
"""Bytes that one string of a TXT record holds (RFC 1035 section 3.3)."""
_TAG = re.compile(r"\s*([A-Za-z][A-Za-z0-9_]*)\s*=\s*([\x21-\x3a\x3c-\x7e\s]*?)\s*")
_PUBLISH = "publish what `digest dkim show` prints in its place"
PublicKey = RSAPublicKey | Ed25519PublicKey


class ProblemCode(StrEnum):
    """What is wrong with a published key."""

    UNREACHABLE = "unreachable"
    """DNS could not be asked, so nothing is known."""
    MISSING = "missing"
    """There is no record."""
    SEVERAL = "several"
    """There is more than one record at the name; what a receiver then does is undefined (RFC 6376 3.6.2.2)."""
    SYNTAX = "syntax"
    """It is no key record, or its key cannot be read."""
    REVOKED = "revoked"
    """p= is empty: the key was withdrawn."""
    WRONG_TYPE = "wrong_type"
    """k= names another kind of key."""
    DIFFERENT_KEY = "different_key"
    """It is another key than the file's."""
    WRONG_HASH = "wrong_hash"
    """h= leaves out sha256, which signatures are made with."""
    WRONG_SERVICE = "wrong_service"
    """s= leaves out email."""
    TESTING = "testing"
    """t=y: receivers treat what it signs as unsigned."""
    UNVERIFIED = "unverified"
    """A signed sample does not verify with the published key."""
    WEAK = "weak"
    """It works, but the key is weak; a warning."""


@dataclass(frozen=True, kw_only=True)
class Problem:
    """Something wrong with a published key."""

    code: ProblemCode
    found: str
    """What was found, in words."""
    advice: str
    """What to do about it."""

    @property
    def is_warning(self) -> bool:
        """Whether mail is signed well in spite of it."""
        return self.code is ProblemCode.WEAK


@dataclass(frozen=True, kw_only=True)
class KeyRecord:
    """A key record as its domain publishes it."""

    tags: Mapping[str, str]
    """By name, whitespace around the values removed."""

    @property
    def key_type(self) -> str:
        """k=, by default rsa."""
        return self.tags.get("k", KeyType.RSA)

    @property
    def key(self) -> str:
        """p=, without whitespace."""
        return re.sub(r"\s", "", self.tags["p"])

    def listed(self, tag: str) -> set[str]:
        """The values of a tag that holds a list with colons; empty where there is no such tag."""
        return {value.strip() for value in self.tags.get(tag, "").split(":")} - {""}

    def public_key(self) -> PublicKey:
        """The key itself.

        Raises:
            ValueError: p= is not base64, or not a key of the kind that k= says.
        """
        content = b64decode(self.key, validate=True)
        if self.key_type == KeyType.ED25519:
            return Ed25519PublicKey.from_public_bytes(content)
        try:
            key = load_der_public_key(content)
        except UnsupportedAlgorithm as error:
            raise ValueError("a key of an unknown kind") from error
        if not isinstance(key, RSAPublicKey):
            raise ValueError("not an RSA key")  # noqa: TRY004 - the record's value
        return key


def record_name(key: SigningKey) -> str:
    """Where a key is published, without the dot at the end."""
    return f"{key.selector}._domainkey.{key.domain}"


def record_value(key: SigningKey) -> str:
    """What is published, in one line, for web forms."""
    return f"v=DKIM1; k={key.type}; p={key.public_value}"


def zone_lines(key: SigningKey) -> str:
    """The record as a zone file has it, in strings of at most 255 characters."""
    value = record_value(key)
    strings = [value[at : at + _STRING_LENGTH] for at in range(0, len(value), _STRING_LENGTH)]
    quoted = "\n".join(f'  "{string}"' for string in strings)
    return f"{record_name(key)}. IN TXT (\n{quoted} )"


def parse_tags(text: str) -> dict[str, str]:
    """A tag list (RFC 6376 section 3.2) by name.

    Raises:
        ValueError: it is none, or names a tag twice.
    """
    tags: dict[str, str] = {}
    for part in text.strip().removesuffix(";").split(";"):
        found = _TAG.fullmatch(part)
        if not found:
            raise ValueError(f"{part.strip()[:60]!r} is no tag=value")
        if found[1] in tags:
            raise ValueError(f"{found[1]}= stands there twice")
        tags[found[1]] = found[2]
    return tags


def parse_record(text: str) -> KeyRecord:
    """A key record; tags that are not known are ignored.

    Raises:
        ValueError: it is none; says what was found.
    """
    if text.lstrip().startswith('"') or "\\;" in text:
        raise ValueError("it holds quotation marks or backslashes; paste the value without them")
    tags = parse_tags(text)
    if "v" in tags and (next(iter(tags)), tags["v"]) != ("v", "DKIM1"):
        raise ValueError("v= must come first and be DKIM1")
    if "p" not in tags:
        raise ValueError("it has no p=, which holds the key")
    return KeyRecord(tags=tags)


def compare_record(key: SigningKey, text: str) -> tuple[Problem, ...]:
    """What is wrong with a key's published record; nothing where it is good."""
    try:
        record = parse_record(text)
    except ValueError as error:
        return (Problem(code=ProblemCode.SYNTAX, found=f"the record cannot be read: {error}", advice=_PUBLISH),)
    return (*_compare_key(key, record), *_compare_restrictions(record))


def _compare_key(key: SigningKey, record: KeyRecord) -> Iterator[Problem]:
    if not record.key:
        advice = "make another with `digest dkim new`: a revoked selector is not used again"
        yield Problem(code=ProblemCode.REVOKED, found="p= is empty: this key was revoked", advice=advice)
    elif record.key_type != key.type:
        found = f"k={record.key_type}, but the key file holds {key.type}"
        yield Problem(code=ProblemCode.WRONG_TYPE, found=found, advice=_PUBLISH)
    elif len(record.key) < len(key.public_value) and key.public_value.startswith(record.key):
        found = f"p= is cut off after {len(record.key)} of {len(key.public_value)} characters"
        advice = "paste the whole value, or in a zone file all of its strings"
        yield Problem(code=ProblemCode.SYNTAX, found=found, advice=advice)
    else:
        yield from _compare_public_keys(key, record)


def _compare_public_keys(key: SigningKey, record: KeyRecord) -> Iterator[Problem]:
    try:
        published = record.public_key()
    except ValueError:
        found = f"p= holds no {key.type} key that can be read"
        yield Problem(code=ProblemCode.SYNTAX, found=found, advice=_PUBLISH)
        return
    if published != key.private_key.public_key():
        found = f"another key is published (p={record.key[:16]}… instead of {key.public_value[:16]}…)"
        advice = f"{_PUBLISH}, or let key_file name the file of the published key"
        yield Problem(code=ProblemCode.DIFFERENT_KEY, found=found, advice=advice)


def _compare_restrictions(record: KeyRecord) -> Iterator[Problem]:
    if record.listed("h") and "sha256" not in record.listed("h"):
        found = f"h={record.tags['h']} forbids sha256, which mail is signed with"
        yield Problem(code=ProblemCode.WRONG_HASH, found=found, advice="remove h= from the record")
    if record.listed("s") and not record.listed("s") & {"*", "email"}:
        found = f"s={record.tags['s']} forbids the key for mail"
        yield Problem(code=ProblemCode.WRONG_SERVICE, found=found, advice="remove s= from the record")
    if "y" in record.listed("t"):
        found = "t=y: the domain is testing, so receivers treat its signed mail as unsigned"
        yield Problem(code=ProblemCode.TESTING, found=found, advice="remove t=y from the record")
