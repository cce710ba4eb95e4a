"""Signed links: what they say comes back, and nothing else is believed."""

import re
from base64 import urlsafe_b64encode
from itertools import product
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.deliver.letters import Letterhead, Reader, slot_values
from digest.mail.links import (
    Purpose,
    SignedLink,
    make_message_id,
    make_slot_nonce,
    read_bounce_token,
    read_link,
    sign_bounce_token,
    sign_link,
)
from digest.settings import NewsletterSettings, SiteSettings

KEY, OTHER_KEY = b"k" * 32, b"o" * 32
LINK = SignedLink(purpose=Purpose.UNSUBSCRIBE, subscriber_id=4711, issue_id=42)
LINK_PURPOSES = (Purpose.UNSUBSCRIBE, Purpose.PREFERENCES)
URL_SAFE = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


@given(
    purpose=st.sampled_from(LINK_PURPOSES),
    subscriber_id=st.integers(0, 2**64 - 1),
    issue_id=st.integers(0, 2**32 - 1),
    key=st.binary(min_size=1, max_size=64),
)
def test_what_a_token_says_comes_back_for_its_own_key(purpose, subscriber_id, issue_id, key):
    link = SignedLink(purpose=purpose, subscriber_id=subscriber_id, issue_id=issue_id)
    token = sign_link(key, link)
    assert re.fullmatch(r"[A-Za-z0-9_-]{40}", token)
    assert read_link(key, token) == link
    assert read_link(key + b"x", token) is None


def test_a_hundred_thousand_forged_tokens_say_nothing():
    random = Random(20260302)
    token = sign_link(KEY, LINK)
    for _ in range(50_000):
        assert read_link(KEY, "".join(random.choices(URL_SAFE, k=40))) is None
    for _ in range(50_000):
        forged = bytearray(token.encode())
        for _ in range(random.choice((1, 1, 2, 3))):
            forged[random.randrange(40)] ^= 1 << random.randrange(8)
        text = forged.decode("latin-1")
        assert (read_link(KEY, text) is None) == (text != token)


def test_every_change_of_one_character_is_noticed():
    token = sign_link(KEY, LINK)
    for place, character in product(range(40), URL_SAFE):
        if token[place] != character:
            assert read_link(KEY, token[:place] + character + token[place + 1 :]) is None


@pytest.mark.parametrize(
    "change",
    [
        lambda token: "",
        lambda token: token[:-1],
        lambda token: token + "A",
        lambda token: token + "=",
        lambda token: token + "\n",
        lambda token: " " + token,
        lambda token: token[:20] + "!" + token[20:],
        lambda token: token[:20] + "\n" + token[20:],
        lambda token: token.replace("-", "+").replace("_", "/") + "!" * 4,
        lambda token: token + "한",
        lambda token: "\ud800" * 40,
        lambda token: "０" * 40,
        lambda token: token * 1000,
    ],
)
def test_a_token_has_one_spelling_only(change):
    assert read_link(KEY, change(sign_link(KEY, LINK))) is None


def test_a_token_of_one_purpose_is_another_than_that_of_another_purpose():
    tokens = {
        sign_link(KEY, SignedLink(purpose=purpose, subscriber_id=1, issue_id=1)): purpose for purpose in LINK_PURPOSES
    }
    assert len(tokens) == len(LINK_PURPOSES)
    assert all(read_link(KEY, token).purpose is purpose for token, purpose in tokens.items())


def test_a_purpose_cut_out_of_one_token_and_put_into_another_is_refused():
    unsubscribe = sign_link(KEY, LINK)
    preferences = sign_link(KEY, SignedLink(purpose=Purpose.PREFERENCES, subscriber_id=4711, issue_id=42))
    assert read_link(KEY, preferences[:2] + unsubscribe[2:]) is None
    assert read_link(KEY, urlsafe_b64encode(b"\x02" + bytes(29)).decode()) is None


@given(
    subscriber_id=st.integers(0, 2**40 - 1),
    issue_id=st.integers(0, 2**32 - 1),
    key=st.binary(min_size=1, max_size=64),
    shout=st.sampled_from([str, str.upper, str.title]),
)
def test_a_bounce_token_comes_back_in_either_case_and_for_its_own_key_only(subscriber_id, issue_id, key, shout):
    token = sign_bounce_token(key, subscriber_id=subscriber_id, issue_id=issue_id)
    assert re.fullmatch(r"[0-9a-f]{40}", token)
    assert read_bounce_token(key, shout(token)) == SignedLink(
        purpose=Purpose.BOUNCE, subscriber_id=subscriber_id, issue_id=issue_id
    )
    assert read_bounce_token(key + b"x", token) is None


