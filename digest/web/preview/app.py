"""The preview's addresses: the page, its panes, and what it asks and orders.

Every handler runs on the event loop of the one thread that opened the workspace; what takes long runs in a thread of
its own (`errands`), which gets values and opens what it needs for itself.
"""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable, Mapping
from datetime import date
from http import HTTPStatus
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response, StreamingResponse
from starlette.routing import Mount, Route

from digest.address import normalise_address
from digest.errors import DigestError
from digest.store.subscriber_search import find_readers
from digest.web.preview.answers import (
    findings_to_json,
    inbox_to_json,
    links_to_json,
    page_to_json,
    picture_to_json,
    source_to_json,
    step_to_json,
    text_to_json,
)
from digest.web.preview.desk import Desk, Query
from digest.web.preview.edits import Edit, EditKind
from digest.web.preview.errands import Errands
from digest.web.preview.gate import PANE_POLICY
from digest.web.preview.panes import Pane
from digest.web.preview.picture import Picture

LOOK_SECONDS = 0.2
"""How often changes are looked for while a page is open."""
READERS_FOUND = 8
"""How many subscribers a search offers."""
_EDITIONS = (date(1970, 1, 1), date(2999, 12, 31))
"""The first and the last that may be asked for; calendars end soon beyond."""
_LARGEST_ID = 2**63 - 1
"""SQLite has no larger one."""
_SHORTEST_SEARCH = 2
"""Letters; with fewer the list would say who reads rather than find somebody."""
_BEAT_SECONDS = 15.0
"""How often a silent stream says that it is there."""
_STATIC = Path(__file__).with_name("static")
_TYPES = {".css": "text/css", ".js": "text/javascript", ".json": "application/json", ".svg": "image/svg+xml"}


