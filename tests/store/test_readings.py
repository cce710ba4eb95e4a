"""Who opened and clicked: people and programs apart, each once, and the sums that outlive what is known of people."""

from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digest.store.erase import erase_subscriber
from digest.store.issue_links import IssueLink, find_target, list_clicks, save_links
from digest.store.readings import (
    ReadingSums,
    count_click,
    count_opening,
    find_burst,
    find_copy,
    forget_readings,
    forget_recent_clicks,
    list_readings,
    read_sums,
)
from ledgers import SENT, Ledger, result
from workspaces import EDITION, NOW, reader_address

LINKS = 10


@pytest.fixture
def ledger():
    made = Ledger(readers=3)
    lease = made.claim()
    made.freeze(lease)
    made.advance(lease, to_wire=[row.id for row in made.take(lease)])
    made.advance(lease, results=[result(1, SENT), result(2, SENT)])
    links = [IssueLink(place=n, article_id=f"a{n}", url=f"https://hanbit.example/{n}") for n in range(1, LINKS + 1)]
    save_links(made.database, 1, links)
    yield made
    made.close()


def click(ledger, place, second, *, person=1, by_machine=False):
    copy = find_copy(ledger.database, 1, person)
    with ledger.database.transaction():
        count_click(ledger.database, copy, place, is_machine=by_machine, now=NOW + timedelta(seconds=second))


def look(ledger, second, *, person=1, is_sure=True):
    copy = find_copy(ledger.database, 1, person)
    with ledger.database.transaction():
        count_opening(ledger.database, copy, is_sure=is_sure, now=NOW + timedelta(seconds=second))


def clicks(ledger):
    return {c.link.place: (c.people, c.machines) for c in list_clicks(ledger.database, 1) if c.people or c.machines}


def sums(ledger):
    return read_sums(ledger.database, 1)


def test_a_link_leads_to_its_own_issues_target_alone(ledger):
    assert find_target(ledger.database, 1, 3) == "https://hanbit.example/3"
    assert find_target(ledger.database, 1, LINKS + 1) is None
    assert find_target(ledger.database, 2, 3) is None


def test_a_copy_that_has_not_left_yet_was_sent_at_no_known_time(ledger):
    assert find_copy(ledger.database, 1, 1).sent_at == NOW
    assert find_copy(ledger.database, 1, 3).sent_at is None
    assert find_copy(ledger.database, 1, 99) is None


def test_two_links_in_a_minute_are_a_person_and_a_click_is_an_opening(ledger):
    click(ledger, 1, 100)
    click(ledger, 2, 130)
    assert clicks(ledger) == {1: (1, 0), 2: (1, 0)}
    assert sums(ledger) == ReadingSums(opened=1, clicked=1)


def test_three_links_within_four_seconds_are_a_machine_from_the_first_on(ledger):
    look(ledger, 100)
    click(ledger, 1, 100)
    click(ledger, 2, 102)
    assert sums(ledger).clicked == 1
    click(ledger, 3, 104)
    assert clicks(ledger) == {1: (0, 1), 2: (0, 1), 3: (0, 1)}
    assert sums(ledger) == ReadingSums(prefetched=1, machines=1)


def test_a_click_just_before_one_of_a_program_that_says_so_was_its_too(ledger):
    click(ledger, 1, 100)
    click(ledger, 2, 102, by_machine=True)
    assert clicks(ledger) == {1: (0, 1), 2: (0, 1)}
    assert sums(ledger) == ReadingSums(machines=1)


def test_what_follows_a_burst_at_once_belongs_to_it(ledger):
    for place, second in ((1, 100), (2, 101), (3, 102), (4, 105), (5, 109)):
        click(ledger, place, second)
    look(ledger, 110)
    assert clicks(ledger) == dict.fromkeys(range(1, 6), (0, 1))
    assert sums(ledger) == ReadingSums(prefetched=1, machines=1)


def test_a_slow_walk_through_most_links_is_a_machine(ledger):
    for place in range(1, 7):
        click(ledger, place, 100 + 9 * place)
    assert clicks(ledger) == dict.fromkeys(range(1, 7), (0, 1))


def test_a_reader_who_takes_their_time_with_many_links_is_a_person(ledger):
    for place in range(1, LINKS + 1):
        click(ledger, place, 100 + 40 * place)
    assert clicks(ledger) == dict.fromkeys(range(1, LINKS + 1), (1, 0))


def test_a_burst_leaves_what_the_person_did_before_it(ledger):
    click(ledger, 1, 100)
    for place in (2, 3, 4):
        click(ledger, place, 5000)
    assert clicks(ledger) == {1: (1, 0), 2: (0, 1), 3: (0, 1), 4: (0, 1)}
    assert sums(ledger) == ReadingSums(opened=1, clicked=1)


