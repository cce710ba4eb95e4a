"""`digest demo`: a whole workspace with invented news, taken through the same steps as a real one."""

import csv
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from importlib.resources import files
from mailbox import Maildir
from pathlib import Path
from threading import Event
from typing import Any
from zoneinfo import ZoneInfo

from digest.app import App, open_app
from digest.audience import SubscriberImport, import_subscribers
from digest.check.contract import check_mail
from digest.check.finding import Finding
from digest.deliver.letters import slot_values
from digest.errors import SettingsError, StoreError
from digest.gather import ImportOrder, ImportReport, import_articles, import_views
from digest.inspection import options_for
from digest.proof import Proof, choose_reader, make_proof
from digest.schedule import occurrence_on
from digest.settings import FILE_NAME, NewsletterSettings
from digest.source.files import FileOptions
from digest.store.images import StoredImage, save_image
from digest.store.issues import list_issues
from digest.tick import Observer, SendReport, begin_edition
from digest.workspace import create_workspace

SITE = "https://hanbit-news.example"
_DATA = files("digest") / "demo_data"
_HEADING = "# Made by `digest demo`: invented news to look at and play with.\n"
_CHANGES = {
    "# max_per_section = 3": "max_per_section = 3",
    'postal_address = ""': 'postal_address = "서울특별시 중구 한빛길 12, 한빛뉴스"',
}
_COPIED = ("id", "title", "subheads", "excerpt", "author", "language", "image_caption", "image_width", "image_height")
_IMAGE_SIZE = (1200, 675)
_VIEW_COLUMNS = ("article_id", "date", "views")
_SUBSCRIBER_COLUMNS = ("address", "name", "locale", "state", "sections")


@dataclass(frozen=True, kw_only=True)
class DemoReport:
    """What the demo made."""

    folder: Path
    proof: Proof
    html: Path
    text: Path
    outbox: Path
    messages: int
    """Files in the outbox."""
    delivered: SendReport | None
    """How the sending went; None where an earlier run had sent it."""
    findings: tuple[Finding, ...]
    """What the check of every message found; empty is good."""


def build_demo(folder: Path) -> DemoReport:
    """Make the demo workspace, or bring it up to date; run again, it changes nothing.

    Raises:
        SettingsError: the folder holds a workspace that is not a demo.
    """
    settings_file = _ensure_workspace(folder)
    with open_app(settings_file) as app:
        newsletter = app.settings.newsletter(None)
        edition = _made_before(app, newsletter)
        if edition is None:
            edition = _newest_monday(app, newsletter)
            _import_everything(app, folder / "import", edition)
        delivered = _send(app, newsletter, edition)
        return _look(app, newsletter, edition, folder, delivered)


def _ensure_workspace(folder: Path) -> Path:
    file = folder / FILE_NAME
    if not file.exists():
        name, sender = "한빛뉴스", "한빛뉴스 <news@hanbit-news.example>"
        create_workspace(folder, name=name, sender=sender, timezone="Asia/Seoul", locale="ko", heading=_HEADING)
        text = file.read_text(encoding="utf-8")
        for found, wanted in _CHANGES.items():
            text = text.replace(found, wanted)
        file.write_text(text, encoding="utf-8")
    if not file.read_text(encoding="utf-8").startswith(_HEADING):
        raise SettingsError(f"{file} is a workspace of yours, not a demo; name another folder: digest demo DIR")
    return file


def _made_before(app: App, newsletter: NewsletterSettings) -> date | None:
    """The edition of the first issue ever: the demo's own, whatever its user has sent since."""
    first = min(list_issues(app.database, newsletter.slug), key=lambda issue: issue.id, default=None)
    return first.edition if first else None


def _newest_monday(app: App, newsletter: NewsletterSettings) -> date:
    today = app.today(newsletter)
    return today - timedelta(days=today.weekday())


def _import_everything(app: App, folder: Path, edition: date) -> None:
    """Write import files as a publisher would have them, and import them."""
    folder.mkdir(exist_ok=True)
    articles = json.loads((_DATA / "articles.json").read_text(encoding="utf-8"))
    subscribers = json.loads((_DATA / "subscribers.json").read_text(encoding="utf-8"))
    _write_csv(folder / "views.csv", _VIEW_COLUMNS, _view_rows(articles, edition))
    _write_csv(folder / "subscribers.csv", _SUBSCRIBER_COLUMNS, map(_subscriber_row, subscribers))
    with (folder / "articles.ndjson").open("w", encoding="utf-8") as file:
        for article in articles:
            file.write(json.dumps(_article_row(article, edition), ensure_ascii=False) + "\n")
    _copy_images(app, folder.parent / "images")
    _import(app, import_articles, folder / "articles.ndjson")
    _import(app, import_views, folder / "views.csv")
    _import_subscribers(app, folder / "subscribers.csv")


