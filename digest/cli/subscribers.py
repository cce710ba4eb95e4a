"""`digest subscribers`: who gets the newsletters."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from digest.cli.output import print_json, print_table, show_progress
from digest.cli.workspace import (
    WorkspaceCommand,
    file_options,
    json_option,
    newsletter_option,
    open_workspace,
)

if TYPE_CHECKING:
    from digest.app import App
    from digest.audience import SubscriberReport
    from digest.model import Subscriber
    from digest.store.subscribers import SubscriberFilter

STATES = ("pending", "active", "unsubscribed", "bounced", "complained")
_SHOWN_REFUSALS = 10


def _profile_options(function: Any) -> Any:
    for option in reversed(
        (
            click.option("--name", help="How the person is called."),
            click.option("--locale", help='ko, en, …; "" for the newsletter\'s own.'),
            click.option("--timezone", help='IANA name; "" for the newsletter\'s own.'),
            click.option("--newsletter", "-n", "newsletters", multiple=True, metavar="SLUG", help="May be repeated."),
            click.option("--section", "sections", multiple=True, metavar="KEY", help="Only these; may be repeated."),
        )
    ):
        function = option(function)
    return function


@click.group()
def subscribers() -> None:
    """Add, import, change, list and export subscribers."""


@subscribers.command(cls=WorkspaceCommand)
@click.argument("address")
@_profile_options
@click.option("--source", "consent_source", default="added by hand", show_default=True, help="Where they agreed.")
@click.option("--resubscribe", is_flag=True, help="Also when they left, bounced, complained or are suppressed.")
def add(
    address: str,
    name: str | None,
    locale: str | None,
    timezone: str | None,
    newsletters: tuple[str, ...],
    sections: tuple[str, ...],
    consent_source: str,
    resubscribe: bool,
) -> None:
    """Add a person who has agreed to be mailed.

    \b
    Example:
      digest subscribers add kim@example.com --name 김지우 --locale ko --section economy
    """
    from digest.audience import Wishes, make_profile
    from digest.store.secrets import hash_address
    from digest.store.subscribers import save_profile

    with open_workspace() as app:
        wishes = Wishes(
            address=address,
            name=name,
            locale=locale,
            timezone=timezone,
            newsletters=newsletters or _default_newsletters(app),
            sections=sections or None,
            consent_source=consent_source,
            consent_at=app.clock.now(),
        )
        profile = make_profile(wishes, app.settings, locales=app.locales)
        with app.database.transaction():
            change = save_profile(
                app.database,
                profile,
                address_hash=hash_address(app.key, profile.address),
                resubscribe=resubscribe,
                now=app.clock.now(),
            )
        click.echo(f"{profile.address}: {change}")


def _default_newsletters(app: "App") -> tuple[str, ...]:
    """Every newsletter of the workspace."""
    return tuple(newsletter.slug for newsletter in app.settings.newsletters)


@subscribers.command("import", cls=WorkspaceCommand)
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--map", "mapping", multiple=True, metavar="OURS=THEIRS", help="The file's name of a column.")
@click.option("--encoding", help="How the file is encoded, such as cp949; UTF-8 by default.")
@click.option("--format", "file_format", help="csv, tsv, json or ndjson; by default from the file's name.")
@click.option("--newsletter", "-n", "newsletters", multiple=True, metavar="SLUG", help="Where a row names none.")
@click.option("--source", "consent_source", help="Where they agreed, where a row does not say; by default the file.")
@click.option("--resubscribe", is_flag=True, help="Also revive people who left, bounced, complained or are suppressed.")
@click.option("--report", type=click.Path(path_type=Path, dir_okay=False), help="Write refused rows to a file.")
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

    Columns: address or email, and name, locale, timezone, state, newsletters, sections, consent_source, consent_at.
    Good rows are kept, the others reported. Nobody who left is brought back, unless --resubscribe says so.

    \b
    Example:
      digest subscribers import members.csv --map address=이메일 --map name=이름 --encoding cp949
    """
    from digest.audience import SubscriberImport, import_subscribers
    from digest.gather import write_refused_rows

    with open_workspace() as app, show_progress(file.name) as progress:
        order = SubscriberImport(
            path=file,
            options=file_options(app, mapping, encoding, file_format),
            settings=app.settings,
            locales=app.locales,
            key=app.key,
            newsletters=newsletters or _default_newsletters(app),
            consent_source=consent_source or f"import of {file.name}",
            resubscribe=resubscribe,
            dry_run=dry_run,
            on_progress=progress.advance,
        )
        done = import_subscribers(app.database, order, now=app.clock.now())
    if report is not None:
        write_refused_rows(report, done.refused)
    if as_json:
        print_json(_report_to_json(done))
    else:
        _print_report(done, file)


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


