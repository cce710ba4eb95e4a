"""What we say to a mail server, as values: our name, the envelope, the login, the message's bytes."""

import base64
import ipaddress
import re
from collections.abc import Mapping

END_OF_MESSAGE = b".\r\n"
"""The line that hands a message over; whatever is lost before it was never delivered (RFC 5321, 4.1.1.4)."""
_LINE_END = re.compile(rb"\r\n|\r|\n")
_MAILBOX = re.compile(r"[!-;=?-~]+")
"""Printable ASCII without space and angle brackets, which would end the path and begin a parameter."""
_DOMAIN_NAME = re.compile(r"(?:[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?\.)+[A-Za-z0-9-]*[A-Za-z0-9]")


class UnsendableError(ValueError):
    """This envelope or message cannot be said to this server, whatever it would answer."""


def normalise_lines(message: bytes) -> bytes:
    r"""The message with CRLF at the end of each line and of the whole, as RFC 5321, 2.3.8 asks.

    A bare CR or LF must not pass: servers differ on whether one ends a line, which lets a second message be
    smuggled in (CVE-2023-51764).

    >>> normalise_lines(b"a\nb\r\nc")
    b'a\r\nb\r\nc\r\n'
    """
    is_clean = message.count(b"\r\n") == message.count(b"\n") == message.count(b"\r")
    lines = message if is_clean else _LINE_END.sub(b"\r\n", message)
    return lines + b"\r\n" if lines and not lines.endswith(b"\r\n") else lines


def stuff_dots(lines: bytes) -> bytes:
    """A second dot before each line that begins with one (RFC 5321, 4.5.2); expects CRLF line ends."""
    stuffed = lines.replace(b"\r\n.", b"\r\n..")
    return b"." + stuffed if stuffed.startswith(b".") else stuffed


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


def mail_command(sender: str, lines: bytes, extensions: Mapping[str, tuple[str, ...]]) -> str:
    """MAIL for a message of these lines, with the parameters the server knows (RFC 1870, RFC 6152).

    Raises:
        UnsendableError: the sender cannot be said, or the message needs 8BITMIME and the server lacks it.
    """
    if sender:  # "" is the null return path (RFC 5321, 4.5.5)
        _require_mailbox(sender)
    if lines.isascii():
        body = ""
    elif "8BITMIME" in extensions:
        body = " BODY=8BITMIME"
    else:
        raise UnsendableError("the message holds 8-bit bytes, which this server does not take; encode them")
    size = f" SIZE={len(lines)}" if "SIZE" in extensions else ""
    return f"MAIL FROM:<{sender}>{size}{body}"


def recipient_command(recipient: str) -> str:
    """RCPT; raises UnsendableError where the address cannot be said."""
    _require_mailbox(recipient)
    return f"RCPT TO:<{recipient}>"


def login_commands(mechanism: str, user: str, password: str) -> tuple[str, ...]:
    """What to say in turn, each but the first in answer to a 334 (RFC 4954; LOGIN is older and has no RFC).

    PLAIN comes with its initial response; it is said again to a server that asks all the same.
    """
    if mechanism == "PLAIN":
        response = _encode(f"\0{user}\0{password}")
        return f"AUTH PLAIN {response}", response
    return "AUTH LOGIN", _encode(user), _encode(password)


def choose_mechanism(offered: tuple[str, ...]) -> str | None:
    """PLAIN, else LOGIN, else None: both send the password as it is, so only inside TLS."""
    names = {name.upper() for name in offered}
    return next((mechanism for mechanism in ("PLAIN", "LOGIN") if mechanism in names), None)


def hide_password(text: str, user: str, password: str) -> str:
    """The text without the password, plain or as a login says it."""
    for secret in (password, _encode(password), _encode(f"\0{user}\0{password}")) if password else ():
        text = text.replace(secret, "***")
    return text


def _require_mailbox(address: str) -> None:
    if not _MAILBOX.fullmatch(address):
        raise UnsendableError(f"{address!r} is no plain ASCII address; it cannot be said to a mail server")


def _encode(text: str) -> str:
    return base64.b64encode(text.encode()).decode("ascii")
