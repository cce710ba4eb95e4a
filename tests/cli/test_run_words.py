"""The service says what it is going to do."""

import signal

from command_line import digest
from workspaces import settings_text


def test_run_names_each_newsletter_with_its_schedule_and_stops_on_sigterm(workspace, start_digest):
    file = workspace(
        settings_text({"schedule": "last 08:00"}, {"slug": "daily", "title": "매일", "schedule": "daily 07:30"})
    )
    process = start_digest("--config", file, "run")
    lines = [process.stdout.readline() for _ in range(3)]
    assert lines[0].startswith("weekly: last 08:00 (Asia/Seoul), next edition 20")
    assert lines[1].startswith("daily: daily 07:30 (Asia/Seoul), next edition 20")
    assert "running; a tick every 30 s" in lines[2]
    process.send_signal(signal.SIGTERM)
    rest, _ = process.communicate(timeout=20)
    assert process.returncode == 0
    assert "Traceback" not in rest
    assert "stopping" in rest


def test_a_tick_is_a_second_to_an_hour(site):
    assert digest("run", "--tick", "0", config=site).code == 2


def test_without_a_workspace_it_does_not_start(tmp_path):
    answer = digest("run", config=tmp_path)
    assert (answer.code, answer.err.count("\n")) == (1, 1)
