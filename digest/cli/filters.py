"""Groups of people on the command line: `--filter`, `subscribers count` and `subscribers filters`."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from digest.cli.output import print_json, print_table
from digest.cli.workspace import WorkspaceCommand, json_option, open_workspace

if TYPE_CHECKING:
    from digest.app import App
    from digest.store.filters import Condition

Function = TypeVar("Function", bound=Callable[..., Any])


def filter_option(function: Function) -> Function:
    """`--filter`."""
    return click.option(
        "--filter", "expression", default="", metavar="EXPR", help='Only whom a filter finds: "locale=ko and tag=vip".'
    )(function)


def compile_expression(app: "App", expression: str) -> "Condition":
    """The filter as the store takes it."""
    from digest.store.filters import compile_filter

    return compile_filter(app.database, expression, now=app.clock.now())


@click.command(cls=WorkspaceCommand)
@click.argument("expression", metavar="EXPR")
@json_option
def count(expression: str, as_json: bool) -> None:
    """Count whom a filter finds, by state.

    Terms are joined by and, or, not and parentheses. Texts (address, domain, name, locale, timezone, state, source)
    and sets (tag, newsletter, section) take =, != and ~ for a part, or "in (a, b)". added, consented, left, mailed and
    inactive take a day (added>2026-03-01) or an age (mailed>90d: longer ago; d, w, m, y). bounces and unread are
    numbers, paused yes or no. @name is a saved filter. inactive and unread need opens or clicks to be counted.

    \b
    Example:
      digest subscribers count "locale=ko and section=economy and not tag in (press, staff)"
    """
    from digest.store.filters import count_people

    with open_workspace() as app:
        found = {
            str(state): people
            for state, people in count_people(app.database, compile_expression(app, expression)).items()
        }
    total = sum(found.values())
    if as_json:
        print_json({"total": total, **found})
        return
    print_table(("state", "people"), [*found.items(), ("total", total)], right=("people",))


@click.group()
def filters() -> None:
    """Save filters under names, to be used as @name.

    \b
    Example:
      digest subscribers filters save seoul "timezone=Asia/Seoul and state=active"
      digest subscribers list --filter @seoul
    """


@filters.command(cls=WorkspaceCommand)
@click.argument("name")
@click.argument("expression", metavar="EXPR")
def save(name: str, expression: str) -> None:
    """Save a filter, in place of one of the same name.

    \b
    Example:
      digest subscribers filters save economy "section=economy"
    """
    from digest.store.filters import save_filter

    with open_workspace() as app:
        save_filter(app.database, name, expression, now=app.clock.now())
    click.echo(f"saved; use it as @{name}")


@filters.command("list", cls=WorkspaceCommand)
@json_option
def list_(as_json: bool) -> None:
    """List saved filters.

    \b
    Example:
      digest subscribers filters list
    """
    from digest.store.filters import list_filters

    with open_workspace() as app:
        found = list_filters(app.database)
    if as_json:
        print_json(dict(found))
    elif found:
        print_table(("name", "filter"), list(found.items()))
    else:
        click.echo("no filters yet; `digest subscribers filters save NAME EXPR` saves one")


@filters.command(cls=WorkspaceCommand)
@click.argument("name")
def remove(name: str) -> None:
    """Forget a saved filter.

    \b
    Example:
      digest subscribers filters remove economy
    """
    from digest.errors import NotFoundError
    from digest.store.filters import remove_filter

    with open_workspace() as app:
        if not remove_filter(app.database, name):
            raise NotFoundError(
                f"no filter is saved as {name!r}; `digest subscribers filters list` shows those there are"
            )
    click.echo("removed")
