"""Whether the links of a message lead somewhere, asked of the web only when the editor wants it.

Links that act for a reader (unsubscribe, preferences, anything signed) are never followed, and addresses inside the
publisher's own network are refused by `fetch`.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from http import HTTPStatus
from typing import Literal, Protocol

from digest.errors import FetchError, UnreachableError
from digest.source.fetch import Answer
from digest.web.preview.links import Link

SECONDS_A_LINK = 8.0
"""How long one link may take, its redirects included."""
_HEAD_IS_NOT_ALLOWED = frozenset((HTTPStatus.METHOD_NOT_ALLOWED, HTTPStatus.NOT_IMPLEMENTED))


class Probe(Protocol):
    """Asks one address: `fetch`, or `fetch` with some of its arguments given."""

    def __call__(self, url: str, *, timeout: float, max_bytes: int, method: Literal["GET", "HEAD"]) -> Answer:
        """See `digest.source.fetch.fetch`."""


class LinkState(StrEnum):
    """What became of a link."""

    GOOD = "good"
    MOVED = "moved"
    """Good, and by way of a redirect."""
    BROKEN = "broken"
    """The server says it is not there, or fails."""
    REFUSED = "refused"
    """It must not be asked, or its answer is late, damaged or untrusted."""
    UNREACHABLE = "unreachable"
    """No connection: it says nothing about the page."""


@dataclass(frozen=True, kw_only=True)
class CheckedLink:
    """One address with its answer."""

    url: str
    state: LinkState
    status: int | None = None
    """HTTP status, where a server answered."""
    detail: str = ""
    """Where it leads to in the end, or what went wrong."""


def urls_to_check(links: Iterable[Link]) -> tuple[str, ...]:
    """The addresses that may be asked, each once, in order."""
    return tuple(dict.fromkeys(link.url for link in links if link.may_be_fetched))


def check_link(url: str, probe: Probe) -> CheckedLink:
    """Ask for one address: HEAD, which changes nothing anywhere, and GET only where a server knows no HEAD."""
    try:
        answer = probe(url, timeout=SECONDS_A_LINK, max_bytes=1, method="HEAD")
        if answer.status in _HEAD_IS_NOT_ALLOWED:
            answer = probe(url, timeout=SECONDS_A_LINK, max_bytes=1, method="GET")
    except UnreachableError as error:
        return CheckedLink(url=url, state=LinkState.UNREACHABLE, detail=error.reason)
    except FetchError as error:
        return CheckedLink(url=url, state=LinkState.REFUSED, detail=error.reason)
    if not HTTPStatus.OK <= answer.status < HTTPStatus.MULTIPLE_CHOICES:
        return CheckedLink(url=url, state=LinkState.BROKEN, status=answer.status)
    if answer.url.rstrip("/") != url.partition("#")[0].rstrip("/"):
        return CheckedLink(url=url, state=LinkState.MOVED, status=answer.status, detail=answer.url)
    return CheckedLink(url=url, state=LinkState.GOOD, status=answer.status)
