"""What importing articles and importing views have in common: the files one after the other, and the report."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from digest.cli.output import print_json, show_progress
from digest.cli.workspace import file_options, open_workspace

if TYPE_CHECKING:
    from digest.gather import ImportOrder, ImportReport
    from digest.store.database import Database

SHOWN_REFUSALS = 10


def import_files(
    import_file: "Callable[[Database, ImportOrder], ImportReport]",
    what: str,
    *,
    files: tuple[Path, ...],
    mapping: tuple[str, ...],
    encoding: str | None,
    file_format: str | None,
    dry_run: bool,
    skip_bad: bool,
    as_json: bool,
) -> None:
    """Import files in order; exit with 1 where one was refused, after the others were imported."""
    from digest.gather import ImportOrder

    reports = []
    with open_workspace() as app:
        options = file_options(app, mapping, encoding, file_format)
        for path in files:
            with show_progress(path.name) as progress:
                order = ImportOrder(
                    path=path, options=options, skip_bad=skip_bad, dry_run=dry_run, on_progress=progress.advance
                )
                report = import_file(app.database, order)
            reports.append(_describe(report, dry_run=dry_run))
            if not as_json:
                _print_report(report, what, dry_run=dry_run, skip_bad=skip_bad)
            if skip_bad and report.refused and not dry_run:
                _write_refused(report, quiet=as_json)
    if as_json:
        print_json(reports)
    if any(report["refused"] for report in reports) and not skip_bad:
        raise click.exceptions.Exit(1)


def _describe(report: "ImportReport", *, dry_run: bool) -> dict[str, Any]:
    return {
        "file": str(report.path),
        "rows": report.rows,
        "added": report.changes.added,
        "updated": report.changes.updated,
        "unchanged": report.changes.unchanged,
        "totals": report.totals,
        "kept": report.kept,
        "dry_run": dry_run,
        "refused": [
            {"line": row.error.line, "column": row.error.column, "reason": row.error.reason} for row in report.refused
        ],
    }


def _print_report(report: "ImportReport", what: str, *, dry_run: bool, skip_bad: bool) -> None:
    changes = report.changes
    for row in report.refused[:SHOWN_REFUSALS]:
        click.echo(f"{report.path}: {row.error}", err=True)
    if len(report.refused) > SHOWN_REFUSALS:
        click.echo(f"{report.path}: … and {len(report.refused) - SHOWN_REFUSALS:,} more bad rows", err=True)
    if report.refused and not skip_bad:
        click.echo(
            f"{report.path}: {len(report.refused):,} of {report.rows:,} rows are bad, so nothing of this file was "
            "kept; mend them, or keep the good rows with --skip-bad",
            err=True,
        )
        return
    totals = f", {report.totals:,} running totals noted" if report.totals else ""
    would = "would be " if dry_run else ""
    click.echo(
        f"{report.path}: {changes.added:,} {what} {would}added, {changes.updated:,} updated, "
        f"{changes.unchanged:,} unchanged{totals}"
    )


def _write_refused(report: "ImportReport", *, quiet: bool) -> None:
    from digest.gather import write_refused_rows

    path = report.path.with_name(report.path.name + ".refused.csv")
    write_refused_rows(path, report.refused)
    if not quiet:
        click.echo(f"{path}: {len(report.refused):,} refused rows with their reasons", err=True)
