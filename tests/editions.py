"""A real workspace with a week of invented news, looked at and published as the program does it."""

import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from digest.app import App, open_app
from digest.clock import BootTime, Clock
from digest.compose import Draft, Edition, compose_edition
from digest.model import Article, DatedCount
from digest.publish import publish_draft
from digest.render.issue import Rendering, render_issue
from digest.schedule import occurrence_on
from digest.store.articles import save_articles
from digest.store.groups import VariantKey
from digest.store.issues import Issue, get_issue_by_id, list_choices
from digest.store.leases import Lease, claim_issue
from digest.store.subscribers import Profile, save_profile
from digest.store.views import save_dated_counts
from digest.variants import request_of_frozen
from digest.workspace import create_workspace

MONDAY = date(2026, 3, 2)
NOW = datetime(2026, 3, 2, 0, 0, tzinfo=UTC)
"""09:00 on that Monday in Seoul."""
START = datetime(2026, 2, 22, 15, 0, tzinfo=UTC)
"""The first midnight of the week before it in Seoul."""
BOOT = BootTime(boot_id="boot", seconds=100.0)
SECTIONS = {"society": "사회", "economy": "경제", "": ""}


class StoppedClock(Clock):
    """A clock that shows one moment."""

    def __init__(self, moment: datetime) -> None:
        self.moment = moment

    def now(self) -> datetime:
        return self.moment


@contextmanager
def open_workspace(folder: Path, *lines: str, site: str = "", now: datetime = NOW) -> Iterator[App]:
    """A new workspace of a Korean site with one newsletter; `lines` are added to it, `site` to the site."""
    file = folder / "digest.toml"
    if not file.exists():
        create_workspace(
            folder, name="한빛뉴스", sender="한빛뉴스 <news@hanbit.example>", timezone="Asia/Seoul", locale="ko"
        )
    settings = [
        '[site]\nname = "한빛뉴스"\nurl = "https://hanbit.example"\ntimezone = "Asia/Seoul"\nlocale = "ko"',
        site,
        '[[newsletter]]\nslug = "weekly"\ntitle = "주간 한빛"\nfrom = "한빛뉴스 <news@hanbit.example>"',
        "min_articles = 1",
        *lines,
    ]
    file.write_text("\n".join(settings), encoding="utf-8")
    with open_app(file) as app:
        yield replace(app, clock=StoppedClock(now))


def make_article(number: int, *, section: str = "society", **changes: Any) -> Article:
    """An article of the week; later numbers are newer."""
    return Article(
        **{
            "id": str(number),
            "url": f"https://hanbit.example/articles/{number}",
            "title": f"{number}번째 소식: 다리 위 보행로가 넓어졌다",
            "published_at": START + timedelta(hours=number),
            "excerpt": "걸어서 강을 건너는 사람이 두 배로 늘었다. 아침마다 풍경이 바뀐다.",
            "section": section,
            "section_name": SECTIONS[section],
            **changes,
        }
    )


def save_news(app: App, articles: Iterable[Article], *, views: int = 1000, read_at: datetime = NOW) -> None:
    """Keep articles with views on the day they appeared, the first of them viewed most."""
    articles = list(articles)
    counts = [
        DatedCount(article_id=article.id, date=(article.published_at + timedelta(hours=9)).date(), views=views - place)
        for place, article in enumerate(articles)
    ]
    with app.database.transaction():
        save_articles(app.database, articles, read_at=read_at)
        save_dated_counts(app.database, counts)


def add_reader(app: App, name: str, *, locale: str = "", sections: tuple[str, ...] = ()) -> None:
    """An active subscriber of the newsletter."""
    profile = Profile(
        address=f"{name}@example.com", name=name, locale=locale, newsletters=("weekly",), sections=sections
    )
    with app.database.transaction():
        save_profile(app.database, profile, address_hash=b"", resubscribe=False, now=app.clock.now())


def open_edition(app: App, day: date = MONDAY) -> Edition:
    """The edition of a date, looked at from the workspace's moment."""
    edition, _ = app.open_edition(app.settings.newsletter(None), day)
    return edition


def compose(app: App, day: date = MONDAY) -> Draft:
    """What the edition of a date would be now."""
    return compose_edition(app.database, open_edition(app, day))


def render_again(app: App, issue: Issue, key: str, article_ids: Iterable[str]) -> Rendering:
    """What the readers of a variant got, rendered by itself from nothing but what was frozen."""
    wanted = VariantKey.parse(key)
    locale = app.workshop.locale_for(wanted.locale, issue.frozen["locale"])
    request = request_of_frozen(issue, list_choices(app.database, issue.id), article_ids, locale=locale)
    share = issue.frozen["excerpt_shares"].get(wanted.group.key, 1.0)
    return render_issue(replace(request, excerpt_share=share), app.workshop.templates)


def claim(app: App, day: date = MONDAY) -> Lease:
    """The right to send the edition of a date."""
    newsletter = app.settings.newsletter(None)
    lease = claim_issue(
        app.database,
        newsletter.slug,
        occurrence_on(newsletter.due, day, app.settings.timezone_of(newsletter)),
        origin="schedule",
        deadline=app.clock.now() + timedelta(hours=36),
        owner="test",
        boot=BOOT,
        now=app.clock.now(),
    )
    assert lease is not None
    return lease


def publish(app: App, day: date = MONDAY) -> Issue:
    """Publish the edition of a date as it is now."""
    lease = claim(app, day)
    publish_draft(app.database, lease, compose(app, day), app.workshop, boot=BOOT, now=app.clock.now())
    return get_issue_by_id(app.database, lease.issue_id)


def sent_before(app: App, name: str, *articles: str, state: str = "sent", edition: str = "2026-02-23") -> None:
    """An earlier issue of another newsletter that one reader was sent."""
    database = app.database
    database.execute(
        """INSERT INTO issue (newsletter, edition, origin, state, scheduled_at, deadline, started_at, frozen_at)
        VALUES ('daily', ?, 'manual', 'sent', 0, 0, 0, 0)""",
        (edition,),
    )
    issue = database.value("SELECT id FROM issue WHERE newsletter = 'daily' AND edition = ?", (edition,))
    key = json.dumps(["", [name]], separators=(",", ":"))
    database.execute("INSERT INTO issue_variant VALUES (?, ?, ?, '', '', 'h', 't')", (issue, key, json.dumps(articles)))
    database.execute(
        """INSERT INTO delivery (issue_id, subscriber_id, variant, state, updated_at)
        SELECT ?, id, ?, ?, 0 FROM subscriber WHERE address = ?""",
        (issue, key, state, f"{name}@example.com"),
    )


def use_template_without_tags(app: App) -> None:
    """A template of the workspace's own that does not say what its pieces are: no page can be printed of it."""
    own = app.settings.folder / "templates" / "weekly"
    own.mkdir(parents=True, exist_ok=True)
    own.joinpath("digest.txt").write_text(
        '{% extends "packaged/weekly/digest.txt" %}{% block stories %}\n{{ _("Most read") }}\n'
        "{% for a in [lead] + articles|list %}\n{{ a.title }}\n{{ a.url }}\n\n{% endfor %}\n{% endblock %}",
        encoding="utf-8",
    )
