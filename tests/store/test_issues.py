"""Where an issue stands, and the operator's commands about it."""

from dataclasses import replace
from datetime import date, timedelta

import pytest
from issue_steps import DEADLINE, OCCURRENCE, VARIANT, advance, claim, counts, freeze, sent, take

from digest.errors import DigestError, IssueError, LeaseLostError, NotFoundError
from digest.model import DeliveryState, IssueState
from digest.schedule import Occurrence
from digest.store.issues import (
    FrozenChoice,
    cancel_edition,
    cancel_issue,
    expire_issue,
    finish_issue,
    freeze_issue,
    get_issue,
    get_issue_by_id,
    get_previous_window_end,
    list_choices,
    list_editions,
    list_issues,
    list_recently_shown,
    list_resumable,
    list_variants,
    pause_issue,
    record_skipped,
    reopen_unsent,
    resume_issue,
)
from digest.store.leases import release_lease, renew_lease, settle_stopped_issues
from digest.store.uncertain import reopen_issue, resolve_uncertain
from workspaces import EDITION, NOW, add_readers


@pytest.mark.parametrize("state", [IssueState.SENT, IssueState.SKIPPED, IssueState.FAILED])
def test_an_ended_edition_is_not_claimed_again(database, clock, state):
    lease = claim(database, clock)
    finish_issue(database, lease, state=state, reason="so", boot=clock.boot(), now=clock.now())
    issue = get_issue(database, "weekly", EDITION)
    assert (issue.state, issue.reason, issue.finished_at) == (state, "so", NOW)
    clock.advance(days=1)
    assert claim(database, clock, "second") is None


def test_a_pause_lets_nothing_new_out_and_records_what_is_on_the_wire(database, clock, sending):
    pause_issue(database, sending.issue_id)
    claimed = database.value("SELECT id FROM delivery WHERE state = 'claimed'")
    with pytest.raises(LeaseLostError, match="the issue was paused by another command"):
        advance(database, sending, clock, results=[sent(2)], to_wire=[claimed])
    assert counts(database) == {"queued": 2, "claimed": 1, "wire": 1, "sent": 2}
    with pytest.raises(LeaseLostError, match="paused"):
        take(database, sending, clock, 9)
    advance(database, sending, clock, results=[sent(3)])
    release_lease(database, sending, resume_at=None, now=clock.now())
    assert counts(database) == {"queued": 3, "sent": 3}
    assert claim(database, clock, "second") is None


def test_a_paused_issue_goes_on_after_resume_until_a_new_deadline(database, clock, sending):
    pause_issue(database, sending.issue_id)
    release_lease(database, sending, resume_at=None, now=clock.now())
    clock.advance(days=10)
    assert list_resumable(database, "weekly", boot=clock.boot(), now=clock.now()) == []
    resume_issue(database, sending.issue_id, deadline=clock.now() + timedelta(hours=36))
    assert [issue.id for issue in list_resumable(database, "weekly", boot=clock.boot(), now=clock.now())] == [1]
    assert claim(database, clock, "second")
    assert get_issue_by_id(database, 1).deadline == clock.now() + timedelta(hours=36)


def test_a_pause_and_resume_that_the_sender_did_not_notice_change_nothing_for_it(database, clock, sending):
    pause_issue(database, sending.issue_id)
    resume_issue(database, sending.issue_id, deadline=DEADLINE)
    assert claim(database, clock, "second") is None
    assert len(take(database, sending, clock, 9)) == 2


def test_cancelling_takes_out_what_waits_and_still_records_what_is_on_the_wire(database, clock, sending):
    cancel_issue(database, sending.issue_id, boot=clock.boot(), now=clock.now())
    assert counts(database) == {"cancelled": 3, "wire": 2, "sent": 1}
    with pytest.raises(LeaseLostError, match="the issue was cancelled by another command"):
        advance(database, sending, clock, results=[sent(2)], to_wire=[4])
    advance(database, sending, clock, results=[sent(3, DeliveryState.DEFERRED)])
    release_lease(database, sending, resume_at=None, now=clock.now())
    assert counts(database) == {"cancelled": 4, "sent": 2}
    issue = get_issue_by_id(database, 1)
    assert (issue.state, issue.reason, issue.finished_at) == (IssueState.CANCELLED, "cancelled by hand", NOW)
    assert claim(database, clock, "second") is None


