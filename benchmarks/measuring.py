"""Processes and what they cost, and how figures are printed."""

import os
import re
import statistics
import subprocess
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

SAMPLE_SECONDS = 0.02
"""How often the memory of a running process is read; its peak only grows, so at most that much is missed."""


class FailedRunError(Exception):
    """A program that was to be measured failed; the message holds the end of what it said."""


@dataclass(frozen=True, kw_only=True)
class Cost:
    """What one run of a program took."""

    wall: float
    """Seconds by the clock."""
    cpu: float
    """Seconds of CPU, user and system, of the process and those it waited for."""
    peak: int = 0
    """Bytes of memory at its peak (VmHWM)."""

    def over(self, other: Self) -> "Cost":
        """What this run took more than another one."""
        return Cost(wall=self.wall - other.wall, cpu=self.cpu - other.cpu, peak=self.peak - other.peak)


def measure(
    *command: str | Path,
    cwd: Path,
    env: Mapping[str, str] | None = None,
    codes: Sequence[int] = (0,),
    seconds: float = 900,
) -> Cost:
    """Run a program to its end.

    Args:
        command: the program and its arguments.
        cwd: where it runs.
        env: changes of this process's environment.
        codes: exit codes that are no failure.
        seconds: after so long it is killed.

    Raises:
        FailedRunError: it ended with another code, or was killed.
    """
    with tempfile.TemporaryFile() as output:
        start = time.perf_counter()
        process = subprocess.Popen(
            list(map(str, command)), cwd=cwd, env={**os.environ, **(env or {})}, stdout=output, stderr=output
        )
        killer = threading.Timer(seconds, process.kill)
        killer.start()
        with PeakMemory(process.pid) as memory:
            _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - start
        killer.cancel()
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode not in codes:
            output.seek(0)
            said = output.read().decode(errors="replace")[-600:].strip()
            raise FailedRunError(f"{Path(command[0]).name} ended with {process.returncode}: {said}")
    return Cost(wall=wall, cpu=usage.ru_utime + usage.ru_stime, peak=memory.peak)


class PeakMemory:
    """Watches a process's VmHWM while it runs: that of `wait4` would count what the parent had at the fork."""

    def __init__(self, pid: int) -> None:
        self.peak = 0
        self._status = Path(f"/proc/{pid}/status")
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._ended.wait(SAMPLE_SECONDS):
            try:
                found = re.search(r"VmHWM:\s+(\d+) kB", self._status.read_text())
            except OSError:  # it has just ended; or the system has no /proc
                return
            if found:
                self.peak = max(self.peak, int(found[1]) * 1024)


class Rounds:
    """Values by label, one of each a round; medians of them."""

    def __init__(self) -> None:
        self._values: dict[str, list[float]] = {}

    def add(self, label: str, value: float) -> None:
        """Note the value of a round."""
        self._values.setdefault(label, []).append(value)

    def median(self, label: str) -> float | None:
        """None where no round had one."""
        values = self._values.get(label)
        return statistics.median(values) if values else None

    def print(self, unit: str = "") -> None:
        """A table of all labels."""
        print(f"\n{unit:<64} {'median':>10} {'least':>10} {'most':>10}")
        for label, values in self._values.items():
            middle = statistics.median(values)
            print(f"{label:<64} {middle:>10,.1f} {min(values):>10,.1f} {max(values):>10,.1f}")


def verdict(label: str, value: float | None, *, least: float | None = None, most: float | None = None) -> None:
    """One line: a value, what was demanded, and whether it is met."""
    demand = f"at least {least:g}" if least is not None else f"at most {most:g}"
    if value is None:
        print(f"{label:<64} {'–':>10}   {demand:<16} not measured")
        return
    is_met = (least is None or value >= least) and (most is None or value <= most)
    print(f"{label:<64} {value:>10,.2f}   {demand:<16} {'pass' if is_met else 'MISS'}")
