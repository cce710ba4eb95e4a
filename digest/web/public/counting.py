"""Opens and clicks: a link leads on at once, a picture is always the same; only then it is counted, if it can be.

A link leads where it was fixed with its issue and nowhere else: nothing of the request is in the answer. The address
of whoever asks is neither kept nor logged.
"""

import asyncio
import logging
import re
from base64 import b64decode
from collections.abc import Callable, Coroutine
from datetime import timedelta
from http import HTTPStatus
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from digest.app import App
from digest.errors import DigestError
from digest.mail.links import Purpose, SignedLink
from digest.settings import NewsletterSettings
from digest.store.issue_links import find_target
from digest.store.readings import Copy, count_click, count_opening, find_copy
from digest.web.public.machines import is_machine, is_too_soon
from digest.web.public.site import Site

logger = logging.getLogger("digest")

PIXEL = b64decode("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7")
"""A transparent GIF of one pixel."""
MOST_WAITING = 10_000
"""Openings and clicks that wait to be counted; more are answered and not counted."""
_PLACE = re.compile(r"[1-9][0-9]{0,8}")
_PRIVATE = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}


def routes(site: Site) -> list[BaseRoute]:
    """The way of counted links, and the picture that is counted."""
    desk = _Desk(site)
    return [
        Route("/c/{token}/{place}", desk.follow, methods=["GET"]),
        Route("/o/{token}.gif", desk.show, methods=["GET"]),
    ]


class _Desk:
    def __init__(self, site: Site) -> None:
        self._site = site
        self._waiting: set[asyncio.Task[None]] = set()

    async def follow(self, request: Request) -> Response:
        """Lead on to the article."""
        token, place = request.path_params["token"], request.path_params["place"]
        found = await self._site.counter.read(lambda app: _look(app, token, place))
        if found is None:
            return self._site.pages.unknown_link(request)
        link, target = found
        if request.method == "GET":
            by_machine = is_machine(request.headers)
            self._begin(lambda: self._count_click(link, int(place), by_machine=by_machine))
        # Starlette's own redirect would encode the address a second time.
        return Response(status_code=HTTPStatus.FOUND, headers={"Location": target, **_PRIVATE})

    async def show(self, request: Request) -> Response:
        """The picture, whatever the token: nobody learns from it which ones are real."""
        token = request.path_params["token"]
        if request.method == "GET":
            by_machine = is_machine(request.headers)
            self._begin(lambda: self._count_opening(token, is_sure=not by_machine))
        return Response(PIXEL, media_type="image/gif", headers=_PRIVATE)

    def _begin(self, count: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Count beside the answer, which waits for no database."""
        if len(self._waiting) >= MOST_WAITING:
            logger.warning("an opening or a click was not counted: %d wait already", MOST_WAITING)
            return
        task = asyncio.create_task(_quietly(count()))
        self._waiting.add(task)
        task.add_done_callback(self._waiting.discard)

    async def _count_click(self, link: SignedLink, place: int, *, by_machine: bool) -> None:
        if link.subscriber_id:
            await self._site.counter.write(lambda app: self._write_click(app, link, place, by_machine=by_machine))

    async def _count_opening(self, token: str, *, is_sure: bool) -> None:
        link = await self._site.counter.read(lambda app: _read(app, token))
        if link is not None and link.subscriber_id:
            await self._site.counter.write(lambda app: self._write_opening(app, link, is_sure=is_sure))

    def _write_click(self, app: App, link: SignedLink, place: int, *, by_machine: bool) -> None:
        copy, now = find_copy(app.database, link.issue_id, link.subscriber_id), app.clock.now()
        newsletter = self._newsletter_of(app, copy)
        if copy is not None and newsletter is not None and newsletter.count_clicks:
            by_machine = by_machine or is_too_soon(copy.sent_at, now)
            count_click(app.database, copy, place, is_machine=by_machine, now=now)

    def _write_opening(self, app: App, link: SignedLink, *, is_sure: bool) -> None:
        copy, now = find_copy(app.database, link.issue_id, link.subscriber_id), app.clock.now()
        newsletter = self._newsletter_of(app, copy)
        if copy is not None and newsletter is not None and newsletter.count_opens:
            is_sure = is_sure and not is_too_soon(copy.sent_at, now)
            count_opening(app.database, copy, is_sure=is_sure, now=now)

    def _newsletter_of(self, app: App, copy: Copy | None) -> NewsletterSettings | None:
        """The newsletter of a copy that is still counted; None where it is too old, as what was known is forgotten."""
        newsletter = None if copy is None else self._site.newsletter(copy.newsletter)
        if copy is None or newsletter is None:
            return None
        age = app.clock.now() - copy.published_at
        return newsletter if age < timedelta(days=newsletter.keep_readings_days) else None


async def _quietly(work: Coroutine[Any, Any, None]) -> None:
    """What cannot be counted is not: whoever asked has their answer."""
    try:
        await work
    except DigestError as error:
        logger.warning("an opening or a click was not counted: %s", error)
    except Exception:
        logger.exception("an opening or a click was not counted")


def _read(app: App, token: str) -> SignedLink | None:
    link = app.keyring.read_link(token)
    return link if link is not None and link.purpose is Purpose.COUNT else None


def _look(app: App, token: str, place: str) -> tuple[SignedLink, str] | None:
    """Whose link it is and where it leads; None where it is not ours, or its issue has no such link."""
    link = _read(app, token)
    if link is None or not _PLACE.fullmatch(place):
        return None
    target = find_target(app.database, link.issue_id, int(place))
    return None if target is None else (link, target)
