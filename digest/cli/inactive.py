"""`digest subscribers inactive`: readers who did nothing with their last issues, where that is counted."""

from typing import TYPE_CHECKING, Any

import click

from digest.cli.output import count_of, print_json, print_table
from digest.cli.workspace import WorkspaceCommand, json_option, limit_option, open_workspace

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from digest.store.inactive import Inactive


@click.command(cls=WorkspaceCommand)
@click.option(
    "--issues", type=click.IntRange(1, 10_000), default=10, show_default=True, metavar="N", help="So many at least."
)
@limit_option(50)
@json_option
def inactive(issues: int, limit: int, as_json: bool) -> None:
    """List who neither opened nor clicked their last issues.

    Active readers only, and only issues whose opens or clicks were counted. Whoever's pictures a program loaded, as
    Apple's does, may read and is left out.

    \b
    Example:
      digest subscribers inactive --issues 12
    """
    from zoneinfo import ZoneInfo

    from digest.errors import DigestError
    from digest.store.inactive import is_anything_counted, list_inactive

    with open_workspace() as app:
        if not is_anything_counted(app.database):
            raise DigestError("opens and clicks of no issue are counted: set count_opens or count_clicks")
        found = list_inactive(app.database, issues)
        timezone = ZoneInfo(app.settings.site.timezone)
    if as_json:
        print_json([_to_json(each, timezone) for each in found])
        return
    _print(found[:limit], timezone)
    click.echo(f"{count_of(len(found), 'reader')} in all; the same as a filter: unread>={issues} and state=active")


def _print(found: "tuple[Inactive, ...]", timezone: "ZoneInfo") -> None:
    if not found:
        return
    rows = [
        (
            each.address,
            each.unread,
            f"{each.since.astimezone(timezone):%Y-%m-%d}",
            "never" if each.last_read_at is None else f"{each.last_read_at.astimezone(timezone):%Y-%m-%d}",
        )
        for each in found
    ]
    print_table(("address", "issues", "since", "last read"), rows, right=("issues",))


def _to_json(each: "Inactive", timezone: "ZoneInfo") -> dict[str, Any]:
    return {
        "address": each.address,
        "unread": each.unread,
        "since": each.since.astimezone(timezone).isoformat(),
        "last_read": each.last_read_at and each.last_read_at.astimezone(timezone).isoformat(),
    }
