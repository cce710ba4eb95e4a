"""One normal form for each address that can be mailed, and a reason for each that cannot."""

import unicodedata

import pytest
from email_validator import EmailNotValidError, validate_email
from hypothesis import example, given, settings
from hypothesis import strategies as st

from digest.address import MAX_LENGTH, normalise_address, shorten_address
from digest.errors import AddressError, DigestError

LONG_DOMAIN = ".".join(["a" * 60] * 3) + ".com"


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("kim@example.com", "kim@example.com"),
        ("  kim@example.com\r\n", "kim@example.com"),
        ("Kim.Min-Su+news@Example.COM", "Kim.Min-Su+news@example.com"),
        ("kim@한국.kr", "kim@xn--3e0b707e.kr"),
        ("kim@" + unicodedata.normalize("NFD", "한국") + ".kr", "kim@xn--3e0b707e.kr"),
        ("kim@XN--3E0B707E.kr", "kim@xn--3e0b707e.kr"),
        ("kim@BÜCHER.example.com", "kim@xn--bcher-kva.example.com"),
        ("o'brien!#$%&*/=?^`{|}~@example.com", "o'brien!#$%&*/=?^`{|}~@example.com"),
        ("a_b-c.d@mail.example.co.kr", "a_b-c.d@mail.example.co.kr"),
        ("1@example.com", "1@example.com"),
    ],
)
def test_an_address_has_one_ascii_form_with_its_domain_in_lower_case_and_its_local_part_as_given(text, normal):
    assert normalise_address(text) == normal


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "has no @"),
        ("kim", "has no @"),
        ("@example.com", "something before the @"),
        ("kim@", "something after the @"),
        ("kim@localhost", "period"),
        ("kim@example", "period"),
        ("kim@example..com", "period"),
        ("kim@-example.com", "hyphen"),
        ("kim@exa mple.com", "space"),
        ("kim@example.com.", "period"),
        ("kim@[127.0.0.1]", "bracket"),
        ("kim..lee@example.com", "two periods"),
        (".kim@example.com", "start with a period"),
        ("kim.@example.com", "period immediately before the @"),
        ("kim lee@example.com", "space"),
        ("Kim <kim@example.com>", "display name"),
        ("kim@example.com, lee@example.com", "invalid characters"),
        ('"kim lee"@example.com', "quoting"),
        ("김@example.com", "internationalized"),
        ("kim\x00@example.com", "characters"),
        ("kim\r\nBcc: lee@example.com", "characters"),
        ("kim@example.com\nlee", "characters"),
        ("a" * 65 + "@example.com", "65 characters before the @; 64 are allowed"),
        ("kim@" + "a" * 64 + ".com", "1 character too many"),
        ("a" * 64 + "@" + LONG_DOMAIN + "x" * 10, "too long|are allowed"),
        ("a" * 60 + "!@" + LONG_DOMAIN + "x" * 10, "too long|are allowed"),
        ("kim@example.invalid", "special-use"),
        ("\ud800@example.com", ""),
        ("kim@\ud800.com", ""),
    ],
)  # fmt: skip
def test_an_address_that_cannot_be_mailed_is_refused_with_the_reason_in_words(text, reason):
    with pytest.raises(AddressError, match=f"(?i){reason}") as caught:
        normalise_address(text)
    assert isinstance(caught.value, DigestError)
    assert not str(caught.value).endswith(".")


def test_the_longest_address_that_a_path_can_hold_is_taken_and_one_more_is_not():
    local = "a" * 64
    fits = f"{local}@{'b' * (MAX_LENGTH - len(local) - len(LONG_DOMAIN) - 2)}.{LONG_DOMAIN}"
    assert len(normalise_address(fits)) == MAX_LENGTH
    with pytest.raises(AddressError, match=r"too long|are allowed"):
        normalise_address(fits.replace("@b", "@bb"))


ATOM = st.text(st.sampled_from("abzAZ019!#$%&'*+-/=?^_`{|}~.한é\" "), min_size=1, max_size=12)
LABEL = st.text(st.sampled_from("abzAZ09-한국éßẞ１ªK_"), min_size=1, max_size=8)
ADDRESSES = st.builds(
    lambda local, labels, space: f"{space}{local}@{'.'.join(labels)}{space}",
    ATOM,
    st.lists(LABEL, min_size=1, max_size=4),
    st.sampled_from(["", " ", "\t", "\u3000"]),
)


def normalise_or_none(text):
    try:
        return normalise_address(text)
    except AddressError:
        return None


@given(ADDRESSES | st.emails() | st.text(max_size=40))
@example("ß@straße.example.com")
@example("kim@faß.com")
@settings(deadline=None, max_examples=400)
def test_the_normal_form_of_a_normal_form_is_itself(text):
    normal = normalise_or_none(text)
    if normal is not None:
        assert normalise_address(normal) == normal
        assert normal.isascii()
        assert normal == normal.strip()
        assert len(normal) <= MAX_LENGTH


@given(ADDRESSES | st.emails())
@settings(deadline=None, max_examples=400)
def test_the_fast_way_for_plain_local_parts_agrees_with_the_library_word_for_word(text):
    try:
        found = validate_email(text.strip(), check_deliverability=False, allow_smtputf8=False)
        expected = f"{found.ascii_local_part}@{found.ascii_domain}"
    except EmailNotValidError:
        expected = None
    assert normalise_or_none(text) == expected


def test_a_shortened_address_shows_its_first_letter_and_its_domain():
    assert shorten_address("kim@example.com") == "k***@example.com"
    assert shorten_address("k@example.com") == "k***@example.com"


@given(st.emails())
def test_a_shortened_address_gives_away_no_more_of_the_local_part(address):
    local, _, domain = address.rpartition("@")
    assert shorten_address(address) == f"{local[0]}***@{domain}"
