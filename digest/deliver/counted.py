"""Counting in a message: article links lead by way of digest's own pages, and a picture of one pixel tells of opens.

Both hold one token a message, which says whose copy of which issue it is. All else is the same for everyone, so that
it is encoded once for an issue.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from html import escape, unescape
from types import MappingProxyType
from typing import Self

from digest.check.links import shown_host
from digest.mail.assembly import Slot
from digest.render.links import clean_url
from digest.settings import NewsletterSettings, SiteSettings

COUNT_TOKEN = "count_token"  # noqa: S105 - the name of a slot
"""The slot for a message's token."""
_SLOT = Slot(name=COUNT_TOKEN, escape=str)
_LINK = re.compile(r'<a\b[^>]*?\shref="([^"]*)"[^>]*>(.*?)</a>', re.DOTALL)
_TAG = re.compile(r"<[^>]*>")
_END = "</body>"


@dataclass(frozen=True, kw_only=True)
class Counted:
    """What is counted in the messages of an issue."""

    base_url: str
    """Where readers reach digest's own pages, clean and without a slash at the end."""
    places: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))
    """The number of each link that is counted, by its address."""
    opens: bool = False
    """Whether openings are counted."""

    @classmethod
    def of(cls, site: SiteSettings, newsletter: NewsletterSettings, places: Mapping[str, int]) -> Self | None:
        """What a newsletter counts in an issue with these links; None for nothing."""
        counted = places if newsletter.count_clicks else {}
        if not counted and not newsletter.count_opens:
            return None
        base_url = clean_url(site.base_url(newsletter.mailbox.domain)).rstrip("/")
        return cls(base_url=base_url, places=counted, opens=newsletter.count_opens)

    def cut(self, html: str) -> tuple[str | Slot, ...]:
        """A piece of HTML with what counts in it, cut where the token goes."""
        return tuple(self._cut(html))

    def target_of(self, token: str) -> Mapping[str, str]:
        """Where the counted links of one message lead, by the address that stands in it."""
        return {f"{self.base_url}/c/{token}/{place}": address for address, place in self.places.items()}

    def _cut(self, html: str) -> Iterator[str | Slot]:
        at, begun = 0, ""
        for link in _LINK.finditer(html):
            place = self.places.get(unescape(link[1]))
            if place is None or _shows_host(link[2]):
                continue
            yield f"{begun}{html[at : link.start(1)]}{escape(self.base_url)}/c/"
            yield _SLOT
            at, begun = link.end(1), f"/{place}"
        rest = f"{begun}{html[at:]}"
        before, end, behind = rest.rpartition(_END)
        if self.opens and end:
            yield f'{before}<img src="{escape(self.base_url)}/o/'
            yield _SLOT
            rest = f'.gif" width="1" height="1" alt="" border="0" style="display:block">{end}{behind}'
        yield rest


def _shows_host(words: str) -> bool:
    """Whether a reader is told where a link leads: then it leads there itself, or it looks like fraud."""
    return bool(shown_host(" ".join(unescape(_TAG.sub("", words)).split())))
