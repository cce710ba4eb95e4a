"""`digest subscribers tag` and `tags`: words that a publisher puts on people."""

import click

from digest.cli.filters import compile_expression, filter_option
from digest.cli.output import count_of, print_json, print_table
from digest.cli.workspace import WorkspaceCommand, json_option, open_workspace


@click.command(cls=WorkspaceCommand)
@click.argument("addresses", nargs=-1, metavar="ADDRESS...")
@filter_option
@click.option("--add", "added", multiple=True, metavar="TAG", help="Put it on; may be repeated.")
@click.option("--remove", "removed", multiple=True, metavar="TAG", help="Take it off; may be repeated.")
def tag(addresses: tuple[str, ...], expression: str, added: tuple[str, ...], removed: tuple[str, ...]) -> None:
    """Put tags on people, or take them off.

    \b
    Example:
      digest subscribers tag kim@example.com lee@example.com --add vip
      digest subscribers tag --filter "added<7d" --add new
    """
    from digest.address import normalise_address
    from digest.store.filters import find_ids
    from digest.store.subscribers import require_subscriber
    from digest.store.tags import add_tags, remove_tags

    if not (added or removed):
        raise click.UsageError("say which tags, with --add or --remove")
    if bool(addresses) == bool(expression):
        raise click.UsageError("name addresses, or a group with --filter")
    with open_workspace() as app, app.database.transaction():
        found = [require_subscriber(app.database, normalise_address(address)).id for address in addresses]
        people = found or find_ids(app.database, compile_expression(app, expression))
        changes = [
            remove_tags(app.database, person, removed) + add_tags(app.database, person, added) for person in people
        ]
    changed, as_before = sum(map(bool, changes)), changes.count(0)
    click.echo(f"{count_of(changed, 'subscriber')} changed{f', {as_before:,} had it so before' if as_before else ''}")


@click.command(cls=WorkspaceCommand)
@json_option
def tags(as_json: bool) -> None:
    """List the tags there are, and how many people have each.

    \b
    Example:
      digest subscribers tags
    """
    from digest.store.tags import count_tags

    with open_workspace() as app:
        counts = count_tags(app.database)
    if as_json:
        print_json(dict(counts))
    elif counts:
        print_table(("tag", "people"), list(counts.items()), right=("people",))
    else:
        click.echo("no tags yet; `digest subscribers tag ADDRESS --add TAG` puts one on")
