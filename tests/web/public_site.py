"""A workspace whose readers' pages are served by the real server, with a real mail server behind it."""

import json
import re
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from email import message_from_bytes
from email.policy import default as default_policy
from http.client import HTTPConnection
from pathlib import Path
from threading import Event
from typing import Any, TypeVar
from urllib.parse import urlencode, urlsplit

from digest.app import App, open_app
from digest.clock import Clock
from digest.mail.links import Purpose, SignedLink, sign_link
from digest.model import Subscriber
from digest.notices import send_due_notices
from digest.store.database import FILE_NAME, open_database
from digest.store.subscribers import get_subscriber
from digest.testing import RecordingServer
from digest.web.public.forms import Stamps
from digest.web.public.server import serve_public
from workspaces import add_readers, fill_with_news, reader_address, settings_text, smtp_settings

T = TypeVar("T")
WEB = {"port": 0, "operations_port": 0, "signups_per_hour": 100_000, "cors_origins": ["https://hanbit.example"]}
NEWSLETTERS = ({}, {"slug": "daily", "title": "매일 한빛", "local_time": True})


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()

    @property
    def title(self) -> str:
        found = re.search(r"<h1>(.*?)</h1>", self.text)
        return found[1] if found else ""

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class PublicSite:
    file: Path
    url: str
    operations: str
    mail: RecordingServer

    def ask(self, path: str, *, method: str = "GET", body: bytes | str | None = None, **headers: str) -> Answer:
        """One request; header names with _ for -."""
        address = urlsplit(self.url)
        connection = HTTPConnection(address.hostname, address.port, timeout=20)
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, path, body=body, headers=given)
        with connection.getresponse() as answer:
            found = Answer(answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read())
        connection.close()
        return found

    def post(self, path: str, fields: dict[str, Any] | None = None, **headers: str) -> Answer:
        """A form as a browser sends it."""
        kind = {"content_type": "application/x-www-form-urlencoded", **headers}
        return self.ask(path, method="POST", body=urlencode(fields or {}, doseq=True), **kind)

    def post_json(self, path: str, values: Any, **headers: str) -> Answer:
        """JSON as a publisher's own form sends it."""
        body = values if isinstance(values, bytes) else json.dumps(values).encode()
        return self.ask(path, method="POST", body=body, **{"content_type": "application/json", **headers})

    def sign_up(self, address: str, **fields: Any) -> Answer:
        """The form, looked at for ten seconds."""
        with self.open() as app:
            stamp = Stamps(app.key).make(int(Clock().now().timestamp()) - 10)
        return self.post("/digest/subscribe", {"stamp": stamp, "email": address, "consent": "yes", **fields})

    @contextmanager
    def open(self) -> Iterator[App]:
        with open_app(self.file) as app:
            yield app

    def person(self, address: str) -> Subscriber | None:
        with self.open() as app:
            return get_subscriber(app.database, address)

    def token(self, purpose: Purpose, address: str, *, issue: int = 0) -> str:
        with self.open() as app:
            person = get_subscriber(app.database, address)
            return sign_link(app.keyring.signing, SignedLink(purpose=purpose, subscriber_id=person.id, issue_id=issue))

    def mails_to(self, address: str) -> list[Any]:
        """What the mail server took for an address, after everything that waits has left."""
        in_thread(self._send_notices)
        return [
            message_from_bytes(message.content, policy=default_policy)
            for message in self.mail.messages
            if message.rcpt_tos == [address]
        ]

    def _send_notices(self) -> None:
        with self.open() as app:
            send_due_notices(app)
            wait_until(lambda: not app.database.value("SELECT count(*) FROM notice WHERE state = 'wire'"))

    def snapshot(self) -> list[Any]:
        """Every row of every table, to see that nothing changed."""
        with self.open() as app:
            names = [r[0] for r in app.database.rows("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY 1")]
            return [[tuple(row) for row in app.database.rows(f'SELECT * FROM "{name}"')] for name in names]


def in_thread(work: Callable[[], T]) -> T:
    """What runs an event loop, beside that of a browser's driver."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(work).result()


def wait_until(condition, *, seconds: float = 10.0) -> None:
    pause = threading.Event()
    for _ in range(int(seconds / 0.02)):
        if condition():
            return
        pause.wait(0.02)
    raise AssertionError("it did not come to that")


def make_workspace(folder: Path, mail: RecordingServer, *, readers: int = 3, site=None, **web: Any) -> Path:
    """Two newsletters, news, and some readers of both."""
    folder.mkdir(parents=True, exist_ok=True)
    place = {
        "postal_address": "서울특별시 중구 한빛길 12",
        "public_url": "https://hanbit.example/digest",
        **(site or {}),
    }
    text = settings_text(*NEWSLETTERS, delivery=smtp_settings(mail), site=place)
    table = "\n".join(f"{key} = {json.dumps(value)}" for key, value in {**WEB, **web}.items())
    file = folder / "digest.toml"
    file.write_text(f"{text}\n[web]\n{table}\n", encoding="utf-8")
    with open_database(folder / FILE_NAME, create=True) as database:
        fill_with_news(database)
        add_readers(database, range(readers), newsletters=("weekly", "daily"))
    return file


@contextmanager
def run_public(file: Path, mail: RecordingServer) -> Iterator[PublicSite]:
    """The pages of a workspace, until the end of the block."""
    stop, ready = Event(), Event()
    addresses: list[str] = []

    def note(*found: str) -> None:
        addresses.extend(found)
        ready.set()

    failures: list[BaseException] = []

    def serve() -> None:
        try:
            serve_public(file, stop=stop, on_ready=note)
        except BaseException as error:
            failures.append(error)
            ready.set()
            raise

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    assert ready.wait(20)
    assert not failures, failures
    try:
        yield PublicSite(file=file, url=addresses[0], operations=addresses[1], mail=mail)
    finally:
        stop.set()
        thread.join(20)
        assert not thread.is_alive()


READER = reader_address(0)


def link_in(message: Any, path: str) -> str:
    """The path of the link in a mail's plain text that leads to one of our pages: "/digest/confirm/…"."""
    text = message.get_body(("plain",)).get_content()
    return re.search(rf"https://hanbit\.example(/digest/{path}/\S+)", text)[1]
