"""Articles, views and the sizes of pictures on their way in: from files, the publisher's database and the web."""

import csv
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from itertools import islice
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from digest.compose import Edition, list_likely_articles, window_of
from digest.errors import RowError
from digest.illustrate import ImagesReport, get_known_images, read_images, urls_to_read
from digest.model import Article, DatedCount, IssueState, RunningTotal, ViewEvent, Window
from digest.schedule import next_edition
from digest.settings import NewsletterSettings, Settings
from digest.source.articles import ArticleRow, read_article_file
from digest.source.database import read_publisher
from digest.source.fetch import Fetch
from digest.source.files import FileOptions, RefusedRow
from digest.source.views import read_view_file
from digest.store.articles import Changes, get_last_reading, save_articles
from digest.store.database import Database
from digest.store.images import drop_images_read_before
from digest.store.issues import get_issue
from digest.store.views import save_dated_counts, save_events, save_totals

IMAGES_FORGOTTEN_AFTER = timedelta(days=60)
"""Long after the articles they belong to."""
_BATCH = 2000
_UNDECIDED = (IssueState.SENDING, IssueState.PAUSED, IssueState.HELD)

ViewRow = DatedCount | ViewEvent | RunningTotal
OnProgress = Callable[[int], None]
"""Told how many more rows were dealt with."""


@dataclass(frozen=True, kw_only=True)
class ImportOrder:
    """How to import one file."""

    path: Path
    options: FileOptions
    skip_bad: bool = False
    """Go on past bad rows; otherwise one of them keeps the whole file out."""
    dry_run: bool = False
    """Do all but keep it."""
    on_progress: OnProgress = field(default=lambda _: None)


@dataclass(frozen=True, kw_only=True)
class ImportReport:
    """What importing one file did, or would have done."""

    path: Path
    changes: Changes
    """Articles, or rows of views."""
    totals: int = 0
    """Running totals read beside the articles: one snapshot each."""
    refused: tuple[RefusedRow, ...] = ()
    kept: bool = True
    """Whether anything of the file was written."""

    @property
    def rows(self) -> int:
        """How many rows the file had."""
        return self.changes.added + self.changes.updated + self.changes.unchanged + len(self.refused)


class _NotKept(Exception):  # noqa: N818 - not an error: rolls a transaction back
    """Ends a transaction without keeping it."""


def import_articles(database: Database, order: ImportOrder) -> ImportReport:
    """Import one file of articles, in one transaction.

    Raises:
        SourceError: the file as a whole cannot be read.
    """
    totals: list[RunningTotal] = []

    def save(rows: Sequence[ArticleRow]) -> Changes:
        totals.extend(row.total for row in rows if row.total is not None)
        return save_articles(database, (row.article for row in rows), read_at=order.options.read_at)

    def finish() -> Changes:
        save_totals(database, totals)
        return Changes()

    report = _import(database, order, read_article_file(order.path, order.options), save, finish)
    return ImportReport(
        path=report.path, changes=report.changes, totals=len(totals), refused=report.refused, kept=report.kept
    )


def import_views(database: Database, order: ImportOrder) -> ImportReport:
    """Import one file of view counts, in one transaction.

    Raises:
        SourceError: the file as a whole cannot be read.
    """
    events: list[ViewEvent] = []

    def save(rows: Sequence[ViewRow]) -> Changes:
        # Events of one second must be counted over the whole file, so they wait for its end.
        events.extend(row for row in rows if isinstance(row, ViewEvent))
        return save_dated_counts(database, [row for row in rows if isinstance(row, DatedCount)]) + save_totals(
            database, [row for row in rows if isinstance(row, RunningTotal)]
        )

    def finish() -> Changes:
        return save_events(database, events)

    return _import(database, order, read_view_file(order.path, order.options), save, finish)


def _import(
    database: Database,
    order: ImportOrder,
    rows: Iterator[Any],
    save: Callable[[Sequence[Any]], Changes],
    finish: Callable[[], Changes],
) -> ImportReport:
    """Write all rows in one transaction, and let go of it where the file is not to be kept."""
    changes = Changes()
    refused: list[RefusedRow] = []
    kept = False
    try:
        with database.transaction():
            while batch := list(islice(rows, _BATCH)):
                refused.extend(row for row in batch if isinstance(row, RefusedRow))
                changes += save([row for row in batch if not isinstance(row, RefusedRow)])
                order.on_progress(len(batch))
            changes += finish()
            kept = not order.dry_run and (order.skip_bad or not refused)
            if not kept:
                raise _NotKept  # noqa: TRY301 - the exception is how a transaction is told to roll back
    except _NotKept:
        pass
    return ImportReport(path=order.path, changes=changes, refused=tuple(refused), kept=kept)


