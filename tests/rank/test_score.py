"""How views inside a window are known from counts, events and running totals, and the order they give."""

from datetime import timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ranking_samples import END, START, WINDOW, make_article, snapshots

from digest.model import CountKind, ViewCount
from digest.rank.score import KnownViews, count_from_totals, count_views, rank_articles

OLD = make_article(at=START - timedelta(days=30))
NEW = make_article(at=START + timedelta(days=1))
WEEK = 7 * 24
EXACT, RESET, FRESH, PARTIAL = CountKind.EXACT, CountKind.RESET, CountKind.NEW, CountKind.PARTIAL


def known(dated=None, events=None, totals=None):
    return KnownViews(dated=dated or {}, events=events or {}, totals=totals or {})


@pytest.mark.parametrize(
    ("pairs", "views", "kind"),
    [
        pytest.param([(0, 100), (24, 150), (WEEK, 180)], 80, EXACT, id="deltas from the window's start are summed"),
        pytest.param([(-24, 100), (24, 150)], 50, EXACT, id="a base may be just 24 hours older"),
        pytest.param([(-25, 100), (1, 100), (24, 150)], 50, EXACT, id="or any age, if the total stood still"),
        pytest.param([(-25, 100), (1, 101), (24, 150)], 49, PARTIAL, id="a base older than 24 hours says nothing"),
        pytest.param([(-20, 90), (-1, 100), (24, 150)], 50, EXACT, id="the newest base counts"),
        pytest.param([(-1, 100), (WEEK + 1, 500)], 0, EXACT, id="what comes after the window is not in it"),
        pytest.param([(0, 100), (WEEK, 150), (WEEK + 1, 500)], 50, EXACT, id="a snapshot at the window's end is in it"),
        pytest.param([(0, 9990), (24, 10000), (48, 9990), (72, 10010)], 20, EXACT, id="a correction is taken back"),
        pytest.param([(0, 10000), (24, 9990), (48, 10010)], 10, EXACT, id="10000 to 9990 to 10010 is +10"),
        pytest.param([(0, 100), (24, 50), (48, 60)], 0, EXACT, id="half is still a correction, never below zero"),
        pytest.param([(0, 100), (24, 49), (48, 60)], 60, RESET, id="less than half is a counter that began again"),
        pytest.param([(0, 1000), (24, 1200), (48, 3), (72, 50)], 250, RESET, id="a reset keeps what came before it"),
        pytest.param([(0, 1000), (24, 0), (48, 0)], 0, RESET, id="a reset to zero"),
        pytest.param([(0, 0), (24, 0)], 0, EXACT, id="zero is not less than half of zero"),
        pytest.param([(1, 100), (24, 150)], 50, PARTIAL, id="an old article first seen inside is only partly known"),
        pytest.param([(1, 100)], 0, PARTIAL, id="one snapshot of it says nothing"),
        pytest.param([(WEEK + 1, 100)], 0, PARTIAL, id="nor does one after the window"),
        pytest.param([], 0, PARTIAL, id="nor does none"),
    ],
)
def test_totals_of_an_article_older_than_the_window(pairs, views, kind):
    for is_past in (False, True):
        found = count_from_totals(OLD, snapshots(*pairs), WINDOW, is_past=is_past)
        assert (found.views, found.kind, found.as_of) == (views, kind, None)


def test_a_partial_figure_says_since_when_it_is_counted():
    found = count_from_totals(OLD, snapshots((3, 100), (24, 150)), WINDOW, is_past=False)
    assert found.since == START + timedelta(hours=3)
    assert count_from_totals(OLD, (), WINDOW, is_past=False).since is None


@pytest.mark.parametrize(
    ("pairs", "is_past", "views", "kind", "as_of"),
    [
        pytest.param([(30, 40)], False, 40, FRESH, 30, id="the total counts whole"),
        pytest.param([(30, 40), (WEEK, 90), (WEEK + 9, 120)], False, 120, FRESH, WEEK + 9, id="now: the newest"),
        pytest.param([(30, 40), (WEEK + 9, 120), (WEEK + 99, 500)], True, 120, FRESH, WEEK + 9, id="past: first after"),
        pytest.param([(30, 40), (WEEK, 90), (WEEK + 9, 120)], True, 90, FRESH, WEEK, id="past: at the very end"),
        pytest.param([(30, 40), (50, 60)], True, 60, FRESH, 50, id="past: the newest where none is later"),
        pytest.param([(30, 1000), (40, 10), (50, 30)], False, 1030, RESET, 50, id="a reset on the way is counted"),
        pytest.param([(30, 10000), (40, 9990), (50, 10010)], False, 10010, FRESH, 50, id="a correction on the way"),
        pytest.param([(-2, 7), (30, 40)], False, 33, EXACT, None, id="with a base the deltas count even so"),
        pytest.param([], False, 0, FRESH, None, id="nothing known: no views"),
    ],
)
def test_totals_of_an_article_published_in_the_window(pairs, is_past, views, kind, as_of):
    found = count_from_totals(NEW, snapshots(*pairs), WINDOW, is_past=is_past)
    assert (found.views, found.kind) == (views, kind)
    assert found.as_of == (None if as_of is None else START + timedelta(hours=as_of))


