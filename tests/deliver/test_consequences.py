"""What follows from a server's answers: addresses that are gone leave the list, and a sender at fault stops."""

from datetime import timedelta
from threading import Event

import pytest

from digest.deliver import pace
from digest.model import DeliveryState, IssueState, SubscriberState
from digest.store.database import open_database
from digest.store.issues import get_issue, resume_issue
from digest.store.ledger import count_deliveries, list_deliveries
from digest.store.secrets import hash_address
from digest.store.subscribers import get_subscriber
from digest.testing import RecordingServer, ScriptedServer
from digest.tick import Observer, tick
from workspaces import (
    EDITION,
    SetClock,
    add_readers,
    fill_with_news,
    open_at,
    reader_address,
    settings_text,
    smtp_settings,
)

READERS = 40
OPERATOR = "ops@hanbit.example"


@pytest.fixture
def site(workspace):
    def make(server, *, readers=READERS, **delivery):
        file = workspace(settings_text(delivery=smtp_settings(server, connections=1, operator=OPERATOR, **delivery)))
        with open_database(file.with_name("digest.db")) as database:
            fill_with_news(database)
            add_readers(database, range(readers))
        return file

    return make


def send(file, clock):
    with open_at(file, clock) as app:
        return list(tick(app, app.settings.newsletter(None), stop=Event(), observer=Observer()))


def look(file, question):
    with open_database(file.with_name("digest.db")) as database:
        return question(database)


def counts(file):
    found = look(file, lambda database: count_deliveries(database, 1))
    return {str(state): count for state, count in found.items() if count}


def answer_by_recipient(answers):
    """A server that answers a whole message by the number of its reader."""
    by_address = {reader_address(number): reply for number, reply in answers.items()}
    return RecordingServer(answer=lambda message: by_address.get(message.rcpt_tos[0], "250 ok"))


def test_an_address_that_is_gone_for_good_is_never_mailed_again(site):
    """5xx: no such user. The person counts as bounced, and the address is suppressed in the same commit."""
    with answer_by_recipient({3: "550 5.1.1 <reader3> user unknown"}) as server:
        file = site(server)
        send(file, SetClock())
    with open_at(file, SetClock()) as app:
        gone = get_subscriber(app.database, reader_address(3))
        assert (gone.state, gone.left_at) == (SubscriberState.BOUNCED, SetClock().now())
        suppressed = app.database.rows("SELECT address_hash, reason FROM suppression")
        assert [tuple(row) for row in suppressed] == [(hash_address(app.key, reader_address(3)), "bounced")]
        assert get_subscriber(app.database, reader_address(4)).state is SubscriberState.ACTIVE


@pytest.mark.parametrize(
    "reply",
    [
        "550 5.7.1 blocked using a blocklist",
        "554 5.7.0 message looks like spam",
        "552 5.2.2 mailbox full",
        "452 4.2.2 mailbox full",
        "550 5.7.26 unauthenticated: SPF and DKIM did not pass",
        "451 4.7.1 user unknown for now, greylisted",
    ],
)
def test_nobody_is_suppressed_for_what_is_not_a_dead_address(site, reply):
    with answer_by_recipient({3: reply}) as server:
        file = site(server)
        send(file, SetClock())
    person = look(file, lambda database: get_subscriber(database, reader_address(3)))
    assert person.state is SubscriberState.ACTIVE
    assert look(file, lambda database: database.value("SELECT count(*) FROM suppression")) == 0


def test_an_issue_whose_replies_blame_the_sender_pauses_itself_and_tells_the_operator(site):
    def answer(message):
        to_operator = message.rcpt_tos == [OPERATOR]
        return "250 ok" if to_operator else "550 5.7.1 blocked: your address is listed at bl.example"

    clock = SetClock()
    with RecordingServer(answer=answer) as server:
        file = site(server)
        (report,) = send(file, clock)
        assert report.issue.state is IssueState.PAUSED
        assert "blame the sender" in report.issue.reason
        assert counts(file)["failed"] < READERS, "the rest must not be burnt"
        assert counts(file)["queued"] == READERS - counts(file)["failed"]
        (alarm,) = server.messages
        assert alarm.rcpt_tos == [OPERATOR]
        assert b"paused" in alarm.content
        clock.advance(hours=1)
        assert send(file, clock) == [], "it waits for a person"
    with RecordingServer() as healthy:
        file.write_text(settings_text(delivery=smtp_settings(healthy)), encoding="utf-8")
        deadline = clock.now() + timedelta(hours=36)
        look(file, lambda database: resume_issue(database, 1, deadline=deadline))
        waiting = counts(file)["queued"]
        assert send(file, clock)[0].issue.state is IssueState.SENT
        assert len(healthy.messages) == waiting


def test_a_few_blocked_messages_among_many_that_are_taken_stop_nothing(site):
    with answer_by_recipient(dict.fromkeys(range(0, READERS, 4), "550 5.7.1 blocked")) as server:
        file = site(server)
        assert send(file, SetClock())[0].issue.state is IssueState.SENT
    assert counts(file) == {"sent": READERS * 3 // 4, "failed": READERS // 4}


@pytest.mark.parametrize(
    "answer", ["550 5.1.1 User unknown", "553 5.1.0 hanbit.example does not exist", "550 mailbox is disabled", "550 no"]
)
def test_a_server_that_refuses_the_sender_costs_no_reader_their_place(site, answer):
    """It answers so to MAIL FROM, before it knows whom the message is for."""
    with ScriptedServer(script={"MAIL": [answer] * READERS}) as server:
        file = site(server)
        report = send(file, SetClock())[0]
    assert report.issue.state is IssueState.PAUSED
    assert "relay denied" in report.issue.reason
    states = look(file, lambda database: {row[0] for row in database.rows("SELECT state FROM subscriber")})
    suppressed = look(file, lambda database: database.rows("SELECT * FROM suppression"))
    assert (states, list(suppressed)) == ({"active"}, [])


@pytest.mark.slow
def test_a_message_that_is_put_off_twelve_times_has_failed(site):
    """A day and a half; the last answer is kept."""
    clock = SetClock()
    with answer_by_recipient({3: "451 4.3.0 not today"}) as server:
        file = site(server, catch_up_hours=168)
        tries = 0
        while look(file, lambda d: get_issue(d, "weekly", EDITION)) is None or counts(file).get("failed", 0) == 0:
            tries += len(send(file, clock))
            clock.advance(hours=4, minutes=5)
            assert tries < 20
    (row,) = look(file, lambda database: list_deliveries(database, 1, states=[DeliveryState.FAILED]))
    assert (tries, row.attempts) == (12, 12)
    assert "given up after 12 tries" in row.reply
    assert "4.3.0 not today" in row.reply
    assert timedelta(hours=24) < 12 * timedelta(hours=4) <= timedelta(hours=48)


def test_a_message_that_makes_the_server_hang_up_every_time_is_put_off_in_the_end(site, monkeypatch):
    """It would come back for ever, and keep all others waiting."""
    monkeypatch.setattr(pace, "LONGEST_WAIT_SECONDS", 0.01)
    with ScriptedServer({"RCPT": ["421 4.3.2 closing"] * 5}) as server:
        file = site(server, readers=1)
        (report,) = send(file, SetClock())
    assert report.issue.state is IssueState.SENDING
    assert counts(file) == {"deferred": 1}
    (row,) = look(file, lambda database: list_deliveries(database, 1, states=[DeliveryState.DEFERRED]))
    assert "4.3.2 closing" in row.reply
