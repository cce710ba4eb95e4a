"""`digest init`: a new workspace."""

import os
from pathlib import Path

import click


@click.command()
@click.argument("folder", type=click.Path(path_type=Path), default=Path(), metavar="[DIR]")
@click.option("--name", default="My site", show_default=True, help="The site's name, as readers know it.")
@click.option("--from", "sender", help='Who it is from: "Name <address>".')
@click.option("--timezone", help="IANA timezone of the site; by default this machine's.")
@click.option("--locale", help="ko or en; by default this machine's, else en.")
def init(folder: Path, name: str, sender: str | None, timezone: str | None, locale: str | None) -> None:
    """Make a workspace: a commented digest.toml and the database.

    \b
    Example:
      digest init my-site --name "한빛뉴스" --from "한빛뉴스 <news@example.com>" --timezone Asia/Seoul --locale ko
    """
    from digest.workspace import create_workspace, guess_locale, guess_timezone

    file = create_workspace(
        folder,
        name=name,
        sender=sender or f"{name} <news@example.com>",
        timezone=timezone or guess_timezone(),
        locale=locale or guess_locale(os.environ),
    )
    shown = file.parent if folder != Path() else Path()
    click.echo(f"Made {file} and {file.with_name('digest.db').name}.")
    click.echo("Next:")
    if shown != Path():
        click.echo(f"  cd {folder}")
    click.echo("  digest articles import articles.csv     your articles, with a views column or")
    click.echo("  digest views import views.csv           with dated counts of their own")
    click.echo("  digest preview                          this week's issue")
