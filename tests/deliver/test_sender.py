"""A ledger is walked over a real mail server, and whatever happens on the way is written down as it was."""

import email
import email.policy
import sqlite3
import threading
import time
from collections import Counter
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from threading import Event

import pytest

from digest.deliver import crew, journal
from digest.deliver.letters import Reader, write_message
from digest.deliver.press import address_letterhead
from digest.errors import StoreError, TransportError
from digest.mail.links import Purpose, SignedLink, read_link
from digest.model import DeliveryState, IssueState, SubscriberState
from digest.proof import letterhead_of_issue
from digest.schedule import occurrence_on
from digest.store import database as database_module
from digest.store.database import open_database
from digest.store.issues import get_issue, pause_issue, resume_issue
from digest.store.leases import claim_issue
from digest.store.ledger import count_deliveries, list_deliveries
from digest.store.subscribers import Profile, change_subscriber, take_out
from digest.store.uncertain import reopen_issue, resolve_uncertain
from digest.testing import Fault, RecordingServer, ScriptedServer
from digest.tick import Observer, tick
from workspaces import (
    BOOT,
    EDITION,
    NOW,
    SetClock,
    add_readers,
    fill_with_news,
    open_at,
    reader_address,
    settings_text,
    smtp_settings,
)

READERS = 12
IN_FLIGHT = 6
"""Of three connections each may have a message recorded and the next on the wire in one commit."""
FIRST_DELAY = (timedelta(minutes=16), timedelta(minutes=24))


class House:
    """A workspace whose readers are mailed through a server, on a clock that can be set."""

    def __init__(self, settings_file: Path) -> None:
        self.settings_file = settings_file
        self.clock = SetClock()
        self.stop = Event()
        self.results = Counter()

    def send(self, on_result=lambda _: None):
        """One tick; returns what it reports."""

        def count(results):
            for result in results:
                self.results[result.state] += 1
                on_result(result)

        with open_at(self.settings_file, self.clock) as app:
            observer = Observer(on_results=count)
            return list(tick(app, app.settings.newsletter(None), stop=self.stop, observer=observer))

    @contextmanager
    def database(self):
        """A connection of its own, as another command has."""
        with open_database(self.settings_file.with_name("digest.db")) as opened:
            yield opened

    def issue(self):
        with self.database() as database:
            return get_issue(database, "weekly", EDITION)

    def counts(self):
        with self.database() as database:
            return {str(state): count for state, count in count_deliveries(database, 1).items() if count}

    def rows(self, *states):
        with self.database() as database:
            return list_deliveries(database, 1, states=states)


@pytest.fixture
def make_house(workspace):
    def make(server, *, readers=READERS, connections=3, **delivery) -> House:
        delivery = smtp_settings(server, connections=connections, **delivery)
        file = workspace(settings_text(delivery=delivery))
        with open_database(file.with_name("digest.db")) as database:
            fill_with_news(database)
            add_readers(database, range(readers))
        return House(file)

    return make


def recipients(server):
    return sorted(message.rcpt_tos[0] for message in server.messages)


def everybody(readers=READERS):
    return [reader_address(number) for number in range(readers)]


def is_for(number):
    return lambda message: message.rcpt_tos == [reader_address(number)]


def test_each_reader_gets_one_message_of_their_own(make_house):
    with RecordingServer() as server:
        house = make_house(server)
        reports = house.send()
        assert [report.issue.state for report in reports] == [IssueState.SENT]
        assert house.send() == []
    assert recipients(server) == everybody()
    assert house.results == {DeliveryState.SENT: READERS}
    with open_at(house.settings_file, house.clock) as app:
        key, readers = app.key, {row.address: row.subscriber_id for row in house.rows(DeliveryState.SENT)}
    ids = set()
    for received in server.messages:
        message = email.message_from_bytes(received.content, policy=email.policy.default)
        address = received.rcpt_tos[0]
        assert message["To"].addresses[0].addr_spec == address
        assert received.mail_from == "news@hanbit.example"
        token = message["List-Unsubscribe"].strip("<>").rpartition("/")[2]
        assert read_link(key, token) == SignedLink(
            purpose=Purpose.UNSUBSCRIBE, subscriber_id=readers[address], issue_id=1
        )
        html = message.get_body(("html",)).get_content()
        assert token in html
        assert token in message.get_body(("plain",)).get_content()
        ids.add(message["Message-ID"])
    assert len(ids) == READERS


