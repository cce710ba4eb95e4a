import pytest
from hypothesis import given
from hypothesis import strategies as st
from issue_samples import NONCE, VALUES

from digest.errors import RenderError
from digest.render.slots import SLOTS, SlottedText, SlotValues, as_line, count_slots, escape_html, slot_marker

PIECE = st.text(max_size=20)


@given(pieces=st.lists(PIECE, min_size=1, max_size=5), data=st.data())
def test_splitting_and_filling_is_replacing_every_marker(pieces, data):
    slots = [data.draw(st.sampled_from(SLOTS)) for _ in pieces[1:]]
    text = pieces[0] + "".join(slot_marker(s, NONCE) + p for s, p in zip(slots, pieces[1:], strict=True))
    expected = text
    for slot in SLOTS:
        expected = expected.replace(slot_marker(slot, NONCE), getattr(VALUES, slot))
    split = SlottedText.split(text, NONCE, as_line)
    assert split.slots == tuple(slots)
    assert split.pieces == tuple(pieces)
    assert split.fill(VALUES) == expected


def test_values_are_escaped_for_html_text_and_attributes():
    split = SlottedText.split(f"<a href='{slot_marker('address', NONCE)}'>", NONCE, escape_html)
    values = SlotValues(unsubscribe_url="", preferences_url="", address="\"><script>'&")
    assert split.fill(values) == "<a href='&quot;&gt;&lt;script&gt;&#x27;&amp;'>"


@pytest.mark.parametrize("escape", [escape_html, as_line])
@pytest.mark.parametrize("value", ["a\r\nBcc: x", "a\nb", "a\x00", "a\x85b", "a\u2028b"])
def test_a_control_character_in_a_value_is_refused(escape, value):
    with pytest.raises(RenderError, match="control character"):
        escape(value)


def test_an_unknown_slot_is_refused():
    with pytest.raises(RenderError, match=r"no slot 'name'; known: unsubscribe_url, preferences_url, address"):
        count_slots(slot_marker("name", NONCE), NONCE)


@pytest.mark.parametrize("damaged", [f"https://{NONCE}.invalid/address", f"http://{NONCE}.invalid/address/", NONCE])
def test_a_damaged_marker_is_refused(damaged):
    with pytest.raises(RenderError, match="damaged"):
        SlottedText.split(f"{slot_marker('address', NONCE)} {damaged}", NONCE, as_line)


@pytest.mark.parametrize("nonce", ["", "abc", "G" * 20, "A" * 20, "a" * 64])
def test_a_nonce_that_cannot_be_a_host_label_is_refused(nonce):
    with pytest.raises(RenderError, match="nonce"):
        slot_marker("address", nonce)
