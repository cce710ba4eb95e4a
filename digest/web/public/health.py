"""Figures and answers for machines: /healthz, /readyz and /metrics (Prometheus), on a port of their own or by token."""

import hmac
from http import HTTPStatus

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Gauge, generate_latest
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from digest.app import App
from digest.errors import DigestError
from digest.store.figures import Figures, read_figures
from digest.web.public.site import Site

_BEARER = "Bearer "


def routes(site: Site, *, token: str = "") -> list[BaseRoute]:
    """The three paths.

    Args:
        site: whose figures.
        token: what a request must bring; "" where the port alone keeps strangers out.
    """
    desk = _Desk(site, token)
    paths = (("/healthz", desk.health), ("/readyz", desk.readiness), ("/metrics", desk.metrics))
    return [Route(path, endpoint, methods=["GET"]) for path, endpoint in paths]


class _Desk:
    def __init__(self, site: Site, token: str) -> None:
        self._site = site
        self._token = token

    async def health(self, request: Request) -> Response:
        """The process answers."""
        return self._refuse(request) or PlainTextResponse("ok\n")

    async def readiness(self, request: Request) -> Response:
        """The database can be read and written; a lock that others hold for long counts as not ready."""
        if refusal := self._refuse(request):
            return refusal
        try:
            await self._site.counter.read(lambda app: app.database.value("SELECT count(*) FROM saved_filter"))
            await self._site.counter.write(lambda app: app.database.in_transaction)
        except DigestError as error:
            return PlainTextResponse(f"{error}\n", HTTPStatus.SERVICE_UNAVAILABLE)
        return PlainTextResponse("ready\n")

    async def metrics(self, request: Request) -> Response:
        """What there is to watch."""
        if refusal := self._refuse(request):
            return refusal
        figures = await self._site.counter.read(_read_figures)
        return Response(_to_prometheus(figures), headers={"Content-Type": CONTENT_TYPE_LATEST})

    def _refuse(self, request: Request) -> Response | None:
        given = request.headers.get("authorization", "")
        if not self._token or hmac.compare_digest(given.encode(), f"{_BEARER}{self._token}".encode()):
            return None
        return PlainTextResponse("Not Found", HTTPStatus.NOT_FOUND)


def _read_figures(app: App) -> Figures:
    return read_figures(app.database)


def _to_prometheus(figures: Figures) -> bytes:
    registry = CollectorRegistry()
    people = Gauge("digest_subscribers", "People by state.", ["state"], registry=registry)
    for state, count in figures.subscribers.items():
        people.labels(state).set(count)
    deliveries = Gauge(
        "digest_deliveries", "Deliveries of an issue by state.", ["newsletter", "edition", "state"], registry=registry
    )
    for (newsletter, edition, state), count in figures.deliveries.items():
        deliveries.labels(newsletter, edition, state).set(count)
    issues = Gauge("digest_issues", "Issues by state.", ["newsletter", "state"], registry=registry)
    for (newsletter, state), count in figures.issues.items():
        issues.labels(newsletter, state).set(count)
    notices = Gauge("digest_notices", "Confirmations and other single mails by state.", ["state"], registry=registry)
    for state, count in figures.notices.items():
        notices.labels(state).set(count)
    sent_at = Gauge(
        "digest_last_sent_timestamp_seconds", "When an issue was sent last.", ["newsletter"], registry=registry
    )
    for newsletter, seconds in figures.last_sent.items():
        sent_at.labels(newsletter).set(seconds)
    suppressed = Gauge("digest_suppressed_addresses", "Addresses never to be mailed again.", registry=registry)
    suppressed.set(figures.suppressed)
    return generate_latest(registry)
