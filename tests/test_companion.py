"""The server of the pages beside the service: it ends with it, comes back where it ended, and reads new settings."""

import os
import signal
import subprocess
import sys
import time
from http.client import HTTPConnection

import pytest

from command_line import environment
from digest.companion import Companion
from digest.store.database import FILE_NAME, open_database
from web_servers import free_port
from workspaces import settings_text

pytestmark = pytest.mark.timeout(90)


@pytest.fixture
def workspace(tmp_path):
    open_database(tmp_path / FILE_NAME, create=True).close()
    return tmp_path


def write_settings(folder, port=None):
    web = "" if port is None else f"\n[web]\nport = {port}\n"
    file = folder / "digest.toml"
    file.write_text(settings_text({}) + web, encoding="utf-8")
    os.utime(file, ns=(time.time_ns(), time.time_ns()))
    return file


def answers(port):
    try:
        connection = HTTPConnection("127.0.0.1", port, timeout=2)
        connection.request("GET", "/digest/subscribe")
        with connection.getresponse() as answer:
            answer.read()
            return answer.status == 200
    except OSError:
        return False
    finally:
        connection.close()


def wait_for(condition, look=lambda: None, seconds=20):
    for _ in range(seconds * 20):
        look()
        if condition():
            return True
        time.sleep(0.05)
    return False


def test_without_a_table_in_the_settings_there_are_no_pages(workspace):
    companion = Companion(write_settings(workspace))
    companion.look()
    assert companion._process is None


@pytest.mark.slow
def test_it_starts_anew_with_new_settings_and_after_its_end(workspace):
    first, second = free_port(), free_port()
    file = write_settings(workspace, first)
    companion = Companion(file)
    try:
        assert wait_for(lambda: answers(first), companion.look)
        companion._process.send_signal(signal.SIGKILL)
        assert wait_for(lambda: not answers(first))
        assert wait_for(lambda: answers(first), companion.look)
        write_settings(workspace, second)
        assert wait_for(lambda: answers(second), companion.look)
        assert not answers(first)
        file.write_text("nonsense", encoding="utf-8")
        companion.look()
        assert answers(second)
    finally:
        companion.close()
    assert not answers(second)


def test_none_is_left_behind_by_a_service_that_is_killed(workspace):
    port = free_port()
    file = write_settings(workspace, port)
    command = [sys.executable, "-m", "digest", "--config", str(file), "run"]
    service = subprocess.Popen(command, env=environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        assert wait_for(lambda: answers(port))
    finally:
        service.kill()
        service.wait()
    assert wait_for(lambda: not answers(port))
