"""The source as tags and comments, and the words of the body: what is markup, what is seen, what is quoted."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.check.document import parse_html
from digest.check.source import Comment, LineNumbers, code_in, mask, read_source
from digest.check.visible import style_hides, visible_text, words_of


def shape(source):
    return " ".join(
        "#" if isinstance(token, Comment) else f"{'/' * token.is_end}{token.name}" for token in read_source(source)
    )


@pytest.mark.parametrize(
    ("source", "wanted"),
    [
        ("<p>a</p>", "p /p"),
        ("<A HREF='>'>a</A >", "a /a"),
        ('<img alt="a > b" src=x>', "img"),
        ("<a b=c>d", "a"),
        ("a < b and <3 > 2", ""),
        ("<!DOCTYPE html><?xml ?><![endif]><b>", "b"),
        ("<!-- <p> --><p>", "# p"),
        ("<!--[if mso]><table><![endif]--><p>", "# p"),
        ("<!--[if !mso]><!--><p><!--<![endif]-->", "# p #"),
        ("<!--><p>", "# p"),
        ("<style>a > b { content: '<p>' }</style><p>", "style /style p"),
        ("<title>a <b></title><b>", "title /title b"),
        ("<br/><hr />", "br hr"),
        ("<p", "p"),
        ("<!-- <p>", "#"),
        ("</ p><p>", "p"),
    ],
)
def test_tags_and_comments_are_told_from_words(source, wanted):
    assert shape(source) == wanted


@given(st.text(alphabet="<>/!-ab='\" \n", max_size=80))
def test_tokens_stand_in_order_and_within_the_source(source):
    done = 0
    for token in read_source(source):
        assert done <= token.start < token.end <= len(source)
        done = token.end


@given(st.text(alphabet="<>/code=pr\n{ ", max_size=80))
def test_masking_moves_nothing(source):
    masked = mask(source)
    assert len(masked) == len(source)
    assert masked.count("\n") == source.count("\n")


def test_code_and_style_are_masked_and_code_can_be_asked_for():
    source = "<p>{{a}}<code>{{b}}<b>{{c}}</b></code><style>{{d}}</style><pre>{{e}}"
    assert mask(source).count("{{") == 2, "the first, and the one in an element that does not end"
    assert code_in(source) == "{{b}}<b>{{c}}</b>"


@given(st.text(alphabet="a\n", max_size=40))
def test_lines_are_counted_from_one(text):
    lines = LineNumbers(text)
    for position in range(len(text)):
        assert lines.at(position) == text.count("\n", 0, position) + 1


@pytest.mark.parametrize(
    ("style", "hides"),
    [
        ("display:none", True),
        ("color:#111111; DISPLAY : NONE !important", True),
        ("visibility:hidden", True),
        ("opacity:0", True),
        ("opacity:0.0", True),
        ("opacity:0.8", False),
        ("max-height:0; overflow:hidden", True),
        ("max-height:0", False),
        ("max-height:0.5em; overflow:hidden", False),
        ("text-indent:-9999px", True),
        ("text-indent:-9px", False),
        ("mso-hide:all", False),
        ("x-display:none", False),
    ],
)
def test_a_style_hides_or_not(style, hides):
    assert style_hides(style) == hides


def test_a_size_within_no_size_shows_again():
    """Columns side by side stand in a cell with font-size:0, which closes the gaps between them."""
    page = parse_html('<body><div style="font-size:0">gone<div style="font-size:16px">seen</div>gone</div>')
    assert visible_text(page) == "seen"


def test_words_know_their_link_heading_language_and_quotation():
    page = parse_html('<body lang="ko"><h2><a href="/x">가<code lang="en">b</code></a></h2><img alt="c">d')
    found = [
        (words.ink, words.link is not None, words.heading is not None, words.lang, words.is_code, words.is_alt)
        for words in words_of(page)
    ]
    assert found == [
        ("가", True, True, "ko", False, False),
        ("b", True, True, "en", True, False),
        ("c", False, False, "ko", False, True),
        ("d", False, False, "ko", False, False),
    ]
