"""Which network addresses belong to the public internet.

What an article names must not make this program speak to the machine it runs on, to its neighbours or to a cloud's
metadata service (server-side request forgery).
"""

from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network

_GLOBAL_UNICAST = IPv6Network("2000::/3")
"""All that was ever given out for public use (RFC 4291, 2.4); what lies outside has a local meaning at best."""
_NAT64 = IPv6Network("64:ff9b::/96")
"""An IPv4 address in IPv6's clothes (RFC 6052, 2.1)."""
_LOCAL_ALL_THE_SAME = tuple(
    map(
        ip_network,
        (
            "192.0.0.0/24",  # protocol assignments; a cloud's metadata service lives at 192.0.0.192
            "168.63.129.16/32",  # Azure's host, public by its number only
            "3fff::/20",  # documentation (RFC 9637), newer than this Python's list
        ),
    )
)


def is_public(address: str) -> bool:
    """Whether an IP address, as `getaddrinfo` writes it, is one of the public internet.

    >>> is_public("93.184.215.14"), is_public("::ffff:127.0.0.1"), is_public("169.254.169.254")
    (True, False, False)
    """
    found = ip_address(address)
    inner = found if isinstance(found, IPv4Address) else _inner_address(found)
    if inner is None:
        return found in _GLOBAL_UNICAST and _is_global(found)
    return _is_global(inner)


def _inner_address(address: IPv6Address) -> IPv4Address | None:
    """The IPv4 address that packets to this one would end at: mapped, NAT64 or 6to4."""
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFF_FFFF)
    return address.ipv4_mapped or address.sixtofour


def _is_global(address: IPv4Address | IPv6Address) -> bool:
    is_local = any(address in network for network in _LOCAL_ALL_THE_SAME if network.version == address.version)
    return address.is_global and not address.is_multicast and not is_local
