"""`digest issues`: what was sent, to whom, and what the operator decides about it."""

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from digest.cli.chosen_issue import catch_up, edition_argument, message_ids, require_issue
from digest.cli.issue_stats import stats
from digest.cli.output import ask, print_json, print_table
from digest.cli.preview import print_choices
from digest.cli.resolve import resolve
from digest.cli.watch import watch_issue
from digest.cli.workspace import (
    WorkspaceCommand,
    choose_newsletter,
    json_option,
    limit_option,
    newsletter_filter,
    newsletter_option,
    open_workspace,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from zoneinfo import ZoneInfo

    from digest.app import App
    from digest.language import Language
    from digest.model import Choice, DeliveryState
    from digest.store.issues import Issue, Variant
    from digest.store.ledger import LedgerRow

_TROUBLE = ("uncertain", "failed", "deferred")
_SHOWN_ROWS = 20


@click.group()
def issues() -> None:
    """Look at issues; pause, resume, cancel or settle them.

    \b
    Example:
      digest issues list
      digest issues show 2019-04-08
    """


@issues.command("list", cls=WorkspaceCommand)
@newsletter_filter
@limit_option(20)
@json_option
def list_(newsletter: str | None, limit: int, as_json: bool) -> None:
    """List issues, newest first.

    \b
    Example:
      digest issues list --json
    """
    from digest.store.issues import list_issues
    from digest.store.ledger import count_deliveries

    with open_workspace() as app:
        if newsletter is not None:
            app.settings.newsletter(newsletter)
        found = [
            (issue, count_deliveries(app.database, issue.id))
            for issue in list_issues(app.database, newsletter, limit=limit)
        ]
    if as_json:
        print_json([_summary(issue, counts) for issue, counts in found])
    elif found:
        rows = [(issue.newsletter, issue.edition, issue.state, _outcome(issue, counts)) for issue, counts in found]
        print_table(("newsletter", "edition", "state", "deliveries"), rows)
    else:
        click.echo("There are no issues yet; `digest preview` shows the next one, `digest send` sends it")


def _outcome(issue: "Issue", counts: "Mapping[DeliveryState, int]") -> str:
    """What became of the messages, and why where that needs saying."""
    from digest.model import count_in_words

    return "; ".join(filter(None, (count_in_words(counts), issue.reason))) or "none"


@issues.command(cls=WorkspaceCommand)
@edition_argument
@newsletter_option
@click.option("--html", type=click.Path(path_type=Path, dir_okay=False), help="Write the frozen HTML part to a file.")
@click.option("--text", type=click.Path(path_type=Path, dir_okay=False), help="Write the frozen text part to a file.")
@click.option("--addresses", is_flag=True, help="Show whole addresses; they are shortened otherwise.")
@click.option("--watch", is_flag=True, help="Follow how it is being sent, until it is over.")
@json_option
def show(
    edition: date,
    newsletter: str | None,
    html: Path | None,
    text: Path | None,
    addresses: bool,
    watch: bool,
    as_json: bool,
) -> None:
    """Show an issue: its articles, why, and what was sent.

    With --json also how it was rendered, with the settings and the template of that day. Of single messages those are
    shown that failed, wait or are uncertain.

    \b
    Example:
      digest issues show 2019-04-08 --json
    """
    with open_workspace() as app:
        chosen, timezone = choose_newsletter(app, newsletter)
        issue = require_issue(app, chosen, edition)
        if watch:
            watch_issue(app, issue.id)
            return
        language = app.workshop.templates.language(issue.frozen.get("locale") or app.settings.locale_of(chosen))
        record = _read_record(app, issue, language, timezone, whole=addresses, limit=-1 if as_json else _SHOWN_ROWS)
        _write_parts(app, issue, html, text)
    if as_json:
        print_json(_describe(record))
    else:
        _print_record(record)


@dataclass(frozen=True, kw_only=True)
class _Record:
    """Everything `show` tells of an issue."""

    issue: "Issue"
    counts: "Mapping[DeliveryState, int]"
    choices: "tuple[Choice, ...]"
    variants: "tuple[Variant, ...]"
    trouble: list[dict[str, Any]]
    language: "Language"
    timezone: "ZoneInfo"

    @property
    def shown(self) -> "tuple[Choice, ...]":
        return tuple(choice for choice in self.choices if choice.is_shown)

    @property
    def passed_over(self) -> "tuple[Choice, ...]":
        return tuple(choice for choice in self.choices if not choice.is_shown)


def _read_record(
    app: "App", issue: "Issue", language: "Language", timezone: "ZoneInfo", *, whole: bool, limit: int
) -> _Record:
    """Read an issue, with so many of its rows at most, their addresses whole or shortened."""
    from digest.frozen import choice_from_json
    from digest.model import DeliveryState
    from digest.proof import open_bodies
    from digest.store.issues import list_choices
    from digest.store.ledger import count_deliveries, list_deliveries

    rows = list_deliveries(app.database, issue.id, states=[DeliveryState(state) for state in _TROUBLE], limit=limit)
    return _Record(
        issue=issue,
        counts=count_deliveries(app.database, issue.id),
        choices=tuple(choice_from_json(dict(frozen.choice)) for frozen in list_choices(app.database, issue.id)),
        variants=open_bodies(app.database, issue).whole_variants(),
        trouble=_describe_rows(app, issue, rows, whole=whole),
        language=language,
        timezone=timezone,
    )


def _write_parts(app: "App", issue: "Issue", html: Path | None, text: Path | None) -> None:
    from digest.deliver.letters import slot_values
    from digest.proof import example_reader, letterhead_of_issue
    from digest.store.groups import make_variant_key

    if html is None and text is None:
        return
    letterhead = letterhead_of_issue(app.database, issue, app.key)
    body = letterhead.bodies[make_variant_key("", ()).key]
    values = slot_values(letterhead, example_reader(letterhead))
    for file, part in ((html, body.html), (text, body.text)):
        if file is not None:
            file.write_text(part.fill(values), encoding="utf-8")
            click.echo(f"Wrote {file}", err=True)


def _summary(issue: "Issue", counts: "Mapping[DeliveryState, int]") -> dict[str, Any]:
    return {
        "newsletter": issue.newsletter,
        "edition": issue.edition.isoformat(),
        "state": str(issue.state),
        "reason": issue.reason,
        "origin": issue.origin,
        "scheduled_at": issue.scheduled_at.isoformat(),
        "started_at": issue.started_at.isoformat(),
        "frozen_at": issue.frozen_at and issue.frozen_at.isoformat(),
        "finished_at": issue.finished_at and issue.finished_at.isoformat(),
        "resume_at": issue.resume_at and issue.resume_at.isoformat(),
        "deliveries": {str(state): count for state, count in counts.items()},
    }


def _describe(record: _Record) -> dict[str, Any]:
    from digest.rank.explain import choice_to_json

    def explain(choices: "tuple[Choice, ...]") -> list[dict[str, Any]]:
        return [choice_to_json(choice, record.language, record.timezone) for choice in choices]

    return {
        **_summary(record.issue, record.counts),
        "frozen": {key: value for key, value in record.issue.frozen.items() if key != "nonce"},
        "shown": explain(record.shown),
        "passed_over": explain(record.passed_over),
        "variants": [_describe_variant(variant) for variant in record.variants],
        "trouble": record.trouble,
    }


def _describe_variant(variant: "Variant") -> dict[str, Any]:
    from hashlib import sha256

    from digest.store.groups import VariantKey

    key = VariantKey.parse(variant.key)
    return {
        "locale": key.locale,
        "sections": list(key.sections),
        "subject": variant.subject,
        "preheader": variant.preheader,
        "articles": list(variant.article_ids),
        "html_sha256": sha256(variant.html.encode()).hexdigest(),
        "text_sha256": sha256(variant.text.encode()).hexdigest(),
    }


def _describe_rows(app: "App", issue: "Issue", rows: "Sequence[LedgerRow]", *, whole: bool) -> list[dict[str, Any]]:
    """With the Message-ID of uncertain ones, by which a server's log knows them."""
    told = [_describe_row(row, whole=whole) for row in rows]
    uncertain = [number for number, row in enumerate(rows) if row.state == "uncertain"]
    message_id = message_ids(app, issue) if uncertain else str
    for number in uncertain:
        told[number]["message_id"] = message_id(rows[number].subscriber_id)
    return told


def _describe_row(row: "LedgerRow", *, whole: bool) -> dict[str, Any]:
    from digest.address import shorten_address

    return {
        "address": row.address if whole else shorten_address(row.address),
        "state": str(row.state),
        "attempts": row.attempts,
        "code": row.code,
        "reply": row.reply if whole else row.reply.replace(row.address, shorten_address(row.address)),
    }


def _print_record(record: _Record) -> None:
    from digest.model import count_in_words

    issue = record.issue
    click.echo(f"{issue.newsletter} {issue.edition} is {issue.state}{f': {issue.reason}' if issue.reason else ''}")
    if issue.state == "held":
        again = f"digest send {issue.newsletter} --date {issue.edition}"
        click.echo(f"Nobody was mailed. `digest check` tells all; `{again}` tries again, with --force-unsafe as it is.")
    for overridden in issue.frozen.get("overridden", ()):
        click.echo(f"Sent in spite of  {overridden}")
    if only := issue.frozen.get("only"):
        click.echo(f"Readers     only those whom the filter finds: {only}")
    click.echo(f"Deliveries  {count_in_words(record.counts) or 'none'}")
    if issue.frozen_at is not None:
        click.echo(
            f"Frozen      {issue.frozen_at.astimezone(record.timezone):%Y-%m-%d %H:%M} ({record.timezone.key})\n"
        )
        print_choices(record.shown, record.language, record.timezone)
    if record.passed_over:
        click.echo("\nNot shown:")
        print_choices(record.passed_over, record.language, record.timezone)
    if record.trouble:
        click.echo()
        rows = [
            (r["address"], r["state"], r["attempts"], f"{r['code'] or ''} {r['reply']}".strip()) for r in record.trouble
        ]
        print_table(("address", "state", "attempts", "reply"), rows, right=("attempts",))
    if any("message_id" in row for row in record.trouble):
        click.echo(f"\nUncertain: `digest issues resolve {issue.edition} --from-log FILE` asks the mail")
        click.echo("server's log, which knows them by the Message-IDs that --json tells")


@issues.command(cls=WorkspaceCommand)
@edition_argument
@newsletter_option
def pause(edition: date, newsletter: str | None) -> None:
    """Stop an issue that is being sent.

    The messages on the wire still end; the others wait.

    \b
    Example:
      digest issues pause 2019-04-08
    """
    from digest.store.issues import pause_issue

    with open_workspace() as app:
        chosen, _ = choose_newsletter(app, newsletter)
        pause_issue(app.database, require_issue(app, chosen, edition).id)
        click.echo(f"{chosen.slug} {edition} is paused; `digest issues resume {edition}` goes on")


@issues.command(cls=WorkspaceCommand)
@edition_argument
@newsletter_option
def resume(edition: date, newsletter: str | None) -> None:
    """Let a paused or held issue go on.

    The service, or `digest send`, then sends the rest; one that was held is checked again first.

    \b
    Example:
      digest issues resume 2019-04-08
    """
    from digest.store.issues import resume_issue

    with open_workspace() as app:
        chosen, _ = choose_newsletter(app, newsletter)
        issue = require_issue(app, chosen, edition)
        resume_issue(app.database, issue.id, deadline=app.clock.now() + catch_up(app))
        now_by = f"`digest send {chosen.slug} --date {edition}`"
        click.echo(f"{chosen.slug} {edition} goes on by `digest run`, or now by {now_by}")


@issues.command(cls=WorkspaceCommand)
@edition_argument
@newsletter_option
@click.option("--yes", "-y", is_flag=True, help="Do not ask.")
def cancel(edition: date, newsletter: str | None, yes: bool) -> None:
    """End an issue for good, or keep one from being sent.

    Whoever has not got it will not. Also for an edition that is still to come.

    \b
    Example:
      digest issues cancel 2019-04-08 --yes
    """
    from digest.schedule import occurrence_on
    from digest.store.issues import cancel_edition, cancel_issue, get_issue

    with open_workspace() as app:
        chosen, timezone = choose_newsletter(app, newsletter)
        if not yes:
            ask(f"Cancel {chosen.slug} {edition} for good?")
        issue = get_issue(app.database, chosen.slug, edition)
        if issue is not None:
            cancel_issue(app.database, issue.id, boot=app.clock.boot(), now=app.clock.now())
        else:
            occurrence = occurrence_on(chosen.due, edition, timezone)
            cancel_edition(app.database, chosen.slug, occurrence, now=app.clock.now())
        click.echo(f"{chosen.slug} {edition} is cancelled")


for command in (resolve, stats):
    issues.add_command(command)
