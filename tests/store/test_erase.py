"""Erasing a person: nothing in any table names them any more, and what issues and weeks count stays."""

import json
from datetime import timedelta

import pytest

from digest.errors import NotFoundError
from digest.store.confirmations import ConfirmationKind, Consent, Wish, add_confirmation
from digest.store.erase import erase_subscriber
from digest.store.events import Event, EventKind, list_events, record_event
from digest.store.notices import NoticeKind, add_notice
from digest.store.pauses import pause
from digest.store.secrets import hash_address
from digest.store.subscribers import Profile, is_suppressed, require_subscriber, save_profile
from digest.store.tags import add_tags
from workspaces import NOW, add_readers, reader_address

KEY = b"k" * 32
KIM = "kim.hana@persons.example"
NAMES = ("kim.hana", "persons.example", "김하나", "moved.away")


@pytest.fixture
def filled(database):
    """A person in every table that can hold one, and another one beside them."""
    add_readers(database, [1])
    with database.transaction():
        profile = Profile(address=KIM, name="김하나", newsletters=("weekly", "daily"), consent_source="form")
        save_profile(database, profile, address_hash=hash_address(KEY, KIM), resubscribe=False, now=NOW)
        left = Profile(address=KIM, newsletters=("weekly",))
        save_profile(database, left, address_hash=hash_address(KEY, KIM), resubscribe=False, now=NOW)
        person = require_subscriber(database, KIM)
        add_tags(database, person.id, ["vip"])
        pause(database, person.id, until=NOW + timedelta(weeks=2), now=NOW)
        wish = Wish(address="moved.away@persons.example")
        confirmation = add_confirmation(
            database, person.id, ConfirmationKind.ADDRESS, wish, consent=Consent(form="form", client="k"), now=NOW
        )
        add_notice(
            database,
            NoticeKind.ADDRESS,
            subscriber_id=person.id,
            confirmation_id=confirmation,
            address="moved.away@persons.example",
            locale="ko",
            newsletter="weekly",
            now=NOW,
        )
        facts = {"diagnostic": f"550 <{KIM}> unknown"}
        record_event(database, person.id, Event(kind=EventKind.SOFT_BOUNCE, happened_at=NOW, facts=facts))
        issue = database.insert(
            """INSERT INTO issue (newsletter, edition, origin, state, scheduled_at, deadline, started_at)
            VALUES ('weekly', '2026-03-02', 'manual', 'sending', 0, 0, 0)"""
        )
        for who in (person.id, require_subscriber(database, reader_address(1)).id):
            database.execute(
                """INSERT INTO delivery (issue_id, subscriber_id, variant, state, reply, updated_at)
                VALUES (?, ?, '["",[]]', 'queued', ?, 0)""",
                (issue, who, f"451 <{KIM}> later" if who == person.id else ""),
            )
    return database


def everything(database):
    names = [row[0] for row in database.rows("SELECT name FROM sqlite_master WHERE type = 'table'")]
    return {name: [tuple(row) for row in database.rows(f'SELECT * FROM "{name}"')] for name in names}


def erase(database, address=KIM):
    with database.transaction():
        return erase_subscriber(database, address, address_hash=hash_address(KEY, address), now=NOW)


def test_no_column_of_any_table_names_them(filled):
    before = {name for name in NAMES if name in repr(everything(filled))}
    assert before == set(NAMES)
    erasure = erase(filled)
    assert (erasure.deliveries, erasure.queued) == (1, 1)
    assert [name for name in NAMES if name in repr(everything(filled))] == []


def test_the_file_does_not_hold_them_either(filled, tmp_path):
    erase(filled)
    filled.rows("PRAGMA wal_checkpoint(TRUNCATE)")
    content = b"".join(file.read_bytes() for file in filled.path.parent.glob(f"{filled.path.name}*"))
    assert [name for name in NAMES if name.encode() in content] == []


def test_the_other_person_and_the_sums_stay(filled):
    others = {name: [row for row in rows if KIM not in repr(row)] for name, rows in everything(filled).items()}[
        "subscriber"
    ]
    erase(filled)
    assert everything(filled)["subscriber"] == others
    assert is_suppressed(filled, hash_address(KEY, KIM))
    assert filled.rows("SELECT state, deliveries FROM erased_delivery")[0][:] == ("cancelled", 1)
    kept = filled.rows("SELECT kind, facts FROM subscriber_event WHERE subscriber_id IS NULL")
    assert {row["kind"] for row in kept} >= {"added", "left", "paused", "soft-bounce"}
    assert {key for row in kept for key in json.loads(row["facts"])} == {"newsletters", "issues"}


def test_whom_nobody_knows_cannot_be_erased(filled):
    erase(filled)
    with pytest.raises(NotFoundError, match="no subscriber has the address"):
        erase(filled)


def test_nothing_is_erased_by_halves(filled):
    before = everything(filled)

    def stop_half_way():
        with filled.transaction():
            erase_subscriber(filled, KIM, address_hash=hash_address(KEY, KIM), now=NOW)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        stop_half_way()
    assert everything(filled) == before


def test_a_history_is_in_order(filled):
    person = require_subscriber(filled, KIM)
    events = list_events(filled, person.id)
    assert [event.kind for event in events] == [
        EventKind.ADDED,
        EventKind.LEFT,
        EventKind.PAUSED,
        EventKind.SOFT_BOUNCE,
    ]
    assert events[1].newsletter == "daily"
