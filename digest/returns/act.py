"""What is done about one message that came back, in the caller's one transaction.

A hard bounce takes a person out for good, a complaint too, soft ones add up (see `soft`), and a server that refuses the
sender costs no reader anything. What is not proven to be about a mail of ours (see `proof`) changes nothing, but for
requests to leave: they are easy to forge and do little harm, and the law wants leaving to be easy.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from digest.app import App
from digest.mail.inbound.report import InboundMessage, Report, ReportKind
from digest.model import Subscriber, SubscriberState
from digest.replies.kinds import ReplyKind
from digest.returns.proof import Finding, Proof, find_addressed, find_by_token, find_marked
from digest.returns.soft import count_row
from digest.store.events import Event, EventKind, record_event
from digest.store.issues import newsletter_of_issue
from digest.store.returns import (
    began_anew_at,
    list_sent_issues,
    name_issue,
    note_message,
    save_soft_bounces,
    sent_at,
    take_out_returned,
)
from digest.store.secrets import hash_address
from digest.store.subscribers import leave_newsletter, let_leave, suppress

_CAUSE = "mail"
_READERS = (SubscriberState.ACTIVE, SubscriberState.PENDING)
_MILDEST_FIRST = (ReportKind.SOFT, ReportKind.BLOCKED, ReportKind.AUTO_REPLY, ReportKind.UNKNOWN)
_NO_COMPLAINT = "not-spam"
"""A feedback type: somebody took a mail out of the spam folder (RFC 6430)."""
_AUTHENTICATION = "auth-failure"
"""A feedback type: a mail did not prove whose it was (RFC 6591); no reader has said anything."""


class Deed(StrEnum):
    """What followed."""

    BOUNCED = "bounced"
    """The person is out; after a hard bounce the address is suppressed too."""
    COMPLAINED = "complained"
    """The person is out, and the address suppressed."""
    UNSUBSCRIBED = "unsubscribed"
    """From one newsletter or all, as they asked."""
    COUNTED = "counted"
    """A soft bounce, one more in the row."""
    NOTED = "noted"
    """Kept in the person's history; nothing else follows."""
    ALREADY = "already known"
    """The person is out already, or the issue was counted."""
    OUTDATED = "outdated"
    """It is about a mail from before the person changed their address, or came back."""
    UNPROVEN = "not proven"
    """Nothing but an address says whom it is about: nothing is done."""
    NOBODY = "nobody"
    """No subscriber is meant."""
    NOTHING = "nothing"
    """It asks for nothing."""


@dataclass(frozen=True, kw_only=True)
class Act:
    """One report of a message, and what followed."""

    report: Report
    deed: Deed
    proof: Proof | None = None
    """What tied it to a person; None where nothing was looked for."""


def act_on(app: App, message: InboundMessage, *, is_known_source: bool = False) -> tuple[Act, ...] | None:
    """Do what a message asks for, inside the caller's transaction.

    Args:
        app: the workspace.
        message: what came in.
        is_known_source: whether it came from where nobody else can write: a webhook with a signature or a secret.

    Returns:
        What followed from each of its reports; None where the same message was acted upon before.
    """
    if not note_message(app.database, message.digest, now=app.clock.now()):
        return None
    return tuple(_act_on_each(app, message, is_known_source=is_known_source))


def _act_on_each(app: App, message: InboundMessage, *, is_known_source: bool) -> Iterator[Act]:
    reports = [_as_meant(report) for report in message.reports]
    marked = find_marked(app, message) if reports else None
    by_token = find_by_token(app, message) if any(r.kind is ReportKind.UNSUBSCRIBE for r in reports) else None
    if marked is not None:
        reports = [_choose(reports, marked.person)]
    for report in reports:
        if report.kind is ReportKind.UNKNOWN or (report.kind is ReportKind.SOFT and message.is_delay):
            yield Act(report=report, deed=Deed.NOTHING)
            continue
        found = (by_token if report.kind is ReportKind.UNSUBSCRIBE else None) or marked
        if found is None:
            found = find_addressed(app, message, report.recipient, is_known_source=is_known_source)
        yield Act(report=report, deed=_do(app, report, found), proof=found.proof)


def _as_meant(report: Report) -> Report:
    """Feedback that is no complaint of a reader, as what it is."""
    if report.kind is not ReportKind.COMPLAINT:
        return report
    feedback = report.reason.lower()
    if feedback == _NO_COMPLAINT:
        return replace(report, kind=ReportKind.UNKNOWN)
    if feedback == _AUTHENTICATION:
        return replace(report, kind=ReportKind.BLOCKED, reason=ReplyKind.AUTHENTICATION)
    return report


def _choose(reports: list[Report], person: Subscriber | None) -> Report:
    """The one report that counts of a message to one person: what names them, or else the mildest."""
    own = [each for each in reports if person is not None and each.recipient.lower() == person.address.lower()]
    candidates = own or reports
    mild = [each for kind in _MILDEST_FIRST for each in candidates if each.kind is kind]
    return (mild or candidates)[0]


