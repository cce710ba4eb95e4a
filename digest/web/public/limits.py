"""How often one client may ask: a bucket of tokens each, in memory, without keeping an address longer than needed."""

import ipaddress
from collections import OrderedDict

_MOST_CLIENTS = 50_000
"""Buckets kept at once; the one that was used longest ago goes first."""
_IPV6_PREFIX = 64
"""What one subscriber line gets: within it anybody has as many addresses as they like."""


class RateLimit:
    """So many requests an hour, and no more than that at once."""

    def __init__(self, per_hour: int) -> None:
        self._per_second = per_hour / 3600
        self._size = float(per_hour)
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def allows(self, client: str, now: float) -> bool:
        """Take one token of a client.

        Args:
            client: an IP address; IPv6 counts by its /64.
            now: seconds of a clock that only goes forward.
        """
        key = network_of(client)
        tokens, since = self._buckets.pop(key, (self._size, now))
        tokens = min(self._size, tokens + (now - since) * self._per_second)
        is_allowed = tokens >= 1
        self._buckets[key] = (tokens - is_allowed, now)
        if len(self._buckets) > _MOST_CLIENTS:
            self._buckets.popitem(last=False)
        return is_allowed


def network_of(client: str) -> str:
    """An address as far as it tells one line from another: IPv4 as it is, IPv6 by its /64.

    >>> [network_of(client) for client in ("203.0.113.9", "2001:db8:1:2:3::4", "::ffff:203.0.113.9", "nonsense")]
    ['203.0.113.9', '2001:db8:1:2::', '203.0.113.9', '']
    """
    try:
        address = ipaddress.ip_address(client)
    except ValueError:
        return ""
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped:
            return str(address.ipv4_mapped)
        return str(ipaddress.ip_network((address, _IPV6_PREFIX), strict=False).network_address)
    return str(address)


def shorten_client(client: str) -> str:
    """A client's network, as consent is kept with: enough to tell a provider, not a person.

    >>> [shorten_client(client) for client in ("203.0.113.9", "2001:db8:1:2:3::4", "")]
    ['203.0.113.0/24', '2001:db8:1::/48', '']
    """
    try:
        address = ipaddress.ip_address(network_of(client))
    except ValueError:
        return ""
    prefix = 24 if address.version == 4 else 48  # noqa: PLR2004 - the version
    return str(ipaddress.ip_network((address, prefix), strict=False))
