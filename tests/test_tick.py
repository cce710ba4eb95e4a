"""What a tick does, and in which order: resume, note what is too late, begin the newest edition in time."""

import logging
import mailbox
from datetime import UTC, date, datetime, timedelta
from threading import Event
from zoneinfo import ZoneInfo

import pytest

from digest.compose import compose_edition
from digest.errors import RenderError
from digest.frozen import window_from_json
from digest.model import DatedCount, IssueState
from digest.process import name_this_process
from digest.schedule import Occurrence, occurrence_on
from digest.service import tick_all
from digest.store.articles import list_decisions, pin_article, save_articles
from digest.store.issues import (
    get_issue,
    list_choices,
    list_issues,
    list_variants,
    pause_issue,
    record_skipped,
    reopen_unsent,
)
from digest.store.leases import claim_issue
from digest.store.views import save_dated_counts
from digest.tick import Observer, begin_edition, tick
from workspaces import NOW, SetClock, add_readers, fill_with_news, make_article, open_at, settings_text

MONDAY = date(2026, 3, 2)
DUE = datetime(2026, 3, 1, 23, 0, tzinfo=UTC)
"""Monday 08:00 in Seoul."""
HOUR, DAY, WEEK = timedelta(hours=1), timedelta(days=1), timedelta(days=7)


class House:
    """A workspace with a Maildir outbox and two readers, ticked at moments of the test's choosing."""

    def __init__(self, settings_file, *, readers=2, news_at=NOW - timedelta(days=2)):
        self.settings_file = settings_file
        self.clock = SetClock()
        with self.open() as app:
            slugs = tuple(newsletter.slug for newsletter in app.settings.newsletters)
            add_readers(app.database, range(readers), newsletters=slugs)
            fill_with_news(app.database, at=news_at)

    def open(self):
        return open_at(self.settings_file, self.clock)

    def tick(self, now=None, slug=None, stop=None):
        """One tick at a moment; what it worked on as (edition, state)."""
        self.clock.set_wall_clock(now or self.clock.now())
        with self.open() as app:
            newsletter = app.settings.newsletter(slug)
            reports = tick(app, newsletter, stop=stop or Event(), observer=Observer())
            return [(report.issue.edition, report.issue.state) for report in reports]

    def issues(self):
        """Every issue as (edition, state, reason), oldest first."""
        with self.open() as app:
            return [(issue.edition, str(issue.state), issue.reason) for issue in reversed(list_issues(app.database))]

    def messages(self):
        return len(mailbox.Maildir(self.settings_file.parent / "outbox")) if self.outbox.exists() else 0

    @property
    def outbox(self):
        return self.settings_file.parent / "outbox"

    def send_by_hand(self, edition):
        with self.open() as app:
            newsletter = app.settings.newsletter(None)
            occurrence = occurrence_on(newsletter.due, edition, app.settings.timezone_of(newsletter))
            return begin_edition(app, newsletter, occurrence, origin="manual", stop=Event(), observer=Observer())


@pytest.fixture
def make_house(workspace):
    def make(*newsletters, **options) -> House:
        return House(workspace(settings_text(*newsletters)), **options)

    return make


def test_an_edition_is_sent_once_when_it_is_due_and_not_before(make_house):
    house = make_house()
    assert house.tick(DUE - timedelta(seconds=1)) == []
    assert house.messages() == 0
    assert house.tick(DUE) == [(MONDAY, IssueState.SENT)]
    assert house.messages() == 2
    for later in (timedelta(0), HOUR, DAY, WEEK - timedelta(seconds=1)):
        assert house.tick(DUE + later) == []
    assert house.messages() == 2


def test_a_late_edition_is_sent_within_the_catch_up_time_and_skipped_after_it(make_house):
    house = make_house()
    assert house.tick(DUE + 36 * HOUR - timedelta(seconds=1)) == [(MONDAY, IssueState.SENT)]
    assert house.tick(DUE + WEEK + 36 * HOUR) == []
    assert house.issues()[1:] == [(MONDAY + WEEK, "skipped", "due more than 36 h ago, while nothing was running")]
    assert house.messages() == 2


def test_a_fresh_workspace_records_no_history(make_house):
    house = make_house()
    assert house.tick(DUE + 40 * HOUR) == []
    assert house.issues() == []


def test_after_weeks_of_silence_each_missed_edition_is_noted_and_the_newest_sent(make_house):
    house = make_house({"candidates": "viewed", "window": "90d", "no_repeat": 0})
    house.tick(DUE)
    assert house.tick(DUE + 4 * WEEK + HOUR) == [(MONDAY + 4 * WEEK, IssueState.SENT)]
    states = [(edition, state) for edition, state, _ in house.issues()]
    skipped = [(MONDAY + weeks * WEEK, "skipped") for weeks in (1, 2, 3)]
    assert states == [(MONDAY, "sent"), *skipped, (MONDAY + 4 * WEEK, "sent")]


