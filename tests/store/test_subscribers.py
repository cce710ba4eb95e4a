"""Who subscribes, and who must not be mailed again."""

from dataclasses import replace
from datetime import timedelta

import pytest

from digest.errors import AddressError, NotFoundError
from digest.model import SubscriberState, Subscription
from digest.store import subscriber_search as subscribers_module
from digest.store.secrets import hash_address
from digest.store.subscriber_search import SubscriberFilter, count_by_state, count_suppressed, list_subscribers
from digest.store.subscribers import (
    Change,
    Profile,
    change_subscriber,
    get_subscriber,
    get_subscriber_by_id,
    save_profile,
    suppress,
    take_out,
)
from workspaces import NOW, add_readers, reader_address

KEY = b"k" * 32
KIM = Profile(
    address="kim@example.com",
    name="김하나",
    newsletters=("weekly",),
    consent_source="form at /subscribe",
    consent_at=NOW - timedelta(days=30),
)
LEFT = [SubscriberState.UNSUBSCRIBED, SubscriberState.BOUNCED, SubscriberState.COMPLAINED]
READING = [SubscriberState.ACTIVE, SubscriberState.PENDING]


def save(database, profile=KIM, *, resubscribe=False, now=NOW) -> Change:
    with database.transaction():
        hashed = hash_address(KEY, profile.address)
        return save_profile(database, profile, address_hash=hashed, resubscribe=resubscribe, now=now)


def rows(database):
    return [
        tuple(row)
        for table in ("subscriber", "subscription")
        for row in database.rows(f"SELECT * FROM {table} ORDER BY 1, 2")
    ]


def test_a_new_person_is_kept_with_their_consent(database):
    assert save(database) is Change.ADDED
    kim = get_subscriber(database, "kim@example.com")
    assert kim.name == "김하나"
    assert kim.state is SubscriberState.ACTIVE
    assert kim.subscriptions == (Subscription(newsletter="weekly"),)
    assert (kim.consent_source, kim.consent_at) == ("form at /subscribe", NOW - timedelta(days=30))
    assert (kim.created_at, kim.left_at) == (NOW, None)
    assert get_subscriber_by_id(database, kim.id) == kim


def test_consent_without_a_moment_is_given_now(database):
    save(database, replace(KIM, consent_at=None))
    assert get_subscriber(database, KIM.address).consent_at == NOW


@pytest.mark.parametrize("state", SubscriberState)
def test_the_same_profile_again_changes_nothing(database, state):
    profile = replace(KIM, state=state)
    save(database, profile)
    before = rows(database)
    assert save(database, profile, now=NOW + timedelta(days=1)) is Change.UNCHANGED
    assert rows(database) == before


def test_what_is_not_said_stays(database):
    save(database, replace(KIM, sections=("economy",), locale="ko", timezone="Asia/Seoul"))
    before = rows(database)
    assert save(database, Profile(address=KIM.address)) is Change.UNCHANGED
    assert rows(database) == before


def test_what_is_said_is_brought_up_to_date_and_consent_stays_what_it_was(database):
    save(database)
    changed = replace(KIM, name="김두리", newsletters=("daily", "weekly"), sections=("life",), consent_source="other")
    assert save(database, changed) is Change.UPDATED
    kim = get_subscriber(database, KIM.address)
    assert kim.name == "김두리"
    assert kim.subscriptions == (
        Subscription(newsletter="daily", sections=("life",)),
        Subscription(newsletter="weekly", sections=("life",)),
    )
    assert (kim.consent_source, kim.consent_at) == (KIM.consent_source, KIM.consent_at)


@pytest.mark.parametrize("wanted", READING)
@pytest.mark.parametrize("state", LEFT)
def test_nobody_who_left_is_revived_by_being_named_again(database, state, wanted):
    """Neither as active nor by the way of pending, which the next file could make active."""
    save(database)
    take_out(database, KIM.address, state=state, now=NOW)
    before = rows(database)
    with pytest.raises(AddressError, match=rf"kim@example\.com is {state} on 2026-03-02; --resubscribe revives it"):
        save(database, replace(KIM, name="새 이름", state=wanted))
    assert rows(database) == before


@pytest.mark.parametrize("state", LEFT)
def test_resubscribing_brings_a_person_back_with_a_new_consent(database, state):
    save(database)
    take_out(database, KIM.address, state=state, now=NOW)
    assert save(database, replace(KIM, consent_source="letter", consent_at=NOW), resubscribe=True) is Change.UPDATED
    kim = get_subscriber(database, KIM.address)
    assert (kim.state, kim.left_at) == (SubscriberState.ACTIVE, None)
    assert (kim.consent_source, kim.consent_at) == ("letter", NOW)


@pytest.mark.parametrize("wanted", READING)
def test_a_suppressed_address_is_not_added_though_nobody_is_known_by_it(database, wanted):
    """Suppression outlives erasure: only the keyed hash of the address is left."""
    suppress(database, hash_address(KEY, KIM.address), reason="erased on request", now=NOW)
    with pytest.raises(AddressError, match=r"is suppressed \(erased on request\); --resubscribe revives it"):
        save(database, replace(KIM, address="KIM@example.com", state=wanted))
    assert get_subscriber(database, KIM.address) is None
    assert save(database, resubscribe=True) is Change.ADDED
    assert count_suppressed(database) == 0


