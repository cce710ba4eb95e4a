"""How a message that came in is tied to the one we sent: marks and Message-IDs, wherever they came back."""

import re

from digest.mail.inbound.parts import Parts, all_headers

_MARK = re.compile(r"\+([0-9A-Fa-f]{40})@")
_BARE_MARK = re.compile(r"(?<![0-9A-Za-z])([0-9A-Fa-f]{40})(?![0-9A-Za-z])")
_ID = re.compile(r"<([^<>\s]{3,300}@[^<>\s]{1,255})>")
_ADDRESSED = (
    "Delivered-To",
    "X-Original-To",
    "Envelope-To",
    "X-Envelope-To",
    "To",
    "Return-Path",
    "X-Delivered-To",
    "Apparently-To",
)
_MOST = 20


def find_marks(parts: Parts) -> tuple[str, ...]:
    """What may be marks: in the address the report was sent to, and in `X-Digest-Delivery` of what came back."""
    found = [mark for name in _ADDRESSED for value in all_headers(parts.message, name) for mark in _MARK.findall(value)]
    returned = [*all_headers(parts.returned, "X-Digest-Delivery"), *_lines_with_marks(parts.returned_text)]
    found += [mark for value in returned for mark in _BARE_MARK.findall(value)]
    found += [mark for value in all_headers(parts.returned, "Return-Path") for mark in _MARK.findall(value)]
    return tuple(dict.fromkeys(mark.lower() for mark in found))[:_MOST]


def find_message_ids(parts: Parts) -> tuple[str, ...]:
    """Ids of the messages it is about, without brackets."""
    own = [*all_headers(parts.returned, "Message-ID")]
    answered = [value for name in ("In-Reply-To", "References") for value in all_headers(parts.message, name)]
    reported = [value for block in parts.status for value in all_headers(block, "X-Original-Message-ID")]
    reported += all_headers(parts.feedback, "Original-Message-ID")
    found = [each for value in (*own, *reported, *answered) for each in _ID.findall(value)]
    return tuple(dict.fromkeys(found))[:_MOST]


def _lines_with_marks(text: str) -> list[str]:
    return re.findall(r"(?mi)^x-digest-delivery:[ \t]*(\S{40})", text[:200_000])
