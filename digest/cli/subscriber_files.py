"""`digest subscribers import` and `export`: whole lists of people, from and to files."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from digest.cli.filters import compile_expression, filter_option
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
    from collections.abc import Iterable

    from digest.app import App
    from digest.audience.report import StatusCount, SubscriberReport
    from digest.audience.shape import Person
    from digest.store.subscriber_search import SubscriberFilter

STATES = ("pending", "active", "unsubscribed", "bounced", "complained")
"""The states of a subscriber, as `model.SubscriberState` has them."""
FORMATS = ("csv", "json", "zip")
SHAPE_NAMES = ("digest", "mailchimp", "substack", "ghost", "listmonk", "stibee")
"""Systems whose columns are known, as `audience.SHAPES` has them; digest are our own."""
_SHOWN_REFUSALS = 10


@click.command("import", cls=WorkspaceCommand)
@click.argument("file", type=click.Path(path_type=Path))
@reading_options
@click.option("--shape", type=click.Choice(SHAPE_NAMES), help="Whose columns it has; by default told from them.")
@click.option("--state", type=click.Choice(STATES), help="The state of people whose row names none; else active.")
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
@click.option(
    "--report", type=click.Path(path_type=Path, dir_okay=False), help="Write the rows not taken to this CSV file."
)
@click.option("--dry-run", is_flag=True, help="Do all but keep it.")
@json_option
def import_(
    file: Path,
    mapping: tuple[str, ...],
    encoding: str | None,
    file_format: str | None,
    shape: str | None,
    state: str | None,
    newsletters: tuple[str, ...],
    consent_source: str | None,
    resubscribe: bool,
    report: Path | None,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Import subscribers who have agreed to be mailed.

    Exports of Mailchimp (its zip file too), Substack, Ghost, listmonk and Stibee are recognised by their columns, and
    so are plain lists: address or email, and where there are any: name, locale, timezone, state, newsletters, sections
    and tags (several with ; between them), consent_source, consent_at. Good rows are kept, the others reported. Nobody
    who left is brought back, and nobody who has not confirmed becomes a reader, unless --resubscribe says so.

    \b
    Example:
      digest subscribers import members.csv --map address=이메일 --map name=이름 --encoding cp949
      digest subscribers import audience_export.zip --dry-run --report left-out.csv
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
            consent_source=consent_source or "",
            shape=shape,
            state=state or "",
            resubscribe=resubscribe,
            dry_run=dry_run,
            report=report,
            listed=None if as_json else _SHOWN_REFUSALS,
            on_progress=progress.advance,
        )
        done = import_subscribers(app.database, order, now=app.clock.now())
    if as_json:
        print_json(_report_to_json(done))
    else:
        _print_report(done)


def _report_to_json(report: "SubscriberReport") -> dict[str, Any]:
    return {
        "rows": report.rows,
        "shapes": report.shapes,
        "added": report.changes.get("added", 0),  # type: ignore[call-overload]  # a StrEnum is its word
        "updated": report.changes.get("updated", 0),  # type: ignore[call-overload]
        "unchanged": report.changes.get("unchanged", 0),  # type: ignore[call-overload]
        "left_out": report.left_out,
        "stay_pending": report.stay_pending,
        "statuses": [
            {"status": count.status, "kept_as": count.kept_as, "rows": count.rows} for count in report.statuses
        ],
        "refused": [{"line": row.error.line, "reason": row.error.reason} for row in report.refused],
        "kept": report.kept,
    }


def _print_report(report: "SubscriberReport") -> None:
    from digest.audience import SHAPES

    for row in report.refused:
        click.echo(f"{row.path}: {row.error}", err=True)
    if report.refused_rows > len(report.refused):
        more = report.refused_rows - len(report.refused)
        click.echo(f"… and {more:,} more rows are refused; --report FILE lists all", err=True)
    foreign = [SHAPES[shape].title for shape in report.shapes if shape != "digest"]
    if foreign:
        click.echo(f"Read as an export of {' and '.join(foreign)}")
    if report.statuses and (foreign or report.left_out):
        click.echo("Not to be mailed: " + ", ".join(map(_status_words, report.statuses)))
    if report.stay_pending:
        who = count_of(report.stay_pending, "row is of a person who has", "rows are of people who have")
        click.echo(f"{who} not confirmed yet: they stay pending; --resubscribe makes them readers")
    click.echo(_totals(report))


def _status_words(count: "StatusCount") -> str:
    kept = "left out" if count.kept_as is None else "" if count.kept_as == count.status else f"kept as {count.kept_as}"
    return f"{count.rows:,} {count.status}" + (f" ({kept})" if kept else "")


def _totals(report: "SubscriberReport") -> str:
    counts = [f"{report.changes.get(change, 0):,} {change}" for change in _CHANGES]  # type: ignore[call-overload]
    if report.left_out:
        counts.append(f"{report.left_out:,} left out")
    kept = "" if report.kept else " (dry run: nothing was kept)"
    return f"{', '.join(counts)}, {report.refused_rows:,} refused{kept}"


_CHANGES = ("added", "updated", "unchanged")


@click.command(cls=WorkspaceCommand)
@click.argument("file", required=False, type=click.Path(path_type=Path, dir_okay=False, allow_dash=True))
@click.option("--format", "file_format", type=click.Choice(FORMATS), help="By default from the file's name.")
@click.option(
    "--shape", type=click.Choice(SHAPE_NAMES), default="digest", show_default=True, help="Whose columns to write."
)
@click.option("--state", type=click.Choice(STATES), help="Only people in this state.")
@newsletter_filter
@click.option("--locale", metavar="TAG", help="Only people with this locale.")
@filter_option
def export(
    file: Path | None,
    file_format: str | None,
    shape: str,
    state: str | None,
    newsletter: str | None,
    locale: str | None,
    expression: str,
) -> None:
    """Write subscribers as CSV or JSON, to a file or to stdout.

    Other systems' shapes leave out who has not confirmed yet. Mailchimp keeps a file for each state: name a .zip file,
    or choose one with --state.

    \b
    Example:
      digest subscribers export active.csv --state active
      digest subscribers export audience.zip --shape mailchimp
    """
    from digest.audience import Confirmed, list_people
    from digest.store.subscriber_search import list_subscribers

    chosen = _choose_format(file, file_format, shape, state)
    with open_workspace() as app:
        found = list_subscribers(app.database, make_filter(app, state, newsletter, locale, expression=expression))
        people = list_people(app.database, found)
        confirmed = Confirmed(people)
        written = _write_people(app, people if shape == "digest" else confirmed, file, chosen, shape)
    if file is not None and file != Path("-"):
        click.echo(f"Wrote {count_of(written, 'subscriber')} to {file}", err=True)
    if confirmed.left_out:
        click.echo(f"Left out: {count_of(confirmed.left_out, 'subscriber')} not confirmed yet", err=True)


def _choose_format(file: Path | None, asked: str | None, shape: str, state: str | None) -> str:
    chosen = asked or (file.suffix.lower().removeprefix(".") if file is not None else "")
    if chosen not in FORMATS:
        chosen = "csv"
    if chosen == "json" and shape != "digest":
        raise click.UsageError("JSON is in our own shape; write another as CSV")
    if chosen == "zip" and (shape != "mailchimp" or file in (None, Path("-"))):
        raise click.UsageError("only the shape of Mailchimp is a zip file, and that needs a name")
    if shape == "mailchimp" and chosen == "csv" and state is None:
        raise click.UsageError("Mailchimp has a file for each state: name a .zip file, or choose one with --state")
    return chosen


def _write_people(app: "App", people: "Iterable[Person]", file: Path | None, chosen: str, shape: str) -> int:
    from zoneinfo import ZoneInfo

    from digest.audience import SHAPES, CsvForm, export_archive, export_json

    form = CsvForm(shape=SHAPES[shape], timezone=ZoneInfo(app.settings.site.timezone))
    write = export_json if chosen == "json" else form.write
    if file is None or file == Path("-"):
        return write(people, sys.stdout)
    if chosen == "zip":
        return export_archive(people, file, form)
    # JSON must not have a byte order mark (RFC 8259).
    with file.open("w", encoding="utf-8" if chosen == "json" else form.encoding, newline="") as opened:
        return write(people, opened)


def choose_newsletters(app: "App", slugs: tuple[str, ...]) -> tuple[str, ...]:
    """The newsletters of these slugs, which must be there; every one where none is named."""
    return tuple(app.settings.newsletter(slug).slug for slug in slugs) or tuple(
        newsletter.slug for newsletter in app.settings.newsletters
    )


def make_filter(
    app: "App",
    state: str | None,
    newsletter: str | None,
    locale: str | None,
    *,
    text: str = "",
    expression: str = "",
) -> "SubscriberFilter":
    """Whom `list` and `export` are about; a newsletter that is not there is an error."""
    from digest.model import SubscriberState
    from digest.store.subscriber_search import SubscriberFilter

    if newsletter is not None:
        app.settings.newsletter(newsletter)
    return SubscriberFilter(
        state=SubscriberState(state) if state else None,
        newsletter=newsletter,
        locale=locale,
        text=text,
        condition=compile_expression(app, expression),
    )
