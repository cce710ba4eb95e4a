"""Header fields: ASCII, folded, in encoded words that each can be decoded alone, and never the start of another one."""

import re
from base64 import b64decode
from email import message_from_string, policy
from email.header import decode_header, make_header

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from digest.errors import RenderError
from digest.mail.headers import clean_name, encode_mailbox, encode_phrase, encode_text

WORD = re.compile(r"=\?utf-8\?B\?([A-Za-z0-9+/]*=*)\?=")
ANY_TEXT = st.text(max_size=120) | st.text(st.characters(), max_size=40)
"""Surrogates are in the second one."""
HARD_ONES = (
    "",
    " ",
    "=?utf-8?B?7ZWc?=",
    "a =?x",
    "\r\nBcc: x@y.kr",
    "한" * 200,
    "👨\u200d👩\u200d👧" * 20,
    "x" * 300,
    "a\ud800b",
    ' "\\" ',
)


def with_hard_ones(test):
    for text in HARD_ONES:
        test = example(text)(test)
    return test


def spoken(text):
    """What is left of a text in a header: control characters are spaces, what UTF-8 cannot say is a question mark."""
    text = re.sub(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]", " ", text)
    return re.sub(r"[\ud800-\udfff]", "?", text)


def check_form(name, value):
    """RFC 2047 section 2 and RFC 5322 section 2.2.3; each encoded word must be whole characters (section 5)."""
    assert value.isascii()
    for line in f"{name}: {value}".split("\r\n"):
        assert "\r" not in line
        assert "\n" not in line
        if "=?" in line:
            assert len(line) <= 76
    assert all(line.startswith(" ") and line.strip() for line in value.split("\r\n")[1:])
    for word in re.findall(r"=\?.*?\?.\?.*?\?=", value):
        assert len(word) <= 75
        assert b64decode(WORD.fullmatch(word)[1], validate=True).decode("utf-8")


def read(name, value):
    return message_from_string(f"{name}: {value}\n\n".replace("\r\n", "\n"), policy=policy.default)[name]


@given(ANY_TEXT)
@with_hard_ones
@settings(deadline=None)
def test_any_subject_comes_back_as_it_was_from_well_formed_words(text):
    value = encode_text("Subject", text)
    if value and text.strip():
        check_form("Subject", value)
        header = read("Subject", value)
        assert str(header) == spoken(text)
        assert not header.defects


def test_a_plain_short_subject_stands_as_it_is_and_a_long_one_is_encoded():
    assert encode_text("Subject", "Night trains return: 9 years (almost)") == "Night trains return: 9 years (almost)"
    assert encode_text("Subject", "x" * 67) == "x" * 67
    assert encode_text("Subject", "x" * 68).startswith("=?utf-8?B?")


def test_text_that_looks_like_an_encoded_word_is_not_taken_for_one():
    value = encode_text("Subject", "=?utf-8?B?7ZWc?=")
    assert str(read("Subject", value)) == "=?utf-8?B?7ZWc?="


def test_words_are_cut_between_characters_and_as_long_as_they_may_be():
    value = encode_text("Subject", "가" * 100)
    lines = f"Subject: {value}".split("\r\n")
    assert [len(line) for line in lines] == [73, 73, 73, 73, 73, 73, 61]
    assert "".join(b64decode(WORD.search(line)[1]).decode() for line in lines) == "가" * 100


@given(ANY_TEXT, st.sampled_from(["From", "To", "Reply-To"]))
@settings(deadline=None)
def test_any_display_name_leaves_the_address_alone_and_comes_back(text, name):
    value = encode_mailbox(name, text, "news@hanbit.example")
    check_form(name, value)
    phrase = value.removesuffix("news@hanbit.example").removesuffix("<news@hanbit.example>")
    assert phrase != value
    expected = clean_name(text)
    if phrase.strip().startswith('"'):
        assert re.sub(r"\\(.)", r"\1", phrase.strip()[1:-1]) == expected
    else:  # CPython's new parser puts a space between encoded words of a phrase (bpo-35547); its old one is right
        unfolded = phrase.replace("\r\n", "").strip()
        assert str(make_header(decode_header(unfolded))) == expected if unfolded else not expected
    header = read(name, value)
    assert [(a.username, a.domain) for a in header.addresses] == [("news", "hanbit.example")]


