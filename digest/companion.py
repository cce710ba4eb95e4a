"""The server of readers' pages beside the service, as a process of its own.

What goes wrong in one keeps the other from nothing, and a sender at full speed does not share an interpreter with the
pages: a request would wait 5 ms for its turn each time it needs one. The child ends when its standard input does, so
that none is left behind, however the parent ended.
"""

import logging
import subprocess
import sys
import time
from pathlib import Path

from digest.errors import SettingsError
from digest.settings import load_settings

logger = logging.getLogger("digest")

_FIRST_WAIT = 1.0
_LONGEST_WAIT = 60.0
_STEADY_SECONDS = 60.0
"""Whoever ran for so long may be started again at once."""
_GOODBYE_SECONDS = 15.0


class Companion:
    """Starts the server where the settings want one, again where it ended, and anew where the settings changed."""

    def __init__(self, settings_file: Path) -> None:
        self._settings_file = settings_file
        self._process: subprocess.Popen[bytes] | None = None
        self._seen: tuple[int, int] | None = None
        self._wants_pages = False
        self._started_at = 0.0
        self._wait, self._not_before = _FIRST_WAIT, 0.0

    def look(self) -> None:
        """Do what is needed at this moment; ask it every second or so."""
        if self._have_settings_changed():
            self.close()
        if self._process is not None and (code := self._process.poll()) is not None:
            self._note_end(code)
        if self._wants_pages and self._process is None and time.monotonic() >= self._not_before:
            self._start()

    def close(self) -> None:
        """Ask the server to end, and wait until it has."""
        process, self._process = self._process, None
        if process is None:
            return
        if process.stdin is not None:
            process.stdin.close()
        try:
            process.wait(_GOODBYE_SECONDS)
        except subprocess.TimeoutExpired:
            logger.warning("the server of the pages did not end within %g s and is stopped", _GOODBYE_SECONDS)
            process.kill()
            process.wait()

    def _have_settings_changed(self) -> bool:
        """Settings that cannot be read leave the server as it is; the tick tells what is wrong with them."""
        try:
            stat = self._settings_file.stat()
        except OSError:
            return False
        seen = (stat.st_mtime_ns, stat.st_size)
        if seen == self._seen:
            return False
        self._seen = seen
        try:
            self._wants_pages = load_settings(self._settings_file).web is not None
        except SettingsError:
            return False
        return True

    def _start(self) -> None:
        command = [sys.executable, "-m", "digest", "--config", str(self._settings_file), "serve", "--with-parent"]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE)  # noqa: S603 - our own program
        self._started_at = time.monotonic()

    def _note_end(self, code: int) -> None:
        self.close()
        now = time.monotonic()
        self._wait = _FIRST_WAIT if now - self._started_at > _STEADY_SECONDS else min(self._wait * 2, _LONGEST_WAIT)
        self._not_before = now + self._wait
        logger.error("the server of the pages ended (exit code %d); again in %g s", code, self._wait)
