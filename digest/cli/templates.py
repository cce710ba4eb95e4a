"""`digest templates`: which there are, a copy to start from, and what they can use."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from digest.cli.output import count_of, print_json, print_table
from digest.cli.workspace import (
    WorkspaceCommand,
    choose_newsletter,
    date_option,
    json_option,
    newsletter_option,
    open_edition,
    open_workspace,
)

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    from digest.app import App
    from digest.render.themes import Theme


@click.group()
def templates() -> None:
    """See which templates there are, and copy one to change it.

    \b
    Example:
      digest templates list
      digest templates copy weekly --block footer
    """


@templates.command("list", cls=WorkspaceCommand)
@json_option
def list_(as_json: bool) -> None:
    """List templates, where each comes from, and its blocks.

    A template of the package whose files you changed names those files.

    \b
    Example:
      digest templates list
    """
    from digest.render.themes import list_themes

    with open_workspace() as app:
        rows = [_theme_to_json(app, theme) for theme in list_themes(app.workshop.templates)]
    if as_json:
        print_json(rows)
        return
    cells = [(row["name"], ", ".join(row["newsletters"]) or "–", _origin(row), _what(row)) for row in rows]
    print_table(("template", "used by", "from", "what it is"), cells)


def _theme_to_json(app: "App", theme: "Theme") -> dict[str, Any]:
    return {
        "name": theme.name,
        "summary": theme.summary,
        "packaged": theme.is_packaged,
        "own_files": list(theme.own_files),
        "blocks": list(theme.blocks),
        "newsletters": [each.slug for each in app.settings.newsletters if each.template == theme.name],
    }


def _origin(row: dict[str, Any]) -> str | tuple[str, str]:
    if not row["packaged"]:
        return "workspace"
    return ("packaged", f"changed: {_some(row['own_files'])}") if row["own_files"] else "packaged"


def _some(files: list[str]) -> str:
    return files[-1] if len(files) == 1 else f"{files[-1]} and {count_of(len(files) - 1, 'other')}"


def _what(row: dict[str, Any]) -> tuple[str, str]:
    return row["summary"] or "–", f"blocks: {', '.join(row['blocks']) or 'none'}"


@templates.command(cls=WorkspaceCommand)
@click.argument("name")
@click.argument("new", required=False)
@click.option("--block", metavar="BLOCK", help="Copy one block only, into a small file that extends the template.")
def copy(name: str, new: str | None, block: str | None) -> None:
    """Copy a template into the workspace, to change it there.

    Under its own name the copy takes the template's place. With a block, all else stays as it is packaged, and comes
    along when digest is updated. "shared" is what all templates are made from. No file is overwritten.

    \b
    Example:
      digest templates copy weekly --block footer
      digest templates copy weekly evening
    """
    from digest.render.themes import copy_block, copy_theme, write_files

    new = new or name
    with open_workspace() as app:
        library = app.workshop.templates
        files = copy_block(library, name, block, new) if block else copy_theme(library, name, new)
        for file in write_files(files, library.folders[0]):
            click.echo(f"Wrote {_shorten(file, app.settings.folder)}")
        if new != name and not any(each.template == new for each in app.settings.newsletters):
            click.echo(f'To use it, set template = "{new}" under [[newsletter]] in {app.settings.file.name}')


def _shorten(file: Path, folder: Path) -> Path:
    return file.relative_to(folder) if file.is_relative_to(folder) else file


@templates.command(cls=WorkspaceCommand)
@click.argument("name", required=False)
@newsletter_option
@date_option
@json_option
def context(name: str | None, newsletter: str | None, edition: "date | None", as_json: bool) -> None:
    """Print every field a template can use, with an example.

    With a name, only the fields that begin with it. The examples are from the newsletter's next issue.

    \b
    Example:
      digest templates context
      digest templates context lead.image
    """
    from digest.render.context import context_fields

    chosen = [field for field in context_fields() if _begins_with(field.path, name)]
    if not chosen:
        raise click.BadParameter(f"no field begins with {name!r}; `digest templates context` lists all")
    with open_workspace() as app:
        examples = _examples(app, newsletter, edition)
    rows = [(field.path, field.type, examples.get(field.path, ""), field.help) for field in chosen]
    if as_json:
        print_json([dict(zip(("name", "type", "example", "help"), row, strict=True)) for row in rows])
    else:
        print_table(
            ("field", "meaning"), [(path, (text, example) if example else text) for path, _, example, text in rows]
        )


def _begins_with(path: str, name: str | None) -> bool:
    """Whether a field is meant: `articles.title` too names what is written `articles[].title`."""
    plain = path.replace("[]", "")
    wanted = (name or "").replace("[]", "")
    return not wanted or plain == wanted or plain.startswith(f"{wanted}.")


def _examples(app: "App", slug: str | None, edition: "date | None") -> "Mapping[str, str]":
    """What the next issue has in each field; nothing where there is no issue yet."""
    from digest.compose import compose_edition
    from digest.render.build import build_context
    from digest.render.examples import field_examples
    from digest.variants import request_of_draft

    newsletter, _ = choose_newsletter(app, slug)
    draft = compose_edition(app.database, open_edition(app, newsletter, edition or app.default_edition(newsletter)))
    if not draft.selection.shown:
        click.echo(f"Note: no examples, as {newsletter.slug} {draft.edition.date} has nothing to show yet", err=True)
        return {}
    request = request_of_draft(draft, draft.selection.shown, app.workshop)
    return field_examples(build_context(request, app.workshop.templates.language(request.locale)), request.nonce)
