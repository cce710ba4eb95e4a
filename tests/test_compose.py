"""An edition from the store to its selection: which window, which candidates, whose decisions."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from digest.compose import rank_edition, select_for
from digest.model import CountKind, IssueState, ReasonCode, RunningTotal, ViewEvent
from digest.rank.select import RUNNERS_UP
from digest.store.articles import exclude_article, forget_decision, pin_article, save_articles
from digest.store.issues import finish_issue
from digest.store.views import save_events, save_totals
from editions import (
    BOOT,
    MONDAY,
    NOW,
    START,
    claim,
    compose,
    make_article,
    open_edition,
    open_workspace,
    publish,
    save_news,
)

NEXT_MONDAY = MONDAY + timedelta(weeks=1)


def ids(ranked_or_choices):
    return [item.article.id for item in ranked_or_choices]


def reasons_against(draft):
    return {choice.article.id: choice.reasons[-1].code for choice in draft.selection.passed_over}


def move(app, moment):
    app.clock.moment = moment


def test_the_window_of_an_edition_is_the_whole_days_before_it_in_the_newsletters_timezone(tmp_path):
    with open_workspace(tmp_path, 'timezone = "America/New_York"', 'window = "2d"') as app:
        window = open_edition(app, date(2026, 3, 9)).window
        assert window.start == datetime(2026, 3, 7, 5, tzinfo=UTC)
        assert window.end == datetime(2026, 3, 9, 4, tzinfo=UTC)
        assert window.timezone == "America/New_York"


@pytest.mark.parametrize(
    ("hours", "inside"), [(-1 / 3600, False), (0, True), (7 * 24 - 1 / 3600, True), (7 * 24, False)]
)
def test_candidates_are_the_articles_published_in_the_window_to_the_second(tmp_path, hours, inside):
    with open_workspace(tmp_path) as app:
        save_news(app, [make_article(1, published_at=START + timedelta(hours=hours))])
        assert bool(compose(app).ranking.ranked) is inside


def test_viewed_candidates_may_be_of_any_age_and_have_views(tmp_path):
    """Views count from the window's days only, so the article of last month is here with those of this week."""
    old = make_article(1, published_at=START - timedelta(days=30))
    with open_workspace(tmp_path, 'candidates = "viewed"') as app:
        save_news(app, [make_article(2), make_article(3)])
        with app.database.transaction():
            save_articles(app.database, [old, make_article(4)], read_at=NOW)
            save_events(app.database, [])
        assert ids(compose(app).ranking.ranked) == ["2", "3"]
    with open_workspace(tmp_path / "events", 'candidates = "viewed"') as app:
        with app.database.transaction():
            save_articles(app.database, [old, make_article(4), make_article(5)], read_at=NOW)
            moments = [START, START, NOW - timedelta(hours=9, seconds=1), START - timedelta(seconds=1), NOW]
            save_events(app.database, [ViewEvent(article_id="1", viewed_at=moment) for moment in moments])
            save_events(app.database, [ViewEvent(article_id="5", viewed_at=START + timedelta(days=1))])
        draft = compose(app)
        assert [(ranked.article.id, ranked.count.views) for ranked in draft.ranking.ranked] == [("1", 3), ("5", 1)]


def test_the_newsletters_sections_bound_its_candidates_and_a_ranking_can_be_asked_of_one(tmp_path):
    with open_workspace(tmp_path, 'sections = ["society", ""]') as app:
        news = [make_article(n, section=section) for n, section in enumerate(("society", "economy", "", "society"), 1)]
        save_news(app, news)
        edition = open_edition(app)
        assert ids(compose(app).ranking.ranked) == ["1", "3", "4"]
        assert ids(rank_edition(app.database, edition, section="society").ranked) == ["1", "4"]
        assert ids(rank_edition(app.database, edition, section="").ranked) == ["3"]
        assert ids(rank_edition(app.database, edition, section="economy").ranked) == []


