"""What tests of every room share: real data where it is there, real workspaces, the real command."""

import gc
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from hypothesis import settings

from digest.store.database import open_database
from digest.workspace import create_workspace
from workspaces import SENDER

CHECKOUT = Path(__file__).parents[1]


# In CI the same examples each time, so that a red run is about the change; elsewhere new ones are sought.
settings.register_profile("ci", derandomize=True)
if os.environ.get("CI"):
    settings.load_profile("ci")


def pytest_collection_finish() -> None:
    """Thousands of collected tests live to the end: the collector need not look at them again and again."""
    gc.collect()
    gc.freeze()


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """One worker more than there are processors: many tests wait, for a server, a process or a timer."""
    return (os.cpu_count() or 1) + 1


@pytest.fixture(scope="session")
def data_folder() -> Path:
    """The folder of real data; tests that need it skip where it is absent."""
    folder = Path(os.environ.get("DIGEST_TEST_DATA") or CHECKOUT.parent / "shared" / "data")
    if not (folder / "truth.json").is_file():
        pytest.skip(
            "no real data: name its folder with DIGEST_TEST_DATA, or put it into shared/data beside the checkout"
        )
    return folder


@pytest.fixture
def database(tmp_path):
    """An empty database with all its tables."""
    with open_database(tmp_path / "digest.db", create=True) as opened:
        yield opened


@pytest.fixture
def workspace(tmp_path) -> Callable[..., Path]:
    """Makes a real workspace; `text` replaces its digest.toml. Returns the settings file."""

    def make(
        text: str | None = None, *, folder: str = "site", timezone: str = "Asia/Seoul", locale: str = "ko"
    ) -> Path:
        file = create_workspace(tmp_path / folder, name="한빛뉴스", sender=SENDER, timezone=timezone, locale=locale)
        if text is not None:
            file.write_text(text, encoding="utf-8")
        return file

    return make


@pytest.fixture
def run_digest() -> Callable[..., subprocess.CompletedProcess[str]]:
    """Runs `digest …` as a process of its own and returns it with its exit code and output."""

    def run(
        *arguments: object, cwd: Path | None = None, env: Mapping[str, str] | None = None, timeout: float = 60
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            digest_command(*arguments),
            cwd=cwd,
            env=digest_environment(env),
            capture_output=True,
            encoding="utf-8",
            timeout=timeout,
            check=False,
        )

    return run


@pytest.fixture
def start_digest():
    """Starts `digest …` as a process that goes on; killed at the end of the test if it still runs."""
    started: list[subprocess.Popen[str]] = []

    def start(*arguments: object, cwd: Path | None = None, **options) -> subprocess.Popen[str]:
        options = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, **options}
        process = subprocess.Popen(
            digest_command(*arguments), cwd=cwd, env=digest_environment(None), encoding="utf-8", **options
        )
        started.append(process)
        return process

    yield start
    for process in started:
        if process.poll() is None:
            process.kill()
        process.communicate()


def digest_command(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "digest", *map(str, arguments)]


def digest_environment(changes: Mapping[str, str] | None) -> dict[str, str]:
    """This process's environment without what would lead to another workspace, and with the checkout's code."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("DIGEST_")}
    path = os.pathsep.join(filter(None, [str(CHECKOUT), kept.get("PYTHONPATH", "")]))
    return {**kept, "PYTHONPATH": path, "PYTHONUTF8": "1", "PYTHONWARNINGS": "default", **(changes or {})}


@pytest.fixture
def write(tmp_path):
    """A file of that name in the test's folder."""

    def make(name, content, encoding="utf-8"):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode(encoding))
        return path

    return make
