"""A disk that is full, a database that is locked or read only, a clock that is set: said in words, and nothing lost.

Each time the ledger is true afterwards, and a later run sends the rest, to nobody twice.
"""

import errno
import os
import resource
import shutil
import subprocess
import threading
import time
from contextlib import contextmanager
from datetime import timedelta
from threading import Event

import pytest
from mail_sinks import LateServer
from ordeals import Site, finish, refuse_at_first, say, seeded, wait_until, write_lock

from command_line import COMMAND, environment
from digest.clock import Clock
from digest.tick import Observer, tick
from workspaces import open_at, reader_address

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

CONNECTIONS, READERS = 8, 3000
KILOBYTE = 1024
LOCKED_SECONDS = 65
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
NO_OVERRIDE = "-dac_override,-dac_read_search"


@pytest.fixture
def server():
    """It takes some 400 messages a second of one sender."""
    with LateServer(delay=lambda: 0.02) as running:
        yield running


def stop_of_itself(process, *, seconds=120):
    """What a sender said when it gave up, in words."""
    said = process.communicate(timeout=seconds)[0]
    assert process.returncode == 1, said
    assert "Traceback" not in said
    return said


def require_true(site):
    """The ledger of an unfinished issue claims nothing that did not happen."""
    taken, rows = site.server.taken(), site.rows()
    assert len(rows) == site.readers
    assert {address for address, state in rows.items() if state == "sent"} <= set(taken)
    waiting = {address for address, state in rows.items() if state in ("queued", "claimed", "deferred")}
    assert not waiting & set(taken)
    assert site.issue_state() == "sending"


@contextmanager
def small_disk(folder, megabytes):
    """A file system of so many megabytes in a folder."""
    folder.mkdir()
    mount = shutil.which("mount")
    if not mount or os.geteuid() != 0:
        pytest.skip("only root can mount a small disk")
    made = subprocess.run(
        [mount, "-t", "tmpfs", "-o", f"size={megabytes}m", "none", folder], capture_output=True, check=False
    )
    if made.returncode:
        pytest.skip(f"no small disk can be mounted here: {made.stderr.decode().strip()}")
    try:
        yield
    finally:
        subprocess.run(["umount", folder], check=True)


def fill_up(file):
    """Use all that is left of a disk."""
    with file.open("wb", buffering=0) as opened:
        while write_some(opened):
            pass


def write_some(opened):
    """How many bytes still found room."""
    try:
        return opened.write(bytes(KILOBYTE))
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        return 0


def test_a_full_disk_stops_the_send_and_room_lets_it_go_on(workspace, start_digest, run_digest, server, tmp_path):
    with small_disk(tmp_path / "site", 48):
        site = Site(workspace, server, readers=READERS, connections=CONNECTIONS)
        process = start_digest(*site.send)
        wait_until(lambda: server.count() >= 100, process)
        ballast = site.file.with_name("ballast")
        fill_up(ballast)
        said = stop_of_itself(process)
        assert "cannot grow, the disk is full" in said
        assert "make room and run the command again" in said
        count = server.count()
        assert count < READERS
        again = run_digest(*site.send)
        assert again.returncode == 1
        assert "disk is full" in again.stderr
        assert server.count() <= count + CONNECTIONS  # a commit that finds room in the log may still be made
        ballast.unlink()
        require_true(site)
        finish(site, run_digest)
        site.require_whole(interruptions=1)


def test_a_file_that_may_not_grow_stops_the_send(workspace, start_digest, run_digest, server):
    """A limit on the size of files (ulimit -f), or a quota: unlike a full disk, it is no error that SQLite knows."""
    site = Site(workspace, server, readers=READERS, connections=CONNECTIONS)
    process = start_digest(*site.send)
    wait_until(lambda: server.count() >= 100, process)
    log = site.database.with_name(f"{site.database.name}-wal")
    size = max(file.stat().st_size for file in (site.database, log)) + 64 * KILOBYTE
    resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (size, size))
    assert str(site.database) in stop_of_itself(process)
    assert server.count() < READERS
    require_true(site)
    finish(site, run_digest)
    site.require_whole(interruptions=1)


def test_a_database_locked_for_a_minute_holds_up_the_send(workspace, start_digest, run_digest, server):
    """An import of another program, say. The sender waits or gives up; it does not hand over what it cannot note."""
    site = Site(workspace, server, readers=READERS, connections=CONNECTIONS)
    process = start_digest(*site.send)
    wait_until(lambda: server.count() >= 100, process)
    with write_lock(site.database):
        time.sleep(1)
        count = server.count()
        time.sleep(LOCKED_SECONDS - 1)
        assert server.count() == count < READERS
    said = process.communicate(timeout=120)[0]
    say(said)
    assert "Traceback" not in said
    if process.returncode:
        assert "is locked by another program" in said
        require_true(site)
        finish(site, run_digest)
    site.require_whole(interruptions=1)


