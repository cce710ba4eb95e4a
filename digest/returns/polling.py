"""`digest run` looks into the mailbox of returned mail now and then, in a job of its own."""

import logging
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from digest.alarm import report_refusals
from digest.app import App, open_app
from digest.errors import DigestError
from digest.mailbox.open_mailbox import open_mailbox
from digest.returns.intake import count_deeds, count_in_words, take_in

logger = logging.getLogger("digest")

LOOK_SECONDS = 60
"""How often to ask whether it is time; `inbound.poll_minutes` says when it is."""


class Polling:
    """Reads the mailbox every so many minutes; whatever fails is logged, and the next time tries again."""

    def __init__(self, settings_file: Path, *, is_stopped: Callable[[], bool]) -> None:
        self._settings_file = settings_file
        self._is_stopped = is_stopped
        self._last: float | None = None
        """Of the monotonic clock."""

    def look(self) -> None:
        """Read the mailbox where it is time, and tell the operator of what servers refuse. Never raises."""
        try:
            with open_app(self._settings_file) as app:
                if app.settings.inbound.has_mailbox and self._is_time(app):
                    self._last = time.monotonic()
                    self._read(app)
                report_refusals(app)
        except DigestError as error:
            logger.error("returned mail: %s; the next time tries again", error)  # noqa: TRY400 - its words say it
        except Exception:
            logger.exception("returned mail was not read; the next time tries again")

    def _is_time(self, app: App) -> bool:
        return self._last is None or time.monotonic() - self._last >= app.settings.inbound.poll_minutes * 60

    def _read(self, app: App) -> None:
        deeds: Counter[str] = Counter()
        try:
            with open_mailbox(app.settings.inbound, app.settings.folder) as mailbox:
                for handled in take_in(app, mailbox, is_stopped=self._is_stopped):
                    deeds += count_deeds(handled)
        finally:
            if deeds:
                logger.info("returned mail: %s", count_in_words(deeds))