def test_suppression_twice_is_one_and_keeps_its_first_reason(database):
    for reason in ("hard bounce", "complaint"):
        suppress(database, hash_address(KEY, KIM.address), reason=reason, now=NOW)
    assert count_suppressed(database) == 1
    assert database.value("SELECT reason FROM suppression") == "hard bounce"


@pytest.mark.parametrize("state", LEFT)
def test_a_list_of_people_who_left_is_imported_as_such(database, state):
    """A suppression list of a former system says who must not be mailed; that needs no consent."""
    assert save(database, replace(KIM, state=state)) is Change.ADDED
    kim = get_subscriber(database, KIM.address)
    assert (kim.state, kim.left_at) == (state, NOW)
    with pytest.raises(AddressError, match=f"is {state}"):
        save(database)


def test_confirming_makes_a_pending_person_active_with_that_consent(database):
    save(database, replace(KIM, state=SubscriberState.PENDING, consent_source="", consent_at=None))
    assert save(database, replace(KIM, consent_source="confirmed", consent_at=NOW)) is Change.UPDATED
    kim = get_subscriber(database, KIM.address)
    assert (kim.state, kim.consent_source, kim.consent_at) == (SubscriberState.ACTIVE, "confirmed", NOW)


def test_letter_case_makes_no_second_person(database):
    save(database)
    assert save(database, replace(KIM, address="Kim@example.com")) is Change.UNCHANGED
    assert get_subscriber(database, "KIM@EXAMPLE.COM").address == "kim@example.com"
    assert len(list(list_subscribers(database, SubscriberFilter()))) == 1


@pytest.mark.parametrize("state", SubscriberState)
def test_changing_a_name_leaves_state_and_times_alone(database, state):
    save(database, replace(KIM, state=state))
    before = get_subscriber(database, KIM.address)
    changed = change_subscriber(database, Profile(address=KIM.address, name="새 이름"), now=NOW + timedelta(days=1))
    assert changed == replace(before, name="새 이름")


def test_leaving_is_noted_once(database):
    save(database)
    later = NOW + timedelta(hours=1)
    assert take_out(database, "KIM@example.com", state=SubscriberState.UNSUBSCRIBED, now=NOW)
    assert not take_out(database, KIM.address, state=SubscriberState.UNSUBSCRIBED, now=later)
    assert get_subscriber(database, KIM.address).left_at == NOW


def test_somebody_unknown_is_said(database):
    with pytest.raises(NotFoundError, match="no subscriber has the address lee@example"):
        take_out(database, "lee@example.com", state=SubscriberState.UNSUBSCRIBED, now=NOW)
    with pytest.raises(NotFoundError):
        change_subscriber(database, Profile(address="lee@example.com"), now=NOW)
    assert get_subscriber_by_id(database, 1) is None


@pytest.mark.parametrize(("limit", "expected"), [(-1, 25), (0, 0), (1, 1), (7, 7), (20, 20), (99, 25)])
def test_a_long_list_comes_in_pages_whole_and_in_order(database, monkeypatch, limit, expected):
    monkeypatch.setattr(subscribers_module, "_PAGE_SIZE", 7)
    add_readers(database, range(25), newsletters=("weekly", "daily"))
    found = list(list_subscribers(database, SubscriberFilter(), limit=limit))
    assert [subscriber.address for subscriber in found] == [reader_address(number) for number in range(expected)]
    assert all(len(subscriber.subscriptions) == 2 for subscriber in found)


def test_a_list_may_be_read_while_it_changes(database, monkeypatch):
    """A page is fetched whole: nothing pins the log, and people who come later are found at the end."""
    monkeypatch.setattr(subscribers_module, "_PAGE_SIZE", 2)
    add_readers(database, range(4))
    found = []
    for subscriber in list_subscribers(database, SubscriberFilter()):
        found.append(subscriber.address)
        if len(found) == 2:
            add_readers(database, [9])
    assert found == [reader_address(number) for number in (0, 1, 2, 3, 9)]


def test_filters_hold_together(database):
    add_readers(database, [1, 2], locale="en")
    add_readers(database, [3], newsletters=("daily",))
    add_readers(database, [4], newsletters=())
    take_out(database, reader_address(2), state=SubscriberState.UNSUBSCRIBED, now=NOW)

    def numbers(**wanted):
        return [int(s.address[6:11]) for s in list_subscribers(database, SubscriberFilter(**wanted))]

    assert numbers() == [1, 2, 3, 4]
    assert numbers(state=SubscriberState.ACTIVE) == [1, 3, 4]
    assert numbers(locale="en") == [1, 2]
    assert numbers(newsletter="weekly") == [1, 2]
    assert numbers(newsletter="weekly", state=SubscriberState.ACTIVE, locale="en") == [1]
    assert numbers(text="READER00003") == [3]
    assert numbers(text="독자 4") == [4]
    assert numbers(text="%") == []
    assert count_by_state(database)[SubscriberState.ACTIVE] == 3
    assert count_by_state(database, "weekly") == {
        **dict.fromkeys(SubscriberState, 0),
        SubscriberState.ACTIVE: 1,
        SubscriberState.UNSUBSCRIBED: 1,
    }


def test_an_erased_persons_number_is_never_given_to_another(database):
    """Links and Message-IDs are made from it."""
    add_readers(database, [1, 2])
    last = get_subscriber(database, reader_address(2)).id
    database.execute("DELETE FROM subscriber WHERE id = ?", (last,))
    add_readers(database, [3])
    assert get_subscriber(database, reader_address(3)).id > last