def test_the_same_reader_would_get_the_same_bytes_again(make_house):
    """A server's log can tell what became of a message, and a resend is known as such by its Message-ID."""
    with RecordingServer() as server:
        house = make_house(server)
        house.send()
    house.clock.advance(days=1)
    received = {message.rcpt_tos[0]: message.content for message in server.messages}
    with open_at(house.settings_file, house.clock, seed=2) as app:
        frozen = letterhead_of_issue(app.database, house.issue(), app.key)
        letterhead = address_letterhead(frozen, app.settings.delivery, is_automatic=True)
        for row in house.rows(DeliveryState.SENT):
            number = int(row.address[6:11])
            reader = Reader(subscriber_id=row.subscriber_id, address=row.address, name=f"독자 {number}")
            assert write_message(letterhead, '["",[]]', reader).content == received[row.address]


def test_a_deferred_message_waits_its_time_and_is_sent_by_the_next_tick_then(make_house):
    """RFC 5321 4.5.4.1: a 4xx is tried again later; 20 minutes, doubling, with jitter."""
    answers = iter(["451 4.7.1 greylisted", "452 4.2.2 full"])
    third = is_for(3)
    with RecordingServer(answer=lambda m: next(answers, "250 ok") if third(m) else "250 ok") as server:
        house = make_house(server)
        issue = house.send()[0].issue
        assert issue.state is IssueState.SENDING
        assert FIRST_DELAY[0] <= issue.resume_at - NOW <= FIRST_DELAY[1]
        assert house.counts() == {"sent": READERS - 1, "deferred": 1}
        (row,) = house.rows(DeliveryState.DEFERRED)
        assert (row.address, row.code, row.reply, row.attempts) == (reader_address(3), 451, "4.7.1 greylisted", 1)
        house.clock.advance(minutes=15)
        assert house.send() == []
        house.clock.advance(minutes=10)
        second = house.send()[0].issue
        assert 2 * FIRST_DELAY[0] <= second.resume_at - house.clock.now() <= 2 * FIRST_DELAY[1]
        house.clock.advance(minutes=49)
        assert house.send()[0].issue.state is IssueState.SENT
    assert recipients(server) == everybody()


def test_a_refused_message_failed_for_good_and_says_why(make_house):
    third = is_for(3)
    with RecordingServer(answer=lambda m: "550 5.1.1 no such user" if third(m) else "250 ok") as server:
        house = make_house(server)
        assert house.send()[0].issue.state is IssueState.SENT
        house.clock.advance(hours=30)
        assert house.send() == []
    assert house.counts() == {"sent": READERS - 1, "failed": 1}
    (row,) = house.rows(DeliveryState.FAILED)
    assert (row.address, row.code, row.reply) == (reader_address(3), 550, "5.1.1 no such user")


def test_a_message_lost_after_its_dot_is_uncertain_and_never_sent_again_by_itself(make_house):
    """RFC 1047: the server may have it."""
    with ScriptedServer({"DOT": ["250 ok", Fault.DROP]}) as server:
        house = make_house(server, connections=1)
        assert house.send()[0].issue.state is IssueState.SENT
        assert house.counts() == {"sent": READERS - 1, "uncertain": 1}
        (row,) = house.rows(DeliveryState.UNCERTAIN)
        assert row.address == reader_address(1)
        house.clock.advance(hours=30)
        assert house.send() == []
        assert recipients(server) == sorted(set(everybody()) - {row.address})
        with house.database() as database, database.transaction():
            resolve_uncertain(database, 1, as_sent=False, addresses=(), now=house.clock.now())
            reopen_issue(database, 1, deadline=house.clock.now() + timedelta(hours=36))
        assert house.send()[0].issue.state is IssueState.SENT
    assert recipients(server) == everybody()


def test_a_message_lost_before_its_dot_goes_again_at_once_and_one_that_is_put_off_later(make_house):
    with ScriptedServer({"DATA": ["354 go", Fault.DROP], "RCPT": ["250 ok", "250 ok", "450 4.2.1 busy"]}) as server:
        house = make_house(server, connections=1)
        assert house.send()[0].issue.state is IssueState.SENDING
        assert house.counts() == {"sent": READERS - 1, "deferred": 1}
        house.clock.advance(minutes=25)
        assert house.send()[0].issue.state is IssueState.SENT
    assert recipients(server) == everybody()


