"""What a tick does for a newsletter, and how one claimed issue is carried through to its end.

The order of a tick: resume what nobody is sending, note what has become too late, begin the newest edition in time.
"""

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from threading import Event

from digest.alarm import report_held, report_paused
from digest.app import App
from digest.compose import compose_edition
from digest.deliver.dispatcher import Judgement, Limits
from digest.deliver.press import address_letterhead, make_packer
from digest.deliver.sender import Sending, send_deliveries
from digest.errors import LeaseLostError, SenderAtFaultError, UnsafeIssueError
from digest.mail.dkim import load_signer
from digest.model import DeliveryState, IssueState
from digest.process import has_died, name_this_process
from digest.proof import letterhead_of_issue
from digest.publish import publish_draft
from digest.schedule import DueEditions, Occurrence, due_editions
from digest.settings import NewsletterSettings
from digest.store.filters import compile_filter
from digest.store.groups import keep_deliveries
from digest.store.issues import (
    Issue,
    expire_issue,
    finish_issue,
    get_issue_by_id,
    hold_issue,
    list_editions,
    list_resumable,
    record_skipped,
)
from digest.store.leases import (
    Lease,
    Origin,
    claim_issue,
    list_leases,
    pause_own_issue,
    release_dead_holder,
    release_lease,
    renew_lease,
    settle_stopped_issues,
)
from digest.store.ledger import DeliveryResult, count_deliveries
from digest.store.pauses import end_pauses
from digest.store.secrets import hash_address
from digest.timetable import make_pacer, permit_now, plan_deliveries, reader_timezones, when_to_go_on

logger = logging.getLogger("digest")

RETRY_AFTER_FAILURE = timedelta(minutes=5)
"""How long an issue rests that could not be rendered or whose mail server could not be reached."""
_OPEN = (DeliveryState.QUEUED, DeliveryState.CLAIMED, DeliveryState.WIRE, DeliveryState.DEFERRED)


@dataclass(frozen=True, kw_only=True)
class Observer:
    """Who wants to watch a send."""

    on_begin: Callable[[Issue, int], None] = field(default=lambda _issue, _waiting: None)
    """Told, before the first message, how many deliveries are waiting."""
    on_results: Callable[[Sequence[DeliveryResult]], None] = field(default=lambda _: None)
    """Told of results once they are committed, a group at a time."""


@dataclass(frozen=True, kw_only=True)
class SendReport:
    """How sending one issue went, this time."""

    issue: Issue
    """As it stands now."""
    counts: Mapping[DeliveryState, int]
    """Its deliveries by state."""

    @property
    def waiting(self) -> int:
        """Deliveries that have not ended."""
        return sum(self.counts[state] for state in _OPEN)


def tick(app: App, newsletter: NewsletterSettings, *, stop: Event, observer: Observer) -> Iterator[SendReport]:
    """Do everything that is due for one newsletter, and report each issue that was worked on."""
    now = app.clock.now()
    _release_dead_holders(app, newsletter)
    settle_stopped_issues(app.database, newsletter.slug, boot=app.clock.boot(), now=now)
    for issue in list_resumable(app.database, newsletter.slug, boot=app.clock.boot(), now=now):
        if stop.is_set():
            return
        if report := _resume(app, newsletter, issue, stop=stop, observer=observer):
            yield report
    due = _find_due(app, newsletter, now)
    _record_too_late(app, newsletter, due.too_late, overtaken_by=due.in_time, now=now)
    if due.in_time is not None and not stop.is_set():
        report = begin_edition(app, newsletter, due.in_time, origin="schedule", stop=stop, observer=observer)
        if report is not None:
            yield report


def list_due(app: App, newsletter: NewsletterSettings) -> tuple[date, ...]:
    """The editions that a tick would send at this moment; nothing is changed."""
    now = app.clock.now()
    resumable = list_resumable(app.database, newsletter.slug, boot=app.clock.boot(), now=now)
    due = _find_due(app, newsletter, now).in_time
    going_on = (issue.edition for issue in resumable if issue.deadline >= now)
    return (*going_on, *([due.edition] if due else ()))


def _find_due(app: App, newsletter: NewsletterSettings, now: datetime) -> DueEditions:
    known, last_scheduled = list_editions(app.database, newsletter.slug)
    return due_editions(
        newsletter.due,
        app.settings.timezone_of(newsletter),
        known=known,
        last_scheduled=last_scheduled,
        now=now,
        catch_up=_catch_up(app),
        readers=reader_timezones(app, newsletter),
    )


