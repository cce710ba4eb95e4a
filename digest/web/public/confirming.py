"""The links of confirmation mails: a page with a button, so that no link scanner confirms for a stranger."""

from enum import StrEnum

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from digest.address import shorten_address
from digest.app import App
from digest.choices import Move, confirm_move
from digest.mail.links import Purpose, SignedLink, sign_link
from digest.model import Subscriber
from digest.signup import confirm_subscription, find_confirmation
from digest.store.confirmations import Confirmation, ConfirmationKind
from digest.store.secrets import hash_address
from digest.store.subscribers import get_subscriber_by_id
from digest.web.public.routing import by_method
from digest.web.public.site import Site


def routes(site: Site) -> list[BaseRoute]:
    """The page, and what it posts to."""
    desk = _Desk(site)
    return [by_method("/confirm/{token}", {"GET": desk.show, "POST": desk.confirm})]


class _End(StrEnum):
    """How a confirmation ended, as the page tells it."""

    SUBSCRIBED = "subscribed"
    MOVED = "moved"
    TAKEN = "taken"
    GONE = "gone"


class _Desk:
    def __init__(self, site: Site) -> None:
        self._site = site

    async def show(self, request: Request) -> Response:
        """The button."""
        found = await self._site.counter.read(lambda app: _look(app, request.path_params["token"]))
        if found is None:
            return self._site.pages.unknown_link(request)
        confirmation, person = found
        values = {
            "kind": str(confirmation.kind),
            "titles": self._titles(confirmation),
            "address": shorten_address(confirmation.wish.address or person.address),
        }
        language = self._site.pages.language_for(request, person)
        return self._site.pages.answer(request, "site/confirm.html", values, language=language)

    async def confirm(self, request: Request) -> Response:
        """What was asked for holds from now on."""
        token = request.path_params["token"]
        found = await self._site.counter.read(lambda app: _look(app, token))
        if found is None:
            return self._site.pages.unknown_link(request)
        confirmation, person = found
        end, preferences = await self._site.counter.write(lambda app: _confirm(app, confirmation))
        self._site.wake()
        values = {"end": str(end), "titles": self._titles(confirmation), "preferences": preferences}
        language = self._site.pages.language_for(request, person)
        return self._site.pages.answer(request, "site/confirmed.html", values, language=language)

    def _titles(self, confirmation: Confirmation) -> list[str]:
        wanted = confirmation.wish.newsletters
        return [each.title for each in self._site.settings.newsletters if each.slug in wanted]


def _look(app: App, token: str) -> tuple[Confirmation, Subscriber] | None:
    """What a link confirms and for whom; None where it is not ours, or too old."""
    link = app.keyring.read_link(token)
    if link is None or link.purpose is not Purpose.CONFIRM:
        return None
    confirmation = find_confirmation(
        app.database,
        subscriber_id=link.subscriber_id,
        confirmation_id=link.issue_id,
        days=app.settings.web_or_defaults.confirm_days,
        now=app.clock.now(),
    )
    person = get_subscriber_by_id(app.database, link.subscriber_id)
    return None if confirmation is None or person is None else (confirmation, person)


def _confirm(app: App, confirmation: Confirmation) -> tuple[_End, str]:
    """Confirm, and tell how it ended, with the token of the person's preferences."""
    now = app.clock.now()
    link = SignedLink(purpose=Purpose.PREFERENCES, subscriber_id=confirmation.subscriber_id, issue_id=0)
    preferences = sign_link(app.keyring.signing, link)
    if confirmation.kind is ConfirmationKind.ADDRESS:
        slug = app.settings.newsletters[0].slug
        move = confirm_move(app.database, confirmation, fallback_newsletter=slug, now=now)
        end = {Move.DONE: _End.MOVED, Move.TAKEN: _End.TAKEN, Move.GONE: _End.GONE}[move]
        return end, preferences
    person = get_subscriber_by_id(app.database, confirmation.subscriber_id)
    if person is None:
        return _End.GONE, ""
    address_hash = hash_address(app.key, person.address)
    confirmed = confirm_subscription(app.database, confirmation, address_hash=address_hash, now=now)
    return (_End.SUBSCRIBED if confirmed else _End.GONE), preferences
