"""What we say to a mail server, as values: our name, the envelope, the message's bytes."""

import ipaddress
import re

from digest.deliver.smtp.reply import Extensions
from digest.deliver.transport import Envelope

END_OF_MESSAGE = b".\r\n"
"""The line that hands a message over; whatever is lost before it was never delivered (RFC 5321, 4.1.1.4)."""
_MAILBOX = re.compile(r"[!-;=?-~]+")
"""Printable ASCII without space and angle brackets, which would end the path and begin a parameter."""
_DOT_AT_START = re.compile(rb"(?:(?<=[\r\n])|\A)\.")
_DOTS_LOOKED_AT = 200
"""One by one; where there are more it is text, and a search over the whole is quicker."""
_DOMAIN_NAME = re.compile(r"(?:[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?\.)+[A-Za-z0-9-]*[A-Za-z0-9]")
_AMBIGUOUS_IN_IDNA = re.compile("[\u00df\u1e9e\u03c2\u200c\u200d]")
"""Sharp s, final sigma, joiners: IDNA 2003 and 2008 make different domains of them (RFC 5894, 7.2)."""


class UnsendableError(ValueError):
    """This envelope or message cannot be said to this server, whatever it would answer."""


def require_size(size: int, extensions: Extensions) -> None:
    """Refuse what is too large for a server, before a word is said about it; raises UnsendableError."""
    limit = extensions.largest_message
    if limit is not None and size > limit:
        raise UnsendableError(f"the message has {size} bytes; this server takes {limit} at most (SIZE)")


def require_lines(content: bytes) -> None:
    """Refuse 8-bit bytes, and a last line without an end; raises UnsendableError."""
    if not content.isascii():
        raise UnsendableError("the message holds 8-bit bytes; its parts must be encoded (base64, quoted-printable)")
    if not content.endswith(b"\r\n"):
        raise UnsendableError("the message's last line has no end; nothing of it was sent")


def stuff_dots(content: bytes) -> bytes:
    r"""A second dot before each dot that begins a line (RFC 5321, 4.5.2).

    Also behind a lone CR or LF, which no message may hold: some servers end a line there, and a second message could
    be smuggled in (CVE-2023-51764).

    >>> stuff_dots(b"a.b\r\n.\r\n")
    b'a.b\r\n..\r\n'
    """
    return _DOT_AT_START.sub(b"..", content) if _has_dot_at_start(content) else content


def _has_dot_at_start(content: bytes) -> bool:
    """Looks from dot to dot: in base64 there is none, and searching 40 KB for two bytes takes 30 µs."""
    position = -1
    for _ in range(_DOTS_LOOKED_AT):
        position = content.find(b".", position + 1)
        if position <= 0 or content[position - 1] in b"\r\n":
            return position >= 0
    return _DOT_AT_START.search(content, position) is not None


def envelope_commands(envelope: Envelope, size: int, extensions: Extensions) -> tuple[bytes, bytes]:
    """MAIL and RCPT, with the parameters the server knows (RFC 1870, RFC 6531).

    Raises:
        UnsendableError: an address that cannot be said, or only to a server with SMTPUTF8.
    """
    sender = _path(envelope.sender) if envelope.sender else ""  # "" is the null return path (RFC 5321, 4.5.5)
    recipient = _path(envelope.recipient)
    declared = f" SIZE={size}" if extensions.has_size else ""
    if not (sender.isascii() and recipient.isascii()):
        declared += _ask_for_utf8(recipient if sender.isascii() else sender, extensions)
    return f"MAIL FROM:<{sender}>{declared}\r\n".encode(), f"RCPT TO:<{recipient}>\r\n".encode()


def name_of_this_host(qualified_name: str, address: str) -> str:
    """The name to introduce ourselves by: the host's, or the address in brackets (RFC 5321, 4.1.4).

    >>> name_of_this_host("news.example.com", "192.0.2.1")
    'news.example.com'
    >>> name_of_this_host("laptop", "2001:db8::1")
    '[IPv6:2001:db8::1]'
    """
    if _DOMAIN_NAME.fullmatch(qualified_name):
        return qualified_name
    plain = address.partition("%")[0]
    return f"[IPv6:{plain}]" if ":" in plain else f"[{plain}]"


def is_loopback(address: str) -> bool:
    """Whether an IP address is this machine itself."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    mapped = getattr(ip, "ipv4_mapped", None)
    return bool((mapped or ip).is_loopback)


def _path(address: str) -> str:
    """The address as it stands between angle brackets; its domain in ASCII."""
    if _MAILBOX.fullmatch(address):
        return address
    local, at, domain = address.rpartition("@")
    if not at or not local or address.isascii() or not address.isprintable() or re.search(r"[ <>]", address):
        raise UnsendableError(f"{address!r} is no address that can be said to a mail server")
    return f"{local}@{_ascii_domain(domain, address)}"


def _ascii_domain(domain: str, address: str) -> str:
    if domain.isascii():
        return domain
    try:
        if not _AMBIGUOUS_IN_IDNA.search(domain):
            return domain.encode("idna").decode("ascii")
    except UnicodeError:
        pass
    raise UnsendableError(f"{address!r}: its domain has no certain ASCII form; write it as xn--…")


def _ask_for_utf8(address: str, extensions: Extensions) -> str:
    if "SMTPUTF8" in extensions:
        return " SMTPUTF8"
    raise UnsendableError(f"{address!r} has letters outside ASCII before the @; this server lacks SMTPUTF8 for them")