def begin_edition(
    app: App,
    newsletter: NewsletterSettings,
    occurrence: Occurrence,
    *,
    origin: Origin,
    stop: Event,
    observer: Observer,
    force_unsafe: bool = False,
    only: str = "",
) -> SendReport | None:
    """Claim an edition and send it; None where another process has it or it has ended.

    One begun by hand may be sent for the catch-up time from now on, one of the schedule from when it was due. One in
    which the check finds errors is held, unless it is forced.

    Raises:
        DigestError: it could not be published or sent now; it is resumed later.
    """
    _release_dead_holders(app, newsletter)
    deadline = (app.clock.now() if origin == "manual" else occurrence.due_at) + _catch_up(app)
    lease = _claim(app, newsletter, occurrence, origin=origin, deadline=deadline)
    if lease is None:
        return None
    return _carry_out(app, newsletter, lease, stop=stop, observer=observer, force_unsafe=force_unsafe, only=only)


def _claim(
    app: App, newsletter: NewsletterSettings, occurrence: Occurrence, *, origin: Origin, deadline: datetime
) -> Lease | None:
    return claim_issue(
        app.database,
        newsletter.slug,
        occurrence,
        origin=origin,
        deadline=deadline,
        owner=name_this_process(),
        boot=app.clock.boot(),
        now=app.clock.now(),
    )


def _release_dead_holders(app: App, newsletter: NewsletterSettings) -> None:
    """Let go of issues whose sender was killed on this machine: their leases need not run out first."""
    for lease in list_leases(app.database, newsletter.slug, boot=app.clock.boot()):
        if has_died(lease.owner) and release_dead_holder(app.database, lease):
            logger.warning("%s: a sender died (%s); its issue goes on here", newsletter.slug, lease.owner)


def _resume(
    app: App, newsletter: NewsletterSettings, issue: Issue, *, stop: Event, observer: Observer
) -> SendReport | None:
    if issue.deadline < app.clock.now():
        expired = expire_issue(app.database, issue.id, boot=app.clock.boot(), now=app.clock.now())
        return _report(app, issue.id) if expired else None
    occurrence = Occurrence(edition=issue.edition, due_at=issue.scheduled_at)
    lease = _claim(app, newsletter, occurrence, origin=issue.origin, deadline=issue.deadline)
    return None if lease is None else _carry_out(app, newsletter, lease, stop=stop, observer=observer)


def _record_too_late(
    app: App,
    newsletter: NewsletterSettings,
    too_late: tuple[Occurrence, ...],
    *,
    overtaken_by: Occurrence | None,
    now: datetime,
) -> None:
    limit = app.settings.delivery.catch_up_hours
    for occurrence in too_late:
        is_in_time = now - occurrence.due_at < _catch_up(app)
        overtaken = f"overtaken by the edition of {overtaken_by.edition}" if overtaken_by else ""
        reason = overtaken if is_in_time and overtaken else f"due more than {limit} h ago, while nothing was running"
        record_skipped(app.database, newsletter.slug, occurrence, reason=reason, now=now)
        logger.warning("%s %s skipped: %s", newsletter.slug, occurrence.edition, reason)


def _carry_out(
    app: App,
    newsletter: NewsletterSettings,
    lease: Lease,
    *,
    stop: Event,
    observer: Observer,
    force_unsafe: bool = False,
    only: str = "",
) -> SendReport:
    """Publish a claimed issue unless it is frozen already, send what is due, and end it, hold it or let it go."""
    resume_at: datetime | None = None
    failure = ""
    try:
        issue = _publish(app, newsletter, lease, force_unsafe=force_unsafe, only=only)
        if issue.state is IssueState.SENDING:
            _send(app, newsletter, issue, lease, stop=stop, observer=observer)
            resume_at = _conclude(app, newsletter, lease, stop=stop)
    except UnsafeIssueError as error:
        hold_issue(app.database, lease, reason=str(error), boot=app.clock.boot())
        report_held(app, newsletter, get_issue_by_id(app.database, lease.issue_id))
    except SenderAtFaultError as error:
        pause_own_issue(app.database, lease, reason=str(error), boot=app.clock.boot())
        report_paused(app, newsletter, get_issue_by_id(app.database, lease.issue_id))
    except LeaseLostError as error:
        logger.warning("%s: %s", newsletter.slug, error)
    except Exception as error:
        # Of whatever kind: an issue that may go on at once is begun again within half a second.
        resume_at, failure = app.clock.now() + RETRY_AFTER_FAILURE, str(error)
        raise
    finally:
        release_lease(app.database, lease, resume_at=resume_at, now=app.clock.now(), failure=failure)
    return _report(app, lease.issue_id)


