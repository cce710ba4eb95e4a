"""The plain part is format=flowed: short lines that join to the very paragraphs they were made from."""

import doctest
import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from issue_samples import make_request, make_shown

from digest.render import TemplateLibrary, flowed, render_issue
from digest.render.flowed import LONGEST_WORD, SIGNATURE, flow, unflow
from digest.render.width import display_width

PIECES = (*"가나다abc ., >-", "From ", "-- ", "> ", " ", "👨‍👩‍👧‍👦", "\u00a0", "https://hanbit.example/기사?a=1&b=2")
LINE = st.lists(st.sampled_from(PIECES), max_size=60).map("".join)
TEXT = st.lists(LINE, max_size=6).map("\n".join)
COLUMNS = st.integers(8, 76)


def without_trailing_space(text: str) -> str:
    return "\n".join(line if line == SIGNATURE else line.rstrip() for line in text.split("\n"))


def test_examples_in_docstrings_hold():
    assert doctest.testmod(flowed).failed == 0


@example("-- " + "가" * 60, 20)
@example("가나 -- " + "가" * 60, 20)
@example("From here\n>1\n 2\n-- \n--  ", 76)
@given(TEXT, COLUMNS)
def test_what_is_flowed_joins_to_the_same_paragraphs(text, columns):
    assert unflow(flow(text, columns)) == without_trailing_space(text)


@given(TEXT, COLUMNS)
def test_a_line_fits_unless_it_is_one_word(text, columns):
    for line in flow(text, columns).split("\n"):
        is_one_word = " " not in line.strip(" ").removeprefix(SIGNATURE)
        assert display_width(line.removeprefix(" ").rstrip(" ")) <= columns or is_one_word


@given(TEXT, COLUMNS)
def test_no_line_can_be_taken_for_a_quote_an_mbox_or_a_signature(text, columns):
    """RFC 3676 section 4.4; a "-- " that the text itself has is one."""
    lines = flow(text, columns).split("\n")
    assert not [line for line in lines if line.startswith((">", "From "))]
    assert lines.count(SIGNATURE) == text.split("\n").count(SIGNATURE)


def test_a_hangul_syllable_takes_two_columns():
    assert flow("가나다 라마바 사아자", 13) == "가나다 라마바 \n사아자"
    assert flow("가나다 라마바 사아자", 12) == "가나다 \n라마바 \n사아자"


def test_an_address_is_never_broken():
    address = "https://hanbit.example/" + "a" * 100
    assert flow(f"기사 {address} 참고", 20) == f"기사 \n{address} \n참고"


def test_a_word_longer_than_a_line_may_be_is_cut():
    """RFC 5322 section 2.1.1: 998 octets at most."""
    lines = flow("짧은 말 " + "가" * LONGEST_WORD + " 끝", 76).split("\n")
    assert all(len(line.encode()) <= 998 for line in lines)
    assert "".join(lines).replace(" ", "") == "짧은말" + "가" * LONGEST_WORD + "끝"


def test_what_will_become_shorter_is_not_broken():
    line = "Sent to: https://0123456789abcdef.invalid/address/"
    assert flow(line, 20, whole="0123456789abcdef") == line


@given(TEXT)
def test_a_quoted_line_joins_with_its_own_kind_only(text):
    quoted = "\n".join(f"> {line}" for line in text.split("\n"))
    assert unflow(f"{quoted}\nmine") == unflow(quoted) + "\nmine"


def test_a_quote_of_another_depth_or_a_signature_ends_a_paragraph():
    assert unflow("> one \n>> two \n> three \nfour \n-- \nme") == "> one \n>> two \n> three \nfour \n-- \nme"
    assert unflow("> one \n> two") == "> one two"


@pytest.mark.parametrize("locale", ["ko", "en"])
def test_the_text_part_is_flowed_and_its_addresses_have_their_own_lines(locale):
    text = render_issue(make_request(make_shown(5), locale=locale), TemplateLibrary()).text
    assert re.search(r"\S \n\S", text), "nothing is wrapped softly"
    assert flow(unflow(text), 76, whole="invalid") == text
    assert not re.search(r"(?m)^\S+ .*https://(?!\S+\.invalid)", text)
