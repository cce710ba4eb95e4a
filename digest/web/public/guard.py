"""What every request passes on its way in and every answer on its way out: limits, and headers that browsers obey.

There are no cookies and no scripts: nothing a page shows can act for a reader, and no other site can make a browser
do so, as all rights lie in the link itself. So the link must not leak: no referrer leaves a page.
"""

from collections.abc import Mapping
from http import HTTPStatus

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

PAGE_POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self' https: data:; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'"
)
LARGEST_BODY = 16_384
"""Bytes of a request's body: the longest form has a few hundred."""
LARGEST_HOOK = 1_048_576
"""Bytes of a webhook's body: a bounce may bring the headers of the message it is about."""
_HOOKS = "/webhooks/"
_HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": PAGE_POLICY,
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "interest-cohort=(), camera=(), microphone=(), geolocation=()",
}
"""What an answer carries that does not say otherwise itself."""


class Guard:
    """Stands around the app."""

    def __init__(self, app: ASGIApp, *, path: str, hsts_days: int) -> None:
        """Guard an app.

        Args:
            app: what answers.
            path: the path prefix under which readers reach it, "" for none. A web server in front may strip it or not.
            hsts_days: for how long browsers insist on https; 0 for not at all.
        """
        self._app = app
        self._path = path
        self._headers = dict(_HEADERS)
        if hsts_days:
            self._headers["Strict-Transport-Security"] = f"max-age={hsts_days * 86_400}"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        scope = self._without_prefix(scope)

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in self._headers.items():
                    headers.setdefault(name, value)
            await send(message)

        limit = LARGEST_HOOK if scope["path"].startswith(_HOOKS) else LARGEST_BODY
        if _says_too_large(scope, limit):
            await _too_large()(scope, receive, send_guarded)
        else:
            await self._app(scope, _limited(receive, limit), send_guarded)

    def _without_prefix(self, scope: Scope) -> Scope:
        """Routes know nothing of the prefix, whoever takes it off, nor of a slash at the end."""
        path = scope["path"]
        if self._path and (path == self._path or path.startswith(f"{self._path}/")):
            path = path[len(self._path) :]
        path = path.removesuffix("/") or "/"
        return {**scope, "path": path, "raw_path": path.encode("utf-8", "replace")}


def _says_too_large(scope: Scope, limit: int) -> bool:
    length = Headers(scope=scope).get("content-length", "0")
    return not length.isdecimal() or len(length) > len(str(limit)) or int(length) > limit


def _limited(receive: Receive, limit: int) -> Receive:
    """A body without a length (chunked) is counted as it comes."""
    received = 0

    async def receive_limited() -> Message:
        nonlocal received
        message = await receive()
        received += len(message.get("body", b""))
        if received > limit:
            raise HTTPException(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, headers={"Connection": "close"})
        return message

    return receive_limited


def _too_large() -> Response:
    return PlainTextResponse(
        "The request is too long.", HTTPStatus.REQUEST_ENTITY_TOO_LARGE, headers={"Connection": "close"}
    )
