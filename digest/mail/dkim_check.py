"""Whether receivers can verify what is signed: each key against DNS, and a signed sample against the published key."""

import re
from base64 import b64decode, b64encode
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256

from digest.errors import UnreachableError
from digest.mail.dkim import Signer
from digest.mail.dkim_dns import TextRecords
from digest.mail.dkim_keys import SigningKey
from digest.mail.dkim_record import (
    Problem,
    ProblemCode,
    PublicKey,
    compare_record,
    parse_record,
    parse_tags,
    record_name,
)
from digest.mail.dkim_relaxed import relax_body, relax_fields

LookUp = Callable[[str], TextRecords]
"""Asks DNS for the TXT records of a name; UnreachableError where nobody answers."""
_SAMPLE = (
    "From: digest <news@{domain}>\r\nTo: reader@{domain}\r\nSubject: a sample,\r\n\t folded  twice \r\n"
    "Date: Mon, 02 Mar 2026 09:00:00 +0900\r\nMIME-Version: 1.0\r\n\r\nLines  with spaces \t\r\n\r\n\r\n"
)
_SIGNATURE_VALUE = re.compile(r"(^|;)(\s*b\s*=)[^;]*")


@dataclass(frozen=True, kw_only=True)
class KeyCheck:
    """One key, and what is published for it."""

    key: SigningKey
    published: str
    """The record as DNS has it; "" where there is not exactly one."""
    problems: tuple[Problem, ...]

    @property
    def is_good(self) -> bool:
        """Whether receivers can verify what the key signs."""
        return all(problem.is_warning for problem in self.problems)


def check_key(key: SigningKey, look_up: LookUp, *, now: datetime) -> KeyCheck:
    """Hold a key against what its domain publishes, and verify a sample as a receiver would."""
    weak = _describe_weakness(key)
    try:
        records = look_up(record_name(key))
        if len(records.texts) != 1:
            return KeyCheck(key=key, published="", problems=(_describe_count(key, records, look_up), *weak))
    except UnreachableError as error:
        unreachable = Problem(code=ProblemCode.UNREACHABLE, found=error.reason, advice="then check again")
        return KeyCheck(key=key, published="", problems=(unreachable, *weak))
    (published,) = records.texts
    problems = compare_record(key, published) or _verify_sample(key, published, now=now)
    return KeyCheck(key=key, published=published, problems=(*problems, *weak))


def _describe_weakness(key: SigningKey) -> tuple[Problem, ...]:
    if not key.weakness:
        return ()
    return (Problem(code=ProblemCode.WEAK, found=key.weakness, advice="make another with `digest dkim new`"),)


def _describe_count(key: SigningKey, records: TextRecords, look_up: LookUp) -> Problem:
    """There is none, or more than one."""
    if records.texts:
        found = f"there are {len(records.texts)} TXT records, and receivers may take any of them"
        return Problem(code=ProblemCode.SEVERAL, found=found, advice="leave the one that `digest dkim show` prints")
    name = record_name(key)
    if look_up(f"{name}.{key.domain}").texts:
        found = f"the record stands at {name}.{key.domain}: the domain was added twice"
        advice = f"enter the name as {name.removesuffix(f'.{key.domain}')}"
        return Problem(code=ProblemCode.MISSING, found=found, advice=advice)
    alias = f" at {records.name}, which it is an alias (CNAME) of" if records.name.lower() != name.lower() else ""
    advice = "publish what `digest dkim show` prints; a new record may take some hours to be seen"
    return Problem(code=ProblemCode.MISSING, found=f"there is no TXT record{alias}", advice=advice)


def _verify_sample(key: SigningKey, published: str, *, now: datetime) -> tuple[Problem, ...]:
    message = Signer((key,)).sign(_SAMPLE.format(domain=key.domain).encode("ascii"), now=now)
    if verify_signature(message, parse_record(published).public_key()):
        return ()
    advice = "make a new key with `digest dkim new`, and report this as a fault of digest"
    return (Problem(code=ProblemCode.UNVERIFIED, found="a signed sample does not verify", advice=advice),)


def verify_signature(message: bytes, public_key: PublicKey) -> bool:
    """Whether the topmost signature of a message that `Signer` signed is good (RFC 6376 section 3.7)."""
    head, _, body = message.partition(b"\r\n\r\n")
    fields = relax_fields(head)
    field = fields[b"dkim-signature"][0].decode()
    tags = parse_tags(field)
    if b64encode(sha256(relax_body(body)).digest()).decode() != tags["bh"]:
        return False
    left = {name: list(values) for name, values in fields.items()}
    names = [name.strip().encode() for name in tags["h"].lower().split(":")]
    lines = [b"%b:%b\r\n" % (name, left[name].pop()) for name in names if left.get(name)]
    unsigned = _SIGNATURE_VALUE.sub(r"\1\2", field).encode()
    content = b"%bdkim-signature:%b" % (b"".join(lines), unsigned)
    return _has_signed(public_key, b64decode(tags["b"].replace(" ", "")), content)


def _has_signed(public_key: PublicKey, signature: bytes, content: bytes) -> bool:
    try:
        if isinstance(public_key, RSAPublicKey):
            public_key.verify(signature, content, PKCS1v15(), SHA256())
        else:
            public_key.verify(signature, sha256(content).digest())
    except InvalidSignature:
        return False
    return True


def is_aligned(domain: str, sender_domain: str) -> bool:
    """Whether a signature of `domain` speaks for a From of `sender_domain`, as DMARC's relaxed mode asks for.

    DMARC compares organisational domains (RFC 7489 section 3.1.1), which takes the list of public suffixes. Here one
    must be the other or stand above it, which is true of nearly all that is aligned: two sisters under one parent
    (mail.example.com, news.example.com) count as not aligned, though DMARC takes them.
    """
    one, other = domain.lower(), sender_domain.lower()
    return one == other or one.endswith(f".{other}") or other.endswith(f".{one}")
