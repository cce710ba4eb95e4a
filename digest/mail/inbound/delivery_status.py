"""Delivery status notifications (RFC 3464; RFC 6533 for addresses that are not ASCII)."""

from collections.abc import Iterator
from email.message import Message

from digest.mail.inbound.addresses import bare_address
from digest.mail.inbound.judging import STATUS, Refusal, is_after_data, is_before_recipient
from digest.mail.inbound.parts import Parts, all_headers, header
from digest.mail.inbound.report import Report, ReportKind
from digest.replies.kinds import ReplyKind
from digest.replies.printable import one_line

_GOOD = frozenset(("delivered", "relayed", "expanded", "deliverable"))
"""The last one is Postfix's, of addresses that it was to try."""
_LATE, _FAILED = "delayed", "failed"
_FIELDS_OF_RECIPIENT = ("final-recipient", "original-recipient", "x-actual-recipient", "action")


def read_status(parts: Parts) -> tuple[Refusal, ...]:
    """What a notification says of each recipient whose mail did not arrive."""
    return tuple(_refusals(parts))


def read_successes(parts: Parts) -> tuple[Report, ...]:
    """What a notification says of each recipient whose mail did arrive, or was passed on."""
    return tuple(
        Report(
            recipient=_recipient(block),
            kind=ReportKind.UNKNOWN,
            reason=ReplyKind.DELIVERED,
            status=_status(block),
            diagnostic=one_line(_words(block)),
        )
        for block in _blocks_of_recipients(parts)
        if _is_good(block)
    )


def _refusals(parts: Parts) -> Iterator[Refusal]:
    text_is_after_data = is_after_data(parts.text)
    blocks = _blocks_of_recipients(parts)
    # Among several recipients the text does not tell which of them a command was about.
    text_is_before = len(blocks) == 1 and is_before_recipient(parts.text)
    for block in blocks:
        if _is_good(block):
            continue
        yield Refusal(
            recipient=_recipient(block),
            words=_words(block),
            status=_status(block),
            is_final=_action(block) != _LATE,
            is_after_data=text_is_after_data or is_after_data(_words(block)),
            is_before_recipient=text_is_before or is_before_recipient(_words(block)),
        )


def _blocks_of_recipients(parts: Parts) -> list[Message]:
    return [block for block in parts.status if any(name in block for name in _FIELDS_OF_RECIPIENT)]


def _is_good(block: Message) -> bool:
    action = _action(block)
    return action in _GOOD or (action not in (_LATE, _FAILED) and header(block, "Status").strip().startswith("2."))


def _action(block: Message) -> str:
    return header(block, "Action").lower().split(" ")[0]


def _recipient(block: Message) -> str:
    """Whom the mail was for, as its sender knew them, before a server passed it on to another address."""
    named = [
        bare_address(header(block, name)) for name in ("Original-Recipient", "Final-Recipient", "X-Actual-Recipient")
    ]
    return next(filter(None, named), "")


def _status(block: Message) -> str:
    found = STATUS.search(header(block, "Status"))
    return found[1] if found else ""


def _words(block: Message) -> str:
    """The diagnostic code of the server; of several the one that is an SMTP reply."""
    codes = all_headers(block, "Diagnostic-Code")
    plain = [code.partition(";")[2].strip() if ";" in code[:20] else code for code in codes]
    return max(plain, key=lambda words: (bool(words[:1].isdigit()), len(words)), default="")
