"""Who may send an issue, and where it stands: claims, leases, fences, and the operator's commands."""

import multiprocessing
import time
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest

from digest.clock import BootTime, Clock
from digest.errors import DigestError, IssueError, LeaseLostError, NotFoundError
from digest.model import DeliveryState, IssueState
from digest.schedule import Occurrence
from digest.store.database import open_database
from digest.store.issues import (
    FrozenChoice,
    Variant,
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
from digest.store.leases import (
    LEASE_SECONDS,
    Lease,
    claim_issue,
    list_leases,
    release_dead_holder,
    release_lease,
    renew_lease,
    settle_stopped_issues,
)
from digest.store.ledger import (
    DeliveryResult,
    advance_deliveries,
    claim_deliveries,
    count_deliveries,
    queue_deliveries,
    reopen_issue,
    resolve_uncertain,
)
from workspaces import BOOT, EDITION, NOW, SetClock, add_readers

OCCURRENCE = Occurrence(edition=EDITION, due_at=NOW - timedelta(hours=1))
DEADLINE = NOW + timedelta(hours=36)
EDITIONS = 200
SPAWN = multiprocessing.get_context("spawn")
VARIANT = Variant(
    key='["",[]]', article_ids=("1",), subject="제목 <1>", preheader="줄", html="<p>‰</p>\r\n", text="글\n"
)


@pytest.fixture
def clock():
    return SetClock()


def claim(database, clock, owner="first", **changes) -> Lease | None:
    values = {"occurrence": OCCURRENCE, "origin": "schedule", "deadline": DEADLINE, "newsletter": "weekly"} | changes
    newsletter, occurrence = values.pop("newsletter"), values.pop("occurrence")
    return claim_issue(database, newsletter, occurrence, owner=owner, boot=clock.boot(), now=clock.now(), **values)


def freeze(database, lease, clock, *, queue=True, frozen=None) -> None:
    with database.transaction():
        freeze_issue(
            database,
            lease,
            frozen=frozen or {"window": {"end": NOW.isoformat()}},
            choices=(FrozenChoice(article_id="1", position=1, choice={"제목": "글"}),),
            variants=(VARIANT,),
            boot=clock.boot(),
            now=clock.now(),
        )
        if queue:
            queue_deliveries(database, lease, "weekly", now=clock.now())


def take(database, lease, clock, limit):
    return claim_deliveries(database, lease, limit=limit, boot=clock.boot(), now=clock.now())


def advance(database, lease, clock, *, results=(), to_wire=()):
    advance_deliveries(database, lease, results=results, to_wire=to_wire, boot=clock.boot(), now=clock.now())


def sent(delivery_id, state=DeliveryState.SENT):
    return DeliveryResult(delivery_id=delivery_id, state=state, code=250, reply="ok")


def counts(database, issue_id=1):
    return {str(state): count for state, count in count_deliveries(database, issue_id).items() if count}


@pytest.fixture
def sending(database, clock):
    """An issue in mid-send: six readers, of whom one is sent, two are on the wire and one is claimed."""
    add_readers(database, range(6))
    lease = claim(database, clock)
    freeze(database, lease, clock)
    taken = [delivery.id for delivery in take(database, lease, clock, 4)]
    advance(database, lease, clock, to_wire=taken[:3])
    advance(database, lease, clock, results=[sent(taken[0])])
    assert counts(database) == {"queued": 2, "claimed": 1, "wire": 2, "sent": 1}
    return lease


def claim_all(path: Path, number: int, start, results) -> None:
    clock = Clock()
    with open_database(path) as database:
        start.wait()
        won = [
            day
            for day in range(EDITIONS)
            if claim_issue(
                database,
                "weekly",
                Occurrence(edition=EDITION + timedelta(days=day), due_at=NOW),
                origin="schedule",
                deadline=DEADLINE,
                owner=str(number),
                boot=clock.boot(),
                now=clock.now(),
            )
        ]
    results.put(won)


def test_eight_racing_processes_claim_each_edition_once(tmp_path):
    open_database(tmp_path / "digest.db", create=True).close()
    start, results = SPAWN.Barrier(8), SPAWN.Queue()
    processes = [SPAWN.Process(target=claim_all, args=(tmp_path / "digest.db", n, start, results)) for n in range(8)]
    for process in processes:
        process.start()
    won = [results.get(timeout=90) for _ in processes]
    for process in processes:
        process.join()
        assert process.exitcode == 0
    assert sorted(day for days in won for day in days) == list(range(EDITIONS))
    with open_database(tmp_path / "digest.db") as database:
        assert database.value("SELECT max(fence) FROM issue") == 0


def test_a_held_edition_cannot_be_claimed_and_an_unheld_one_once(database, clock):
    lease = claim(database, clock)
    assert lease == Lease(issue_id=1, owner="first", fence=0)
    assert claim(database, clock, "second") is None
    assert claim(database, clock, "first") is None
    clock.advance(seconds=LEASE_SECONDS)
    assert claim(database, clock, "second") is None
    clock.advance(seconds=0.1)
    assert claim(database, clock, "second") == Lease(issue_id=1, owner="second", fence=1)
    assert claim(database, clock, "third") is None


def test_a_claim_that_read_the_clock_earlier_than_the_holder_did_steals_nothing(database, clock):
    """The clock is read before waiting for the write lock, for 10 s at most: another may have claimed meanwhile."""
    late = SetClock(boot=replace(BOOT, seconds=BOOT.seconds + 10))
    assert claim(database, late)
    assert claim(database, clock, "second") is None


def test_a_renewed_lease_holds_on(database, clock):
    lease = claim(database, clock)
    for _ in range(5):
        clock.advance(seconds=50)
        renew_lease(database, lease, boot=clock.boot())
    assert claim(database, clock, "second") is None


def test_a_reboot_lets_every_lease_go(database, clock):
    claim(database, clock)
    rebooted = SetClock(boot=BootTime(boot_id="boot-2", seconds=5))
    assert claim(database, rebooted, "second")


def test_a_lease_from_the_far_future_is_that_of_a_former_boot(database):
    """Where the system has no boot id, seconds since boot begin again at zero."""
    claim(database, SetClock(boot=BootTime(boot_id="", seconds=90_000)))
    assert claim(database, SetClock(boot=BootTime(boot_id="", seconds=30)), "second")


@pytest.mark.parametrize("jump", [timedelta(hours=1), timedelta(hours=-1), timedelta(days=400)])
def test_a_jump_of_the_wall_clock_steals_no_lease(database, clock, jump):
    """A lease that counted in wall-clock time was stolen by a jump of an hour."""
    lease = claim(database, clock)
    clock.set_wall_clock(NOW + jump)
    assert claim(database, clock, "second") is None
    assert list_resumable(database, "weekly", boot=clock.boot(), now=clock.now()) == []
    assert not expire_issue(database, lease.issue_id, boot=clock.boot(), now=clock.now())


def test_a_takeover_makes_the_wire_uncertain_and_puts_the_claimed_back(database, clock, sending):
    clock.advance(seconds=61)
    assert claim(database, clock, "second")
    assert counts(database) == {"queued": 3, "uncertain": 2, "sent": 1}
    replies = {row["reply"] for row in database.rows("SELECT reply FROM delivery WHERE state = 'uncertain'")}
    assert replies == {"the sender stopped while this message was being handed over"}


def test_a_holder_that_was_overtaken_can_write_nothing(database, clock, sending):
    clock.advance(seconds=61)
    claim(database, clock, "second")
    before = [tuple(row) for table in ("issue", "delivery") for row in database.rows(f"SELECT * FROM {table}")]
    boot, now = clock.boot(), clock.now()
    claimed = [row["id"] for row in database.rows("SELECT id FROM delivery WHERE state = 'queued'")]
    for write in (
        lambda: take(database, sending, clock, 9),
        lambda: advance(database, sending, clock, results=[sent(2)]),
        lambda: advance(database, sending, clock, to_wire=claimed),
        lambda: finish_issue(database, sending, state=IssueState.SENT, reason="", boot=boot, now=now),
        lambda: freeze(database, sending, clock),
        lambda: renew_lease(database, sending, boot=boot),
    ):
        with pytest.raises(LeaseLostError, match="another process took this issue over"):
            write()
    release_lease(database, sending, resume_at=None, now=now)
    assert not release_dead_holder(database, sending)
    assert [tuple(row) for t in ("issue", "delivery") for row in database.rows(f"SELECT * FROM {t}")] == before


def test_a_dead_holder_is_released_by_name_and_fence(database, clock, sending):
    assert list_leases(database, "weekly", boot=clock.boot()) == [sending]
    assert list_leases(database, "daily", boot=clock.boot()) == []
    assert not release_dead_holder(database, replace(sending, fence=7))
    assert not release_dead_holder(database, replace(sending, owner="another"))
    assert claim(database, clock, "second") is None
    assert release_dead_holder(database, sending)
    assert list_leases(database, "weekly", boot=clock.boot()) == []
    assert claim(database, clock, "second").fence == 1


def test_a_released_issue_can_be_claimed_at_once_or_when_it_is_time(database, clock, sending):
    release_lease(database, sending, resume_at=NOW + timedelta(minutes=20), now=NOW)
    assert counts(database) == {"queued": 3, "uncertain": 2, "sent": 1}
    assert list_resumable(database, "weekly", boot=clock.boot(), now=clock.now()) == []
    clock.advance(minutes=20)
    assert [issue.id for issue in list_resumable(database, "weekly", boot=clock.boot(), now=clock.now())] == [1]
    assert claim(database, clock, "second")
    assert get_issue_by_id(database, 1).resume_at is None


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


def test_claims_are_quick(database):
    """Measured 0.24 ms a claim; generous against a busy machine."""
    clock = Clock()
    began = time.process_time()
    for day in range(200):
        occurrence = Occurrence(edition=EDITION + timedelta(days=day), due_at=NOW)
        assert claim(database, clock, occurrence=occurrence)
    assert time.process_time() - began < 1