def test_one_readers_burst_is_no_other_readers(ledger):
    click(ledger, 1, 100, person=1)
    click(ledger, 2, 101, person=2)
    click(ledger, 3, 101, person=1)
    assert clicks(ledger) == {1: (1, 0), 2: (1, 0), 3: (1, 0)}


def test_a_click_is_counted_again_on_another_day_and_the_person_once(ledger):
    click(ledger, 1, 100)
    click(ledger, 1, 900)
    assert clicks(ledger) == {1: (1, 0)}
    forget_recent_clicks(ledger.database, now=NOW + timedelta(days=2))
    click(ledger, 1, 200_000)
    assert clicks(ledger) == {1: (2, 0)}
    assert sums(ledger).clicked == 1


def test_who_was_prefetched_and_opens_later_moves_over(ledger):
    look(ledger, 1, is_sure=False)
    assert sums(ledger) == ReadingSums(prefetched=1)
    look(ledger, 5000)
    assert sums(ledger) == ReadingSums(opened=1)


def test_what_is_kept_of_a_person_can_be_told(ledger):
    look(ledger, 100)
    click(ledger, 1, 200)
    (known,) = list_readings(ledger.database, 1)
    assert (known.newsletter, known.edition) == ("weekly", EDITION.isoformat())
    assert (known.opened_at, known.clicked_at) == (NOW + timedelta(seconds=100), NOW + timedelta(seconds=200))
    assert (known.prefetched_at, known.machine_at) == (None, None)
    assert list_readings(ledger.database, 2) == ()


def test_sums_outlive_people_and_readings(ledger):
    click(ledger, 1, 100, person=1)
    look(ledger, 100, person=2)
    before = (clicks(ledger), sums(ledger))
    with ledger.database.transaction():
        erase_subscriber(ledger.database, reader_address(0), address_hash=b"x", now=NOW)
    assert ledger.database.rows("SELECT 1 FROM reading WHERE subscriber_id = 1") == []
    assert ledger.database.rows("SELECT 1 FROM recent_click") == []
    forget_readings(ledger.database, days=lambda _: 30, now=NOW + timedelta(days=29))
    assert ledger.database.value("SELECT count(*) FROM reading") == 1
    forget_readings(ledger.database, days=lambda _: 30, now=NOW + timedelta(days=31))
    assert ledger.database.value("SELECT count(*) FROM reading") == 0
    assert (clicks(ledger), sums(ledger)) == before


STEP = st.tuples(
    st.sampled_from(["click", "machine", "look", "prefetch"]),
    st.integers(1, 3),
    st.integers(1, LINKS),
    st.sampled_from([0, 1, 2, 7, 100]),
)


@settings(max_examples=40, deadline=None)
@given(steps=st.lists(STEP, max_size=25))
def test_sums_are_always_those_of_the_rows(steps):
    """Whatever comes in which order, no sum is wrong or below zero."""
    ledger = Ledger(readers=3)
    try:
        ledger.freeze(ledger.claim())
        save_links(
            ledger.database, 1, [IssueLink(place=n, article_id="a", url="https://h.example") for n in range(1, 11)]
        )
        second = 0
        for kind, person, place, pause in steps:
            second += pause
            if kind in ("click", "machine"):
                click(ledger, place, second, person=person, by_machine=kind == "machine")
            else:
                look(ledger, second, person=person, is_sure=kind == "look")
        counted = ledger.database.row(
            """SELECT coalesce(sum(opened_at IS NOT NULL OR clicked_at IS NOT NULL), 0),
            coalesce(sum(prefetched_at IS NOT NULL AND opened_at IS NULL AND clicked_at IS NULL), 0),
            coalesce(sum(clicked_at IS NOT NULL), 0),
            coalesce(sum(machine_at IS NOT NULL AND clicked_at IS NULL), 0) FROM reading"""
        )
        found = sums(ledger)
        assert (found.opened, found.prefetched, found.clicked, found.machines) == tuple(counted)
        by_link = {
            row[0]: (row[1], row[2])
            for row in ledger.database.rows(
                "SELECT place, sum(1 - is_machine), sum(is_machine) FROM recent_click GROUP BY place"
            )
        }
        assert clicks(ledger) == by_link
    finally:
        ledger.close()


@pytest.mark.parametrize(
    ("firsts", "links", "began"),
    [
        ([100, 100, 100], 10, 100),
        ([96, 100, 100], 10, 96),
        ([95, 100, 100], 10, None),
        ([100, 100], 2, 100),
        ([100, 100], 3, None),
        ([50, 60, 70, 80, 90, 100], 10, 50),
        ([50, 60, 70, 80, 90], 10, None),
        ([60, 70, 80, 100], 5, None),
    ],
)
def test_a_burst_is_three_at_once_or_most_in_a_minute(firsts, links, began):
    assert find_burst(firsts, links, 100) == began
