"""A reader's own pages: what they get and how, a pause, another address, their data, and being forgotten.

The link is the key: whoever holds it may do what its reader may. So each page shows the address shortened, a new
address is confirmed from its own mailbox, the old one is told, and what was done stands in the person's history.
"""

import json
from collections.abc import Callable
from http import HTTPStatus
from time import monotonic
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from digest.address import normalise_address, shorten_address
from digest.app import App
from digest.choices import (
    CAUSE,
    LONGEST_PAUSE,
    Choices,
    ask_to_move,
    come_back,
    note_data_read,
    pause_for,
    read_personal_data,
    save_choices,
)
from digest.errors import AddressError
from digest.mail.links import Purpose
from digest.model import Subscriber, SubscriberState
from digest.signup import consent_wording
from digest.store.articles import list_sections
from digest.store.confirmations import Consent, keep_wording
from digest.store.erase import erase_subscriber
from digest.store.pauses import resume
from digest.store.secrets import hash_address
from digest.store.subscribers import get_subscriber_by_id, is_suppressed, let_leave
from digest.web.public.evenly import evenly
from digest.web.public.forms import Form, read_form
from digest.web.public.limits import RateLimit, shorten_client
from digest.web.public.site import Site

_DONE = frozenset(("saved", "paused", "resumed", "address", "back", "left", "wrong-address", "not-erased", "too-often"))
"""What the page may be told to say, in its address; the words are the page's own."""


def routes(site: Site, limit: RateLimit) -> list[BaseRoute]:
    """The page and what its forms post to."""
    desk = _Desk(site, limit)
    steps: dict[str, Callable[[Request], Any]] = {
        "save": desk.save,
        "pause": desk.pause,
        "resume": desk.resume,
        "address": desk.move,
        "leave": desk.leave,
        "return": desk.come_back,
        "data": desk.read_data,
        "erase": desk.erase,
    }
    posts = [Route(f"/preferences/{{token}}/{name}", step, methods=["POST"]) for name, step in steps.items()]
    return [Route("/preferences/{token}", desk.show, methods=["GET"]), *posts]


