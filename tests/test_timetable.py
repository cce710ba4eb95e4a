"""When messages go: at the readers' own hour, inside the hours of sending, and no faster than a warm-up allows."""

import time
from datetime import UTC, date, datetime, timedelta
from threading import Event
from zoneinfo import ZoneInfo

import pytest

from digest.model import IssueState
from digest.schedule import occurrence_on
from digest.store.database import open_database
from digest.store.issues import get_issue
from digest.testing import RecordingServer
from digest.tick import Observer, begin_edition, tick
from workspaces import SetClock, add_readers, fill_with_news, open_at, reader_address, settings_text, smtp_settings

SEOUL = ZoneInfo("Asia/Seoul")
EDITION = date(2026, 3, 2)
"""A Monday, still in winter time everywhere in the north."""


def seoul(day, hour, minute=0):
    return datetime(2026, 3, day, hour, minute, tzinfo=SEOUL)


class Site:
    """A workspace on a clock that walks."""

    def __init__(self, file, start):
        self.file = file
        self.clock = SetClock(start.astimezone(UTC))

    def send(self):
        with open_at(self.file, self.clock) as app:
            return list(tick(app, app.settings.newsletter(None), stop=Event(), observer=Observer()))

    def walk(self, server, *, until, step=timedelta(minutes=30)):
        """Tick after tick; the local time in Seoul at which each address got its mail."""
        arrived = {}
        while self.clock.now() <= until:
            before = len(server.messages)
            self.send()
            for message in server.messages[before:]:
                arrived[message.rcpt_tos[0]] = self.clock.now().astimezone(SEOUL)
            self.clock.set_wall_clock(self.clock.now() + step)
            self.clock.pass_boot_time(seconds=step.total_seconds())
        return arrived

    def issue(self, edition=EDITION):
        with open_database(self.file.with_name("digest.db")) as database:
            return get_issue(database, "weekly", edition)


@pytest.fixture
def make_site(workspace):
    def make(server, *, start, newsletter=(), readers=(), **delivery):
        newsletter = {"schedule": "mon 08:00", "timezone": "Asia/Seoul", **dict(newsletter)}
        file = workspace(settings_text(newsletter, delivery=smtp_settings(server, connections=2, **delivery)))
        with open_database(file.with_name("digest.db")) as database:
            fill_with_news(database, at=datetime(2026, 2, 26, tzinfo=UTC))
            for number, timezone in enumerate(readers):
                add_readers(database, [number], timezone=timezone)
        return Site(file, start)

    return make


HOMES = ("Pacific/Auckland", "", "Asia/Seoul", "Europe/London", "America/New_York", "Pacific/Honolulu")


def test_each_reader_gets_it_at_eight_where_they_live_and_the_issue_ends_with_the_last(make_site):
    with RecordingServer() as server:
        site = make_site(server, start=seoul(2, 0), newsletter={"local_time": True}, readers=HOMES)
        arrived = site.walk(server, until=seoul(3, 12))
    at = [arrived[reader_address(number)] for number in range(len(HOMES))]
    # Auckland is four hours ahead; New York and Honolulu still have Sunday when it is Monday in Seoul.
    assert at == [seoul(2, 4), seoul(2, 8), seoul(2, 8), seoul(2, 17), seoul(2, 22), seoul(3, 3)]
    issue = site.issue()
    assert issue.state is IssueState.SENT
    assert issue.frozen_at == seoul(2, 4), "it opens with the first"
    assert issue.deadline >= seoul(3, 3) + timedelta(hours=36), "the last has the whole time to catch up too"


def test_nobody_gets_it_before_its_window_is_over(make_site):
    """At 08:00 in Kiritimati it is still Sunday in New York, where the week is counted."""
    newsletter = {"local_time": True, "timezone": "America/New_York"}
    new_york = ZoneInfo("America/New_York")
    midnight = datetime(2026, 3, 2, tzinfo=new_york)
    with RecordingServer() as server:
        site = make_site(
            server, start=midnight - timedelta(hours=12), newsletter=newsletter, readers=["Pacific/Kiritimati", ""]
        )
        arrived = site.walk(server, until=midnight + timedelta(hours=10))
    assert arrived == {
        reader_address(0): midnight.astimezone(SEOUL),
        reader_address(1): (midnight + timedelta(hours=8)).astimezone(SEOUL),
    }


