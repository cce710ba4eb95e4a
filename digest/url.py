"""Web addresses as every mail client reads them: absolute, ASCII, percent-encoded."""

import re
from urllib.parse import SplitResult, quote, urlsplit

_SAFE = "/%:@!$&()*+,;=~-._?"
"""What may stand in a path or query as it is (RFC 3986 section 3.3) except the apostrophe, which ends attributes."""
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