class PreviewApp:
    """The handlers, around one desk."""

    def __init__(self, desk: Desk, errands: Errands, *, is_ending: Callable[[], bool]) -> None:
        """Build the app of a desk; `is_ending` says that the server wants to stop: streams must end by themselves."""
        self._desk = desk
        self._errands = errands
        self._is_ending = is_ending
        self._static = {file.name: file.read_bytes() for file in _STATIC.iterdir() if file.suffix in _TYPES}

    def build(self, token: str) -> Starlette:
        """The Starlette app, everything below the token."""
        ask, order = ["GET"], ["POST"]
        routes = [
            Route("/", self.page, methods=ask),
            Route("/static/{name}", self.static, methods=ask),
            Route("/pane/{pane}", self.pane, methods=ask),
            Route("/image/{name}", self.image, methods=ask),
            Route("/api/state", self.state, methods=ask),
            Route("/api/changes", self.changes, methods=ask),
            Route("/api/readers", self.readers, methods=ask),
            Route("/api/findings", self.findings, methods=ask),
            Route("/api/inbox", self.about(inbox_to_json), methods=ask),
            Route("/api/text", self.about(text_to_json), methods=ask),
            Route("/api/links", self.about(links_to_json), methods=ask),
            Route("/api/source", self.about(source_to_json), methods=ask),
            Route("/api/edit", self.edit, methods=order),
            Route("/api/undo", self.undo, methods=order),
            Route("/api/send", self.send, methods=order),
            Route("/api/check-links", self.check_links, methods=order),
            Route("/api/spam", self.spam, methods=order),
            Route("/api/images", self.read_images, methods=order),
        ]
        handlers = {DigestError: _refuse, HTTPException: _fail}
        return Starlette(routes=[Mount(f"/{token}", routes=routes)], exception_handlers=handlers)

    async def page(self, _request: Request) -> Response:
        """The page itself; everything on it comes by questions."""
        return HTMLResponse((_STATIC / "page.html").read_bytes())

    async def static(self, request: Request) -> Response:
        """Style sheets, modules and words, with types of our own: those of the system may be anything."""
        name = request.path_params["name"]
        if name not in self._static:
            raise HTTPException(HTTPStatus.NOT_FOUND)
        return Response(self._static[name], media_type=_TYPES[Path(name).suffix])

    async def pane(self, request: Request) -> Response:
        """One pane of a picture, for a sandboxed frame."""
        try:
            pane = Pane(request.path_params["pane"])
        except ValueError as error:
            raise HTTPException(HTTPStatus.NOT_FOUND) from error
        document = self._desk.draw(self._picture(request), pane)
        return HTMLResponse(document, headers={"Content-Security-Policy": PANE_POLICY})

    async def image(self, request: Request) -> Response:
        """A picture of the mail as it was read and kept."""
        media_type, content = self._desk.image(request.path_params["name"])
        return Response(content, media_type=media_type)

    async def state(self, request: Request) -> Response:
        """Everything the page shows but its panes, taken anew."""
        return JSONResponse(self._state(_read_query(request.query_params)))

    async def changes(self, _request: Request) -> Response:
        """Server-sent events: a revision whenever there is a new one."""
        return StreamingResponse(self._watch(), media_type="text/event-stream")

    async def readers(self, request: Request) -> Response:
        """Subscribers whose address begins as typed; as much of it is told as was typed."""
        prefix = request.query_params.get("prefix", "").strip()
        if len(prefix) < _SHORTEST_SEARCH:
            return JSONResponse([])
        newsletter = self._desk.newsletter(_read_query(request.query_params))
        found = find_readers(self._desk.app.database, newsletter.slug, prefix, limit=READERS_FOUND)
        return JSONResponse([{"id": reader.id, "label": as_typed(reader.address, prefix)} for reader in found])

    async def findings(self, request: Request) -> Response:
        """What the email-safe contract finds, and whether there is a SpamAssassin."""
        picture = self._picture(request)
        found = findings_to_json(await self._errands.check(picture))
        return JSONResponse({"findings": found, "can_scan": self._errands.can_scan(), **self._images_of(picture)})

    def about(self, describe: Callable[[Picture], Any]) -> Callable[[Request], Any]:
        """A handler that describes a picture."""

        async def answer(request: Request) -> Response:
            return JSONResponse(describe(self._picture(request)))

        return answer

    async def edit(self, request: Request) -> Response:
        """Write a change of the editor's; the answer is the new state."""
        body = await _read_body(request)
        query = _read_query(body)
        self._desk.edit(query, _read_edit(body), shown=_read_shown(body))
        return JSONResponse(self._state(query))

    async def undo(self, request: Request) -> Response:
        """Take the last change back; the answer is the new state, and what was taken back."""
        query = _read_query(await _read_body(request))
        step = self._desk.undo(query)
        undone = step_to_json(self._desk.app.database, step)
        return JSONResponse({**self._state(query), "undone": undone})

    async def send(self, request: Request) -> Response:
        """Send this message to one address, as nobody's: its links change nothing."""
        body = await _read_body(request)
        address = normalise_address(str(body.get("address", "")))
        outcome = await self._errands.send(self._desk.picture(str(body.get("picture"))), address)
        return JSONResponse({"address": address, "state": str(outcome.state), "reply": outcome.reply})

    async def check_links(self, request: Request) -> Response:
        """Ask the web for every link that may be asked for."""
        checked = await self._errands.check_links(await self._ordered(request))
        return JSONResponse(
            [
                {"url": link.url, "state": str(link.state), "status": link.status, "detail": link.detail}
                for link in checked
            ]
        )

    async def spam(self, request: Request) -> Response:
        """Let this machine's SpamAssassin judge the message."""
        report = await self._errands.scan(await self._ordered(request))
        rules = [{"points": rule.points, "name": rule.name, "words": rule.description} for rule in report.rules]
        return JSONResponse({"points": report.points, "required": report.required, "rules": rules})

    async def read_images(self, request: Request) -> Response:
        """Read the pictures that are not at hand from the web, and keep them for this preview and the issue."""
        picture = await self._ordered(request)
        report = await self._errands.read_images(self._desk.missing_images(picture))
        problems = {image.url: image.problem for image in report.broken} | dict(report.unreachable)
        return JSONResponse({"read": len(report.read) - len(report.broken), "problems": problems})

    def _images_of(self, picture: Picture) -> dict[str, Any]:
        return {"images_missing": len(self._desk.missing_images(picture))}

    def _picture(self, request: Request) -> Picture:
        return self._desk.picture(request.query_params.get("picture", ""))

    async def _ordered(self, request: Request) -> Picture:
        return self._desk.picture(str((await _read_body(request)).get("picture")))

    def _state(self, query: Query) -> dict[str, Any]:
        """The page's state with the milliseconds of work it took; what is wrong is told beside what can be chosen."""
        started = time.perf_counter()
        problem, picture = "", None
        # Taken first: what changes during the work is then a change since.
        revision = self._desk.revision()
        try:
            self._desk.refresh()
            picture = picture_to_json(self._desk, self._desk.take(query))
        except DigestError as error:
            problem = str(error)
        page = page_to_json(self._desk, query)
        work_ms = round((time.perf_counter() - started) * 1000, 1)
        return {**page, "revision": revision, "problem": problem, "picture": picture, "work_ms": work_ms}

    async def _watch(self) -> AsyncIterator[str]:
        last, silent_since = "", time.monotonic()
        while not self._is_ending():
            revision = self._desk.revision()
            if revision != last:
                last, silent_since = revision, time.monotonic()
                yield f"data: {revision}\n\n"
            elif time.monotonic() - silent_since > _BEAT_SECONDS:
                silent_since = time.monotonic()
                yield ": still here\n\n"
            await asyncio.sleep(LOOK_SECONDS)


