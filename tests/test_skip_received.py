"""With `skip_received` nobody is sent an article twice: the next ones of their sections come up in its place."""

import pytest

from digest.deliver.letters import slot_values
from digest.proof import make_proof, open_bodies
from digest.store.groups import VariantKey
from digest.store.histories import received_by
from digest.store.subscribers import get_subscriber
from digest.variants import WORST_READER
from editions import (
    add_reader,
    make_article,
    open_edition,
    open_workspace,
    publish,
    save_news,
    sent_before,
    use_template_without_tags,
)


@pytest.fixture
def app(tmp_path):
    with open_workspace(
        tmp_path, "limit = 3", "skip_received = true", 'candidates = "viewed"', 'window = "7d"'
    ) as opened:
        save_news(opened, [make_article(n, section="economy" if n % 2 else "society") for n in range(1, 13)])
        for name in ("old", "new", "english", "economist"):
            add_reader(
                opened,
                name,
                locale="en" if name == "english" else "",
                sections=("economy",) if name == "economist" else (),
            )
        yield opened


def articles_by_reader(app, issue):
    rows = app.database.rows(
        "SELECT address, variant FROM delivery JOIN subscriber ON subscriber.id = subscriber_id WHERE issue_id = ?",
        (issue.id,),
    )
    text = {
        row["address"].partition("@")[0]: open_bodies(app.database, issue).rendering(row["variant"]).text
        for row in rows
    }
    return {
        name: [line.rpartition("/")[2] for line in body.splitlines() if "/articles/" in line]
        for name, body in text.items()
    }


def test_what_a_reader_had_is_left_out_and_the_next_come_up(app):
    sent_before(app, "old", "1", "3")
    sent_before(app, "economist", "1", "7", state="uncertain", edition="2026-02-24")
    sent_before(app, "english", "2", state="failed", edition="2026-02-25")
    assert articles_by_reader(app, publish(app)) == {
        "old": ["2", "4", "5"],
        "new": ["1", "2", "3"],
        "english": ["1", "2", "3"],
        "economist": ["3", "5", "9"],
    }


def test_readers_with_the_same_history_share_one_selection_and_need_no_row(app):
    sent_before(app, "old", "1")
    sent_before(app, "new", "1", edition="2026-02-24")
    issue = publish(app)
    rows = app.database.rows("SELECT variant FROM delivery WHERE issue_id = ? ORDER BY subscriber_id", (issue.id,))
    keys = [VariantKey.parse(row["variant"]) for row in rows]
    assert keys[0] == keys[1]
    assert keys[0].articles
    assert keys[0].group.key == '["",[]]'
    assert app.database.value("SELECT count(*) FROM issue_variant WHERE issue_id = ?", (issue.id,)) == 3


def test_the_page_holds_what_comes_up_far_down(tmp_path):
    """Beyond the runners-up that an issue keeps for its own sake."""
    with open_workspace(tmp_path, "limit = 2", "skip_received = true", 'candidates = "viewed"') as app:
        save_news(app, [make_article(n) for n in range(1, 41)])
        add_reader(app, "old")
        sent_before(app, "old", *map(str, range(1, 38)))
        assert articles_by_reader(app, publish(app)) == {"old": ["38", "39"]}


def test_a_reader_for_whom_nothing_is_left_gets_no_mail(app):
    sent_before(app, "economist", "1", "3", "5", "7", "9", "11")
    assert set(articles_by_reader(app, publish(app))) == {"old", "new", "english"}


def test_a_reader_who_had_nothing_gets_what_the_group_gets(app):
    issue = publish(app)
    rows = app.database.rows("SELECT DISTINCT variant FROM delivery WHERE issue_id = ?", (issue.id,))
    assert {row["variant"] for row in rows} == {'["",[]]', '["en",[]]', '["",["economy"]]'}


def test_a_template_without_tags_is_rendered_for_each_history(app):
    use_template_without_tags(app)
    sent_before(app, "old", "1", "3")
    issue = publish(app)
    assert app.database.value("SELECT count(*) FROM issue_page") == 0
    assert articles_by_reader(app, issue)["old"] == ["2", "4", "5"]


def test_without_the_setting_nothing_changes(app, tmp_path):
    sent_before(app, "old", "1", "3")
    with open_workspace(tmp_path, "limit = 3", 'candidates = "viewed"') as plain:
        assert articles_by_reader(plain, publish(plain))["old"] == ["1", "2", "3"]


def test_what_one_reader_was_sent_is_known(app):
    sent_before(app, "old", "1", "3")
    assert received_by(app.database, 1, issues=4) == {"1", "3"}
    assert received_by(app.database, 1, issues=0) == frozenset()


def test_a_proof_shows_a_reader_what_they_would_get_and_then_what_they_got(app):
    sent_before(app, "old", "1", "3")
    reader = get_subscriber(app.database, "old@example.com")
    for for_everyone in (True, False):
        before = make_proof(app.database, open_edition(app), app.workshop, reader=reader, for_everyone=for_everyone)
        assert [choice.article.id for choice in before.shown] == ["2", "4", "5"]
    publish(app)
    after = make_proof(app.database, open_edition(app), app.workshop, reader=reader)
    assert [(c.article, c.position) for c in after.shown] == [(c.article, c.position) for c in before.shown]
    assert (after.preheader, after.subject) == (before.preheader, before.subject)
    values = slot_values(after.letterhead, WORST_READER)
    frozen, drawn = (proof.letterhead.bodies[proof.variant] for proof in (after, before))
    assert (frozen.html.fill(values), frozen.text.fill(values)) == (drawn.html.fill(values), drawn.text.fill(values))
