"""A mail never grows past its budget: excerpts shorten first, then the last articles drop, and each says why."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.language import load_language
from digest.model import Article, Choice, Reason, ReasonCode, Selection, ViewCount
from digest.rank.explain import explain_choice
from digest.render.request import Rendering
from digest.trim import BUDGET, fit

MOMENT = datetime(2026, 1, 1, tzinfo=UTC)
SEOUL = ZoneInfo("Asia/Seoul")


def selection_of(count: int) -> Selection:
    choices = tuple(
        Choice(
            article=Article(
                id=str(n), url="https://a.example", title="t", published_at=datetime(2026, 1, 1, tzinfo=UTC)
            ),
            count=ViewCount(article_id=str(n), views=1000 - n),
            rank=n,
            position=n,
            reasons=(Reason(code=ReasonCode.RANK, facts=(("rank", n), ("views", 1000 - n), ("days", 7))),),
        )
        for n in range(1, count + 1)
    )
    return Selection(shown=choices, passed_over=(), candidates=count, views_total=0)


def fit_sizes(count: int, *, frame: int, title: int, excerpt: int):
    """Fit articles of so many bytes each; a rendering's HTML is its size in digits."""

    def render(shown, share):
        size = frame + len(shown) * (title + int(excerpt * share))
        return Rendering(subject="", preheader="", html=str(size), text="")

    return fit(selection_of(count), render, lambda rendering: int(rendering.html))


def test_what_fits_is_left_alone():
    fitted = fit_sizes(10, frame=20_000, title=1000, excerpt=7000)
    assert (len(fitted.selection.shown), fitted.excerpt_share, fitted.dropped) == (10, 1.0, 0)


def test_excerpts_shorten_before_any_article_drops():
    fitted = fit_sizes(10, frame=20_000, title=1000, excerpt=12_000)
    assert (len(fitted.selection.shown), fitted.excerpt_share) == (10, 0.5)


def test_then_the_last_articles_drop_and_say_why():
    fitted = fit_sizes(50, frame=20_000, title=3000, excerpt=100)
    assert [choice.article.id for choice in fitted.selection.shown] == [str(n) for n in range(1, 27)]
    assert fitted.dropped == 24
    dropped = fitted.selection.passed_over[0]
    assert (dropped.article.id, dropped.position) == ("27", None)
    assert "Gmail" in explain_choice(dropped, load_language("en"), SEOUL)
    assert "Gmail" in explain_choice(dropped, load_language("ko"), SEOUL)


@pytest.mark.parametrize("count", [1, 2, 30])
def test_one_article_is_kept_even_where_nothing_fits(count):
    """The check then holds the issue: SIZE-CLIP is an error."""
    fitted = fit_sizes(count, frame=200_000, title=1, excerpt=1)
    assert len(fitted.selection.shown) == 1


@given(st.integers(1, 60), st.integers(0, 60_000), st.integers(1, 9000), st.integers(0, 9000))
def test_the_result_fits_is_a_beginning_and_is_as_long_as_can_be(count, frame, title, excerpt):
    fitted = fit_sizes(count, frame=frame, title=title, excerpt=excerpt)
    shown = [choice.article.id for choice in fitted.selection.shown]
    everything = shown + [choice.article.id for choice in fitted.selection.passed_over]
    assert everything == [str(n) for n in range(1, count + 1)]
    assert int(fitted.rendering.html) <= BUDGET
    if fitted.dropped:
        assert frame + (len(shown) + 1) * title > BUDGET
