"""From a ranking to what an issue shows: pins, exclusions, no-repeat, sections and limits, each with its reason."""

from collections import Counter
from datetime import date

from hypothesis import given
from hypothesis import strategies as st
from ranking_samples import NOON, make_article, make_ranking

from digest.model import CountKind, RankedArticle, ReasonCode, ViewCount
from digest.rank.select import RUNNERS_UP, Rules, select_articles

ALIKE = ("society",) * 30


def ids(choices):
    return [choice.article.id for choice in choices]


def codes(choice):
    return [reason.code for reason in choice.reasons]


def reason_against(selection, article_id):
    (choice,) = [choice for choice in selection.passed_over if choice.article.id == article_id]
    return choice.reasons[-1]


def test_the_top_of_the_ranking_is_shown_up_to_the_limit_and_ten_runners_up_are_kept():
    selection = select_articles(make_ranking(*ALIKE), Rules(limit=3, window_days=7))
    assert ids(selection.shown) == ["1", "2", "3"]
    assert [choice.position for choice in selection.shown] == [1, 2, 3]
    assert ids(selection.passed_over) == [str(n) for n in range(4, 4 + RUNNERS_UP)]
    assert {choice.position for choice in selection.passed_over} == {None}
    assert (selection.candidates, selection.views_total) == (30, sum(1000 - n for n in range(1, 31)))
    assert reason_against(selection, "4").code is ReasonCode.BELOW_LIMIT
    assert reason_against(selection, "4").fact("limit") == 3


def test_the_first_reason_is_the_place_by_views():
    (choice,) = select_articles(make_ranking("society"), Rules(limit=3, window_days=7)).shown
    (reason,) = choice.reasons
    assert (reason.code, dict(reason.facts)) == (ReasonCode.RANK, {"rank": 1, "views": 999, "days": 7})


def test_with_fewer_candidates_than_the_limit_all_are_shown():
    selection = select_articles(make_ranking("a", "b"), Rules(limit=10))
    assert (ids(selection.shown), selection.passed_over) == (["1", "2"], ())
    assert select_articles((), Rules(limit=10)).shown == ()


def test_pins_come_first_in_the_editors_order_ranked_or_not():
    pins = (make_article("5"), make_article("unranked"), make_article("2"))
    selection = select_articles(make_ranking(*ALIKE), Rules(limit=5, pinned=pins))
    assert ids(selection.shown) == ["5", "unranked", "2", "1", "3"]
    assert [choice.rank for choice in selection.shown] == [5, None, 2, 1, 3]
    assert [choice.position for choice in selection.shown] == [1, 2, 3, 4, 5]
    assert codes(selection.shown[0]) == [ReasonCode.RANK, ReasonCode.PINNED]
    assert codes(selection.shown[1]) == [ReasonCode.PINNED]
    assert selection.shown[1].count.views == 0
    assert [choice.reasons[-1].fact("position") for choice in selection.shown[:3]] == [1, 2, 3]
    assert {"5", "2"}.isdisjoint(ids(selection.passed_over))


def test_more_pins_than_the_limit_fill_the_issue_and_the_others_stand_in_the_ranking_again():
    pins = tuple(make_article(str(n)) for n in (9, 8, 7))
    selection = select_articles(make_ranking(*ALIKE[:9]), Rules(limit=2, pinned=pins))
    assert ids(selection.shown) == ["9", "8"]
    assert ids(selection.passed_over) == ["1", "2", "3", "4", "5", "6", "7"]
    assert reason_against(selection, "7").code is ReasonCode.BELOW_LIMIT


def test_exclusions_are_out_with_the_reason():
    selection = select_articles(make_ranking(*ALIKE[:4]), Rules(limit=2, excluded=frozenset({"1", "3"})))
    assert ids(selection.shown) == ["2", "4"]
    assert codes(selection.passed_over[0]) == [ReasonCode.RANK, ReasonCode.EXCLUDED]


def test_articles_of_recent_issues_are_not_repeated_and_the_issue_is_named():
    rules = Rules(limit=2, repeated={"1": date(2019, 4, 1)})
    selection = select_articles(make_ranking(*ALIKE[:3]), rules)
    assert ids(selection.shown) == ["2", "3"]
    assert reason_against(selection, "1").code is ReasonCode.REPEATED
    assert reason_against(selection, "1").fact("edition") == "2019-04-01"


def test_a_pin_is_shown_although_a_recent_issue_had_it():
    rules = Rules(limit=1, repeated={"1": date(2019, 4, 1)}, pinned=(make_article("1"),))
    assert ids(select_articles(make_ranking("a", "b"), rules).shown) == ["1"]


def test_a_section_fills_its_share_and_no_more():
    ranking = make_ranking("society", "society", "economy", "society", "society", "sports")
    selection = select_articles(ranking, Rules(limit=4, max_per_section=2))
    assert ids(selection.shown) == ["1", "2", "3", "6"]
    assert dict(reason_against(selection, "4").facts) == {"section": "society", "place": 3, "limit": 2}
    assert dict(reason_against(selection, "5").facts) == {"section": "society", "place": 4, "limit": 2}


def test_pins_count_towards_their_section_but_are_not_bound_by_its_limit():
    pins = tuple(make_article(str(n)) for n in (1, 2, 3))
    ranking = make_ranking("society", "society", "society", "society", "economy")
    selection = select_articles(ranking, Rules(limit=4, max_per_section=2, pinned=pins))
    assert ids(selection.shown) == ["1", "2", "3", "5"]
    assert reason_against(selection, "4").fact("place") == 4