def test_an_edition_in_time_that_a_newer_one_overtook_is_noted_as_such(make_house):
    house = make_house({"schedule": "daily 08:00"})
    house.tick(DUE)
    assert house.tick(DUE + 2 * DAY + HOUR)[0][0] == MONDAY + 2 * DAY
    assert house.issues()[-2] == (MONDAY + DAY, "skipped", "overtaken by the edition of 2026-03-04")


def test_a_tick_first_resumes_then_notes_then_begins(make_house):
    house = make_house({"schedule": "daily 08:00", "candidates": "viewed", "window": "9d", "no_repeat": 0})
    stopped = Event()
    house.clock.set_wall_clock(DUE)
    with house.open() as app:
        newsletter = app.settings.newsletter(None)
        observer = Observer(on_begin=lambda _issue, _waiting: stopped.set())
        (report,) = tick(app, newsletter, stop=stopped, observer=observer)
        assert report.waiting == 2
    worked_on = house.tick(DUE + 2 * DAY - timedelta(hours=13))
    assert worked_on == [(MONDAY, IssueState.SENT), (MONDAY + DAY, IssueState.SENT)]
    assert house.messages() == 4


def test_an_issue_nobody_finished_in_time_fails_and_the_next_edition_goes_out(make_house):
    house = make_house({"candidates": "viewed", "window": "20d", "no_repeat": 0})
    stopped = Event()
    house.clock.set_wall_clock(DUE)
    with house.open() as app:
        observer = Observer(on_begin=lambda _issue, _waiting: stopped.set())
        list(tick(app, app.settings.newsletter(None), stop=stopped, observer=observer))
    assert house.tick(DUE + WEEK) == [(MONDAY, IssueState.FAILED), (MONDAY + WEEK, IssueState.SENT)]
    assert house.issues()[0] == (MONDAY, "failed", "not finished before the catch-up limit")
    assert house.messages() == 2


def test_a_set_stop_begins_nothing(make_house):
    house = make_house()
    stop = Event()
    stop.set()
    assert house.tick(DUE, stop=stop) == []
    assert house.issues() == []


NEW_YORK = {"schedule": "mon 00:00", "timezone": "America/New_York"}


@pytest.mark.slow
def test_monday_midnight_in_new_york_sends_every_week_of_2026(make_house):
    """A cron trigger skips the week after the clocks went forward."""
    settings = {**NEW_YORK, "candidates": "viewed", "window": "999d", "no_repeat": 0}
    house = make_house(settings, readers=1, news_at=datetime(2025, 12, 30, tzinfo=UTC))
    sent = []
    with house.open() as app:
        newsletter = app.settings.newsletter(None)
        # Midnight is at 05:00 UTC in winter and at 04:00 in summer.
        moment = datetime(2026, 1, 1, 2, 59, tzinfo=UTC)
        while moment.year == 2026:
            for minutes in (0, 62, 122):
                house.clock.set_wall_clock(moment + timedelta(minutes=minutes))
                for report in tick(app, newsletter, stop=Event(), observer=Observer()):
                    local = house.clock.now().astimezone(ZoneInfo("America/New_York"))
                    sent.append((report.issue.edition, report.issue.state, local.hour))
            moment += DAY
    assert sent == [(date(2026, 1, 5) + weeks * WEEK, IssueState.SENT, 0) for weeks in range(52)]
    assert house.messages() == 52


def test_half_past_one_in_the_autumn_overlap_sends_once_at_the_first(make_house):
    """2026-11-01 01:30 comes twice in New York: at 05:30 and at 06:30 UTC."""
    first = datetime(2026, 11, 1, 5, 30, tzinfo=UTC)
    house = make_house({"schedule": "sun 01:30", "timezone": "America/New_York"}, news_at=first - 2 * DAY)
    assert house.tick(first - timedelta(minutes=1)) == []
    assert house.tick(first) == [(date(2026, 11, 1), IssueState.SENT)]
    for minutes in (30, 60, 61, 120):
        assert house.tick(first + timedelta(minutes=minutes)) == []
    assert house.messages() == 2


def test_half_past_two_in_the_spring_gap_sends_an_hour_later_by_the_wall(make_house):
    """2026-03-08 02:30 does not exist in New York; 03:30 is 07:30 UTC."""
    due = datetime(2026, 3, 8, 7, 30, tzinfo=UTC)
    house = make_house({"schedule": "sun 02:30", "timezone": "America/New_York"}, news_at=due - 2 * DAY)
    assert house.tick(due - timedelta(minutes=1)) == []
    assert house.tick(due) == [(date(2026, 3, 8), IssueState.SENT)]


