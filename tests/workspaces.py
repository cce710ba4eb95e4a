"""What tests of the whole house are made of: settings, a clock that can be set, invented articles and readers."""

from collections.abc import Iterable, Mapping
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

from digest.app import App
from digest.clock import BootTime, Clock
from digest.model import Article, DatedCount
from digest.settings import load_settings
from digest.store.articles import save_articles
from digest.store.database import FILE_NAME, Database, open_database
from digest.store.subscribers import Profile, save_profile
from digest.store.views import save_dated_counts

SENDER = "한빛뉴스 <news@hanbit.example>"
NOW = datetime(2026, 3, 2, 0, 0, tzinfo=UTC)
"""Monday 09:00 in Seoul, an hour after the default newsletter is due."""
EDITION = date(2026, 3, 2)
BOOT = BootTime(boot_id="boot-1", seconds=1000.0)


class SetClock(Clock):
    """A clock that stands until it is moved; its boot clock moves along, or alone."""

    def __init__(self, now: datetime = NOW, *, boot: BootTime = BOOT) -> None:
        self._now, self._boot = now, boot

    def now(self) -> datetime:
        return self._now

    def boot(self) -> BootTime:
        return self._boot

    def advance(self, **amount: float) -> None:
        """Let time pass."""
        self._now += timedelta(**amount)
        self.pass_boot_time(**amount)

    def pass_boot_time(self, **amount: float) -> None:
        """Move the boot clock alone."""
        seconds = self._boot.seconds + timedelta(**amount).total_seconds()
        self._boot = BootTime(boot_id=self._boot.boot_id, seconds=seconds)

    def set_wall_clock(self, now: datetime) -> None:
        """Move the wall clock alone, as an operator or NTP does."""
        self._now = now


def settings_text(
    *newsletters: Mapping[str, Any],
    delivery: Mapping[str, Any] | None = None,
    source: Mapping[str, Any] | None = None,
    site: Mapping[str, Any] | None = None,
) -> str:
    """A digest.toml: newsletters with their differences from a plain weekly one, and the other tables."""
    plain = {"slug": "weekly", "title": "주간 한빛", "from": SENDER, "min_articles": 1}
    site = {
        "name": "한빛뉴스",
        "url": "https://hanbit.example",
        "timezone": "Asia/Seoul",
        "locale": "ko",
        **(site or {}),
    }
    parts = [_table("[site]", site), _table("[source]", source or {}), _table("[delivery]", delivery or {})]
    parts += [_table("[[newsletter]]", {**plain, **newsletter}) for newsletter in newsletters or ({},)]
    return "\n".join(parts)


def _table(name: str, values: Mapping[str, Any]) -> str:
    return "\n".join([name, *(f"{key} = {_value(value)}" for key, value in values.items())]) + "\n"


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return str(value)
    if isinstance(value, list | tuple):
        return f"[{', '.join(_value(item) for item in value)}]"
    return '"' + str(value).replace("\\", "\\\\").replace('"', '\\"') + '"'


def smtp_settings(server: Any, **changes: Any) -> dict[str, Any]:
    """The [delivery] table for a server of `digest.testing`."""
    return {"transport": "smtp", "host": server.host, "port": server.port, "security": "none", "timeout": 20, **changes}


@contextmanager
def open_at(settings_file: Path, clock: Clock, *, seed: int = 1):
    """The workspace as `open_app` opens it, but with another clock and a seeded jitter."""
    settings = load_settings(settings_file)
    with open_database(settings.folder / FILE_NAME) as database:
        yield App(settings=settings, database=database, clock=clock, random=Random(seed))


def make_article(number: int, *, at: datetime = NOW - timedelta(days=2), **changes: Any) -> Article:
    """An invented article; later numbers are newer."""
    values = {
        "id": str(number),
        "url": f"https://hanbit.example/articles/{number}",
        "title": f"{number}번째 소식: 다리 위 보행로가 넓어졌다",
        "published_at": at + timedelta(minutes=number),
        "excerpt": "걸어서 강을 건너는 사람이 두 배로 늘었다.",
        "section": "society",
        "section_name": "사회",
    }
    return Article(**{**values, **changes})


def fill_with_news(database: Database, count: int = 5, *, at: datetime = NOW - timedelta(days=2)) -> None:
    """Articles of one day with views, the first one viewed most."""
    articles = [make_article(number, at=at) for number in range(1, count + 1)]
    counts = [DatedCount(article_id=a.id, date=at.date(), views=1000 - int(a.id)) for a in articles]
    with database.transaction():
        save_articles(database, articles, read_at=at)
        save_dated_counts(database, counts)


def reader_address(number: int) -> str:
    """The address of an invented reader."""
    return f"reader{number:05d}@example.com"


def add_readers(
    database: Database, numbers: Iterable[int], *, newsletters: tuple[str, ...] = ("weekly",), **profile: Any
) -> None:
    """Active subscribers, one for each number."""
    with database.transaction():
        for number in numbers:
            wishes = Profile(
                address=reader_address(number),
                name=f"독자 {number}",
                newsletters=newsletters,
                consent_source="test",
                **profile,
            )
            save_profile(database, wishes, address_hash=b"", resubscribe=False, now=NOW)


def due_minutes_ago(now: datetime, minutes: int = 5) -> tuple[date, str]:
    """An edition that fell due so many minutes ago in UTC, and a weekly schedule that says so."""
    due = now - timedelta(minutes=minutes)
    return due.date(), f"{due:%a %H:%M}".lower()