def as_typed(address: str, prefix: str) -> str:
    """An address with no more of its local part than somebody knows already.

    >>> as_typed("kim.jiwoo@example.com", "kim")
    'kim…@example.com'
    """
    local, _, domain = address.rpartition("@")
    return address if len(prefix) >= len(local) else f"{prefix}…@{domain}"


async def _read_body(request: Request) -> dict[str, Any]:
    """The JSON object of an order."""
    try:
        body = json.loads(await request.body())
        # Half a surrogate pair is JSON (RFC 8259, 8.2) but no text: no database takes it.
        json.dumps(body, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as error:
        raise HTTPException(HTTPStatus.BAD_REQUEST, f"this is no JSON to work with: {error}") from error
    if not isinstance(body, dict):
        raise HTTPException(HTTPStatus.BAD_REQUEST, "expected a JSON object")
    return body


def _read_query(values: Mapping[str, Any]) -> Query:
    """What a page asks about, from a query string or a JSON object."""
    newsletter, edition, reader = (values.get(name) or None for name in ("newsletter", "edition", "reader"))
    try:
        return Query(
            newsletter=newsletter,
            edition=_read_edition(edition) if edition else None,
            reader=_read_id(reader) if reader else None,
        )
    except (TypeError, ValueError) as error:
        raise HTTPException(HTTPStatus.BAD_REQUEST, str(error)) from error


def _read_edition(written: str) -> date:
    edition, (first, last) = date.fromisoformat(written), _EDITIONS
    if not first <= edition <= last:
        raise ValueError(f"expected an edition from {first} to {last}, not {edition}")
    return edition


def _read_id(written: Any) -> int:
    number = int(written)
    if not 0 < number <= _LARGEST_ID:
        raise ValueError(f"no subscriber has the number {number}")
    return number


def _read_shown(body: Mapping[str, Any]) -> tuple[str, ...]:
    """The ids of the articles that the editor sees, in order."""
    shown = body.get("shown", [])
    if not isinstance(shown, list):
        raise HTTPException(HTTPStatus.BAD_REQUEST, "shown: expected a list of ids")
    return tuple(map(str, shown))


def _read_edit(body: Mapping[str, Any]) -> Edit:
    try:
        words = body.get("words")
        return Edit(
            kind=EditKind(body["kind"]),
            article=str(body.get("article", "")),
            words=None if words is None else str(words),
        )
    except (KeyError, ValueError) as error:
        raise HTTPException(HTTPStatus.BAD_REQUEST, f"no such edit: {error}") from error


async def _refuse(_request: Request, error: Exception) -> Response:
    return JSONResponse({"problem": str(error)}, HTTPStatus.CONFLICT)


async def _fail(_request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else HTTPStatus.INTERNAL_SERVER_ERROR
    return JSONResponse({"problem": str(error)}, status)
