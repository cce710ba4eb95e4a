"""Delivery status notifications (RFC 3464; RFC 6533 for addresses that are not ASCII)."""

from collections.abc import Iterator
from email.message import Message

from digest.mail.inbound.addresses import bare_address
from digest.mail.inbound.judging import STATUS, Refusal, is_after_data
from digest.mail.inbound.parts import Parts, all_headers, header

_GOOD = frozenset(("delivered", "relayed", "expanded"))
_LATE = "delayed"
_FIELDS_OF_RECIPIENT = ("final-recipient", "original-recipient", "x-actual-recipient", "action")


def read_status(parts: Parts) -> tuple[Refusal, ...]:
    """What a notification says of each recipient whose mail did not arrive."""
    return tuple(_refusals(parts))


def tells_of_success(parts: Parts) -> bool:
    """Whether a notification tells of deliveries, and all of them are good."""
    actions = [header(block, "Action").lower().split(" ")[0] for block in parts.status if block.get("Action")]
    return bool(actions) and all(action in _GOOD for action in actions)


def _refusals(parts: Parts) -> Iterator[Refusal]:
    text_is_after_data = is_after_data(parts.text)
    for block in parts.status:
        if not any(name in block for name in _FIELDS_OF_RECIPIENT):
            continue
        action = header(block, "Action").lower().split(" ")[0]
        if action in _GOOD:
            continue
        yield Refusal(
            recipient=_recipient(block),
            words=_words(block),
            status=_status(block),
            is_final=action != _LATE,
            is_after_data=text_is_after_data or is_after_data(_words(block)),
        )


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
