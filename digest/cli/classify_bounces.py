"""`digest bounces classify`: what returned messages say."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from digest.cli.output import print_json, print_table
from digest.cli.workspace import WorkspaceCommand, json_option

if TYPE_CHECKING:
    from digest.mail.inbound.report import Report

_STDIN = "-"


@click.command(cls=WorkspaceCommand)
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@json_option
def classify(files: tuple[str, ...], as_json: bool) -> None:
    """Say what returned messages tell, and touch nothing.

    Each FILE is one message as it came, or a mailbox (mbox) of several; - reads standard input. It needs no
    workspace. With --json one FILE gives the list of its reports; several give a list of such lists, in their order.

    \b
    Example:
      digest bounces classify returned.eml
    """
    found = [_read(file) for file in files]
    if as_json:
        lists = [[_to_json(report) for report in reports] for reports in found]
        print_json(lists[0] if len(lists) == 1 else lists)
        return
    rows = [_to_row(file, report) for file, reports in zip(files, found, strict=True) for report in reports]
    if rows:
        print_table(("file", "recipient", "kind", "reason", "status", "what was said"), rows)
    for file, reports in zip(files, found, strict=True):
        if not reports:
            click.echo(f"{file}: nothing that is about a delivery")


def _read(file: str) -> "list[Report]":
    from digest.mail.inbound.mbox import split_mbox
    from digest.mail.inbound.read import read_message

    raw = sys.stdin.buffer.read() if file == _STDIN else Path(file).read_bytes()
    return [report for message in split_mbox(raw) for report in read_message(message).reports]


def _to_json(report: "Report") -> dict[str, Any]:
    return {
        "recipient": report.recipient,
        "kind": str(report.kind),
        "reason": report.reason,
        "status": report.status,
        "diagnostic": report.diagnostic,
    }


def _to_row(file: str, report: "Report") -> tuple[str, ...]:
    words = report.diagnostic if len(report.diagnostic) <= 80 else f"{report.diagnostic[:79]}…"  # noqa: PLR2004 - a line
    name = file if file == _STDIN else Path(file).name
    return (name, report.recipient or "–", str(report.kind), report.reason.replace("_", " "), report.status, words)
