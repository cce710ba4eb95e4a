"""Web addresses as every mail client reads them: absolute, ASCII, percent-encoded."""

import re
from urllib.parse import SplitResult, quote, unquote_plus, urlsplit

_SAFE = "/%:@!$&()*+,;=~-._?"
"""What may stand in a path or query as it is (RFC 3986 section 3.3) except the apostrophe, which ends attributes."""
UTM = frozenset(("utm_source", "utm_medium", "utm_campaign"))
"""The parameters that a whole set has; utm_content and utm_term may come with them."""
_LONE_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")


def clean_url(url: str) -> str:
    """An absolute http(s) address in ASCII: host in its IDNA form, the rest percent-encoded, existing %XX kept.

    >>> clean_url("https://한빛.example/기사 1?q=가")
    'https://xn--xx3br43b.example/%EA%B8%B0%EC%82%AC%201?q=%EA%B0%80'

    Raises:
        ValueError: another scheme, no host, a login in front of the host, or a host that cannot be encoded.
    """
    parts = urlsplit(url.strip())
    host = _ascii_host(parts)
    query = f"?{_encode(parts.query)}" if parts.query else ""
    fragment = f"#{_encode(parts.fragment)}" if parts.fragment else ""
    return f"{parts.scheme.lower()}://{host}{_encode(parts.path)}{query}{fragment}"


def drop_broken_utm(url: str) -> str:
    """A clean address without its utm parameters, where they are not each there once and with a value.

    They come from where the address was copied; half a set counts this mail's readers as somebody else's.

    >>> drop_broken_utm("https://news.example/1?id=7&utm_source=rss")
    'https://news.example/1?id=7'
    """
    parts = urlsplit(url)
    fields = [(unquote_plus(field.partition("=")[0]).strip().lower(), field) for field in parts.query.split("&")]
    utm = [name for name, _ in fields if name.startswith("utm_")]
    filled = {name for name, field in fields if unquote_plus(field.partition("=")[2]).strip()}
    if not utm or (filled >= {*UTM, *utm} and len(utm) == len(set(utm))):
        return url
    kept = "&".join(field for name, field in fields if not name.startswith("utm_"))
    return parts._replace(query=kept).geturl()


def has_utm(url: str) -> bool:
    """Whether an address has a utm parameter of its own."""
    return any(unquote_plus(field).strip().lower().startswith("utm_") for field in urlsplit(url).query.split("&"))


def add_parameters(url: str, parameters: str) -> str:
    """A clean address with more parameters, before its fragment.

    >>> add_parameters("https://news.example/1?id=7#end", "utm_source=a")
    'https://news.example/1?id=7&utm_source=a#end'
    """
    parts = urlsplit(url)
    return parts._replace(query="&".join(filter(None, (parts.query, parameters)))).geturl()


def _ascii_host(parts: SplitResult) -> str:
    if parts.scheme.lower() not in ("http", "https") or not parts.hostname:
        raise ValueError("expected one that begins with https:// and a host")
    if parts.username is not None:
        raise ValueError("it holds a login before the host, as spoofed links do")
    host = parts.hostname
    encoded = f"[{host}]" if ":" in host else host.encode("idna").decode("ascii")
    if not re.fullmatch(r"[a-z0-9._-]+|\[[0-9a-f:.]+\]", encoded):
        raise ValueError(f"the host {host!r} holds characters that no host has")
    return encoded if parts.port is None else f"{encoded}:{parts.port}"


def _encode(text: str) -> str:
    # Lone surrogates cannot be encoded; "ignore" drops them as the rest of the rendering does.
    return quote(_LONE_PERCENT.sub("%25", text), safe=_SAFE, errors="ignore")
