"""Rounds through a mailbox: a transaction a message, put away only afterwards, and nothing keeps the rest waiting."""

import logging
import signal
import subprocess
import sys
import time
from collections import Counter
from email import message_from_bytes

import pytest

from command_line import environment
from digest.alarm import REFUSALS_AGAIN, report_refusals
from digest.errors import DatabaseLockedError, MailboxError
from digest.mailbox.mailbox import Letter
from digest.mailbox.open_mailbox import open_mailbox
from digest.returns import intake
from digest.returns.intake import count_deeds, take_in
from digest.returns.polling import Polling
from digest.store.database import open_database
from digest.store.returns import Position, get_position
from digest.testing import RecordingServer
from returned_mail import OTHER, READER, bounce, dump, leaving, mark_of, open_site, send_issue, state_of
from workspaces import smtp_settings


@pytest.fixture
def box(tmp_path):
    for name in ("new", "cur", "tmp"):
        (tmp_path / "site" / "returned" / name).mkdir(parents=True)
    return tmp_path / "site" / "returned"


@pytest.fixture
def app(tmp_path, box):
    with open_site(tmp_path / "site", 'type = "maildir"\npath = "returned"') as opened:
        send_issue(opened)
        yield opened


def deliver(box, *messages):
    for number, message in enumerate(messages, len(list(box.rglob("*.m*")))):
        (box / "new" / f"{number}.m").write_bytes(message)


def waiting(box):
    return len(list((box / "new").iterdir()))


def round_through(app, **options):
    with open_mailbox(app.settings.inbound, app.settings.folder) as mailbox:
        return sum((count_deeds(each) for each in take_in(app, mailbox, **options)), Counter())


def test_each_message_is_acted_upon_and_put_away(app, box):
    deliver(box, bounce(mark=mark_of(app, 1)), leaving(sender=OTHER), b"Subject: hello\n\nI like it.\n")
    assert round_through(app) == {"bounced": 1, "unsubscribed": 1, "nothing": 1}
    assert waiting(box) == 0
    assert (state_of(app), state_of(app, OTHER)) == ("bounced", "unsubscribed")


def test_a_dry_run_says_what_would_follow_and_changes_nothing(app, box):
    deliver(box, bounce(mark=mark_of(app, 1)))
    before = dump(app)
    for _ in range(2):
        assert round_through(app, dry_run=True) == {"bounced": 1}
    assert (dump(app), waiting(box)) == (before, 1)


def test_a_message_that_cannot_be_handled_is_passed_over_with_its_reason_in_the_log(app, box, monkeypatch, caplog):
    """It stays where it is, and what was begun for it is taken back."""
    deliver(box, bounce(mark=mark_of(app, 1)), leaving(sender=OTHER))
    act = intake.act_on

    def fail_on_the_first(app, message):
        acts = act(app, message)
        if message.marks:
            raise ArithmeticError("a mistake of ours")
        return acts

    monkeypatch.setattr(intake, "act_on", fail_on_the_first)
    assert round_through(app) == {"passed over": 1, "unsubscribed": 1}
    assert (waiting(box), state_of(app)) == (1, "active")
    assert "a mistake of ours" in caplog.text
    monkeypatch.undo()
    assert round_through(app) == {"bounced": 1}


def test_a_locked_database_ends_the_round_and_the_message_comes_again(app, box, monkeypatch):
    deliver(box, bounce(mark=mark_of(app, 1)))
    app.database.execute("PRAGMA busy_timeout=20")
    with open_database(app.database.path) as other, other.transaction(), pytest.raises(DatabaseLockedError):
        round_through(app)
    assert waiting(box) == 1
    assert round_through(app) == {"bounced": 1}


def test_a_round_ends_when_it_is_asked_to(app, box):
    deliver(box, *(leaving(number=n) for n in range(5)))
    answers = iter([False, False, True])
    assert sum(round_through(app, is_stopped=lambda: next(answers)).values()) == 2
    assert waiting(box) == 3


class Forgetful:
    """A mailbox that remembers nothing itself."""

    name = "test"

    def __init__(self, *messages):
        self.messages = messages
        self.asked_from = []

    def letters(self, position):
        self.asked_from.append(position and position.last)
        for number, content in enumerate(self.messages, 1):
            place = Position(mailbox=self.name, validity=1, last=number)
            yield Letter(name=str(number), content=content, position=place, problem="" if content else "damaged")

    def settle(self, letter):
        raise MailboxError("the server is gone")