def test_the_window_begins_with_its_start_and_ends_before_its_end_for_what_is_new():
    totals = snapshots((30, 40))
    for at, kind in ((START, FRESH), (END - timedelta(seconds=1), FRESH), (END, PARTIAL)):
        assert count_from_totals(make_article(at=at), totals, WINDOW, is_past=False).kind is kind


def test_the_plainest_site_ranks_its_week_on_the_first_run():
    """One table with a `views` column and no history: articles of the week by their totals, older ones left out."""
    articles = [make_article("1"), make_article("2"), make_article("3", at=START - timedelta(days=9))]
    totals = {
        article_id: snapshots((WEEK + 9, total), article_id=article_id)
        for article_id, total in (("1", 10), ("2", 20), ("3", 999_999))
    }
    counts = count_views(articles, known(totals=totals), WINDOW, is_past=False)
    assert [(ranked.article.id, ranked.count.views) for ranked in rank_articles(articles, counts)] == [
        ("2", 20),
        ("1", 10),
    ]


def test_dated_counts_win_over_events_and_events_over_totals():
    """A window is counted in one way: figures of different ways cannot be compared."""
    articles = [make_article("1"), make_article("2")]
    dated, events, totals = {"1": 5}, {"1": 7, "2": 8}, {"1": snapshots((30, 9)), "2": snapshots((30, 10))}

    def views(**what):
        return [count.views for count in count_views(articles, known(**what), WINDOW, is_past=False)]

    assert views(dated=dated, events=events, totals=totals) == [5, 0]
    assert views(events=events, totals=totals) == [7, 8]
    assert views(totals=totals) == [9, 10]
    assert views() == [0, 0]


def test_an_article_that_nothing_is_known_of_has_no_views_and_is_still_ranked():
    (count,) = count_views([OLD], known(dated={"other": 3}), WINDOW, is_past=False)
    assert (count.views, count.kind) == (0, EXACT)


@given(
    totals=st.lists(st.tuples(st.integers(-60, 400), st.integers(0, 1000)), max_size=8, unique_by=lambda pair: pair[0]),
    at=st.integers(-60, 400),
    is_past=st.booleans(),
)
def test_views_are_never_negative(totals, at, is_past):
    article = make_article(at=START + timedelta(hours=at))
    assert count_from_totals(article, snapshots(*sorted(totals)), WINDOW, is_past=is_past).views >= 0


@given(st.lists(st.integers(0, 50), min_size=2, max_size=12))
def test_a_counter_that_only_grows_is_counted_exactly(steps):
    totals = [sum(steps[: n + 1]) for n in range(len(steps))]
    found = count_from_totals(OLD, snapshots(*enumerate(totals)), WINDOW, is_past=False)
    assert (found.views, found.kind) == (totals[-1] - totals[0], EXACT)


def rank(*rows):
    """Rank (id, views, hours after the window's start) and give the ids in order."""
    articles = [make_article(article_id, at=START + timedelta(hours=hours)) for article_id, _, hours in rows]
    counts = [ViewCount(article_id=article_id, views=views) for article_id, views, _ in rows]
    return [ranked.article.id for ranked in rank_articles(articles, counts)]


def test_the_most_viewed_comes_first_then_the_newer():
    assert rank(("a", 5, 0), ("b", 9, 0), ("c", 5, 1)) == ["b", "c", "a"]


def test_ids_decide_last_and_numeric_ones_by_their_number():
    ids = ["a", "10", "9", "²", "007", "7", "B", "٣", "", "99999999999999999999", "1" * 5000]
    expected = ["007", "7", "9", "10", "99999999999999999999", "1" * 5000, "", "B", "a", "²", "٣"]
    assert rank(*((article_id, 1, 0) for article_id in ids)) == expected


def test_partial_figures_are_not_ranked():
    articles = [make_article("1"), make_article("2")]
    counts = [ViewCount(article_id="1", views=10**6, kind=PARTIAL), ViewCount(article_id="2", views=1)]
    assert [(ranked.rank, ranked.article.id) for ranked in rank_articles(articles, counts)] == [(1, "2")]
    assert [kind for kind in CountKind if kind.can_be_ranked] == [EXACT, RESET, FRESH]


rows = st.lists(
    st.tuples(st.text(st.sampled_from("0129aB²"), max_size=3), st.integers(0, 4), st.integers(0, 3)),
    unique_by=lambda row: row[0],
    max_size=12,
)


@given(rows, st.randoms())
def test_a_ranking_is_a_sorted_permutation_that_does_not_depend_on_the_order_of_rows(rows, random):
    articles = [make_article(article_id, at=START + timedelta(hours=hours)) for article_id, _, hours in rows]
    counts = [ViewCount(article_id=article_id, views=views) for article_id, views, _ in rows]
    ranking = rank_articles(articles, counts)
    assert [ranked.rank for ranked in ranking] == list(range(1, len(rows) + 1))
    assert sorted(ranked.article.id for ranked in ranking) == sorted(article.id for article in articles)
    assert all(ranked.count.article_id == ranked.article.id for ranked in ranking)
    for first, second in pairwise(ranking):
        assert (first.count.views, first.article.published_at) >= (second.count.views, second.article.published_at)
    random.shuffle(articles)
    random.shuffle(counts)
    assert rank_articles(articles, counts) == ranking
