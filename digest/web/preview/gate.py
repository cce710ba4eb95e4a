"""The preview's door: who may ask it anything, and what browsers may do with its answers.

The page stands on the editor's own machine, beside every website that is open in the same browser. So a request must
know the token in the path, name this very server in Host (DNS rebinding) and, where it changes something, come from
the page itself: Origin, and a content type that no plain form can send.
"""

import secrets
from collections.abc import Mapping
from http import HTTPStatus

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; frame-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
PANE_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'self'; sandbox allow-same-origin"
)
"""For what a mail holds: it brings its own styles, and nothing of it runs, loads or submits anything."""
LARGEST_REQUEST = 200_000
"""Bytes of a request's body; an intro is the longest thing the page sends."""
_SAFE = frozenset(("GET", "HEAD"))
_HEADERS: Mapping[str, str] = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


class Gate:
    """Lets a request through to the app, or answers as if nothing were here."""

    def __init__(self, app: ASGIApp, *, token: str, port: int) -> None:
        """Guard an app whose paths begin with the token."""
        self._app = app
        self._token = token
        self._hosts = frozenset((f"127.0.0.1:{port}", f"localhost:{port}"))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        refusal = self._refuse(scope)
        answer = self._app if refusal is None else refusal

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.update(_HEADERS)
                headers.setdefault("Content-Security-Policy", PAGE_POLICY)
            await send(message)

        await answer(scope, receive, send_guarded)

    def _refuse(self, scope: Scope) -> Response | None:
        headers = Headers(scope=scope)
        token = str(scope["path"]).removeprefix("/").partition("/")[0]
        host = headers.get("host", "")
        if not secrets.compare_digest(token.encode(), self._token.encode()) or host not in self._hosts:
            return PlainTextResponse("Not Found", HTTPStatus.NOT_FOUND)
        if scope["method"] in _SAFE:
            return None
        if headers.get("origin") != f"http://{host}" or headers.get("content-type") != "application/json":
            return PlainTextResponse("Only the page itself may ask for this.", HTTPStatus.FORBIDDEN)
        length = headers.get("content-length", "")
        if not length.isdecimal() or int(length) > LARGEST_REQUEST:
            return PlainTextResponse("The request is too long.", HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        return None
