"""The editor's desk: the open workspace, the pictures taken of its issues, and what may be asked of them.

Everything here runs in the one thread that opened the workspace.
"""

import hashlib
from collections import OrderedDict
from dataclasses import dataclass, replace
from datetime import date, datetime

from digest.app import App
from digest.check.document import parse_html
from digest.compose import Edition, window_of
from digest.errors import IssueError, NotFoundError
from digest.illustrate import get_known_images, urls_to_read
from digest.language import load_language
from digest.model import Subscriber
from digest.settings import NewsletterSettings, load_settings
from digest.store.articles import get_articles
from digest.store.database import read_version
from digest.store.images import get_image_content, get_images
from digest.store.issues import get_issue
from digest.store.subscribers import get_subscriber_by_id
from digest.web.preview.edits import Edit, EditKind, History, Step, edit_decisions, edit_words
from digest.web.preview.panes import Pane, draw_pane
from digest.web.preview.picture import Picture, take_picture
from digest.web.preview.watch import files_of, publisher_files, stamp

_KEPT_PICTURES = 40
"""Enough for several pages at once, each between its question and its panes."""
_WORDS = (EditKind.SUBJECT, EditKind.INTRO)


@dataclass(frozen=True, kw_only=True)
class Query:
    """What a page shows."""

    newsletter: str | None = None
    """Slug; None for the first one."""
    edition: date | None = None
    """None for the one an editor works on."""
    reader: int | None = None
    """A subscriber's id; None for those without wishes of their own."""


@dataclass(frozen=True, kw_only=True)
class _LastReading:
    """When the publisher's database was read for an edition, and as what."""

    stamp: str
    read_since: datetime | None


