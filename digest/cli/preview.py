"""`digest preview`: an issue as it would go out, on a page, as files, or as a list that says why."""

import os
import sys
from dataclasses import dataclass
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
_PICTURE = click.Path(path_type=Path, dir_okay=False)


@click.command(cls=WorkspaceCommand)
@click.argument("newsletter", required=False)
@date_option
@click.option("--as", "address", metavar="ADDRESS", help="As this subscriber gets it.")
@click.option("--list", "as_list", is_flag=True, help="Print the articles and why, instead of opening the page.")
@click.option("--html", type=_FILE, help="Write the HTML part to a file; - for stdout.")
@click.option("--text", type=_FILE, help="Write the plain-text part to a file; - for stdout.")
@click.option("--eml", type=_FILE, help="Write the whole message to a file; - for stdout.")
@click.option("--png", type=_PICTURE, help="Write a picture of the HTML part to a file; needs Chromium.")
@click.option("--width", type=click.Choice(["375", "640"]), help="Width of the picture: a phone, or a window. [640]")
@click.option("--dark", is_flag=True, help="Take the picture in the mail's dark mode.")
@click.option("--open/--no-open", "open_browser", default=None, help="Whether to open the page in the browser.")
@click.option("--port", type=click.IntRange(1, 65535), help="The page's port on this machine; any free one by default.")
@json_option
def preview(newsletter: str | None, edition: date | None, address: str | None, **options: Any) -> None:
    """Look at an issue on a page before it is sent, and edit it.

    The page shows the mail as different clients do, what the check finds, and the ranking to pin, leave out and
    reorder. It is served to this machine alone, until Ctrl-C. With --list, --html, --text, --eml, --png or --json this
    stays a plain command that writes nothing but the files asked for.

    The edition is today's where one is due today, else the next. A frozen issue is shown as it was frozen.

    \b
    Example:
      digest preview
      digest preview --list
      digest preview --date 2019-04-08 --html issue.html --text issue.txt
      digest preview --png issue.png --width 375 --dark
    """
    order = _Order(**options)
    order.require_sense()
    if order.is_plain:
        _write_parts(newsletter, edition, address, order)
    else:
        _open_page(newsletter, edition, address, order)


@dataclass(frozen=True, kw_only=True)
class _Order:
    """What was asked for."""

    as_list: bool
    html: Path | None
    text: Path | None
    eml: Path | None
    png: Path | None
    width: str | None
    dark: bool
    open_browser: bool | None
    port: int | None
    as_json: bool

    @property
    def is_plain(self) -> bool:
        """Whether something is printed or written, rather than a page opened."""
        return self.as_list or self.as_json or any((self.html, self.text, self.eml, self.png))

    @property
    def only_part(self) -> bool:
        """Whether one of the parts goes to stdout, which has room for one thing."""
        return _STDOUT in (self.html, self.text, self.eml)

    def require_sense(self) -> None:
        """Refuse options that do not go together."""
        if [self.html, self.text, self.eml].count(_STDOUT) + self.as_json > 1:
            raise click.UsageError("only one of --html -, --text -, --eml - and --json can have stdout")
        if (self.width or self.dark) and not self.png:
            raise click.UsageError("--width and --dark go with --png")
        if self.is_plain and (self.port or self.open_browser is not None):
            raise click.UsageError(
                "--open, --no-open and --port go with the page; leave out what asks for a list or a file"
            )


def _write_parts(newsletter: str | None, edition: date | None, address: str | None, order: _Order) -> None:
    from digest.deliver.letters import slot_values, write_message
    from digest.proof import choose_reader, make_proof

    with open_workspace() as app:
        chosen, timezone = choose_newsletter(app, newsletter)
        subscriber = _find_subscriber(app, address)
        opened = open_edition(app, chosen, edition or app.default_edition(chosen))
        proof = make_proof(app.database, opened, app.workshop, reader=subscriber)
        reader = choose_reader(proof, subscriber)
        body, values = proof.letterhead.bodies[proof.variant], slot_values(proof.letterhead, reader)
        content = write_message(proof.letterhead, proof.variant, reader).content
        language = app.workshop.templates.language(app.settings.locale_of(chosen))
        _write(order.html, body.html.fill(values).encode())
        _write(order.text, body.text.fill(values).encode())
        _write(order.eml, content)
        if order.png is not None:
            _draw(app, content, order.png, width=int(order.width or 640), dark=order.dark)
        if order.as_json:
            print_json({**proof_to_json(proof, language, timezone), "bytes": len(content)})
        elif not order.only_part:
            print_proof(proof, language, timezone, size=len(content))


def _draw(app: "App", content: bytes, file: Path, *, width: int, dark: bool) -> None:
    from digest.screenshot import find_browser, take_screenshot
    from digest.web.preview.panes import Pane
    from digest.web.preview.parts import open_parts
    from digest.web.preview.picture import draw_alone

    document = draw_alone(app.database, open_parts(content), Pane.DARK if dark else Pane.DESKTOP)
    take_screenshot(document, file, width=width, browser=find_browser(os.environ))
    click.echo(f"Wrote {file}", err=True)


def _open_page(newsletter: str | None, edition: date | None, address: str | None, order: _Order) -> None:
    from digest.web.preview.desk import Query
    from digest.web.preview.server import serve_preview

    with open_workspace() as app:
        slug = app.settings.newsletter(newsletter).slug if newsletter else None
        subscriber = _find_subscriber(app, address)
        file = app.settings.file
    query = Query(newsletter=slug, edition=edition, reader=subscriber.id if subscriber else None)
    wants_browser = _has_display() if order.open_browser is None else order.open_browser

    def tell(url: str) -> None:
        click.echo(f"Preview    {url}\nCtrl-C ends it.")
        if wants_browser:
            click.launch(url)

    serve_preview(file, query, port=order.port or 0, on_ready=tell)


def _has_display() -> bool:
    """Whether a browser opened here would be seen by the person at this terminal."""
    if "SSH_CONNECTION" in os.environ:
        return False
    return sys.platform in ("darwin", "win32") or bool({"DISPLAY", "WAYLAND_DISPLAY"} & os.environ.keys())


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
