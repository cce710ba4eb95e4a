"""The issue in numbers, and the length of a bar."""

import pytest
from babel.numbers import format_compact_decimal
from hypothesis import given
from hypothesis import strategies as st
from issue_samples import make_choice, make_request

from digest.language import load_language
from digest.render.chart import bar_length, build_figures, shorten_number


def figures_of(*views, locale="ko", sections=("사회",)):
    shown = tuple(
        make_choice(place, views=count, section_name=sections[place % len(sections)])
        for place, count in enumerate(views, start=1)
    )
    return [(figure.value, figure.label) for figure in build_figures(make_request(shown), load_language(locale))]


@pytest.mark.parametrize(
    ("views", "ko", "en"),
    [
        (950, "950", "950"),
        (9_500, "9,500", "9,500"),
        (12_345, "1.2만", "12K"),
        (764_828, "76만", "765K"),
        (6_398_000, "640만", "6.4M"),
        (123_456_789, "1.2억", "123M"),
    ],
)
def test_the_sum_of_views_is_short_enough_for_large_type(views, ko, en):
    assert figures_of(views - 1, 1)[1] == (ko, "조회 합계")
    assert figures_of(views - 1, 1, locale="en")[1] == (en, "total views")


def shorten_with_babel(number, locale):
    whole = format_compact_decimal(number, locale=locale)
    is_short = sum(map(str.isdigit, whole)) == 1
    short = format_compact_decimal(number, locale=locale, fraction_digits=1) if is_short else whole
    return short.replace("\N{NO-BREAK SPACE}", " ")


HALVES = st.builds(
    lambda figures, zeros, more: max(figures * 10**zeros + more, 10_000),
    st.integers(1, 99_999),
    st.integers(0, 7),
    st.integers(-1, 1),
)
"""Numbers at which the rounding turns, and those beside them."""


@given(st.integers(10_000, 10**12) | HALVES, st.sampled_from(["ko", "en", "de", "it", "ja", "es", "ar", "hi"]))
def test_a_number_is_shortened_as_babel_shortens_all_of_it(number, locale):
    assert shorten_number(number, locale) == shorten_with_babel(number, locale)


def test_figures_that_say_nothing_are_left_out():
    assert figures_of(0, 0) == [("2", "기사")]
    assert figures_of(5, 5) == [("2", "기사"), ("10", "조회 합계")]
    assert figures_of(5, 5, sections=("사회", "경제"))[-1] == ("2", "분야")
    assert figures_of(5) == []


@given(st.lists(st.integers(0, 10**9), min_size=1, max_size=8))
def test_bars_are_1_to_100_in_proportion_and_the_most_viewed_fills_its_own(views):
    request = make_request(tuple(make_choice(place, views=count) for place, count in enumerate(views, start=1)))
    bars = [bar_length(choice, request) for choice in request.shown]
    for bar, count in zip(bars, views, strict=True):
        assert bar == 0 if count == 0 else 1 <= bar <= 100
    assert max(bars) == (100 if max(views) else 0)
    ordered = [bar for _, bar in sorted(zip(views, bars, strict=True))]
    assert ordered == sorted(ordered)
