"""`digest subscribers import` and `export`: whole lists of people, from and to files."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from digest.cli.output import count_of, print_json, show_progress
from digest.cli.workspace import (
    WorkspaceCommand,
    file_options,
    json_option,
    newsletter_filter,
    open_workspace,
    reading_options,
)

if TYPE_CHECKING:
    from digest.app import App
    from digest.audience import SubscriberReport
    from digest.store.subscriber_search import SubscriberFilter

STATES = ("pending", "active", "unsubscribed", "bounced", "complained")
"""The states of a subscriber, as `model.SubscriberState` has them."""
_SHOWN_REFUSALS = 10


@click.command("import", cls=WorkspaceCommand)
@click.argument("file", type=click.Path(path_type=Path))
@reading_options
@click.option(
    "--newsletter",
    "-n",
    "newsletters",
    multiple=True,
    metavar="SLUG",
    help="Add people to it whose row names none; by default, new people get all.",
)
@click.option("--source", "consent_source", help="Where they agreed, if a row does not say; by default the file.")
@click.option("--resubscribe", is_flag=True, help="Also revive people who left, bounced, complained or are suppressed.")
@click.option("--report", type=click.Path(path_type=Path, dir_okay=False), help="Write refused rows to this CSV file.")
@click.option("--dry-run", is_flag=True, help="Do all but keep it.")
@json_option
def import_(
    file: Path,
    mapping: tuple[str, ...],
    encoding: str | None,
    file_format: str | None,
    newsletters: tuple[str, ...],
    consent_source: str | None,
    resubscribe: bool,
    report: Path | None,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Import subscribers who have agreed to be mailed.

    Columns: address or email, and where there are any: name, locale, timezone, state, newsletters, sections (several
    with ; between them), consent_source, consent_at. Good rows are kept, the others reported. Nobody who left is
    brought back, unless --resubscribe says so.

    \b
    Example:
      digest subscribers import members.csv --map address=이메일 --map name=이름 --encoding cp949
    """
    from digest.audience import SubscriberImport, import_subscribers

    with open_workspace() as app, show_progress(file.name, "rows") as progress:
        order = SubscriberImport(
            path=file,
            options=file_options(app, mapping, encoding, file_format),
            settings=app.settings,
            locales=app.locales,
            key=app.key,
            newsletters=choose_newsletters(app, newsletters) if newsletters else (),
            default_newsletters=choose_newsletters(app, ()),
            consent_source=consent_source or f"import of {file.name}",
            resubscribe=resubscribe,
            dry_run=dry_run,
            on_progress=progress.advance,
        )
        done = import_subscribers(app.database, order, now=app.clock.now())
    _tell(done, file, refused_rows=report, as_json=as_json)


def _tell(report: "SubscriberReport", file: Path, *, refused_rows: Path | None, as_json: bool) -> None:
    from digest.gather import write_refused_rows

    if refused_rows is not None:
        write_refused_rows(refused_rows, report.refused)
    if as_json:
        print_json(_report_to_json(report))
    else:
        _print_report(report, file)


def _report_to_json(report: "SubscriberReport") -> dict[str, Any]:
    return {
        "rows": report.rows,
        "added": report.changes.get("added", 0),  # type: ignore[call-overload]  # a StrEnum is its word
        "updated": report.changes.get("updated", 0),  # type: ignore[call-overload]
        "unchanged": report.changes.get("unchanged", 0),  # type: ignore[call-overload]
        "refused": [{"line": row.error.line, "reason": row.error.reason} for row in report.refused],
        "kept": report.kept,
    }


def _print_report(report: "SubscriberReport", file: Path) -> None:
    values = _report_to_json(report)
    for row in report.refused[:_SHOWN_REFUSALS]:
        click.echo(f"{file}: {row.error}", err=True)
    if len(report.refused) > _SHOWN_REFUSALS:
        click.echo(f"{file}: … and {len(report.refused) - _SHOWN_REFUSALS:,} more; --report FILE lists all", err=True)
    kept = "" if report.kept else " (dry run: nothing was kept)"
    click.echo(
        f"{values['added']:,} added, {values['updated']:,} updated, {values['unchanged']:,} unchanged, "
        f"{len(report.refused):,} refused{kept}"
    )


@click.command(cls=WorkspaceCommand)
@click.argument("file", required=False, type=click.Path(path_type=Path, dir_okay=False, allow_dash=True))
@click.option("--format", "file_format", type=click.Choice(["csv", "json"]), help="By default from the file's name.")
@click.option("--state", type=click.Choice(STATES), help="Only people in this state.")
@newsletter_filter
@click.option("--locale", metavar="TAG", help="Only people with this locale.")
def export(
    file: Path | None, file_format: str | None, state: str | None, newsletter: str | None, locale: str | None
) -> None:
    """Write subscribers as CSV or JSON, to a file or to stdout.

    \b
    Example:
      digest subscribers export active.csv --state active
    """
    from digest.audience import export_csv, export_json
    from digest.store.subscriber_search import list_subscribers

    chosen = file_format or ("json" if file is not None and file.suffix == ".json" else "csv")
    write = export_json if chosen == "json" else export_csv
    with open_workspace() as app:
        found = list_subscribers(app.database, make_filter(app, state, newsletter, locale, ""))
        if file is None or file == Path("-"):
            write(found, sys.stdout)
            return
        # Spreadsheets read Korean wrongly in a CSV file without a byte order mark; JSON must not have one (RFC 8259).
        with file.open("w", encoding="utf-8-sig" if chosen == "csv" else "utf-8", newline="") as opened:
            written = write(found, opened)
    click.echo(f"Wrote {count_of(written, 'subscriber')} to {file}", err=True)


def choose_newsletters(app: "App", slugs: tuple[str, ...]) -> tuple[str, ...]:
    """The newsletters of these slugs, which must be there; every one where none is named."""
    return tuple(app.settings.newsletter(slug).slug for slug in slugs) or tuple(
        newsletter.slug for newsletter in app.settings.newsletters
    )


def make_filter(
    app: "App", state: str | None, newsletter: str | None, locale: str | None, text: str
) -> "SubscriberFilter":
    """Whom `list` and `export` are about; a newsletter that is not there is an error."""
    from digest.model import SubscriberState
    from digest.store.subscriber_search import SubscriberFilter

    if newsletter is not None:
        app.settings.newsletter(newsletter)
    return SubscriberFilter(
        state=SubscriberState(state) if state else None, newsletter=newsletter, locale=locale, text=text
    )
