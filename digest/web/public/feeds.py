"""The issues of a newsletter as feeds: RSS, Atom, JSON Feed. An item holds the issue's articles with their openings."""

from collections.abc import Callable, Iterator

from markupsafe import escape
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from digest.app import App
from digest.archive import IssueContents, headline, read_contents
from digest.settings import NewsletterSettings
from digest.store.archive import PublishedIssue, list_published
from digest.web.public.archive import FEEDS, INDEX_SECONDS, archive_url, find_archive, robot_headers
from digest.web.public.feed_formats import Feed, FeedItem, write_atom, write_json, write_rss
from digest.web.public.fresh import answer_fresh
from digest.web.public.routing import Endpoint, by_method
from digest.web.public.shelf import Shelf
from digest.web.public.site import Site

ITEMS = 20
"""Issues in a feed, the newest."""
_ITEMS_KEPT = 200
_WRITERS: tuple[Callable[[Feed], bytes], ...] = (write_rss, write_atom, write_json)


def routes(site: Site) -> list[BaseRoute]:
    """A feed of each kind for each newsletter."""
    press = _Press(site)
    return [
        by_method(f"/archive/{{slug}}/{file}", {"GET": press.endpoint(file, kind, write)})
        for (_, kind, file), write in zip(FEEDS, _WRITERS, strict=True)
    ]


def write_content(contents: IssueContents) -> str:
    """What an issue says as plain HTML: its intro, its picture, then each article with its opening."""
    return "\n".join(_write_parts(contents))


class _Press:
    def __init__(self, site: Site) -> None:
        self._site = site
        self._began = site.clock.now()
        self._items: Shelf[int, FeedItem] = Shelf(_ITEMS_KEPT)

    def endpoint(self, file: str, kind: str, write: Callable[[Feed], bytes]) -> Endpoint:
        """What answers with one kind of feed."""

        async def answer(request: Request) -> Response:
            newsletter = find_archive(self._site, request.path_params["slug"])
            if newsletter is None:
                return self._site.pages.unknown_link(request)
            items = await self._site.counter.read(lambda app: self._read(app, newsletter))
            feed = self._feed(newsletter, items, file)
            # Readers of feeds on other sites may read it: all of it is public.
            headers = {"Access-Control-Allow-Origin": "*", **robot_headers(self._site)}
            # Starlette would add a charset to no other type than text; XML and JSON say theirs themselves.
            response = Response(write(feed), media_type=f"{kind}; charset=utf-8", headers=headers)
            changed_at = max((self._began, *(item.published_at for item in items)))
            return answer_fresh(request, response, changed_at=changed_at, seconds=INDEX_SECONDS)

        return answer

    def _read(self, app: App, newsletter: NewsletterSettings) -> tuple[FeedItem, ...]:
        published = list_published(app.database, newsletter.slug, limit=ITEMS)
        return tuple(self._items.get(issue.id) or self._make(app, newsletter, issue) for issue in published)

    def _make(self, app: App, newsletter: NewsletterSettings, issue: PublishedIssue) -> FeedItem:
        contents = read_contents(app.database, issue, app.workshop)
        edition = issue.edition.isoformat()
        item = FeedItem(
            id=f"tag:{newsletter.mailbox.domain.lower()},{edition}:{newsletter.slug}",
            url=archive_url(self._site, newsletter.slug, edition),
            title=headline(issue.subject, newsletter.title),
            summary=issue.preheader,
            content=write_content(contents),
            published_at=issue.published_at,
            language=app.workshop.templates.language(issue.locale).code,
            image=contents.picture.url if contents.picture else "",
        )
        return self._items.put(issue.id, item)

    def _feed(self, newsletter: NewsletterSettings, items: tuple[FeedItem, ...], file: str) -> Feed:
        settings = self._site.settings
        brand = settings.brand_of(newsletter)
        url = archive_url(self._site, newsletter.slug)
        return Feed(
            # Not the address, which may change; a tag URI never does (RFC 4151). Its date is that of the scheme.
            id=f"tag:{newsletter.mailbox.domain.lower()},2026:{newsletter.slug}",
            title=newsletter.title,
            description=brand.tagline or f"{newsletter.title} · {settings.site.name}",
            author=settings.site.name,
            url=url,
            own_url=f"{url}/{file}",
            language=self._site.pages.language(settings.locale_of(newsletter)).code,
            changed_at=items[0].published_at if items else self._began,
            items=items,
            icon=brand.logo,
        )


def _write_parts(contents: IssueContents) -> Iterator[str]:
    if contents.intro.html:
        yield str(contents.intro.html)
    if picture := contents.picture:
        url, alt = escape(picture.url), escape(picture.alt)
        yield f'<p><img src="{url}" alt="{alt}" width="{picture.width}" height="{picture.height}"></p>'
    for article in contents.articles:
        yield f'<h3><a href="{escape(article.url)}">{escape(article.title)}</a></h3>'
        if article.subheads:
            yield f"<ul>{''.join(f'<li>{escape(line)}</li>' for line in article.subheads)}</ul>"
        if article.excerpt:
            yield f"<p>{escape(article.excerpt)}</p>"
