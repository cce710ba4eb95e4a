"""`digest preview`: an issue as it would go out, and why each article is where it is."""

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from digest.cli.output import count_of, print_json, print_table
from digest.cli.workspace import (
    WorkspaceCommand,
    choose_newsletter,
    date_option,
    json_option,
    open_edition,
    open_workspace,
)

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from digest.app import App
    from digest.language import Language
    from digest.model import Choice, Subscriber
    from digest.proof import Proof

_STDOUT = Path("-")
_FILE = click.Path(path_type=Path, dir_okay=False, allow_dash=True)


@click.command(cls=WorkspaceCommand)
@click.argument("newsletter", required=False)
@date_option
@click.option("--as", "address", metavar="ADDRESS", help="As this subscriber gets it.")
@click.option("--html", type=_FILE, help="Write the HTML part to a file; - for stdout.")
@click.option("--text", type=_FILE, help="Write the plain-text part to a file; - for stdout.")
@click.option("--eml", type=_FILE, help="Write the whole message to a file; - for stdout.")
@click.option("--open", "open_browser", is_flag=True, help="Open the HTML part in the browser.")
@json_option
def preview(
    newsletter: str | None,
    edition: date | None,
    address: str | None,
    html: Path | None,
    text: Path | None,
    eml: Path | None,
    open_browser: bool,
    as_json: bool,
) -> None:
    """Show an issue before it is sent: its articles, and why.

    The edition is today's where one is due today, else the next. A frozen issue is shown as it was frozen. Nothing is
    written but the files asked for.

    \b
    Example:
      digest preview
      digest preview --date 2019-04-08 --html issue.html --text issue.txt
    """
    from digest.deliver.letters import slot_values, write_message
    from digest.proof import choose_reader, make_proof

    only_part = _takes_stdout(html, text, eml, as_json=as_json)
    with open_workspace() as app:
        chosen, timezone = choose_newsletter(app, newsletter)
        subscriber = _find_subscriber(app, address)
        opened = open_edition(app, chosen, edition or app.default_edition(chosen))
        proof = make_proof(app.database, opened, app.workshop, reader=subscriber)
        reader = choose_reader(proof, subscriber)
        body, values = proof.letterhead.bodies[proof.variant], slot_values(proof.letterhead, reader)
        content = write_message(proof.letterhead, proof.variant, reader).content
        language = app.workshop.templates.language(app.settings.locale_of(chosen))
        _write(html, body.html.fill(values).encode())
        _write(text, body.text.fill(values).encode())
        _write(eml, content)
        if as_json:
            print_json({**proof_to_json(proof, language, timezone), "bytes": len(content)})
        elif not only_part:
            print_proof(proof, language, timezone, size=len(content))
        if open_browser:
            _open(app, body.html.fill(values))


def _takes_stdout(*files: Path | None, as_json: bool) -> bool:
    """Whether one of the parts goes to stdout, which has room for one thing."""
    wanted = files.count(_STDOUT)
    if wanted + as_json > 1:
        raise click.UsageError("only one of --html -, --text -, --eml - and --json can have stdout")
    return wanted == 1


def _find_subscriber(app: "App", address: str | None) -> "Subscriber | None":
    from digest.address import normalise_address
    from digest.store.subscribers import require_subscriber

    return require_subscriber(app.database, normalise_address(address)) if address else None


def print_proof(proof: "Proof", language: "Language", timezone: "ZoneInfo", *, size: int) -> None:
    """Print the subject, what is shown and why, and what was passed over."""
    letterhead = proof.letterhead
    state = "frozen" if proof.is_frozen else "not frozen yet"
    click.echo(f"{letterhead.newsletter.slug} {letterhead.edition} ({state})")
    click.echo(f"Subject    {proof.subject}")
    click.echo(f"Preheader  {proof.preheader}")
    candidates = count_of(proof.candidates, "candidate")
    click.echo(f"Ranked     {candidates} with {count_of(proof.views_total, 'view')}; message of {size:,} bytes")
    for note in proof.notes:
        click.echo(f"Note       {note}")
    click.echo()
    print_choices(proof.shown, language, timezone)
    if proof.passed_over:
        click.echo("\nNot shown:")
        print_choices(proof.passed_over, language, timezone)


def print_choices(choices: "tuple[Choice, ...]", language: "Language", timezone: "ZoneInfo") -> None:
    """Print choices, each with its reasons on a line under its title."""
    from digest.rank.explain import explain_choice

    rows = [
        (
            f"{choice.position or '–':>2}",
            f"{choice.count.views:,}",
            choice.article.section_name,
            choice.article.id,
            (choice.article.title, explain_choice(choice, language, timezone)),
        )
        for choice in choices
    ]
    print_table(("", "views", "section", "id", "title"), rows, right=("", "views"))


def proof_to_json(proof: "Proof", language: "Language", timezone: "ZoneInfo") -> dict[str, Any]:
    """A proof as plain JSON values."""
    from digest.rank.explain import choice_to_json

    return {
        "newsletter": proof.letterhead.newsletter.slug,
        "edition": proof.letterhead.edition.isoformat(),
        "frozen": proof.is_frozen,
        "subject": proof.subject,
        "preheader": proof.preheader,
        "candidates": proof.candidates,
        "views_total": proof.views_total,
        "notes": list(proof.notes),
        "shown": [choice_to_json(choice, language, timezone) for choice in proof.shown],
        "passed_over": [choice_to_json(choice, language, timezone) for choice in proof.passed_over],
    }


def _write(file: Path | None, content: bytes) -> None:
    if file is None:
        return
    with click.open_file(str(file), "wb") as opened:
        opened.write(content)
    if file != _STDOUT:
        click.echo(f"Wrote {file} ({len(content):,} bytes)", err=True)


def _open(app: "App", html: str) -> None:
    """Write the page into the workspace, where it stays readable after this command has ended, and open it."""
    file = app.settings.folder / "preview.html"
    file.write_text(html, encoding="utf-8")
    click.echo(f"Opening {file}", err=True)
    click.launch(file.as_uri())