def test_cancelling_an_abandoned_issue_settles_it_at_once(database, clock, sending):
    clock.advance(seconds=61)
    cancel_issue(database, sending.issue_id, boot=clock.boot(), now=clock.now())
    assert counts(database) == {"cancelled": 3, "uncertain": 2, "sent": 1}


@pytest.mark.parametrize("stop", ["pause", "cancel"])
def test_a_holder_that_dies_after_a_pause_or_cancel_leaves_nothing_on_the_wire(database, clock, sending, stop):
    """Nobody claims those issues, so the next tick settles them; not while their holder lives."""
    if stop == "pause":
        pause_issue(database, sending.issue_id)
    else:
        cancel_issue(database, sending.issue_id, boot=clock.boot(), now=clock.now())
    settle_stopped_issues(database, "weekly", boot=clock.boot(), now=clock.now())
    assert counts(database)["wire"] == 2
    clock.advance(seconds=61)
    settle_stopped_issues(database, "weekly", boot=clock.boot(), now=clock.now())
    waiting = {"queued": 3} if stop == "pause" else {"cancelled": 3}
    assert counts(database) == {**waiting, "uncertain": 2, "sent": 1}


def test_what_is_uncertain_in_a_cancelled_issue_cannot_be_sent_again(database, clock, sending):
    """It would wait for ever: nothing of a cancelled issue is sent."""
    clock.advance(seconds=61)
    cancel_issue(database, 1, boot=clock.boot(), now=clock.now())
    with pytest.raises(IssueError, match=r"is cancelled and nothing of it is sent any more; .*--as-sent"):
        resolve_uncertain(database, 1, as_sent=False, addresses=(), now=NOW)
    assert resolve_uncertain(database, 1, as_sent=True, addresses=(), now=NOW) == 2


def test_commands_that_do_not_fit_the_state_are_refused_in_words(database, clock):
    claim(database, clock)
    with pytest.raises(IssueError, match="issue of weekly 2026-03-02 is sending; it would have to be paused"):
        resume_issue(database, 1, deadline=DEADLINE)
    cancel_issue(database, 1, boot=clock.boot(), now=NOW)
    for command in (
        lambda: pause_issue(database, 1),
        lambda: resume_issue(database, 1, deadline=DEADLINE),
        lambda: cancel_issue(database, 1, boot=clock.boot(), now=NOW),
    ):
        with pytest.raises(IssueError, match="is cancelled; it would have to be"):
            command()
    with pytest.raises(NotFoundError, match="no issue with the id 9"):
        pause_issue(database, 9)


def test_an_edition_to_come_can_be_cancelled_and_one_that_began_is_left_alone(database, clock):
    cancel_edition(database, "weekly", OCCURRENCE, now=NOW)
    assert claim(database, clock) is None
    assert get_issue(database, "weekly", EDITION).reason == "cancelled before it began"
    other = replace(OCCURRENCE, edition=EDITION + timedelta(days=7))
    claim(database, clock, occurrence=other)
    cancel_edition(database, "weekly", other, now=NOW)
    assert get_issue(database, "weekly", other.edition).state is IssueState.SENDING


def test_an_issue_expires_after_its_deadline_once_nobody_sends_it(database, clock, sending):
    clock.set_wall_clock(DEADLINE + timedelta(seconds=1))
    assert not expire_issue(database, 1, boot=clock.boot(), now=clock.now())
    clock.pass_boot_time(seconds=61)
    clock.set_wall_clock(DEADLINE)
    assert not expire_issue(database, 1, boot=clock.boot(), now=clock.now())
    clock.set_wall_clock(DEADLINE + timedelta(seconds=1))
    assert expire_issue(database, 1, boot=clock.boot(), now=clock.now())
    assert counts(database) == {"failed": 3, "uncertain": 2, "sent": 1}
    assert get_issue_by_id(database, 1).state is IssueState.FAILED
    with pytest.raises(LeaseLostError):
        renew_lease(database, sending, boot=clock.boot())


def test_an_expired_issue_can_be_opened_again_for_what_is_resent(database, clock, sending):
    clock.advance(hours=37)
    expire_issue(database, 1, boot=clock.boot(), now=clock.now())
    with database.transaction():
        assert resolve_uncertain(database, 1, as_sent=False, addresses=["READER00001@example.com"], now=NOW) == 1
        reopen_issue(database, 1, deadline=clock.now() + timedelta(hours=36))
    lease = claim(database, clock, "second")
    assert [delivery.address for delivery in take(database, lease, clock, 9)] == ["reader00001@example.com"]


