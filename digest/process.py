"""Names for processes, by which another process of the same machine can tell that one of them is gone.

A lease of a killed process would otherwise hold its issue until it lapses. Where the system has no /proc (macOS,
BSD) nobody is ever declared dead, and the lease alone decides.
"""

import os
import socket
from pathlib import Path
from uuid import uuid4

_PROC = Path("/proc")
_STATE, _START = 0, 19
"""Places of the state and the start time behind the command's name in /proc/PID/stat (proc(5): fields 3 and 22)."""
_REMAINS = ("Z", "X")
"""States of a process that has ended and was not yet collected by its parent."""


def name_this_process() -> str:
    """A name that no other process has: `place:pid:start:chance`.

    The start, in clock ticks since boot, tells it from a later process with the same number.
    """
    pid = os.getpid()
    return f"{_place()}:{pid}:{_find_start(pid)}:{uuid4().hex[:8]}"


def has_died(name: str) -> bool:
    """Whether the process of that name ran in this place and is certainly gone; False in doubt."""
    place, pid, start, _ = (*name.split(":"), "", "", "", "")[:4]
    if place != _place() or not start or not pid.isdecimal():
        return False
    return not _exists(int(pid)) or _find_start(int(pid)) not in (start, "")


def _place() -> str:
    """Where process numbers mean the same: this host, and in it this container (its namespace of processes)."""
    try:
        namespace = str((_PROC / "self/ns/pid").stat().st_ino)
    except OSError:
        namespace = ""
    return f"{socket.gethostname()}/{namespace}".replace(":", "_")


def _exists(pid: int) -> bool:
    """Asks the kernel, as /proc may hide the processes of others (mount option hidepid)."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass  # it is another user's
    return True


def _find_start(pid: int) -> str:
    """When a process began, "remains" where it has ended, or "" where that cannot be seen."""
    try:
        content = (_PROC / str(pid) / "stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    fields = content.rpartition(")")[2].split()  # the command's name may hold spaces and brackets
    return "remains" if fields[_STATE] in _REMAINS else fields[_START]
