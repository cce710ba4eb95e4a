"""The relaxed form is that of RFC 6376, and dkimpy's, for whatever whitespace a message has."""

import pytest
from dkim.canonicalization import Relaxed
from hypothesis import given
from hypothesis import strategies as st

from digest.mail.dkim_relaxed import _FEW_SPACES, relax_body, relax_fields

WORDS = st.lists(st.sampled_from([b"a", b"=20", b".", "한".encode(), b" ", b"  ", b"\t", b" \t "]), max_size=6)
LINES = st.lists(WORDS.map(b"".join), max_size=8)
MANY_SPACES = b"a b\r\n" * (_FEW_SPACES + 1)


@pytest.mark.parametrize(
    ("body", "relaxed"),
    [
        (b"", b""),
        (b"\r\n", b""),
        (b"\r\n\r\n\r\n", b""),
        (b" \t\r\n", b""),
        (b" C \r\nD \t E\r\n\r\n\r\n", b" C\r\nD E\r\n"),
        (b"a", b"a\r\n"),
        (b"a \t", b"a\r\n"),
        (b"\r\na\r\n \r\n", b"\r\na\r\n"),
        (b"a\t\r\n", b"a\r\n"),
        (b"a\x0bb\r\n", b"a\x0bb\r\n"),
    ],
)
def test_a_body_is_as_the_rfc_says(body, relaxed):
    """RFC 6376 sections 3.4.4 and 3.4.5."""
    assert relax_body(body) == relaxed


@given(lines=LINES, has_many_spaces=st.booleans(), ends=st.booleans())
def test_any_body_is_as_dkimpy_has_it(lines, has_many_spaces, ends):
    """Without a line end at its end, dkimpy forgets the whitespace there; on its way over SMTP a body has one."""
    body = (MANY_SPACES if has_many_spaces else b"") + b"\r\n".join(lines)
    travelled = body if body.endswith(b"\r\n") or not body else body + b"\r\n"
    assert relax_body(travelled if ends else body) == Relaxed.canonicalize_body(travelled)


@pytest.mark.parametrize("loose", [b"a  b", b"a b ", b"a b\t", b"a\tb", b" \t"])
def test_loose_whitespace_is_found_behind_any_number_of_single_spaces(loose):
    for spaces in range(_FEW_SPACES - 2, _FEW_SPACES + 3):
        body = b"a b\r\n" * spaces + loose + b"\r\n"
        assert relax_body(body) == Relaxed.canonicalize_body(body)


def test_a_body_without_loose_whitespace_is_not_copied():
    """What makes base64 cheap."""
    body = MANY_SPACES + b"a\r\n"
    assert relax_body(body) is body


def test_fields_are_as_the_rfc_says():
    """RFC 6376 section 3.4.5."""
    assert relax_fields(b"A: X\r\nB : Y\t\r\n\tZ  ") == {b"a": [b"X"], b"b": [b"Y Z"]}


VALUES = st.lists(WORDS.map(b"".join), min_size=1, max_size=4).flatmap(
    lambda parts: st.sampled_from([b"\r\n ", b"\r\n\t", b"\r\n \r\n\t"]).map(lambda fold: fold.join(parts))
)


@given(st.lists(st.tuples(st.sampled_from([b"From", b"from", b"X-a-B", b"TO"]), VALUES), min_size=1, max_size=6))
def test_any_fields_are_as_dkimpy_has_them(fields):
    head = b"\r\n".join(b"%b:%b" % field for field in fields)
    wanted = {}
    for name, value in Relaxed.canonicalize_headers(fields):
        wanted.setdefault(name, []).append(value.removesuffix(b"\r\n"))
    assert relax_fields(head) == wanted
