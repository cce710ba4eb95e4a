"""`digest run` and the mailbox of returned mail: read beside its ticks, which wait for no mailbox."""

import socket
import time
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from threading import Event, Thread

import pytest

from digest.service import run_service
from digest.store.database import open_database
from digest.testing import RecordingServer
from returned_mail import bounce, make_site, mark_of, send_issue, state_of
from workspaces import SetClock, due_minutes_ago, fill_with_news, open_at, settings_text, smtp_settings


@contextmanager
def running(file):
    stop = Event()
    thread = Thread(target=run_service, args=(file,), kwargs={"stop": stop, "tick_seconds": 0.2}, daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(20)
        assert not thread.is_alive()


def wait_until(condition):
    give_up_at = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < give_up_at
        time.sleep(0.02)


@pytest.mark.slow
def test_a_mailbox_that_never_answers_keeps_no_issue_waiting(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as silent, RecordingServer() as mail:
        port = silent.getsockname()[1]
        inbound = f'type = "imap"\nhost = "127.0.0.1"\nport = {port}\nsecurity = "none"\nuser = "x"\ntimeout = 3'
        file = make_site(tmp_path / "site", inbound)
        _, schedule = due_minutes_ago(datetime.now(UTC))
        newsletter = {"schedule": schedule, "timezone": "UTC"}
        text = settings_text(newsletter, delivery=smtp_settings(mail))
        file.write_text(f"{text}\n[inbound]\n{inbound}\n", encoding="utf-8")
        with open_database(file.with_name("digest.db")) as database:
            fill_with_news(database, at=datetime.now(UTC) - timedelta(days=2))
        begun = time.monotonic()
        with running(file):
            wait_until(lambda: len(mail.messages) == 2)
            assert time.monotonic() - begun < 3, "the mailbox gave up only after that"


def test_the_service_acts_upon_what_waits(tmp_path):
    file = make_site(tmp_path / "site", 'type = "maildir"\npath = "returned"')
    for name in ("new", "cur", "tmp"):
        (file.parent / "returned" / name).mkdir(parents=True)
    with open_at(file, SetClock()) as app:
        (file.parent / "returned" / "new" / "1.m").write_bytes(bounce(mark=mark_of(app, send_issue(app))))
        with running(file):
            wait_until(lambda: state_of(app) == "bounced")
        assert [path.name for path in (file.parent / "returned" / "cur").iterdir()] == ["1.m:2,S"]