def test_running_totals_rank_the_week_and_older_articles_wait_for_a_base(tmp_path):
    """The plainest site, one `views` column, on its first run: what cannot be compared is counted and said."""
    taken_at = NOW - timedelta(minutes=5)
    old = make_article(1, published_at=START - timedelta(days=30))
    with open_workspace(tmp_path, 'candidates = "viewed"') as app:
        with app.database.transaction():
            save_articles(app.database, [old, make_article(2), make_article(3)], read_at=NOW)
            for article_id, total in (("1", 90_000), ("2", 40), ("3", 70)):
                save_totals(app.database, [RunningTotal(article_id=article_id, total=total, taken_at=taken_at)])
                earlier = START + timedelta(days=5)
                save_totals(app.database, [RunningTotal(article_id=article_id, total=total - 9, taken_at=earlier)])
        ranking = compose(app).ranking
        assert [(ranked.article.id, ranked.count.views) for ranked in ranking.ranked] == [("3", 70), ("2", 40)]
        assert {ranked.count.kind for ranked in ranking.ranked} == {CountKind.NEW}
        assert (ranking.unranked, ranking.counted_since) == (0, None)
        with app.database.transaction():
            inside = START + timedelta(days=6)
            save_totals(app.database, [RunningTotal(article_id="1", total=89_999, taken_at=inside)])
        ranking = compose(app).ranking
        assert ids(ranking.ranked) == ["3", "2"]
        assert (ranking.unranked, ranking.counted_since) == (1, START + timedelta(days=5))


def test_an_edition_of_the_past_takes_the_totals_read_first_after_its_window(tmp_path):
    with open_workspace(tmp_path) as app:
        with app.database.transaction():
            save_articles(app.database, [make_article(1)], read_at=NOW)
            for hours, total in ((1, 50), (200, 900)):
                taken_at = NOW + timedelta(hours=hours)
                save_totals(app.database, [RunningTotal(article_id="1", total=total, taken_at=taken_at)])
        move(app, NOW + timedelta(hours=201))
        assert open_edition(app).is_past
        assert [ranked.count.views for ranked in compose(app).ranking.ranked] == [50]
        move(app, NOW + timedelta(hours=14))
        assert not open_edition(app).is_past


def test_what_the_editor_decided_holds_for_the_draft(tmp_path):
    with open_workspace(tmp_path, "limit = 3") as app:
        old = make_article(9, published_at=START - timedelta(days=90))
        save_news(app, [*(make_article(n) for n in range(1, 7)), old])
        for article_id in ("4", "9", "never-imported"):
            pin_article(app.database, "weekly", article_id, position=None, now=NOW)
        pin_article(app.database, "weekly", "6", position=1, now=NOW)
        exclude_article(app.database, "weekly", "1", now=NOW)
        draft = compose(app)
        assert ids(draft.selection.shown) == ["6", "4", "9"]
        assert reasons_against(draft)["1"] is ReasonCode.EXCLUDED
        forget_decision(app.database, "weekly", "6", "pin")
        assert ids(compose(app).selection.shown) == ["4", "9", "2"]


def test_decisions_for_one_newsletter_are_not_those_of_another(tmp_path):
    with open_workspace(tmp_path) as app:
        save_news(app, [make_article(1), make_article(2)])
        exclude_article(app.database, "daily", "1", now=NOW)
        pin_article(app.database, "daily", "2", position=None, now=NOW)
        assert ids(compose(app).selection.shown) == ["1", "2"]


def test_articles_of_the_last_issues_are_passed_over_and_named_with_their_edition(tmp_path):
    """Six weeks of a daily-changing window of 42 days: with no_repeat = 2 the third last issue may come again."""
    with open_workspace(tmp_path, "limit = 1", 'window = "42d"', "no_repeat = 2") as app:
        save_news(app, [make_article(n) for n in range(1, 7)])
        shown = []
        for week in range(4):
            day = MONDAY + timedelta(weeks=week)
            move(app, NOW + timedelta(weeks=week))
            shown += ids(compose(app, day).selection.shown)
            publish(app, day)
        assert shown == ["1", "2", "3", "1"]
        draft = compose(app, MONDAY + timedelta(weeks=4))
        assert reasons_against(draft)["1"] is ReasonCode.REPEATED
        repeated = {c.article.id: c.reasons[-1] for c in draft.selection.passed_over}["1"]
        assert repeated.fact("edition") == "2026-03-23"


