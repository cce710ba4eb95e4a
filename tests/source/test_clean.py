"""Dirty text becomes clean text, and nothing a reader should see is lost."""

import time
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.source.clean import clean_excerpt, clean_line

FAMILY = "\U0001f468\u200d\U0001f469\u200d\U0001f467"
RAINBOW_FLAG = "\U0001f3f3\ufe0f\u200d\U0001f308"
SCOTLAND = "\U0001f3f4\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f"


@pytest.mark.parametrize(
    ("dirty", "clean"),
    [
        ("\ufeff삼성·애플", "삼성·애플"),
        ("a\u200bb\u200cc\u2060d\u200ee\u202ef\u2066g", "abcdefg"),
        ("비\xad…서쪽", "비…서쪽"),
        ("one\xa0 \u3000two\t\r\nthree\u2009 ", "one two three"),
        ("tab\x00\x07bell\x9f", "tabbell"),
        ("half \ud83d", "half"),
        ("빈\u3164칸", "빈 칸"),
        ("", ""),
        (" \u200b\ufeff ", ""),
    ],
)
def test_invisible_characters_go_and_spaces_collapse(dirty, clean):
    assert clean_line(dirty) == clean


@pytest.mark.parametrize("emoji", [FAMILY, RAINBOW_FLAG, SCOTLAND, "❤\ufe0f\u200d\U0001f525"])
def test_joiners_and_tags_stay_inside_emoji(emoji):
    assert clean_line(f"뉴스 {emoji}\u200d 끝") == f"뉴스 {emoji} 끝"


def test_joiners_and_tags_outside_emoji_go():
    assert clean_line("a\u200db \U000e0067x") == "ab x"


def test_hangul_is_composed():
    assert clean_line(unicodedata.normalize("NFD", "한빛뉴스 é")) == "한빛뉴스 é"


def test_compatibility_hanja_are_kept_even_beside_decomposed_hangul():
    text = "女\uf9b4 " + unicodedata.normalize("NFD", "한국") + "\uf900\U0002f800"
    assert clean_line(text) == "女\uf9b4 한국\uf900\U0002f800"


@pytest.mark.parametrize(
    ("dirty", "clean"),
    [
        ("AT&amp;T &quot;x&quot; &#39;y&#x27;", "AT&T \"x\" 'y'"),
        ("&amp;quot;", "&quot;"),
        ("&lt;b&gt;", "<b>"),
        ("a&nbsp;&nbsp;b&#8203;c", "a bc"),
        ("&hellip;&middot;", "…·"),
        ("&quot한국&quot", '"한국'),
        ("?a=1&section=2&copy=3", "?a=1&section=2&copy=3"),
        ("&notit; &unknown;", "&notit; &unknown;"),
        ("R&D, S&P500, M&A", "R&D, S&P500, M&A"),
        ("&#0;&#55357;x", "\ufffd\ufffdx"),
    ],
)
def test_entities_are_decoded_exactly_once(dirty, clean):
    assert clean_line(dirty) == clean


@pytest.mark.parametrize(
    ("dirty", "clean"),
    [
        ("생각한다&qu …", "생각한다 …"),
        ("생각한다&quot …", "생각한다 …"),
        ("생각한다& …", "생각한다 …"),
        ("갤럭시S10+&ap…", "갤럭시S10+…"),
        ("모집 &l …", "모집 …"),
        ("it&#821…", "it…"),
        ("it&#x20...", "it..."),
        ("생각한다&quo", "생각한다"),
        ("it&#821", "it"),
        ("Q&a …", "Q&a …"),
        ("R&D …", "R&D …"),
        ("M&A…", "M&A…"),
        ("[비하인드&]", "[비하인드&]"),
        ("뉴스 아침&", "뉴스 아침&"),
        ("뉴스 아침&, 57분 …", "뉴스 아침&, 57분 …"),
        ("done&quot; …", 'done" …'),
    ],
)
def test_an_entity_cut_at_the_end_is_dropped_and_a_real_ampersand_is_not(dirty, clean):
    assert clean_line(dirty) == clean
    assert clean_excerpt(dirty) == clean


@pytest.mark.parametrize("title", ["<b>굵게</b>", "日여당 과반<NHK 출구조사>", "a < b", "<script>x</script>", "<CN…"])
def test_less_and_greater_than_in_a_title_are_text(title):
    assert clean_line(title) == title


@pytest.mark.parametrize(
    "excerpt",
    [
        "<한국경제> 보도",
        "a < b",
        "<앵커> 오늘",
        "<CN…",
        "<NHK 출구조사>",
        "1<2>0",
        "a <b and c> d",
        "<Q> 왜 <A> 그냥",
        "<3",
    ],
)
def test_what_is_no_html_tag_survives_in_an_excerpt(excerpt):
    assert clean_excerpt(excerpt) == excerpt


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        ("<p>하나</p><p>둘</p>", "하나 둘"),
        ("하나<br/>둘<BR>셋", "하나 둘 셋"),
        ("굵<b>게</b> <a href='https://x.test/?a=1&b=2'>링크</a>", "굵게 링크"),
        ('<div class="a > b" data-x hidden>글</div>', "글"),
        ("앞<script>if (a<b) alert('</p>')</script><style>p{}</style>뒤", "앞 뒤"),
        ("앞<!-- <p>숨음</p> -->뒤", "앞뒤"),
        ("<p>&lt;b&gt; &amp;amp; &quot;</p>", '<b> &amp; "'),
        ("<p><앵커> 3 < 5 & 4 > 2</p>", "<앵커> 3 < 5 & 4 > 2"),
        ("<![CDATA[<p>글</p>]]>", "글"),
        ('글 <a href="http://x.te …', "글 …"),
        ("글</p", "글"),
        ("<p>글&qu …</p>", "글 …"),
        ("<p>a&nbsp;b</p>", "a b"),
        ("<title>x</title><textarea><b>y</b></textarea>z", "z"),
    ],
)
def test_html_in_an_excerpt_becomes_its_text(markup, text):
    assert clean_excerpt(markup) == text


@given(st.text())
def test_clean_text_is_one_visible_line(text):
    for clean in (clean_line(text), clean_excerpt(text)):
        assert clean == " ".join(clean.split())
        assert not any(unicodedata.category(mark) in ("Cc", "Cs") for mark in clean)
        clean.encode()


@given(st.text(st.characters(exclude_characters="&")))
def test_cleaning_twice_changes_nothing(text):
    once = clean_line(text)
    assert clean_line(once) == once


@given(st.text(st.characters(exclude_characters="&<"), max_size=40))
def test_escaping_a_text_and_cleaning_it_gives_the_clean_text(text):
    escaped = f"{text}<&>".replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    assert clean_line(escaped) == clean_line(f"{text}<") + "&>"
    assert clean_excerpt(f"<p>{escaped}</p>") == clean_line(escaped)


@pytest.mark.parametrize(
    "text",
    [
        "&" * 100_000,
        "& " * 50_000,
        "<" * 100_000,
        "<a x=" + " " * 100_000,
        "<p" + " a=b" * 25_000,
        "<!--" * 25_000,
        "<a href='" * 10_000,
        "&" + " " * 100_000 + "x",
        "\u200d" * 100_000,
    ],
    ids=range(9),
)
def test_no_text_takes_long(text):
    start = time.process_time()
    clean_excerpt(text)
    assert time.process_time() - start < 5