def test_an_issue_sent_by_hand_goes_to_all_at_once(make_site):
    with RecordingServer() as server:
        site = make_site(server, start=seoul(2, 6), newsletter={"local_time": True}, readers=HOMES)
        with open_at(site.file, site.clock) as app:
            newsletter = app.settings.newsletter(None)
            occurrence = occurrence_on(newsletter.due, EDITION, SEOUL)
            begin_edition(app, newsletter, occurrence, origin="manual", stop=Event(), observer=Observer())
        assert len(server.messages) == len(HOMES)


def test_nothing_leaves_outside_the_hours_of_sending(make_site):
    with RecordingServer() as server:
        site = make_site(
            server, start=seoul(2, 7), newsletter={"schedule": "mon 07:30"}, readers=["", ""], hours="09:00-21:00"
        )
        arrived = site.walk(server, until=seoul(2, 12))
    assert set(arrived.values()) == {seoul(2, 9)}
    assert site.issue().frozen_at == seoul(2, 7, 30), "it is published when it is due"
    assert site.issue().state is IssueState.SENT


def test_a_reader_whose_morning_lies_outside_the_hours_waits_for_their_opening(make_site):
    """The hours are those of the newsletter: its operator is awake then."""
    with RecordingServer() as server:
        site = make_site(
            server,
            start=seoul(2, 0),
            newsletter={"local_time": True},
            readers=["", "America/New_York"],
            hours="07:00-20:00",
        )
        arrived = site.walk(server, until=seoul(3, 9))
    assert arrived == {reader_address(0): seoul(2, 8), reader_address(1): seoul(3, 7)}


def test_a_warm_up_spreads_an_issue_over_days_and_its_deadline_waits_for_it(make_site):
    with RecordingServer() as server:
        site = make_site(server, start=seoul(2, 7), readers=[""] * 30)
        text = site.file.read_text(encoding="utf-8")
        table = "\n[delivery.warm_up]\nstart = 2026-03-02\nfirst_day = 5\nfactor = 2.0\ndays = 30\n"
        site.file.write_text(text + table, encoding="utf-8")
        arrived = site.walk(server, until=seoul(5, 12), step=timedelta(hours=1))
    days = sorted(moment.date().day for moment in arrived.values())
    assert [days.count(day) for day in (2, 3, 4)] == [5, 10, 15]
    assert min(moment for moment in arrived.values() if moment.date().day == 3) == seoul(3, 0)
    assert site.issue().state is IssueState.SENT


def test_a_plan_and_hours_together_go_on_with_the_next_opening(make_site):
    with RecordingServer() as server:
        site = make_site(server, start=seoul(2, 7), readers=[""] * 8, hours="08:00-10:00")
        text = site.file.read_text(encoding="utf-8")
        table = "\n[delivery.warm_up]\nstart = 2026-03-02\nfirst_day = 3\nfactor = 1.0\ndays = 30\n"
        site.file.write_text(text + table, encoding="utf-8")
        arrived = site.walk(server, until=seoul(5, 12), step=timedelta(hours=1))
    assert sorted(set(arrived.values())) == [seoul(2, 8), seoul(3, 8), seoul(4, 8)]
    assert len(arrived) == 8


def test_messages_are_spaced_where_a_rate_is_set(make_site):
    with RecordingServer() as server:
        site = make_site(server, start=seoul(2, 8), readers=[""] * 11, rate=10)
        begun = time.monotonic()
        site.send()
        seconds = time.monotonic() - begun
    assert len(server.messages) == 11
    assert 0.8 < seconds < 3


def test_a_slow_domain_does_not_hold_up_the_others(make_site):
    """Nine of ten live at one provider that is mailed slowly; the last row of all goes at once."""
    with RecordingServer() as server:
        site = make_site(server, start=seoul(2, 8), readers=[""] * 20)
        text = site.file.read_text(encoding="utf-8")
        site.file.write_text(text + '\n[delivery.domain_rates]\n"slow.example" = 20\n', encoding="utf-8")
        with open_database(site.file.with_name("digest.db")) as database:
            database.execute("UPDATE subscriber SET address = 'r' || id || '@slow.example' WHERE id < 20")
        site.send()
    order = [message.rcpt_tos[0] for message in server.messages]
    assert len(order) == 20
    assert reader_address(19) in order[:5]


def test_an_issue_that_is_due_when_the_doors_are_closed_has_its_whole_time_from_the_opening_on(make_site):
    with RecordingServer() as server:
        site = make_site(
            server,
            start=seoul(2, 21),
            newsletter={"schedule": "mon 22:00"},
            readers=[""],
            hours="08:00-21:00",
            catch_up_hours=8,
        )
        arrived = site.walk(server, until=seoul(3, 9))
    assert arrived == {reader_address(0): seoul(3, 8)}
