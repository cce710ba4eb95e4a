"""Pieces of text encoded ahead: put behind one another in any order, they decode to exactly the joined text."""

import quopri
import re
from base64 import b64decode
from quopri import decodestring

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from digest.mail.encoding import BASE64, QUOTED_PRINTABLE, Slice, choose_encoding, to_lines

ASCII = st.text(st.characters(max_codepoint=127), max_size=120) | st.text(
    st.sampled_from("ab=. \tFrom\r\n-_"), max_size=200
)
ANY = st.text(max_size=120) | st.text(st.sampled_from("ab=. \t\r\n\x00\x0c한👪\ud800\u2028-"), max_size=200)
PIECES = st.lists(st.tuples(st.booleans(), ANY | ASCII), max_size=12)
"""Whether each piece is a value of one message, and its text."""
ENCODINGS = [BASE64, QUOTED_PRINTABLE]
HARD_PIECES = [
    [(False, "x" * 76), (True, "y" * 76), (False, "z" * 75), (True, "=" * 26)],
    [(False, "Hello "), (True, "Kim "), (False, "\nnext"), (True, " ")],
    [(True, "."), (False, "\n."), (True, "\n"), (False, ".\n.")],
    [(False, "." * 120), (True, f"{'x' * 75}."), (False, ".From a"), (True, f"\n..{'y' * 80}\n...")],
    [(False, "From "), (True, "From a"), (False, f"From {'x' * 71}\nFrom b"), (True, "\nFrom ")],
    [(False, ""), (True, ""), (False, "a"), (True, "b"), (False, "c"), (True, "de"), (False, ""), (False, "f")],
    [(True, "한"), (True, "👪"), (False, "글"), (False, "\r"), (False, "\n")],
]


def join(encoding, pieces):
    """As a part does it, from slices made anew."""
    return join_slices(encoding, [(is_value, text if is_value else Slice(text, encoding)) for is_value, text in pieces])


def join_slices(encoding, pieces):
    lines, carry, value = [], b"", b""
    for is_value, piece in pieces:
        if is_value:
            value += to_lines(piece)
        elif value:
            of_value, of_slice, carry = piece.after_value(carry + value)
            lines += [of_value, of_slice]
            value = b""
        else:
            of_slice, carry = piece.after(carry)
            lines.append(of_slice)
    return [*lines, encoding.encode(carry + value)]


def decode(encoding, encoded):
    return b64decode(encoded, validate=False) if encoding is BASE64 else decodestring(encoded)


def with_hard_pieces(test):
    for pieces in HARD_PIECES:
        test = example(pieces=pieces)(test)
    return test


@pytest.mark.parametrize("encoding", ENCODINGS)
@given(pieces=PIECES)
@with_hard_pieces
@settings(deadline=None, max_examples=300)
def test_pieces_in_any_order_decode_to_the_joined_text(encoding, pieces):
    encoded = b"".join(join(encoding, pieces))
    # quopri knows bare LF only
    decoded = decode(encoding, encoded.replace(b"\r\n", b"\n")).replace(b"\r\n", b"\n")
    assert decoded == b"".join(to_lines(text) for _, text in pieces).replace(b"\r\n", b"\n")


@pytest.mark.parametrize("encoding", ENCODINGS)
@given(pieces=PIECES)
@with_hard_pieces
@settings(deadline=None, max_examples=300)
def test_each_encoded_piece_is_complete_lines_of_76_characters_at_most(encoding, pieces):
    for lines in join(encoding, pieces):
        assert lines.isascii()
        assert not re.search(rb"\r(?!\n)|(?<!\r)\n|\0", lines)
        assert not lines or lines.endswith(b"\r\n")
        assert all(len(line) <= 76 for line in lines.split(b"\r\n"))


def test_a_space_at_the_end_of_a_full_line_makes_it_no_longer_than_76_characters():
    """Python's own encoder forgets that it takes three characters there; found by hypothesis."""
    content = to_lines("0\x08\x800\x08\u0820=\x1f\x1f\x1f\x80\x80\U00010000\U00010000= \r")
    encoded = QUOTED_PRINTABLE.encode(content)
    assert max(map(len, encoded.split(b"\r\n"))) <= 76
    assert quopri.decodestring(encoded) == content


