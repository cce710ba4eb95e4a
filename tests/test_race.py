"""Cron, a second cron and somebody's shell at once: every issue is sent once."""

import mailbox
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from digest.store.database import open_database
from workspaces import add_readers, due_minutes_ago, fill_with_news, reader_address, settings_text

PROCESSES, NEWSLETTERS, READERS = 8, 50, 3


@pytest.mark.slow
def test_eight_processes_send_fifty_due_issues_once_each(workspace, start_digest):
    _, schedule = due_minutes_ago(datetime.now(UTC))
    slugs = tuple(f"letter-{number:02}" for number in range(NEWSLETTERS))
    newsletters = [{"slug": slug, "schedule": schedule, "timezone": "UTC"} for slug in slugs]
    file = workspace(settings_text(*newsletters))
    with open_database(file.with_name("digest.db")) as database:
        fill_with_news(database, at=datetime.now(UTC) - timedelta(days=2))
        add_readers(database, range(READERS), newsletters=slugs)
    processes = [start_digest("send", "--due", "--config", file) for _ in range(PROCESSES)]
    outputs = [process.communicate(timeout=120)[0] for process in processes]
    assert [process.returncode for process in processes] == [0] * PROCESSES, outputs
    sent = Counter(
        (message["To"].rpartition("<")[2].strip("> \n"), message["List-Id"].rpartition("<")[2].partition(".")[0])
        for message in mailbox.Maildir(file.parent / "outbox")
    )
    expected = [(reader_address(number), slug) for number in range(READERS) for slug in slugs]
    assert sent == dict.fromkeys(expected, 1)
    with open_database(file.with_name("digest.db")) as database:
        assert {row["state"] for row in database.rows("SELECT state FROM issue")} == {"sent"}
        assert database.value("SELECT max(fence) FROM issue") == 0
    assert sum(output.count(" is sent: 3 sent") for output in outputs) == NEWSLETTERS
