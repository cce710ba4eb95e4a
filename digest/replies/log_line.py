"""What one line of a mail server's log says about a message: Postfix, Exim and KumoMTA, each by its own words."""

import json
import re
from collections.abc import Container
from dataclasses import dataclass
from enum import Enum
from typing import Any

from digest.replies.printable import one_line


class Step(Enum):
    """What happened to a message in the server's hands."""

    READ = "the server has read its header; it may still refuse the rest, or lose the connection"
    TAKEN = "the server took responsibility for it"
    DELIVERED = "it was handed on, or put into a mailbox"
    DEFERRED = "it waits in the server's queue"
    BOUNCED = "it failed for good, and the server told the sender"
    GONE = "it has left the queue; its queue id may be used again"


@dataclass(frozen=True, kw_only=True, slots=True)
class LogLine:
    """One step of one message."""

    step: Step
    queue_id: str
    """The server's own name for the message."""
    message_id: str = ""
    """Without its angle brackets; "" where the line does not name it."""
    recipients: frozenset[str] = frozenset()
    """In lower case: whom the step is about, under each name the line has for them; empty for the whole message."""
    words: str = ""
    """What the next server said, or the server itself."""


_POSTFIX_MARKS = (b": message-id=", b": resent-message-id=", b": from=<", b": to=<", b": removed")
_TAKEN_BY_EXIM = b" <= "
_EXIM_MARKS = (_TAKEN_BY_EXIM, b" => ", b" -> ", b" >> ", b" ** ", b" == ", b" Completed")
_POSTFIX_NAME = re.compile(rb"(?:^|[ \]:=\"])([0-9A-Za-z]{5,30})$")
_EXIM_NAME = re.compile(rb"(?:^|[ \]])([0-9A-Za-z]{6}-[0-9A-Za-z]{6,11}-[0-9A-Za-z]{2,4})$")
_LONGEST_NAME = 32
_MESSAGE_ID = re.compile(rb" ?<?([^<>\s]+)")
_TO = re.compile(rb"\b(?:orig_)?to=<([^<>]*)>")
_STATUS = re.compile(rb" status=([\w-]+)(?:,? \(?(.*?)\)?)?$")
_POSTFIX_STEPS = {
    b"sent": Step.DELIVERED,
    b"bounced": Step.BOUNCED,
    b"expired": Step.BOUNCED,
    b"force-expired": Step.BOUNCED,
    b"deferred": Step.DEFERRED,
}
_EXIM_STEPS = {
    b"=>": Step.DELIVERED,
    b"->": Step.DELIVERED,
    b">>": Step.DELIVERED,
    b"**": Step.BOUNCED,
    b"==": Step.DEFERRED,
}
_EXIM_ID = re.compile(rb" id=<?([^<>\s]+)")
_EXIM_ADDRESS = re.compile(rb"^(\S+)(?: \(?<([^<>\s]*)>\)?)?")
_EXIM_ANSWER = re.compile(rb" C=\"([^\"]*)\"")
_KUMO_STEPS = {
    "Reception": Step.TAKEN,
    "Delivery": Step.DELIVERED,
    "TransientFailure": Step.DEFERRED,
    "Bounce": Step.BOUNCED,
    "AdminBounce": Step.BOUNCED,
    "Expiration": Step.BOUNCED,
}
_DELETED = "removed from the queue by hand"
_WORDS_KEPT = 300


def parse_line(line: bytes, queued: Container[str] | None = None) -> LogLine | None:
    """What a line says of a message, or None where it says nothing of one.

    Args:
        line: the line.
        queued: names in the queue; a line that has neither one of these nor a Message-ID is not looked into. None
            for all.

    >>> parse_line(b"Mar  2 09:00:01 mx postfix/cleanup[7]: 4A1B2C3D4E: message-id=<1@example.com>").message_id
    '1@example.com'
    """
    if line.startswith(b"{"):
        return _parse_json(line, queued)
    if (found := _find_mark(line, _POSTFIX_MARKS)) and (name := _name_before(line, found[0], _POSTFIX_NAME)):
        at, mark = found
        is_other = queued is not None and b"message-id" not in mark and name not in queued
        return None if is_other else _parse_postfix(line, name, mark, line[at + len(mark) :])
    if (found := _find_mark(line, _EXIM_MARKS)) and (name := _name_before(line, found[0], _EXIM_NAME)):
        at, mark = found
        is_other = queued is not None and mark != _TAKEN_BY_EXIM and name not in queued
        return None if is_other else _parse_exim(name, mark.strip(), line[at + len(mark) :].rstrip())
    return None


