"""What mail services tell us: SES by SNS, with Amazon's signature, and others as JSON, with our token."""

import asyncio
import hmac
import json
import logging
from functools import partial
from http import HTTPStatus
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from digest.app import App
from digest.errors import FetchError
from digest.mail.inbound.report import InboundMessage, ReportKind
from digest.mail.inbound.sns import CONFIRMATION, NOTIFICATION, SnsError, SnsMessage, parse_sns, require_signature
from digest.mail.inbound.webhook import EntryError, read_entry, read_ses_event
from digest.returns.act import Act, Deed, act_on
from digest.source.fetch import Fetch, fetch
from digest.web.public.site import Site

logger = logging.getLogger("digest")

MOST_ENTRIES = 1000
_BEARER = "Bearer "
_FETCH_SECONDS = 10.0
_LARGEST_ANSWER = 65_536
_KEPT_CERTIFICATES = 8
_DEEPEST = 50_000
"""Brackets in a body: a thousand entries have a fraction of it, and a parser that recurses is not led astray."""

_ask_amazon: Fetch = partial(fetch, max_redirects=0)


def routes(site: Site) -> list[BaseRoute]:
    """Those that `[inbound]` switches on."""
    inbound, found = site.settings.inbound, list[BaseRoute]()
    if inbound.sns_topics:
        found.append(Route("/webhooks/ses", _Ses(site, _ask_amazon).receive, methods=["POST"]))
    if inbound.webhook_token:
        found.append(Route("/webhooks/bounces", _Generic(site).receive, methods=["POST"]))
    return found


class _Ses:
    def __init__(self, site: Site, ask: Fetch) -> None:
        self._site = site
        self._ask = ask
        self._certificates: dict[str, bytes] = {}

    async def receive(self, request: Request) -> Response:
        """A notification of an allowed topic that Amazon signed."""
        try:
            message = parse_sns(await request.body())
        except SnsError as error:
            return _refuse(str(error), HTTPStatus.BAD_REQUEST)
        try:
            await self._require_genuine(message)
            if message.type == CONFIRMATION:
                await self._confirm(message)
        except SnsError as error:
            logger.warning("a request to /webhooks/ses was refused: %s", error)
            return _refuse(str(error), HTTPStatus.FORBIDDEN)
        except FetchError as error:
            logger.warning("a request to /webhooks/ses waits: %s", error)
            return _refuse("Amazon could not be asked; try again", HTTPStatus.SERVICE_UNAVAILABLE)
        if message.type == NOTIFICATION:
            await self._act(message)
        return PlainTextResponse("ok\n")

    async def _require_genuine(self, message: SnsMessage) -> None:
        """Anybody may have a topic, and Amazon signs for all of them."""
        if message.topic not in self._site.settings.inbound.sns_topics:
            raise SnsError("the topic is not among inbound.sns_topics")
        url = message.certificate_url
        certificate = self._certificates.get(url)
        if certificate is None:
            certificate = await asyncio.to_thread(self._get, url)
        require_signature(message, certificate, now=self._site.clock.now())
        if len(self._certificates) < _KEPT_CERTIFICATES:
            self._certificates[url] = certificate

    async def _confirm(self, message: SnsMessage) -> None:
        await asyncio.to_thread(self._get, message.subscribe_url)
        logger.info("the subscription to %s is confirmed", message.topic)

    async def _act(self, message: SnsMessage) -> None:
        try:
            values = json.loads(message.text)
        except (ValueError, RecursionError):
            return  # such as the word that a topic was made known to SES
        if isinstance(values, dict):
            event = read_ses_event(values, message_id=message.id)
            if all(report.kind is ReportKind.UNKNOWN for report in event.reports):
                return  # deliveries, opens: as many as mails are sent, and nothing follows from them
            await self._site.counter.write(lambda app: act_on(app, event, is_known_source=True))

    def _get(self, url: str) -> bytes:
        answer = self._ask(url, timeout=_FETCH_SECONDS, max_bytes=_LARGEST_ANSWER, accept="*/*", https_only=True)
        if not answer.is_good:
            raise FetchError(url, f"it answers {answer.status}")
        return answer.body


class _Generic:
    def __init__(self, site: Site) -> None:
        self._site = site
        self._expected = f"{_BEARER}{site.settings.inbound.webhook_token}".encode()

    async def receive(self, request: Request) -> Response:
        """A list of entries: all of them are acted upon, or none where one is wrong."""
        if not hmac.compare_digest(request.headers.get("authorization", "").encode(), self._expected):
            headers = {"WWW-Authenticate": "Bearer"}
            return _refuse("expected Authorization: Bearer and the token", HTTPStatus.UNAUTHORIZED, headers=headers)
        entries = _parse(await request.body())
        if entries is None:
            return _refuse(f"expected a JSON list of 1 to {MOST_ENTRIES} entries", HTTPStatus.BAD_REQUEST)
        messages = []
        for number, entry in enumerate(entries):
            try:
                messages.append(read_entry(entry))
            except EntryError as error:
                field = f"[{number}].{error.field}".rstrip(".")
                return _refuse(str(error), HTTPStatus.UNPROCESSABLE_ENTITY, field=field)
        deeds = await self._site.counter.write(lambda app: [_act(app, message) for message in messages])
        return JSONResponse({"results": deeds})


def _act(app: App, message: InboundMessage) -> str:
    acts: tuple[Act, ...] | None = act_on(app, message, is_known_source=True)
    return str(acts[0].deed if acts else Deed.ALREADY)


def _parse(body: bytes) -> list[Any] | None:
    if body.count(b"[") + body.count(b"{") > _DEEPEST:
        return None
    try:
        values = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return values if isinstance(values, list) and 1 <= len(values) <= MOST_ENTRIES else None


def _refuse(words: str, status: int, *, field: str = "", headers: dict[str, str] | None = None) -> Response:
    return JSONResponse({"error": {"field": field, "message": words}}, status, headers=headers)
