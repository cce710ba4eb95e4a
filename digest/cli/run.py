"""`digest run`: the service."""

import logging
import os
from pathlib import Path

import click

from digest.cli.workspace import WorkspaceCommand


@click.command(cls=WorkspaceCommand)
@click.option(
    "--tick",
    "tick_seconds",
    type=click.FloatRange(1, 3600),
    default=30,
    show_default=True,
    metavar="SECONDS",
    help="How often to look what is due.",
)
@click.pass_context
def run(ctx: click.Context, tick_seconds: float) -> None:
    """Run the service: send what is due, until SIGTERM.

    Stopping it loses no message and doubles none.

    \b
    Example:
      digest --config /srv/news/digest.toml run
    """
    from digest.app import open_app
    from digest.service import run_service, stop_on_signals
    from digest.settings import find_settings_file

    file = find_settings_file(Path.cwd(), os.environ, ctx.obj)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    logging.getLogger("apscheduler").setLevel(logging.ERROR)
    with open_app(file) as app:
        for newsletter in app.settings.newsletters:
            timezone = app.settings.timezone_of(newsletter)
            edition = app.default_edition(newsletter)
            click.echo(f"{newsletter.slug}: {newsletter.schedule} ({timezone.key}), next edition {edition}")
    with stop_on_signals() as stop:
        run_service(file, stop=stop, tick_seconds=tick_seconds)
