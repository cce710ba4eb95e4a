"""The public side put together: routes by topic, with one guard around them all."""

from collections.abc import Mapping
from http import HTTPStatus

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp

from digest.errors import DatabaseLockedError
from digest.web.public import archive, confirming, counting, feeds, health, leaving, preferring, subscribing, webhooks
from digest.web.public.api import describe_api
from digest.web.public.forms import Stamps
from digest.web.public.guard import Guard
from digest.web.public.limits import RateLimit
from digest.web.public.site import Site

_FOR_EVER = "public, max-age=31536000, immutable"


def build_public_app(site: Site, *, form_key: bytes) -> ASGIApp:
    """What readers reach.

    Args:
        site: the public side of a workspace.
        form_key: signs what forms carry; the workspace's own key.
    """
    limit = RateLimit(site.web.signups_per_hour)
    routes: list[BaseRoute] = [
        *leaving.routes(site),  # first: a million mail programs may ask for it
        *counting.routes(site),
        *_frame_routes(site),
        *subscribing.routes(site, Stamps(form_key), limit),
        *confirming.routes(site),
        *preferring.routes(site, limit),
        *webhooks.routes(site),
        *feeds.routes(site),  # before the archive, whose issues have addresses of the same form
        *archive.routes(site),
    ]
    if site.web.operations_token:
        routes += health.routes(site, token=site.web.operations_token)
    return Guard(_build(site, routes), path=site.path, hsts_days=site.web.hsts_days)


def build_operations_app(site: Site) -> ASGIApp:
    """What operators' programs reach, on a port of their own."""
    return Guard(_build(site, health.routes(site)), path="", hsts_days=0)


def _build(site: Site, routes: list[BaseRoute]) -> Starlette:
    failures = _Failures(site)
    app = Starlette(
        routes=routes,
        exception_handlers={HTTPException: failures.refuse, DatabaseLockedError: failures.ask_again},
    )
    app.router.redirect_slashes = False  # it would lead to whatever host a request names
    return app


def _frame_routes(site: Site) -> list[BaseRoute]:
    async def go_to_form(_request: Request) -> Response:
        return RedirectResponse(f"{site.path}/subscribe")

    async def send_stylesheet(_request: Request) -> Response:
        return Response(site.pages.stylesheet, media_type="text/css", headers={"Cache-Control": _FOR_EVER})

    description = describe_api(with_webhooks=bool(site.settings.inbound.webhook_token))

    async def describe(_request: Request) -> Response:
        return JSONResponse(description, headers={"Access-Control-Allow-Origin": "*"})

    return [
        Route("/", go_to_form, methods=["GET"]),
        Route(site.pages.stylesheet_path, send_stylesheet, methods=["GET"]),
        Route("/openapi.json", describe, methods=["GET"]),
    ]


class _Failures:
    """What is answered where no page is."""

    def __init__(self, site: Site) -> None:
        self._site = site

    async def refuse(self, request: Request, error: Exception) -> Response:
        """No such page, or not in this way."""
        status = getattr(error, "status_code", HTTPStatus.NOT_FOUND)
        headers: Mapping[str, str] = getattr(error, "headers", None) or {}
        if status == HTTPStatus.NOT_FOUND:
            return self._site.pages.unknown_link(request)
        return PlainTextResponse(HTTPStatus(status).phrase, status, headers=dict(headers))

    async def ask_again(self, request: Request, error: Exception) -> Response:  # noqa: ARG002 - Starlette's form
        """The database is held by others for long: mail programs and people may try again."""
        return PlainTextResponse(
            "Busy; please try again.\n", HTTPStatus.SERVICE_UNAVAILABLE, headers={"Retry-After": "5"}
        )
