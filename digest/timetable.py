"""When an issue's messages may go: its readers' own hours, the hours of sending, and the warm-up of a new address."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from digest.app import App
from digest.deliver.pace import Pacer, rates_by_lane
from digest.deliver.plan import days_needed, is_open, next_closing, next_day, next_opening, remaining, start_of_day
from digest.schedule import reader_moments
from digest.settings import DeliverySettings, NewsletterSettings
from digest.store.issues import Issue
from digest.store.leases import extend_deadline
from digest.store.ledger import next_attempt_at
from digest.store.pacing import count_sent_since, count_waiting, list_timezones, set_opening_times


@dataclass(frozen=True, kw_only=True)
class Permit:
    """Whether messages may go now, and for how long."""

    until: datetime
    """Nothing is handed over after this moment; the present one where nothing may go at all."""
    allowance: int | None
    """How many messages may go until then; None for all."""
    next_at: datetime | None = None
    """When messages may go again, where none may now."""


def permit_now(app: App, newsletter: NewsletterSettings, issue: Issue) -> Permit:
    """What the settings allow at this moment."""
    now, timezone = app.clock.now(), app.settings.timezone_of(newsletter)
    hours, plan = app.settings.delivery.sending_hours, app.settings.delivery.warm_up
    if not is_open(hours, now, timezone):
        return Permit(until=now, allowance=0, next_at=next_opening(hours, now, timezone))
    sent_today = count_sent_since(app.database, start_of_day(now, timezone)) if plan else 0
    allowance = remaining(plan, sent_today, now, timezone)
    tomorrow = next_day(now, timezone)
    if allowance == 0:
        return Permit(until=now, allowance=0, next_at=next_opening(hours, tomorrow, timezone))
    # What is allowed today is not what tomorrow allows, so a permit of a plan ends with its day.
    ends = (issue.deadline, next_closing(hours, now, timezone), None if allowance is None else tomorrow)
    return Permit(until=min(end for end in ends if end is not None), allowance=allowance)


def when_to_go_on(app: App, newsletter: NewsletterSettings, issue: Issue) -> datetime | None:
    """When the rest of an issue is to be sent, seen from now; None where some of it may go at once."""
    permit = permit_now(app, newsletter, issue)
    due = next_attempt_at(app.database, issue.id)
    due_at = None if due is None else datetime.fromtimestamp(due, UTC)
    moments = [moment for moment in (permit.next_at, due_at) if moment is not None]
    return max(moments, default=None)


def make_pacer(delivery: DeliverySettings) -> Pacer:
    """How fast messages may go; a folder is nobody's server, so the limits of providers do not count for it."""
    is_folder = delivery.transport in {"maildir", "files"}
    return Pacer(delivery.rate, {} if is_folder else rates_by_lane(delivery.domain_rates))


def reader_timezones(app: App, newsletter: NewsletterSettings) -> frozenset[str]:
    """The timezones by whose clocks a newsletter is sent; none where it goes to all at once."""
    return list_timezones(app.database, newsletter.slug) if newsletter.local_time else frozenset()


def plan_deliveries(app: App, newsletter: NewsletterSettings, issue: Issue) -> None:
    """Say when each queued row of a new issue may go, and move its deadline behind the last.

    In one transaction with the queueing. An issue that was begun by hand goes to all at once.
    """
    now, timezone = app.clock.now(), app.settings.timezone_of(newsletter)
    last = now
    if newsletter.local_time and issue.origin == "schedule":
        moments = reader_moments(issue.edition, newsletter.due.at, timezone, reader_timezones(app, newsletter))
        set_opening_times(app.database, issue.id, moments)
        last = max(moments.values())
    plan = app.settings.delivery.warm_up
    if plan is not None:
        sent_today = count_sent_since(app.database, start_of_day(now, timezone))
        ahead = count_waiting(app.database)  # the new rows, and those of issues that are not through yet
        last += timedelta(days=days_needed(plan, ahead, now, sent_today, timezone) - 1)
    last = next_opening(app.settings.delivery.sending_hours, last, timezone)
    if last > now:
        extend_deadline(app.database, issue.id, last + timedelta(hours=app.settings.delivery.catch_up_hours))