class _Desk:
    def __init__(self, site: Site, limit: RateLimit) -> None:
        self._site = site
        self._limit = limit

    async def show(self, request: Request) -> Response:
        """The page."""
        found = await self._site.counter.read(lambda app: _look(app, _token(request)))
        if found is None:
            return self._site.pages.unknown_link(request)
        person, sections = found
        language = self._site.pages.language_for(request, person)
        here = ZoneInfo(self._site.settings.site.timezone)
        done = request.query_params.get("done", "")
        chosen = {section for each in person.subscriptions for section in each.sections}
        has_local_time = any(each.local_time for each in self._site.settings.newsletters)
        values = {
            "token": _token(request),
            "address": shorten_address(person.address),
            "state": str(person.state),
            "newsletters": _with_choice(self._site, person),
            "sections": [(key, name or key, key in chosen) for key, name in sections.items()],
            "locales": [(code, self._site.pages.language(code).own_name) for code in self._site.pages.languages],
            "locale": person.locale,
            "timezones": sorted(available_timezones()) if has_local_time else [],
            "timezone": person.timezone,
            "paused_until": person.paused_until and language.date(person.paused_until.astimezone(here).date()),
            "weeks": [1, 2, 4, 8, 12, LONGEST_PAUSE],
            "done": done if done in _DONE else "",
            "wording": consent_wording(self._site.settings, language),
        }
        return self._site.pages.answer(request, "site/preferences.html", values, language=language)

    async def save(self, request: Request) -> Response:
        """Newsletters, sections, language and timezone."""
        form = await read_form(request)

        def save(app: App, person: Subscriber) -> str:
            save_choices(app.database, person, self._read_choices(app, form), now=app.clock.now())
            return "saved"

        return await self._change(request, save)

    def _read_choices(self, app: App, form: Form) -> Choices:
        locale, timezone = form.text("locale"), form.text("timezone")
        known = list_sections(app.database)
        return Choices(
            newsletters=tuple(slug for slug in dict.fromkeys(form.all("newsletter")) if self._site.newsletter(slug)),
            sections=tuple(key for key in dict.fromkeys(form.all("section")) if key in known),
            locale=locale if locale in self._site.pages.languages else "",
            timezone=timezone if timezone in available_timezones() else "",
        )

    async def pause(self, request: Request) -> Response:
        """Nothing for some weeks."""
        weeks = (await read_form(request)).number("weeks")

        def pause(app: App, person: Subscriber) -> str:
            pause_for(app.database, person, weeks, now=app.clock.now())
            return "paused"

        return await self._change(request, pause)

    async def resume(self, request: Request) -> Response:
        """The end of a pause."""

        def end(app: App, person: Subscriber) -> str:
            resume(app.database, person.id, now=app.clock.now())
            return "resumed"

        return await self._change(request, end)

    async def move(self, request: Request) -> Response:
        """Another address, once it is confirmed from there."""
        text = (await read_form(request)).text("email")
        if not self._limit.allows(request.client.host if request.client else "", monotonic()):
            return self._back_to(request, "too-often")
        try:
            address = normalise_address(text)
        except AddressError:
            return self._back_to(request, "wrong-address")

        def ask(app: App, person: Subscriber) -> str:
            is_allowed = not is_suppressed(app.database, hash_address(app.key, address))
            ask_to_move(app.database, person, address, is_allowed=is_allowed, now=app.clock.now())
            return "address"

        async with evenly():
            answer = await self._change(request, ask)
            self._site.wake()
        return answer

    async def leave(self, request: Request) -> Response:
        """Out, of everything."""

        def leave(app: App, person: Subscriber) -> str:
            state = SubscriberState.UNSUBSCRIBED
            if person.state in (SubscriberState.ACTIVE, SubscriberState.PENDING):
                let_leave(app.database, person, state=state, now=app.clock.now(), cause=CAUSE)
            return "left"

        return await self._change(request, leave)

    async def come_back(self, request: Request) -> Response:
        """In again, after leaving."""
        client = shorten_client(request.client.host if request.client else "")
        language = self._site.pages.language_of(request)

        def back(app: App, person: Subscriber) -> str:
            wording = consent_wording(app.settings, language)
            keep_wording(app.database, wording.version, wording.words, now=app.clock.now())
            consent = Consent(form=CAUSE, client=client, wording=wording.version)
            hashed = hash_address(app.key, person.address)
            come_back(app.database, person, address_hash=hashed, consent=consent, now=app.clock.now())
            return "back"

        return await self._change(request, back)

    async def read_data(self, request: Request) -> Response:
        """All that is known about the reader, as a file."""

        def read(app: App) -> str | None:
            found = _look(app, _token(request))
            if found is None:
                return None
            note_data_read(app.database, found[0], now=app.clock.now())
            return json.dumps(read_personal_data(app.database, found[0]), ensure_ascii=False, indent=2)

        data = await self._site.counter.write(read)
        if data is None:
            return self._site.pages.unknown_link(request)
        headers = {"Content-Disposition": 'attachment; filename="my-data.json"'}
        return Response(f"{data}\n", media_type="application/json", headers=headers)

    async def erase(self, request: Request) -> Response:
        """Forgotten, but for a hash that keeps the address from being mailed again."""
        if not (await read_form(request)).text("sure"):
            return self._back_to(request, "not-erased")

        def erase(app: App) -> bool:
            found = _look(app, _token(request))
            if found is not None:
                address = found[0].address
                hashed = hash_address(app.key, address)
                erase_subscriber(app.database, address, address_hash=hashed, now=app.clock.now())
            return found is not None

        if not await self._site.counter.write(erase):
            return self._site.pages.unknown_link(request)
        return self._site.pages.answer(request, "site/erased.html", {})

    async def _change(self, request: Request, change: Callable[[App, Subscriber], str]) -> Response:
        """Make a change for whose link it is, then show the page again: a reload repeats nothing (303)."""

        def make(app: App) -> str | None:
            found = _look(app, _token(request))
            return None if found is None else change(app, found[0])

        done = await self._site.counter.write(make)
        return self._site.pages.unknown_link(request) if done is None else self._back_to(request, done)

    def _back_to(self, request: Request, done: str) -> Response:
        url = f"{self._site.path}/preferences/{_token(request)}?done={done}"
        return RedirectResponse(url, HTTPStatus.SEE_OTHER)


def _token(request: Request) -> str:
    return str(request.path_params["token"])


def _look(app: App, token: str) -> tuple[Subscriber, dict[str, str]] | None:
    """Whose link it is, and the sections there are; None for a link that is not ours, or of somebody erased."""
    link = app.keyring.read_link(token)
    if link is None or link.purpose is not Purpose.PREFERENCES:
        return None
    person = get_subscriber_by_id(app.database, link.subscriber_id)
    if person is None:
        return None
    return person, {key: name for key, name in list_sections(app.database).items() if key}


def _with_choice(site: Site, person: Subscriber) -> list[tuple[Any, bool]]:
    subscribed = {each.newsletter for each in person.subscriptions}
    return [(each, each.slug in subscribed) for each in site.settings.newsletters]
