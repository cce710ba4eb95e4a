"""A proof shows what would be sent, or what was; a dry run writes every message; neither changes anything."""

import re
from datetime import timedelta
from threading import Event

import pytest

from digest.app import open_app
from digest.deliver.letters import write_message
from digest.dry_run import rehearse
from digest.errors import IssueError, SettingsError, StoreError
from digest.mail.links import read_link
from digest.model import IssueState
from digest.proof import choose_reader, make_proof, open_bodies
from digest.store.articles import get_articles, save_articles
from digest.store.issues import get_issue, list_variants
from digest.store.subscribers import get_subscriber
from digest.tick import Observer, tick
from editions import render_again
from workspaces import (
    EDITION,
    NOW,
    SetClock,
    add_readers,
    fill_with_news,
    make_article,
    open_at,
    reader_address,
    settings_text,
)


@pytest.fixture
def app(workspace):
    """An open workspace with five articles of one section, one of another, and three kinds of readers."""
    with open_at(workspace(settings_text({"min_articles": 3})), SetClock()) as opened:
        fill_with_news(opened.database)
        with opened.database.transaction():
            life = make_article(6, section="life", section_name="생활")
            save_articles(opened.database, [life], read_at=NOW)
        add_readers(opened.database, [0, 1])
        add_readers(opened.database, [2], locale="en", sections=("life",))
        add_readers(opened.database, [3], sections=("nothing",))
        yield opened


def prove(app, number=None):
    edition, _ = app.open_edition(app.settings.newsletter(None), EDITION)
    reader = None if number is None else get_subscriber(app.database, reader_address(number))
    proof = make_proof(app.database, edition, app.workshop, reader=reader)
    return proof, write_message(proof.letterhead, proof.variant, choose_reader(proof, reader))


def everything(app):
    tables = [row["name"] for row in app.database.rows("SELECT name FROM sqlite_master WHERE type = 'table'")]
    return {name: [tuple(row) for row in app.database.rows(f"SELECT * FROM {name}")] for name in tables}


def send(app):
    (report,) = tick(app, app.settings.newsletter(None), stop=Event(), observer=Observer())
    assert report.issue.state is IssueState.SENT


def test_a_proof_and_a_dry_run_change_nothing(app):
    assert app.key  # made once, when it is first asked for
    before = everything(app)
    prove(app, 0)
    edition, _ = app.open_edition(app.settings.newsletter(None), EDITION)
    written = []
    rehearsal = rehearse(app.database, edition, app.workshop, on_message=lambda: written.append(1))
    assert everything(app) == before
    assert not (app.settings.folder / "outbox").exists()
    assert (rehearsal.recipients, len(written), rehearsal.without_articles) == (3, 3, 1)
    assert rehearsal.total_bytes > 2 * rehearsal.largest_message


def test_a_proof_for_nobody_goes_to_the_sender_and_its_links_act_for_nobody(app):
    proof, message = prove(app)
    assert message.envelope.recipient == "news@hanbit.example"
    (token,) = re.findall(rb"List-Unsubscribe: <https://[^>]*/([^/>]+)>", message.content)
    link = read_link(app.key, token.decode())
    assert (link.subscriber_id, link.issue_id) == (0, 0)
    assert not proof.is_frozen
    assert len(proof.shown) == 6


def test_a_proof_for_a_reader_is_in_their_language_and_sections(app):
    proof, message = prove(app, 2)
    assert message.envelope.recipient == reader_address(2)
    assert set(proof.letterhead.bodies) == {'["",[]]', '["en",["life"]]'}
    assert {choice.article.section for choice in proof.shown} == {"life"}
    assert [choice.position for choice in proof.shown] == list(range(1, len(proof.shown) + 1))
    send(app)
    frozen, again = prove(app, 2)
    assert (frozen.is_frozen, frozen.shown) == (True, proof.shown)
    assert again.envelope == message.envelope
    with pytest.raises(IssueError, match="nothing for readers who want the sections: nothing;"):
        prove(app, 3)


def test_what_was_sent_is_shown_as_it_was_though_articles_changed(app):
    before, _ = prove(app, 0)
    send(app)
    with app.database.transaction():
        changed = [make_article(number, title="고친 제목") for number in range(1, 6)]
        save_articles(app.database, changed, read_at=NOW)
    after, _ = prove(app, 0)
    assert after.is_frozen
    assert [choice.article for choice in after.shown] == [choice.article for choice in before.shown]
    assert after.subject == before.subject
    assert get_articles(app.database, ["1"])["1"].title == "고친 제목"


def test_a_frozen_issue_renders_to_the_same_bytes_again(app):
    send(app)
    issue = get_issue(app.database, "weekly", EDITION)
    variants = list_variants(app.database, issue.id)
    assert len(variants) == 2
    for variant in variants:
        again = render_again(app, issue, variant.key, variant.article_ids)
        assert again == open_bodies(app.database, issue).rendering(variant.key)


def test_a_shortage_is_a_note_and_nothing_at_all_an_error(app):
    app.database.execute("DELETE FROM article WHERE id > '2'")
    proof, _ = prove(app)
    assert proof.notes == ("would be skipped: 2 articles to show, min_articles is 3",)
    app.database.execute("DELETE FROM article")
    with pytest.raises(IssueError, match=r"weekly 2026-03-02 has nothing to show: 0 candidates published from"):
        prove(app)


def test_the_edition_of_today_is_the_default_and_then_the_next(app):
    newsletter = app.settings.newsletter(None)
    assert app.default_edition(newsletter) == EDITION
    app.clock.advance(days=1)
    assert app.default_edition(newsletter) == EDITION + timedelta(days=7)
    assert app.today(newsletter) == EDITION + timedelta(days=1)


def test_the_key_is_made_once_or_configured(app, monkeypatch):
    with open_app(app.settings.file) as again:
        assert again.key == app.key
        assert len(again.key) == 32
    monkeypatch.setenv("DIGEST_SITE_SECRET_KEY", "our own")
    with open_app(app.settings.file) as configured:
        assert configured.key == b"our own"


def test_a_workspace_without_its_database_or_settings_is_said(workspace):
    file = workspace()
    file.with_name("digest.db").unlink()
    with pytest.raises(StoreError, match=re.escape("digest.db is not there; `digest init` makes")), open_app(file):
        pytest.fail("opened")
    file.write_text("", encoding="utf-8")
    with pytest.raises(SettingsError, match="site is missing; it is required"), open_app(file):
        pytest.fail("opened")
