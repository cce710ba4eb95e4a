"""`digest issues resolve`: what became of messages that may or may not have been delivered."""

import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import date
from io import BufferedReader
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from digest.cli.chosen_issue import catch_up, edition_argument, message_ids, require_issue
from digest.cli.output import count_of, print_json, print_table
from digest.cli.workspace import WorkspaceCommand, choose_newsletter, json_option, newsletter_option, open_workspace

if TYPE_CHECKING:
    from datetime import tzinfo

    from digest.app import App
    from digest.replies.server_log import LogFile, LogReport
    from digest.store.issues import Issue
    from digest.store.uncertain import Decision, UncertainRow

_GZIP = b"\x1f\x8b"


@click.command(cls=WorkspaceCommand)
@edition_argument
@click.argument("addresses", nargs=-1, metavar="[ADDRESS]...")
@newsletter_option
@click.option("--as-sent", is_flag=True, help="They were delivered.")
@click.option("--resend", is_flag=True, help="Send them again; with --from-log only those the log proves absent.")
@click.option(
    "--from-log",
    "logs",
    multiple=True,
    metavar="FILE",
    help="Let the mail server's log decide; several times for several files, - for standard input.",
)
@json_option
def resolve(
    edition: date,
    addresses: tuple[str, ...],
    newsletter: str | None,
    as_sent: bool,
    resend: bool,
    logs: tuple[str, ...],
    as_json: bool,
) -> None:
    """Decide about uncertain messages.

    Of everyone, or of the given addresses. A message is uncertain when the sender or the connection died while it was
    being handed over: the server may have it or not. Its log tells: --from-log reads that of Postfix, Exim or KumoMTA,
    plain or .gz, and settles what it finds. By hand, without a log, --resend may give some people two.

    \b
    Example:
      digest issues resolve 2019-04-08 --from-log /var/log/mail.log.1 --from-log /var/log/mail.log
      digest issues resolve 2019-04-08 --from-log /var/log/mail.log --resend
      digest issues resolve 2019-04-08 --as-sent
      digest issues resolve 2019-04-08 --resend kim@example.com
    """
    if as_sent and (resend or logs):
        raise click.UsageError("--as-sent goes with neither --resend nor --from-log")
    if not (as_sent or resend or logs):
        raise click.UsageError("say --from-log FILE, --as-sent or --resend")
    if as_json and not logs:
        raise click.UsageError("--json goes with --from-log")
    from digest.address import normalise_address

    wanted = [normalise_address(address) for address in addresses]
    with open_workspace() as app:
        chosen, _ = choose_newsletter(app, newsletter)
        issue = require_issue(app, chosen, edition)
        if logs:
            _resolve_from_log(app, issue, logs, wanted, resend=resend, as_json=as_json)
        else:
            _resolve_by_hand(app, issue, wanted, as_sent=as_sent)


def _resolve_by_hand(app: "App", issue: "Issue", addresses: Sequence[str], *, as_sent: bool) -> None:
    from digest.store.uncertain import reopen_issue, resolve_uncertain

    now = app.clock.now()
    with app.database.transaction():
        resolved = resolve_uncertain(app.database, issue.id, as_sent=as_sent, addresses=addresses, now=now)
        if resolved and not as_sent:
            reopen_issue(app.database, issue.id, deadline=now + catch_up(app))
    if not resolved:
        click.echo(_nothing_uncertain(issue, addresses))
    elif as_sent:
        click.echo(f"{count_of(resolved, 'message')} of {_name(issue)} settled as sent")
    else:
        click.echo(_queued_again(issue, resolved))


def _name(issue: "Issue") -> str:
    return f"{issue.newsletter} {issue.edition}"


def _nothing_uncertain(issue: "Issue", addresses: Sequence[str]) -> str:
    return f"{_name(issue)} has no uncertain message{' to these addresses' if addresses else ''}"


def _queued_again(issue: "Issue", count: int) -> str:
    by_hand = f"`digest send {issue.newsletter} --date {issue.edition}`"
    return f"{count_of(count, 'message')} of {_name(issue)} queued again; {by_hand} or the service sends them"


@dataclass(frozen=True, kw_only=True)
class _Finding:
    """What the log says about one uncertain message, and what follows."""

    row: "UncertainRow"
    message_id: str
    log: str
    """What the log says."""
    is_proven_absent: bool
    decision: "Decision | None"
    """None where the message stays uncertain."""

    @property
    def becomes(self) -> str:
        return str(self.decision.state) if self.decision else "uncertain"


