"""A key as receivers see it: what is wrong in DNS, whether a sample verifies, and whose mail it speaks for."""

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from dkim_samples import ED25519, OTHER_RSA, RSA, SIGNED_AT, verifies
from hypothesis import assume, given
from hypothesis import strategies as st
from letter_samples import make_message

from digest.errors import UnreachableError
from digest.mail.dkim import Signer
from digest.mail.dkim_check import check_key, is_aligned, verify_signature
from digest.mail.dkim_dns import TextRecords
from digest.mail.dkim_keys import SigningKey
from digest.mail.dkim_record import KeyRecord, record_name, record_value

KEYS = pytest.mark.parametrize("key", [RSA, ED25519], ids=["rsa", "ed25519"])
RFC_8463 = b"""\
DKIM-Signature: v=1; a=ed25519-sha256; c=relaxed/relaxed;
 d=football.example.com; i=@football.example.com;
 q=dns/txt; s=brisbane; t=1528637909; h=from : to :
 subject : date : message-id : from : subject : date;
 bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;
 b=/gCrinpcQOoIfuHNQIbq4pgh9kyIK3AQUdt9OdqQehSwhEIug4D11Bus
 Fa3bT3FY5OsU7ZbnKELq+eXdp1Q1Dw==
From: Joe SixPack <joe@football.example.com>
To: Suzie Q <suzie@shopping.example.net>
Subject: Is dinner ready?
Date: Fri, 11 Jul 2003 21:00:37 -0700 (PDT)
Message-ID: <20030712040037.46341.5F8J@football.example.com>

Hi.

We lost the game.  Are you hungry yet?

Joe.
""".replace(b"\n", b"\r\n")


def in_dns(records):
    """Looks up in these records, by name."""
    return lambda name: TextRecords(name=name, texts=tuple(records.get(name, ())))


def check(key, *texts):
    return check_key(key, in_dns({record_name(key): texts}), now=SIGNED_AT)


def codes(found):
    return [problem.code for problem in found.problems]


@KEYS
def test_a_key_that_is_published_is_good(key):
    found = check(key, record_value(key))
    assert (found.is_good, found.problems, found.published) == (True, (), record_value(key))


def test_no_record_and_several_are_faults():
    assert codes(check(RSA)) == ["missing"]
    assert codes(check(RSA, record_value(RSA), "v=spf1 -all")) == ["several"]


def test_the_faults_of_the_record_are_told():
    found = check(RSA, record_value(OTHER_RSA) + "; t=y")
    assert (codes(found), found.is_good) == (["different_key", "testing"], False)


def test_a_domain_that_was_added_twice_is_recognised():
    """Forms that add the domain themselves; the commonest slip."""
    doubled = f"{record_name(RSA)}.{RSA.domain}"
    (problem,) = check_key(RSA, in_dns({doubled: [record_value(RSA)]}), now=SIGNED_AT).problems
    assert problem.found.endswith("the domain was added twice")
    assert problem.advice == "enter the name as s2026._domainkey"


def test_an_alias_of_nothing_names_its_target():
    def look_up(name):
        return TextRecords(name="gone.relay.example", texts=())

    (problem,) = check_key(RSA, look_up, now=SIGNED_AT).problems
    assert "at gone.relay.example, which it is an alias (CNAME) of" in problem.found


def test_dns_that_cannot_be_asked_is_no_verdict_on_the_key():
    def look_up(name):
        raise UnreachableError(name, "no DNS server answered")

    found = check_key(RSA, look_up, now=SIGNED_AT)
    assert (codes(found), found.is_good) == (["unreachable"], False)


def test_a_weak_key_is_a_warning():
    weak = SigningKey(selector="s", domain="example.com", private_key=generate_private_key(65537, 1024))
    found = check(weak, record_value(weak))
    assert (codes(found), found.is_good) == (["weak"], True)


# The receiver in the house


def test_the_example_of_the_rfc_verifies():
    """RFC 8463 appendix A: a signature that nobody here made."""
    record = KeyRecord(tags={"k": "ed25519", "p": "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="})
    public_key = record.public_key()
    assert isinstance(public_key, Ed25519PublicKey)
    assert verify_signature(RFC_8463, public_key)
    for change in ((b"dinner", b"Dinner"), (b"hungry", b"Hungry"), (b"1528637909", b"1528637908")):
        assert not verify_signature(RFC_8463.replace(*change), public_key)
    assert not verify_signature(RFC_8463, ED25519.private_key.public_key())


@KEYS
@given(place=st.integers(0, 4000), byte=st.sampled_from(b"aZ0=;"))
def test_it_agrees_with_dkimpy_on_any_change(key, place, byte):
    message = make_message(letter={"html": "<p>hello  world</p>"})
    signed = Signer((key,)).sign(message, now=SIGNED_AT)
    place = len(signed) - 1 - place % len(message)
    assume(signed[place] not in b"\r\n:" and signed[place - 1] not in b"\n")
    changed = signed[:place] + bytes([byte]) + signed[place + 1 :]
    assert verify_signature(changed, key.private_key.public_key()) == verifies(changed, key)


# Whose mail it speaks for


@pytest.mark.parametrize(
    ("domain", "sender", "aligned"),
    [
        ("example.com", "example.com", True),
        ("Example.com", "EXAMPLE.com", True),
        ("example.com", "news.example.com", True),
        ("news.example.com", "example.com", True),
        ("example.com", "badexample.com", False),
        ("relay.example", "example.com", False),
        ("mail.example.com", "news.example.com", False),
    ],
)
def test_a_domain_speaks_for_itself_and_for_those_above_and_below(domain, sender, aligned):
    assert is_aligned(domain, sender) is aligned
