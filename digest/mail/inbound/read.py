"""What a message that came in says: the one entrance to this room. It never raises, whatever it is given."""

import hashlib
import re
from collections.abc import Iterable
from dataclasses import replace

from digest.mail.inbound.addresses import bare_address
from digest.mail.inbound.auto_reply import is_auto_reply
from digest.mail.inbound.complaint import read_complaint
from digest.mail.inbound.delay import tells_of_delay
from digest.mail.inbound.delivery_status import read_status, read_successes
from digest.mail.inbound.judging import Refusal, judge
from digest.mail.inbound.leaving import asks_to_leave, find_tokens
from digest.mail.inbound.marks import find_marks, find_message_ids
from digest.mail.inbound.parts import LARGEST, Parts, header, take_apart
from digest.mail.inbound.plain_bounce import looks_like_bounce, read_plain
from digest.mail.inbound.report import InboundMessage, Report, ReportKind
from digest.mail.inbound.ses import find_ses
from digest.replies.printable import one_line

_HEAD = re.compile(rb"\r?\n\r?\n")
_TRAVELLED = re.compile(
    rb"(?mi)^(?:received|return-path|delivered-to|x-original-to|x-spam[\w-]*|authentication-results"
    rb"|dkim-signature|arc-[\w-]+|x-google[\w-]*|x-received):[^\n]*\n(?:[ \t][^\n]*\n)*"
)


def read_message(raw: bytes) -> InboundMessage:
    """What a message says, in a fraction of a second, whatever its length. It is a claim: see `report`.

    Args:
        raw: RFC 5322, with any line ends; only the first 2 MB are looked at.
    """
    parts = take_apart(raw)
    return InboundMessage(
        digest=_identify(raw),
        reports=_read_reports(parts),
        marks=find_marks(parts),
        message_ids=find_message_ids(parts),
        tokens=find_tokens(parts),
        sender=bare_address(header(parts.message, "From")).lower(),
        is_delay=tells_of_delay(parts),
    )


def _read_reports(parts: Parts) -> tuple[Report, ...]:
    """The first that fits, from what is sure to what is guessed."""
    if sure := read_complaint(parts) or (
        *_judge_all(_completed(read_status(parts), parts)),
        *read_successes(parts),
    ):
        return sure
    if told := find_ses(parts.text):
        return told
    if parts.status or looks_like_bounce(parts):
        return _judge_all(read_plain(parts))
    return _read_letter(parts)


def _read_letter(parts: Parts) -> tuple[Report, ...]:
    """What a person wrote, or a program for them."""
    sender = bare_address(header(parts.message, "From"))
    words = one_line(header(parts.message, "Subject"))
    if asks_to_leave(parts):  # before: Apple's button for it says that it was sent by a program
        return (Report(recipient=sender, kind=ReportKind.UNSUBSCRIBE, reason="unsubscribe", diagnostic=words),)
    if is_auto_reply(parts):
        return (Report(recipient=sender, kind=ReportKind.AUTO_REPLY, reason="vacation", diagnostic=words),)
    return ()


def _completed(refusals: tuple[Refusal, ...], parts: Parts) -> Iterable[Refusal]:
    """Words and addresses from the text, where the fields have none."""
    plain = {each.recipient.lower(): each for each in read_plain(parts)} if refusals else {}
    only = next(iter(plain.values())) if plain else None
    for refusal in refusals:
        told = plain.get(refusal.recipient.lower()) or only
        if told is None:
            yield refusal
        else:
            recipient, words = refusal.recipient or told.recipient, refusal.words or told.words
            yield replace(refusal, recipient=recipient, words=words)


def _judge_all(refusals: Iterable[Refusal]) -> tuple[Report, ...]:
    return tuple({report.recipient.lower(): report for report in map(judge, refusals)}.values())


def _identify(raw: bytes) -> bytes:
    """The hash of what a second copy has as well: not what servers on its way wrote before it."""
    head, _, body = raw[:LARGEST].replace(b"\r\n", b"\n").partition(b"\n\n")
    return hashlib.sha256(_TRAVELLED.sub(b"", head + b"\n") + b"\n" + body.rstrip()).digest()
