"""`digest images`: pictures of the next editions, their sizes, and what keeps one from being shown."""

from typing import TYPE_CHECKING, Any

import click

from digest.cli.output import count_of, print_json, print_table, show_progress
from digest.cli.workspace import WorkspaceCommand, json_option, open_workspace

if TYPE_CHECKING:
    from digest.app import App
    from digest.illustrate import ImagesReport, KnownImages
    from digest.model import Article
    from digest.settings import NewsletterSettings

_SECONDS = 600.0
IMPORT_SECONDS = 5.0
"""With the last picture begun then, an import waits for 10 seconds at most."""

no_images_option = click.option("--no-images", is_flag=True, help="Read no pictures from the web afterwards.")
"""For every import."""


@click.group()
def images() -> None:
    """Read the sizes of pictures, and see why one is left out.

    \b
    Example:
      digest images read
      digest images list
    """


@images.command(cls=WorkspaceCommand)
@click.argument("newsletter", required=False)
@click.option("--all", "known_too", is_flag=True, help="Also those that were read before.")
def read(newsletter: str | None, known_too: bool) -> None:
    """Read pictures of the next editions whose size is unknown.

    Of all newsletters, where none is named. `digest run` does the same every few minutes, and imports do at their end;
    sending never does. A broken picture is tried again after 24 hours, a good one after 30 days.

    \b
    Example:
      digest images read
    """
    with open_workspace() as app, show_progress("pictures", "read") as progress:
        report = _gather(app, newsletter, seconds=_SECONDS, known_too=known_too, on_progress=progress.advance)
    for image in report.broken:
        click.echo(f"{image.url}: {image.problem}")
    _warn(report)
    good = len(report.read) - len(report.broken)
    left = f", {len(report.left):,} left for the next time" if report.left else ""
    click.echo(f"{count_of(good, 'picture')} measured, {len(report.broken):,} broken{left}")


def _gather(app: "App", newsletter: str | None, **options: Any) -> "ImagesReport":
    from digest.gather import gather_images
    from digest.source.fetch import fetch

    newsletters = _newsletters(app, newsletter)
    return gather_images(app.database, app.settings, newsletters, now=app.clock.now(), fetch=fetch, **options)


def _newsletters(app: "App", slug: str | None) -> "tuple[NewsletterSettings, ...]":
    return app.settings.newsletters if slug is None else (app.settings.newsletter(slug),)


def _warn(report: "ImagesReport") -> None:
    """One line on what could not be reached: without a network that is every host."""
    if report.unreachable:
        first, *others = report.unreachable.values()
        more = f", and {count_of(len(others), 'other host')}" if others else ""
        click.echo(f"Note: pictures were not read: {first}{more}; `digest images read` tries again", err=True)


def read_after_import(*, quiet: bool) -> None:
    """Read pictures of the next editions after something was imported; whatever fails, the import was done."""
    from digest.errors import DigestError

    try:
        with open_workspace() as app:
            report = _gather(app, None, seconds=IMPORT_SECONDS)
    except DigestError as error:
        click.echo(f"Note: pictures were not read: {error}", err=True)
        return
    _warn(report)
    if report.read and not quiet:
        broken = f", {len(report.broken):,} of them broken: see `digest images list`" if report.broken else ""
        click.echo(f"{count_of(len(report.read), 'picture')} of the next edition read{broken}")


@images.command("list", cls=WorkspaceCommand)
@click.argument("newsletter", required=False)
@json_option
def list_(newsletter: str | None, as_json: bool) -> None:
    """List the pictures of the next editions, with sizes.

    What the next edition would show now, and its runners-up. A picture without a size is left out of the mail; the
    line says why it has none.

    \b
    Example:
      digest images list
    """
    from digest.gather import articles_of_next_edition
    from digest.illustrate import get_known_images

    with open_workspace() as app:
        rows = []
        for each in _newsletters(app, newsletter):
            articles = articles_of_next_edition(app.database, app.settings, each, now=app.clock.now())
            known = get_known_images(app.database, articles)
            rows += [_describe(each.slug, article, known) for article in articles if article.image]
    if as_json:
        print_json(rows)
    elif rows:
        print_table(("newsletter", "article", "size", "picture"), [_table_row(row) for row in rows])
    else:
        click.echo("No article of the next editions has a picture")


def _describe(newsletter: str, article: "Article", known: "KnownImages") -> dict[str, Any]:
    found = known.get(article.image)
    stated = article.image_width and article.image_height
    width, height, problem = article.image_width, article.image_height, ""
    if not article.image.startswith("https://"):
        problem = "it is not https, which mail clients block or warn of"
    elif found and not stated:
        width, height, problem = found.width, found.height, found.problem
    elif not stated:
        problem = "not read yet"
    return {
        "newsletter": newsletter,
        "article": article.id,
        "image": article.image,
        "width": None if problem else width,
        "height": None if problem else height,
        "stated": bool(stated),
        "problem": problem,
    }


def _table_row(row: dict[str, Any]) -> tuple[object, ...]:
    size = "–" if row["problem"] else f"{row['width']} × {row['height']}"
    picture = (row["image"], row["problem"]) if row["problem"] else row["image"]
    return row["newsletter"], row["article"], size, picture
