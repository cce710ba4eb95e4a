"""One request to a public web server, with a limit on everything: time, size, redirects, and where they may lead."""

import http.client
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Literal, Protocol
from urllib.parse import SplitResult, urljoin, urlsplit

from digest import __version__
from digest.errors import FetchError
from digest.source.connection import Deadline, Place, TimedSocket, open_connection
from digest.url import clean_url

USER_AGENT = f"digest/{__version__}"
MAX_REDIRECTS = 3
_REDIRECTS = frozenset((301, 302, 303, 307, 308))

Method = Literal["GET", "HEAD"]


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What a server answered."""

    url: str
    """The address that answered, after redirects."""
    status: int
    """Such as 200 or 404; that of a redirect only where it leads nowhere."""
    headers: Mapping[str, str]
    """By lower-case name; the first of several."""
    body: bytes
    """As it came over the wire, never decompressed; at most as much as was asked for, and empty for HEAD."""
    is_cut: bool
    """Whether there is more of the body."""

    @property
    def is_good(self) -> bool:
        """Whether this is what was asked for."""
        return self.status == HTTPStatus.OK


class Fetch(Protocol):
    """Reads one address: `fetch`, or `fetch` with some of its arguments given."""

    def __call__(self, url: str, *, timeout: float, max_bytes: int, accept: str, https_only: bool) -> Answer:
        """See `fetch`."""


def fetch(
    url: str,
    *,
    timeout: float,
    max_bytes: int,
    method: Method = "GET",
    accept: str = "*/*",
    https_only: bool = False,
    allow_private: bool = False,
    max_redirects: int = MAX_REDIRECTS,
    ca_file: Path | None = None,
) -> Answer:
    """Ask a web server for one address.

    Args:
        url: absolute, http or https.
        timeout: seconds for the whole of it, redirects among them.
        max_bytes: of the body; what is beyond is not read.
        method: HEAD asks for everything but the body.
        accept: the types that are wanted (RFC 9110, 12.5.1).
        https_only: whether plain http is refused, also where a redirect leads to it.
        allow_private: whether addresses outside the public internet are allowed.
        max_redirects: how many are followed, each after the same checks.
        ca_file: certificates to trust instead of the system's.

    Raises:
        UnreachableError: no connection could be made.
        FetchError: the address is not allowed, or the answer is late, damaged or no HTTP.
    """
    deadline = Deadline(timeout)
    hop = url
    for _ in range(max_redirects + 1):
        place, target = _parse(hop, https_only=https_only)
        with (
            _failures_in_words(place, deadline),
            open_connection(place, deadline, allow_private=allow_private, ca_file=ca_file) as connection,
        ):
            answer = _ask(connection, place, target, method=method, accept=accept, max_bytes=max_bytes)
        if answer.status not in _REDIRECTS or "location" not in answer.headers:
            return answer
        hop = urljoin(place.url, _as_sent(answer.headers["location"]))
    raise FetchError(url, f"it is redirected more than {max_redirects} times")


def _parse(url: str, *, https_only: bool) -> tuple[Place, str]:
    """Where an address lies, and what to ask for there."""
    try:
        parts = urlsplit(clean_url(url))
    except ValueError as error:
        raise FetchError(url, f"it is no address to read: {error}") from error
    is_encrypted = parts.scheme == "https"
    if https_only and not is_encrypted:
        raise FetchError(url, "it is not https, which mail clients block or warn of")
    port = parts.port or (http.client.HTTPS_PORT if is_encrypted else http.client.HTTP_PORT)
    place = Place(url=parts.geturl(), host=str(parts.hostname).rstrip("."), port=port, is_encrypted=is_encrypted)
    return place, _target(parts)


def _target(parts: SplitResult) -> str:
    """The path and query of the request line (RFC 9112, 3.2.1)."""
    return (parts.path or "/") + (f"?{parts.query}" if parts.query else "")


def _ask(connection: TimedSocket, place: Place, target: str, *, method: Method, accept: str, max_bytes: int) -> Answer:
    conversation = http.client.HTTPConnection(place.host, place.port)
    conversation.auto_open = 0  # it must never connect by itself, past the checks
    conversation.sock = connection
    headers = {"Host": urlsplit(place.url).netloc, "User-Agent": USER_AGENT, "Accept": accept}
    unchanged = {"Accept-Encoding": "identity", "Connection": "close"}
    conversation.request(method, target, headers={**headers, **unchanged})
    with conversation.getresponse() as response:
        body = b"" if response.status in _REDIRECTS else _read_body(response, max_bytes + 1)
        return Answer(
            url=place.url,
            status=response.status,
            headers={name.lower(): value for name, value in reversed(response.getheaders())},
            body=body[:max_bytes],
            is_cut=len(body) > max_bytes,
        )


def _read_body(response: http.client.HTTPResponse, limit: int) -> bytes:
    body = response.read(limit)
    if response.length and len(body) < limit:  # the library lets a short body pass where a limit was given
        raise http.client.IncompleteRead(body, response.length)
    return body


def _as_sent(location: str) -> str:
    """A Location as its server meant it: many send UTF-8, which `http.client` reads as Latin-1."""
    try:
        return location.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return location


@contextmanager
def _failures_in_words(place: Place, deadline: Deadline) -> Iterator[None]:
    try:
        yield
    except TimeoutError as error:
        raise FetchError(place.url, f"no whole answer within {deadline.seconds:g} s") from error
    except ssl.SSLCertVerificationError as error:
        words = f"the certificate of {place.host} is not trusted ({error.verify_message})"
        raise FetchError(place.url, words) from error
    except ssl.SSLError as error:
        raise FetchError(place.url, f"{place.host} speaks no TLS ({error.reason or error})") from error
    except OSError as error:
        raise FetchError(place.url, f"the connection was lost ({error.strerror or error})") from error
    except http.client.HTTPException as error:
        raise FetchError(place.url, f"its answer is no sound HTTP ({type(error).__name__})") from error
