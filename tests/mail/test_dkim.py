"""Signatures: dkimpy verifies them for every message that is legal, and for no message that was changed."""

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from dkim_samples import DOMAIN, ED25519, OTHER_RSA, RSA, SIGNED_AT, verifies
from hypothesis import given
from hypothesis import strategies as st
from letter_samples import make_message

from digest.errors import SettingsError
from digest.mail.dkim import OVERSIGNED_FIELDS, SIGNED_FIELDS, Signer, load_signer
from digest.mail.dkim_keys import KeyType, SigningKey, make_key_file
from digest.settings import load_settings
from workspaces import settings_text

MESSAGE = make_message()
BOTH = Signer((RSA, ED25519))


def sign(message=MESSAGE, *keys, now=SIGNED_AT):
    return Signer(keys or (RSA,)).sign(message, now=now)


def signature_fields(signed, message=MESSAGE):
    """The fields in front of the message, as they stand."""
    assert signed.endswith(message)
    return re.findall(r"DKIM-Signature: (?:.+\r\n)(?: .+\r\n)*", signed.removesuffix(message).decode("ascii"))


def tags(signed, message=MESSAGE, number=0):
    """A signature's tags, without whitespace."""
    value = re.sub(r"\s", "", signature_fields(signed, message)[number].partition(":")[2])
    return dict(part.split("=", 1) for part in value.split(";"))


# What a signature says


def test_a_signature_says_who_signed_what_and_when():
    assert tags(sign()) | {"b": "", "bh": "", "h": ""} == {
        "v": "1",
        "a": "rsa-sha256",
        "c": "relaxed/relaxed",
        "d": DOMAIN,
        "s": "s2026",
        "t": "1709337601",
        "bh": "",
        "h": "",
        "b": "",
    }


def test_two_keys_make_two_signatures_over_one_body():
    """RFC 8463 section 5: a receiver takes the one it understands."""
    signed = BOTH.sign(MESSAGE, now=SIGNED_AT)
    first, second = tags(signed), tags(signed, number=1)
    assert (first["a"], second["a"]) == ("rsa-sha256", "ed25519-sha256")
    assert (first["s"], second["s"]) == ("s2026", "s2026-ed")
    assert (first["bh"], first["h"]) == (second["bh"], second["h"])
    assert verifies(signed, RSA, ED25519)


def test_all_fields_that_are_there_are_signed_and_the_shown_ones_once_more():
    """Both List-Unsubscribe fields must be (RFC 8058 section 4)."""
    signed = tags(sign())["h"].split(":")
    assert {"List-Unsubscribe", "List-Unsubscribe-Post"} <= set(signed)
    there = [name for name in SIGNED_FIELDS if f"\r\n{name}: ".encode() in b"\r\n" + MESSAGE]
    assert sorted(signed) == sorted([*there, *OVERSIGNED_FIELDS])
    assert {"From", "To", "Subject", "Date"} <= OVERSIGNED_FIELDS <= set(SIGNED_FIELDS)


@pytest.mark.parametrize("key", [RSA, ED25519], ids=["rsa", "ed25519"])
@pytest.mark.parametrize("domain", [DOMAIN, "a-rather-long-name.of-a-newspaper.with-many-parts.in-it.example.co.kr"])
def test_no_line_is_longer_than_76_columns(key, domain):
    key = SigningKey(selector="a-long-selector.of-2026", domain=domain, private_key=key.private_key)
    signed = sign(MESSAGE, key)
    assert max(map(len, signed.removesuffix(MESSAGE).split(b"\r\n"))) <= 76
    assert verifies(signed, key)


def test_a_name_that_fits_no_line_is_not_torn():
    labels = ".".join(["a" * 60, "b" * 60, "c" * 60, "example"])
    key = SigningKey(selector="s", domain=labels, private_key=ED25519.private_key)
    assert verifies(sign(MESSAGE, key), key)


def test_the_same_message_key_and_second_give_the_same_bytes():
    assert BOTH.sign(MESSAGE, now=SIGNED_AT) == BOTH.sign(MESSAGE, now=SIGNED_AT.replace(microsecond=0))
    assert BOTH.sign(MESSAGE, now=SIGNED_AT) != BOTH.sign(MESSAGE, now=SIGNED_AT + timedelta(seconds=1))


def test_threads_may_share_a_signer():
    messages = [make_message(letter={"message_id": f"<{number}@x.kr>"}) for number in range(40)]
    one_by_one = [BOTH.sign(message, now=SIGNED_AT) for message in messages]
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(lambda message: BOTH.sign(message, now=SIGNED_AT), messages)) == one_by_one


def test_without_keys_a_message_stays_as_it_is():
    assert Signer(()).sign(MESSAGE, now=SIGNED_AT) == MESSAGE


# Every legal message verifies

PIECE = st.sampled_from([b"a", b"=3D", b"From:", b";", b"b=", b"--x", "한글".encode(), b" ", b"   ", b"\t", b" \t"])
TEXT = st.lists(PIECE, max_size=8).map(b"".join)
FOLD = st.sampled_from([b"\r\n ", b"\r\n\t", b" \r\n \t"])
VALUE = st.builds(lambda fold, parts: fold.join(parts), FOLD, st.lists(TEXT, max_size=4))
NAME = st.sampled_from([*SIGNED_FIELDS, "Received", "X-Other", "Sender"]).flatmap(
    lambda name: st.sampled_from([name, name.lower(), name.upper()])
)
HEAD = st.lists(st.tuples(NAME.map(str.encode), VALUE), min_size=1, max_size=12).map(
    lambda fields: b"\r\n".join(b"%b:%b" % field for field in fields)
)
BODY = st.lists(TEXT, max_size=8).map(b"\r\n".join)


