"""Who no longer reads: only where it was counted, and never those of whom it is not known."""

from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from command_line import digest
from digest.store.database import to_seconds
from digest.store.filters import compile_filter, find_ids
from digest.store.inactive import is_anything_counted, list_inactive
from digest.store.secrets import hash_address
from digest.store.subscribers import Profile, get_subscriber, save_profile
from editions import open_workspace
from ledgers import Ledger
from workspaces import NOW

WEEKS = 12
COUNTED = '{"newsletter": {"count_opens": true, "count_clicks": false}}'


def add_issue(database, weeks_ago, *, frozen=COUNTED):
    at = to_seconds(NOW - timedelta(weeks=weeks_ago))
    database.execute(
        """INSERT INTO issue (newsletter, edition, origin, state, scheduled_at, deadline, started_at, frozen_at, frozen)
        VALUES ('weekly', date(:at, 'unixepoch'), 'schedule', 'sent', :at, :at + 99, :at, :at, :frozen)""",
        {"at": at, "frozen": frozen},
    )
    return database.value("SELECT max(id) FROM issue")


def add_reader(database, name, *, received=(), read=(), prefetched=()):
    """A reader who got the issues of so many weeks ago, and did something with some of them a day later."""
    address = f"{name}@example.com"
    save_profile(
        database, Profile(address=address), address_hash=hash_address(b"k" * 32, address), resubscribe=False, now=NOW
    )
    person = get_subscriber(database, address).id
    for issue in received:
        database.execute(
            """INSERT INTO delivery (issue_id, subscriber_id, variant, state, updated_at)
            SELECT id, :person, '', 'sent', started_at FROM issue WHERE id = :issue""",
            {"person": person, "issue": issue},
        )
    for issues, column in ((read, "clicked_at"), (prefetched, "prefetched_at")):
        for issue in issues:
            database.execute(
                f"""INSERT INTO reading (issue_id, subscriber_id, {column})
                SELECT id, :person, started_at + 86400 FROM issue WHERE id = :issue""",
                {"person": person, "issue": issue},
            )


def found(database, text):
    ids = find_ids(database, compile_filter(database, text, now=NOW))
    return [database.value("SELECT address FROM subscriber WHERE id = ?", (each,)).partition("@")[0] for each in ids]


@pytest.fixture
def readers(database):
    with database.transaction():
        issues = [add_issue(database, weeks) for weeks in range(WEEKS, 0, -1)]
        add_issue(database, 30, frozen='{"newsletter": {}}')
        add_reader(database, "never", received=issues)
        add_reader(database, "stopped", received=issues, read=issues[:5])
        add_reader(database, "keen", received=issues, read=issues[-1:])
        add_reader(database, "apple", received=issues, prefetched=issues)
        add_reader(database, "new", received=issues[-2:])
        add_reader(database, "uncounted", received=[WEEKS + 1])
        add_reader(database, "none")
        add_reader(database, "gone", received=issues)
        database.execute("UPDATE subscriber SET state = 'unsubscribed' WHERE address LIKE 'gone%'")
    return database


def test_readers_who_did_nothing_with_so_many_issues_are_listed(readers):
    told = [(each.address, each.unread, each.since, each.last_read_at) for each in list_inactive(readers, 3)]
    assert told == [
        ("never@example.com", 12, NOW - timedelta(weeks=12), None),
        ("stopped@example.com", 7, NOW - timedelta(weeks=7), NOW - timedelta(weeks=8) + timedelta(days=1)),
    ]
    assert [each.address for each in list_inactive(readers, 2)][2:] == ["new@example.com"]
    assert [each.address for each in list_inactive(readers, 3, limit=1)] == ["never@example.com"]


@pytest.mark.parametrize(
    ("text", "who"),
    [
        ("unread>=12", ["never", "gone"]),
        ("unread=7", ["stopped"]),
        ("unread=0", ["keen", "apple", "uncounted", "none"]),
        ("inactive>60d and state=active", ["never"]),
        ("inactive>40d and state=active", ["never", "stopped"]),
        ("inactive<40d", ["new"]),
        ("not inactive>1d", ["keen", "apple", "uncounted", "none"]),
    ],
)
def test_filters_know_them(readers, text, who):
    assert found(readers, text) == who


def test_nothing_is_said_where_nothing_was_counted(database):
    add_issue(database, 1, frozen='{"newsletter": {"count_opens": false}}')
    assert not is_anything_counted(database)


@given(st.lists(st.booleans(), min_size=1, max_size=10))
@settings(max_examples=20)
def test_the_unread_are_those_after_the_last_that_was_read(history):
    made = Ledger(readers=0)
    issues = [add_issue(made.database, len(history) - number) for number in range(len(history))]
    read = [issue for issue, was_read in zip(issues, history, strict=True) if was_read]
    with made.database.transaction():
        add_reader(made.database, "kim", received=issues, read=read)
    unread = len(history) - 1 - max((n for n, was_read in enumerate(history) if was_read), default=-1)
    assert [each.unread for each in list_inactive(made.database, 1)] == ([unread] if unread else [])
    made.close()


def test_the_command_lists_them(tmp_path):
    with open_workspace(tmp_path) as app, app.database.transaction():
        issues = [add_issue(app.database, weeks) for weeks in range(11, 0, -1)]
        add_reader(app.database, "never", received=issues)
        add_reader(app.database, "keen", received=issues, read=issues[-1:])
    file = tmp_path / "digest.toml"
    lines = digest("subscribers", "inactive", config=file).out.splitlines()
    assert lines == [
        "address            issues  since       last read",
        "never@example.com      11  2025-12-15  never",
        "1 reader in all; the same as a filter: unread>=10 and state=active",
    ]
    assert digest("subscribers", "inactive", "--issues", "3", "--json", config=file).json == [
        {"address": "never@example.com", "unread": 11, "since": "2025-12-15T09:00:00+09:00", "last_read": None}
    ]
    assert digest("subscribers", "inactive", "--issues", "12", config=file).out.startswith("0 readers in all")


def test_the_command_refuses_where_nothing_is_counted(tmp_path):
    with open_workspace(tmp_path):
        pass
    told = digest("subscribers", "inactive", config=tmp_path / "digest.toml")
    assert told.code == 1
    assert "opens and clicks of no issue are counted: set count_opens or count_clicks" in told.err
