"""The service as a real process: it sends what is due, stops cleanly, and outlives every failure."""

import logging
import os
import re
import signal
import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from threading import Event

import pytest

from digest.clock import BootTime, Clock
from digest.service import ClockWatch, safe_read_images, safe_tick, stop_on_signals
from digest.store.articles import save_articles
from digest.store.database import open_database
from digest.testing import RecordingServer, SinkServer
from web_servers import Page, picture, serve
from workspaces import (
    BOOT,
    NOW,
    add_readers,
    due_minutes_ago,
    fill_with_news,
    make_article,
    reader_address,
    settings_text,
    smtp_settings,
)

HOUR = timedelta(hours=1)


def wait_until(condition, process, seconds=30):
    give_up_at = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < give_up_at
        assert process.poll() is None
        time.sleep(0.01)


def due_settings(server, **delivery):
    _, schedule = due_minutes_ago(datetime.now(UTC))
    newsletter = {"schedule": schedule, "timezone": "UTC"}
    return settings_text(newsletter, delivery=smtp_settings(server, **delivery))


def later_settings(server):
    """The same, but due in three days."""
    _, schedule = due_minutes_ago(datetime.now(UTC) + timedelta(days=3))
    return settings_text({"schedule": schedule, "timezone": "UTC"}, delivery=smtp_settings(server))


@pytest.fixture
def make_site(workspace):
    def make(text, *, readers):
        file = workspace(text)
        with open_database(file.with_name("digest.db")) as database:
            fill_with_news(database, at=datetime.now(UTC) - timedelta(days=2))
            add_readers(database, range(readers))
        return file

    return make


@pytest.fixture
def run_service(start_digest, tmp_path):
    """Starts `digest run`; `said()` is what it has printed so far."""

    def start(file):
        output = tmp_path / f"output-{time.monotonic_ns()}.txt"
        with output.open("w", encoding="utf-8") as stdout:
            process = start_digest("run", "--tick", "1", "--config", file, stdout=stdout)
        process.said = lambda: output.read_text(encoding="utf-8")
        return process

    return start


def states(file):
    with open_database(file.with_name("digest.db")) as database:
        rows = database.rows("SELECT state, count(*) FROM delivery GROUP BY state")
        return {row[0]: row[1] for row in rows}


def stop(process):
    """SIGTERM ends it within 5 s, and well."""
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=5) == 0, process.said()


def replace_text(file, text):
    """All at once, as an editor does: a tick must not read half of it."""
    file.with_suffix(".new").write_text(text, encoding="utf-8")
    file.with_suffix(".new").replace(file)


def recipients(server):
    return Counter(message.rcpt_tos[0] for message in server.messages)


def test_the_service_sends_what_is_due_and_stops_in_mid_send_without_a_loss(make_site, run_service):
    """SIGTERM lets the messages on the wire end; the rest stays queued, and the next run goes on at once."""
    with SinkServer() as server:
        file = make_site(due_settings(server), readers=1500)
        process = run_service(file)
        wait_until(lambda: len(server.messages) > 50, process)
        stop(process)
        first = len(server.messages)
        assert states(file) == {"sent": first, "queued": 1500 - first}
        with open_database(file.with_name("digest.db")) as database:
            assert database.value("SELECT lease_until FROM issue") == 0
        assert "stopping" in process.said()
        process = run_service(file)
        wait_until(lambda: " is sent: 1,500 sent" in process.said(), process)
        stop(process)
    assert states(file) == {"sent": 1500}
    assert recipients(server) == {reader_address(number): 1 for number in range(1500)}
    assert "Traceback" not in process.said()


def test_a_broken_settings_file_is_said_in_words_and_the_next_tick_recovers(make_site, run_service):
    with RecordingServer() as server:
        file = make_site(later_settings(server), readers=2)
        process = run_service(file)
        wait_until(lambda: "running; a tick every 1 s" in process.said(), process)
        good = due_settings(server)
        replace_text(file, good.replace("slug", "slog"))
        wait_until(lambda: "a tick failed" in process.said(), process)
        replace_text(file, good)
        wait_until(lambda: len(server.messages) == 2, process)
        stop(process)
    said = process.said()
    assert re.search(r"(?s)ERROR a tick failed: .*slog is not a known setting; did you mean 'slug'\?", said)
    assert "Traceback" not in said
    assert states(file) == {"sent": 2}


def test_an_idle_service_stops_at_once(make_site, run_service):
    with RecordingServer() as server:
        file = make_site(later_settings(server), readers=1)
        process = run_service(file)
        wait_until(lambda: "running" in process.said(), process)
        stop(process)
        assert server.messages == []


def test_a_settings_file_that_is_broken_at_the_start_is_refused(make_site, run_digest):
    with RecordingServer() as server:
        file = make_site(later_settings(server), readers=1)
    file.write_text("[site\n", encoding="utf-8")
    result = run_digest("run", "--config", file)
    assert result.returncode == 1
    assert result.stderr.startswith(f"digest: {file} cannot be read")
    assert "Traceback" not in result.stderr


