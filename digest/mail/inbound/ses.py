"""What Amazon SES tells of a message, as JSON: by webhook, or in a mail of its notification service.

Both forms: notifications (`notificationType`) and published events (`eventType`).
https://docs.aws.amazon.com/ses/latest/dg/notification-contents.html
"""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from digest.mail.inbound.judging import Refusal, judge
from digest.mail.inbound.report import Report, ReportKind
from digest.replies.kinds import ReplyKind
from digest.replies.printable import one_line

_WRAPPED = re.compile(r"!?\n[ \t]?")
"""How servers break a line of more than 998 octets: the object is one line."""
_MAILBOX_GONE = ("Permanent",)
_MOST_PEOPLE = 1000
"""That a notification is read of."""
_BLOCKED_TYPES = frozenset(("ContentRejected", "AttachmentRejected"))


def read_ses(values: Mapping[str, Any]) -> tuple[Report, ...]:
    """The people a notification tells of; none for opens and what is no notification.

    Args:
        values: the JSON object, as SES made it.
    """
    if values.get("Type") == "Notification" and isinstance(values.get("Message"), str):
        return find_ses(values["Message"])  # as the notification service wraps it
    kind = values.get("notificationType") or values.get("eventType")
    if kind == "Bounce" and isinstance(values.get("bounce"), dict):
        return tuple(_read_bounce(values["bounce"]))
    if kind == "Complaint" and isinstance(values.get("complaint"), dict):
        return tuple(_read_complaint(values["complaint"]))
    if kind == "Delivery" and isinstance(values.get("delivery"), dict):
        return tuple(_read_delivery(values["delivery"]))
    return ()


def find_ses(text: str) -> tuple[Report, ...]:
    """The same from a text that begins with such an object."""
    text = _WRAPPED.sub("", text)
    begin = text.find("{")
    if begin < 0 or not re.search(r"notificationType|eventType", text[:400_000]):
        return ()
    try:
        values, _ = json.JSONDecoder(strict=False).raw_decode(text[begin:])
    except (ValueError, RecursionError):
        return ()
    return read_ses(values) if isinstance(values, dict) else ()


def _read_bounce(bounce: Mapping[str, Any]) -> Iterator[Report]:
    bounce_type, subtype = _text(bounce, "bounceType"), _text(bounce, "bounceSubType")
    for person in _people(bounce, "bouncedRecipients"):
        refusal = Refusal(
            recipient=_text(person, "emailAddress"),
            words=_text(person, "diagnosticCode").partition(";")[2].strip() or f"{bounce_type} {subtype}",
            status=_text(person, "status"),
            is_final=bounce_type != "Transient",
        )
        report = judge(refusal)
        if subtype in _BLOCKED_TYPES and report.kind is ReportKind.SOFT:
            yield Report(
                recipient=report.recipient, kind=ReportKind.BLOCKED, reason="policy", diagnostic=report.diagnostic
            )
        elif bounce_type in _MAILBOX_GONE and report.reason == "permanent_unknown":
            # SES looked at words that it does not pass on: "General", "NoEmail", "Suppressed".
            yield Report(
                recipient=report.recipient,
                kind=ReportKind.HARD,
                reason="recipient_unknown",
                status=report.status,
                diagnostic=report.diagnostic,
            )
        else:
            yield report


def _read_complaint(complaint: Mapping[str, Any]) -> Iterator[Report]:
    kind = _text(complaint, "complaintFeedbackType") or "abuse"
    for person in _people(complaint, "complainedRecipients"):
        yield Report(recipient=_text(person, "emailAddress"), kind=ReportKind.COMPLAINT, reason=one_line(kind)[:40])


def _read_delivery(delivery: Mapping[str, Any]) -> Iterator[Report]:
    recipients, words = delivery.get("recipients"), _text(delivery, "smtpResponse")
    status = re.search(r"(?<![\d.])2\.\d{1,3}\.\d{1,3}(?![\d.])", words)
    for recipient in recipients[:_MOST_PEOPLE] if isinstance(recipients, list) else []:
        if isinstance(recipient, str):
            yield Report(
                recipient=one_line(recipient),
                kind=ReportKind.UNKNOWN,
                reason=ReplyKind.DELIVERED,
                status=status[0] if status else "",
                diagnostic=words,
            )


def _people(values: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    found = values.get(name)
    return [each for each in found[:_MOST_PEOPLE] if isinstance(each, dict)] if isinstance(found, list) else []


def _text(values: Mapping[str, Any], name: str) -> str:
    value = values.get(name)
    return one_line(value) if isinstance(value, str) else ""