def _find_mark(line: bytes, marks: tuple[bytes, ...]) -> tuple[int, bytes] | None:
    """The first of the marks in a line, and where it is; later ones are words of some server."""
    return min(((at, mark) for mark in marks if (at := line.find(mark)) >= 0), default=None)


def _name_before(line: bytes, at: int, form: re.Pattern[bytes]) -> str:
    """The message's name in the queue, which ends there; "" where it is none."""
    found = form.search(line[max(0, at - _LONGEST_NAME) : at])
    return found[1].decode("ascii") if found else ""


def _parse_postfix(line: bytes, name: str, mark: bytes, rest: bytes) -> LogLine | None:
    """Lines of cleanup, of qmgr, of whatever delivers (smtp, lmtp, local, virtual, pipe), and of postsuper."""
    if b"message-id" in mark:
        message_id = _MESSAGE_ID.match(rest)
        return LogLine(step=Step.READ, queue_id=name, message_id=_text(message_id[1])) if message_id else None
    if mark == b": removed":
        by_hand = b"postsuper" in line
        return LogLine(step=Step.BOUNCED if by_hand else Step.GONE, queue_id=name, words=_DELETED if by_hand else "")
    status = _STATUS.search(line.rstrip())
    step = _POSTFIX_STEPS.get(status[1]) if status else None
    if status is None or step is None:
        # smtpd rejects a recipient with from=<…> too, before anything is queued.
        return LogLine(step=Step.TAKEN, queue_id=name) if mark == b": from=<" and b" nrcpt=" in rest else None
    return LogLine(
        step=step,
        queue_id=name,
        recipients=frozenset(_text(address).lower() for address in _TO.findall(line)),
        words=_text(status[2] or status[1]),
    )


def _parse_exim(name: str, sign: bytes, rest: bytes) -> LogLine:
    """Lines of the main log; `<=` is written once the message is taken."""
    if sign == b"<=":
        message_id = _EXIM_ID.search(rest)
        return LogLine(step=Step.TAKEN, queue_id=name, message_id=_text(message_id[1]) if message_id else "")
    if sign == b"Completed":
        return LogLine(step=Step.GONE, queue_id=name)
    address = _EXIM_ADDRESS.match(rest)
    names = address.groups() if address else ()
    return LogLine(
        step=_EXIM_STEPS[sign],
        queue_id=name,
        recipients=frozenset(_text(each).lower() for each in names if each),
        words=_text(answer[1] if (answer := _EXIM_ANSWER.search(rest)) else rest.partition(b": ")[2] or rest),
    )


def _parse_json(line: bytes, queued: Container[str] | None) -> LogLine | None:
    """A record of KumoMTA, or a line of Postfix or Exim inside a record of the journal."""
    try:
        record = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if not isinstance(record, dict):
        return None
    message = record.get("MESSAGE")
    if isinstance(message, str):
        daemon = str(record.get("SYSLOG_IDENTIFIER", ""))
        text = f"{daemon}: {message}".encode(errors="replace")
        return parse_line(text, queued)
    return _parse_kumo(record)


def _parse_kumo(record: dict[str, Any]) -> LogLine | None:
    step, name = _KUMO_STEPS.get(str(record.get("type"))), record.get("id")
    if step is None or not isinstance(name, str):
        return None
    recipients = record.get("recipient")
    recipients = recipients if isinstance(recipients, list) else [recipients]
    return LogLine(
        step=step,
        queue_id=name,
        message_id=_kumo_message_id(record),
        recipients=frozenset(each.lower() for each in recipients if isinstance(each, str)),
        words=_kumo_words(record.get("response")),
    )


def _kumo_message_id(record: dict[str, Any]) -> str:
    """From the headers or the metadata that the server was set up to log."""
    for table in (record.get("headers"), record.get("meta"), record):
        for key, value in table.items() if isinstance(table, dict) else ():
            if str(key).lower().replace("_", "-") == "message-id":
                text = value[0] if isinstance(value, list) and value else value
                return text.strip().strip("<>") if isinstance(text, str) else ""
    return ""


def _kumo_words(response: object) -> str:
    if not isinstance(response, dict):
        return ""
    status = response.get("enhanced_code")
    parts = [status.get(key) for key in ("class", "subject", "detail")] if isinstance(status, dict) else []
    enhanced = ".".join(map(str, parts))
    words = " ".join(str(part) for part in (response.get("code"), enhanced, response.get("content")) if part)
    return one_line(words[:_WORDS_KEPT])


def _text(raw: bytes) -> str:
    """For a terminal: a log holds what strangers said."""
    return one_line(raw[:_WORDS_KEPT].decode("utf-8", errors="replace"))
