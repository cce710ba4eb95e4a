"""`digest bounces process`: acting upon returned mail, from the mailbox of the settings, from files, or from a pipe."""

import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from digest.cli.output import count_of, print_json, print_table
from digest.cli.workspace import WorkspaceCommand, json_option, open_workspace
from digest.errors import DigestError

if TYPE_CHECKING:
    from digest.app import App
    from digest.mailbox.mailbox import Mailbox
    from digest.returns.act import Act
    from digest.returns.intake import Handled

_STDIN = "-"
_TRY_AGAIN = 75
"""EX_TEMPFAIL of sysexits.h: a mail server keeps the message and hands it over again."""


@click.command(cls=WorkspaceCommand)
@click.argument("sources", nargs=-1, metavar="[SOURCE]...")
@click.option("--dry-run", is_flag=True, help="Say what would follow, and change nothing.")
@json_option
def process(sources: tuple[str, ...], dry_run: bool, as_json: bool) -> None:
    """Act upon bounces, complaints and requests to leave.

    Each SOURCE is a Maildir, an mbox or a file with one message, all of which stay as they are; - is one message on
    standard input, as mail servers hand it over. Without a SOURCE the mailbox of [inbound] is read. The same message a
    second time changes nothing.

    A mail server that pipes messages here is told by exit code 75 to try again later.

    \b
    Example:
      digest bounces process
      digest bounces process old-bounces.mbox --dry-run
    """
    if _STDIN in sources:
        if len(sources) > 1:
            raise click.UsageError("- goes alone")
        _process_pipe(dry_run=dry_run, as_json=as_json)
        return
    with open_workspace() as app:
        found: list[Handled] = []
        try:
            for handled in _take_in(app, sources, dry_run=dry_run):
                found.append(handled)  # noqa: PERF402 - what was handled before a failure is shown
        except DigestError:
            if found:
                _print(found, as_json=as_json, dry_run=dry_run)
            raise
        _print(found, as_json=as_json, dry_run=dry_run)
        _tell_operator(app, dry_run=dry_run)


def _process_pipe(*, dry_run: bool, as_json: bool) -> None:
    """A message that a mail server hands over must not be lost, whatever is wrong here: it comes again."""
    from digest.mailbox.single import SingleMessage, read_pipe

    content = read_pipe(sys.stdin.buffer)
    try:
        from digest.returns.intake import take_in

        with open_workspace() as app:
            box = SingleMessage(name="standard input", content=content)
            handled = list(take_in(app, box, dry_run=dry_run))
            _tell_operator(app, dry_run=dry_run)
    except Exception as error:
        if click.get_current_context().find_root().params["debug"]:
            raise
        click.echo(f"digest: {error}", err=True)
        sys.exit(_TRY_AGAIN)
    if any(each.problem for each in handled):
        sys.exit(_TRY_AGAIN)
    _print(handled, as_json=as_json, dry_run=dry_run)


def _take_in(app: "App", sources: tuple[str, ...], *, dry_run: bool) -> "Iterator[Handled]":
    from digest.returns.intake import take_in

    for source in sources or (None,):
        with _open(app, source, dry_run=dry_run) as mailbox:
            yield from take_in(app, mailbox, dry_run=dry_run)


@contextmanager
def _open(app: "App", source: str | None, *, dry_run: bool) -> "Iterator[Mailbox]":
    from digest.mailbox.open_mailbox import open_mailbox, open_path

    if source is not None:
        yield open_path(Path(source))
        return
    settings = app.settings.inbound
    with open_mailbox(
        settings.model_copy(update={"after": "keep"}) if dry_run else settings, app.settings.folder
    ) as box:
        yield box


def _tell_operator(app: "App", *, dry_run: bool) -> None:
    from digest.alarm import report_refusals

    if not dry_run:
        report_refusals(app)


def _print(found: "list[Handled]", *, as_json: bool, dry_run: bool) -> None:
    if as_json:
        print_json({"dry_run": dry_run, "messages": [_to_json(handled) for handled in found]})
        return
    if not found:
        click.echo("No returned mail")
        return
    rows = Counter((str(act.report.kind), act.report.reason, str(act.deed)) for each in found for act in each.acts)
    if rows:
        counted = ((kind, reason.replace("_", " "), deed, count) for (kind, reason, deed), count in rows.most_common())
        print_table(("kind", "reason", "what followed", "messages"), counted, right=("messages",))
    click.echo(f"{count_of(len(found), 'message')}{_beside(found)}{'; a dry run, nothing is kept' if dry_run else ''}")


def _beside(found: "list[Handled]") -> str:
    """Messages from which nothing could follow."""
    counts = {
        "acted upon before": sum(each.is_repeated for each in found),
        "passed over": sum(bool(each.problem) for each in found),
        "about no delivery": sum(not (each.acts or each.is_repeated or each.problem) for each in found),
    }
    return "".join(f", {count:,} {words}" for words, count in counts.items() if count)


def _to_json(handled: "Handled") -> dict[str, Any]:
    return {
        "message": handled.name,
        "repeated": handled.is_repeated,
        "problem": handled.problem,
        "reports": [_act_to_json(act) for act in handled.acts],
    }


def _act_to_json(act: "Act") -> dict[str, Any]:
    report = act.report
    return {
        "recipient": report.recipient,
        "kind": str(report.kind),
        "reason": report.reason,
        "status": report.status,
        "diagnostic": report.diagnostic,
        "followed": str(act.deed),
        "proof": str(act.proof or ""),
    }
