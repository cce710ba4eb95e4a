"""What the answers of Amazon SES mean for a message: one table, and the HTTP status where the table is silent."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from digest.deliver.carry import NotTaken
from digest.deliver.transport import Outcome
from digest.errors import TransportError
from digest.model import DeliveryState


class Verdict(Enum):
    """What an answer, or the lack of one, means for a message."""

    REFUSED = "failed: never for this message"
    LATER = "deferred: not now"
    CROWDED = "given back: too many at once, or the service is out of order"
    UNUSABLE = "given back: nothing of ours is taken until somebody mends that"
    UNKNOWN = "uncertain: it may have been taken"


@dataclass(frozen=True, kw_only=True, slots=True)
class Judgement:
    """One answer, understood."""

    verdict: Verdict
    words: str
    """What was said, in one line."""
    check: str = "delivery.region and the credentials of AWS"
    """What to look at, where nothing can be sent."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Rule:
    """One line of the table of answers."""

    code: str
    """The error's name."""
    says: str = ""
    """Words its text must have too, in lower case."""
    verdict: Verdict
    check: str = "delivery.region and the credentials of AWS"
    """What to look at, where nothing can be sent."""


_QUOTA = "delivery.warm_up, or ask AWS for a higher quota"
_IDENTITY = "delivery.region and delivery.return_path: SES must have verified the sender and the return path there"
_CONFIGURATION_SET = "delivery.configuration_set, and the account"
RULES = (
    Rule(code="TooManyRequestsException", says="daily", verdict=Verdict.UNUSABLE, check=_QUOTA),
    Rule(code="TooManyRequestsException", verdict=Verdict.CROWDED),
    Rule(code="ThrottlingException", says="daily", verdict=Verdict.UNUSABLE, check=_QUOTA),
    Rule(code="ThrottlingException", verdict=Verdict.CROWDED),
    Rule(code="LimitExceededException", verdict=Verdict.UNUSABLE, check=_QUOTA),
    Rule(code="MessageRejected", says="not verified", verdict=Verdict.UNUSABLE, check=_IDENTITY),
    Rule(code="MessageRejected", verdict=Verdict.REFUSED),
    Rule(code="BadRequestException", verdict=Verdict.REFUSED),
    Rule(code="MailFromDomainNotVerifiedException", verdict=Verdict.UNUSABLE, check=_IDENTITY),
    Rule(code="AccountSuspendedException", verdict=Verdict.UNUSABLE),
    Rule(code="SendingPausedException", verdict=Verdict.UNUSABLE, check=_CONFIGURATION_SET),
    Rule(code="NotFoundException", verdict=Verdict.UNUSABLE, check=_CONFIGURATION_SET),
)
"""Answers by name; the first line that fits counts.

Names: https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_SendEmail.html. What is said of quotas:
https://docs.aws.amazon.com/ses/latest/dg/manage-sending-quotas-errors.html.
"""


def judge_answer(response: Mapping[str, Any]) -> Judgement:
    """What an error of SES means.

    Args:
        response: botocore's: `Error` with `Code` and `Message`, `ResponseMetadata` with `HTTPStatusCode`.
    """
    error, status = response.get("Error", {}), response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    code, text = str(error.get("Code", "")), str(error.get("Message", ""))
    words = " ".join(f"HTTP status {status}, {code}: {text}".split())
    for rule in RULES:
        if rule.code == code and rule.says in text.lower():
            return Judgement(verdict=rule.verdict, words=words, check=rule.check)
    return Judgement(verdict=judge_status(status), words=words)


def judge_status(status: int) -> Verdict:
    """What an answer means that no rule names, by its HTTP status.

    502 and 504 come from something in front of SES that knows no more than we do; of other faults SES says itself
    that it has not taken the message. A refusal without a rule is tried again until the deadline.
    """
    if status in {502, 504}:
        return Verdict.UNKNOWN
    if status in {429, 503}:
        return Verdict.CROWDED
    return Verdict.UNUSABLE if status in {401, 403} else Verdict.LATER


def act_on(judgement: Judgement) -> Outcome | NotTaken:
    """The judgement in the words of the seam.

    Raises:
        TransportError: nothing of ours is taken.
    """
    if judgement.verdict is Verdict.UNUSABLE:
        raise TransportError(f"Amazon SES: {judgement.words}; check {judgement.check}")
    if judgement.verdict is Verdict.CROWDED:
        return NotTaken(reason=judgement.words)
    return Outcome(state=_STATES[judgement.verdict], reply=judgement.words)


_STATES = {
    Verdict.REFUSED: DeliveryState.FAILED,
    Verdict.LATER: DeliveryState.DEFERRED,
    Verdict.UNKNOWN: DeliveryState.UNCERTAIN,
}
