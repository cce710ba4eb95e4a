"""`digest send --dry-run`: what a send would do, without a message leaving."""

from datetime import date
from typing import TYPE_CHECKING, Any

import click

from digest.cli.output import count_of, print_json, show_progress
from digest.cli.workspace import open_edition

if TYPE_CHECKING:
    from digest.app import App
    from digest.dry_run import Rehearsal
    from digest.settings import NewsletterSettings


def rehearse_edition(app: "App", newsletter: "NewsletterSettings", edition: date, *, as_json: bool) -> None:
    """Write every message of one edition, and tell what came of it.

    Raises:
        DigestError: it could not be sent either.
    """
    rehearsal = _rehearse(app, newsletter, edition)
    if as_json:
        print_json(_to_json(rehearsal, newsletter, edition))
    else:
        _print(rehearsal, newsletter)


def rehearse_due(app: "App", slug: str | None, *, as_json: bool) -> None:
    """The same of each edition that is due; one that cannot be written does not keep the others waiting."""
    from digest.errors import DigestError
    from digest.tick import list_due

    newsletters = (app.settings.newsletter(slug),) if slug else app.settings.newsletters
    due = [(newsletter, edition) for newsletter in newsletters for edition in list_due(app, newsletter)]
    rehearsed, has_failed = [], False
    for newsletter, edition in due:
        try:
            rehearsal = _rehearse(app, newsletter, edition)
        except DigestError as error:
            click.echo(f"digest: {newsletter.slug} {edition}: {error}", err=True)
            has_failed = True
            continue
        rehearsed.append(_to_json(rehearsal, newsletter, edition))
        if not as_json:
            click.echo(f"{newsletter.slug} {edition} is due")
            _print(rehearsal, newsletter)
    if as_json:
        print_json(rehearsed)
    elif not due:
        click.echo("Nothing is due.")
    if has_failed:
        raise click.exceptions.Exit(1)


def _rehearse(app: "App", newsletter: "NewsletterSettings", edition: date) -> "Rehearsal":
    from digest.dry_run import rehearse

    opened = open_edition(app, newsletter, edition)
    with show_progress(f"{newsletter.slug} {edition}", "messages written") as progress:
        return rehearse(app.database, opened, app.workshop, on_message=progress.advance)


def _to_json(rehearsal: "Rehearsal", newsletter: "NewsletterSettings", edition: date) -> dict[str, Any]:
    return {
        "newsletter": newsletter.slug,
        "edition": edition.isoformat(),
        "subject": rehearsal.proof.subject,
        "recipients": rehearsal.recipients,
        "variants": rehearsal.variants,
        "without_articles": rehearsal.without_articles,
        "largest_message": rehearsal.largest_message,
        "bytes": rehearsal.total_bytes,
        "articles": [choice.article.id for choice in rehearsal.proof.shown],
        "notes": list(rehearsal.proof.notes),
    }


def _print(rehearsal: "Rehearsal", newsletter: "NewsletterSettings") -> None:
    click.echo(f"Subject: {rehearsal.proof.subject}")
    written = f"{count_of(rehearsal.recipients, 'message')} written, none handed over"
    click.echo(f"{count_of(len(rehearsal.proof.shown), 'article')}; {written}")
    click.echo(f"largest message {rehearsal.largest_message:,} bytes, {rehearsal.total_bytes:,} bytes in all")
    if rehearsal.without_articles:
        wanting = count_of(rehearsal.without_articles, "subscriber wants", "subscribers want")
        or_had = ", or had all there is" if newsletter.skip_received else ""
        click.echo(f"{wanting} only sections without an article{or_had}: no message for them")
    for note in rehearsal.proof.notes:
        click.echo(f"Note: {note}")
