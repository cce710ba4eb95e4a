"""Notifications of Amazon SNS: whether Amazon signed one, which is all that proves where it comes from.

https://docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message.html
"""

import binascii
import json
import re
from base64 import b64decode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA1, SHA256, HashAlgorithm

NOTIFICATION, CONFIRMATION = "Notification", "SubscriptionConfirmation"
_HOST = r"https://sns\.[a-z]{2}(?:-[a-z]{2,12}){1,3}-\d{1,2}\.amazonaws\.com(?:\.cn)?"
_CERTIFICATE = re.compile(rf"{_HOST}/SimpleNotificationService-[0-9A-Za-z]{{1,80}}\.pem")
_SUBSCRIBE = re.compile(rf"{_HOST}/\?Action=ConfirmSubscription&[!-~]{{1,2000}}")
_HASHES: Mapping[str, HashAlgorithm] = {"1": SHA1(), "2": SHA256()}  # noqa: S303 - version 1 is Amazon's default
_SIGNED = {
    NOTIFICATION: ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"),
    CONFIRMATION: ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"),
    "UnsubscribeConfirmation": ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"),
}
"""The fields that a signature is over, in the order of the alphabet; those that are not there are left out."""

FetchCertificate = Callable[[str], bytes]
"""Reads the PEM at an address, which is one of Amazon's by then."""


class SnsError(ValueError):
    """A request that is no notification of a topic that may send some."""


@dataclass(frozen=True, kw_only=True)
class SnsMessage:
    """One message of SNS, as it came: nothing of it is believed before `require_signature`."""

    fields: Mapping[str, str]

    @property
    def type(self) -> str:
        """What kind it is: see `NOTIFICATION` and `CONFIRMATION`."""
        return self.fields["Type"]

    @property
    def id(self) -> str:
        """Stays the same when it is sent again."""
        return self.fields["MessageId"]

    @property
    def topic(self) -> str:
        """The ARN of its topic."""
        return self.fields["TopicArn"]

    @property
    def text(self) -> str:
        """What was published."""
        return self.fields["Message"]

    @property
    def subscribe_url(self) -> str:
        """What to open to confirm the subscription.

        Raises:
            SnsError: it is no such address of Amazon's.
        """
        url = self.fields.get("SubscribeURL", "")
        if not _SUBSCRIBE.fullmatch(url):
            raise SnsError("SubscribeURL is no address of SNS")
        return url

    @property
    def certificate_url(self) -> str:
        """Where the certificate of who signed lies.

        Raises:
            SnsError: it is no such address of Amazon's.
        """
        url = self.fields.get("SigningCertURL", "")
        if not _CERTIFICATE.fullmatch(url):
            raise SnsError("SigningCertURL is no certificate of SNS")
        return url


def parse_sns(body: bytes) -> SnsMessage:
    """A request's body as a message.

    Raises:
        SnsError: it is none.
    """
    try:
        values: Any = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise SnsError("the body is no JSON") from error
    pairs = values.items() if isinstance(values, dict) else ()
    fields = {name: value for name, value in pairs if isinstance(value, str)}
    if fields.get("Type") not in _SIGNED:
        raise SnsError("the body is no message of SNS; raw message delivery must be off, as it carries no signature")
    if missing := {"MessageId", "TopicArn", "Message", "Timestamp"} - fields.keys():
        raise SnsError(f"{min(missing)} is missing")
    return SnsMessage(fields=fields)


def require_signature(message: SnsMessage, certificate: bytes, *, now: datetime) -> None:
    """Make sure that the key of a certificate signed a message; both versions of signatures are known.

    Args:
        message: what came.
        certificate: PEM, from the message's `certificate_url`, over https.
        now: aware; the certificate must be valid.

    Raises:
        SnsError: it did not.
    """
    algorithm = _HASHES.get(message.fields.get("SignatureVersion", ""))
    if algorithm is None:
        raise SnsError("SignatureVersion is neither 1 nor 2")
    key = _key_of(certificate, now)
    try:
        signature = b64decode(message.fields.get("Signature", ""), validate=True)
        key.verify(signature, _signed_text(message), PKCS1v15(), algorithm)
    except (InvalidSignature, binascii.Error, ValueError) as error:
        raise SnsError("the signature is wrong") from error


def _key_of(certificate: bytes, now: datetime) -> RSAPublicKey:
    try:
        found = x509.load_pem_x509_certificate(certificate)
        key = found.public_key()
    except ValueError as error:
        raise SnsError("SigningCertURL has no certificate") from error
    if not found.not_valid_before_utc <= now <= found.not_valid_after_utc:
        raise SnsError("the certificate has ended or not begun")
    if not isinstance(key, RSAPublicKey):
        raise SnsError("the certificate has no RSA key")
    return key


def _signed_text(message: SnsMessage) -> bytes:
    """Name and value of each field, a line each."""
    fields = message.fields
    lines = [f"{name}\n{fields[name]}\n" for name in _SIGNED[message.type] if name in fields]
    return "".join(lines).encode("utf-8", "surrogatepass")