@given(pieces=PIECES)
@with_hard_pieces
@settings(deadline=None)
def test_base64_has_whole_groups_in_each_line_and_padding_at_the_end_only(pieces):
    """RFC 2045 6.8: padding within would end the part for strict decoders."""
    encoded = b"".join(join(BASE64, pieces))
    assert re.fullmatch(
        rb"(?:(?:[A-Za-z0-9+/]{4}){1,19}\r\n)*(?:(?:[A-Za-z0-9+/]{4}){0,18}[A-Za-z0-9+/]{2,3}={1,2}\r\n)?", encoded
    )
    content = b"".join(to_lines(text) for _, text in pieces)
    assert b64decode(encoded.replace(b"\r\n", b""), validate=True) == content


@given(pieces=PIECES)
@with_hard_pieces
@settings(deadline=None)
def test_quoted_printable_keeps_what_is_changed_on_the_way(pieces):
    """RFC 2045 6.7 rule 3: a space at the end of a line may get lost; RFC 4155: "From " gets a > in front of it; RFC
    5321 4.5.2: a dot at the beginning of a line is said twice."""
    encoded = b"".join(join(QUOTED_PRINTABLE, pieces))
    for line in encoded.split(b"\r\n"):
        assert not line.endswith((b" ", b"\t"))
        assert not line.startswith(b"From ")
        assert not line.startswith(b".")
        assert re.fullmatch(rb"(?:[\t -<>-~]|=[0-9A-F]{2})*=?", line)


@pytest.mark.parametrize(
    "value", ["", "a", "ab", "abc", "한", "한글", "x" * 55, "x" * 56, "x" * 57, "x" * 58, "가" * 40]
)
@pytest.mark.parametrize("text", ["", "a", "ab", "abc", "한 글\n" * 40])
def test_a_slice_stands_well_behind_a_value_of_any_length_in_all_three_phases(value, text):
    slice_ = Slice(text, BASE64)
    for before in ("", "1", "12"):
        pieces = [(False, Slice(before, BASE64)), (True, value), (False, slice_), (False, slice_)]
        assert b64decode(b"".join(join_slices(BASE64, pieces))) == to_lines(f"{before}{value}{text}{text}")


@given(
    orders=st.lists(st.permutations(range(6)), min_size=2, max_size=6), ending=st.sampled_from(["\n", "", "x", "한"])
)
@settings(deadline=None)
def test_the_same_slices_serve_any_order(orders, ending):
    texts = [f"<p>{'가나다' * number}{'x' * number}{ending}" for number in range(6)]
    slices = [Slice(text, BASE64) for text in texts]
    for order in orders:
        encoded = b"".join(join_slices(BASE64, [(False, slices[number]) for number in order]))
        assert b64decode(encoded) == to_lines("".join(texts[number] for number in order))


def test_slices_of_whole_lines_are_encoded_three_times_at_most():
    """What is left over of text that ends in CRLF is nothing, LF or CRLF; so a slice is a look-up from then on."""
    slices = [Slice(f"{'x' * number}\n", BASE64) for number in range(20)]
    for rotation in range(20):
        join_slices(BASE64, [(False, each) for each in slices[rotation:] + slices[:rotation]])
    assert max(len(each._after) for each in slices) <= 3


def test_a_slice_of_a_byte_does_not_remember_every_value_it_ever_followed():
    slice_ = Slice("x", BASE64)
    for number in range(1000):
        join_slices(BASE64, [(True, f"{number:04}"), (False, slice_), (False, slice_), (False, slice_)])
    assert len(slice_._after) <= 64


def test_base64_is_chosen_where_any_text_is_not_ascii():
    assert choose_encoding(["plain", ""]) is QUOTED_PRINTABLE
    assert choose_encoding([]) is QUOTED_PRINTABLE
    assert choose_encoding(["plain", "é"]) is BASE64