def _resolve_from_log(
    app: "App", issue: "Issue", logs: Sequence[str], addresses: Sequence[str], *, resend: bool, as_json: bool
) -> None:
    from digest.store.uncertain import list_uncertain, reopen_issue, settle_uncertain

    rows = list_uncertain(app.database, issue.id, addresses=addresses)
    findings = _find(app, issue, rows, logs, resend=resend) if rows else []
    decisions = [finding.decision for finding in findings if finding.decision is not None]
    now = app.clock.now()
    with app.database.transaction():
        settle_uncertain(app.database, issue.id, decisions, now=now)
        if any(decision.state == "queued" for decision in decisions):
            reopen_issue(app.database, issue.id, deadline=now + catch_up(app))
    if as_json:
        print_json([_describe(finding) for finding in findings])
    elif findings:
        _print_findings(issue, findings, resend=resend)
    else:
        click.echo(_nothing_uncertain(issue, addresses))


def _find(
    app: "App", issue: "Issue", rows: "Sequence[UncertainRow]", logs: Sequence[str], *, resend: bool
) -> list[_Finding]:
    from digest.replies.server_log import search_logs, why_unproven
    from digest.store.uncertain import list_witnesses

    message_id = message_ids(app, issue)
    others = list_witnesses(app.database, issue.id)
    wanted = {message_id(other.subscriber_id): other.address for other in others}
    wanted |= {message_id(row.subscriber_id): row.address for row in rows}
    with _opened(logs) as opened:
        report = search_logs(opened, wanted, now=app.clock.now(), timezone=_local_timezone())
    witnesses = {message_id(other.subscriber_id): other.sent_at for other in others}
    begin = issue.frozen_at or issue.started_at
    findings = []
    for row in rows:
        unproven = why_unproven(report, begin=begin, end=row.updated_at, witnesses=witnesses)
        findings.append(_judge(report, row, message_id(row.subscriber_id), unproven, resend=resend))
    return findings


def _judge(report: "LogReport", row: "UncertainRow", message_id: str, unproven: str, *, resend: bool) -> _Finding:
    from digest.model import DeliveryState
    from digest.replies.log_line import Step
    from digest.store.uncertain import Decision

    trace = report.taken(message_id)
    if trace is not None:
        log = ": ".join(filter(None, (trace.step.name.lower(), trace.words)))
        state = DeliveryState.FAILED if trace.step is Step.BOUNCED else DeliveryState.SENT
        decision = Decision(delivery_id=row.id, state=state, code=trace.code, words=log)
        return _Finding(row=row, message_id=message_id, log=log, is_proven_absent=False, decision=decision)
    seen = "begun, and not taken" if message_id in report.traces else "not in the log"
    again = Decision(delivery_id=row.id, state=DeliveryState.QUEUED, words=f"{seen}, to be sent again")
    return _Finding(
        row=row,
        message_id=message_id,
        log=f"{seen}, which proves nothing: {unproven}" if unproven else f"{seen}: the server never took it",
        is_proven_absent=not unproven,
        decision=again if resend and not unproven else None,
    )


def _local_timezone() -> "tzinfo":
    """That of this machine: most logs are read where they were written, and name none."""
    from tzlocal import get_localzone

    return get_localzone()


@contextmanager
def _opened(logs: Sequence[str]) -> "Iterator[list[LogFile]]":
    """The logs, unpacked where they are gzip, whatever their names; what is wrong with one is an error of ours."""
    import zlib
    from gzip import GzipFile

    from digest.errors import SourceError

    with ExitStack() as stack:
        opened: list[LogFile] = []
        try:
            for name in logs:
                raw = _standard_input() if name == "-" else stack.enter_context(Path(name).open("rb"))
                is_packed = raw.peek(len(_GZIP)).startswith(_GZIP)
                opened.append(stack.enter_context(GzipFile(fileobj=raw)) if is_packed else raw)
            yield opened
        except (OSError, EOFError, zlib.error) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise SourceError(f"{', '.join(logs)}: a log cannot be read to its end ({reason})") from error


def _standard_input() -> BufferedReader:
    """As a buffer that can be looked into, whatever stands in its place."""
    stream: Any = sys.stdin.buffer
    return stream if isinstance(stream, BufferedReader) else BufferedReader(stream)


def _describe(finding: _Finding) -> dict[str, str]:
    from digest.address import shorten_address

    return {
        "address": shorten_address(finding.row.address),
        "message_id": finding.message_id,
        "log": finding.log.replace(finding.row.address, shorten_address(finding.row.address)),
        "state": finding.becomes,
    }


def _print_findings(issue: "Issue", findings: Sequence[_Finding], *, resend: bool) -> None:
    rows = [(told["address"], told["state"], told["log"]) for told in map(_describe, findings)]
    print_table(("address", "now", "the log says"), rows)
    left = sum(finding.decision is None for finding in findings)
    queued = sum(finding.becomes == "queued" for finding in findings)
    settled = len(findings) - left - queued
    if settled:
        click.echo(f"{count_of(settled, 'message')} of {_name(issue)} settled by the log")
    if queued:
        click.echo(_queued_again(issue, queued))
    if left:
        absent = sum(finding.is_proven_absent for finding in findings)
        hint = f"; --resend beside --from-log queues {absent:,} of them again" if absent and not resend else ""
        click.echo(f"{count_of(left, 'message')} still uncertain{hint}")
