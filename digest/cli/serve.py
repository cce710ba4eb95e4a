"""`digest serve`: readers' pages alone."""

import logging
import os
from pathlib import Path

import click

from digest.cli.workspace import WorkspaceCommand


@click.command(cls=WorkspaceCommand)
@click.option("--host", metavar="ADDRESS", help="Instead of web.host.")
@click.option("--port", type=click.IntRange(0, 65535), metavar="N", help="Instead of web.port; 0 takes any.")
@click.option("--with-parent", is_flag=True, hidden=True, help="End when standard input does.")
@click.pass_context
def serve(ctx: click.Context, host: str | None, port: int | None, with_parent: bool) -> None:
    """Serve readers' own pages alone.

    `digest run` does so too, where digest.toml has a table [web]. A web server in front takes https.

    \b
    Example:
      digest serve --port 8025
    """
    from digest.service import stop_on_end_of_input, stop_on_signals
    from digest.settings import find_settings_file
    from digest.web.public.server import serve_public

    file = find_settings_file(Path.cwd(), os.environ, ctx.obj)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    logging.getLogger("uvicorn").setLevel(logging.WARNING)
    with stop_on_signals() as stop:
        if with_parent:
            stop_on_end_of_input(stop)
        serve_public(file, stop=stop, on_ready=_tell, host=host or "", port=port)


def _tell(pages: str, operations: str) -> None:
    click.echo(f"Pages at {pages}", err=True)
    if operations:
        click.echo(f"Health and metrics at {operations}", err=True)
