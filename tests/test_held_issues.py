"""An error of the contract stops an issue before anyone is mailed, says so, and can be overridden on the record."""

import logging
from email import message_from_bytes, policy
from threading import Event

import pytest

from command_line import digest
from digest.model import IssueState
from digest.schedule import occurrence_on
from digest.store.issues import get_issue, list_choices
from digest.store.ledger import count_deliveries
from digest.tick import Observer, begin_edition, tick
from editions import MONDAY, add_reader, make_article, open_workspace, save_news

UNSAFE = """{% extends "packaged/weekly/digest.html" %}
{% block footer %}{{ super() }}<img src="http://a.example/x.webp" alt="" width="1" height="1">{% endblock %}"""


@pytest.fixture
def workspace(tmp_path):
    """One whose template shows a picture that clients block; delivery is into a Maildir."""
    own = tmp_path / "templates" / "weekly"
    own.mkdir(parents=True)
    (own / "digest.html").write_text(UNSAFE, encoding="utf-8")
    with open_workspace(tmp_path, '[delivery]\noperator = "ops@hanbit.example"') as app:
        save_news(app, [make_article(n) for n in range(1, 6)])
        add_reader(app, "kim")
        yield app


def delivered(app):
    folder = app.settings.folder / "outbox" / "new"
    files = sorted(folder.iterdir()) if folder.is_dir() else []
    return [message_from_bytes(file.read_bytes(), policy=policy.default) for file in files]


def run_tick(app):
    return list(tick(app, app.settings.newsletter(None), stop=Event(), observer=Observer()))


def test_a_scheduled_issue_with_an_error_is_held_before_anyone_is_mailed(workspace, caplog):
    with caplog.at_level(logging.ERROR, logger="digest"):
        (report,) = run_tick(workspace)
    assert report.issue.state is IssueState.HELD
    assert "IMG-SRC" in report.issue.reason
    assert report.issue.frozen_at is None
    assert not any(report.counts.values())
    assert "weekly 2026-03-02 is held, nobody was mailed" in caplog.text


def test_the_operator_is_told_by_mail_once(workspace):
    run_tick(workspace)
    run_tick(workspace)
    (told,) = delivered(workspace)
    assert told["To"] == "ops@hanbit.example"
    assert told["Subject"] == "[digest] weekly 2026-03-02 is held"
    assert "IMG-SRC" in told.get_content()
    assert "--force-unsafe" in told.get_content()


def test_later_ticks_leave_a_held_issue_alone(workspace):
    run_tick(workspace)
    assert run_tick(workspace) == []


def begin(app, **options):
    newsletter = app.settings.newsletter(None)
    occurrence = occurrence_on(newsletter.due, MONDAY, app.settings.timezone_of(newsletter))
    return begin_edition(app, newsletter, occurrence, origin="manual", stop=Event(), observer=Observer(), **options)


def test_a_forced_issue_is_sent_and_keeps_what_was_overridden(workspace):
    report = begin(workspace, force_unsafe=True)
    assert report.issue.state is IssueState.SENT
    assert any(line.startswith("IMG-SRC: ") for line in report.issue.frozen["overridden"])
    assert [message["To"] for message in delivered(workspace)] == ["kim <kim@example.com>"]


def test_a_mended_issue_is_sent_by_hand(workspace):
    run_tick(workspace)
    folder = workspace.settings.folder
    (folder / "templates" / "weekly" / "digest.html").unlink()
    sent = digest("send", "--date", MONDAY, "--yes", config=workspace.settings.file)
    assert sent.code == 0, sent.err
    issue = get_issue(workspace.database, "weekly", MONDAY)
    assert (issue.state, issue.reason, issue.frozen["overridden"]) == (IssueState.SENT, "", [])


def test_show_tells_why_and_send_says_how_to_go_on(workspace):
    sent = digest("send", "--date", MONDAY, "--yes", config=workspace.settings.file)
    assert sent.code == 1
    assert "is held, nobody was mailed" in sent.err
    shown = digest("issues", "show", MONDAY, config=workspace.settings.file)
    assert "is held: " in shown.out
    assert "IMG-SRC" in shown.out
    assert "--force-unsafe" in shown.out
    forced = digest("send", "--date", MONDAY, "--yes", "--force-unsafe", config=workspace.settings.file)
    assert forced.code == 0, forced.err
    shown = digest("issues", "show", MONDAY, "--json", config=workspace.settings.file).json
    assert shown["state"] == "sent"
    assert shown["frozen"]["overridden"]


def test_a_mail_over_the_budget_loses_excerpts_then_articles_and_is_sent(tmp_path):
    """Fifty articles with the longest titles do not fit into what Gmail shows."""
    with open_workspace(tmp_path, "limit = 50", "template = 'weekly'") as app:
        url = "https://hanbit.example/" + "a" * 800 + "/"
        save_news(app, [make_article(n, url=f"{url}{n}", title="길" * 100, excerpt="글" * 300) for n in range(1, 51)])
        add_reader(app, "kim")
        (report,) = run_tick(app)
        assert report.issue.state is IssueState.SENT
        choices = list_choices(app.database, report.issue.id)
        shown = [choice for choice in choices if choice.position is not None]
        assert 10 < len(shown) < 50
        dropped = [c for c in choices if any(r["code"] == "too_long" for r in c.choice["reasons"])]
        assert len(dropped) == 50 - len(shown)
        (message,) = delivered(app)
        html = message.get_body(("html",))
        assert len(html.get_payload()) < 100_000
        assert report.issue.frozen["excerpt_shares"] == {'["",[]]': 0.0}
        assert count_deliveries(app.database, report.issue.id)["sent"] == 1
