"""Leaving with one click: RFC 8058 for mail programs, and a page with a button for people.

A POST needs nothing but the link: no cookie, no login, no redirect; a second one changes nothing. A GET shows the
button and changes nothing, so that no link scanner throws anybody out.
"""

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute

from digest.address import shorten_address
from digest.app import App
from digest.mail.links import Purpose, SignedLink
from digest.model import Subscriber, SubscriberState
from digest.store.issues import newsletter_of_issue
from digest.store.subscribers import get_subscriber_by_id, leave_newsletter, let_leave
from digest.web.public.forms import read_form
from digest.web.public.routing import by_method
from digest.web.public.site import Site

ONE_CLICK = ("list-unsubscribe", "one-click")
"""What a mail program posts (RFC 8058 section 3.1)."""
_ALL = "all"


def routes(site: Site) -> list[BaseRoute]:
    """The page, and what it posts to."""
    desk = _Desk(site)
    return [by_method("/unsubscribe/{token}", {"GET": desk.show, "POST": desk.leave})]


class _Desk:
    def __init__(self, site: Site) -> None:
        self._site = site

    async def show(self, request: Request) -> Response:
        """The button."""
        found = await self._site.counter.read(lambda app: _look(app, request.path_params["token"]))
        if found is None:
            return self._site.pages.unknown_link(request)
        return self._answer(request, *found, has_left=False)

    async def leave(self, request: Request) -> Response:
        """Out, of the newsletter the link came with, or of all."""
        form = await read_form(request)
        is_one_click = ONE_CLICK in [(name.lower(), form.text(name).lower()) for name in form.values]
        takes_all = form.text("scope") == _ALL
        token = request.path_params["token"]
        is_known = await self._site.counter.write(
            lambda app: _leave(app, token, takes_all=takes_all, cause="one click" if is_one_click else "page")
        )
        if not is_known:
            return self._site.pages.unknown_link(request)
        if is_one_click:
            return PlainTextResponse("unsubscribed\n")
        found = await self._site.counter.read(lambda app: _look(app, token))
        return self._answer(request, *(found or (None, "")), has_left=True)

    def _answer(self, request: Request, person: Subscriber | None, slug: str, *, has_left: bool) -> Response:
        newsletter = self._site.newsletter(slug)
        subscriptions = {each.newsletter for each in person.subscriptions} if person else set()
        is_reader = person is not None and person.state in (SubscriberState.ACTIVE, SubscriberState.PENDING)
        gets_it = is_reader and (not slug or slug in subscriptions)
        kept = subscriptions - {slug} if slug else set()
        others = [each.title for each in self._site.settings.newsletters if each.slug in kept]
        values = {
            "title": newsletter.title if newsletter else "",
            "address": shorten_address(person.address) if person else "",
            "gets_it": gets_it,
            "others": others if is_reader else [],
            "has_left": has_left,
        }
        language = self._site.pages.language_for(request, person)
        return self._site.pages.answer(request, "site/unsubscribe.html", values, language=language)


def _read(app: App, token: str) -> SignedLink | None:
    link = app.keyring.read_link(token)
    return link if link is not None and link.purpose is Purpose.UNSUBSCRIBE else None


def _look(app: App, token: str) -> tuple[Subscriber | None, str] | None:
    """Whose link it is, and the newsletter it came with, "" for none; None for a link that is not ours."""
    link = _read(app, token)
    if link is None:
        return None
    return get_subscriber_by_id(app.database, link.subscriber_id), _newsletter_of(app, link)


def _leave(app: App, token: str, *, takes_all: bool, cause: str) -> bool:
    found = _look(app, token)
    if found is None:
        return False
    person, newsletter = found
    now = app.clock.now()
    if person is None or person.state not in (SubscriberState.ACTIVE, SubscriberState.PENDING):
        return True
    if newsletter and not takes_all:
        leave_newsletter(app.database, person, newsletter, now=now, cause=cause)
    else:
        let_leave(app.database, person, state=SubscriberState.UNSUBSCRIBED, now=now, cause=cause)
    return True


def _newsletter_of(app: App, link: SignedLink) -> str:
    """The link of a mail outside of any issue is for all newsletters."""
    return newsletter_of_issue(app.database, link.issue_id) if link.issue_id else ""