def test_a_server_that_cannot_be_reached_leaves_everything_queued_and_the_issue_to_be_resumed(make_house):
    with RecordingServer() as server:
        house = make_house(server)
    with pytest.raises(TransportError, match=r"127\.0\.0\.1:\d+: cannot be reached .*; check delivery\.host"):
        house.send()
    assert house.counts() == {"queued": READERS}
    assert house.issue().state is IssueState.SENDING
    assert house.issue().resume_at == NOW + timedelta(minutes=5)
    assert house.send() == []
    house.clock.advance(minutes=5)
    with RecordingServer() as server:
        house.settings_file.write_text(settings_text(delivery=smtp_settings(server)), encoding="utf-8")
        assert house.send()[0].issue.state is IssueState.SENT
    assert recipients(server) == everybody()


def test_an_outage_in_mid_send_leaves_the_rest_queued_and_asks_no_server_again_for_each_reader(make_house, monkeypatch):
    """The relay is waited for with longer and longer pauses, not asked for every reader; what left stays sent."""
    monkeypatch.setattr(crew, "PATIENCE_SECONDS", 1.5)
    greetings = ["220 ready", *["554 5.3.2 gone"] * 50]
    with ScriptedServer({"GREETING": greetings, "MAIL": ["250 ok", "250 ok", Fault.DROP]}) as server:
        house = make_house(server, connections=1)
        with pytest.raises(TransportError, match=r"554 5\.3\.2 gone"):
            house.send()
        assert server.connections in (3, 4)
    assert house.counts() == {"sent": 2, "queued": READERS - 2}
    house.clock.advance(minutes=5)
    with RecordingServer() as healthy:
        house.settings_file.write_text(settings_text(delivery=smtp_settings(healthy)), encoding="utf-8")
        assert house.send()[0].issue.state is IssueState.SENT
    assert recipients(healthy) == everybody()[2:]


def test_one_connection_of_several_is_enough(make_house):
    """A relay that takes fewer connections than the settings ask for still gets everything."""
    with ScriptedServer({"GREETING": ["220 ready", "554 5.3.2 too many", "554 5.3.2 too many"]}) as server:
        house = make_house(server)
        assert house.send()[0].issue.state is IssueState.SENT
    assert recipients(server) == everybody()


def test_a_stop_lets_the_wire_end_and_leaves_the_rest_queued(make_house):
    with RecordingServer() as server:
        house = make_house(server)
        report = house.send(lambda _: house.stop.set())[0]
        counts = house.counts()
        assert report.issue.state is IssueState.SENDING
        assert set(counts) == {"sent", "queued"}
        assert counts["sent"] == len(server.messages) <= IN_FLIGHT
        assert house.issue().resume_at is None
        house.stop.clear()
        assert house.send()[0].issue.state is IssueState.SENT
    assert recipients(server) == everybody()


def test_a_pause_from_another_command_stops_within_a_second_and_resume_finishes(make_house):
    with RecordingServer() as server:
        house = make_house(server, readers=300)
        paused_at = []

        def pause(_result):
            if house.results.total() == 20:
                with house.database() as database:
                    pause_issue(database, 1)
                paused_at.append(time.monotonic())

        report = house.send(pause)[0]
        assert time.monotonic() - paused_at[0] < 1
        assert report.issue.state is IssueState.PAUSED
        counts = house.counts()
        assert set(counts) == {"sent", "queued"}
        assert 20 <= counts["sent"] == len(server.messages) == house.results.total() < 40
        assert house.send() == []
        with house.database() as database:
            resume_issue(database, 1, deadline=NOW + timedelta(hours=36))
        assert house.send()[0].issue.state is IssueState.SENT
    assert recipients(server) == everybody(300)


@pytest.mark.parametrize("leaving", ["unsubscribed", "no longer subscribed"])
def test_whoever_leaves_while_queued_gets_none(make_house, leaving):
    """Rows are claimed a hundred at a time, so of more readers the last ones are still queued."""
    with RecordingServer() as server:
        house = make_house(server, readers=150)

        def leave(_result):
            if house.results.total() != 1:
                return
            with house.database() as database:
                if leaving == "unsubscribed":
                    take_out(database, reader_address(140), state=SubscriberState.UNSUBSCRIBED, now=NOW)
                else:
                    change_subscriber(database, Profile(address=reader_address(140), newsletters=()), now=NOW)

        assert house.send(leave)[0].issue.state is IssueState.SENT
    assert recipients(server) == sorted(set(everybody(150)) - {reader_address(140)})
    assert house.counts() == {"sent": 149, "cancelled": 1}
    assert house.rows(DeliveryState.CANCELLED)[0].reply == "the subscriber left before it was sent"


