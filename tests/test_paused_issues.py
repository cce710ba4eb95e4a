"""An issue that pauses by itself is told to the operator, with what to do about it."""

import logging
from dataclasses import replace
from email import message_from_bytes, policy

import pytest

from digest.alarm import report_paused
from digest.deliver.fault_watch import ENOUGH, FaultWatch
from digest.deliver.transport import Outcome
from digest.model import DeliveryState
from digest.replies.classify import classify
from digest.replies.kinds import CONSEQUENCES, ReplyKind
from digest.store.issues import get_issue_by_id
from editions import add_reader, make_article, open_workspace, publish, save_news

REPLY = "5.7.1 <kim@example.com>: Client host [192.0.2.1] blocked using a list"


@pytest.fixture
def workspace(tmp_path):
    with open_workspace(tmp_path, '[delivery]\noperator = "ops@hanbit.example"') as app:
        save_news(app, [make_article(n) for n in range(1, 6)])
        add_reader(app, "kim")
        publish(app)
        yield app


def paused(app):
    """The issue as it stands once its replies blamed the sender."""
    watch = FaultWatch()
    for _ in range(ENOUGH):
        outcome = Outcome(state=DeliveryState.FAILED, code=554, reply=REPLY)
        watch.note(classify(outcome), outcome, "kim@example.com")
    return replace(get_issue_by_id(app.database, 1), reason=watch.verdict())


def test_the_operator_reads_what_happened_and_what_to_do(workspace, caplog):
    with caplog.at_level(logging.ERROR, logger="digest"):
        report_paused(workspace, workspace.settings.newsletter(None), paused(workspace))
    (file,) = (workspace.settings.folder / "outbox" / "new").iterdir()
    told = message_from_bytes(file.read_bytes(), policy=policy.default)
    text = told.get_content().replace("\r\n", "\n")
    assert (told["To"], told["Subject"]) == ("ops@hanbit.example", "[digest] weekly 2026-03-02 has paused")
    assert "20 of the last 20 replies blame the sender: 20 blocked (554 5.7.1 <k***@example.com>: Client host" in text
    assert f"- blocked: {CONSEQUENCES[ReplyKind.BLOCKED].advice}\n" in text
    assert "- spam" not in text
    assert "Deliveries: 1 queued\n" in text
    for command in ("show", "resume", "cancel"):
        assert f"digest issues {command} 2026-03-02 --newsletter weekly\n" in text
    assert "kim@" not in text
    assert "weekly 2026-03-02 has paused: 20 of the last 20 replies" in caplog.text


def test_without_an_operator_the_log_tells(tmp_path, caplog):
    with open_workspace(tmp_path) as app:
        save_news(app, [make_article(n) for n in range(1, 6)])
        add_reader(app, "kim")
        publish(app)
        with caplog.at_level(logging.ERROR, logger="digest"):
            report_paused(app, app.settings.newsletter(None), paused(app))
        assert not (app.settings.folder / "outbox").exists()
    assert "has paused" in caplog.text
