"""A workspace from before there were events: its people keep their past."""

import sqlite3

import sqlite_utils

from digest.store.database import open_database
from digest.store.events import EventKind, list_events
from digest.store.migrations import migrations


def test_people_of_an_older_workspace_have_events_of_when_they_came_and_left(tmp_path):
    path = tmp_path / "digest.db"
    connection = sqlite3.connect(path, isolation_level=None)
    migrations.apply(sqlite_utils.Database(connection), stop_before="m007_audience")
    connection.executescript(
        """INSERT INTO subscriber (address, state, created_at, consent_source, left_at) VALUES
        ('a@example.com', 'active', 100, 'form', NULL), ('b@example.com', 'unsubscribed', 200, 'import', 300),
        ('c@example.com', 'pending', 400, 'form', NULL)"""
    )
    connection.close()
    with open_database(path) as database:
        waiting = list_events(database, 3)[0].facts
        found = {
            number: [(event.kind, int(event.happened_at.timestamp())) for event in list_events(database, number)]
            for number in (1, 2, 3)
        }
    assert found == {
        1: [(EventKind.ADDED, 100)],
        2: [(EventKind.ADDED, 200), (EventKind.UNSUBSCRIBED, 300)],
        3: [(EventKind.ADDED, 400)],
    }
    assert waiting == {"cause": "form", "state": "pending"}
