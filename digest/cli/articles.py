"""`digest articles`: import, rank, list, and what the editor decides."""

from datetime import date
from typing import TYPE_CHECKING, Any

import click

from digest.cli.images import no_images_option, read_after_import
from digest.cli.imports import import_files
from digest.cli.output import count_of, print_json, print_table
from digest.cli.workspace import (
    SHOWN_AT_MOST,
    WorkspaceCommand,
    choose_newsletter,
    date_option,
    import_options,
    json_option,
    limit_option,
    newsletter_option,
    open_edition,
    open_workspace,
)

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from digest.app import App
    from digest.compose import Edition, EditionRanking
    from digest.model import Article, RankedArticle

NO_SECTION = "(none)"
"""What --section takes for articles without one; an empty word does as well."""
NO_ARTICLES = "There are no articles yet; `digest articles import FILE` brings some"


@click.group()
def articles() -> None:
    """Import articles, rank them, and decide about them.

    \b
    Example:
      digest articles import articles.csv
      digest articles top --limit 10
      digest articles pin 20771
    """


@articles.command("import", cls=WorkspaceCommand)
@import_options
@no_images_option
@json_option
def import_articles(no_images: bool, **options: Any) -> None:
    """Import articles from CSV, TSV, JSON or NDJSON (also .gz).

    Columns: id, url, title, published_at, and where there are any: subheads, excerpt, image, image_caption,
    image_width, image_height, section, section_slug, author, source, language, views. `views` is a running total and
    taken as a snapshot. A row that cannot be used keeps its whole file out, unless --skip-bad says otherwise.
    Importing twice changes nothing; a changed article is updated. Then the sizes of pictures that the next edition may
    show are read from the web, for 10 seconds at most.

    \b
    Example:
      digest articles import articles.csv --map title=headline --encoding cp949
    """
    from digest.gather import import_articles as import_file

    import_files(import_file, "article", **options)
    if not (no_images or options["dry_run"]):
        read_after_import(quiet=options["as_json"])


@articles.command(cls=WorkspaceCommand)
@newsletter_option
@date_option
@limit_option(20)
@click.option("--candidates", type=click.Choice(["viewed", "published"]), help="By default the newsletter's.")
@click.option("--section", help='Only this section; "(none)" for articles without one.')
@json_option
def top(
    newsletter: str | None,
    edition: date | None,
    limit: int,
    candidates: str | None,
    section: str | None,
    as_json: bool,
) -> None:
    """Rank articles by their views, before any choice is made.

    What counts is the views in an edition's window. The edition date is today by default, and the window is the whole
    days before it.

    \b
    Example:
      digest articles top --date 2019-04-08 --candidates viewed --section society
    """
    from digest.compose import rank_edition

    with open_workspace() as app:
        chosen, timezone = choose_newsletter(app, newsletter)
        if candidates:
            chosen = chosen.model_copy(update={"candidates": candidates})
        opened = open_edition(app, chosen, edition or app.today(chosen))
        ranking = rank_edition(app.database, opened, section=_section_key(app, section))
        ranked = ranking.ranked[:limit]
        if as_json:
            print_json([_ranked_to_json(candidate, timezone) for candidate in ranked])
            return
        _print_ranking(ranked, timezone)
        _print_summary(app, opened, ranking)


def _print_summary(app: "App", edition: "Edition", ranking: "EditionRanking") -> None:
    """How many articles were compared, over which time, and what to do where there is none."""
    timezone = edition.timezone
    start, end = (moment.astimezone(timezone) for moment in (edition.window.start, edition.window.end))
    when = f"from {start:%Y-%m-%d %H:%M} to {end:%Y-%m-%d %H:%M} ({timezone.key})"
    click.echo(f"{count_of(len(ranking.ranked), 'article')} {edition.newsletter.candidates} {when}")
    if ranking.unranked:
        since = f" since {ranking.counted_since.astimezone(timezone):%Y-%m-%d}" if ranking.counted_since else ""
        older = count_of(ranking.unranked, "older article is", "older articles are")
        click.echo(f"{older} not ranked: their views are counted only{since}")
    if not ranking.ranked:
        click.echo(_advise(app, timezone))


def _advise(app: "App", timezone: "ZoneInfo") -> str:
    from digest.store.articles import list_articles

    newest = list_articles(app.database, limit=1)
    if not newest:
        return NO_ARTICLES
    return f"The newest article is of {newest[0].published_at.astimezone(timezone):%Y-%m-%d}; choose another --date"


def _section_key(app: "App", section: str | None) -> str | None:
    """A section by its key or by its readers' name."""
    from digest.errors import NotFoundError
    from digest.store.articles import list_sections

    if section is None:
        return None
    if section in ("", NO_SECTION):
        return ""
    sections = list_sections(app.database)
    for key, name in sections.items():
        if section in (key, name):
            return key
    known = ", ".join(key or NO_SECTION for key in sections)
    raise NotFoundError(f"no article is of the section {section!r}; sections: {known or 'none yet'}")


def _ranked_to_json(candidate: "RankedArticle", timezone: "ZoneInfo") -> dict[str, Any]:
    article = candidate.article
    return {
        "rank": candidate.rank,
        "id": article.id,
        "title": article.title,
        "section": article.section,
        "views": candidate.count.views,
        "published_at": article.published_at.astimezone(timezone).isoformat(),
    }