def write_refused_rows(path: Path, refused: Sequence[RefusedRow]) -> None:
    """Write refused rows as CSV with the line, the column and the reason before their own cells.

    The file carries a byte order mark, as spreadsheets read Korean wrongly without one.
    """
    columns = list(dict.fromkeys(name for row in refused for name in row.values))
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["line", "column", "reason", *columns])
        for row in refused:
            cells = [row.values.get(name, "") for name in columns]
            writer.writerow([row.error.line, row.error.column, row.error.reason, *cells])


@dataclass(frozen=True, kw_only=True)
class Reading:
    """One reading of the publisher's database."""

    read_at: datetime
    """Articles that it contained carry this moment or a later one."""
    articles: int
    refused: tuple[RowError, ...]
    """Rows that could not be used; they are left out and said, as one bad article must not stop an issue."""


def read_source(database: Database, settings: Settings, *, window: Window | None, now: datetime) -> Reading | None:
    """Read the publisher's database into the store, in one transaction; None where articles come by import.

    Args:
        database: the workspace's database.
        settings: whose `[source]` names the publisher's.
        window: the time the issue covers, for queries that ask for it.
        now: the moment of reading; running totals are snapshots of it.

    Raises:
        SourceError: it cannot be read; the message names the setting.
    """
    if settings.source.type == "import":
        return None
    found = read_publisher(
        settings.source,
        settings_file=settings.file,
        timezone=ZoneInfo(settings.site.timezone),
        window=window,
        now=now,
    )
    with database.transaction():
        save_articles(database, found.articles, read_at=now)
        save_totals(database, found.totals)
        save_dated_counts(database, found.counts)
        save_events(database, found.events)
    return Reading(read_at=now, articles=len(found.articles), refused=found.refused)


def gather_images(
    database: Database,
    settings: Settings,
    newsletters: Iterable[NewsletterSettings],
    *,
    now: datetime,
    fetch: Fetch,
    seconds: float,
    known_too: bool = False,
    is_stopped: Callable[[], bool] = lambda: False,
    on_progress: OnProgress = lambda _: None,
) -> ImagesReport:
    """Read the pictures that the next edition of each newsletter may show, where their sizes are not known.

    Args:
        database: the workspace's database.
        settings: of the workspace.
        newsletters: those to look at.
        now: the present moment.
        fetch: how to read from the web.
        seconds: as `read_images` takes it.
        known_too: read also those that were read before.
        is_stopped: asked before each picture; ends it early.
        on_progress: told after each picture.
    """
    wanted = [newsletter for newsletter in newsletters if newsletter.images]
    articles = [article for each in wanted for article in articles_of_next_edition(database, settings, each, now=now)]
    known = {} if known_too else get_known_images(database, articles)
    urls = urls_to_read(articles, known, now=now)
    report = read_images(
        database, urls, now=now, fetch=fetch, seconds=seconds, is_stopped=is_stopped, on_progress=on_progress
    )
    with database.transaction():
        drop_images_read_before(database, now - IMAGES_FORGOTTEN_AFTER)
    return report


def articles_of_next_edition(
    database: Database, settings: Settings, newsletter: NewsletterSettings, *, now: datetime
) -> tuple[Article, ...]:
    """What the next edition that is not published yet would show, and its runners-up, as last read or imported."""
    day = _next_open_edition(database, settings, newsletter, now)
    edition = Edition(
        settings=settings,
        newsletter=newsletter,
        date=day,
        now=now,
        window=window_of(database, settings, newsletter, day, now=now),
        read_since=get_last_reading(database) if settings.source.type == "sqlite" else None,
    )
    return list_likely_articles(database, edition)


def _next_open_edition(database: Database, settings: Settings, newsletter: NewsletterSettings, now: datetime) -> date:
    timezone = settings.timezone_of(newsletter)
    edition = next_edition(newsletter.due, timezone, now)
    issue = get_issue(database, newsletter.slug, edition)
    if issue is None or (issue.frozen_at is None and issue.state in _UNDECIDED):
        return edition
    return next_edition(newsletter.due, timezone, datetime.combine(edition + timedelta(days=1), time(12), timezone))
