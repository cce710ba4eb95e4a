"""People in bulk: written by sets, they become what they would have become one by one."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digest.errors import AddressError
from digest.model import SubscriberState
from digest.store.database import open_database, to_seconds
from digest.store.secrets import hash_address
from digest.store.subscriber_import import ImportRules, write_rows
from digest.store.subscriber_staging import StagedRow, number_rounds, open_staging, stage_rows
from digest.store.subscribers import Change, Profile, get_subscriber, save_profile, suppress
from digest.store.tags import add_tags, list_tags
from workspaces import NOW

KEY = b"k" * 32
READING = (SubscriberState.ACTIVE, SubscriberState.PENDING)
TABLES = {
    "subscriber": "address, name, locale, timezone, state, created_at, consent_source, consent_at, consent_wording, "
    "left_at",
    "subscription JOIN subscriber ON subscriber_id = id": "address, newsletter, sections",
    "given_up JOIN subscriber ON subscriber_id = id": "address, newsletter, given_up_at",
    "subscriber_tag JOIN subscriber ON subscriber_id = id": "address, tag",
    "suppression": "address_hash, reason",
}

words = st.lists(st.sampled_from(["a", "b", "c"]), unique=True, min_size=1, max_size=3).map(sorted)
maybe = st.none() | words.map(tuple)
profiles = st.builds(
    Profile,
    address=st.sampled_from(["kim@example.com", "Kim@example.com", "lee@example.com", "park@example.com"]),
    name=st.none() | st.sampled_from(["", "김", "O'Neil"]),
    locale=st.none() | st.sampled_from(["", "ko"]),
    timezone=st.none() | st.just("Asia/Seoul"),
    newsletters=maybe,
    sections=maybe,
    state=st.sampled_from(SubscriberState),
    consent_source=st.sampled_from(["file one", "file two"]),
    consent_at=st.none() | st.just(NOW - timedelta(days=9)),
)
people = st.lists(st.tuples(profiles, st.none() | words), max_size=6)
rules = st.builds(
    ImportRules,
    newsletters=st.sampled_from([(), ("a",), ("a", "c")]),
    default_newsletters=st.sampled_from([("a", "b"), ("c",)]),
    resubscribe=st.booleans(),
    now=st.just(NOW),
)


def state_in(known, profile, *, resubscribe):
    """An import makes nobody a reader who has to confirm, and nobody pending who is a reader."""
    if known is None or profile.state not in READING or known.state not in READING:
        return profile.state
    return profile.state if resubscribe and known.state is SubscriberState.PENDING else known.state


def write_one_by_one(database, rows, rule):
    """The rule, spelled out: `save_profile` for each row in turn."""
    outcomes = []
    with database.transaction():
        for profile, tags in rows:
            known = get_subscriber(database, profile.address)
            had = tuple(each.newsletter for each in known.subscriptions) if known else ()
            newsletters = profile.newsletters or tuple(dict.fromkeys((*had, *rule.newsletters)))
            wanted = replace(
                profile,
                newsletters=newsletters or rule.default_newsletters,
                state=state_in(known, profile, resubscribe=rule.resubscribe),
            )
            hashed = hash_address(KEY, profile.address)
            try:
                change = save_profile(database, wanted, address_hash=hashed, resubscribe=rule.resubscribe, now=rule.now)
            except AddressError as error:
                outcomes.append(str(error))
                continue
            person = get_subscriber(database, profile.address)
            is_new_tag = add_tags(database, person.id, tags or ()) > 0
            outcomes.append(Change.UPDATED if change is Change.UNCHANGED and is_new_tag else change)
    return outcomes


def to_row(position, profile, tags):
    return StagedRow(
        position=position,
        file=0,
        line=position + 1,
        address=profile.address,
        address_hash=hash_address(KEY, profile.address),
        name=profile.name,
        locale=profile.locale,
        timezone=profile.timezone,
        state=profile.state.value,
        newsletters=profile.newsletters and json.dumps(profile.newsletters),
        sections=profile.sections and json.dumps(profile.sections),
        tags=tags and json.dumps(tags),
        consent_source=profile.consent_source,
        consent_at=profile.consent_at and to_seconds(profile.consent_at),
        cells=None,
    )


def write_at_once(database, rows, rule):
    refused = []
    with open_staging(database):
        stage_rows(database, [to_row(number, *row) for number, row in enumerate(rows, 1)])
        rounds = number_rounds(database)
        with database.transaction():
            written = write_rows(database, rule, rounds=rounds, on_refused=refused.append)
    return written, refused


def content(database):
    """Everything about people but their ids, and the order of events of different people."""
    found = {}
    for table, columns in TABLES.items():
        rows = [tuple(row) for row in database.rows(f"SELECT {columns} FROM {table}")]
        found[table] = sorted(rows, key=repr)
    return found


def history(database):
    """What happened to each person, in order, without the tags: those are no part of a profile."""
    found = {}
    for row in database.rows(
        """SELECT address, kind, newsletter, happened_at, facts FROM subscriber_event AS event
        JOIN subscriber ON subscriber_id = subscriber.id ORDER BY event.id"""
    ):
        facts = json.loads(row["facts"])
        if fields := facts.get("fields"):
            facts["fields"] = [name for name in fields if name != "tags"]
        if facts.get("fields") != []:
            found.setdefault(row["address"], []).append((*row[1:4], facts))
    return found


@pytest.fixture(scope="module")
def two(tmp_path_factory):
    folder = tmp_path_factory.mktemp("people")
    with (
        open_database(folder / "one.db", create=True) as one,
        open_database(folder / "many.db", create=True) as many,
    ):
        yield one, many


def empty(database):
    with database.transaction():
        for table in ("subscriber_event", "subscriber", "suppression"):
            database.execute(f"DELETE FROM {table}")


@settings(max_examples=150, deadline=None)
@given(before=people, rows=people, rule=rules, suppressed=st.booleans())
def test_many_at_once_become_what_they_would_have_become_one_by_one(two, before, rows, rule, suppressed):
    one, many = two
    for database in two:
        empty(database)
        write_one_by_one(database, before, replace(rule, resubscribe=True, now=NOW - timedelta(days=30)))
        if suppressed:
            suppress(database, hash_address(KEY, "kim@example.com"), reason="by hand", now=NOW)
    outcomes = write_one_by_one(one, rows, rule)
    written, refused = write_at_once(many, rows, rule)
    assert content(many) == content(one)
    assert history(many) == history(one)
    assert written.changes == {change: outcomes.count(change) for change in Change}
    reasons = [outcome for outcome in outcomes if not isinstance(outcome, Change)]
    assert (sorted(person.reason for person in refused), written.refused) == (sorted(reasons), len(reasons))


def person(address="kim@example.com", **changes):
    return Profile(address=address, newsletters=("a",), consent_source="file", **changes)


RULE = ImportRules(newsletters=(), default_newsletters=("a",), resubscribe=False, now=NOW)


def test_a_file_that_says_active_makes_nobody_a_reader_who_has_still_to_confirm(database):
    write_one_by_one(database, [(person(state=SubscriberState.PENDING), None)], RULE)
    written, _ = write_at_once(database, [(person(name="김지우"), None)], RULE)
    kim = get_subscriber(database, "kim@example.com")
    assert (kim.state, kim.name, written.stay_pending) == (SubscriberState.PENDING, "김지우", 1)
    written, _ = write_at_once(database, [(person(), None)], replace(RULE, resubscribe=True))
    kim = get_subscriber(database, "kim@example.com")
    assert (kim.state, written.stay_pending) == (SubscriberState.ACTIVE, 0)


def test_a_file_that_says_pending_takes_no_reader_out(database):
    write_one_by_one(database, [(person(), None)], RULE)
    for rule in (RULE, replace(RULE, resubscribe=True)):
        write_at_once(database, [(person(state=SubscriberState.PENDING), None)], rule)
        assert get_subscriber(database, "kim@example.com").state is SubscriberState.ACTIVE


def test_tags_are_added_and_never_taken_off(database):
    write_at_once(database, [(person(), ["a", "b"])], RULE)
    written, _ = write_at_once(database, [(person(), ["b", "c"])], RULE)
    assert list_tags(database, get_subscriber(database, "kim@example.com").id) == ("a", "b", "c")
    assert written.changes[Change.UPDATED] == 1
    written, _ = write_at_once(database, [(person(), ["c"]), (person(), None)], RULE)
    assert written.changes[Change.UNCHANGED] == 2


def test_new_people_have_ids_in_the_order_of_their_rows(database):
    addresses = ["zoe@example.com", "amy@example.com", "moe@example.com"]
    write_at_once(database, [(person(address), None) for address in addresses], RULE)
    write_at_once(database, [(person("bob@example.com"), None)], RULE)
    rows = database.rows("SELECT address FROM subscriber ORDER BY id")
    assert [row[0] for row in rows] == [*addresses, "bob@example.com"]


def test_nothing_temporary_is_left_behind(database):
    write_at_once(database, [(person(), None)], RULE)
    assert database.rows("SELECT name FROM temp.sqlite_master") == []
    assert database.value("PRAGMA temp_store") == 2
    assert database.value("PRAGMA main.cache_size") == -2000


def test_setting_rows_aside_locks_nobody_out(database):
    with open_staging(database), open_database(database.path) as other:
        stage_rows(database, [to_row(1, person(), None)])
        number_rounds(database)
        with other.transaction():
            other.execute("DELETE FROM suppression")
