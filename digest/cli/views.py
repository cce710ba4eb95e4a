"""`digest views`: import view counts."""

from typing import Any

import click

from digest.cli.imports import import_files
from digest.cli.workspace import WorkspaceCommand, import_options, json_option


@click.group()
def views() -> None:
    """Import view counts."""


@views.command("import", cls=WorkspaceCommand)
@import_options
@click.option("--skip-bad", is_flag=True, help="Keep the good rows; write the others, with reasons, to a file.")
@json_option
def import_views(**options: Any) -> None:
    """Import view counts from CSV, TSV, JSON or NDJSON files (.gz too).

    The columns tell which kind they are: dated counts (article_id, date, views), events (article_id, viewed_at), or
    running totals (article_id, total, and taken_at where the total is not of now).

    \b
    Example:
      digest views import views-2019-04.csv.gz
    """
    from digest.gather import import_views as import_file

    import_files(import_file, "counts", **options)
