"""The `relaxed` canonicalisation of DKIM (RFC 6376 section 3.4): the form of a message that signatures are made over.

Whitespace alone is changed, so all of it is `bytes.replace`, which runs at the speed of memory.
"""

import re

_LOOSE_SPACE = re.compile(rb" [ \r]")
_FEW_SPACES = 64
"""A base64 body has fewer, those of its MIME headers; looking at each costs less than one pass over the body."""


def relax_body(body: bytes) -> bytes:
    """The body in relaxed form (RFC 6376 section 3.4.4): empty, or with one CRLF at its end.

    A body without a line end at its end gets one, as it does on its way over SMTP.
    """
    if body and not body.endswith(b"\r\n"):
        body += b"\r\n"
    if not _has_single_spaces_only(body):
        body = _collapse_spaces(body).replace(b" \r\n", b"\r\n")
    end = len(body)
    while body.endswith(b"\r\n\r\n", 0, end):
        end -= 2
    return b"" if body[:end] == b"\r\n" else body[:end]


def relax_fields(head: bytes) -> dict[bytes, list[bytes]]:
    """The header fields in relaxed form (RFC 6376 section 3.4.2).

    Args:
        head: the lines before the empty one.

    Returns:
        Names in lower case; the values of each from the top down, unfolded, without a line end.
    """
    unfolded = _collapse_spaces(head.replace(b"\r\n ", b" ").replace(b"\r\n\t", b" "))
    fields: dict[bytes, list[bytes]] = {}
    for line in unfolded.split(b"\r\n"):
        name, _, value = line.partition(b":")
        fields.setdefault(name.rstrip(b" ").lower(), []).append(value.strip(b" "))
    return fields


def _collapse_spaces(text: bytes) -> bytes:
    """Every run of spaces and tabs as one space; each pass halves the runs."""
    text = text.replace(b"\t", b" ")
    while b"  " in text:
        text = text.replace(b"  ", b" ")
    return text


def _has_single_spaces_only(body: bytes) -> bool:
    """Whether no tab, no run of spaces and no space at a line's end is in a body that ends with CRLF."""
    if b"\t" in body:
        return False
    place = body.find(b" ")
    for _ in range(_FEW_SPACES):
        if place < 0:
            return True
        if body[place + 1] in b" \r":
            return False
        place = body.find(b" ", place + 1)
    return place < 0 or not _LOOSE_SPACE.search(body, place)