def test_too_few_articles_skip_the_issue_with_the_reason_and_no_mail(make_house):
    house = make_house({"min_articles": 6})
    assert house.tick(DUE) == [(MONDAY, IssueState.SKIPPED)]
    assert house.issues() == [(MONDAY, "skipped", "5 articles to show, min_articles is 6")]
    assert house.messages() == 0
    assert house.tick(DUE + HOUR) == []


def test_a_skipped_edition_can_be_sent_by_hand_once_there_is_enough(make_house):
    house = make_house({"min_articles": 6})
    house.tick(DUE)
    house.clock.advance(hours=50)
    with house.open() as app:
        with app.database.transaction():
            save_articles(app.database, [make_article(number) for number in range(6, 9)], read_at=NOW)
        assert reopen_unsent(app.database, "weekly", MONDAY)
    report = house.send_by_hand(MONDAY)
    assert report.issue.state is IssueState.SENT
    assert house.messages() == 2


def test_an_edition_that_was_too_late_can_be_sent_by_hand(make_house):
    """It gets a new deadline: the one of its schedule is long over."""
    house = make_house()
    occurrence = Occurrence(edition=MONDAY, due_at=DUE)
    with house.open() as app:
        record_skipped(app.database, "weekly", occurrence, reason="too late", now=DUE + 40 * HOUR)
    house.clock.set_wall_clock(DUE + 40 * HOUR)
    assert house.send_by_hand(MONDAY) is None
    with house.open() as app:
        assert reopen_unsent(app.database, "weekly", MONDAY)
    assert house.send_by_hand(MONDAY).issue.state is IssueState.SENT
    assert house.messages() == 2


def test_an_issue_begun_by_hand_and_stopped_goes_on_by_hand_days_later(make_house):
    house = make_house()
    stop = Event()
    with house.open() as app:
        newsletter = app.settings.newsletter(None)
        occurrence = occurrence_on(newsletter.due, MONDAY, app.settings.timezone_of(newsletter))
        observer = Observer(on_begin=lambda _issue, _waiting: stop.set())
        begin_edition(app, newsletter, occurrence, origin="manual", stop=stop, observer=observer)
    house.clock.advance(days=3)
    assert house.send_by_hand(MONDAY).issue.state is IssueState.SENT
    assert house.messages() == 2


def test_windows_since_the_last_issue_tile(make_house):
    """A late issue covers up to its own sending, and the next begins there: nothing twice, nothing left out."""
    house = make_house({"window": "since-last", "no_repeat": 0}, news_at=DUE - DAY)
    late = DUE + 5 * HOUR
    assert house.tick(late) == [(MONDAY, IssueState.SENT)]
    with house.open() as app, app.database.transaction():
        between = [make_article(number, published_at=late - HOUR) for number in (101, 102, 103)]
        after = [make_article(number, at=late + DAY) for number in (104, 105, 106)]
        save_articles(app.database, [*between, *after], read_at=late)
    assert house.tick(DUE + WEEK) == [(MONDAY + WEEK, IssueState.SENT)]
    with house.open() as app:
        first, second = (get_issue(app.database, "weekly", MONDAY + weeks * WEEK) for weeks in (0, 1))
        windows = [window_from_json(issue.frozen["window"]) for issue in (first, second)]
        assert windows[0].end == windows[1].start == late
        assert windows[1].end == DUE + WEEK
        shown = [{choice.article_id for choice in list_choices(app.database, issue.id)} for issue in (first, second)]
    assert shown == [{"1", "2", "3", "4", "5"}, {"104", "105", "106"}]


def test_an_article_is_not_repeated_by_the_next_issues(make_house):
    house = make_house({"window": "30d"}, news_at=DUE - DAY)
    house.tick(DUE)
    with house.open() as app, app.database.transaction():
        new = [make_article(number, at=DUE + DAY) for number in (101, 102)]
        save_articles(app.database, new, read_at=DUE)
        counts = [DatedCount(article_id=a.id, date=MONDAY + DAY, views=5) for a in new]
        save_dated_counts(app.database, counts)
    house.tick(DUE + WEEK)
    with house.open() as app:
        issue = get_issue(app.database, "weekly", MONDAY + WEEK)
        choices = list_choices(app.database, issue.id)
    assert {choice.article_id for choice in choices if choice.position} == {"101", "102"}