@pytest.mark.parametrize(
    ("display_name", "value"),
    [
        ("", "news@hanbit.example"),
        (" \t ", "news@hanbit.example"),
        ("Hanbit News", "Hanbit News <news@hanbit.example>"),
        ("Kim, Lee & Co.", '"Kim, Lee & Co." <news@hanbit.example>'),
        ('The "Daily" \\o/', '"The \\"Daily\\" \\\\o/" <news@hanbit.example>'),
        ("a@b.kr <c@d.kr>", '"a@b.kr <c@d.kr>" <news@hanbit.example>'),
        ("(comment)", '"(comment)" <news@hanbit.example>'),
        ("한빛뉴스", "=?utf-8?B?7ZWc67mb64m07Iqk?= <news@hanbit.example>"),
    ],
)
def test_a_display_name_is_atoms_a_quoted_string_or_encoded_words(display_name, value):
    assert encode_mailbox("From", display_name, "news@hanbit.example") == value
    (address,) = read("From", value).addresses
    assert address.display_name == " ".join(display_name.split())


def test_an_address_that_does_not_fit_behind_the_name_stands_on_its_own_line():
    domain = "a" * 60 + ".example"
    assert encode_mailbox("To", "Kim", f"kim@{domain}") == f"Kim\r\n <kim@{domain}>"


def test_a_phrase_too_long_for_one_line_is_encoded_even_if_it_is_ascii():
    value = encode_phrase("From", "Hanbit " * 20)
    check_form("From", value)
    assert str(make_header(decode_header(value.replace("\r\n", "")))) == ("Hanbit " * 20).strip()


@pytest.mark.parametrize("breaker", ["\r\n", "\n", "\r", "\x00", "\x0b", "\x0c", "\x1c", "\x85", "\u2028", "\u2029"])
def test_no_value_can_begin_another_header(breaker):
    text = f"x{breaker}Bcc: victim@example.com{breaker}{breaker}body"
    for value in (encode_text("Subject", text), encode_phrase("List-Id", text)):
        check_form("Subject", value)
        message = message_from_string(f"Subject: {value}\r\n\r\n", policy=policy.default)
        assert message.keys() == ["Subject"]
        assert "Bcc: victim@example.com" in str(make_header(decode_header(value.replace("\r\n", ""))))
    value = encode_mailbox("To", text, "news@hanbit.example")
    assert message_from_string(f"To: {value}\r\n\r\n", policy=policy.default).keys() == ["To"]


@pytest.mark.parametrize(
    "address",
    [
        "a b@x.kr",
        "a@x.kr\r\nBcc: b@x.kr",
        "a\x00@x.kr",
        "a@x.kr>, <b@x.kr",
        "a@x.kr,b@x.kr",
        '"a b"@x.kr',
        "김@x.kr",
        "a",
    ],
)
def test_an_address_that_could_end_its_place_is_refused(address):
    with pytest.raises(RenderError, match="cannot be mailed"):
        encode_mailbox("To", "Kim", address)


def test_a_name_cannot_turn_the_address_behind_it_around():
    """U+202E shows what follows from right to left, so that one address looks like another."""
    turned = "Kim \u202egro.live@ecivres\u2066 \u202a\u2069Lee"
    assert clean_name(turned) == "Kim gro.live@ecivres Lee"
    (address,) = read("To", encode_mailbox("To", turned, "kim@example.com")).addresses
    assert (address.display_name, address.addr_spec) == ("Kim gro.live@ecivres Lee", "kim@example.com")


@given(ANY_TEXT)
@with_hard_ones
def test_a_clean_name_is_one_line_of_utf_8_and_clean_for_good(text):
    name = clean_name(text)
    assert name == " ".join(name.split())
    assert not re.search(r"[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]", name)
    assert clean_name(name) == name


@given(ANY_TEXT, st.integers(1, 60))
@example("한" * 300, 60)
@example("x" * 300, 60)
@example('"' * 40, 60)
def test_a_line_with_a_name_has_76_characters_at_most(text, length):
    """RFC 2047 section 2; an address alone on its line may be longer, as it cannot be folded."""
    value = encode_mailbox("To", text, f"{'k' * length}@example.com")
    assert all(len(line) <= 76 for line in f"To: {value}".split("\r\n"))
