"""The only place that reads a clock; everywhere else `now` is an argument."""

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

_BOOT_ID_FILE = Path("/proc/sys/kernel/random/boot_id")


@dataclass(frozen=True, kw_only=True)
class BootTime:
    """A moment that no change of the wall clock can move.

    Leases are counted in it: one counted in wall-clock time was stolen by a clock jump of an hour.
    """

    boot_id: str
    """Identifies this boot of the machine; seconds of different boots cannot be compared."""
    seconds: float
    """Seconds since that boot, counting time asleep (CLOCK_BOOTTIME where the system has it)."""


class Clock:
    """The machine's clocks. Build one per process and hand its readings on."""

    def now(self) -> datetime:
        """The wall clock, aware, in UTC."""
        return datetime.now(UTC)

    def boot(self) -> BootTime:
        """The boot clock.

        Where the system has no boot id (macOS, BSD) the id is empty; the lease rule then also treats a lease
        further ahead than one lease length as lapsed, which covers a reboot.
        """
        clock = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
        return BootTime(boot_id=_boot_id(), seconds=time.clock_gettime(clock))


@cache
def _boot_id() -> str:
    """Read once: no process outlives a boot."""
    return _BOOT_ID_FILE.read_text(encoding="ascii").strip() if _BOOT_ID_FILE.exists() else ""
