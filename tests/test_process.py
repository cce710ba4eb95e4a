"""A killed sender can be told from a living one, from its name alone."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from digest import process
from digest.process import has_died, name_this_process

pytestmark = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="no /proc: the lease alone decides here")
PRINT_NAME = """
from digest.process import name_this_process
print(name_this_process(), flush=True)
input()
"""


@pytest.fixture
def other():
    """Another process, with its name."""
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    checkout = Path(process.__file__).parents[1]
    with subprocess.Popen([sys.executable, "-c", PRINT_NAME], cwd=checkout, **pipes) as started:
        started.name = started.stdout.readline().strip()
        yield started
        started.kill()


def test_names_differ_and_hold_the_process_number():
    assert name_this_process() != name_this_process()
    assert f":{os.getpid()}:" in name_this_process()


def test_the_living_are_not_dead(other):
    assert not has_died(name_this_process())
    assert not has_died(other.name)
    os.kill(other.pid, signal.SIGSTOP)
    assert not has_died(other.name)


def test_a_process_that_ended_is_dead_before_and_after_its_parent_collects_it(other):
    other.kill()
    os.waitid(os.P_PID, other.pid, os.WEXITED | os.WNOWAIT)
    assert has_died(other.name)
    other.wait()
    assert has_died(other.name)


def test_a_later_process_with_the_same_number_is_not_taken_for_it(other):
    """Process numbers come round again; the start time does not."""
    place, pid, start, chance = other.name.split(":")
    assert has_died(f"{place}:{pid}:{int(start) - 1}:{chance}")


def test_another_host_or_container_is_never_judged(other):
    place, *rest = other.name.split(":")
    other.kill()
    other.wait()
    host, _, namespace = place.partition("/")
    assert not has_died(":".join([f"{host}2/{namespace}", *rest]))
    assert not has_died(":".join([f"{host}/{namespace}1", *rest]))
    assert has_died(other.name)


def test_processes_of_other_users_are_alive():
    """Process 1 is always there, and often somebody else's."""
    place = name_this_process().partition(":")[0]
    assert not has_died(f"{place}:1:{process._find_start(1)}:0")


@pytest.mark.parametrize("name", ["", "host", "host:12", "host:12:abcd", "a:b:c:d", ":::", "first"])
def test_names_that_are_none_are_not_judged(name):
    assert not has_died(name)


def test_without_proc_nobody_is_declared_dead(other, monkeypatch, tmp_path):
    monkeypatch.setattr(process, "_PROC", tmp_path)
    name = name_this_process()
    assert name.split(":")[2] == ""
    other.kill()
    other.wait()
    assert not has_died(other.name)
    assert not has_died(name.replace(str(os.getpid()), str(other.pid)))
