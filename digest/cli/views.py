"""`digest views`: import view counts."""

from typing import Any

import click

from digest.cli.images import no_images_option, read_after_import
from digest.cli.imports import import_files
from digest.cli.workspace import WorkspaceCommand, import_options, json_option


@click.group()
def views() -> None:
    """Import view counts.

    \b
    Example:
      digest views import views-2019-04.csv.gz
    """


@views.command("import", cls=WorkspaceCommand)
@import_options
@no_images_option
@json_option
def import_views(no_images: bool, **options: Any) -> None:
    """Import views from CSV, TSV, JSON or NDJSON (also .gz).

    The columns tell which kind they are: dated counts (article_id, date, views), events (article_id, viewed_at), or
    running totals (article_id, total, and taken_at where the total is not of now). A row that cannot be used keeps its
    whole file out, unless --skip-bad says otherwise. Importing twice changes nothing. Views change which articles
    the next edition shows, so pictures are read afterwards as `articles import` does.

    \b
    Example:
      digest views import views-2019-04.csv.gz
    """
    from digest.gather import import_views as import_file

    import_files(import_file, "count", **options)
    if not (no_images or options["dry_run"]):
        read_after_import(quiet=options["as_json"])