def test_only_issues_that_were_sent_count_as_seen(tmp_path):
    with open_workspace(tmp_path, "limit = 1", 'window = "42d"') as app:
        save_news(app, [make_article(1), make_article(2)])
        lease = claim(app)
        finish_issue(app.database, lease, state=IssueState.SKIPPED, reason="too few", boot=BOOT, now=NOW)
        move(app, NOW + timedelta(weeks=1))
        assert ids(compose(app, NEXT_MONDAY).selection.shown) == ["1"]


def test_since_last_windows_tile_from_one_published_issue_to_the_next(tmp_path):
    """However late an issue is sent, the next one begins where it ended: nothing is lost and nothing comes twice."""
    with open_workspace(tmp_path, 'window = "since-last"') as app:
        save_news(app, [make_article(n) for n in range(1, 200, 5)])
        first = open_edition(app).window
        assert (first.start, first.end) == (START, NOW)
        publish(app)
        late = NOW + timedelta(weeks=1, hours=12)
        move(app, late)
        second = open_edition(app, NEXT_MONDAY).window
        assert (second.start, second.end) == (NOW, late)
        publish(app, NEXT_MONDAY)
        move(app, late + timedelta(weeks=1))
        assert open_edition(app, NEXT_MONDAY + timedelta(weeks=1)).window.start == late


def test_a_since_last_edition_of_the_past_ended_when_it_was_due(tmp_path):
    with open_workspace(tmp_path, 'window = "since-last"', now=NOW + timedelta(days=3)) as app:
        window = open_edition(app).window
        assert window.end == datetime(2026, 3, 1, 23, 0, tzinfo=UTC)
        assert window.start == START


def test_articles_that_the_last_reading_did_not_contain_are_left_out(tmp_path):
    """The publisher took them down, so no issue links to them."""
    with open_workspace(tmp_path) as app:
        save_news(app, [make_article(1)], read_at=NOW - timedelta(hours=1))
        save_news(app, [make_article(2)], read_at=NOW)
        for candidates in ("published", "viewed"):
            edition = open_edition(app)
            newsletter = edition.newsletter.model_copy(update={"candidates": candidates})
            edition = replace(edition, newsletter=newsletter)
            assert set(ids(rank_edition(app.database, edition).ranked)) == {"1", "2"}
            assert ids(rank_edition(app.database, replace(edition, read_since=NOW)).ranked) == ["2"]


def test_a_draft_with_too_few_articles_says_so(tmp_path):
    with open_workspace(tmp_path, "no_repeat = 0") as app:
        empty = compose(app)
        assert not empty.has_enough_articles
        assert empty.shortage == "0 articles to show, min_articles is 1"
        save_news(app, [make_article(1)])
        assert compose(app).has_enough_articles


def test_readers_of_some_sections_get_a_selection_of_their_own_from_the_same_ranking(tmp_path):
    with open_workspace(tmp_path, "limit = 2") as app:
        save_news(app, [make_article(n, section="economy" if n % 3 == 0 else "society") for n in range(1, 20)])
        pin_article(app.database, "weekly", "7", position=None, now=NOW)
        draft = compose(app)
        assert ids(select_for(draft, ()).shown) == ids(draft.selection.shown) == ["7", "1"]
        assert ids(select_for(draft, ("economy",)).shown) == ["7", "3"]
        assert [choice.rank for choice in select_for(draft, ("economy",)).shown] == [7, 3]


def test_the_draft_counts_what_was_ranked_and_keeps_runners_up(tmp_path):
    with open_workspace(tmp_path, "limit = 5") as app:
        save_news(app, [make_article(n) for n in range(1, 31)])
        selection = compose(app).selection
        assert (selection.candidates, selection.views_total) == (30, sum(1000 - n for n in range(30)))
        assert len(selection.passed_over) == RUNNERS_UP


def test_the_newsletters_timezone_is_that_of_the_edition(tmp_path):
    with open_workspace(tmp_path, 'timezone = "Pacific/Kiritimati"') as app:
        edition = open_edition(app)
        assert edition.timezone == ZoneInfo("Pacific/Kiritimati")
        assert app.today(edition.newsletter) == MONDAY
