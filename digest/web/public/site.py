"""What every page needs, put together once when the server starts."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from urllib.parse import urlsplit

from digest.clock import Clock
from digest.settings import NewsletterSettings, Settings, WebSettings
from digest.web.public.counter import Counter
from digest.web.public.pages import Pages


@dataclass(frozen=True, kw_only=True)
class Site:
    """The public side of a workspace."""

    settings: Settings
    counter: Counter
    """Whoever needs the database asks here."""
    pages: Pages
    clock: Clock
    wake: Callable[[], None] = field(default=lambda: None)
    """Says that a mail waits to be sent."""

    @cached_property
    def web(self) -> WebSettings:
        """`[web]`, or what it defaults to."""
        return self.settings.web_or_defaults

    @cached_property
    def base_url(self) -> str:
        """Where readers reach these pages, without a slash at the end: for every link that leaves the server."""
        return base_url_of(self.settings)

    @cached_property
    def path(self) -> str:
        """The path of that address, "/digest" or "": links within a page begin with it."""
        return path_of(self.settings)

    def newsletter(self, slug: str) -> NewsletterSettings | None:
        """The newsletter with that slug, or None."""
        return next((each for each in self.settings.newsletters if each.slug == slug), None)


def base_url_of(settings: Settings) -> str:
    """Where readers reach the pages of a workspace, without a slash at the end."""
    return settings.site.base_url(settings.newsletters[0].mailbox.domain).rstrip("/")


def path_of(settings: Settings) -> str:
    """The path of that address, "/digest" or ""."""
    return urlsplit(base_url_of(settings)).path.rstrip("/")
