"""Soft bounces: three issues in a row over at least two weeks, and what arrives in between clears them."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from digest.returns.soft import ENOUGH, JITTER, LONG_ENOUGH, SETTLED, count_row
from digest.store.returns import SentIssue
from returned_mail import bounce, history, is_out, mark_of, open_site, process, send_issue, state_of
from workspaces import SetClock

NOW = datetime(2026, 6, 1, tzinfo=UTC)


@pytest.fixture
def app(tmp_path):
    with open_site(tmp_path / "site") as opened:
        yield opened


def send_and_return(app, number=0, **wait):
    """An issue comes back; then time passes."""
    deeds = process(app, bounce("soft", mark=mark_of(app, send_issue(app)), number=f"{number}-{app.clock.now():%s}"))
    app.clock.advance(**(wait or {"weeks": 1}))
    return deeds


def counters(app):
    return tuple(app.database.row("SELECT soft_bounces, soft_since FROM subscriber ORDER BY id"))


def test_three_weekly_issues_in_a_row_take_a_person_out_who_may_come_back(app):
    first = int(app.clock.now().timestamp())
    assert [send_and_return(app) for _ in range(3)] == [["counted"], ["counted"], ["bounced"]]
    assert (state_of(app), is_out(app)) == ("bounced", False)
    assert history(app) == ["added", "soft-bounce", "soft-bounce", "soft-bounce", "bounced"]
    assert counters(app) == (3, first)


def test_three_daily_issues_are_one_full_mailbox_over_a_weekend(app):
    assert [send_and_return(app, days=1) for _ in range(14)] == [["counted"]] * 14
    assert send_and_return(app, days=1) == ["bounced"]


def test_an_issue_that_arrived_clears_those_before_it(app):
    send_and_return(app)
    send_and_return(app)
    send_issue(app)  # nothing comes back of it
    app.clock.advance(weeks=1)
    assert send_and_return(app) == ["counted"]
    assert counters(app)[0] == 1
    assert send_and_return(app) == ["counted"]
    assert send_and_return(app) == ["bounced"]


def test_of_an_issue_sent_a_moment_ago_nothing_is_known_yet(app):
    """Its bounce may come for five days (RFC 5321 4.5.4.1), so it clears nothing before."""
    marks = []
    for _ in range(3):
        marks.append(mark_of(app, send_issue(app)))
        app.clock.advance(weeks=1)
    send_issue(app)
    app.clock.advance(days=4)
    assert [process(app, bounce("soft", mark=mark, number=n)) for n, mark in enumerate(marks)] == [
        ["counted"],
        ["counted"],
        ["bounced"],
    ]


def test_bounces_may_come_in_any_order(app):
    marks = []
    for _ in range(3):
        marks.append(mark_of(app, send_issue(app)))
        app.clock.advance(weeks=1)
    deeds = [process(app, bounce("soft", mark=mark, number=n)) for n, mark in enumerate(reversed(marks))]
    assert deeds == [["counted"], ["counted"], ["bounced"]]


def test_two_reports_of_one_issue_count_once(app):
    mark = mark_of(app, send_issue(app))
    assert process(app, bounce("soft", mark=mark, number=1)) == ["counted"]
    assert process(app, bounce("soft", mark=mark, number=2)) == ["already known"]
    assert counters(app)[0] == 1


def test_a_warning_that_a_mail_is_late_is_no_bounce(app):
    """Exim and Sendmail send one after some hours; mostly the mail arrives after all, and nobody says so."""
    mark = mark_of(app, send_issue(app))
    assert process(app, bounce("soft", mark=mark, action="delayed", number=1)) == ["nothing"]
    assert (counters(app), history(app)) == ((0, None), ["added"])
    assert process(app, bounce("soft", mark=mark, number=2)) == ["counted"], "days later it was given up"


def test_a_refusal_for_the_senders_sake_is_no_success_and_no_soft_bounce(app):
    """Nobody knows whether that mailbox would have taken it; as it did not come back as full, it counts as arrived."""
    process(app, bounce("blocked", mark=mark_of(app, send_issue(app))))
    assert counters(app) == (0, None)


def test_a_mail_outside_of_any_issue_is_only_noted(app):
    assert process(app, bounce("soft", mark=mark_of(app, 0))) == ["noted"]
    assert counters(app) == (0, None)


# The rule itself


def issues(*days_and_bounces):
    return [
        SentIssue(id=n, newsletter="weekly", edition="", sent_at=NOW - timedelta(days=days), came_back=came_back)
        for n, (days, came_back) in enumerate(days_and_bounces)
    ]


@given(st.lists(st.tuples(st.integers(0, 60), st.booleans()), max_size=12))
def test_a_row_is_what_came_back_since_the_last_that_arrived(sent):
    sent.sort()
    row = count_row(issues(*sent), now=NOW)
    last_arrival = next((days for days, came_back in sent if not came_back and days >= SETTLED.days), 99)
    expected = []
    for days, came_back in sent:
        if not came_back and days >= SETTLED.days:
            break
        if came_back:
            expected.append(days)
    assert row.count == len(expected)
    assert all(days <= last_arrival for days in expected)
    if expected:
        assert (row.first, row.last) == (NOW - timedelta(days=expected[-1]), NOW - timedelta(days=expected[0]))
    spans = bool(expected) and expected[-1] - expected[0] >= LONG_ENOUGH.days
    assert row.is_enough == (len(expected) >= ENOUGH and spans)


@given(st.floats(-1, 1))
def test_a_weekly_issue_need_not_be_sent_on_the_second(share):
    late = timedelta(seconds=JITTER.total_seconds() * share * 0.99)
    row = count_row(
        [
            SentIssue(
                id=n,
                newsletter="",
                edition="",
                sent_at=NOW - timedelta(weeks=n) + (late if n else -late),
                came_back=True,
            )
            for n in (0, 1, 2)
        ],
        now=NOW,
    )
    assert row.is_enough == (2 * late <= JITTER)


class Reader(RuleBasedStateMachine):
    """One reader over months: issues leave, some come back at once, late or twice, and days pass."""

    @initialize()
    def begin(self):
        self.folder = TemporaryDirectory()
        self.site = open_site(Path(self.folder.name) / "site", clock=SetClock())
        self.app = self.site.__enter__()
        self.sent = {}
        """Day and whether it came back, by issue."""
        self.day, self.number, self.is_out = 0, 0, False

    def teardown(self):
        if hasattr(self, "site"):
            self.site.__exit__(None, None, None)
            self.folder.cleanup()

    @rule(days=st.integers(1, 9))
    def pass_time(self, days):
        self.app.clock.advance(days=days)
        self.day += days

    @rule()
    def send(self):
        edition = f"issue {len(self.sent)}"
        self.sent[send_issue(self.app, edition=edition)] = [self.day, False]

    @rule()
    def spend_a_week_with_a_full_mailbox(self):
        self.send()
        self.return_issue(max(self.sent))
        self.pass_time(7)

    @precondition(lambda self: self.sent)
    @rule(data=st.data())
    def come_back(self, data):
        self.return_issue(data.draw(st.sampled_from(sorted(self.sent))))

    def return_issue(self, issue):
        self.number += 1
        deeds = process(self.app, bounce("soft", mark=mark_of(self.app, issue), number=self.number))
        assert (deeds == ["already known"]) == self.sent[issue][1]
        self.sent[issue][1] = True
        self.is_out = self.is_out or self._should_be_out()

    def _should_be_out(self):
        days = []
        for _, (day, came_back) in sorted(self.sent.items(), reverse=True):
            if came_back:
                days.append(day)
            elif self.day - day >= SETTLED.days:
                break
        return len(days) >= ENOUGH and days[0] - days[-1] >= LONG_ENOUGH.days

    @invariant()
    def state_is_as_the_rule_says(self):
        if hasattr(self, "app"):
            assert state_of(self.app) == ("bounced" if self.is_out else "active")
            assert not is_out(self.app)


Reader.TestCase.settings = settings(max_examples=25, stateful_step_count=25, deadline=None)
TestReader = Reader.TestCase