def _article_row(article: Mapping[str, Any], edition: date) -> dict[str, Any]:
    day = edition - timedelta(days=article["days_before"])
    kept = {key: value for key, value in article.items() if key in _COPIED}
    return {
        **kept,
        "url": SITE + article["path"],
        "image": f"{SITE}/images/{article['image']}" if article["image"] else "",
        "section": article["section_name"],
        "section_slug": article["section"],
        "published_at": f"{day.isoformat()} {article['time']}",
    }


def _view_rows(articles: Sequence[Mapping[str, Any]], edition: date) -> Iterator[tuple[object, ...]]:
    for article in articles:
        first = edition - timedelta(days=article["days_before"])
        for age, views in enumerate(article["views"]):
            yield article["id"], (first + timedelta(days=age)).isoformat(), views


def _subscriber_row(subscriber: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(
        ";".join(value) if isinstance(value := subscriber[name], list) else value for name in _SUBSCRIBER_COLUMNS
    )


def _write_csv(path: Path, columns: Sequence[str], rows: Iterator[Sequence[object]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        writer.writerows(rows)


def _copy_images(app: App, folder: Path) -> None:
    """Beside the page, and as if they had been read: the pictures of an invented site are nowhere on the network."""
    folder.mkdir(exist_ok=True)
    width, height = _IMAGE_SIZE
    with app.database.transaction():
        for image in (_DATA / "images").iterdir():
            content = image.read_bytes()
            (folder / image.name).write_bytes(content)
            known = StoredImage(
                url=f"{SITE}/images/{image.name}",
                width=width,
                height=height,
                type="image/jpeg",
                read_at=app.clock.now(),
            )
            save_image(app.database, known, content=content)


def _options(app: App) -> FileOptions:
    return FileOptions(timezone=ZoneInfo(app.settings.site.timezone), read_at=app.clock.now())


def _import(app: App, import_file: Callable[..., ImportReport], path: Path) -> None:
    report = import_file(app.database, ImportOrder(path=path, options=_options(app)))
    if report.refused:
        raise StoreError(f"{path}: {report.refused[0].error}")


def _import_subscribers(app: App, path: Path) -> None:
    newsletters = tuple(newsletter.slug for newsletter in app.settings.newsletters)
    order = SubscriberImport(
        path=path,
        options=_options(app),
        settings=app.settings,
        locales=app.locales,
        key=app.key,
        newsletters=(),
        default_newsletters=newsletters,
        consent_source="invented for the demo",
    )
    import_subscribers(app.database, order, now=app.clock.now())


def _send(app: App, newsletter: NewsletterSettings, edition: date) -> SendReport | None:
    occurrence = occurrence_on(newsletter.due, edition, app.settings.timezone_of(newsletter))
    return begin_edition(app, newsletter, occurrence, origin="manual", stop=Event(), observer=Observer())


def _look(
    app: App, newsletter: NewsletterSettings, edition: date, folder: Path, delivered: SendReport | None
) -> DemoReport:
    opened, _ = app.open_edition(newsletter, edition)
    proof = make_proof(app.database, opened, app.workshop)
    reader = choose_reader(proof, None)
    body, values = proof.letterhead.bodies[proof.variant], slot_values(proof.letterhead, reader)
    html, text = folder / "issue.html", folder / "issue.txt"
    # The pictures of an invented site are nowhere on the network; beside the page they can be seen.
    html.write_text(body.html.fill(values).replace(f"{SITE}/images/", "images/"), encoding="utf-8")
    text.write_text(body.text.fill(values), encoding="utf-8")
    outbox = folder / app.settings.delivery.path
    contents = [message.as_bytes() for message in Maildir(outbox, create=False)]
    options = options_for(proof.letterhead.site, newsletter)
    return DemoReport(
        folder=folder,
        proof=proof,
        html=html,
        text=text,
        outbox=outbox,
        messages=len(contents),
        delivered=delivered,
        findings=tuple(finding for content in contents for finding in check_mail(_with_crlf(content), options)),
    )


def _with_crlf(content: bytes) -> bytes:
    """A message as it travels; Maildir keeps it with the system's own line ends."""
    return content.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
