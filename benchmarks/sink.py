"""Postfix's smtp-sink as a process that counts what it takes."""

import os
import re
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Self

HOST = "127.0.0.1"
_START_SECONDS = 10


def free_port() -> int:
    """A port nobody listens on at this moment."""
    with socket.socket() as listener:
        listener.bind((HOST, 0))
        return int(listener.getsockname()[1])


def wait_for_port(port: int) -> None:
    """Return once somebody listens."""
    give_up_at = time.monotonic() + _START_SECONDS
    while True:
        try:
            socket.create_connection((HOST, port), timeout=1).close()
        except OSError:
            if time.monotonic() > give_up_at:
                raise
            time.sleep(0.01)
        else:
            return


class Sink:
    """smtp-sink on a free port of this machine, inside `with`."""

    def __init__(self, program: Path, *, environment: dict[str, str] | None = None) -> None:
        self._program = program
        self._environment = environment or {}
        self.port = 0

    def __enter__(self) -> Self:
        self.port = free_port()
        # A file: a pipe that nobody empties would stop it.
        self._output = tempfile.TemporaryFile()
        user = ["-u", "nobody"] if os.geteuid() == 0 else []
        self._process = subprocess.Popen(
            [self._program, "-c", "-m", "512", *user, f"{HOST}:{self.port}", "1024"],
            env={**os.environ, **self._environment},
            stdout=self._output,
            stderr=subprocess.STDOUT,
        )
        wait_for_port(self.port)
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()
        self._output.close()

    @property
    def count(self) -> int:
        """Messages taken so far, by its own counter."""
        end = os.fstat(self._output.fileno()).st_size
        said = os.pread(self._output.fileno(), 400, max(0, end - 400)).decode(errors="replace")
        counts = re.findall(r"mesg=(\d+)", said)
        return int(counts[-1]) if counts else 0
