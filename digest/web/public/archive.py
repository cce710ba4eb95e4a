"""The archive: the newsletters, the issues of each, and each issue as a page of the web that is nobody's own."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from babel.core import get_global
from lxml import etree
from markupsafe import Markup
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import BaseRoute

from digest.app import App
from digest.archive import ArchivedIssue, headline, open_archived
from digest.language import Language
from digest.render.brand import brand_of
from digest.settings import NewsletterSettings
from digest.store.archive import PublishedIssue, count_published, find_published, list_published
from digest.web.public.fresh import answer_fresh
from digest.web.public.guard import PAGE_POLICY
from digest.web.public.routing import by_method
from digest.web.public.shelf import Shelf
from digest.web.public.site import Site
from digest.web.public.styled import style_policy
from digest.web.public.web_version import make_web_version

FEEDS = (
    ("RSS", "application/rss+xml", "feed.xml"),
    ("Atom", "application/atom+xml", "atom.xml"),
    ("JSON Feed", "application/feed+json", "feed.json"),
)
"""Each kind with its type and its name in a newsletter's archive."""
ISSUES_A_PAGE = 30
PAGES_KEPT = 64
"""Some 60 KB each."""
INDEX_SECONDS = 300
ISSUE_SECONDS = 3600
"""So long a page may be used that would not be made any more: an issue that was taken back."""
_MOST_IN_SITEMAP = 50_000
"""Addresses a sitemap may have (sitemaps.org)."""
_EDITION = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_PAGE = re.compile(r"[1-9][0-9]{0,5}")
_SITEMAP = "http://www.sitemaps.org/schemas/sitemap/0.9"


def routes(site: Site) -> list[BaseRoute]:
    """Everything of the archive but its feeds."""
    desk = _Desk(site)
    return [
        by_method("/archive", {"GET": desk.show_newsletters}),
        by_method("/archive/sitemap.xml", {"GET": desk.show_sitemap}),
        by_method("/archive/{slug}", {"GET": desk.show_issues}),
        by_method("/archive/{slug}/{edition}", {"GET": desk.show_issue}),
    ]


def find_archive(site: Site, slug: str) -> NewsletterSettings | None:
    """The newsletter of that slug, where its past issues are shown."""
    newsletter = site.newsletter(slug)
    return newsletter if newsletter is not None and newsletter.archive else None


def robot_headers(site: Site) -> dict[str, str]:
    """What tells search engines to leave out what has no head of its own, too."""
    return {"X-Robots-Tag": "noindex"} if site.web.archive_noindex else {}


def archive_url(site: Site, slug: str, *more: str) -> str:
    """The address of a newsletter's archive, or of what lies in it."""
    return "/".join((f"{site.base_url}/archive", slug, *more))


@dataclass(frozen=True, kw_only=True)
class _Kept:
    """An issue's page, ready to be sent."""

    body: bytes
    policy: str
    language: str
    locales: tuple[str, ...]
    """Every language the issue can be had in, its own first."""


