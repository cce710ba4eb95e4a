"""What importing articles and importing views have in common: the files one after the other, and the report."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from digest.cli.output import count_of, print_json, show_progress
from digest.cli.workspace import file_options, open_workspace

if TYPE_CHECKING:
    from digest.app import App
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
    """Import files in order; exit with 1 where one was refused, after the others were imported.

    Args:
        import_file: what imports one.
        what: the name of a row, in the singular.
        files: the files.
        mapping: `--map`.
        encoding: `--encoding`.
        file_format: `--format`.
        dry_run: `--dry-run`.
        skip_bad: `--skip-bad`.
        as_json: `--json`.
    """
    from digest.gather import ImportOrder

    reports: list[dict[str, Any]] = []
    with open_workspace() as app:
        if what == "article":
            _refuse_beside_a_source(app)
        options = file_options(app, mapping, encoding, file_format)
        try:
            for path in files:
                order = ImportOrder(path=path, options=options, skip_bad=skip_bad, dry_run=dry_run)
                report = _import_one(import_file, app.database, order)
                reports.append(_describe(report, dry_run=dry_run))
                _tell(report, what, order, as_json=as_json)
        finally:
            if as_json:
                print_json(reports)
    if any(report["refused"] for report in reports) and not skip_bad:
        raise click.exceptions.Exit(1)


def _import_one(
    import_file: "Callable[[Database, ImportOrder], ImportReport]", database: "Database", order: "ImportOrder"
) -> "ImportReport":
    with show_progress(order.path.name, "rows") as progress:
        return import_file(database, replace(order, on_progress=progress.advance))


def _refuse_beside_a_source(app: "App") -> None:
    """Imported articles would never be shown beside those of the publisher's own database."""
    from digest.errors import SettingsError

    if app.settings.source.type == "sqlite":
        raise SettingsError(
            f'{app.settings.file}: source.type is "sqlite": articles come from {app.settings.source.path}; '
            'to import them instead, set it to "import"'
        )


def _tell(report: "ImportReport", what: str, order: "ImportOrder", *, as_json: bool) -> None:
    if not as_json:
        _print_report(report, what, dry_run=order.dry_run, skip_bad=order.skip_bad)
    if order.skip_bad and report.refused and not order.dry_run:
        _write_refused(report, quiet=as_json)


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
        bad = f"{len(report.refused):,} of {count_of(report.rows, 'row')} bad"
        advice = "mend them, or keep the good rows with --skip-bad"
        click.echo(f"{report.path}: {bad}, so nothing of this file was kept; {advice}", err=True)
        return
    totals = f", {count_of(report.totals, 'running total')} noted" if report.totals else ""
    left_out = f", {len(report.refused):,} refused" if report.refused else ""
    not_kept = " (dry run: nothing was kept)" if dry_run else ""
    click.echo(
        f"{report.path}: {count_of(changes.added, what)} added, {changes.updated:,} updated, "
        f"{changes.unchanged:,} unchanged{left_out}{totals}{not_kept}"
    )


def _write_refused(report: "ImportReport", *, quiet: bool) -> None:
    from digest.errors import SourceError
    from digest.gather import write_refused_rows

    path = report.path.with_name(report.path.name + ".refused.csv")
    try:
        write_refused_rows(path, report.refused)
    except OSError as error:
        raise SourceError(
            f"{path} cannot be written ({error.strerror}), so the reasons are only shown; the good rows were kept"
        ) from error
    if not quiet:
        click.echo(f"{path}: {count_of(len(report.refused), 'refused row')} with reasons", err=True)
