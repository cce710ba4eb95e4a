"""`digest subscribers stats`: how many people, and how their number grew."""

from itertools import dropwhile
from typing import TYPE_CHECKING, Any

import click

from digest.cli.output import count_of, print_json, print_table
from digest.cli.workspace import WorkspaceCommand, json_option, newsletter_filter, open_workspace

if TYPE_CHECKING:
    from collections.abc import Sequence

    from digest.store.growth import Week

_BAR_COLUMNS = 28
_JOIN, _LEAVE, _BOUNCE = "█", "▒", "×"


@click.command(cls=WorkspaceCommand)
@newsletter_filter
@click.option(
    "--weeks", type=click.IntRange(1, 520), default=12, show_default=True, metavar="N", help="So many weeks of growth."
)
@json_option
def stats(newsletter: str | None, weeks: int, as_json: bool) -> None:
    """Count subscribers by state, and joins and leaves by week.

    \b
    Example:
      digest subscribers stats --weeks 26
    """
    from zoneinfo import ZoneInfo

    from digest.store.growth import read_growth
    from digest.store.subscriber_search import count_by_state, count_suppressed

    with open_workspace() as app:
        if newsletter is not None:
            app.settings.newsletter(newsletter)
        counts = {str(state): count for state, count in count_by_state(app.database, newsletter).items()}
        suppressed = count_suppressed(app.database)
        timezone = ZoneInfo(app.settings.site.timezone)
        growth = read_growth(
            app.database, weeks=weeks, timezone=timezone, now=app.clock.now(), newsletter=newsletter or ""
        )
    total = sum(counts.values())
    if as_json:
        by_week = [_to_json(week) for week in growth]
        print_json({"total": total, **counts, "suppressed": suppressed, "weeks": by_week})
        return
    print_table(("state", "people"), [*counts.items(), ("total", total)], right=("people",))
    click.echo(f"{count_of(suppressed, 'address is', 'addresses are')} suppressed")
    click.echo()
    _print_growth(growth)


def _to_json(week: "Week") -> dict[str, Any]:
    return {
        "week": week.name,
        "monday": week.monday.isoformat(),
        "joins": week.joins,
        "leaves": week.leaves,
        "bounces": week.bounces,
    }


def _print_growth(weeks: "Sequence[Week]") -> None:
    weeks = list(dropwhile(_is_empty, weeks))
    most = max((week.joins + week.leaves + week.bounces for week in weeks), default=0)
    if not weeks:
        click.echo("nobody came or left in these weeks")
        return
    rows = [(week.name, week.joins, week.leaves, week.bounces, _bar(week, most)) for week in weeks]
    chart = f"{_JOIN} joins {_LEAVE} leaves {_BOUNCE} bounces"
    print_table(("week", "joins", "leaves", "bounces", chart), rows, right=("joins", "leaves", "bounces"))


def _is_empty(week: "Week") -> bool:
    return not (week.joins or week.leaves or week.bounces)


def _bar(week: "Week", most: int) -> str:
    """Joins, leaves and bounces side by side, in one scale for all weeks; what is there at all shows."""
    parts = ((week.joins, _JOIN), (week.leaves, _LEAVE), (week.bounces, _BOUNCE))
    return "".join(sign * max(1, round(number * _BAR_COLUMNS / most)) for number, sign in parts if number)
