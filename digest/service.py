"""The service: a scheduler that ticks and, beside it, reads pictures; and signals that ask it to stop.

APScheduler keeps no truth here. Its stores and cron triggers lose or double runs (down over a fire time, kill -9,
several processes), so one interval job ticks, and what is due is worked out from the database each time. Pictures are
read by a job of their own, as is returned mail: a slow web server or mailbox must not keep an issue waiting.
"""

import logging
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from threading import Event, Lock, Thread
from types import FrameType

from apscheduler.job import Job
from apscheduler.schedulers.background import BackgroundScheduler

from digest.app import App, open_app
from digest.clock import BootTime, Clock
from digest.companion import Companion
from digest.errors import DigestError, StoreError
from digest.gather import gather_images, read_source
from digest.illustrate import ImagesReport
from digest.model import count_in_words
from digest.returns.polling import LOOK_SECONDS, Polling
from digest.source.fetch import Fetch, fetch
from digest.store.database import FILE_NAME, Database, open_database, read_version
from digest.store.leases import has_resumable
from digest.tick import Observer, SendReport, tick

logger = logging.getLogger("digest")

TICK_SECONDS = 30
IMAGES_MINUTES = 10
"""How often to look for pictures of the next editions that were not read yet."""
IMAGES_SECONDS = 120.0
"""How long one look may read; the next one goes on."""
MAX_CLOCK_DRIFT = timedelta(minutes=5)
"""How far wall clock and boot clock may drift apart between two ticks; a jump by more must not send anything."""
_SIGNAL_SECONDS = 0.5
"""How long a signal may go unnoticed. A kernel may hand it to another thread, and then a wait without an end in the
main thread, which alone runs Python's signal handlers, was measured never to return."""


@contextmanager
def stop_on_signals() -> Iterator[Event]:
    """An event that SIGTERM and SIGINT set; a second signal ends the process at once, as it would without us."""
    stop = Event()
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}

    def ask_to_stop(number: int, _frame: FrameType | None) -> None:
        stop.set()
        signal.signal(number, before[signal.Signals(number)])

    for number in before:
        signal.signal(number, ask_to_stop)
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def stop_on_end_of_input(stop: Event) -> None:
    """Set an event when standard input ends: a child then ends with its parent, however that ended."""

    def wait() -> None:
        while os.read(0, 1):
            pass
        stop.set()

    Thread(target=wait, name="digest-parent", daemon=True).start()


class ClockWatch:
    """Tells a tick that comes after the wall clock was set from one after a time of no ticks."""

    def __init__(self) -> None:
        self._last: tuple[datetime, BootTime] | None = None

    def has_jumped(self, now: datetime, boot: BootTime) -> bool:
        """Whether wall clock and boot clock moved by different amounts since the last call."""
        last, self._last = self._last, (now, boot)
        if last is None or last[1].boot_id != boot.boot_id:
            return False
        drift = (now - last[0]).total_seconds() - (boot.seconds - last[1].seconds)
        return abs(drift) > MAX_CLOCK_DRIFT.total_seconds()


def run_service(settings_file: Path, *, stop: Event, tick_seconds: float = TICK_SECONDS) -> None:
    """Tick until asked to stop, then let the messages on the wire end and return.

    Each tick opens the workspace anew, so that changed settings count without a restart.
    """
    watch = ClockWatch()
    scheduler = BackgroundScheduler(timezone="UTC")
    busy = Lock()

    def tick_once() -> None:
        with busy:
            safe_tick(settings_file, watch=watch, stop=stop)

    ticking = _add_job(scheduler, tick_once, seconds=tick_seconds)
    lookout = Lookout(settings_file)
    _add_job(scheduler, lambda: safe_read_images(settings_file, stop=stop), seconds=IMAGES_MINUTES * 60)
    _add_job(scheduler, Polling(settings_file, is_stopped=stop.is_set).look, seconds=LOOK_SECONDS)
    logger.info("running; a tick every %g s", tick_seconds)
    scheduler.start()
    companion = Companion(settings_file)
    try:
        companion.look()
        while not stop.wait(_SIGNAL_SECONDS):
            companion.look()
            if not busy.locked() and lookout.sees_work():
                ticking.modify(next_run_time=Clock().now())
    finally:
        lookout.close()
        logger.info("stopping")
        companion.close()
        scheduler.shutdown(wait=True)


