"""A published issue is frozen: what was picked and why, and renderings that come out the same from what is stored."""

import json
import shutil
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digest.check.contract import check_mail
from digest.deliver.letters import Reader, write_message
from digest.errors import IssueError, LeaseLostError, RenderError, UnsafeIssueError
from digest.frozen import choice_from_json, choice_to_json, window_from_json, window_to_json
from digest.model import Article, Choice, CountKind, Reason, ReasonCode, ViewCount, Window
from digest.proof import letterhead_of_issue, make_proof, open_bodies
from digest.publish import publish_draft
from digest.store.articles import exclude_article, list_decisions, pin_article
from digest.store.groups import list_variant_keys, make_variant_key
from digest.store.issues import get_issue_by_id, list_choices, list_variants
from digest.store.ledger import count_deliveries
from digest.variants import Printing
from editions import (
    BOOT,
    MONDAY,
    NOW,
    add_reader,
    claim,
    compose,
    make_article,
    open_edition,
    open_workspace,
    publish,
    render_again,
    save_news,
)

TEMPLATES = Path(__file__).parents[1] / "templates"
TEXT = st.text(max_size=30)
MOMENTS = st.datetimes(datetime(1990, 1, 1), datetime(2090, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
ARTICLES = st.builds(
    Article,
    id=TEXT,
    url=TEXT,
    title=TEXT,
    published_at=MOMENTS,
    subheads=st.lists(TEXT, max_size=3).map(tuple),
    image_width=st.none() | st.integers(1, 5000),
    section=TEXT,
)
CHOICES = st.builds(
    lambda article, **values: Choice(
        article=article,
        count=ViewCount(article_id=article.id, **values.pop("count")),
        **values,
    ),
    ARTICLES,
    count=st.fixed_dictionaries(
        {
            "views": st.integers(0, 10**12),
            "kind": st.sampled_from(CountKind),
            "since": st.none() | MOMENTS,
            "as_of": st.none() | MOMENTS,
        }
    ),
    rank=st.none() | st.integers(1, 10**6),
    position=st.none() | st.integers(1, 50),
    reasons=st.lists(
        st.builds(
            Reason,
            code=st.sampled_from(ReasonCode),
            facts=st.lists(st.tuples(TEXT, TEXT | st.integers()), max_size=3).map(tuple),
        ),
        max_size=4,
    ).map(tuple),
)


@given(CHOICES)
@settings(deadline=None, max_examples=60)
def test_a_choice_comes_back_from_json_as_it_was(choice):
    assert choice_from_json(json.loads(json.dumps(choice_to_json(choice)))) == choice


@given(MOMENTS, MOMENTS)
def test_a_window_comes_back_from_json_as_it_was(start, end):
    window = Window(start=start, end=end, timezone="Asia/Seoul")
    assert window_from_json(json.loads(json.dumps(window_to_json(window)))) == window


def test_an_issue_that_gmail_would_clip_in_spite_of_trimming_is_refused(app):
    own = app.settings.folder / "templates" / "weekly"
    own.mkdir(parents=True)
    filler = "<p>" + "길" * 30_000 + "</p>"
    changed = (
        '{% extends "packaged/weekly/digest.html" %}{% block figures %}<tr><td>' + filler + "</td></tr>{% endblock %}"
    )
    (own / "digest.html").write_text(changed, encoding="utf-8")
    with pytest.raises(UnsafeIssueError, match="SIZE-CLIP"):
        publish(app)
    assert app.database.value("SELECT count(*) FROM issue WHERE frozen_at IS NOT NULL") == 0


def test_the_lease_is_kept_while_each_group_is_rendered_and_checked(app):
    """Hundreds of groups take longer than a lease lasts."""
    kept = []
    lease, draft = claim(app), compose(app)
    publish_draft(app.database, lease, draft, app.workshop, boot=BOOT, now=NOW, keep_lease=lambda: kept.append(1))
    groups = len(list_variants(app.database, lease.issue_id))
    assert groups == 3
    assert len(kept) == 2 * groups


def test_groups_with_the_same_contents_are_rendered_once(app):
    """A reader who asks for the newsletter's own language gets the very rendering of those who ask for nothing."""
    add_reader(app, "korean", locale="ko")
    keys = list_variant_keys(app.database, "weekly")
    variants = {variant.key.key: variant for variant in Printing(compose(app), keys, app.workshop).variants()}
    assert variants['["ko",[]]'].rendering is variants['["",[]]'].rendering
    assert variants['["en",[]]'].rendering is not variants['["",[]]'].rendering


@pytest.fixture
def app(tmp_path):
    """A workspace with 40 articles of two sections and a few readers with wishes of their own."""
    with open_workspace(tmp_path, "limit = 4", "max_per_section = 3", site='secret_key = "hush"') as opened:
        save_news(opened, [make_article(n, section="economy" if n % 10 == 5 else "society") for n in range(1, 41)])
        add_reader(opened, "plain")
        add_reader(opened, "english", locale="en")
        add_reader(opened, "economist", sections=("economy",))
        add_reader(opened, "sportsman", sections=("sports",))
        yield opened


def variants_of(app, issue):
    return {variant.key: variant for variant in list_variants(app.database, issue.id)}


def assert_same_bytes(app, issue):
    bodies, variants = open_bodies(app.database, issue), variants_of(app, issue)
    assert variants
    for key, variant in variants.items():
        again = render_again(app, issue, key, variant.article_ids)
        assert again == bodies.rendering(key)
        assert (variant.subject, variant.preheader) == (again.subject, again.preheader)


def test_each_group_of_readers_has_its_rendering_and_a_group_without_articles_has_none(app):
    issue = publish(app)
    variants = variants_of(app, issue)
    assert set(variants) == {'["",[]]', '["en",[]]', '["",["economy"]]'}
    assert variants['["",[]]'].article_ids == ("1", "2", "3", "5")
    assert variants['["",["economy"]]'].article_ids == ("5", "15", "25")
    bodies = open_bodies(app.database, issue)
    assert "수신거부" in bodies.rendering('["",[]]').text
    assert "Unsubscribe" in bodies.rendering('["en",[]]').text
    assert sum(count_deliveries(app.database, issue.id).values()) == 3


def test_the_choices_are_kept_with_their_figures_and_reasons_also_those_only_some_readers_see(app):
    draft = compose(app)
    choices = list_choices(app.database, publish(app).id)
    kept = [choice_from_json(dict(choice.choice)) for choice in choices]
    assert tuple(choice for choice in kept if choice.is_shown) == draft.selection.shown
    passed_over = tuple(choice for choice in kept if not choice.is_shown)
    assert "25" not in {choice.article.id for choice in draft.selection.passed_over}
    assert passed_over[: len(draft.selection.passed_over)] == draft.selection.passed_over
    assert {"15", "25"} <= {choice.article_id for choice in choices}
    assert len({choice.article_id for choice in choices}) == len(choices)


def test_a_frozen_issue_renders_again_to_the_same_bytes(app):
    assert_same_bytes(app, publish(app))


def test_it_does_so_after_the_articles_the_decisions_and_the_settings_have_changed(app, tmp_path):
    issue = publish(app)
    changed = [make_article(n, title="바뀐 제목", image="https://hanbit.example/x.jpg") for n in range(1, 41)]
    save_news(app, changed, views=50)
    exclude_article(app.database, "weekly", "1", now=NOW)
    other = ("limit = 2", 'subject = "{count}"', 'locale = "en"', 'timezone = "Asia/Tokyo"')
    with open_workspace(tmp_path, *other, site='postal_address = "서울"') as later:
        assert_same_bytes(later, get_issue_by_id(later.database, issue.id))
        proof = make_proof(later.database, open_edition(later), later.workshop)
        assert proof.subject == variants_of(later, issue)['["",[]]'].subject


def test_an_issue_knows_the_template_it_was_rendered_with(app, tmp_path):
    """A copy that was not changed is the same template."""
    issue = publish(app)
    own = tmp_path / "templates" / "weekly"
    own.mkdir(parents=True)
    shutil.copy(TEMPLATES / "weekly" / "style.css", own / "style.css")
    with open_workspace(tmp_path) as same:
        assert same.workshop.templates.hash("weekly") == issue.frozen["template_hash"]
        assert_same_bytes(same, issue)
    (own / "style.css").write_text("h1 { color: #ff0000 }", encoding="utf-8")
    with open_workspace(tmp_path) as later:
        assert later.workshop.templates.hash("weekly") != issue.frozen["template_hash"]


def test_what_is_frozen_says_all_that_made_the_issue_and_no_secret(app):
    issue = publish(app)
    assert issue.frozen_at == NOW
    assert issue.frozen["window"] == {
        "start": "2026-02-22T15:00:00+00:00",
        "end": "2026-03-01T15:00:00+00:00",
        "timezone": "Asia/Seoul",
    }
    assert (issue.frozen["candidates"], issue.frozen["views_total"]) == (40, sum(1000 - n for n in range(40)))
    assert issue.frozen["newsletter"]["limit"] == 4
    assert issue.frozen["template_hash"] == app.workshop.templates.hash("weekly")
    assert "hush" not in json.dumps(issue.frozen)
    assert issue.frozen["nonce"] not in variants_of(app, issue)['["",[]]'].subject


def test_pins_are_used_up_by_the_issue_that_shows_them(app):
    """A fifth pin that the issue had no room for waits for the next one; exclusions stay."""
    for article_id in ("9", "8", "7", "6", "4"):
        pin_article(app.database, "weekly", article_id, position=None, now=NOW)
    exclude_article(app.database, "weekly", "1", now=NOW)
    issue = publish(app)
    assert variants_of(app, issue)['["",[]]'].article_ids == ("9", "8", "7", "6")
    decisions = list_decisions(app.database, "weekly")
    assert (decisions.pinned, decisions.excluded) == (("4",), {"1"})


def test_a_pinned_article_stays_a_pin_when_it_is_rendered_again(app):
    pin_article(app.database, "weekly", "9", position=None, now=NOW)
    issue = publish(app)
    assert "편집자 추천" in open_bodies(app.database, issue).rendering('["",[]]').text
    assert_same_bytes(app, issue)


def test_a_template_that_is_wrong_freezes_nothing_and_uses_nothing_up(app, tmp_path):
    pin_article(app.database, "weekly", "9", position=None, now=NOW)
    own = tmp_path / "templates" / "weekly"
    own.mkdir(parents=True)
    (own / "digest.txt").write_text("{{ lead.nothing }}", encoding="utf-8")
    lease = claim(app)
    with pytest.raises(RenderError, match=r"digest\.txt, line 1"):
        publish_draft(app.database, lease, compose(app), app.workshop, boot=BOOT, now=NOW)
    issue = get_issue_by_id(app.database, lease.issue_id)
    assert (issue.frozen_at, list_choices(app.database, issue.id), list_variants(app.database, issue.id)) == (
        None,
        (),
        (),
    )
    assert list_decisions(app.database, "weekly").pinned == ("9",)
    assert sum(count_deliveries(app.database, issue.id).values()) == 0


def test_an_issue_is_frozen_once_and_only_by_who_holds_it(app):
    lease = claim(app)
    lost = replace(lease, fence=lease.fence - 1)
    with pytest.raises(LeaseLostError):
        publish_draft(app.database, lost, compose(app), app.workshop, boot=BOOT, now=NOW)
    assert list_variants(app.database, lease.issue_id) == ()
    publish_draft(app.database, lease, compose(app), app.workshop, boot=BOOT, now=NOW)
    with pytest.raises(IssueError, match="frozen already"):
        publish_draft(app.database, lease, compose(app), app.workshop, boot=BOOT, now=NOW)
    assert sum(count_deliveries(app.database, lease.issue_id).values()) == 3


def test_the_preview_of_an_edition_shows_what_would_be_published_and_then_what_was(app):
    before = make_proof(app.database, open_edition(app), app.workshop)
    assert not before.is_frozen
    issue = publish(app)
    save_news(app, [make_article(n, title="바뀐 제목") for n in range(1, 41)], views=50)
    after = make_proof(app.database, open_edition(app), app.workshop)
    assert after.is_frozen
    assert (after.shown, after.passed_over[: len(before.passed_over)]) == (before.shown, before.passed_over)
    assert (after.subject, after.preheader) == (before.subject, before.preheader)
    assert (after.candidates, after.views_total) == (before.candidates, before.views_total)
    default = make_variant_key("", ()).key
    assert after.letterhead.bodies[default].html == before.letterhead.bodies[default].html
    assert (before.letterhead.issue_id, after.letterhead.issue_id) == (0, issue.id)


def test_a_proof_writes_nothing(app):
    pin_article(app.database, "weekly", "9", position=None, now=NOW)
    make_proof(app.database, open_edition(app), app.workshop)
    assert list_decisions(app.database, "weekly").pinned == ("9",)
    assert app.database.value("SELECT count(*) FROM issue") == 0


def test_every_message_of_an_issue_keeps_the_contract_and_is_always_the_same(app):
    issue = publish(app)
    letterhead = letterhead_of_issue(app.database, issue, app.key)
    reader = Reader(subscriber_id=1, address="kim@example.com", name="김하늘")
    for key in letterhead.bodies:
        message = write_message(letterhead, key, reader)
        assert check_mail(message.content) == ()
        again = letterhead_of_issue(app.database, get_issue_by_id(app.database, issue.id), app.key)
        assert write_message(again, key, reader).content == message.content


def test_an_issue_without_contents_has_no_messages(app):
    issue = get_issue_by_id(app.database, claim(app).issue_id)
    with pytest.raises(IssueError, match="weekly 2026-03-02 is sending and has no contents"):
        letterhead_of_issue(app.database, issue, app.key)


def test_a_later_edition_is_published_beside_the_first(app):
    first = publish(app)
    app.clock.moment = NOW + timedelta(weeks=1)
    save_news(app, [make_article(n) for n in range(170, 180)])
    second = publish(app, MONDAY + timedelta(weeks=1))
    assert second.frozen["nonce"] != first.frozen["nonce"]
    assert_same_bytes(app, first)
    assert_same_bytes(app, second)
