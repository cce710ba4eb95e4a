"""What pacing asks of the store: timezones of readers, opening times of rows, messages handed over lately."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from digest.model import IssueState, SubscriberState
from digest.schedule import reader_moments
from digest.store.issues import finish_issue
from digest.store.leases import claim_issue
from digest.store.pacing import (
    _COUNT_SENT_SINCE,
    _SET_OPENING_TIMES,
    count_sent_since,
    list_timezones,
    set_opening_times,
)
from digest.store.subscribers import take_out
from ledgers import CLAIMED, DEFERRED, FAILED, OCCURRENCE, SENT, UNCERTAIN, Ledger, result
from workspaces import EDITION, NOW, add_readers, reader_address

SEOUL, EIGHT = ZoneInfo("Asia/Seoul"), time(8)
LIVING_IN = ("", "Asia/Seoul", "Pacific/Auckland", "America/New_York", "Mars/Olympus", 'quo"ted\\', "한국")


@pytest.fixture
def ledger():
    """One reader in each place."""
    made = Ledger(0)
    for number, timezone in enumerate(LIVING_IN):
        add_readers(made.database, [number], timezone=timezone)
    yield made
    made.close()


@pytest.fixture
def lease(ledger):
    held = ledger.claim()
    ledger.freeze(held)
    return held


def opening_times(ledger):
    rows = ledger.database.rows("SELECT id, next_at FROM delivery ORDER BY id")
    return {LIVING_IN[row["id"] - 1]: row["next_at"] for row in rows}


def test_timezones_are_those_of_active_readers_of_the_newsletter(ledger):
    add_readers(ledger.database, [50], timezone="Europe/London", newsletters=("daily",))
    add_readers(ledger.database, [51], timezone="Europe/Paris")
    take_out(ledger.database, reader_address(51), state=SubscriberState.UNSUBSCRIBED, now=NOW)
    assert list_timezones(ledger.database, "weekly") == frozenset(LIVING_IN)
    assert list_timezones(ledger.database, "daily") == {"Europe/London"}
    assert list_timezones(ledger.database, "none") == frozenset()


def test_each_queued_row_waits_for_its_readers_moment_and_an_unknown_timezone_for_the_newsletters_own(ledger, lease):
    moments = reader_moments(EDITION, EIGHT, SEOUL, LIVING_IN)
    with ledger.database.transaction():
        set_opening_times(ledger.database, lease.issue_id, moments)
    own = int(datetime(2026, 3, 1, 23, tzinfo=UTC).timestamp())
    assert opening_times(ledger) == dict.fromkeys(LIVING_IN, own) | {
        "Pacific/Auckland": own - 4 * 3600,
        "America/New_York": own + 14 * 3600,
    }


def test_a_timezone_without_a_moment_of_its_own_has_that_of_the_newsletter(ledger, lease):
    with ledger.database.transaction():
        set_opening_times(ledger.database, lease.issue_id, {"": NOW})
    assert set(opening_times(ledger).values()) == {int(NOW.timestamp())}


def test_only_queued_rows_of_that_issue_are_touched(ledger, lease):
    taken = [delivery.id for delivery in ledger.take(lease, 2)]
    with ledger.database.transaction():
        set_opening_times(ledger.database, lease.issue_id + 1, {"": NOW})
        set_opening_times(ledger.database, lease.issue_id, {"": NOW + timedelta(hours=1)})
    waiting = {LIVING_IN.index(timezone) + 1 for timezone, next_at in opening_times(ledger).items() if next_at}
    assert waiting == set(ledger.states()) - set(taken)
    assert {ledger.states()[row] for row in taken} == {CLAIMED}


def test_rows_are_claimed_when_their_moment_has_come(ledger, lease):
    with ledger.database.transaction():
        set_opening_times(ledger.database, lease.issue_id, reader_moments(EDITION, EIGHT, SEOUL, LIVING_IN))
    ledger.clock.set_wall_clock(datetime(2026, 3, 1, 19, tzinfo=UTC))
    assert [LIVING_IN[delivery.id - 1] for delivery in ledger.take(lease)] == ["Pacific/Auckland"]
    ledger.clock.set_wall_clock(datetime(2026, 3, 2, 12, 59, 59, tzinfo=UTC))
    assert len(ledger.take(lease)) == len(LIVING_IN) - 2
    ledger.clock.set_wall_clock(datetime(2026, 3, 2, 13, tzinfo=UTC))
    assert [LIVING_IN[delivery.id - 1] for delivery in ledger.take(lease)] == ["America/New_York"]


def test_messages_count_once_they_are_handed_over_and_also_when_in_doubt(ledger, lease):
    rows = [delivery.id for delivery in ledger.take(lease)]
    assert count_sent_since(ledger.database, NOW) == 0
    ledger.advance(lease, to_wire=rows[:5])
    assert count_sent_since(ledger.database, NOW) == 5
    states = (SENT, UNCERTAIN, DEFERRED, FAILED)
    ledger.advance(lease, results=[result(row, state) for row, state in zip(rows, states, strict=False)])
    assert count_sent_since(ledger.database, NOW) == 3


def test_messages_of_the_day_before_do_not_count(ledger, lease):
    rows = [delivery.id for delivery in ledger.take(lease)]
    ledger.advance(lease, to_wire=rows[:3])
    ledger.advance(lease, results=[result(row, SENT) for row in rows[:3]])
    ledger.clock.advance(days=1)
    ledger.advance(lease, to_wire=rows[3:5])
    assert count_sent_since(ledger.database, NOW) == 5
    assert count_sent_since(ledger.database, NOW + timedelta(days=1)) == 2
    assert count_sent_since(ledger.database, NOW + timedelta(days=1, seconds=1)) == 0


def test_issues_of_all_newsletters_count_those_that_ended_today_too(ledger, lease):
    rows = [delivery.id for delivery in ledger.take(lease)]
    ledger.advance(lease, to_wire=rows)
    ledger.advance(lease, results=[result(row, SENT) for row in rows])
    add_readers(ledger.database, [60], newsletters=("daily",))
    finish_issue(ledger.database, lease, state=IssueState.SENT, reason="", **ledger.at)
    other = claim_issue(
        ledger.database, "daily", OCCURRENCE, origin="schedule", deadline=NOW + timedelta(days=1), owner="one",
        **ledger.at,
    )  # fmt: skip
    ledger.database.execute(
        """INSERT INTO delivery (issue_id, subscriber_id, variant, state, updated_at)
        SELECT ?, id, '', 'sent', ? FROM subscriber WHERE address = ?""",
        (other.issue_id, int(NOW.timestamp()), reader_address(60)),
    )
    assert count_sent_since(ledger.database, NOW) == len(LIVING_IN) + 1


def query_plan(ledger, sql, **values):
    return [row["detail"] for row in ledger.database.rows(f"EXPLAIN QUERY PLAN {sql}", values)]


def test_counting_walks_the_index_of_issues_that_were_open_and_not_the_whole_ledger(ledger):
    plan = query_plan(ledger, _COUNT_SENT_SINCE, since=0)
    assert not [step for step in plan if step.startswith("SCAN delivery")]


def test_each_row_finds_its_moment_by_an_index(ledger):
    """Looking through all moments for each of a million rows took five times as long."""
    plan = query_plan(ledger, _SET_OPENING_TIMES, issue=1, own=0, moments="{}")
    assert [step for step in plan if step.startswith("SEARCH moment")]


def test_the_first_of_the_moments_is_never_before_the_edition_has_begun():
    assert min(reader_moments(date(2026, 3, 2), EIGHT, SEOUL, LIVING_IN).values()) >= datetime(2026, 3, 2, tzinfo=SEOUL)
