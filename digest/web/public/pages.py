"""Pages as answers: rendered in the reader's language, with the same frame, and one neutral page for wrong links."""

import hashlib
from collections.abc import Mapping
from functools import cached_property
from http import HTTPStatus
from typing import Any

from babel import negotiate_locale
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from digest.errors import SettingsError
from digest.language import Language, available_languages
from digest.model import Subscriber
from digest.render.brand import brand_of
from digest.render.context import BrandContext
from digest.render.templates import TemplateLibrary
from digest.settings import Settings

_MOST_LANGUAGES = 20
"""Entries of an Accept-Language header that are looked at."""


class Pages:
    """The templates of a workspace's pages; its own `templates/site/` wins over the packaged one."""

    def __init__(self, settings: Settings, library: TemplateLibrary, path: str) -> None:
        """Open the pages.

        Args:
            settings: of the workspace.
            library: its templates.
            path: what links within a page begin with, "/digest" or "".
        """
        self._settings = settings
        self._library = library
        self._path = path

    @cached_property
    def languages(self) -> tuple[str, ...]:
        """The languages there are pages in."""
        return available_languages(self._settings.folder / "locales")

    @cached_property
    def stylesheet(self) -> str:
        """The style sheet, with the brand's colour."""
        return self._library.render_page("site/site.css", {"brand": self._brand}, self._library.language("en"))

    @cached_property
    def stylesheet_path(self) -> str:
        """Changes with its contents, so that browsers may keep it for ever."""
        return f"/static/site.{hashlib.sha256(self.stylesheet.encode()).hexdigest()[:12]}.css"

    @cached_property
    def _brand(self) -> BrandContext:
        return brand_of(self._settings.brand, self._settings.site.name)

    def answer(
        self,
        request: Request,
        template: str,
        values: Mapping[str, Any],
        *,
        language: Language | None = None,
        status: int = HTTPStatus.OK,
        headers: Mapping[str, str] | None = None,
    ) -> Response:
        """A page.

        Args:
            request: what it answers.
            template: its file, "site/subscribe.html".
            values: what it can use beside `path`, `site`, `brand`, `contact`, `languages`, `language` and `here`.
            language: by default as the request asks.
            status: of the answer.
            headers: further ones.
        """
        language = language or self.language_of(request)
        frame = {
            "path": self._path,
            "site": self._settings.site,
            "brand": self._brand,
            "contact": self._settings.newsletters[0].contact_address,
            "languages": [(code, self.language(code).own_name) for code in self.languages],
            "stylesheet": f"{self._path}{self.stylesheet_path}",
            "here": f"{self._path}{request.url.path.removeprefix(self._path)}",
        }
        content = self._library.render_page(template, {**frame, **values}, language)
        more = {"Content-Language": language.code, "Vary": "Accept-Language", **(headers or {})}
        return HTMLResponse(content, status, headers=more)

    def unknown_link(self, request: Request) -> Response:
        """The one page for every link that is forged, cut, of another workspace or of nobody any more."""
        return self.answer(request, "site/unknown.html", {}, status=HTTPStatus.NOT_FOUND)

    def language_of(self, request: Request) -> Language:
        """The language a reader wants: `?lang=`, what the browser asks for, or the site's."""
        chosen = request.query_params.get("lang", "")
        wanted = [chosen] if chosen in self.languages else _accepted(request.headers.get("accept-language", ""))
        found = negotiate_locale(wanted, self.languages, sep="-")
        return self.language(found or self._settings.site.locale)

    def language_for(self, request: Request, person: Subscriber | None) -> Language:
        """The language of a person's own pages: `?lang=`, theirs, or what the browser asks for."""
        if person is None or not person.locale or request.query_params.get("lang", "") in self.languages:
            return self.language_of(request)
        return self.language(person.locale)

    def language(self, code: str) -> Language:
        """The language of a code; the site's where there is no such one, as a person's may be gone meanwhile."""
        try:
            return self._library.language(code or self._settings.site.locale)
        except SettingsError:
            return self._library.language(self._settings.site.locale)


def _accepted(header: str) -> list[str]:
    """Language tags of an Accept-Language header (RFC 9110 12.5.4), most wanted first."""
    weighted = []
    for entry in header[:1000].split(",")[:_MOST_LANGUAGES]:
        tag, _, parameter = entry.strip().partition(";")
        weighted.append((_weight(parameter), tag.strip()))
    return [tag for weight, tag in sorted(weighted, key=lambda each: -each[0]) if weight > 0 and tag]


def _weight(parameter: str) -> float:
    try:
        return float(parameter.strip().removeprefix("q=") or 1)
    except ValueError:
        return 0.0
