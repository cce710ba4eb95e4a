"""`digest issues stats`: what became of issues: opened, clicked, come back; people and programs apart."""

from collections.abc import Iterator
from datetime import date
from typing import TYPE_CHECKING, Any

import click

from digest.cli.chosen_issue import require_issue
from digest.cli.output import print_json, print_table
from digest.cli.workspace import (
    IsoDate,
    WorkspaceCommand,
    choose_newsletter,
    json_option,
    limit_option,
    newsletter_filter,
    open_workspace,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from digest.app import App
    from digest.store.issue_stats import IssueStats, LinkStats

_CLICK, _OPEN, _PERHAPS = "█", "▒", "░"
_PREFETCHED, _SCANNED = "prefetched only", "scanned only"
_WIDE, _NARROW = 26, 12
_UNKNOWN = "–"


@click.command(cls=WorkspaceCommand)
@click.argument("edition", type=IsoDate(), metavar="[EDITION]", required=False)
@newsletter_filter
@limit_option(12)
@json_option
def stats(edition: date | None, newsletter: str | None, limit: int, as_json: bool) -> None:
    """Show what was opened and clicked, and what came back.

    Of one issue, or of the newest ones side by side. Opens and clicks are counted where count_opens and count_clicks
    of the newsletter are on. Programs follow links and load pictures too: they are told apart as well as can be.

    \b
    Example:
      digest issues stats 2019-04-08
    """
    with open_workspace() as app:
        found = _read(app, edition, newsletter, limit)
        timezone = app.settings.site.timezone
    if as_json:
        told = [_to_json(each) for each in found]
        print_json(told if edition is None else told[0])
    elif edition is not None:
        _print_one(found[0], timezone)
    elif found:
        _print_many(found)
    else:
        click.echo("Nothing was sent yet")


def _read(app: "App", edition: date | None, slug: str | None, limit: int) -> "list[IssueStats]":
    from digest.errors import IssueError
    from digest.store.issue_stats import read_stats
    from digest.store.issues import list_frozen

    if edition is None:
        if slug is not None:
            app.settings.newsletter(slug)
        return [read_stats(app.database, issue) for issue in list_frozen(app.database, slug, limit=limit)]
    newsletter, _ = choose_newsletter(app, slug)
    issue = require_issue(app, newsletter, edition)
    if issue.frozen_at is None:
        raise IssueError(f"{issue.newsletter} {issue.edition} is {issue.state}: nothing of it was sent")
    return [read_stats(app.database, issue)]


def _to_json(stats: "IssueStats") -> dict[str, Any]:
    issue, opens, clicks = stats.issue, stats.opens, stats.clicks
    return {
        "newsletter": issue.newsletter,
        "edition": issue.edition.isoformat(),
        "state": str(issue.state),
        "sent": stats.sent,
        "failed": stats.failed,
        "uncertain": stats.uncertain,
        "came_back": {"bounced": stats.bounced, "soft": stats.soft, "blocked": stats.blocked},
        "delivered": stats.delivered,
        "complained": stats.complained,
        "left": stats.left,
        "opens": opens
        and {
            "people": opens.opened,
            "prefetched": opens.prefetched,
            "share": _share(opens.opened, stats.delivered),
        },
        "clicks": clicks
        and {
            "people": clicks.clicked,
            "machines": clicks.machines,
            "share": _share(clicks.clicked, stats.delivered),
            "click_to_open": _share(clicks.clicked, opens.opened) if opens else None,
            "links": [_link_to_json(link) for link in stats.links],
        },
    }


def _link_to_json(link: "LinkStats") -> dict[str, Any]:
    target = link.clicks.link
    return {
        "place": target.place,
        "article": target.article_id,
        "title": link.title,
        "url": target.url,
        "people": link.clicks.people,
        "machines": link.clicks.machines,
    }


def _print_one(stats: "IssueStats", timezone: str) -> None:
    from zoneinfo import ZoneInfo

    issue = stats.issue
    when = "" if issue.frozen_at is None else f"{issue.frozen_at.astimezone(ZoneInfo(timezone)):%Y-%m-%d %H:%M}"
    click.echo(f"{issue.newsletter} {issue.edition} is {issue.state}; it was published on {when} ({timezone})\n")
    rows = [(name, f"{count:,}", share, chart) for name, count, share, chart in _figures(stats)]
    print_table(("", "people", "share", ""), rows, right=("people", "share"))
    if remarks := list(_remarks(stats)):
        click.echo("\n" + "\n".join(remarks))
    if stats.links:
        click.echo()
        _print_links(stats.links)


def _figures(stats: "IssueStats") -> "Iterator[tuple[str, int, str, str]]":
    """Each figure with its name, its share of what was delivered, and a bar of that share."""
    yield "sent", stats.sent, "", ""
    yield from ((name, count, "", "") for name, count in _not_sent(stats) if count)
    troubles = (
        ("bounced", stats.bounced),
        ("came back for now", stats.soft),
        ("blocked", stats.blocked),
        ("complained", stats.complained),
    )
    yield from ((name, count, _percent(count, stats.sent), "") for name, count in troubles if count)
    shares = [("left", stats.left, "×")]
    if stats.opens is not None:
        shares += [("opened", stats.opens.opened, _OPEN), (_PREFETCHED, stats.opens.prefetched, _PERHAPS)]
    if stats.clicks is not None:
        shares += [("clicked", stats.clicks.clicked, _CLICK), (_SCANNED, stats.clicks.machines, _PERHAPS)]
    for name, count, sign in shares:
        yield name, count, _percent(count, stats.delivered), _bar(count, stats.delivered, sign, _WIDE)


def _not_sent(stats: "IssueStats") -> "tuple[tuple[str, int], ...]":
    return ("failed", stats.failed), ("uncertain", stats.uncertain)


def _remarks(stats: "IssueStats") -> "Iterator[str]":
    if stats.opens is not None and stats.clicks is not None and stats.opens.opened:
        yield f"Of those who opened it, {_percent(stats.clicks.clicked, stats.opens.opened)} clicked."
    if stats.opens is not None and stats.opens.prefetched:
        yield f"{_PREFETCHED.capitalize()}: pictures were loaded, perhaps by a program with nobody looking."
    if stats.clicks is not None and stats.clicks.machines:
        yield f"{_SCANNED.capitalize()}: a program followed links, and the reader followed none."
    off = [name for name, sums in (("count_opens", stats.opens), ("count_clicks", stats.clicks)) if sums is None]
    if off:
        yield f"Not counted: {' and '.join(off)} {'was' if len(off) == 1 else 'were'} off when it was published."


def _print_links(links: "Sequence[LinkStats]") -> None:
    most = max(link.clicks.people for link in links)
    rows = [
        (
            f"{link.clicks.people:,}",
            f"{link.clicks.machines:,}",
            _bar(link.clicks.people, most, _CLICK, _NARROW),
            link.title,
        )
        for link in sorted(links, key=lambda link: (-link.clicks.people, link.clicks.link.place))
    ]
    print_table(("clicks", "machines", "", "article"), rows, right=("clicks", "machines"))


def _print_many(found: "Sequence[IssueStats]") -> None:
    has_several = len({stats.issue.newsletter for stats in found}) > 1
    chart = f"{_CLICK} clicked {_OPEN} opened"
    most = max(max(_shares(stats)) for stats in found)
    columns = ("edition", "sent", "back", "left", "opened", "clicked", chart)
    rows = [
        (
            f"{stats.issue.edition} {stats.issue.newsletter if has_several else ''}".strip(),
            f"{stats.sent:,}",
            f"{stats.bounced + stats.soft + stats.blocked:,}",
            f"{stats.left:,}",
            _UNKNOWN if stats.opens is None else _percent(stats.opens.opened, stats.delivered),
            _UNKNOWN if stats.clicks is None else _percent(stats.clicks.clicked, stats.delivered),
            _double_bar(stats, most),
        )
        for stats in found
    ]
    print_table(columns, rows, right=("sent", "back", "left", "opened", "clicked"))
    if any(stats.opens is None or stats.clicks is None for stats in found):
        click.echo(f"\n{_UNKNOWN} not counted: count_opens or count_clicks was off then.")


def _shares(stats: "IssueStats") -> tuple[float, float]:
    """Who clicked, and who opened it or clicked, as shares."""
    clicked = stats.clicks.clicked if stats.clicks is not None else 0
    opened = stats.opens.opened if stats.opens is not None else clicked
    whole = stats.delivered or 1
    return clicked / whole, opened / whole


def _double_bar(stats: "IssueStats", most: float) -> str:
    """Who clicked, then who opened it and did not; in one scale for all issues."""
    clicked, opened = _shares(stats)
    clicks = _bar(clicked, most, _CLICK, _WIDE)
    return clicks + _bar(opened, most, _OPEN, _WIDE)[len(clicks) :]


def _bar(count: float, whole: float, sign: str, columns: int) -> str:
    """A bar in proportion; what is there at all shows."""
    return sign * min(max(1, round(count * columns / whole)), columns) if count and whole else ""


def _share(count: int, whole: int) -> float | None:
    return round(count / whole, 4) if whole else None


def _percent(count: int, whole: int) -> str:
    return f"{count / whole:.1%}" if whole else _UNKNOWN
