"""How a send goes on: figures that add up, a bar for people, lines of JSON for programs, and a look from outside."""

import json
import subprocess
import sys
import time
from datetime import date

import pytest

from command_line import digest, digest_on_terminal
from digest.cli import gauge
from digest.cli.progress import Meter, SendProgress
from digest.model import DeliveryState
from digest.store.database import open_database
from digest.store.issues import get_issue
from digest.store.ledger import DeliveryResult
from digest.testing import SinkServer
from week_of_news import EDITION
from workspaces import EDITION as MARCH
from workspaces import add_readers, fill_with_news, settings_text, smtp_settings


def results(*states):
    return [DeliveryResult(delivery_id=n, state=state, code=None, reply="") for n, state in enumerate(states)]


@pytest.fixture
def issue(week):
    assert digest("send", "--date", EDITION, "--yes", config=week).code == 0
    with open_database(week.with_name("digest.db")) as database:
        return get_issue(database, "weekly", date.fromisoformat(str(EDITION)))


def test_a_message_that_went_back_into_the_queue_is_not_done(issue):
    meter = Meter(issue, 4)
    meter.add(results(DeliveryState.SENT, DeliveryState.QUEUED, DeliveryState.DEFERRED, DeliveryState.UNCERTAIN))
    assert meter.done == 3
    told = meter.to_json()
    assert {key: told[key] for key in ("waiting", "sent", "deferred", "failed", "uncertain")} == {
        "waiting": 1,
        "sent": 1,
        "deferred": 1,
        "failed": 0,
        "uncertain": 1,
    }
    assert meter.words().startswith("1 sent, 1 deferred, 1 uncertain · ")


def test_nothing_done_yet_promises_no_end(issue):
    assert Meter(issue, 4).to_json()["seconds_left"] is None


def test_a_long_send_into_a_pipe_writes_lines_of_json_and_the_last_one_has_it_all(issue, monkeypatch, capsys):
    monkeypatch.setattr(gauge, "LINE_SECONDS", 0.01)
    with SendProgress() as shown:
        shown.observer.on_begin(issue, 3)
        time.sleep(0.02)
        shown.observer.on_results(results(DeliveryState.SENT))
        shown.observer.on_results(results(DeliveryState.SENT, DeliveryState.FAILED))
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert lines[0]["sent"] == 1
    assert (lines[-1]["sent"], lines[-1]["failed"], lines[-1]["waiting"]) == (2, 1, 0)
    assert lines[0]["newsletter"] == "weekly"
    assert lines[0]["edition"] == str(EDITION)


def test_a_short_send_writes_none(issue, capsys):
    with SendProgress() as shown:
        shown.observer.on_begin(issue, 1)
        shown.observer.on_results(results(DeliveryState.SENT))
    assert capsys.readouterr().err == ""


@pytest.fixture
def slow_site(workspace):
    """Forty readers, twenty messages a second."""

    def make(server):
        file = workspace(settings_text(delivery=smtp_settings(server, connections=2, rate=20)))
        with open_database(file.with_name("digest.db")) as database:
            fill_with_news(database)
            add_readers(database, range(40))
        return file

    return make


def test_a_person_sees_a_bar_with_what_became_of_the_messages_and_the_rate(slow_site):
    with SinkServer() as server:
        file = slow_site(server)
        answer = digest_on_terminal("send", "--date", MARCH, "--yes", "--config", file, columns=120)
    assert answer.code == 0
    assert f"weekly {MARCH}" in answer.out
    assert " sent · " in answer.out
    assert "/s" in answer.out
    assert "40 sent" in answer.out


def wait_until_it_is_begun(file):
    with open_database(file.with_name("digest.db")) as database:
        while not database.value("SELECT count(*) FROM delivery WHERE state = 'sent'"):
            time.sleep(0.05)


def test_show_watch_follows_an_issue_that_another_process_sends(slow_site):
    with SinkServer() as server:
        file = slow_site(server)
        command = [sys.executable, "-m", "digest", "send", "--date", str(MARCH), "--yes", "--config", str(file)]
        sender = subprocess.Popen(command)
        wait_until_it_is_begun(file)
        answer = digest("issues", "show", MARCH, "--watch", config=file)
        assert sender.wait(timeout=30) == 0
    looks = [json.loads(line) for line in answer.out.splitlines()]
    assert answer.code == 0
    assert (looks[0]["state"], looks[-1]["state"]) == ("sending", "sent")
    assert looks[0]["deliveries"]["sent"] < 40
    assert looks[-1]["deliveries"]["sent"] == 40


def test_watching_an_issue_that_is_over_tells_how_it_ended(week, issue):
    answer = digest("issues", "show", EDITION, "--watch", config=week)
    assert json.loads(answer.out)["state"] == "sent"
    assert issue.state == "sent"
