"""`digest init`: a new workspace."""

import os
from pathlib import Path

import click


@click.command()
@click.argument("folder", type=click.Path(path_type=Path), default=Path(), metavar="[DIR]")
@click.option("--name", default="My site", show_default=True, help="The site's name, as readers know it.")
@click.option("--from", "sender", metavar="MAILBOX", help='Who it is from: "Name <address>".')
@click.option("--timezone", metavar="NAME", help="IANA timezone of the site; by default this machine's.")
@click.option("--locale", metavar="TAG", help="ko or en; by default this machine's, else en.")
def init(folder: Path, name: str, sender: str | None, timezone: str | None, locale: str | None) -> None:
    """Make a workspace: a commented digest.toml and the database.

    \b
    Example:
      digest init my-site --name "Harbour News" --from "Harbour News <news@example.com>"
      digest init my-site --name 한빛뉴스 --timezone Asia/Seoul --locale ko
    """
    from digest.workspace import create_workspace, guess_locale, guess_timezone

    file = create_workspace(
        folder,
        name=name,
        sender=sender or f"{name} <news@example.com>",
        timezone=timezone or guess_timezone(),
        locale=locale or guess_locale(os.environ),
    )
    click.echo(f"Made {file}, with a comment on every setting, and {file.with_name('digest.db')}.")
    click.echo("\nNext:")
    if folder != Path():
        click.echo(f"  cd {folder}")
    click.echo("  digest articles import articles.csv    id, url, title, published_at, section, excerpt …, views")
    click.echo("  digest views import views.csv          or the views apart, by day: article_id, date, views")
    click.echo("  digest subscribers import members.csv  whoever agreed to be mailed: address, name")
    click.echo("  digest preview                         the next issue, and why each article is where it is")
