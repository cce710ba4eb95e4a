"""utm parameters by a newsletter's pattern: they tell the publisher's analytics that a reader came from a mail."""

from dataclasses import dataclass
from datetime import date
from html import escape
from typing import Self
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

from digest.settings import NewsletterSettings, SiteSettings
from digest.url import add_parameters, clean_url, has_utm


@dataclass(frozen=True, kw_only=True)
class Campaign:
    """What links of one edition carry."""

    parameters: str
    """As they stand in an address; "" for none."""
    hosts: frozenset[str]
    """The publisher's: those within them count too."""
    own_pages: str
    """Where digest's own pages begin: they are no campaign's aim."""

    @classmethod
    def of(cls, site: SiteSettings, newsletter: NewsletterSettings, edition: date) -> Self:
        """The campaign of an edition."""
        names = {"newsletter": newsletter.slug, "date": edition.isoformat()}
        fields = [(name, value.format(**names)) for name, value in parse_qsl(newsletter.utm)]
        return cls(
            parameters=urlencode(fields, quote_via=quote),
            hosts=frozenset((*((_host(clean_url(site.url)),) if site.url else ()), *newsletter.utm_hosts)),
            own_pages=clean_url(site.base_url(newsletter.mailbox.domain)).rstrip("/"),
        )

    def mark(self, url: str) -> str:
        """A clean address with the parameters: not where it has some of its own, nor where others would count it."""
        is_own = not url.startswith(f"{self.own_pages}/") and self._has(_host(url))
        return add_parameters(url, self.parameters) if self.parameters and is_own and not has_utm(url) else url

    def clear(self, text: str) -> str:
        """HTML or plain text without the parameters that `mark` put into its addresses: for pages of the web."""
        if not self.parameters:
            return text
        for parameters in dict.fromkeys((escape(self.parameters), self.parameters)):
            for sign in ("&amp;", "&", "?"):
                text = text.replace(f"{sign}{parameters}", "")
        return text

    def _has(self, host: str) -> bool:
        return any(host == own or host.endswith(f".{own}") for own in self.hosts)


def _host(url: str) -> str:
    return (urlsplit(url).hostname or "").removeprefix("www.")