def _do(app: App, report: Report, found: Finding) -> Deed:
    if found.person is None:
        return Deed.NOBODY
    if report.kind is ReportKind.UNSUBSCRIBE:
        return _unsubscribe(app, found.person, found)
    if not found.is_proven and not app.settings.inbound.trust_addresses:
        return Deed.UNPROVEN
    if report.kind is not ReportKind.COMPLAINT and _is_outdated(app, found.person, found):
        return Deed.OUTDATED
    return _STEPS[report.kind](app, found.person, report, found)


def _unsubscribe(app: App, person: Subscriber, found: Finding) -> Deed:
    """From the newsletter that a token or a mark came with, or else from all."""
    now = app.clock.now()
    if person.state not in _READERS:
        return Deed.ALREADY
    newsletter = newsletter_of_issue(app.database, found.issue_id) if found.issue_id else ""
    if newsletter:
        has_left = leave_newsletter(app.database, person, newsletter, now=now, cause=_CAUSE)
    else:
        has_left = let_leave(app.database, person, state=SubscriberState.UNSUBSCRIBED, now=now, cause=_CAUSE)
    return Deed.UNSUBSCRIBED if has_left else Deed.ALREADY


def _take_out_complainer(app: App, person: Subscriber, report: Report, found: Finding) -> Deed:
    """Also of somebody who left before: many press both buttons, and the second one suppresses the address."""
    if person.state is SubscriberState.COMPLAINED:
        return Deed.ALREADY
    event = _event(app, EventKind.COMPLAINED, report, found.issue_id)
    take_out_returned(app.database, person.id, SubscriberState.COMPLAINED, event)
    _suppress(app, person, reason="complained")
    return Deed.COMPLAINED


def _take_out_bounced(app: App, person: Subscriber, report: Report, found: Finding) -> Deed:
    if person.state not in _READERS:
        return Deed.ALREADY
    event = _event(app, EventKind.BOUNCED, report, found.issue_id)
    take_out_returned(app.database, person.id, SubscriberState.BOUNCED, event)
    _suppress(app, person, reason="bounced")
    return Deed.BOUNCED


def _count(app: App, person: Subscriber, report: Report, found: Finding) -> Deed:
    """One more issue that came back. Enough of them take the person out, who may subscribe again: not suppressed."""
    now, began = app.clock.now(), began_anew_at(app.database, person.id)
    before = list_sent_issues(app.database, person.id, since=began)
    issue_id = found.issue_id or (0 if found.proof is Proof.MARK else next((each.id for each in before), 0))
    if any(each.id == issue_id and each.came_back for each in before):
        return Deed.ALREADY
    record_event(app.database, person.id, _event(app, EventKind.SOFT_BOUNCE, report, issue_id))
    row = count_row(list_sent_issues(app.database, person.id, since=began), now=now)
    save_soft_bounces(app.database, person.id, count=row.count, since=row.first)
    if not issue_id:
        return Deed.NOTED
    if person.state is not SubscriberState.ACTIVE or not row.is_enough:
        return Deed.COUNTED
    take_out_returned(
        app.database, person.id, SubscriberState.BOUNCED, _event(app, EventKind.BOUNCED, report, issue_id)
    )
    return Deed.BOUNCED


def _note(app: App, person: Subscriber, report: Report, found: Finding) -> Deed:
    kind = EventKind.BLOCKED if report.kind is ReportKind.BLOCKED else EventKind.AUTO_REPLY
    record_event(app.database, person.id, _event(app, kind, report, found.issue_id))
    return Deed.NOTED


_STEPS: Mapping[ReportKind, Callable[[App, Subscriber, Report, Finding], Deed]] = {
    ReportKind.HARD: _take_out_bounced,
    ReportKind.SOFT: _count,
    ReportKind.COMPLAINT: _take_out_complainer,
    ReportKind.BLOCKED: _note,
    ReportKind.AUTO_REPLY: _note,
}


def _is_outdated(app: App, person: Subscriber, found: Finding) -> bool:
    """Whether the mail it is about was sent before the person changed their address, or came back."""
    sent = sent_at(app.database, person.id, found.issue_id) if found.issue_id else None
    began = began_anew_at(app.database, person.id) if sent is not None else None
    return sent is not None and began is not None and sent < began


def _suppress(app: App, person: Subscriber, *, reason: str) -> None:
    suppress(app.database, hash_address(app.key, person.address), reason=reason, now=app.clock.now())


def _event(app: App, kind: EventKind, report: Report, issue_id: int) -> Event:
    newsletter, edition = name_issue(app.database, issue_id)
    facts = {
        "reason": report.reason,
        "status": report.status,
        "diagnostic": report.diagnostic,
        "edition": edition,
    }
    return Event(kind=kind, happened_at=app.clock.now(), newsletter=newsletter, facts=facts)