def test_one_commit_serves_several_connections(make_house, monkeypatch):
    """A commit for each message of each connection would be two for every message."""
    commits = Counter()
    traced = []

    def connect(*arguments, _connect=sqlite3.connect, **options):
        connection = _connect(*arguments, **options)
        connection.set_trace_callback(lambda sql: commits.update([sql]) if sql == "COMMIT" else None)
        traced.append(connection)
        return connection

    with RecordingServer() as server:
        house = make_house(server, readers=400, connections=8)
        monkeypatch.setattr(database_module.sqlite3, "connect", connect)
        house.send()
    assert len(server.messages) == 400
    assert traced
    assert commits["COMMIT"] < 400 * 1.2


def test_nothing_is_handed_over_after_the_deadline_and_the_next_tick_ends_the_issue(make_house):
    with RecordingServer() as server:
        house = make_house(server)
        house.send(lambda _: house.clock.advance(hours=40))
        handed_over = len(server.messages)
        assert handed_over <= IN_FLIGHT
        report = house.send()[0]
    assert report.issue.state is IssueState.FAILED
    assert report.issue.reason == "not finished before the catch-up limit"
    assert house.counts() == {"sent": handed_over, "failed": READERS - handed_over}
    assert len(server.messages) == handed_over


def test_a_lock_held_for_too_long_stops_the_sending_and_makes_nothing_uncertain(make_house, monkeypatch):
    """What the server took is still written down once the lock is gone, as an import may hold it for minutes."""
    monkeypatch.setattr(journal, "LOCK_PATIENCE", 1)
    monkeypatch.setattr(database_module, "LOCK_TIMEOUT_SECONDS", 0.3)
    with RecordingServer() as server:
        house = make_house(server)
        timers = []

        def hold_lock(_result):
            if timers:
                return
            holder = sqlite3.connect(house.settings_file.with_name("digest.db"), check_same_thread=False)
            holder.execute("BEGIN IMMEDIATE")
            timers.append(threading.Timer(0.5, holder.close))
            timers[0].start()

        with pytest.raises(StoreError, match=r"locked by another program for more than 0\.3 s"):
            house.send(hold_lock)
        timers[0].join()
        assert set(house.counts()) == {"sent", "queued"}
        assert house.counts()["sent"] == len(server.messages)
        house.clock.advance(minutes=5)
        house.send()
    assert recipients(server) == everybody()


def test_a_sender_that_was_overtaken_hands_nothing_more_over(make_house):
    """It was silent for longer than its lease; what it had on the wire is uncertain, and stays so."""
    with RecordingServer() as server:
        house = make_house(server, readers=40)

        def overtake(_result):
            if house.results.total() > 1:
                return
            house.clock.pass_boot_time(seconds=61)
            with house.database() as database, open_at(house.settings_file, house.clock) as app:
                newsletter = app.settings.newsletter(None)
                occurrence = occurrence_on(newsletter.due, EDITION, app.settings.timezone_of(newsletter))
                deadline = NOW + timedelta(hours=36)
                at = {"boot": house.clock.boot(), "now": NOW}
                assert claim_issue(
                    database, "weekly", occurrence, origin="schedule", deadline=deadline, owner="other", **at
                )

        house.send(overtake)
        counts = house.counts()
        assert set(counts) <= {"sent", "queued", "uncertain"}
        assert counts["sent"] <= len(server.messages) <= counts["sent"] + counts.get("uncertain", 0)
        assert len(server.messages) < 10
        house.clock.pass_boot_time(seconds=61)
        assert house.send()[0].issue.state is IssueState.SENT
    assert house.clock.boot().seconds > BOOT.seconds
    assert set(house.counts()) <= {"sent", "uncertain"}
    assert max(Counter(recipients(server)).values()) == 1
    missing = set(everybody(40)) - set(recipients(server))
    assert missing <= {row.address for row in house.rows(DeliveryState.UNCERTAIN)}
