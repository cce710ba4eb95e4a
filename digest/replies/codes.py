"""The codes of mail servers, and what they mean where the words say nothing: tables in the order they are tried in."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from digest.replies.kinds import ReplyKind as Kind


@dataclass(frozen=True, kw_only=True)
class StatusRule:
    """One line of the table of enhanced status codes."""

    kind: Kind
    statuses: re.Pattern[str]
    """Matches the whole code."""
    source: str
    """Who defines it so."""


def _rule(kind: Kind, source: str, statuses: str) -> StatusRule:
    return StatusRule(kind=kind, statuses=re.compile(statuses), source=source)


STATUSES: tuple[StatusRule, ...] = (
    _rule(Kind.RECIPIENT_UNKNOWN, "RFC 3463: bad mailbox address; Microsoft 5.1.10", r"5\.1\.(1|3|10|351)"),
    _rule(Kind.HOST_UNKNOWN, "RFC 3463: bad system address, unable to route", r"5\.(1\.2|4\.4|4\.310)"),
    _rule(Kind.MOVED, "RFC 3463: mailbox has moved", r"5\.1\.6"),
    _rule(Kind.RELAY_DENIED, "RFC 3463: bad sender address", r"[45]\.1\.[78]"),
    _rule(Kind.NOT_ACCEPTING, "RFC 3463: mailbox disabled", r"5\.2\.1"),
    _rule(Kind.MAILBOX_FULL, "RFC 3463: mailbox full", r"[45]\.2\.2"),
    _rule(Kind.TOO_LARGE, "RFC 3463: message too big", r"[45]\.(2\.3|3\.4)"),
    _rule(Kind.THROTTLED, "RFC 3463: too many recipients; IANA: mail flood", r"[45]\.(5\.3|7\.28)"),
    _rule(Kind.RELAY_DENIED, "RFC 3463: the command or its order is wrong", r"5\.5\.[124]"),
    _rule(Kind.RELAY_DENIED, "RFC 4954, RFC 5248: login", r"5\.7\.(8|10|11|13|14|57|60|64|68)"),
    _rule(Kind.AUTHENTICATION, "RFC 7372, RFC 7505, RFC 8616; Microsoft", r"[45]\.7\.(2[0-79]|509|515)"),
    _rule(Kind.POLICY, "Microsoft: not as RFC 5322 asks", r"5\.7\.512"),
    _rule(Kind.BLOCKED, "Microsoft: banned senders and addresses", r"[45]\.7\.(5\d\d|6[0-5]\d|7\d\d)"),
    _rule(Kind.POLICY, "RFC 3463: media; security or policy", r"5\.[67]\.\d+"),
)
"""Enhanced status codes (RFC 3463, and the registry of RFC 5248), for replies whose words say nothing."""

CODES: Mapping[int, Kind] = {
    500: Kind.RELAY_DENIED,
    502: Kind.RELAY_DENIED,
    503: Kind.RELAY_DENIED,
    504: Kind.RELAY_DENIED,
    530: Kind.RELAY_DENIED,
    534: Kind.RELAY_DENIED,
    535: Kind.RELAY_DENIED,
    538: Kind.RELAY_DENIED,
    551: Kind.MOVED,
    552: Kind.MAILBOX_FULL,
    555: Kind.RELAY_DENIED,
    556: Kind.NOT_ACCEPTING,
}
"""Reply codes that mean one thing (RFC 5321, 4.2.2; RFC 4954; RFC 7504), for replies that say nothing else."""
