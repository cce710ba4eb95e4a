"""`digest subscribers form`: the form for a publisher's own pages."""

import click

from digest.cli.workspace import WorkspaceCommand, open_workspace


@click.command("form", cls=WorkspaceCommand)
@click.option("--newsletter", "-n", "newsletters", multiple=True, metavar="SLUG", help="Only these; by default all.")
@click.option("--locale", metavar="TAG", help="ko, en, …; by default the site's.")
def form(newsletters: tuple[str, ...], locale: str | None) -> None:
    """Print a form to paste into your own pages.

    It needs no script and looks as your page does. What it asks for arrives at digest's own page, where the reader
    presses once more; then comes the mail that asks for confirmation.

    \b
    Example:
      digest subscribers form --newsletter weekly > form.html
    """
    with open_workspace() as app:
        chosen = [app.settings.newsletter(slug) for slug in newsletters] or list(app.settings.newsletters)
        language = app.workshop.templates.language(locale or app.settings.site.locale)
        base = app.settings.site.base_url(app.settings.newsletters[0].mailbox.domain)
        values = {"base": base, "newsletters": chosen}
        click.echo(app.workshop.templates.render_page("site/snippet.html", values, language), nl=False)