@contextmanager
def read_only(site):
    """The database and its folder may be read only; root must do without its right to write all the same."""
    folder = site.database.parent
    files = [file for file in folder.iterdir() if file.is_file()]
    modes = {file: file.stat().st_mode for file in [folder, *files]}
    for file in modes:
        file.chmod(0o555 if file is folder else 0o444)
    try:
        yield
    finally:
        for file, mode in modes.items():
            file.chmod(mode)


def run_without_override(*arguments):
    """`digest …` for which permissions count."""
    command = [*COMMAND, *map(str, arguments)]
    if os.geteuid() == 0:
        setpriv = shutil.which("setpriv")
        if setpriv is None:
            pytest.skip("root may write everything here; install util-linux for setpriv")
        command = [setpriv, f"--bounding-set={NO_OVERRIDE}", f"--inh-caps={NO_OVERRIDE}", *command]
    return subprocess.run(command, env=environment(), capture_output=True, encoding="utf-8", timeout=60, check=False)


def test_a_read_only_database_is_said_and_nothing_is_sent(workspace, start_digest, run_digest, server):
    """Such as after a command that ran as another user."""
    site = Site(workspace, server, readers=READERS, connections=CONNECTIONS)
    process = start_digest(*site.send)
    wait_until(lambda: server.count() >= 100, process)
    process.kill()
    process.wait()
    time.sleep(0.2)
    count = server.count()
    with read_only(site):
        refused = run_without_override(*site.send)
    assert refused.returncode == 1, refused.stdout
    assert "cannot be written" in refused.stderr
    assert "check its owner and permissions" in refused.stderr
    assert "Traceback" not in refused.stderr
    assert server.count() == count
    finish(site, run_digest)
    site.require_whole(interruptions=1)


class JumpingClock(Clock):
    """The machine's clocks, but the wall clock is set by somebody; the boot clock goes on."""

    def __init__(self):
        self.offset = timedelta(0)

    def now(self):
        return super().now() + self.offset


def run_tick(site, clock, *, stop=None):
    with open_at(site.file, clock) as app:
        return list(tick(app, app.settings.newsletter(None), stop=stop or Event(), observer=Observer()))


JUMPS = pytest.mark.parametrize("jump", [HOUR, -HOUR, DAY, -DAY], ids=["hour", "hour back", "day", "day back"])


@JUMPS
def test_a_clock_that_is_set_in_mid_send_changes_nothing(workspace, jump):
    """And a rival with the same clock takes nothing over: leases count in the boot clock."""
    clock, jumped = JumpingClock(), Event()

    def set_clock(count):
        if count == 100:
            clock.offset = jump
            jumped.set()

    def compete():
        jumped.wait(60)
        rivals.extend(run_tick(site, clock))

    rivals: list[object] = []
    with LateServer(delay=lambda: 0.005, on_taken=set_clock) as server:
        site = Site(workspace, server, readers=1000, connections=CONNECTIONS)
        rival = threading.Thread(target=compete)
        rival.start()
        run_tick(site, clock)
        rival.join()
        assert jumped.is_set()
        assert rivals == []
        site.require_whole(interruptions=0)


@JUMPS
def test_a_clock_that_is_set_between_two_runs_loses_and_doubles_nothing(workspace, jump):
    clock, stop = JumpingClock(), Event()
    with LateServer(delay=lambda: 0.005, on_taken=lambda count: count == 100 and stop.set()) as server:
        site = Site(workspace, server, readers=1000, connections=CONNECTIONS)
        run_tick(site, clock, stop=stop)
        require_true(site)
        assert 100 <= server.count() < 1000
        clock.offset = jump
        run_tick(site, clock)
        site.require_whole(interruptions=0)


@JUMPS
def test_retries_outlive_a_clock_that_is_set(workspace, jump):
    """Set back, they wait until it is right again; set forward, they come early. None is lost or sent twice."""
    clock, readers = JumpingClock(), 500
    refuse = refuse_at_first({reader_address(number): 1 for number in range(0, readers, 5)}, seeded())
    with LateServer(refuse=refuse) as server:
        site = Site(workspace, server, readers=readers, connections=CONNECTIONS)
        run_tick(site, clock)
        assert site.states() == {"sent": 400, "deferred": 100}
        clock.offset = jump
        run_tick(site, clock)
        assert site.states() == ({"sent": 500} if jump > timedelta(0) else {"sent": 400, "deferred": 100})
        clock.offset = 2 * HOUR
        run_tick(site, clock)
        site.require_whole(interruptions=0)
