"""Amazon's signatures: what is believed and what is not."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digest.mail.inbound.sns import SnsError, parse_sns, require_signature
from sns_messages import CERTIFICATE_URL, SUBSCRIBE_URL, certificate, confirmation, notification

NOW = datetime.now(UTC)


def parse(values):
    return parse_sns(json.dumps(values).encode())


def check(values, pem=None, *, now=NOW):
    require_signature(parse(values), certificate() if pem is None else pem, now=now)


@pytest.mark.parametrize("version", ["1", "2"])
@pytest.mark.parametrize("fields", [{}, {"Subject": "Amazon SES 알림\n다음 줄"}])
def test_a_message_that_amazon_signed_is_believed(version, fields):
    check(notification("{}", version=version, **fields))


def test_a_confirmation_that_amazon_signed_is_believed():
    check(confirmation())
    assert parse(confirmation()).subscribe_url == SUBSCRIBE_URL


@pytest.mark.parametrize("name", ["Message", "MessageId", "TopicArn", "Timestamp", "Subject", "Signature"])
def test_a_message_that_was_changed_is_refused(name):
    values = notification("{}", Subject="x")
    with pytest.raises(SnsError, match="the signature is wrong"):
        check({**values, name: values[name] + "A"})


def test_a_field_that_was_added_is_refused_or_signed_over():
    with pytest.raises(SnsError, match="the signature is wrong"):
        check({**notification("{}"), "Subject": "added"})


@pytest.mark.parametrize("version", ["", "0", "3", "none", None, 1])
def test_signatures_of_no_version_that_is_known_are_refused(version):
    with pytest.raises(SnsError, match="SignatureVersion"):
        check({**notification("{}"), "SignatureVersion": version})


def test_a_signature_of_one_version_is_none_of_the_other():
    with pytest.raises(SnsError, match="the signature is wrong"):
        check({**notification("{}", version="1"), "SignatureVersion": "2"})


@pytest.mark.parametrize(
    ("pem", "words"),
    [
        (b"", "no certificate"),
        (b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "no certificate"),
        (b"<html>", "no certificate"),
    ],
)
def test_what_is_no_certificate_is_refused(pem, words):
    with pytest.raises(SnsError, match=words):
        check(notification("{}"), pem)


def test_certificates_that_have_ended_or_are_of_another_kind_are_refused():
    with pytest.raises(SnsError, match="ended"):
        check(notification("{}"), certificate(begins=-9, ends=-1))
    with pytest.raises(SnsError, match="not begun"):
        check(notification("{}"), now=NOW - timedelta(days=400))
    with pytest.raises(SnsError, match="no RSA key"):
        check(notification("{}"), certificate(elliptic=True))


GOOD_HOST = "https://sns.us-gov-west-1.amazonaws.com/SimpleNotificationService-a1.pem"


@pytest.mark.parametrize("url", [CERTIFICATE_URL, GOOD_HOST, GOOD_HOST.replace("us-gov-west-1", "eu-central-1")])
def test_certificates_lie_with_amazon(url):
    assert parse({**notification("{}"), "SigningCertURL": url}).certificate_url == url


@pytest.mark.parametrize(
    "url",
    [
        CERTIFICATE_URL.replace("https", "http"),
        CERTIFICATE_URL.replace("amazonaws.com", "amazonaws.com.evil.example"),
        CERTIFICATE_URL.replace("sns.", "evil.example/sns."),
        CERTIFICATE_URL.replace("https://", "https://sns.us-east-1.amazonaws.com@evil.example/"),
        CERTIFICATE_URL.replace("https://sns", "https://bucket.s3"),
        CERTIFICATE_URL.replace("amazonaws", "amazon-aws"),
        CERTIFICATE_URL.replace(".com/", ".com:8443/"),
        CERTIFICATE_URL.replace("/Simple", "/../bucket/Simple"),
        f"{CERTIFICATE_URL}?x=.pem",
        f"{CERTIFICATE_URL}\n",
        f"{CERTIFICATE_URL}#x",
        "https://sns.us-east-1.amazonaws.com/?Action=ConfirmSubscription&x.pem",
        "",
    ],
)
def test_no_certificate_lies_anywhere_else(url):
    with pytest.raises(SnsError, match="SigningCertURL"):
        _ = parse({**notification("{}"), "SigningCertURL": url}).certificate_url


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example/?Action=ConfirmSubscription&Token=1",
        "https://sns.us-east-1.amazonaws.com/?Action=Publish&Token=1",
        "http://sns.us-east-1.amazonaws.com/?Action=ConfirmSubscription&Token=1",
        "",
    ],
)
def test_a_subscription_is_confirmed_with_amazon_alone(url):
    with pytest.raises(SnsError, match="SubscribeURL"):
        _ = parse(confirmation(url=url)).subscribe_url


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{}", b'{"Type": "X"}', b"\xff", b"[" * 100_000, b'{"Type": ["Notification"]}']
)
def test_what_is_no_message_of_sns_is_refused(body):
    with pytest.raises(SnsError):
        parse_sns(body)


VALUES = st.none() | st.booleans() | st.floats() | st.text()


@settings(max_examples=50)
@given(st.recursive(VALUES, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)))
def test_no_json_breaks_the_reader(value):
    for body in (value, {**notification("{}"), "Message": value, "Signature": value}):
        try:
            check(body)
        except SnsError:
            continue
        pytest.fail("it was believed")
