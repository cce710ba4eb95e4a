"""From what a server said of a delivery to what it means for the person."""

import re
from dataclasses import dataclass

from digest.mail.inbound.report import Report, ReportKind
from digest.model import DeliveryState
from digest.replies.classify import classify
from digest.replies.kinds import CONSEQUENCES, ReplyKind
from digest.replies.printable import one_line

STATUS = re.compile(r"(?<![\d.])([245]\.\d{1,3}\.\d{1,3})(?![\d.])")
"""An enhanced status code (RFC 3463)."""
_CODE = re.compile(
    r"(?<![\d.@\w-])([45]\d\d)(?=[ \-#:]|$)(?!\s*(?:days?|hours?|minutes?|seconds?|bytes|octets|kb|mb)\b)"
)
_EXPIRED = re.compile(
    r"\bexpired?\b|time[d -]?out|not delivered within|queue too long|retry time|gave up|giving up|too many hops"
    r"|(?:could|has|have) not (?:be|been) delivered (?:for|within|after)|undeliverable for|delivery time"
    r"|max(?:imum)? .{0,20}"
    r"(?:attempts|retries)|still being retried|will be retried|(?:temporar|transient)|try again later|deferred:",
    re.IGNORECASE,
)
_AFTER_DATA = re.compile(
    r"\b(?:end of|final|after|to|during|in) (?:end of )?\W?(?:data|message)\b|smtp command\W+data\b|\[data\]"
    r"|>>> data\b|\bdata:|<<<\s*\.\s"
    r"|after (?:end of )?(?:data|message)|in reply to (?:end of )?data|\(delivery attempts: 0\)",
    re.IGNORECASE,
)
"""An answer to the whole message: who says only then that there is no such user has read it, and filters."""
_BEFORE_RECIPIENT = re.compile(
    r"(?:in reply to|after) (?:the )?(?:initial connection|greeting|helo|ehlo|mail from)\b"
    r"|but (?:my name was rejected|sender was rejected|greeting failed)",
    re.IGNORECASE,
)
"""Postfix, Exim and qmail: an answer to our server's name or the sender, before any recipient was named."""
_CLOSED_FOR_NOW = re.compile(
    r"\b(?:disabled|suspended|frozen|inactive|deactivated|dormant|locked)\b|휴면|정지|disableduser", re.IGNORECASE
)
"""A mailbox that its provider has closed, and may open again; it counts as gone when it stays so."""
_UNKNOWN_USER = re.compile(r"unknown user|user unknown|no such user", re.IGNORECASE)
_KDDI = re.compile(r"550[ :]+: user unknown", re.IGNORECASE)
"""The filter of au and ezweb, without an address; of an unknown user they say `550 <address>: User unknown`."""
_GENERIC = frozenset({"5.0.0", "4.0.0", "5.7.0"})
"""Statuses that say nothing; what stands in the words counts."""


@dataclass(frozen=True, kw_only=True)
class Refusal:
    """What was said of one delivery. It answers as `replies.classify` asks."""

    recipient: str
    words: str
    """The server's own, or the program's."""
    status: str = ""
    """Enhanced status code, where one was given apart from the words."""
    is_final: bool = True
    """Whether the delivery has been given up."""
    is_after_data: bool = False
    """Whether the server answered so to the message itself, not to its recipient."""
    is_before_recipient: bool = False
    """Whether the server answered so before it knew whom the message is for: to its greeting, to MAIL FROM."""

    @property
    def state(self) -> DeliveryState:
        """As an answer to a message of ours would have it."""
        return DeliveryState.FAILED if self.is_final else DeliveryState.DEFERRED

    @property
    def code(self) -> int | None:
        """The SMTP reply code in the words."""
        found = _CODE.search(self.words)
        return int(found[1]) if found else None

    @property
    def reply(self) -> str:
        """The words with the status, which may stand apart from them."""
        if STATUS.search(self.words):
            return self.words
        if self.status and self.status not in _GENERIC:
            return f"{self.status} {self.words}"
        return self.words if self.code or not self.is_final else f"5.0.0 {self.words}"


def judge(refusal: Refusal) -> Report:
    """What a refusal means for its person: hard only where it is final, and words or codes say that they are gone."""
    words = one_line(refusal.words)
    inner = STATUS.search(refusal.words)
    status = inner[1] if inner and (not refusal.status or refusal.status in _GENERIC) else refusal.status
    kind = classify(refusal)
    return Report(
        recipient=refusal.recipient,
        kind=_kind_of(refusal, kind, status),
        reason=str(ReplyKind.TEMPORARY if kind is ReplyKind.PERMANENT_UNKNOWN and status.startswith("4") else kind),
        status=status,
        diagnostic=words,
    )


def _kind_of(refusal: Refusal, kind: ReplyKind, status: str) -> ReportKind:
    follows = CONSEQUENCES[kind]
    if follows.suppress:
        is_passing = (
            not refusal.is_final
            or status.startswith("4")
            or (refusal.code or 500) < 500  # noqa: PLR2004 - 4xx
            or (kind is ReplyKind.NOT_ACCEPTING and is_closed_for_now(refusal, status))
            or (kind is ReplyKind.RECIPIENT_UNKNOWN and _is_filter(refusal, status))
        )
        return ReportKind.SOFT if is_passing else ReportKind.HARD
    return ReportKind.BLOCKED if follows.counts_against_sender else ReportKind.SOFT


def _is_filter(refusal: Refusal, status: str) -> bool:
    """Whether a filter says that there is no such user, while there may be one.

    Japanese carriers answer so to the whole message; 5.7.x is a policy's. A status of 5.1.x is believed: Sendmail shows
    DATA as the command where it had sent it along with RCPT (RFC 2920).
    """
    if not _UNKNOWN_USER.search(refusal.words):
        return False
    if status.startswith("5.7.") or _KDDI.search(refusal.words):
        return True
    return refusal.is_after_data and not status.startswith(("5.1.", "5.5.", "5.3."))


def is_closed_for_now(refusal: Refusal, status: str) -> bool:
    """Whether a mailbox is said to be closed by its provider, and not by its status to be none (5.1.1)."""
    return bool(_CLOSED_FOR_NOW.search(refusal.words)) and not status.startswith("5.1.")


def says_something(words: str) -> bool:
    """Whether words alone tell why a mail was refused."""
    kind = classify(Refusal(recipient="", words=words))
    return kind not in (ReplyKind.PERMANENT_UNKNOWN, ReplyKind.TEMPORARY)


def is_after_data(text: str) -> bool:
    """Whether a text tells of an answer to the message itself."""
    return bool(_AFTER_DATA.search(text))


def is_before_recipient(text: str) -> bool:
    """Whether a text tells of an answer that came before any recipient was named."""
    return bool(_BEFORE_RECIPIENT.search(text))


def is_about_time(words: str) -> bool:
    """Whether words tell of a delivery that took too long, rather than of an answer."""
    return bool(_EXPIRED.search(words))
