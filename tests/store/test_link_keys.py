"""Keys of links rotate: the newest signs, all are believed, and one that was dropped is not."""

from datetime import timedelta

import pytest

from digest.errors import StoreError
from digest.mail.links import Keyring, Purpose, SignedLink, TokenSigner, sign_bounce_token, sign_link
from digest.store.secrets import add_link_key, drop_link_key, list_link_keys
from workspaces import NOW

LINK = SignedLink(purpose=Purpose.UNSUBSCRIBE, subscriber_id=7, issue_id=3)
KEYS = tuple(bytes([number]) * 32 for number in range(1, 9))


def test_the_newest_key_comes_first_and_dropped_ones_are_gone(database):
    ids = [add_link_key(database, KEYS[number], now=NOW + timedelta(days=number)) for number in range(3)]
    assert [key.id for key in list_link_keys(database)] == ids[::-1]
    assert [key.value for key in list_link_keys(database)] == [KEYS[2], KEYS[1], KEYS[0]]
    assert drop_link_key(database, ids[1])
    assert not drop_link_key(database, ids[1])
    assert [key.id for key in list_link_keys(database)] == [ids[2], ids[0]]


def test_a_key_of_another_length_is_refused(database):
    with pytest.raises(StoreError, match="a signing key has 32 bytes; 5 were given"):
        add_link_key(database, b"short", now=NOW)


@pytest.mark.parametrize("count", [1, 3, 254])
def test_every_key_of_a_ring_is_believed_and_no_other(count):
    """Their ids have 8 bits, so that among hundreds some share one."""
    ring = Keyring(tuple(bytes([n % 256, n // 256]) * 16 for n in range(count)))
    for key in ring.keys:
        assert ring.read_link(sign_link(key, LINK)) == LINK
        mark = sign_bounce_token(key, subscriber_id=7, issue_id=3)
        assert ring.read_mark(mark.upper()).subscriber_id == 7
    assert ring.read_link(sign_link(b"z" * 32, LINK)) is None
    assert ring.read_mark(sign_bounce_token(b"z" * 32, subscriber_id=7, issue_id=3)) is None
    assert ring.signing == ring.keys[0]


@pytest.mark.parametrize("text", ["", "x", "A" * 39, "A" * 41, "가" * 40, "A" * 40, "-" * 40])
def test_what_is_no_token_says_nothing(text):
    ring = Keyring((KEYS[0],))
    assert ring.read_link(text) is None
    assert ring.read_mark(text) is None


@pytest.mark.parametrize("purpose", [purpose for purpose in Purpose if purpose is not Purpose.BOUNCE])
def test_a_token_says_its_purpose(purpose):
    link = SignedLink(purpose=purpose, subscriber_id=1 << 33, issue_id=9)
    assert Keyring((KEYS[0],)).read_link(sign_link(KEYS[0], link)) == link


def test_a_purpose_that_there_is_not_is_no_link_even_if_signed():
    signer = TokenSigner(KEYS[0], 3)
    assert Keyring((KEYS[0],)).read_link(signer.sign_link(int(Purpose.BOUNCE), 7)) is None
    assert Keyring((KEYS[0],)).read_link(signer.sign_link(200, 7)) is None
