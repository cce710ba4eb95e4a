"""What webhooks tell of deliveries, as the same values as a mail that came back."""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from digest.mail.inbound.report import InboundMessage, Report, ReportKind
from digest.mail.inbound.ses import read_ses
from digest.replies.printable import one_line

KINDS = (ReportKind.HARD, ReportKind.SOFT, ReportKind.BLOCKED, ReportKind.COMPLAINT, ReportKind.UNSUBSCRIBE)
"""What an entry may be."""
LONGEST = 1000
"""Characters of one value."""
_FIELDS = ("recipient", "mark", "message_id", "kind", "reason", "status", "diagnostic", "id")
_MARK = re.compile(r"[0-9A-Fa-f]{40}")
_MARK_IN_PATH = re.compile(r"\+([0-9A-Fa-f]{40})@")
_STATUS = re.compile(r"[245]\.[0-9]{1,3}\.[0-9]{1,3}")
_MARK_HEADER = "x-digest-delivery"


class EntryError(ValueError):
    """An entry that cannot be understood.

    Attributes:
        field: which of its values is wrong, "" for the whole.
    """

    def __init__(self, field: str, words: str) -> None:
        self.field = field
        super().__init__(words)


def read_ses_event(values: Mapping[str, Any], *, message_id: str) -> InboundMessage:
    """What SES publishes, as a notification or as an event; without reports where it tells of nothing bad.

    Args:
        values: the JSON object.
        message_id: that of the notification service, the same when it sends it again.
    """
    mail = values.get("mail")
    mail = mail if isinstance(mail, dict) else {}
    headers = [(name.lower(), value) for name, value in _headers(mail)]
    source = mail.get("source")
    marks = [value.strip() for name, value in headers if name == _MARK_HEADER]
    marks += _MARK_IN_PATH.findall(source) if isinstance(source, str) else []
    return InboundMessage(
        digest=_hash("sns", message_id),
        reports=read_ses(values),
        marks=tuple(mark.lower() for mark in marks if _MARK.fullmatch(mark)),
        message_ids=tuple(value.strip(" <>") for name, value in headers if name == "message-id"),
    )


def _headers(mail: Mapping[str, Any]) -> Sequence[tuple[str, str]]:
    """The headers of the mail it is about, where SES was told to add them."""
    found = mail.get("headers")
    pairs = [(each.get("name"), each.get("value")) for each in found if isinstance(each, dict)] if found else []
    return [(name, value) for name, value in pairs if isinstance(name, str) and isinstance(value, str)]


def read_entry(values: Any) -> InboundMessage:
    """One entry of the generic form: an object of texts, as `docs/bounces.md` describes it.

    Raises:
        EntryError: it is none; says which value is wrong.
    """
    if not isinstance(values, dict):
        raise EntryError("", "expected an object")
    if unknown := sorted(values.keys() - set(_FIELDS)):
        raise EntryError(unknown[0][:80], f"is not known; expected {', '.join(_FIELDS)}")
    texts = {name: _text(values, name) for name in _FIELDS}
    if texts["kind"] not in KINDS:
        raise EntryError("kind", f"expected one of {', '.join(KINDS)}")
    if not texts["recipient"] and ("recipient" in values or "mark" not in values):
        raise EntryError("recipient", "expected an address, or else a mark")
    if "mark" in values and not _MARK.fullmatch(texts["mark"]):
        raise EntryError("mark", "expected 40 hexadecimal digits, as X-Digest-Delivery has them")
    if texts["status"] and not _STATUS.fullmatch(texts["status"]):
        raise EntryError("status", "expected an enhanced status code such as 5.1.1")
    report = Report(
        recipient=texts["recipient"],
        kind=ReportKind(texts["kind"]),
        reason=one_line(texts["reason"]),
        status=texts["status"],
        diagnostic=one_line(texts["diagnostic"]),
    )
    return InboundMessage(
        digest=_hash("id", texts["id"]) if texts["id"] else _hash("entry", json.dumps(values, sort_keys=True)),
        reports=(report,),
        marks=(texts["mark"].lower(),) if texts["mark"] else (),
        message_ids=(texts["message_id"].strip(" <>"),) if texts["message_id"] else (),
    )


def _text(values: Mapping[str, Any], name: str) -> str:
    value = values.get(name, "")
    if not isinstance(value, str) or len(value) > LONGEST or "\0" in value:
        raise EntryError(name, f"expected a text of at most {LONGEST} characters")
    return value.encode("utf-8", "replace").decode()


def _hash(kind: str, name: str) -> bytes:
    return hashlib.sha256(f"webhook\0{kind}\0{name}".encode("utf-8", "replace")).digest()
