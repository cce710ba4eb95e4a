"""The form, what it posts to, and the same as JSON for a publisher's own form.

The answer is the same whoever asks for whatever address. Programs are kept out by a field that people do not see, a
stamp that tells how long the form was looked at, and limits for each client and each address; there is no puzzle.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from time import monotonic
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute

from digest.address import normalise_address
from digest.app import App
from digest.errors import AddressError
from digest.language import Language
from digest.signup import SignUp, ask_to_subscribe, consent_wording, subscribe_at_once
from digest.store.confirmations import Consent
from digest.store.secrets import hash_address
from digest.web.public.evenly import evenly
from digest.web.public.forms import FASTEST_SECONDS, HONEYPOT, Form, Stamps, read_form
from digest.web.public.limits import RateLimit, shorten_client
from digest.web.public.routing import by_method
from digest.web.public.site import Site

_JSON = "application/json"
_FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")
_LONGEST_ADDRESS = 320
_DEEPEST = 20
"""Levels of brackets that a JSON body may have."""


def routes(site: Site, stamps: Stamps, limit: RateLimit) -> list[BaseRoute]:
    """The form and both ways to send it."""
    desk = _Desk(site, stamps, limit)
    return [by_method("/subscribe", {"GET": desk.show, "POST": desk.receive, "OPTIONS": desk.preflight})]


@dataclass(frozen=True, kw_only=True)
class _Wanted:
    """A request to subscribe, as checked."""

    address: str
    newsletters: tuple[str, ...]
    language: Language
    form: str
    client: str


class _Problem(Exception):  # noqa: N818 - an answer, no failure
    """What is wrong with a request."""

    def __init__(self, field: str, words: str) -> None:
        self.field = field
        self.words = words
        super().__init__(words)


class _Desk:
    def __init__(self, site: Site, stamps: Stamps, limit: RateLimit) -> None:
        self._site = site
        self._stamps = stamps
        self._limit = limit

    async def show(self, request: Request) -> Response:
        """The empty form."""
        slugs = [slug for slug in request.query_params.getlist("newsletter") if self._site.newsletter(slug)]
        return self._form(request, chosen=slugs)

    async def receive(self, request: Request) -> Response:
        """A filled-in form, or JSON."""
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind in _FORMS:
            return await self._receive_form(request)
        if kind == _JSON:
            answer = await self._receive_json(request)
        else:
            answer = _refusal("", f"expected {_JSON}", HTTPStatus.UNSUPPORTED_MEDIA_TYPE)
        return self._with_cors(request, answer)

    async def preflight(self, request: Request) -> Response:
        """What a browser asks before it lets another site's page post JSON (Fetch standard, CORS)."""
        answer = Response(status_code=HTTPStatus.NO_CONTENT)
        if request.headers.get("origin", "") in self._site.web.cors_origins:
            answer.headers["Access-Control-Allow-Methods"] = "POST"
            answer.headers["Access-Control-Allow-Headers"] = "Content-Type"
            answer.headers["Access-Control-Max-Age"] = "3600"
        return self._with_cors(request, answer)

    def _with_cors(self, request: Request, answer: Response) -> Response:
        origin = request.headers.get("origin", "")
        answer.headers["Vary"] = "Origin"
        if origin in self._site.web.cors_origins:
            answer.headers["Access-Control-Allow-Origin"] = origin
        return answer

    async def _receive_form(self, request: Request) -> Response:
        form = await read_form(request)
        language = self._site.pages.language_of(request)
        if not self._limit.allows(_client(request), monotonic()):
            return self._form(request, form, message="too-often", status=HTTPStatus.TOO_MANY_REQUESTS)
        age = self._stamps.age(form.text("stamp"), int(self._site.clock.now().timestamp()))
        if age is None or age < FASTEST_SECONDS:  # a form on the publisher's own page has no stamp: one more press
            return self._form(request, form, message="once-more")
        try:
            wanted = self._check(
                request,
                language,
                address=form.text("email"),
                newsletters=form.all("newsletter"),
                has_agreed=bool(form.text("consent")),
                source=f"form at {self._site.base_url}/subscribe",
            )
        except _Problem as problem:
            status = HTTPStatus.UNPROCESSABLE_ENTITY
            return self._form(request, form, message=problem.field, status=status)
        if not form.text(HONEYPOT):
            await self._ask(wanted)
        values = {"is_confirmed_by_mail": self._site.web.double_opt_in}
        return self._site.pages.answer(request, "site/asked.html", values, language=language)

    def _form(
        self,
        request: Request,
        form: Form | None = None,
        *,
        chosen: Sequence[str] = (),
        message: str = "",
        status: int = HTTPStatus.OK,
    ) -> Response:
        form = form or Form({"newsletter": chosen})
        language = self._site.pages.language_of(request)
        newsletters = self._site.settings.newsletters
        wanted = set(form.all("newsletter")) or {each.slug for each in newsletters}
        values = {
            "newsletters": [(each, each.slug in wanted) for each in newsletters],
            "email": form.text("email")[:_LONGEST_ADDRESS],
            "has_agreed": bool(form.text("consent")),
            "stamp": self._stamps.make(int(self._site.clock.now().timestamp())),
            "honeypot": HONEYPOT,
            "wording": consent_wording(self._site.settings, language),
            "privacy_url": self._site.web.privacy_url,
            "message": message,
        }
        return self._site.pages.answer(request, "site/subscribe.html", values, language=language, status=status)

    async def _receive_json(self, request: Request) -> Response:
        if not self._limit.allows(_client(request), monotonic()):
            headers = {"Retry-After": "3600"}
            return _refusal("", "too many requests", HTTPStatus.TOO_MANY_REQUESTS, headers)
        values = _parse(await request.body())
        if values is None:
            return _refusal("", "the body is no JSON object", HTTPStatus.BAD_REQUEST)
        try:
            wanted = self._check(
                request,
                self._site.pages.language(_text(values, "language", required=False)),
                address=_text(values, "email"),
                newsletters=_texts(values, "newsletters"),
                has_agreed=values.get("consent") is True,
                source=f"JSON from {request.headers.get('origin', '')[:200] or 'a program'}",
            )
            is_person = not _text(values, HONEYPOT, required=False)
        except _Problem as problem:
            return _refusal(problem.field, problem.words, HTTPStatus.UNPROCESSABLE_ENTITY)
        if is_person:
            await self._ask(wanted)
        return JSONResponse({"status": "accepted"}, HTTPStatus.ACCEPTED)

    def _check(
        self,
        request: Request,
        language: Language,
        *,
        address: str,
        newsletters: Sequence[str],
        has_agreed: bool,
        source: str,
    ) -> _Wanted:
        try:
            address = normalise_address(address[:_LONGEST_ADDRESS])
        except AddressError as error:
            raise _Problem("email", "expected an e-mail address") from error
        slugs = tuple(dict.fromkeys(newsletters)) or tuple(each.slug for each in self._site.settings.newsletters)
        if unknown := [slug for slug in slugs if self._site.newsletter(slug) is None]:
            raise _Problem("newsletters", f"there is no newsletter {unknown[0][:80]!r}")
        if not has_agreed:
            raise _Problem("consent", "expected true: the person must have agreed")
        client = shorten_client(_client(request))
        return _Wanted(address=address, newsletters=slugs, language=language, form=source, client=client)

    async def _ask(self, wanted: _Wanted) -> None:
        wording = consent_wording(self._site.settings, wanted.language)
        sign_up = SignUp(
            address=wanted.address,
            newsletters=wanted.newsletters,
            locale=wanted.language.code,
            consent=Consent(form=wanted.form, client=wanted.client, wording=wording.version),
            words=wording.words,
        )
        step = ask_to_subscribe if self._site.web.double_opt_in else subscribe_at_once

        def ask(app: App) -> None:
            step(app.database, sign_up, address_hash=hash_address(app.key, sign_up.address), now=app.clock.now())

        async with evenly():
            await self._site.counter.write(ask)
            self._site.wake()


def _client(request: Request) -> str:
    return request.client.host if request.client else ""


def _parse(body: bytes) -> Mapping[str, Any] | None:
    """A JSON object, or None; one nested deeper than any form needs is none (RecursionError within CPython)."""
    if body.count(b"[") + body.count(b"{") > _DEEPEST:
        return None
    try:
        values = json.loads(body)
    except ValueError:
        return None
    return values if isinstance(values, dict) else None


def _text(values: Mapping[str, Any], name: str, *, required: bool = True) -> str:
    value = values.get(name, None if required else "")
    if not isinstance(value, str) or len(value) > _LONGEST_ADDRESS or "\0" in value:
        raise _Problem(name, f"expected a text of at most {_LONGEST_ADDRESS} characters")
    return value.encode("utf-8", "ignore").decode()


def _texts(values: Mapping[str, Any], name: str) -> tuple[str, ...]:
    found = values.get(name, [])
    if not isinstance(found, list) or not all(isinstance(each, str) for each in found):
        raise _Problem(name, "expected a list of slugs")
    return tuple(found)


def _refusal(field: str, words: str, status: int, headers: Mapping[str, str] | None = None) -> Response:
    return JSONResponse({"error": {"field": field, "message": words}}, status, headers=dict(headers or {}))
