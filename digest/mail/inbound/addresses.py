"""Addresses in the text of a report."""

import re
from collections.abc import Iterator

ADDRESS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64}@(?:[A-Za-z0-9-]{1,63}\.){1,10}[A-Za-z][A-Za-z0-9-]{1,62}")
"""As they are written in headers and reports; the local part may begin or end with dots, as some Korean and Japanese
providers allowed."""
_ROLES = frozenset(("mailer-daemon", "postmaster", "mail-daemon", "mdaemon", "noreply", "no-reply"))


def find_addresses(text: str) -> Iterator[str]:
    """Every address in a text, in order, as it is written there."""
    for found in ADDRESS.finditer(text):
        yield found[0].strip("'`=").removeprefix("mailto:").removeprefix("rfc822;").rstrip(".")


def bare_address(value: str) -> str:
    """The address in a field such as `rfc822; kim@example.com` or `"Kim" <kim@example.com>`; "" for none.

    >>> bare_address('rfc822; "Kim" <Kim@example.com>')
    'Kim@example.com'
    >>> bare_address("x400; /C=JP/")
    ''
    """
    inside = re.findall(r"<([^<>]{3,320})>", value)
    for candidate in (*reversed(inside), value.rpartition(";")[2], value):
        found = next(find_addresses(candidate), "")
        if found:
            return found
    return ""


def is_role(address: str) -> bool:
    """Whether an address is a mail system's own."""
    return address.partition("@")[0].lower() in _ROLES
