"""What Word reads besides the others, and what of it lacks its partner."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.check.mso import ConditionalComments, is_for_word

PIECES = st.lists(
    st.sampled_from(
        [
            "<!--[if mso]>",
            "<![endif]-->",
            "<!--[if !mso]><!-->",
            "<!--<![endif]-->",
            "<![if !mso]>",
            "<![endif]>",
            "<table>",
            "</table>",
            "<td>",
            "</td>",
            "-->",
            "<!--",
            "<",
            ">",
            "a",
            '"',
            "[if",
            "]>",
        ]
    ),
    max_size=30,
).map("".join)


def faults(source: str) -> list[str]:
    return [fault.message for fault in ConditionalComments(source).find_faults()]


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        ("mso", True),
        ("gte mso 9", True),
        ("mso | IE", True),
        ("gt mso 15", True),
        ("!mso", False),
        ("!(mso)", False),
        ("IE", False),
        ("lte mso 11", False),
        ("lt mso 16", True),
        ("", False),
    ],
)
def test_conditions_hold_as_in_the_outlook_of_today(condition, holds):
    assert is_for_word(condition) is holds


@pytest.mark.parametrize(
    "source",
    [
        "",
        "<!-- a comment --><p>[if mso]</p>",
        "<!--[if mso]><table><tr><td><![endif]--><p>a</p><!--[if mso]></td></tr></table><![endif]-->",
        "<table><tr><td><!--[if mso]></td><td><![endif]--></td></tr></table>",
        "<!--[if !mso]><!--><div><!--<![endif]--><!--[if mso]><div><![endif]--></div>",
        "<![if !mso]><div><![endif]><!--[if mso]><div><![endif]--></div>",
        "<!--[if mso]><![endif]-->",
        "<!--[IF MSO]><b><![ENDIF]-->",
    ],
)
def test_what_is_paired_has_no_fault(source):
    assert faults(source) == []


@pytest.mark.parametrize(
    ("source", "part"),
    [
        ("<!--[if mso]><b>-->", "[if mso] has no <![endif]"),
        ("<!--[if mso]><b>", "[if mso] has no <![endif]"),
        ("<!--<![endif]-->", "never began"),
        ("<p>a</p><![endif]-->", "never began"),
        ("<!--[if !mso]><!--><p>a</p>", "[if !mso] has no <![endif]"),
        ("<![if !mso]><p>a</p><!--<![endif]-->", "never began"),
        ("<!--[if mso]><table><![endif]-->", "<table> without its partner"),
        ("<!--[if mso]></td><![endif]-->", "</td> without its partner"),
        (
            "<!--[if mso]><table><tr><td><![endif]--><div><!--[if mso]></td></tr></table><![endif]--></div>",
            "</td> without",
        ),
        ("<!--[if !mso]><!--><div><!--<![endif]--></div>", "</div> without its partner"),
    ],
)
def test_what_is_not_paired_is_named(source, part):
    [message] = faults(source)
    assert part in message


def test_tags_that_are_not_paired_for_anybody_are_no_matter_of_word():
    assert faults("<div><!--[if mso]><table><tr><td><![endif]--><!--[if mso]></td></tr></table><![endif]-->") == []


def test_tags_for_word_know_their_place():
    source = '<p>a</p><!--[if mso]><table width="640" border=0><![endif]-->'
    comments = ConditionalComments(source)
    [tag] = comments.word_tags
    assert source[tag.start : tag.end] == '<table width="640" border=0>'
    assert comments.attributes(tag) == {"width": "640", "border": "0"}


@given(PIECES)
def test_no_source_is_too_strange(source):
    assert all(0 <= fault.position <= len(source) for fault in ConditionalComments(source).find_faults())


@pytest.mark.parametrize(
    "piece",
    [
        "<!--[if mso]><td><![endif]-->",
        *(
            pytest.param(each, marks=pytest.mark.slow)
            for each in ("<!--[if mso]>", "<![endif]-->", "<![if !mso]>", "<td '")
        ),
    ],
)
def test_megabytes_end_in_seconds(piece):
    list(ConditionalComments(piece * (2_000_000 // len(piece))).find_faults())