class Desk:
    """One editor's session. One thread may use it."""

    def __init__(self, app: App) -> None:
        """Sit down at an open workspace."""
        self.app = app
        self.history = History()
        self._files = self._stamp_files()
        self._edits = 0
        self._pictures: OrderedDict[str, Picture] = OrderedDict()
        self._images: dict[str, str] = {}
        self._readings: dict[tuple[str, date], _LastReading] = {}

    def revision(self) -> str:
        """A word that changes whenever a picture taken now might be another than before."""
        publisher = stamp(publisher_files(self.app.settings))
        version = read_version(self.app.database)
        return hashlib.sha256(f"{self._stamp_files()} {publisher} {version} {self._edits}".encode()).hexdigest()[:24]

    def refresh(self) -> None:
        """Take up changed settings, templates and catalogues.

        Raises:
            SettingsError: the settings are wrong now; the former ones stay in use.
        """
        files = self._stamp_files()
        if files == self._files:
            return
        load_language.cache_clear()
        # A new object also means a new jinja environment: the old one would not see a file that overrides another.
        self.app = replace(self.app, settings=load_settings(self.app.settings.file))
        self._files = files

    def newsletter(self, query: Query) -> NewsletterSettings:
        """The newsletter of a page; NotFoundError where there is none of that name any more."""
        for newsletter in self.app.settings.newsletters:
            if query.newsletter in (None, newsletter.slug):
                return newsletter
        raise NotFoundError(f"{self.app.settings.file} has no newsletter {query.newsletter!r} any more")

    def edition(self, query: Query) -> date:
        """The edition date of a page."""
        return query.edition or self.app.default_edition(self.newsletter(query))

    def take(self, query: Query) -> Picture:
        """What a page shows, as it is now.

        Raises:
            DigestError: there is nothing to show, or something is wrong with it.
        """
        newsletter = self.newsletter(query)
        edition = self._open_edition(newsletter, self.edition(query))
        picture = take_picture(self.app.database, edition, self.app.workshop, self.reader(query))
        self._pictures[picture.id] = picture
        self._pictures.move_to_end(picture.id)
        if len(self._pictures) > _KEPT_PICTURES:
            self._pictures.popitem(last=False)
        return picture

    def picture(self, picture_id: str) -> Picture:
        """A picture that was taken before; NotFoundError where it is gone."""
        if picture_id not in self._pictures:
            raise NotFoundError("this picture is gone; load the page again")
        return self._pictures[picture_id]

    def reader(self, query: Query) -> Subscriber | None:
        """As whom a page looks; NotFoundError where they are gone."""
        if query.reader is None:
            return None
        found = get_subscriber_by_id(self.app.database, query.reader)
        if found is None:
            raise NotFoundError("this subscriber is not there any more; choose another")
        return found

    def draw(self, picture: Picture, pane: Pane) -> str:
        """One pane of a picture as a document."""
        return draw_pane(picture.parts, pane, self._image_address)

    def image(self, name: str) -> tuple[str, bytes]:
        """Type and content of an image by the name that panes give it; NotFoundError where there is none."""
        url = self._images.get(name, "")
        found = get_images(self.app.database, [url]).get(url)
        content = get_image_content(self.app.database, url)
        if found is None or content is None:
            raise NotFoundError("there is no such image")
        return found.type, content

    def missing_images(self, picture: Picture) -> tuple[str, ...]:
        """Pictures to be read from the web: those of the mail that are not at hand, and those of unknown size.

        An article goes out without a picture whose size is not known.
        """
        database, edition = self.app.database, picture.edition
        shown = [image.get("src", "") for image in parse_html(picture.parts.html).find("img")]
        absent = [url for url in shown if url.startswith("https://") and get_image_content(database, url) is None]
        if picture.proof.is_frozen or not edition.newsletter.images:
            return tuple(dict.fromkeys(absent))
        articles = [choice.article for choice in (*picture.proof.shown, *picture.proof.passed_over)]
        known = get_articles(database, [article.id for article in articles])
        as_given = [known[article.id] for article in articles if article.id in known]
        unread = urls_to_read(as_given, get_known_images(database, as_given), now=edition.now)
        broken = get_images(database, absent)
        fresh = (url for url in absent if url not in broken or broken[url].is_good)
        return tuple(dict.fromkeys((*fresh, *unread)))

    def edit(self, query: Query, edit: Edit, *, shown: tuple[str, ...]) -> None:
        """Write one change at once.

        Raises:
            IssueError: the issue is frozen.
        """
        newsletter, edition = self.newsletter(query), self.edition(query)
        self._require_open(newsletter, edition)
        database, now = self.app.database, self.app.clock.now()
        step: Step
        if edit.kind in _WORDS:
            step = edit_words(database, newsletter.slug, edition, edit, now=now)
        else:
            step = edit_decisions(database, newsletter.slug, edit, shown=shown, now=now)
        self.history.record(step)
        self._edits += 1

    def undo(self, query: Query) -> Step:
        """Take back the last change of a newsletter.

        Raises:
            IssueError: the issue is frozen, or there is nothing to take back.
        """
        newsletter = self.newsletter(query)
        self._require_open(newsletter, self.edition(query))
        self._edits += 1
        return self.history.undo(self.app.database, newsletter.slug, now=self.app.clock.now())

    def _require_open(self, newsletter: NewsletterSettings, edition: date) -> None:
        issue = get_issue(self.app.database, newsletter.slug, edition)
        if issue is not None and issue.frozen_at is not None:
            raise IssueError(f"{newsletter.slug} {edition} is frozen; its contents cannot be changed any more")

    def _open_edition(self, newsletter: NewsletterSettings, day: date) -> Edition:
        """Look at an edition from now; the publisher's database is read again only when it has changed."""
        settings, database, now = self.app.settings, self.app.database, self.app.clock.now()
        publisher = stamp(publisher_files(settings)) + self._files
        last = self._readings.get((newsletter.slug, day))
        if last is None or last.stamp != publisher:
            edition, _ = self.app.open_edition(newsletter, day)
            self._readings[newsletter.slug, day] = _LastReading(stamp=publisher, read_since=edition.read_since)
            return edition
        window = window_of(database, settings, newsletter, day, now=now)
        return Edition(
            settings=settings, newsletter=newsletter, date=day, now=now, window=window, read_since=last.read_since
        )

    def _image_address(self, url: str) -> str | None:
        """Where panes load an image from; None where its content is not at hand."""
        if get_image_content(self.app.database, url) is None:
            return None
        name = hashlib.sha256(url.encode()).hexdigest()[:32]
        self._images[name] = url
        return f"../image/{name}"

    def _stamp_files(self) -> str:
        return stamp(files_of(self.app.settings, self.app.workshop.templates.folders))
