"""`digest send`: what is due, or one issue by hand."""

import logging
from datetime import date
from typing import TYPE_CHECKING, Any

import click

from digest.cli.output import ask, count_of, print_json
from digest.cli.progress import SendProgress
from digest.cli.rehearse import rehearse_due, rehearse_edition
from digest.cli.workspace import (
    WorkspaceCommand,
    choose_newsletter,
    date_option,
    json_option,
    open_edition,
    open_workspace,
)

if TYPE_CHECKING:
    from threading import Event

    from digest.app import App
    from digest.settings import NewsletterSettings
    from digest.store.issues import Issue
    from digest.tick import SendReport


@click.command(cls=WorkspaceCommand)
@click.argument("newsletter", required=False)
@date_option
@click.option("--due", is_flag=True, help="Send whatever is due, of all newsletters or of one; for cron.")
@click.option("--test", "addresses", multiple=True, metavar="ADDRESS", help="Only to these; the ledger is not touched.")
@click.option("--to", "only", default="", metavar="EXPR", help='Only to readers whom a filter finds: "tag=vip".')
@click.option("--force-unsafe", is_flag=True, help="Send it although the check finds errors; this is recorded.")
@click.option("--dry-run", is_flag=True, help="Do all but hand over.")
@click.option("--yes", "-y", is_flag=True, help="Do not ask.")
@json_option
def send(
    newsletter: str | None,
    edition: date | None,
    due: bool,
    addresses: tuple[str, ...],
    only: str,
    force_unsafe: bool,
    dry_run: bool,
    yes: bool,
    as_json: bool,
) -> None:
    """Send an issue to its subscribers, or what is due.

    The edition is today's by default; one that was stopped goes on. Started twice, by hand or by cron beside the
    service, it still sends once. Nobody gets an issue twice.

    \b
    Example:
      digest send weekly --test me@example.com      look at it in your own mailbox first
      digest send weekly --yes                      then to everyone
      digest send weekly --to "tag=vip"             or to some; nobody else gets this issue
      digest send --due                             from cron, every few minutes
      digest send --due --dry-run                   what that would send now
    """
    if due and (edition or addresses or force_unsafe):
        raise click.UsageError("--due goes with neither --date, --test nor --force-unsafe")
    if only and (due or addresses or dry_run):
        raise click.UsageError("--to goes with neither --due, --test nor --dry-run; `digest subscribers count` counts")
    if addresses and dry_run:
        raise click.UsageError("--test hands messages over and --dry-run does not; choose one")
    _say_warnings()
    with open_workspace() as app:
        if due:
            (rehearse_due if dry_run else _send_due)(app, newsletter, as_json=as_json)
            return
        chosen, _ = choose_newsletter(app, newsletter)
        edition = edition or app.today(chosen)
        if addresses:
            _send_test(app, chosen, edition, addresses, as_json=as_json)
        elif dry_run:
            rehearse_edition(app, chosen, edition, as_json=as_json)
        else:
            _require_new(app, chosen, edition, only)
            _send_one(app, chosen, edition, yes=yes, as_json=as_json, force_unsafe=force_unsafe, only=only)


def _say_warnings() -> None:
    """What the program warns of (an issue skipped, an article left out) is said on stderr, a line each."""
    logger = logging.getLogger("digest")
    if not any(isinstance(handler, _StderrLines) for handler in logger.handlers):
        logger.addHandler(_StderrLines(logging.WARNING))


