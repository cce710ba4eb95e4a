"""The command line as tests use it: in this process, which is quick, and on a terminal of a given width."""

import fcntl
import json
import os
import pty
import sqlite3
import struct
import subprocess
import sys
import termios
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from click.testing import CliRunner

from digest.cli.main import cli

COMMAND = (sys.executable, "-m", "digest")


def environment(**changes: str) -> dict[str, str]:
    """Where the checkout's code is found and no workspace is named."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("DIGEST_")}
    checkout = str(Path(__file__).parents[1])
    path = os.pathsep.join(filter(None, [checkout, kept.get("PYTHONPATH", "")]))
    return {**kept, "PYTHONPATH": path, "PYTHONUTF8": "1", **changes}


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What a command said."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


def digest(*arguments: object, config: Path | None = None, env: Mapping[str, str] | None = None) -> Answer:
    """`digest …` in this process; an exception that a user would see as a traceback fails the test."""
    words = [*(("--config", str(config)) if config else ()), *map(str, arguments)]
    changes = {"DIGEST_CONFIG": None, **(env or {})}
    result = CliRunner().invoke(cli, words, prog_name="digest", env=changes, catch_exceptions=False)
    return Answer(code=result.exit_code, out=result.stdout, err=result.stderr)


def digest_on_terminal(*arguments: object, columns: int = 80, cwd: Path | None = None, typed: str = "") -> Answer:
    """`digest …` as a process on a terminal; all that it showed is in `out`."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
    process = subprocess.Popen(
        [*COMMAND, *map(str, arguments)],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        cwd=cwd,
        env=environment(TERM="xterm-256color", COLUMNS="", LINES=""),
    )
    os.close(theirs)
    os.write(ours, typed.encode())
    shown = b""
    while chunk := _read(ours):
        shown += chunk
    os.close(ours)
    return Answer(code=process.wait(timeout=30), out=shown.decode().replace("\r\n", "\n"), err="")


def _read(terminal: int) -> bytes:
    """What a terminal shows next; Linux reports its end as an error."""
    try:
        return os.read(terminal, 65536)
    except OSError:
        return b""


def dump(settings_file: Path) -> str:
    """Everything in a workspace's database, to be compared before and after."""
    with sqlite3.connect(settings_file.with_name("digest.db")) as connection:
        content = "\n".join(connection.iterdump())
    connection.close()
    return content