def test_forged_bounce_tokens_say_nothing():
    random = Random(20260302)
    token = sign_bounce_token(KEY, subscriber_id=4711, issue_id=42)
    digits = "0123456789abcdef"
    for _ in range(5_000):
        assert read_bounce_token(KEY, "".join(random.choices(digits, k=40))) is None
    for place, character in product(range(40), digits):
        if token[place] != character:
            assert read_bounce_token(KEY, token[:place] + character + token[place + 1 :]) is None


@pytest.mark.parametrize(
    "change",
    [
        lambda token: "",
        lambda token: token[:-1],
        lambda token: token + "a",
        lambda token: token + "\n",
        lambda token: "=" + token[1:],
        lambda token: "x" + token[1:],
        lambda token: token[:-1] + "\u0661",
        lambda token: "\ud800" * 40,
        lambda token: token * 1000,
    ],
)
def test_a_bounce_token_has_one_spelling_but_for_its_case(change):
    assert read_bounce_token(KEY, change(sign_bounce_token(KEY, subscriber_id=1, issue_id=1))) is None


def test_a_bounce_token_is_no_link_and_a_link_is_no_bounce_token():
    """Mail servers write return paths into their logs: what is read there must not unsubscribe anyone."""
    assert read_link(KEY, sign_bounce_token(KEY, subscriber_id=1, issue_id=1)) is None
    for purpose in LINK_PURPOSES:
        link = sign_link(KEY, SignedLink(purpose=purpose, subscriber_id=1, issue_id=1))
        assert read_bounce_token(KEY, link) is None
        assert read_bounce_token(KEY, link.lower()) is None
    with pytest.raises(ValueError, match="sign_bounce_token"):
        sign_link(KEY, SignedLink(purpose=Purpose.BOUNCE, subscriber_id=1, issue_id=1))


def test_no_url_holds_the_subscribers_address_or_id():
    letterhead = Letterhead(
        site=SiteSettings(name="한빛", url="https://hanbit.example"),
        newsletter=NewsletterSettings(slug="weekly", title="주간", sender="news@hanbit.example"),
        edition=None,
        issue_id=42,
        date=None,
        key=KEY,
        bodies={},
    )
    values = slot_values(letterhead, Reader(subscriber_id=4711, address="kim@example.com", name="김하늘"))
    for url in (values.unsubscribe_url, values.preferences_url):
        assert re.fullmatch(r"https://hanbit\.example/digest/(unsubscribe|preferences)/[A-Za-z0-9_-]{40}", url)
        assert not re.search(r"kim|example\.com|@|4711", url.removeprefix("https://hanbit.example"))
    assert values.unsubscribe_url.rpartition("/")[2] != values.preferences_url.rpartition("/")[2]


def message_id(**changes):
    values = {"newsletter": "weekly", "edition": "2026-03-02", "recipient": 1, "domain": "hanbit.example", **changes}
    return make_message_id(values.pop("key", KEY), **values)


def test_a_message_id_is_always_the_same_and_valid_and_says_nothing_of_the_person():
    assert message_id() == message_id()
    assert re.fullmatch(r"<[0-9a-f]{32}@hanbit\.example>", message_id())
    assert "kim" not in message_id(recipient="kim@example.com")


def test_message_ids_differ_by_newsletter_edition_recipient_and_key():
    changes = [
        {},
        {"newsletter": "daily"},
        {"edition": "2026-03-09"},
        {"recipient": 2},
        {"recipient": "kim@example.com"},
        {"key": OTHER_KEY},
        {"newsletter": "weekly\x002026-03-02", "edition": ""},
    ]
    assert len({message_id(**change) for change in changes}) == len(changes)
    assert len({message_id(recipient=number) for number in range(2000)}) == 2000


def test_the_nonce_of_an_issue_is_its_own_and_fits_a_dns_label():
    nonces = {
        make_slot_nonce(key, newsletter, edition)
        for key, newsletter, edition in product((KEY, OTHER_KEY), ("weekly", "daily"), ("2026-03-02", "2026-03-09"))
    }
    assert len(nonces) == 8
    assert all(re.fullmatch(r"[0-9a-f]{16}", nonce) for nonce in nonces)
