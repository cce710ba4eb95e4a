"""Asks DNS for the TXT records of a name, over dnspython: the only place here that speaks to a name server."""

import re
from dataclasses import dataclass
from ipaddress import ip_address

from dns.exception import DNSException, Timeout
from dns.name import Name, from_text
from dns.rdatatype import TXT
from dns.resolver import NXDOMAIN, Answer, NoNameservers, NoResolverConfiguration, Resolver

from digest.errors import UnreachableError

SECONDS = 10.0
"""How long a question may take, with all its repetitions."""
_ALIASES = 8
"""How many a chain may have; a longer one is taken for a circle."""
_PORT = 53
_NAME_SERVER = re.compile(r"\[(?P<v6>[^\]]*)\](?::(?P<v6_port>\d{1,5}))?|(?P<v4>[\d.]+)(?::(?P<v4_port>\d{1,5}))?")


@dataclass(frozen=True, kw_only=True)
class NameServer:
    """A name server to ask instead of the system's."""

    address: str
    """Of IPv4 or IPv6, without brackets."""
    port: int = _PORT


@dataclass(frozen=True, kw_only=True)
class TextRecords:
    """What DNS has under a name."""

    name: str
    """Where the records stand, without the dot at the end; another than was asked for where that is an alias."""
    texts: tuple[str, ...]
    """The records, the strings of each joined (RFC 6376 section 3.6.2.2); empty where there are none."""


def parse_name_server(text: str) -> NameServer:
    """`127.0.0.1`, `127.0.0.1:5353`, `::1` or `[::1]:5353` as a value; ValueError where it is none of these."""
    found = _NAME_SERVER.fullmatch(text)
    address = (found["v6"] or found["v4"]) if found else text
    port = int((found["v6_port"] or found["v4_port"] or _PORT) if found else _PORT)
    if not 0 < port < 2**16:
        raise ValueError(f"{port} is no port")
    return NameServer(address=str(ip_address(address)), port=port)


def look_up_texts(name: str, *, name_server: NameServer | None = None, seconds: float = SECONDS) -> TextRecords:
    """The TXT records of a name; aliases (CNAME) are followed.

    Raises:
        UnreachableError: no name server gave an answer, so nothing is known.
    """
    try:
        return _follow(from_text(name), _make_resolver(name_server, seconds))
    except NoResolverConfiguration as error:
        raise UnreachableError(name, "this machine has no DNS server; name one with --resolver") from error
    except Timeout as error:
        reason = f"no DNS server answered within {seconds:g} seconds; check the network, or name one with --resolver"
        raise UnreachableError(name, reason) from error
    except NoNameservers as error:
        reason = f"the DNS server gave no usable answer ({_reasons(error)}); try another with --resolver"
        raise UnreachableError(name, reason) from error
    except DNSException as error:
        raise UnreachableError(name, f"DNS could not be asked: {error}") from error


def _make_resolver(name_server: NameServer | None, seconds: float) -> Resolver:
    resolver = Resolver(configure=name_server is None)
    resolver.lifetime = seconds
    if name_server:
        resolver.nameservers = [name_server.address]
        resolver.port = name_server.port
    return resolver


def _follow(name: Name, resolver: Resolver) -> TextRecords:
    """Ask along a chain of aliases: a server that does not know an alias's target answers with the alias alone."""
    for _ in range(_ALIASES):
        try:
            answer = resolver.resolve(name, TXT, raise_on_no_answer=False, search=False)
        except NXDOMAIN as error:
            return TextRecords(name=_plain(error.canonical_name), texts=())
        if answer.rrset is not None or answer.canonical_name == name:
            return TextRecords(name=_plain(answer.canonical_name), texts=_texts(answer))
        name = answer.canonical_name
    raise UnreachableError(_plain(name), "its aliases (CNAME) go in a circle; correct them in the domain's zone")


def _texts(answer: Answer) -> tuple[str, ...]:
    if answer.rrset is None:
        return ()
    return tuple(b"".join(record.strings).decode("utf-8", "replace") for record in answer.rrset)


def _plain(name: Name) -> str:
    return name.to_text(omit_final_dot=True)


def _reasons(error: NoNameservers) -> str:
    """What the servers answered: "SERVFAIL"."""
    reasons = {str(reason) for _, _, _, reason, _ in error.kwargs["errors"]}
    return ", ".join(sorted(reasons)) or "no server is left to ask"
