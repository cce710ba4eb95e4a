"""A workspace worth looking at, and `digest preview` as a process that serves it."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from command_line import digest, environment
from digest.model import DatedCount
from digest.store.articles import save_articles
from digest.store.database import FILE_NAME, open_database
from digest.store.views import save_dated_counts
from digest.workspace import create_workspace
from workspaces import NOW, SENDER, add_readers, make_article, settings_text

EDITION = "2026-03-02"
LAST_EDITION = "2026-02-23"
ARTICLES = 16
SHOWN = 6
SECTIONS = (("society", "사회"), ("economy", "경제"), ("world", "국제"), ("culture", "문화"))
TITLES = (
    "다리 위 보행로가 두 배로 넓어졌다",
    "항만 물동량 석 달째 오름세",
    "밤 기차가 십 년 만에 돌아온다",
    "동네 책방이 밤 열한 시까지 문을 연다",
)


def make_site(folder: Path, *, delivery: dict[str, Any] | None = None) -> Path:
    """Two newsletters, Korean and English, two weeks of news, readers, and last week's issue, sent."""
    file = create_workspace(folder, name="한빛뉴스", sender=SENDER, timezone="Asia/Seoul", locale="ko")
    plain = {"limit": SHOWN, "no_repeat": 0}
    korean = {**plain, "slug": "weekly", "title": "주간 한빛", "intro": "이번 주 소식입니다."}
    english = {**plain, "slug": "english", "title": "Hanbit Weekly", "locale": "en"}
    site = {"postal_address": "서울특별시 중구 한빛길 12"}
    file.write_text(settings_text(korean, english, delivery=delivery, site=site), encoding="utf-8")
    with open_database(folder / FILE_NAME) as database:
        _save_news(database, weeks_back=0)
        _save_news(database, weeks_back=1)
        add_readers(database, range(1, 4), newsletters=("weekly", "english"))
        add_readers(database, [9], sections=("economy",))
    sent = digest("send", "weekly", "--date", LAST_EDITION, "--yes", "--force-unsafe", config=file)
    assert sent.code == 0, sent.err
    return file


def _save_news(database, *, weeks_back):
    day = NOW - timedelta(days=2 + 7 * weeks_back)
    articles = [
        make_article(
            number + 100 * weeks_back,
            at=day,
            title=f"{TITLES[number % 4]} {'지난주 ' * weeks_back}{number}",
            section=SECTIONS[number % 4][0],
            section_name=SECTIONS[number % 4][1],
        )
        for number in range(1, ARTICLES + 1)
    ]
    views = [
        DatedCount(article_id=article.id, date=day.date(), views=60_000 // place + 10)
        for place, article in enumerate(articles, 1)
    ]
    with database.transaction():
        save_articles(database, articles, read_at=day)
        save_dated_counts(database, views)


@dataclass
class Preview:
    """A running preview."""

    url: str
    """Its address with token and query."""
    file: Path
    process: subprocess.Popen

    @property
    def base(self) -> str:
        """Where everything of it lies, with a slash at the end."""
        return self.url.partition("?")[0]

    def request(self, path: str = "", *, method: str = "GET", body: bytes | None = None, **headers: str):
        """One request to any path of the server; header names with _ for -. Returns status, headers, body."""
        address = urlsplit(self.base)
        connection = HTTPConnection("127.0.0.1", address.port, timeout=30)
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, path if path.startswith("/") else address.path + path, body=body, headers=given)
        with connection.getresponse() as answer:
            found = answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
        connection.close()
        return found

    def order(self, path: str, **body: Any) -> tuple[int, Any]:
        """What the page's own JavaScript would send."""
        headers = {"content_type": "application/json", "origin": self.base.rpartition("/")[0].rpartition("/")[0]}
        status, _, content = self.request(path, method="POST", body=json.dumps(body).encode(), **headers)
        return status, json.loads(content)

    def state(self, query: str = f"edition={EDITION}") -> Any:
        """What the page is told."""
        return json.loads(self.request(f"api/state?{query}")[2])


@contextmanager
def run_preview(file: Path, *options: str, edition: str = EDITION) -> Iterator[Preview]:
    """`digest preview --no-open`, until the end of the block."""
    command = [sys.executable, "-m", "digest", "--config", str(file), "preview", "--no-open", "--date", edition]
    process = subprocess.Popen(
        [*command, *options], env=environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8"
    )
    try:
        first = process.stdout.readline()
        assert first.startswith("Preview    http://127.0.0.1:"), first + process.stdout.read()
        assert process.stdout.readline() == "Ctrl-C ends it.\n"
        yield Preview(url=first.split()[1], file=file, process=process)
    finally:
        process.terminate()
        process.communicate(timeout=20)
