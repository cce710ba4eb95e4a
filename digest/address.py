"""E-mail addresses: which can be mailed, their one normal form, and how they are shown in logs."""

from functools import lru_cache

from email_validator import EmailNotValidError, validate_email

from digest.errors import AddressError

MAX_LENGTH = 254
"""Octets of an address in a path (RFC 5321 4.5.3.1.3, less the angle brackets)."""
MAX_LOCAL_LENGTH = 64
"""Octets before the @ (RFC 5321 4.5.3.1.1)."""


def normalise_address(text: str) -> str:
    """The ASCII form an address is kept and mailed in: local part as given, domain lower-cased and IDNA-encoded.

    Quoted local parts (`"a b"@…`) are refused, as many servers refuse them; so are local parts outside ASCII, which
    only SMTPUTF8 servers (RFC 6531) could take.

    >>> normalise_address(" Kim@Example.COM ")
    'Kim@example.com'
    >>> normalise_address("kim@한국.kr")
    'kim@xn--3e0b707e.kr'

    Raises:
        AddressError: with the reason, in words.
    """
    address = text.strip()
    local, at, domain = address.rpartition("@")
    if not at:
        raise AddressError(f"{address!r} has no @")
    try:
        if local.isascii() and local.replace("_", "a").replace("-", "a").replace(".", "a").isalnum():
            # The domain decides the rest, and subscribers share few domains.
            validate_email(f"{local}@example.com", check_deliverability=False, allow_smtputf8=False)
            return _require_length(f"{local}@{_normalise_domain(domain)}")
        found = validate_email(address, check_deliverability=False, allow_smtputf8=False)
    except EmailNotValidError as error:
        raise AddressError(f"{address!r}: {_first_sentence(error)}") from error
    return _require_length(f"{found.ascii_local_part}@{found.ascii_domain}")


def shorten_address(address: str) -> str:
    """An address for logs: `k***@example.com`.

    >>> shorten_address("kim@example.com")
    'k***@example.com'
    """
    local, _, domain = address.rpartition("@")
    return f"{local[:1]}***@{domain}"


@lru_cache(maxsize=20_000)
def _normalise_domain(domain: str) -> str:
    return validate_email(f"a@{domain}", check_deliverability=False, allow_smtputf8=False).ascii_domain or ""


def _require_length(address: str) -> str:
    local = address.rpartition("@")[0]
    if len(local) > MAX_LOCAL_LENGTH:
        raise AddressError(f"{address!r} has {len(local)} characters before the @; {MAX_LOCAL_LENGTH} are allowed")
    if len(address) > MAX_LENGTH:
        raise AddressError(f"{address!r} has {len(address)} characters; {MAX_LENGTH} are allowed")
    return address


def _first_sentence(error: EmailNotValidError) -> str:
    text = str(error)
    return text[:1].lower() + text[1:].rstrip(".")
