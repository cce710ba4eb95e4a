import doctest

import pytest
import wcwidth
from hypothesis import example, given
from hypothesis import strategies as st

from digest.render import clean, image, links, width
from digest.render.width import display_width, shorten

CLUSTERS = (*"가나다한 ab c.,!…", "👨‍👩‍👧‍👦", "🇰🇷", "é", "e\u0301")
LINE = st.lists(st.sampled_from(CLUSTERS), max_size=60).map(lambda parts: " ".join("".join(parts).split()))


@pytest.mark.parametrize("module", [clean, image, links, width])
def test_examples_in_docstrings_hold(module):
    assert doctest.testmod(module).failed == 0


@pytest.mark.parametrize(
    ("text", "columns"),
    [("abc", 3), ("가나", 4), ("조회 184,220", 12), ("e\u0301", 1), ("👨‍👩‍👧‍👦", 2), ("日本", 4), ("", 0)],
)
def test_east_asian_wide_characters_take_two_columns(text, columns):
    assert display_width(text) == columns


@given(LINE, st.integers(2, 60))
def test_shortened_text_fits_and_never_cuts_a_grapheme(text, columns):
    short = shorten(text, columns)
    assert display_width(short) <= columns
    whole = list(wcwidth.iter_graphemes(text))
    kept = list(wcwidth.iter_graphemes(short.removesuffix("…")))
    assert whole[: len(kept)] == kept


def test_a_decimal_point_at_the_cut_is_no_sentence_end():
    assert shorten("물가가 석 달 만에 3.5 오름", 20) == "물가가 석 달 만에…"


@example("가가가가가….가", 12)
@example("가가가가가…. 가", 12)
@example("a…,가", 4)
@given(LINE, st.integers(2, 60))
def test_shortening_twice_is_shortening_once(text, columns):
    assert shorten(shorten(text, columns), columns) == shorten(text, columns)


@pytest.mark.parametrize("ending", [" …", "…", "...", " ... ", "…."])
def test_an_ellipsis_the_text_came_with_becomes_one_after_the_last_word(ending):
    assert shorten(f"말을 아꼈다{ending}", 40) == "말을 아꼈다…"


def test_a_sentence_that_ends_in_the_last_third_ends_the_text_without_an_ellipsis():
    assert shorten("첫 문장이 여기서 끝났다. 둘째 문장은 길게 이어진다", 30) == "첫 문장이 여기서 끝났다."


def test_a_sentence_that_ends_early_does_not_waste_the_room():
    assert shorten("짧다. 둘째 문장은 길게 이어지고 또 이어진다", 30) == "짧다. 둘째 문장은 길게…"


def test_a_word_is_not_cut_but_a_text_without_spaces_is():
    assert shorten("하나둘셋 넷다섯여섯", 14) == "하나둘셋…"
    assert shorten("일이삼사오육칠팔", 9) == "일이삼사…"