def boot(seconds, boot_id=BOOT.boot_id):
    return BootTime(boot_id=boot_id, seconds=seconds)


@pytest.mark.parametrize(
    ("wall", "passed", "expected"),
    [
        (timedelta(seconds=30), 30, False),
        (timedelta(days=3), 3 * 86400, False),  # the machine slept, or nothing ran: both clocks went on
        (HOUR, 30, True),
        (-HOUR, 30, True),
        (timedelta(minutes=5, seconds=29), 30, False),
        (timedelta(minutes=5, seconds=31), 30, True),
    ],
)
def test_a_jump_is_a_difference_between_the_clocks(wall, passed, expected):
    watch = ClockWatch()
    assert not watch.has_jumped(NOW, boot(100))
    assert watch.has_jumped(NOW + wall, boot(100 + passed)) is expected
    assert not watch.has_jumped(NOW + wall + HOUR, boot(100 + passed + 3600))


def test_clocks_of_different_boots_are_not_compared():
    watch = ClockWatch()
    watch.has_jumped(NOW, boot(90_000))
    assert not watch.has_jumped(NOW + HOUR, boot(5, "boot-2"))


@pytest.mark.parametrize("jump", [HOUR, -HOUR])
def test_a_tick_after_a_jump_of_the_clock_sends_nothing(make_site, caplog, jump):
    """What the clock says now may be wrong: a day ahead, every edition would be due."""
    watch, clock = ClockWatch(), Clock()
    with RecordingServer() as server, caplog.at_level(logging.INFO, "digest"):
        file = make_site(due_settings(server), readers=2)
        watch.has_jumped(clock.now() - jump, clock.boot())
        safe_tick(file, watch=watch, stop=Event())
        assert "the system clock was set by more than 0:05:00; nothing is sent in this tick" in caplog.text
        assert server.messages == []
        safe_tick(file, watch=watch, stop=Event())
        assert len(server.messages) == 2
    assert "is sent: 2 sent" in caplog.text


def test_a_tick_outlives_a_server_that_is_down_and_says_so(make_site, caplog):
    with RecordingServer() as server:
        file = make_site(due_settings(server), readers=2)
    safe_tick(file, watch=ClockWatch(), stop=Event())
    assert "weekly: 127.0.0.1:" in caplog.text
    assert "cannot be reached" in caplog.text
    assert "Traceback" not in caplog.text
    assert states(file) == {"queued": 2}


def test_a_tick_outlives_a_source_that_is_gone_and_says_so(make_site, caplog):
    with RecordingServer() as server:
        text = due_settings(server).replace(
            "[source]", '[source]\ntype = "sqlite"\npath = "gone.db"\narticles = "SELECT 1"'
        )
        file = make_site(text, readers=2)
        with open_database(file.with_name("digest.db")) as database:
            database.execute("UPDATE article SET read_at = 0")
        safe_tick(file, watch=ClockWatch(), stop=Event())
    assert re.search(r"source: .*gone\.db", caplog.text)
    assert re.search(r"weekly: .*gone\.db", caplog.text)
    assert server.messages == []


def test_the_service_reads_pictures_beside_its_ticks_and_says_what_is_left_out(make_site, caplog, tmp_path):
    """In a job of its own: a tick, which may send, asks nobody."""
    with RecordingServer() as mail, serve({"/good": Page(body=picture())}, tmp_path) as web:
        file = make_site(due_settings(mail), readers=1)
        with open_database(file.with_name("digest.db")) as database, database.transaction():
            at = datetime.now(UTC) - timedelta(days=2)
            urls = (web.url("/good"), web.url("/gone"), "https://nobody.invalid/1.jpg")
            articles = [make_article(number, at=at, image=url) for number, url in enumerate(urls, 1)]
            save_articles(database, articles, read_at=at)
        with caplog.at_level(logging.INFO, "digest"):
            safe_read_images(file, stop=Event(), fetch=web.fetch)
        assert len(web.requests) == 2
        safe_tick(file, watch=ClockWatch(), stop=Event())
        assert len(mail.messages) == 1
        assert len(web.requests) == 2
    assert "2 pictures read" in caplog.text
    assert f"a picture is left out: {urls[1]}: the server answered 404" in caplog.text
    assert re.search(r"pictures were not read: nobody\.invalid cannot be looked up .+; the next time", caplog.text)


def test_reading_pictures_outlives_a_broken_settings_file(make_site, caplog):
    with RecordingServer() as server:
        file = make_site(later_settings(server), readers=1)
    file.write_text("[site\n", encoding="utf-8")
    safe_read_images(file, stop=Event())
    assert "pictures: " in caplog.text
    assert "Traceback" not in caplog.text


def test_the_first_signal_asks_and_handlers_are_put_back():
    before = signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)
    with stop_on_signals() as stop:
        os.kill(os.getpid(), signal.SIGTERM)
        assert stop.wait(timeout=1)
        assert signal.getsignal(signal.SIGTERM) is before[0]
        assert signal.getsignal(signal.SIGINT) is not before[1]
    assert (signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)) == before