@subscribers.command("list", cls=WorkspaceCommand)
@click.option("--state", type=click.Choice(STATES), help="Only people in this state.")
@newsletter_option
@click.option("--locale", help="Only people with this locale.")
@click.option("--text", default="", help="Only addresses or names that contain this.")
@click.option("--limit", type=click.IntRange(1), default=50, show_default=True, help="How many to show.")
@json_option
def list_(state: str | None, newsletter: str | None, locale: str | None, text: str, limit: int, as_json: bool) -> None:
    """List subscribers in the order they came.

    \b
    Example:
      digest subscribers list --state active --newsletter weekly
    """
    from digest.audience import subscriber_to_json
    from digest.store.subscribers import list_subscribers

    with open_workspace() as app:
        wanted = _make_filter(app, state, newsletter, locale, text)
        found = list(list_subscribers(app.database, wanted, limit=limit))
    if as_json:
        print_json([subscriber_to_json(subscriber) for subscriber in found])
        return
    rows = [(s.address, s.name, s.state, s.locale, ", ".join(map(_subscription_words, s.subscriptions))) for s in found]
    print_table(("address", "name", "state", "locale", "newsletters"), rows)


def _subscription_words(subscription: Any) -> str:
    sections = f" ({'/'.join(subscription.sections)})" if subscription.sections else ""
    return f"{subscription.newsletter}{sections}"


def _make_filter(
    app: "App", state: str | None, newsletter: str | None, locale: str | None, text: str
) -> "SubscriberFilter":
    from digest.model import SubscriberState
    from digest.store.subscribers import SubscriberFilter

    if newsletter is not None:
        app.settings.newsletter(newsletter)
    return SubscriberFilter(
        state=SubscriberState(state) if state else None, newsletter=newsletter, locale=locale, text=text
    )


@subscribers.command(cls=WorkspaceCommand)
@click.argument("address")
@json_option
def show(address: str, as_json: bool) -> None:
    """Show everything known about a person.

    \b
    Example:
      digest subscribers show kim@example.com
    """
    from digest.audience import subscriber_to_json

    with open_workspace() as app:
        values = subscriber_to_json(_require(app, address))
    if as_json:
        print_json(values)
        return
    for name, value in values.items():
        click.echo(f"{name:<15} {', '.join(value) if isinstance(value, list) else value or ''}".rstrip())


def _require(app: "App", address: str) -> "Subscriber":
    from digest.address import normalise_address
    from digest.store.subscribers import require_subscriber

    return require_subscriber(app.database, normalise_address(address))


@subscribers.command("set", cls=WorkspaceCommand)
@click.argument("address")
@_profile_options
@click.option("--all-sections", is_flag=True, help="Take back a choice of sections.")
@json_option
def set_(
    address: str,
    name: str | None,
    locale: str | None,
    timezone: str | None,
    newsletters: tuple[str, ...],
    sections: tuple[str, ...],
    all_sections: bool,
    as_json: bool,
) -> None:
    """Change what is known about a person; what is not named stays.

    \b
    Example:
      digest subscribers set kim@example.com --locale en --section economy --section tech
    """
    from digest.audience import Wishes, make_profile, subscriber_to_json
    from digest.store.subscribers import change_subscriber

    with open_workspace() as app:
        wishes = Wishes(
            address=address,
            name=name,
            locale=locale,
            timezone=timezone,
            newsletters=newsletters or None,
            sections=() if all_sections else sections or None,
        )
        profile = make_profile(wishes, app.settings, locales=app.locales)
        changed = change_subscriber(app.database, profile, now=app.clock.now())
    if as_json:
        print_json(subscriber_to_json(changed))
    else:
        click.echo(f"{changed.address}: changed")