@given(head=HEAD, body=BODY, has_body=st.booleans())
def test_dkimpy_verifies_any_legal_message(head, body, has_body):
    """Folded, repeated and empty fields, tabs, runs of spaces, an empty body, no body, no line end at the end."""
    message = head + b"\r\n" + (b"\r\n" + body if has_body else b"")
    signed = BOTH.sign(message, now=SIGNED_AT)
    assert signed.endswith(message)
    assert verifies(signed, RSA, ED25519)


@given(html=st.text(max_size=400), text=st.text(alphabet=" \t\na=.", max_size=200), name=st.text(max_size=60))
def test_dkimpy_verifies_any_message_of_ours(html, text, name):
    """Base64 and quoted-printable parts, whatever is in them."""
    html, text, name = (value.encode("utf-8", "replace").decode() for value in (html, text, name))
    message = make_message(letter={"html": html, "text": text}, subject=name)
    assert verifies(BOTH.sign(message, now=SIGNED_AT), RSA, ED25519)


def test_whitespace_that_servers_may_change_on_the_way_breaks_nothing():
    signed = BOTH.sign(make_message(letter={"text": "two  spaces\n"}), now=SIGNED_AT)
    refolded = signed.replace(b"Subject: ", b"Subject:  \r\n\t").replace(b"two  spaces", b"two spaces \t")
    assert verifies(refolded + b"\r\n\r\n", RSA, ED25519)


# No changed message does


@pytest.mark.parametrize("name", sorted(OVERSIGNED_FIELDS))
def test_a_second_one_of_what_is_shown_breaks_the_signature(name):
    """Wherever it is put in: mail programs differ in which one they show."""
    field = f"{name}: Naver <help@naver.example>\r\n".encode()
    for key in (RSA, ED25519):
        signed = sign(MESSAGE, key)
        assert not verifies(field + signed, key)
        assert not verifies(signed.replace(b"\r\n\r\n", b"\r\n" + field + b"\r\n", 1), key)


@pytest.mark.parametrize("name", SIGNED_FIELDS)
def test_a_signed_field_cannot_be_changed_or_taken_away(name):
    before = MESSAGE.replace(f"{name}: ".encode(), b"X-Was: ")
    with_field = f"{name}: abc\r\n".encode() + before
    signed = sign(with_field)
    assert verifies(signed, RSA)
    assert not verifies(signed.replace(f"{name}: abc".encode(), f"{name}: abd".encode()), RSA)
    assert not verifies(signed.replace(f"{name}: abc\r\n".encode(), b""), RSA)


@pytest.mark.parametrize("change", [(b"PGgx", b"PGgy"), (b"--\r\n", b"--\r\n<p>more</p>\r\n"), (b"; t=", b"; t=1")])
def test_a_changed_body_or_signature_is_found(change):
    message = make_message(letter={"html": "<h1>한빛</h1>"})
    signed = sign(message).replace(b";\r\n t=", b"; t=")
    assert verifies(signed, RSA)
    assert change[0] in signed
    assert not verifies(signed.replace(*change), RSA)


def test_fields_that_servers_add_break_nothing():
    signed = sign()
    added = b"Received: from a by b;\r\n Mon, 2 Mar 2026\r\nAuthentication-Results: b; dkim=pass\r\nX-Spam: no\r\n"
    assert verifies(added + signed, RSA)


def test_another_key_does_not_verify():
    assert not verifies(sign(MESSAGE, OTHER_RSA), RSA)


# What signs a newsletter


def settings_with(tmp_path, *tables, newsletters=({},)):
    file = tmp_path / "digest.toml"
    rows = ["[[delivery.dkim]]\n" + "".join(f'{key} = "{value}"\n' for key, value in table.items()) for table in tables]
    file.write_text(settings_text(*newsletters) + "\n".join(rows), encoding="utf-8")
    for table in tables:
        if not (tmp_path / table["key_file"]).exists():
            make_key_file(tmp_path / table["key_file"], KeyType.ED25519)
    return load_settings(file, {})


def test_no_keys_no_signer(tmp_path):
    """The relay signs then."""
    settings = settings_with(tmp_path)
    assert load_signer(settings, settings.newsletter(None)) is None


def test_each_newsletter_signs_for_its_senders_domain_or_the_one_that_is_set(tmp_path):
    key = {"selector": "one", "key_file": "one.pem"}
    other = {"selector": "two", "key_file": "one.pem", "domain": "Example.COM"}
    newsletters = ({"slug": "a"}, {"slug": "b", "from": "News <news@MAIL.hanbit.example>"})
    settings = settings_with(tmp_path, key, other, newsletters=newsletters)
    signers = [load_signer(settings, newsletter) for newsletter in settings.newsletters]
    names = [[(key.selector, key.domain) for key in signer.keys] for signer in signers]
    assert names == [
        [("one", "hanbit.example"), ("two", "example.com")],
        [("one", "mail.hanbit.example"), ("two", "example.com")],
    ]


def test_two_keys_under_one_name_are_refused(tmp_path):
    """One name in DNS holds one key."""
    keys = ({"selector": "one", "key_file": "one.pem"}, {"selector": "One", "key_file": "two.pem"})
    settings = settings_with(tmp_path, *keys)
    with pytest.raises(SettingsError, match="two keys have the selector 'one'"):
        load_signer(settings, settings.newsletter(None))
