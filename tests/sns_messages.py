"""Messages of Amazon SNS with real signatures, by a key that a test holds; and events of SES in them."""

import json
from base64 import b64encode
from datetime import UTC, datetime, timedelta
from functools import cache

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA1, SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

TOPIC = "arn:aws:sns:ap-northeast-2:123456789012:returned"
CERTIFICATE_URL = "https://sns.ap-northeast-2.amazonaws.com/SimpleNotificationService-0123456789abcdef.pem"
SUBSCRIBE_URL = (
    f"https://sns.ap-northeast-2.amazonaws.com/?Action=ConfirmSubscription&TopicArn={TOPIC}&Token=0123456789"
)


@cache
def key():
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@cache
def certificate(*, begins=-1, ends=30, elliptic=False):
    """PEM of a certificate that is valid from so many days from now to so many."""
    now = datetime.now(UTC)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sns.amazonaws.com")])
    signer = ec.generate_private_key(ec.SECP256R1()) if elliptic else key()
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(signer.public_key())
        .serial_number(1)
        .not_valid_before(now + timedelta(days=begins))
        .not_valid_after(now + timedelta(days=ends))
    )
    return builder.sign(signer, SHA256()).public_bytes(Encoding.PEM)


def sign(fields, *, version="1"):
    """The message with its signature, as Amazon documents it, written anew from their page."""
    kind = fields["Type"]
    names = ["Message", "MessageId", "Subject", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"]
    if kind == "Notification":
        names = ["Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"]
    text = "".join(f"{name}\n{fields[name]}\n" for name in names if name in fields).encode()
    signature = key().sign(text, PKCS1v15(), SHA1() if version == "1" else SHA256())
    return {
        **fields,
        "SignatureVersion": version,
        "Signature": b64encode(signature).decode(),
        "SigningCertURL": CERTIFICATE_URL,
    }


def notification(message, *, version="1", topic=TOPIC, number=1, **fields):
    """What SNS posts."""
    values = {
        "Type": "Notification",
        "MessageId": f"22b80b92-fdea-4c2c-8f9d-{number:012}",
        "TopicArn": topic,
        "Message": message if isinstance(message, str) else json.dumps(message),
        "Timestamp": "2026-03-02T00:00:00.000Z",
        **fields,
    }
    return sign(values, version=version)


def confirmation(*, topic=TOPIC, url=SUBSCRIBE_URL):
    """What SNS posts first."""
    values = {
        "Type": "SubscriptionConfirmation",
        "MessageId": "165545c9-2a5c-472c-8df2-7ff2be2b3b1b",
        "Token": "0123456789",
        "TopicArn": topic,
        "Message": f"You have chosen to subscribe to the topic {topic}.",
        "SubscribeURL": url,
        "Timestamp": "2026-03-02T00:00:00.000Z",
    }
    return sign(values)


def ses_bounce(recipient, *, kind="Permanent", subtype="General", form="notificationType", mark=""):
    """An event of SES: as a notification of an identity, or published by a configuration set (`eventType`)."""
    status, words = (
        ("5.1.1", "smtp; 550 5.1.1 user unknown") if kind == "Permanent" else ("4.2.2", "smtp; 452 4.2.2 full")
    )
    return {
        form: "Bounce",
        "bounce": {
            "bounceType": kind,
            "bounceSubType": subtype,
            "bouncedRecipients": [
                {"emailAddress": recipient, "action": "failed", "status": status, "diagnosticCode": words}
            ],
            "timestamp": "2026-03-02T00:00:00.000Z",
            "feedbackId": "00000137860315fd",
        },
        "mail": mail(mark),
    }


def ses_complaint(recipient, *, form="notificationType", mark=""):
    return {
        form: "Complaint",
        "complaint": {
            "complainedRecipients": [{"emailAddress": recipient}],
            "timestamp": "2026-03-02T00:00:00.000Z",
            "complaintFeedbackType": "abuse",
        },
        "mail": mail(mark),
    }


def ses_delivery(recipient, *, form="notificationType"):
    return {form: "Delivery", "delivery": {"recipients": [recipient], "smtpResponse": "250 ok"}, "mail": mail("")}


def mail(mark):
    headers = [{"name": "X-Digest-Delivery", "value": mark}] if mark else []
    return {
        "timestamp": "2026-03-02T00:00:00.000Z",
        "source": "news@hanbit.example",
        "messageId": "0100-ses",
        "headers": [{"name": "From", "value": "news@hanbit.example"}, *headers],
    }
