"""The editor's Markdown becomes a little safe HTML and plain text, whatever is written in it."""

import doctest
import re
from html.parser import HTMLParser

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from digest.render import markdown
from digest.render.markdown import markdown_html, markdown_text

ALLOWED = {"p", "a", "strong", "em", "ul", "ol", "li", "h3", "br"}
PIECES = (
    *"*_`#>-+[]()!\\<&\n\n\n .1{}%~|=\"'\t\x00\x1b\u200b가나a\ufeff",
    *(
        "**",
        "1. ",
        "2026. ",
        "- ",
        "    ",
        "  \n",
        "```\n",
        "](https://a.example/1)",
        "](javascript:alert(1))",
        "![",
        "\n---\n",
    ),
    *(
        "<script>alert(1)</script>",
        "<b onclick=x>",
        "&lt;",
        "&#123;",
        "</p>",
        "mailto:",
        "<https://a.example/>",
        "https://",
    ),
)
SOURCE = st.lists(st.sampled_from(PIECES), max_size=40).map("".join) | st.text(max_size=100)


class Document(HTMLParser):
    """Every tag with its attributes, what is open, and the text."""

    def __init__(self, html):
        super().__init__()
        self.tags, self.open, self.text = [], [], ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag != "br":
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data

    def handle_comment(self, data):
        raise AssertionError(data)

    handle_decl = handle_pi = unknown_decl = handle_comment


def test_examples_in_docstrings_hold():
    assert doctest.testmod(markdown).failed == 0


@example("[a](JaVaScRiPt:alert(1)) [b](data:text/html,x) [c](vbscript:x) <javascript:alert(1)>")
@example("> - 1. # **[*a*](https://a.example/'\"><script>)**")
@given(SOURCE)
def test_nothing_but_the_allowed_tags_comes_out_and_all_are_closed(source):
    document = Document(markdown_html(source))
    assert {tag for tag, _ in document.tags} <= ALLOWED
    assert document.open == []
    for tag, attributes in document.tags:
        assert set(attributes) == ({"href"} if tag == "a" else set())
        assert re.match(r"(https?://|mailto:)[^\s<>\"']+$", attributes.get("href", "https://a"))


@given(SOURCE)
def test_no_element_is_without_text(source):
    """An empty link has no name, and an empty paragraph is a gap."""
    assert not re.search(r"<(a|p|li|strong|em|h3|ul|ol)\b[^>]*>\s*</", markdown_html(source))


@given(SOURCE)
def test_words_are_clean_in_both_forms(source):
    """No controls, and nothing that looks like a placeholder nobody filled."""
    text = Document(markdown_html(source)).text
    for words in (text, re.sub(r"https?://\S+", "", markdown_text(source))):
        assert not re.search(r"\{\{|\}\}|%%|\{%|[\x00-\x09\x0b-\x1f\u200b\ufeff\ufffd]", words)


@given(SOURCE)
def test_text_and_html_say_the_same(source):
    """Apart from the marks of lists and the addresses below."""
    words = re.sub(r"\s+", "", Document(markdown_html(source)).text)
    text = iter(re.sub(r"\s+", "", markdown_text(source)))
    assert all(sign in text for sign in words)


@given(SOURCE)
def test_the_text_is_paragraphs_with_one_empty_line_between(source):
    text = markdown_text(source)
    assert text == text.strip()
    assert "\n\n\n" not in text
    assert not re.search(r"[ \t]$", text, re.MULTILINE)


@pytest.mark.parametrize(
    ("source", "html"),
    [
        ("# 하나\n\n###### 둘", "<h3>하나</h3>\n<h3>둘</h3>"),
        ("줄  \n바꿈", "<p>줄<br>\n바꿈</p>"),
        ("한 줄\n또 한 줄", "<p>한 줄 또 한 줄</p>"),
        ("> 인용", "<p>인용</p>"),
        ("1. 하나\n2. 둘", "<ol><li>하나</li>\n<li>둘</li></ol>"),
        ("앞 ![그림](https://a.example/b.png) 뒤", "<p>앞 뒤</p>"),
        ("[![그림](https://a.example/b.png)](https://a.example/)", ""),
        ('a < b & "c" <b>', '<p>a &lt; b &amp; "c" &lt;b&gt;</p>'),
        ("[글](/rel) [글](#x) [글](ftp://a.example/)", "<p>글 글 글</p>"),
        ("[글](mailto:kim@example.com?subject=x)", '<p><a href="mailto:kim@example.com">글</a></p>'),
        ("[글](https://한빛.example/?a=1&b=2)", '<p><a href="https://xn--xx3br43b.example/?a=1&amp;b=2">글</a></p>'),
        ("[글](https://me:pass@a.example/)", "<p>글</p>"),
        ("", ""),
    ],
)
def test_what_becomes_of_markdown(source, html):
    assert markdown_html(source) == html


def test_headings_take_the_level_that_the_page_has_room_for():
    assert markdown_html("# 하나", heading="h2") == "<h2>하나</h2>"


@pytest.mark.parametrize("source", ["2026. 3. 2. 월요일", "3. 2. 월요일", "2026.\n다음", "4. 8(월) 행사"])
def test_a_date_at_the_beginning_of_a_line_is_no_list(source):
    assert Document(markdown_html(source)).text.split() == source.split()
    assert "<ol" not in markdown_html(source)


def test_a_date_in_a_list_stays_a_date():
    assert markdown_html("- 2026. 3. 2. 행사") == "<ul><li>2026. 3. 2. 행사</li></ul>"
    assert markdown_html("1. 2. 하나\n2. 둘") == "<ol><li>2. 하나</li>\n<li>둘</li></ol>"


@pytest.mark.parametrize("words", ["한빛(주)", '"새벽"', "‘새벽’", "1%", "끝."])
@pytest.mark.parametrize(("sign", "tag"), [("**", "strong"), ("*", "em")])
def test_a_particle_may_follow_emphasis_that_ends_in_punctuation(sign, tag, words):
    """CommonMark alone would show the signs: in Korean no space parts a word and its particle."""
    assert markdown_html(f"오늘 {sign}{words}{sign}은") == f"<p>오늘 <{tag}>{words}</{tag}>은</p>"
    assert markdown_html(f"오늘은{sign}{words}{sign}") == f"<p>오늘은<{tag}>{words}</{tag}></p>"


def test_a_lone_address_stands_below_its_paragraph_and_several_follow_their_words():
    assert markdown_text("[자세히](https://a.example/1) 보기") == "자세히 보기\nhttps://a.example/1"
    assert markdown_text("[하나](https://a.example/1), [둘](mailto:kim@example.com)") == (
        "하나, 둘\n하나:\nhttps://a.example/1\n둘:\nkim@example.com"
    )
    assert markdown_text("<https://a.example/1>") == "https://a.example/1"


def test_lists_within_lists_are_indented():
    assert markdown_text("- 하나\n  1. 가\n  2. 나\n- 둘\n\n  끝") == "- 하나\n  1. 가\n  2. 나\n- 둘\n끝"
