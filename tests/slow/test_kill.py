"""kill -9 at random moments of a send: nobody gets two, nobody is lost, and what is in doubt is listed."""

import json
import random
import signal
import time
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from digest.store.database import open_database
from digest.testing import SinkServer
from workspaces import add_readers, due_minutes_ago, fill_with_news, reader_address, settings_text, smtp_settings

CONNECTIONS = 8
STARTUP_SECONDS = 0.6
"""Within this time a send opens the workspace, publishes and begins."""


@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    ("readers", "kills"), [(500, 3), pytest.param(5000, 20, marks=pytest.mark.slow)], ids=["quick", "full"]
)
def test_kill_9_in_mid_send_doubles_and_loses_nothing(workspace, start_digest, run_digest, readers, kills):
    seed = random.randrange(2**32)
    print(f"seed {seed}")  # noqa: T201 - pytest shows it with a failure
    moments = random.Random(seed)
    edition, schedule = due_minutes_ago(datetime.now(UTC))
    with SinkServer() as server:
        delivery = smtp_settings(server, connections=CONNECTIONS)
        site = {"timezone": "UTC"}
        file = workspace(settings_text({"schedule": schedule}, delivery=delivery, site=site))
        with open_database(file.with_name("digest.db")) as database:
            fill_with_news(database, at=datetime.now(UTC) - timedelta(days=2))
            add_readers(database, range(readers))
        for left in range(kills, 0, -1):
            process = start_digest("send", "--due", "--config", file)
            if moments.random() < 0.2:
                time.sleep(moments.uniform(0, STARTUP_SECONDS))
            else:
                done = len(server.messages)
                goal = done + moments.randint(1, (readers - done) // (left + 1))
                wait_until(lambda goal=goal: len(server.messages) >= goal, process)
                time.sleep(moments.uniform(0, 0.005))
            process.kill()
            assert process.wait() == -signal.SIGKILL
        last = run_digest("send", "--due", "--config", file, timeout=120)
        assert last.returncode == 0, last.stderr
        recipients = Counter(message.rcpt_tos[0] for message in server.messages)
    shown = run_digest("issues", "show", edition, "--json", "--addresses", "--config", file)
    issue = json.loads(shown.stdout)
    uncertain = {row["address"] for row in issue["trouble"] if row["state"] == "uncertain"}
    print(f"{len(uncertain)} uncertain, of which {len(uncertain & set(recipients))} were delivered")  # noqa: T201
    everybody = {reader_address(number) for number in range(readers)}
    assert issue["state"] == "sent"
    assert issue["deliveries"]["sent"] + len(uncertain) == readers
    assert max(recipients.values()) == 1
    assert set(recipients) <= everybody
    assert everybody - set(recipients) <= uncertain
    assert len(uncertain) <= CONNECTIONS * kills


def wait_until(condition, process, seconds=60):
    give_up_at = time.monotonic() + seconds
    while not condition() and process.poll() is None:
        assert time.monotonic() < give_up_at
        time.sleep(0.001)