class _Desk:
    def __init__(self, site: Site) -> None:
        self._site = site
        self._began = site.clock.now()
        self._pages: Shelf[tuple[int, str], _Kept] = Shelf(PAGES_KEPT)

    @property
    def _newsletters(self) -> list[NewsletterSettings]:
        return [each for each in self._site.settings.newsletters if each.archive]

    async def show_newsletters(self, request: Request) -> Response:
        """All newsletters with an archive."""
        newsletters = self._newsletters
        if not newsletters:
            return self._site.pages.unknown_link(request)
        slugs = [each.slug for each in newsletters]
        found = await self._site.counter.read(
            lambda app: [list_published(app.database, slug, limit=1) for slug in slugs]
        )
        newest = [issue for issues in found for issue in issues]
        values = {
            "newsletters": [(each, next(iter(last), None)) for each, last in zip(newsletters, found, strict=True)],
            "canonical": f"{self._site.base_url}/archive",
        }
        return self._list(request, "site/archive.html", values, newest)

    async def show_issues(self, request: Request) -> Response:
        """The issues of one newsletter, newest first."""
        newsletter = find_archive(self._site, request.path_params["slug"])
        wanted = request.query_params.get("page", "1")
        if newsletter is None or not _PAGE.fullmatch(wanted):
            return self._site.pages.unknown_link(request)
        slug, page = newsletter.slug, int(wanted)
        count, issues = await self._site.counter.read(lambda app: _look(app, slug, page))
        if page > 1 and not issues:
            return self._site.pages.unknown_link(request)
        values = {
            "newsletter": newsletter,
            "issues": issues,
            "page": page,
            "pages": -(-count // ISSUES_A_PAGE),
            "canonical": archive_url(self._site, slug) + (f"?page={page}" if page > 1 else ""),
            "feeds": self._feeds(newsletter),
        }
        return self._list(request, "site/issues.html", values, issues)

    async def show_issue(self, request: Request) -> Response:
        """One issue as a page."""
        found = await self._find(request.path_params["slug"], request.path_params["edition"])
        if found is None:
            return self._site.pages.unknown_link(request)
        kept = await self._open(request, found, "")
        wanted = request.query_params.get("lang", "")
        if wanted in kept.locales[1:]:
            kept = await self._open(request, found, wanted)
        headers = {"Content-Language": kept.language, "Content-Security-Policy": kept.policy}
        answer = HTMLResponse(kept.body, headers={**headers, **robot_headers(self._site)})
        changed_at = max(found.published_at, self._began)
        return answer_fresh(request, answer, changed_at=changed_at, seconds=ISSUE_SECONDS)

    async def show_sitemap(self, request: Request) -> Response:
        """Every page of the archive, for search engines; none where they are asked to leave it out."""
        if self._site.web.archive_noindex or not self._newsletters:
            return self._site.pages.unknown_link(request)
        slugs = [each.slug for each in self._newsletters]
        found = await self._site.counter.read(
            lambda app: [issue for slug in slugs for issue in list_published(app.database, slug)]
        )
        root = etree.Element("urlset", nsmap={None: _SITEMAP})
        addresses = [f"{self._site.base_url}/archive", *(archive_url(self._site, slug) for slug in slugs)]
        addresses += [archive_url(self._site, issue.newsletter, issue.edition.isoformat()) for issue in found]
        for address in addresses[:_MOST_IN_SITEMAP]:
            etree.SubElement(etree.SubElement(root, "url"), "loc").text = address
        content = etree.tostring(root, xml_declaration=True, encoding="utf-8")
        return self._fresh(request, Response(content, media_type="application/xml"), found)

    async def _open(self, request: Request, found: PublishedIssue, locale: str) -> _Kept:
        """An issue's page in one of its languages, "" for its own."""
        kept = self._pages.get((found.id, locale))
        if kept is None:
            issue, bars = await self._site.counter.read(
                lambda app: (open_archived(app.database, found, app.workshop, locale), _bars(app))
            )
            kept = self._pages.put((found.id, locale), await run_in_threadpool(self._make, request, issue, bars))
        return kept

    async def _find(self, slug: str, edition: str) -> PublishedIssue | None:
        newsletter = find_archive(self._site, slug)
        if newsletter is None or not _EDITION.fullmatch(edition):
            return None
        try:
            day = date.fromisoformat(edition)
        except ValueError:
            return None
        return await self._site.counter.read(lambda app: find_published(app.database, slug, day))

    def _list(
        self, request: Request, template: str, values: dict[str, Any], issues: Sequence[PublishedIssue]
    ) -> Response:
        noindex = self._site.web.archive_noindex
        headers = robot_headers(self._site)
        answer = self._site.pages.answer(
            request, template, {"noindex": noindex, "headline": headline, **values}, headers=headers
        )
        return self._fresh(request, answer, issues)

    def _fresh(self, request: Request, answer: Response, issues: Sequence[PublishedIssue]) -> Response:
        changed_at = max((self._began, *(issue.published_at for issue in issues)))
        return answer_fresh(request, answer, changed_at=changed_at, seconds=INDEX_SECONDS)

    def _feeds(self, newsletter: NewsletterSettings) -> list[tuple[str, str, str]]:
        return [(name, kind, archive_url(self._site, newsletter.slug, file)) for name, kind, file in FEEDS]

    def _make(self, request: Request, issue: ArchivedIssue, bars: str) -> _Kept:
        slug, edition = issue.published.newsletter, issue.published.edition.isoformat()
        newsletter = self._site.settings.newsletter(slug)
        address = archive_url(self._site, slug, edition)
        version = make_web_version(issue, address)
        values = {
            "newsletter": newsletter,
            "issue": issue,
            "headline": headline,
            "content": Markup(version.content),  # noqa: S704 - serialised from a tree, under a policy of its own
            "body": version.body,
            "noindex": self._site.web.archive_noindex,
            "canonical": address if issue.locale == issue.locales[0] else f"{address}?lang={issue.locale}",
            "others": self._others(issue, address),
            "feeds": self._feeds(newsletter),
            "og_locale": _territory(issue.locale),
        }
        sheets = (*version.sheets, bars)
        values["sheets"] = [Markup(sheet) for sheet in sheets]  # noqa: S704 - named by their hash
        answer = self._site.pages.answer(request, "site/issue.html", values, language=issue.language)
        return _Kept(
            body=bytes(answer.body),
            policy=style_policy(PAGE_POLICY, sheets),
            language=issue.language.code,
            locales=issue.locales,
        )

    def _others(self, issue: ArchivedIssue, address: str) -> list[tuple[str, str, Language]]:
        """Every language of an issue: its tag, its address and itself."""
        if len(issue.locales) == 1:
            return []
        languages = [(locale, self._site.pages.language(locale)) for locale in issue.locales]
        own = issue.locales[0]
        return [
            (each.code, address if locale == own else f"{address}?lang={locale}", each) for locale, each in languages
        ]


def _look(app: App, slug: str, page: int) -> tuple[int, tuple[PublishedIssue, ...]]:
    issues = list_published(app.database, slug, limit=ISSUES_A_PAGE, offset=(page - 1) * ISSUES_A_PAGE)
    return count_published(app.database, slug), issues


def _bars(app: App) -> str:
    """The style sheet of the lines before and behind an issue."""
    templates, settings = app.workshop.templates, app.settings
    brand = brand_of(settings.brand, settings.site.name)
    return templates.render_page("site/issue.css", {"brand": brand}, templates.language(settings.site.locale))


def _territory(locale: str) -> str:
    """A language as Open Graph names it, with the country where most of its speakers live.

    >>> [_territory(locale) for locale in ("ko", "en-GB", "zh-Hant", "tlh")]
    ['ko_KR', 'en_GB', 'zh_TW', '']
    """
    tag = locale.replace("-", "_")
    language, *more = (tag if re.search("_[A-Z]{2}$", tag) else get_global("likely_subtags").get(tag, tag)).split("_")
    return f"{language}_{more[-1]}" if more else ""
