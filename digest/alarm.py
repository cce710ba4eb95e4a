"""Mail to the operator when something stops and waits for a person."""

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, make_msgid

from digest.app import App
from digest.deliver.apart import send_apart
from digest.deliver.press import make_seal
from digest.deliver.transport import Envelope, Parcel
from digest.errors import DigestError
from digest.model import DeliveryState, count_in_words
from digest.replies.kinds import CONSEQUENCES, ReplyKind
from digest.settings import NewsletterSettings
from digest.store.issues import Issue
from digest.store.ledger import count_deliveries
from digest.store.returns import Refusals, last_told_at, list_refusals, note_told

logger = logging.getLogger("digest")

REFUSALS_AGAIN = timedelta(days=1)
"""So long after a mail about refusals that came back there is no other one."""
_LOOKED_BACK = timedelta(days=7)
"""What came back before that is no news."""
_REFUSALS = "refusals"


def report_held(app: App, newsletter: NewsletterSettings, issue: Issue) -> None:
    """Say that an issue is held: in the log, and by mail where the settings name an operator.

    A mail that cannot be sent is logged; the issue is held all the same.
    """
    name = f"{issue.newsletter} {issue.edition}"
    logger.error("%s is held, nobody was mailed: %s", name, issue.reason)
    if app.settings.delivery.operator:
        _tell_operator(app, newsletter, subject=f"{name} is held", text=_held_text(app, issue))


def _held_text(app: App, issue: Issue) -> str:
    slug, edition = issue.newsletter, issue.edition
    return (
        f"The issue of {edition} of {slug} was to be sent, and nobody was mailed: the check found errors.\n\n"
        f"{issue.reason}\n\n"
        f"All that was found:   digest check {slug} --date {edition}\n"
        f"Mended? Send it:      digest send {slug} --date {edition}\n"
        f"Send it as it is:     digest send {slug} --date {edition} --force-unsafe\n"
        f"Do not send it:       digest issues cancel {edition} --newsletter {slug}\n\n"
        f"Workspace: {app.settings.folder}\n"
    )


def report_paused(app: App, newsletter: NewsletterSettings, issue: Issue) -> None:
    """Say that an issue has paused by itself, as servers refuse it: in the log, and by mail to the operator.

    The relay that refuses may take this mail, as it goes to one address; if not, that is logged.
    """
    name = f"{issue.newsletter} {issue.edition}"
    logger.error("%s has paused: %s", name, issue.reason)
    if app.settings.delivery.operator:
        _tell_operator(app, newsletter, subject=f"{name} has paused", text=_paused_text(app, issue))


def _paused_text(app: App, issue: Issue) -> str:
    slug, edition = issue.newsletter, issue.edition
    counts = count_deliveries(app.database, issue.id)
    return (
        f"The issue of {edition} of {slug} has paused: mail servers refuse it for the sender's sake, and more mail\n"
        f"would make that worse.\n\n"
        f"{issue.reason}\n\n"
        f"Deliveries: {count_in_words(counts)}\n\n"
        f"{_advice(issue.reason)}"
        f"What was refused:     digest issues show {edition} --newsletter {slug}\n"
        f"Mended? Go on:        digest issues resume {edition} --newsletter {slug}\n"
        f"Give it up:           digest issues cancel {edition} --newsletter {slug}\n\n"
        f"Workspace: {app.settings.folder}\n"
    )


def report_refusals(app: App) -> None:
    """Say once a day at most that mail came back for the sender's sake: in the log, and by mail to the operator.

    Only bounces of our own messages to subscribers count, so that one of this very mail brings no other one.
    """
    now = app.clock.now()
    told = last_told_at(app.database, _REFUSALS)
    if told is not None and now - told < REFUSALS_AGAIN:
        return
    refusals = list_refusals(app.database, since=max(told or now - _LOOKED_BACK, now - _LOOKED_BACK))
    if not refusals:
        return
    with app.database.transaction():
        if last_told_at(app.database, _REFUSALS) != told:
            return  # another process was quicker
        note_told(app.database, _REFUSALS, now=now)
    count = sum(each.count for each in refusals)
    logger.error("mail came back for the sender's sake (%d): %s", count, refusals[0].example)
    if app.settings.delivery.operator:
        text = _refusals_text(app, refusals)
        _tell_operator(app, app.settings.newsletters[0], subject="servers refuse our mail", text=text)


def _refusals_text(app: App, refusals: Sequence[Refusals]) -> str:
    found = "".join(f"- {each.count:,} × {each.reason.replace('_', ' ')}: {each.example}\n" for each in refusals)
    kinds = [ReplyKind(each.reason).words for each in refusals if each.reason in ReplyKind.__members__.values()]
    return (
        f"Mail came back that servers refused for the sender's sake. No reader was taken out for it.\n\n"
        f"{found}\n"
        f"{_advice(', '.join(kinds))}"
        f"This mail comes once a day at most, while there is news of it.\n\n"
        f"Workspace: {app.settings.folder}\n"
    )


def _advice(reason: str) -> str:
    """What to do about each kind of reply that the reason names."""
    named = [kind for kind, follows in CONSEQUENCES.items() if follows.counts_against_sender and kind.words in reason]
    lines = [f"- {kind.words}: {CONSEQUENCES[kind].advice}\n" for kind in named]
    return "".join(["Check first:\n", *lines, "\n"]) if lines else ""


def _tell_operator(app: App, newsletter: NewsletterSettings, *, subject: str, text: str) -> None:
    operator = app.settings.delivery.operator
    message = _write(newsletter.mailbox, operator, subject, text, app.clock.now())
    envelope = Envelope(sender=newsletter.sender_address, recipient=operator)
    try:
        seal = make_seal(app.settings, newsletter, app.clock)
        (outcome,) = send_apart(app.transport, [seal(Parcel(envelope=envelope, content=message))])
    except DigestError as error:
        logger.error("the operator could not be told by mail: %s", error)  # noqa: TRY400 - the words are the error
    else:
        if outcome.state is not DeliveryState.SENT:
            logger.error("the operator could not be told by mail: %s", outcome.reply)


def _write(sender: Address, operator: str, subject: str, text: str, now: datetime) -> bytes:
    message = EmailMessage(policy=SMTP)
    message["From"] = sender
    message["To"] = operator
    message["Subject"] = f"[digest] {subject}"
    message["Date"] = format_datetime(now)
    message["Message-ID"] = make_msgid(domain=sender.domain)
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(text)
    return message.as_bytes()