def _print_ranking(ranked: "tuple[RankedArticle, ...]", timezone: "ZoneInfo") -> None:
    rows = [
        (
            candidate.rank,
            f"{candidate.count.views:,}",
            candidate.article.section_name,
            candidate.article.published_at.astimezone(timezone).strftime("%m-%d %H:%M"),
            candidate.article.id,
            candidate.article.title,
        )
        for candidate in ranked
    ]
    if rows:
        print_table(("rank", "views", "section", "published", "id", "title"), rows, right=("rank", "views"))
        click.echo()


@articles.command("list", cls=WorkspaceCommand)
@click.option("--section", help='Only this section; "(none)" for articles without one.')
@click.option("--text", default="", help="Only titles that contain this.")
@limit_option(50)
@json_option
def list_(section: str | None, text: str, limit: int, as_json: bool) -> None:
    """List articles, newest first.

    \b
    Example:
      digest articles list --text 미세먼지
    """
    from zoneinfo import ZoneInfo

    from digest.store.articles import count_articles, list_articles

    with open_workspace() as app:
        found = list_articles(app.database, section=_section_key(app, section), text=text, limit=limit)
        timezone = ZoneInfo(app.settings.site.timezone)
        if as_json:
            print_json([_article_to_json(article, timezone) for article in found])
            return
        rows = [
            (
                f"{article.published_at.astimezone(timezone):%Y-%m-%d %H:%M}",
                article.section_name,
                article.id,
                article.title,
            )
            for article in found
        ]
        known = count_articles(app.database)
        if rows:
            print_table(("published", "section", "id", "title"), rows)
            click.echo()
        click.echo(f"{len(found):,} of {count_of(known, 'article')}" if known else NO_ARTICLES)


@articles.command(cls=WorkspaceCommand)
@click.argument("article_id", metavar="ID")
@json_option
def show(article_id: str, as_json: bool) -> None:
    """Show everything known about one article.

    \b
    Example:
      digest articles show 20771
    """
    from zoneinfo import ZoneInfo

    with open_workspace() as app:
        article = _require_article(app, article_id)
        values = _article_to_json(article, ZoneInfo(app.settings.site.timezone))
        if as_json:
            print_json(values)
            return
        for name, value in values.items():
            if value:
                click.echo(f"{name:<14} {' / '.join(value) if isinstance(value, list) else value}")


def _article_to_json(article: "Article", timezone: "ZoneInfo") -> dict[str, Any]:
    from dataclasses import asdict

    published_at = article.published_at.astimezone(timezone).isoformat()
    return {**asdict(article), "subheads": list(article.subheads), "published_at": published_at}


def _require_article(app: "App", article_id: str) -> "Article":
    from digest.errors import NotFoundError
    from digest.store.articles import get_article

    article = get_article(app.database, article_id)
    if article is None:
        raise NotFoundError(f"no article has the id {article_id!r}; `digest articles list --text …` finds ids")
    return article


@articles.command(cls=WorkspaceCommand)
@click.argument("article_id", metavar="ID")
@click.option("--position", type=SHOWN_AT_MOST, metavar="N", help="Place among the pins; after the others by default.")
@newsletter_option
def pin(article_id: str, position: int | None, newsletter: str | None) -> None:
    """Put an article first in the next issue.

    The issue that shows it uses the pin up.

    \b
    Example:
      digest articles pin 20771 --position 1
    """
    from digest.store.articles import pin_article

    with open_workspace() as app:
        chosen, _ = choose_newsletter(app, newsletter)
        article = _require_article(app, article_id)
        pin_article(app.database, chosen.slug, article.id, position=position, now=app.clock.now())
        click.echo(f"Pinned in {chosen.slug}: {article.title}")


@articles.command(cls=WorkspaceCommand)
@click.argument("article_id", metavar="ID")
@newsletter_option
def unpin(article_id: str, newsletter: str | None) -> None:
    """Take a pin back.

    \b
    Example:
      digest articles unpin 20771
    """
    _forget(article_id, newsletter, "pin", "pinned")


@articles.command(cls=WorkspaceCommand)
@click.argument("article_id", metavar="ID")
@newsletter_option
def exclude(article_id: str, newsletter: str | None) -> None:
    """Keep an article out of the issues to come.

    \b
    Example:
      digest articles exclude 20771
    """
    from digest.store.articles import exclude_article

    with open_workspace() as app:
        chosen, _ = choose_newsletter(app, newsletter)
        article = _require_article(app, article_id)
        exclude_article(app.database, chosen.slug, article.id, now=app.clock.now())
        click.echo(f"Kept out of {chosen.slug}: {article.title}")


@articles.command(cls=WorkspaceCommand)
@click.argument("article_id", metavar="ID")
@newsletter_option
def include(article_id: str, newsletter: str | None) -> None:
    """Take an exclusion back.

    \b
    Example:
      digest articles include 20771
    """
    _forget(article_id, newsletter, "exclude", "excluded")


def _forget(article_id: str, newsletter: str | None, kind: str, state: str) -> None:
    from digest.store.articles import forget_decision

    with open_workspace() as app:
        chosen, _ = choose_newsletter(app, newsletter)
        forgotten = forget_decision(app.database, chosen.slug, article_id, kind)
        is_was = "is no longer" if forgotten else "was not"
        click.echo(f"{article_id} {is_was} {state} in {chosen.slug}")