@pytest.mark.parametrize(
    "template",
    ["{% for story in %}", "{{ nothing.of.this.name }}", "{{ 1 // 0 }}", "{% include 'no-such-file.html' %}"],
)
def test_a_broken_template_keeps_no_other_newsletter_waiting(workspace, template):
    """Nothing of its own is frozen or mailed; it is tried again after a rest, and goes out once mended."""
    file = workspace(settings_text({"slug": "broken", "template": "own"}, {"slug": "sound"}))
    folder = file.parent / "templates" / "own"
    folder.mkdir(parents=True)
    own = folder / "digest.html"
    own.write_text(template, encoding="utf-8")
    for name in ("digest.txt", "style.css", "enhance.css"):
        (folder / name).write_text("", encoding="utf-8")
    house = House(file)
    failures = []

    def tick_everything():
        with house.open() as app:
            on_failure = lambda slug, error: failures.append((slug, type(error)))  # noqa: E731
            reports = tick_all(app, stop=Event(), observer=Observer(), on_failure=on_failure)
            return [(report.issue.newsletter, report.issue.state) for report in reports]

    assert tick_everything() == [("sound", IssueState.SENT)]
    assert failures == [("broken", RenderError)]
    with house.open() as app:
        issue = get_issue(app.database, "broken", MONDAY)
        assert (issue.state, issue.frozen_at) == (IssueState.SENDING, None)
        assert list_variants(app.database, issue.id) == ()
    assert tick_everything() == []
    assert len(failures) == 1
    for name in ("digest.html", "digest.txt", "style.css", "enhance.css"):
        (folder / name).unlink()
    folder.rmdir()
    file.write_text(file.read_text(encoding="utf-8").replace('"own"', '"weekly"'), encoding="utf-8")
    house.clock.advance(minutes=5)
    assert tick_everything() == [("broken", IssueState.SENT)]
    assert house.messages() == 4


def hold(house, owner):
    """Another process claims the edition and says nothing more."""
    with house.open() as app:
        newsletter = app.settings.newsletter(None)
        occurrence = occurrence_on(newsletter.due, MONDAY, app.settings.timezone_of(newsletter))
        at = {"boot": house.clock.boot(), "now": house.clock.now()}
        return claim_issue(
            app.database, "weekly", occurrence, origin="schedule", deadline=DUE + 36 * HOUR, owner=owner, **at
        )


def name_of_a_dead_process():
    place, pid, start, chance = name_this_process().split(":")
    return f"{place}:{pid}:{int(start) - 1}:{chance}"


def test_an_issue_whose_sender_was_killed_on_this_machine_goes_on_at_once(make_house, caplog):
    house = make_house()
    hold(house, name_of_a_dead_process())
    with caplog.at_level(logging.WARNING, "digest"):
        assert house.tick() == [(MONDAY, IssueState.SENT)]
    assert "a sender died" in caplog.text
    assert house.messages() == 2


def test_an_issue_whose_sender_was_killed_can_be_gone_on_with_by_hand(make_house):
    house = make_house()
    hold(house, name_of_a_dead_process())
    assert house.send_by_hand(MONDAY).issue.state is IssueState.SENT


@pytest.mark.parametrize("place", ["", "another-host/1:"])
def test_an_issue_held_by_the_living_or_elsewhere_waits_for_its_lease(make_house, place):
    house = make_house()
    hold(house, place + name_of_a_dead_process() if place else name_this_process())
    assert house.tick() == []
    assert house.send_by_hand(MONDAY) is None
    house.clock.advance(seconds=61)
    assert house.tick() == [(MONDAY, IssueState.SENT)]


def test_a_paused_issue_of_a_dead_sender_is_settled_by_a_tick(make_house):
    house = make_house()
    lease = hold(house, name_of_a_dead_process())
    with house.open() as app:
        pause_issue(app.database, lease.issue_id)
        app.database.execute(
            """INSERT INTO delivery (issue_id, subscriber_id, variant, state, updated_at)
            SELECT 1, id, '["",[]]', 'wire', 0 FROM subscriber"""
        )
    assert house.tick() == []
    with house.open() as app:
        assert [row["state"] for row in app.database.rows("SELECT state FROM delivery")] == ["uncertain"] * 2


def test_nobody_subscribed_ends_the_issue_as_sent(make_house):
    house = make_house(readers=0)
    assert house.tick(DUE) == [(MONDAY, IssueState.SENT)]
    assert house.messages() == 0


def test_pins_come_first_and_are_used_up_by_the_issue_that_shows_them(make_house):
    house = make_house()
    with house.open() as app:
        pin_article(app.database, "weekly", "5", position=None, now=NOW)
        edition, _ = app.open_edition(app.settings.newsletter(None), MONDAY)
        assert compose_edition(app.database, edition).selection.shown[0].article.id == "5"
    house.tick(DUE)
    with house.open() as app:
        assert list_decisions(app.database, "weekly").pinned == ()
        assert list_choices(app.database, 1)[0].article_id == "5"