@subscribers.command(cls=WorkspaceCommand)
@click.argument("address")
@click.option("--suppress", is_flag=True, help="And never let an import or a form add the address again.")
def remove(address: str, suppress: bool) -> None:
    """Unsubscribe a person: they get nothing more, not even what is queued. ADDRESS may be a token of their link.

    \b
    Example:
      digest subscribers remove kim@example.com
    """
    from digest.model import SubscriberState
    from digest.store.secrets import hash_address
    from digest.store.subscribers import suppress as suppress_address
    from digest.store.subscribers import take_out

    with open_workspace() as app:
        found = _require_by_token(app, address) or _require(app, address)
        now = app.clock.now()
        changed = take_out(app.database, found.address, state=SubscriberState.UNSUBSCRIBED, now=now)
        if suppress:
            suppress_address(app.database, hash_address(app.key, found.address), reason="by hand", now=now)
        click.echo(f"{found.address}: {'unsubscribed' if changed else 'was unsubscribed already'}")


def _require_by_token(app: "App", token: str) -> "Subscriber | None":
    from digest.mail.links import read_link
    from digest.store.subscribers import get_subscriber_by_id

    link = None if "@" in token else read_link(app.key, token)
    return get_subscriber_by_id(app.database, link.subscriber_id) if link else None


@subscribers.command(cls=WorkspaceCommand)
@click.argument("file", required=False, type=click.Path(path_type=Path, dir_okay=False, allow_dash=True))
@click.option("--format", "file_format", type=click.Choice(["csv", "json"]), help="By default from the file's name.")
@click.option("--state", type=click.Choice(STATES), help="Only people in this state.")
@newsletter_option
@click.option("--locale", help="Only people with this locale.")
def export(
    file: Path | None, file_format: str | None, state: str | None, newsletter: str | None, locale: str | None
) -> None:
    """Write subscribers as CSV or JSON, to a file or to stdout.

    \b
    Example:
      digest subscribers export active.csv --state active
    """
    from digest.audience import export_csv, export_json
    from digest.store.subscribers import list_subscribers

    chosen = file_format or ("json" if file is not None and file.suffix == ".json" else "csv")
    write = export_json if chosen == "json" else export_csv
    with open_workspace() as app:
        found = list_subscribers(app.database, _make_filter(app, state, newsletter, locale, ""))
        if file is None or file == Path("-"):
            write(found, sys.stdout)
            return
        with file.open("w", encoding="utf-8", newline="") as opened:
            written = write(found, opened)
    click.echo(f"Wrote {written:,} subscribers to {file}", err=True)


@subscribers.command(cls=WorkspaceCommand)
@newsletter_option
@json_option
def stats(newsletter: str | None, as_json: bool) -> None:
    """Count subscribers by state.

    \b
    Example:
      digest subscribers stats --json
    """
    from digest.store.subscribers import count_by_state, count_suppressed

    with open_workspace() as app:
        if newsletter is not None:
            app.settings.newsletter(newsletter)
        counts = {str(state): count for state, count in count_by_state(app.database, newsletter).items()}
        suppressed = count_suppressed(app.database)
    if as_json:
        print_json({"total": sum(counts.values()), **counts, "suppressed": suppressed})
        return
    print_table(("state", "people"), [*counts.items(), ("total", sum(counts.values()))], right=("people",))
    click.echo(f"{suppressed:,} addresses are suppressed")
