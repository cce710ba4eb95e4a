"""Joins, leaves and bounces by week, in the site's timezone; erased people count as they did."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from digest.model import SubscriberState
from digest.store.erase import erase_subscriber
from digest.store.growth import Week, read_growth
from digest.store.secrets import hash_address
from digest.store.subscribers import Profile, require_subscriber, save_profile, take_out
from workspaces import NOW, reader_address

KEY = b"k" * 32
SEOUL = ZoneInfo("Asia/Seoul")


def add(database, number, *, state=SubscriberState.ACTIVE, now=NOW, newsletters=("weekly",), resubscribe=False):
    profile = Profile(address=reader_address(number), newsletters=newsletters, state=state, consent_source="test")
    with database.transaction():
        hashed = hash_address(KEY, profile.address)
        save_profile(database, profile, address_hash=hashed, resubscribe=resubscribe, now=now)


def growth(database, *, weeks=1, timezone=SEOUL, now=NOW, newsletter=""):
    found = read_growth(database, weeks=weeks, timezone=timezone, now=now, newsletter=newsletter)
    return [(week.joins, week.leaves, week.bounces) for week in found]


def test_whoever_becomes_a_reader_joins_and_whoever_leaves_leaves(database):
    for number in range(5):
        add(database, number)
    take_out(database, reader_address(0), state=SubscriberState.UNSUBSCRIBED, now=NOW)
    take_out(database, reader_address(1), state=SubscriberState.COMPLAINED, now=NOW)
    take_out(database, reader_address(2), state=SubscriberState.BOUNCED, now=NOW)
    assert growth(database) == [(5, 2, 1)]
    add(database, 0, resubscribe=True)
    assert growth(database) == [(6, 2, 1)]


@pytest.mark.parametrize("state", [s for s in SubscriberState if s is not SubscriberState.ACTIVE])
def test_whoever_is_added_without_reading_does_not_join(database, state):
    add(database, 0, state=state)
    assert growth(database) == [(0, 0, 0)]


def test_a_person_joins_when_they_confirm(database):
    add(database, 0, state=SubscriberState.PENDING, now=NOW - timedelta(days=7))
    add(database, 0)
    assert growth(database, weeks=2) == [(0, 0, 0), (1, 0, 0)]


def erase(database, number):
    with database.transaction():
        address = reader_address(number)
        erase_subscriber(database, address, address_hash=hash_address(KEY, address), now=NOW)


@pytest.mark.parametrize("newsletter", ["", "weekly", "daily"])
@pytest.mark.parametrize("state", SubscriberState)
def test_erased_people_count_as_they_did_and_readers_among_them_leave(database, state, newsletter):
    add(database, 0)
    if state is not SubscriberState.ACTIVE:
        take_out(database, reader_address(0), state=state, now=NOW)
    add(database, 1, state=SubscriberState.PENDING)
    ((joins, leaves, bounces),) = growth(database, newsletter=newsletter)
    erase(database, 0)
    erase(database, 1)
    leaves += state is SubscriberState.ACTIVE and newsletter != "daily"
    assert growth(database, newsletter=newsletter) == [(joins, leaves, bounces)]


def test_weeks_begin_on_monday_where_the_site_is(database):
    sunday_in_utc = datetime(2026, 3, 1, 16, tzinfo=UTC)  # Monday 01:00 in Seoul
    add(database, 0, now=sunday_in_utc)
    assert growth(database, weeks=2, timezone=SEOUL) == [(0, 0, 0), (1, 0, 0)]
    assert growth(database, weeks=2, timezone=UTC) == [(1, 0, 0), (0, 0, 0)]
    assert Week(monday=date(2026, 3, 2), joins=0, leaves=0, bounces=0).name == "2026-W10"


def test_a_newsletter_counts_its_own(database):
    add(database, 0, newsletters=("weekly",))
    add(database, 1, newsletters=("daily",))
    add(database, 1, newsletters=("daily", "weekly"))
    assert require_subscriber(database, reader_address(1)).subscriptions
    assert growth(database, newsletter="daily") == [(1, 0, 0)]
    assert growth(database) == [(2, 0, 0)]