def _publish(app: App, newsletter: NewsletterSettings, lease: Lease, *, force_unsafe: bool, only: str) -> Issue:
    """The issue with its contents frozen, or skipped where it has too few articles."""
    issue = get_issue_by_id(app.database, lease.issue_id)
    if issue.frozen_at is not None:
        return issue
    end_pauses(app.database, now=app.clock.now())
    edition, reading = app.open_edition(newsletter, issue.edition)
    for refused in reading.refused if reading else ():
        logger.warning("%s: an article of the source was left out: %s", newsletter.slug, refused)
    renew_lease(app.database, lease, boot=app.clock.boot())  # reading may have taken its time
    draft = compose_edition(app.database, edition)
    boot, now = app.clock.boot(), app.clock.now()
    if draft.has_enough_articles:
        queued = publish_draft(
            app.database,
            lease,
            draft,
            app.workshop,
            boot=boot,
            now=now,
            force_unsafe=force_unsafe,
            keep_lease=lambda: renew_lease(app.database, lease, boot=app.clock.boot()),
            on_queued=lambda: _settle_queue(app, newsletter, issue, only),
        )
        logger.info("%s %s published for %d subscribers", newsletter.slug, issue.edition, queued)
    else:
        state = IssueState.SKIPPED
        finish_issue(app.database, lease, state=state, reason=draft.shortage, boot=boot, now=now)
        logger.warning("%s %s skipped: %s", newsletter.slug, issue.edition, draft.shortage)
    return get_issue_by_id(app.database, lease.issue_id)


def _settle_queue(app: App, newsletter: NewsletterSettings, issue: Issue, only: str) -> None:
    """Leave in a new queue whom a filter finds, where there is one, and say when each of them may go."""
    if only:
        condition = compile_filter(app.database, only, now=app.clock.now())
        keep_deliveries(app.database, issue.id, condition, only)
    plan_deliveries(app, newsletter, issue)


def _send(
    app: App, newsletter: NewsletterSettings, issue: Issue, lease: Lease, *, stop: Event, observer: Observer
) -> None:
    """Hand over what may go now."""
    permit = permit_now(app, newsletter, issue)
    if permit.allowance == 0:
        return
    observer.on_begin(issue, _count_waiting(app, issue.id))
    delivery = app.settings.delivery
    signer = load_signer(app.settings, newsletter)
    frozen = letterhead_of_issue(app.database, issue, app.key)
    letterhead = address_letterhead(
        frozen, delivery, is_automatic=issue.origin == "schedule", link_key=app.keyring.signing
    )
    send_deliveries(
        Sending(
            database=app.database,
            lease=lease,
            clock=app.clock,
            transport=app.transport,
            packer=make_packer(letterhead, signer=signer, clock=app.clock, connections=delivery.connections),
            connections=delivery.connections,
            pacer=make_pacer(delivery),
            limits=Limits(deadline=permit.until, allowance=permit.allowance, stop=stop),
            judgement=Judgement(random=app.random, hash_address=lambda address: hash_address(app.key, address)),
            on_results=observer.on_results,
        )
    )


def _conclude(app: App, newsletter: NewsletterSettings, lease: Lease, *, stop: Event) -> datetime | None:
    """End the issue where every delivery has ended, or tell when to go on."""
    if _count_waiting(app, lease.issue_id) == 0:
        boot, now = app.clock.boot(), app.clock.now()
        finish_issue(app.database, lease, state=IssueState.SENT, reason="", boot=boot, now=now)
        return None
    return None if stop.is_set() else when_to_go_on(app, newsletter, get_issue_by_id(app.database, lease.issue_id))


def _count_waiting(app: App, issue_id: int) -> int:
    counts = count_deliveries(app.database, issue_id)
    return sum(counts[state] for state in _OPEN)


def _report(app: App, issue_id: int) -> SendReport:
    return SendReport(issue=get_issue_by_id(app.database, issue_id), counts=count_deliveries(app.database, issue_id))


def _catch_up(app: App) -> timedelta:
    return timedelta(hours=app.settings.delivery.catch_up_hours)
