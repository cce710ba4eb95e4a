"""Key records: what is published is what dkimpy reads, and everything that can be wrong with one is told apart."""

import re
from base64 import b64encode

import dkim
import pytest
from cryptography.hazmat.primitives import serialization
from dkim_samples import ED25519, OTHER_RSA, RSA
from hypothesis import given
from hypothesis import strategies as st

from digest.mail.dkim_record import (
    ProblemCode,
    compare_record,
    parse_record,
    parse_tags,
    record_name,
    record_value,
    zone_lines,
)

KEYS = pytest.mark.parametrize("key", [RSA, ED25519], ids=["rsa", "ed25519"])


def codes(key, text):
    return [problem.code for problem in compare_record(key, text)]


@KEYS
def test_a_record_is_what_its_key_needs(key):
    assert record_name(key) == f"{key.selector}._domainkey.hanbit.example"
    assert compare_record(key, record_value(key)) == ()


def test_dkimpy_reads_the_record():
    public_key, size, kind, _ = dkim.evaluate_pk("name", record_value(RSA))
    assert (size, kind) == (2048, b"rsa")
    assert public_key["modulus"] == RSA.private_key.public_key().public_numbers().n


def test_an_ed25519_record_holds_the_bare_key():
    """RFC 8463 section 4: its 32 bytes alone."""
    assert len(parse_record(record_value(ED25519)).key) == 44


@KEYS
def test_strings_of_a_zone_file_are_at_most_255_long_and_join_to_the_value(key):
    lines = zone_lines(key)
    strings = re.findall(r'"([^"]*)"', lines)
    assert "".join(strings) == record_value(key)
    assert max(map(len, strings)) <= 255
    assert lines.startswith(f"{record_name(key)}. IN TXT (\n")
    assert lines.endswith(")")


RSA_KEY = RSA.public_value
SLOTS = {"KEY": RSA_KEY, "BEGIN": RSA_KEY[:200], "END": RSA_KEY[200:], "OTHER": OTHER_RSA.public_value}
"""What test names leave open, as keys differ from run to run."""
PKCS1 = RSA.private_key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.PKCS1)


@pytest.mark.parametrize(
    "text",
    [
        "p={KEY}",
        "v=DKIM1;p={KEY};",
        " v = DKIM1 ; t = s ; n = made by hand ; p = {BEGIN} \r\n {END} ; ",
        "v=DKIM1; h=sha1:sha256; s=email; k=rsa; x_new=1; p={KEY}",
        "v=DKIM1; s=tlsrpt : * ; p={KEY}",
    ],
)
def test_a_good_record_may_be_written_in_many_ways(text):
    """RFC 6376 sections 3.2 and 3.6.1."""
    assert compare_record(RSA, text.format(**SLOTS)) == ()


def test_the_form_of_the_rfc_itself_is_taken():
    """RFC 6376 says RSAPublicKey, everybody publishes SubjectPublicKeyInfo (RFC erratum 3017)."""
    assert compare_record(RSA, f"p={b64encode(PKCS1).decode()}") == ()


@pytest.mark.parametrize(
    ("text", "code", "words"),
    [
        ("", "syntax", "'' is no tag=value"),
        ("hello", "syntax", "'hello' is no tag=value"),
        ("v=spf1 -all", "syntax", "v= must come first and be DKIM1"),
        ("k=rsa; v=DKIM1; p={KEY}", "syntax", "v= must come first"),
        ("v=DKIM1; k=rsa", "syntax", "no p="),
        ("v=DKIM1; p={KEY}; p={KEY}", "syntax", "p= stands there twice"),
        ("v=DKIM1\\; k=rsa\\; p={KEY}", "syntax", "quotation marks or backslashes"),
        ('"v=DKIM1; k=rsa;" "p={KEY}"', "syntax", "quotation marks or backslashes"),
        ("v=DKIM1; k=rsa; p={BEGIN}", "syntax", "cut off after 200 of 392 characters"),
        ("v=DKIM1; k=rsa; p=AAAA", "syntax", "p= holds no rsa key that can be read"),
        ("v=DKIM1; k=rsa; p=%%%", "syntax", "p= holds no rsa key that can be read"),
        ("v=DKIM1; k=rsa; p=", "revoked", "revoked"),
        ("v=DKIM1; k=rsa; p={OTHER}", "different_key", "another key is published"),
        ("v=DKIM1; k=ed25519; p={OTHER}", "wrong_type", "k=ed25519, but the key file holds rsa"),
        ("v=DKIM1; h=sha1; p={KEY}", "wrong_hash", "h=sha1 forbids sha256"),
        ("v=DKIM1; s=tlsrpt; p={KEY}", "wrong_service", "s=tlsrpt forbids the key for mail"),
        ("v=DKIM1; t=s:y; p={KEY}", "testing", "t=y"),
    ],
)
def test_each_fault_has_its_name_and_its_remedy(text, code, words):
    (problem,) = compare_record(RSA, text.format(**SLOTS))
    assert problem.code == code
    assert words in problem.found
    assert problem.advice
    assert not problem.is_warning


def test_an_ed25519_key_in_a_wrapping_is_not_readable():
    """A common mistake: what openssl prints is not the bare key."""
    wrapped = "MCowBQYDK2VwAyEA" + ED25519.public_value
    assert codes(ED25519, f"v=DKIM1; k=ed25519; p={wrapped}") == ["syntax"]
    assert codes(ED25519, f"v=DKIM1; p={ED25519.public_value}") == ["wrong_type"]


def test_several_faults_are_all_told():
    found = codes(RSA, "v=DKIM1; h=sha1; t=y; s=other; p=")
    assert found == [ProblemCode.REVOKED, ProblemCode.WRONG_HASH, ProblemCode.WRONG_SERVICE, ProblemCode.TESTING]


@given(st.text())
def test_no_text_is_too_odd_to_be_read_or_refused(text):
    assert codes(RSA, text)


@given(
    st.dictionaries(
        st.from_regex(r"[A-Za-z][A-Za-z0-9_]{0,5}", fullmatch=True), st.from_regex(r"[!-:<-~]{0,20}", fullmatch=True)
    ).filter(bool)
)
def test_tags_are_read_back(tags):
    assert parse_tags(" ;\r\n\t".join(f"{name} = {value}" for name, value in tags.items()) + ";") == tags