def test_what_is_passed_over_for_another_reason_takes_no_place_of_its_section():
    rules = Rules(limit=2, max_per_section=1, excluded=frozenset({"1"}), repeated={"2": date(2019, 4, 1)})
    selection = select_articles(make_ranking("society", "society", "society", "economy"), rules)
    assert ids(selection.shown) == ["3", "4"]


def test_articles_without_a_section_share_none():
    selection = select_articles(make_ranking("", "", ""), Rules(limit=3, max_per_section=1))
    assert ids(selection.shown) == ["1", "2", "3"]


def test_only_the_sections_asked_for_are_shown_and_their_names_are_those_readers_know():
    article = make_article("1", section="society", section_name="사회")
    ranking = (RankedArticle(rank=1, article=article, count=ViewCount(article_id="1", views=9)),)
    ranking += make_ranking("x", "economy", "")[1:]
    selection = select_articles(ranking, Rules(limit=5, sections=("economy",)))
    assert ids(selection.shown) == ["2"]
    assert reason_against(selection, "1").code is ReasonCode.OTHER_SECTION
    assert reason_against(selection, "1").fact("section") == "사회"
    assert reason_against(selection, "3").fact("section") == ""


def test_a_section_without_a_name_is_called_by_its_key():
    article = make_article("1", section="society", section_name="")
    ranking = (RankedArticle(rank=1, article=article, count=ViewCount(article_id="1", views=9)),)
    assert reason_against(select_articles(ranking, Rules(limit=1, sections=("x",))), "1").fact("section") == "society"


def test_how_a_figure_was_come_by_is_among_the_reasons():
    counts = (
        ViewCount(article_id="1", views=9, kind=CountKind.NEW, as_of=NOON),
        ViewCount(article_id="2", views=8, kind=CountKind.RESET),
        ViewCount(article_id="3", views=0, kind=CountKind.NEW),
    )
    ranking = tuple(
        RankedArticle(rank=n, article=make_article(str(n)), count=count) for n, count in enumerate(counts, 1)
    )
    shown = select_articles(ranking, Rules(limit=3)).shown
    assert codes(shown[0]) == [ReasonCode.RANK, ReasonCode.TOTAL_AS_OF]
    assert shown[0].reasons[1].fact("as_of") == "2019-04-10T12:00:00+00:00"
    assert codes(shown[1]) == [ReasonCode.RANK, ReasonCode.COUNTER_RESET]
    assert codes(shown[2]) == [ReasonCode.RANK]


def test_an_issue_that_cannot_be_filled_keeps_ten_runners_up_too():
    """A site of two sections under a section limit: not every article of the week is frozen with the issue."""
    selection = select_articles(make_ranking(*ALIKE, "economy", *ALIKE), Rules(limit=10, max_per_section=2))
    assert ids(selection.shown) == ["1", "2", "31"]
    assert ids(selection.passed_over) == [str(n) for n in [*range(3, 31), *range(32, 32 + RUNNERS_UP)]]


@st.composite
def cases(draw):
    sections = draw(st.lists(st.sampled_from(["society", "economy", ""]), max_size=40))
    ranking = make_ranking(*sections)
    some = st.lists(st.sampled_from([str(n) for n in range(1, 45)]), unique=True, max_size=6)
    pinned, excluded, repeated = draw(some), draw(some), draw(some)
    by_id = {ranked.article.id: ranked.article for ranked in ranking}
    rules = Rules(
        limit=draw(st.integers(1, 12)),
        max_per_section=draw(st.none() | st.integers(1, 4)),
        sections=draw(st.sampled_from([(), ("society",), ("society", "economy")])),
        pinned=tuple(by_id.get(article_id, make_article(article_id)) for article_id in pinned),
        excluded=frozenset(excluded) - set(pinned),
        repeated=dict.fromkeys(repeated, date(2019, 4, 1)),
    )
    return ranking, rules


@given(cases())
def test_whatever_the_rules_every_article_above_the_last_one_shown_is_shown_or_has_a_reason(case):
    ranking, rules = case
    selection = select_articles(ranking, rules)
    shown, passed_over = ids(selection.shown), ids(selection.passed_over)
    assert [choice.position for choice in selection.shown] == list(range(1, len(shown) + 1))
    assert len(shown) == len(set(shown)) <= rules.limit
    assert shown[: len(rules.pinned)] == [article.id for article in rules.pinned[: rules.limit]]
    chosen = [choice for choice in selection.shown if ReasonCode.PINNED not in codes(choice)]
    ranks = [choice.rank for choice in chosen]
    assert ranks == sorted(ranks)
    last = max([rank for rank in ranks if rank], default=0)
    considered = sorted({c.rank for c in (*selection.shown, *selection.passed_over)} - {None})
    assert set(considered) >= set(range(1, last + 1))
    assert len([choice for choice in selection.passed_over if choice.rank > last]) <= RUNNERS_UP
    assert set(shown).isdisjoint(passed_over)
    for choice in selection.passed_over:
        assert codes(choice)[0] is ReasonCode.RANK
        assert codes(choice)[-1] not in (ReasonCode.RANK, ReasonCode.PINNED)
    for choice in chosen:
        assert choice.article.id not in {*rules.excluded, *rules.repeated}
        assert not rules.sections or choice.article.section in rules.sections
    if rules.max_per_section:
        per_section = Counter(choice.article.section for choice in chosen if choice.article.section)
        assert max(per_section.values(), default=0) <= rules.max_per_section