def test_skipping_is_noted_once_and_never_over_an_issue(database, clock):
    record_skipped(database, "weekly", OCCURRENCE, reason="too late", now=NOW)
    record_skipped(database, "weekly", OCCURRENCE, reason="another", now=NOW)
    issue = get_issue(database, "weekly", EDITION)
    assert (issue.state, issue.reason, issue.origin) == (IssueState.SKIPPED, "too late", "schedule")
    other = replace(OCCURRENCE, edition=date(2026, 3, 9))
    claim(database, clock, occurrence=other)
    record_skipped(database, "weekly", other, reason="too late", now=NOW)
    assert get_issue(database, "weekly", other.edition).state is IssueState.SENDING


def test_a_skipped_edition_can_be_begun_again_by_hand_with_time_to_send_it(database, clock):
    record_skipped(database, "weekly", OCCURRENCE, reason="too late", now=NOW)
    assert claim(database, clock) is None
    assert reopen_unsent(database, "weekly", EDITION)
    assert claim(database, clock, origin="manual")
    assert get_issue(database, "weekly", EDITION).deadline == DEADLINE


def test_what_was_frozen_is_not_begun_again(database, clock, sending):
    assert not reopen_unsent(database, "weekly", EDITION)
    clock.advance(hours=37)
    expire_issue(database, 1, boot=clock.boot(), now=clock.now())
    assert not reopen_unsent(database, "weekly", EDITION)
    assert not reopen_unsent(database, "weekly", date(2020, 1, 1))


def test_contents_are_frozen_once_and_come_back_as_they_were(database, clock):
    lease = claim(database, clock)
    freeze(database, lease, clock, frozen={"window": {"end": NOW.isoformat()}, "한": [1, None, 2.5]})
    assert list_variants(database, 1) == (VARIANT,)
    assert list_choices(database, 1) == (FrozenChoice(article_id="1", position=1, choice={"제목": "글"}),)
    issue = get_issue_by_id(database, 1)
    assert issue.frozen == {"window": {"end": NOW.isoformat()}, "한": [1, None, 2.5]}
    assert issue.frozen_at == NOW
    with pytest.raises(IssueError, match="is frozen already; its contents cannot be replaced"):
        freeze(database, lease, clock, frozen={"other": 1})
    assert get_issue_by_id(database, 1).frozen == issue.frozen


def test_a_failed_freezing_leaves_nothing_behind(database, clock):
    lease = claim(database, clock)
    add_readers(database, range(3))
    with pytest.raises(DigestError), database.transaction():
        freeze_issue(
            database, lease, frozen={}, choices=(), variants=(VARIANT, VARIANT), boot=clock.boot(), now=clock.now()
        )
    assert get_issue_by_id(database, 1).frozen_at is None
    assert list_variants(database, 1) == ()


def test_lists_tell_editions_recent_articles_and_where_windows_ended(database, clock):
    for week in range(3):
        occurrence = Occurrence(edition=EDITION + timedelta(weeks=week), due_at=NOW + timedelta(weeks=week))
        lease = claim(database, clock, occurrence=occurrence, origin="manual" if week == 2 else "schedule")
        freeze(database, lease, clock, frozen={"window": {"end": (NOW + timedelta(weeks=week)).isoformat()}})
        finish_issue(database, lease, state=IssueState.SENT, reason="", boot=clock.boot(), now=clock.now())
    third = EDITION + timedelta(weeks=2)
    assert [issue.edition for issue in list_issues(database)] == [third, third - timedelta(7), EDITION]
    assert len(list_issues(database, "daily")) == 0
    assert len(list_issues(database, "weekly", state=IssueState.SENT, limit=2)) == 2
    assert list_editions(database, "weekly") == (
        frozenset({EDITION, EDITION + timedelta(7), third}),
        EDITION + timedelta(7),
    )
    assert list_recently_shown(database, "weekly", third, 4) == {"1": EDITION + timedelta(7)}
    assert list_recently_shown(database, "weekly", third, 0) == {}
    assert get_previous_window_end(database, "weekly", third) == NOW + timedelta(7)
    assert get_previous_window_end(database, "weekly", EDITION) is None
