"""Complaints: the abuse reporting format (RFC 5965), and what providers send in its place."""

import re

from digest.mail.inbound.addresses import bare_address, find_addresses, is_role
from digest.mail.inbound.parts import Parts, all_headers, header
from digest.mail.inbound.report import Report, ReportKind
from digest.replies.printable import one_line

_RECIPIENT_FIELDS = ("Original-Rcpt-To", "Removal-Recipient", "Redacted-Address", "X-HmXmrOriginalRecipient")
_SUBJECT = re.compile(
    r"^(?:\[.{0,40}\]\s*)?(?:complaint about message from|complaint from|abuse report"
    r"|spam report|email feedback report|feedback loop)",
    re.IGNORECASE,
)


def read_complaint(parts: Parts) -> tuple[Report, ...]:
    """Whom a complaint is from, one report each; none where the message is no complaint."""
    hotmail = header(parts.message, "X-HmXmrOriginalRecipient") or header(parts.returned, "X-HmXmrOriginalRecipient")
    if parts.feedback is None and not hotmail and not _SUBJECT.search(header(parts.message, "Subject")):
        return ()
    kind = header(parts.feedback, "Feedback-Type").lower() or "abuse"
    words = header(parts.feedback, "Authentication-Results") or " ".join(parts.text.split())
    recipients = _recipients(parts, hotmail)
    return tuple(
        Report(recipient=each, kind=ReportKind.COMPLAINT, reason=one_line(kind)[:40], diagnostic=one_line(words))
        for each in recipients or [""]
    )


def _recipients(parts: Parts, hotmail: str) -> list[str]:
    named = [value for name in _RECIPIENT_FIELDS for value in all_headers(parts.feedback, name)]
    found = [bare_address(value) or value.strip("<> ") for value in named if "@" in value]
    if not found:
        found = [bare_address(hotmail)] if hotmail else []
    if not found:
        found = [address for value in all_headers(parts.returned, "To") for address in find_addresses(value)]
    if not found:
        passed = [value for name in ("X-Original-To", "Delivered-To") for value in all_headers(parts.returned, name)]
        found = [address for value in passed for address in find_addresses(value)][:1]
    if not found:
        found = re.findall(r"\bfor <?([^\s<>;@]+@[^\s<>;]+)>?;", parts.returned_text[:20_000])[:1]
    return list(dict.fromkeys(each for each in found if each and not is_role(each)))