class _StderrLines(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        """Print the message."""
        click.echo(f"digest: {record.getMessage()}", err=True)


def _send_due(app: "App", slug: str | None, *, as_json: bool) -> None:
    from digest.service import stop_on_signals, tick_all

    slugs = (app.settings.newsletter(slug).slug,) if slug else ()
    failures: list[tuple[str, Exception]] = []
    reports = []
    with stop_on_signals() as stop, SendProgress() as progress:
        for report in tick_all(
            app,
            stop=stop,
            observer=progress.observer,
            slugs=slugs,
            on_failure=lambda name, error: failures.append((name, error)),
        ):
            progress.finish()
            reports.append(report)
            if not as_json and not _is_unsent(report):
                _print_report(report)
    if as_json:
        print_json([report_to_json(report) for report in reports])
    elif not reports and not failures:
        click.echo("Nothing is due.")
    for name, error in failures:
        click.echo(f"digest: {name}: {error}", err=True)
    if failures or any(report.issue.state == "held" for report in reports):
        raise click.exceptions.Exit(1)


def _require_new(app: "App", newsletter: "NewsletterSettings", edition: date, only: str) -> None:
    """A filter chooses whom an issue is queued for, so it comes too late for one that is queued."""
    from digest.errors import IssueError
    from digest.store.issues import get_issue

    issue = get_issue(app.database, newsletter.slug, edition)
    if only and issue is not None and issue.frozen_at is not None:
        raise IssueError(f"{newsletter.slug} {edition} is {issue.state} and queued already; --to comes before that")


def _send_one(
    app: "App",
    newsletter: "NewsletterSettings",
    edition: date,
    *,
    yes: bool,
    as_json: bool,
    force_unsafe: bool,
    only: str,
) -> None:
    from digest.errors import DigestError
    from digest.service import stop_on_signals

    readers = _count_chosen(app, newsletter, only) if only else None
    if readers == 0:
        raise DigestError(f"{only!r} finds no reader of {newsletter.slug} who may be mailed; nothing was sent")
    if not yes:
        _confirm(app, newsletter, edition, readers)
    with stop_on_signals() as stop, SendProgress() as progress:
        report = _begin(app, newsletter, edition, stop, progress, force_unsafe=force_unsafe, only=only)
    if as_json:
        print_json(report_to_json(report))
    elif not _is_unsent(report):
        _print_report(report)
    if _is_unsent(report):
        raise click.exceptions.Exit(1)


def _is_unsent(report: "SendReport") -> bool:
    """Whether it ended without being sent; the warning that came with it has said why."""
    return report.issue.state in ("held", "skipped", "failed", "cancelled")


def _begin(
    app: "App",
    newsletter: "NewsletterSettings",
    edition: date,
    stop: "Event",
    progress: SendProgress,
    *,
    force_unsafe: bool,
    only: str,
) -> "SendReport":
    from digest.errors import IssueError
    from digest.schedule import occurrence_on
    from digest.store.issues import get_issue, reopen_unsent
    from digest.tick import begin_edition

    reopen_unsent(app.database, newsletter.slug, edition)
    occurrence = occurrence_on(newsletter.due, edition, app.settings.timezone_of(newsletter))
    report = begin_edition(
        app,
        newsletter,
        occurrence,
        origin="manual",
        stop=stop,
        observer=progress.observer,
        force_unsafe=force_unsafe,
        only=only,
    )
    if report is not None:
        return report
    issue = get_issue(app.database, newsletter.slug, edition)
    raise IssueError(_why_not(newsletter.slug, edition, issue))


def _why_not(slug: str, edition: date, issue: "Issue | None") -> str:
    state = issue.state if issue else "gone"
    advice = {
        "sending": "another process is sending it at this moment",
        "paused": f"go on with `digest issues resume {edition}`",
        "sent": f"`digest issues show {edition}` tells to whom",
    }.get(state, issue.reason if issue else "")
    return f"{slug} {edition} is {state}; {advice}".rstrip("; ")


def _count_chosen(app: "App", newsletter: "NewsletterSettings", only: str) -> int:
    """Readers of the newsletter whom a filter finds; one that cannot be read is refused here."""
    from digest.cli.filters import compile_expression
    from digest.store.filters import count_people

    compile_expression(app, only)
    readers = f"({only}) and newsletter={newsletter.slug} and state=active and paused=no"
    return sum(count_people(app.database, compile_expression(app, readers)).values())


def _confirm(app: "App", newsletter: "NewsletterSettings", edition: date, chosen: int | None) -> None:
    from digest.dry_run import count_recipients
    from digest.proof import make_proof
    from digest.store.issues import get_issue

    issue = get_issue(app.database, newsletter.slug, edition)
    if issue is not None and issue.frozen_at is not None:
        ask(f"Go on with {newsletter.slug} {edition} ({issue.state})?")
        return
    opened = open_edition(app, newsletter, edition)
    proof = make_proof(app.database, opened, app.workshop)
    readers = count_recipients(app.database, opened, app.workshop, proof) if chosen is None else chosen
    ask(f"Subject: {proof.subject}\nSend {newsletter.slug} {edition} to {count_of(readers, 'subscriber')}?")


def _send_test(
    app: "App", newsletter: "NewsletterSettings", edition: date, addresses: tuple[str, ...], *, as_json: bool
) -> None:
    from digest.address import normalise_address
    from digest.deliver.apart import send_apart
    from digest.deliver.letters import write_message
    from digest.deliver.press import address_letterhead, make_seal
    from digest.proof import example_reader, make_proof

    checked = [normalise_address(address) for address in addresses]
    proof = make_proof(app.database, open_edition(app, newsletter, edition), app.workshop)
    readers = [example_reader(proof.letterhead, address) for address in checked]
    seal = make_seal(app.settings, newsletter, app.clock)
    letterhead = address_letterhead(proof.letterhead, app.settings.delivery, is_automatic=False)
    messages = [seal(write_message(letterhead, proof.variant, reader)) for reader in readers]
    outcomes = [
        {"address": reader.address, "state": str(outcome.state), "reply": outcome.reply}
        for reader, outcome in zip(readers, send_apart(app.transport, messages), strict=True)
    ]
    if as_json:
        print_json(outcomes)
    else:
        for outcome in outcomes:
            click.echo(f"{outcome['address']}: {outcome['state']}: {outcome['reply']}")
    if any(outcome["state"] != "sent" for outcome in outcomes):
        raise click.exceptions.Exit(1)


def report_to_json(report: "SendReport") -> dict[str, Any]:
    """How sending went, as plain JSON values."""
    issue = report.issue
    return {
        "newsletter": issue.newsletter,
        "edition": issue.edition.isoformat(),
        "state": str(issue.state),
        "reason": issue.reason,
        "resume_at": issue.resume_at and issue.resume_at.isoformat(),
        "deliveries": {str(state): count for state, count in report.counts.items()},
    }


def _print_report(report: "SendReport") -> None:
    from digest.model import count_in_words

    issue = report.issue
    figures = count_in_words(report.counts) or issue.reason or "no subscribers"
    click.echo(f"{issue.newsletter} {issue.edition} is {issue.state}: {figures}")
    if issue.resume_at is not None:
        click.echo(f"goes on at {issue.resume_at:%Y-%m-%d %H:%M} UTC by `digest run` or `digest send --due`")
    if report.counts["uncertain"]:  # type: ignore[index]  # a StrEnum is its word
        click.echo(
            f"uncertain messages are never sent again by themselves: `digest issues show {issue.edition}` lists them, "
            f"`digest issues resolve {issue.edition}` decides"
        )
