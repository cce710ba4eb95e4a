from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from issue_samples import NONCE, VALUES

from digest.errors import RenderError
from digest.render.flowed import unflow
from digest.render.slots import (
    SLOTS,
    Slot,
    SlottedText,
    SlotValues,
    as_line,
    count_slots,
    cut_slots,
    escape_html,
    frame_markers,
    slot_marker,
)

PIECE = st.text(max_size=20)
NAME = slot_marker("name", NONCE)
BEGIN, END = frame_markers(NONCE)


@given(pieces=st.lists(PIECE, min_size=1, max_size=5), data=st.data())
def test_splitting_and_filling_is_replacing_every_marker(pieces, data):
    slots = [data.draw(st.sampled_from(SLOTS)) for _ in pieces[1:]]
    text = pieces[0] + "".join(slot_marker(s, NONCE) + p for s, p in zip(slots, pieces[1:], strict=True))
    expected = text
    for slot in SLOTS:
        expected = expected.replace(slot_marker(slot, NONCE), getattr(VALUES, slot))
    split = SlottedText.split(text, NONCE, as_line)
    assert split.slots == tuple(map(Slot, slots))
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
    with pytest.raises(RenderError, match=r"no slot 'age'; known: unsubscribe_url, preferences_url, address, name"):
        count_slots(slot_marker("age", NONCE), NONCE)


@given(before=PIECE, pieces=st.lists(PIECE, min_size=1, max_size=4), behind=PIECE, name=st.text("가>&' ", max_size=8))
def test_a_frame_is_there_with_its_name_or_not_at_all(before, pieces, behind, name):
    text = f"{before}{BEGIN}{NAME.join(pieces)}{END}{behind}"
    split = SlottedText.split(text, NONCE, escape_html)
    framed = escape_html(name).join(pieces) if name else ""
    assert split.fill(replace(VALUES, name=name)) == f"{before}{framed}{behind}"
    assert "".join(part if isinstance(part, str) else part.mark(NONCE) for part in cut_slots(text, NONCE)) == text


@pytest.mark.parametrize("text", [f"{BEGIN}{NAME}", f"{NAME}{END}", f"{BEGIN}{BEGIN}{NAME}{END}{END}"])
def test_a_frame_without_its_other_end_is_refused(text):
    with pytest.raises(RenderError, match=r"\{% if_name %\} cannot stand around the tags of articles"):
        SlottedText.split(text, NONCE, as_line)


def test_a_frame_holds_no_other_value():
    """Whether it is there hangs on the name alone, and a message fills it with nothing else."""
    with pytest.raises(
        RenderError, match=r"holds the value 'address'; .* only subscriber\.name and subscriber\.greeting"
    ):
        count_slots(f"{BEGIN}{NAME} {slot_marker('address', NONCE)}{END}", NONCE)


@pytest.mark.parametrize("name", ["> Kim", ">", "From Kim"])
def test_a_name_at_the_beginning_of_a_line_is_no_quote_in_flowed_text(name):
    split = SlottedText.split(f"{NAME} 님,\n", NONCE, as_line)
    assert unflow(split.fill(replace(VALUES, name=name))) == f"{name} 님,\n"


@pytest.mark.parametrize("damaged", [f"https://{NONCE}.invalid/address", f"http://{NONCE}.invalid/address/", NONCE])
def test_a_damaged_marker_is_refused(damaged):
    with pytest.raises(RenderError, match="damaged"):
        SlottedText.split(f"{slot_marker('address', NONCE)} {damaged}", NONCE, as_line)


@pytest.mark.parametrize("nonce", ["", "abc", "G" * 20, "A" * 20, "a" * 64])
def test_a_nonce_that_cannot_be_a_host_label_is_refused(nonce):
    with pytest.raises(RenderError, match="nonce"):
        slot_marker("address", nonce)