def test_how_far_a_mailbox_was_read_is_kept_with_what_followed(app):
    """In one commit: what fails afterwards makes nothing of it undone."""
    mailbox = Forgetful(b"", leaving(), leaving(sender=OTHER, number=2))
    with pytest.raises(MailboxError):
        list(take_in(app, mailbox))
    assert (get_position(app.database, "test").last, state_of(app)) == (2, "unsubscribed")
    with pytest.raises(MailboxError):
        list(take_in(app, mailbox))
    assert mailbox.asked_from == [None, 2]


_DYING = """
import os, signal, sys
from pathlib import Path
from digest.app import open_app
from digest.mailbox.maildir import MaildirMailbox
from digest.returns.intake import take_in

class Dying(MaildirMailbox):
    def settle(self, letter):
        os.kill(os.getpid(), signal.SIGKILL)

with open_app(Path(sys.argv[1])) as app:
    list(take_in(app, Dying(Path(sys.argv[2]), after="delete")))
"""


def test_kill_9_between_the_commit_and_the_marking_changes_nothing_the_next_time(app, box):
    deliver(box, bounce("soft", mark=mark_of(app, 1)))
    command = [sys.executable, "-c", _DYING, app.settings.file, box]
    assert subprocess.run(command, env=environment(), check=False).returncode == -signal.SIGKILL
    assert (waiting(box), app.database.value("SELECT soft_bounces FROM subscriber")) == (1, 1)
    before = dump(app)
    assert round_through(app) == {"acted upon before": 1}
    assert (waiting(box), dump(app)) == (0, before)


# By the service


def test_the_service_reads_the_mailbox_every_so_many_minutes(app, box, monkeypatch, caplog):
    caplog.set_level(logging.INFO, "digest")
    deliver(box, bounce(mark=mark_of(app, 1)))
    polling, moments = Polling(app.settings.file, is_stopped=lambda: False), [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: moments[0])
    polling.look()
    assert "returned mail: 1 bounced" in caplog.text
    deliver(box, leaving(sender=OTHER))
    moments[0] += 60
    polling.look()
    assert waiting(box) == 1
    moments[0] += 240
    polling.look()
    assert waiting(box) == 0


def test_a_mailbox_that_cannot_be_read_is_logged_and_tried_again(app, box, caplog, monkeypatch):
    for name in ("new", "cur", "tmp"):
        (box / name).rmdir()
    polling = Polling(app.settings.file, is_stopped=lambda: False)
    polling.look()
    assert "no Maildir that can be used" in caplog.text
    app.settings.file.write_text("no settings")
    polling.look()
    assert "digest.toml cannot be read" in caplog.text


# Telling the operator


@pytest.fixture
def mail():
    with RecordingServer() as server:
        yield server


def test_refusals_for_the_senders_sake_are_told_by_mail_once_a_day(tmp_path, mail, caplog):
    delivery = smtp_settings(mail, operator="ops@hanbit.example")
    with open_site(tmp_path / "site", delivery=delivery, readers=3) as app:
        issue = send_issue(app)
        report_refusals(app)
        assert not mail.messages
        box = Forgetful(*(bounce("blocked", mark=mark_of(app, issue), number=n) for n in range(3)))
        box.settle = lambda letter: None
        list(take_in(app, box))
        for _ in range(3):
            report_refusals(app)
        (told,) = mail.messages
        words = message_from_bytes(told.content).get_payload(decode=True).decode()
        assert "3 × blocked: 554 5.7.1 Your IP address is on a blocklist" in words
        assert "Follow the link in the reply" in words
        app.clock.advance(seconds=REFUSALS_AGAIN.total_seconds())
        report_refusals(app)
        assert len(mail.messages) == 1, "there is no news"
        box.messages = (bounce("blocked", mark=mark_of(app, issue), number=9),)
        list(take_in(app, box))
        report_refusals(app)
        assert len(mail.messages) == 2


def test_a_bounce_of_the_mail_to_the_operator_brings_no_other_one(tmp_path, mail):
    """It carries no mark, so it is about nobody: no loop."""
    delivery = smtp_settings(mail, operator=READER)
    with open_site(tmp_path / "site", delivery=delivery) as app:
        box = Forgetful(bounce("blocked", mark=mark_of(app, send_issue(app), OTHER), recipient=OTHER))
        box.settle = lambda letter: None
        list(take_in(app, box))
        report_refusals(app)
        told = message_from_bytes(mail.messages[0].content)
        assert told["Auto-Submitted"] == "auto-generated"
        returned = bounce("blocked", message_id=told["Message-ID"], recipient=READER, number=7)
        box.messages = (returned,)
        ((act,),) = [each.acts for each in take_in(app, box)]
        assert str(act.deed) == "not proven"
        app.clock.advance(days=2)
        report_refusals(app)
        assert len(mail.messages) == 1