class Lookout:
    """Notices between ticks that a command has let an issue go on, so that it does so within a second."""

    def __init__(self, settings_file: Path) -> None:
        self._path = settings_file.with_name(FILE_NAME)
        self._database: Database | None = None
        self._version = 0

    def sees_work(self) -> bool:
        """Whether the database has changed since the last look, and an issue waits that nobody sends."""
        try:
            self._database = self._database or open_database(self._path)
            before, self._version = self._version, read_version(self._database)
            if before == self._version:
                return False
            clock = Clock()
            return has_resumable(self._database, boot=clock.boot(), now=clock.now())
        except StoreError:
            self.close()  # the next tick tells what is wrong with it
            return False

    def close(self) -> None:
        """Close the database."""
        if self._database is not None:
            self._database.close()
            self._database = None


def _add_job(scheduler: BackgroundScheduler, job: Callable[[], None], *, seconds: float) -> Job:
    """Run it now and again and again, never twice at once, and one time for all that were missed."""
    return scheduler.add_job(
        job,
        "interval",
        seconds=seconds,
        next_run_time=Clock().now(),
        coalesce=True,
        max_instances=1,
        misfire_grace_time=None,
    )


def safe_tick(settings_file: Path, *, watch: ClockWatch, stop: Event) -> None:
    """One tick over all newsletters that outlives every failure, and logs it."""
    try:
        with open_app(settings_file) as app:
            if watch.has_jumped(app.clock.now(), app.clock.boot()):
                logger.error("the system clock was set by more than %s; nothing is sent in this tick", MAX_CLOCK_DRIFT)
                return
            refresh_source(app)
            for report in tick_all(app, stop=stop, observer=Observer()):
                log_report(report)
    except DigestError as error:
        logger.error("a tick failed: %s; the next one tries again", error)  # noqa: TRY400 - a user's mistake, in words
    except Exception:
        logger.exception("a tick failed; the next one tries again")


def safe_read_images(settings_file: Path, *, stop: Event, fetch: Fetch = fetch) -> None:
    """Read pictures of the next editions; outlives every failure, and logs it. An issue goes out without them."""
    try:
        with open_app(settings_file) as app:
            report = gather_images(
                app.database,
                app.settings,
                app.settings.newsletters,
                now=app.clock.now(),
                fetch=fetch,
                seconds=IMAGES_SECONDS,
                is_stopped=stop.is_set,
            )
    except DigestError as error:
        _log_failure("pictures", error)
    except Exception:
        logger.exception("pictures were not read; the next time tries again")
    else:
        _log_images(report)


def _log_images(report: ImagesReport) -> None:
    if report.read:
        logger.info("%d pictures read", len(report.read))
    for image in report.broken:
        logger.warning("a picture is left out: %s: %s", image.url, image.problem)
    for reason in report.unreachable.values():
        logger.warning("pictures were not read: %s; the next time tries again", reason)


def tick_all(
    app: App,
    *,
    stop: Event,
    observer: Observer,
    slugs: tuple[str, ...] = (),
    on_failure: Callable[[str, DigestError], None] | None = None,
) -> Iterator[SendReport]:
    """Tick each newsletter, or those named; the failure of one does not keep the others waiting."""
    for newsletter in app.settings.newsletters:
        if stop.is_set() or (slugs and newsletter.slug not in slugs):
            continue
        try:
            yield from tick(app, newsletter, stop=stop, observer=observer)
        except DigestError as error:
            (on_failure or _log_failure)(newsletter.slug, error)


def refresh_source(app: App) -> None:
    """Read the publisher's database when the last reading is older than the settings allow; failures are logged.

    Running totals need snapshots between issues: they alone tell a week's views from an all-time counter.
    """
    last = app.last_reading()
    now = app.clock.now()
    if last is not None and now - last < timedelta(minutes=app.settings.source.refresh_minutes):
        return
    try:
        read_source(app.database, app.settings, window=None, now=now)
    except DigestError as error:
        _log_failure("source", error)


def log_report(report: SendReport) -> None:
    """One line on how sending an issue went."""
    issue = report.issue
    figures = count_in_words(report.counts) or issue.reason or "no reader"
    logger.info("%s %s is %s: %s", issue.newsletter, issue.edition, issue.state, figures)


def _log_failure(slug: str, error: DigestError) -> None:
    logger.error("%s: %s", slug, error)
