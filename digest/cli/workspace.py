"""What the commands share: finding the workspace, and the options that mean the same everywhere."""

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from digest.cli.output import count_of

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from digest.app import App
    from digest.compose import Edition
    from digest.settings import NewsletterSettings
    from digest.source.files import FileOptions

Function = TypeVar("Function", bound=Callable[..., Any])
SHOWN_AT_MOST = click.IntRange(1, 1_000_000)
"""What --limit takes."""
_FIRST_YEAR, _LAST_YEAR = 1900, 9000
"""Far from the ends of the calendar, where windows and timezones leave it."""


class IsoDate(click.ParamType[date]):
    """A calendar date, YYYY-MM-DD."""

    name = "date"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> date:
        """The date, or a usage error that says how to write one."""
        if isinstance(value, date):
            return value
        try:
            day = date.fromisoformat(value)
        except ValueError:
            self.fail(f"{value!r} is no date; write it as 2019-04-08", param, ctx)
        if not _FIRST_YEAR <= day.year <= _LAST_YEAR:
            self.fail(f"{value} is not a year of news; expected {_FIRST_YEAR} to {_LAST_YEAR}", param, ctx)
        return day


class WorkspaceCommand(click.Command):
    """A command that takes --config and --debug also after its name."""

    def __init__(self, *args: Any, **values: Any) -> None:
        super().__init__(*args, **values)
        hidden: dict[str, Any] = {"hidden": True, "expose_value": False, "is_eager": True}
        path = click.Path(path_type=Path)
        self.params.append(click.Option(["--config"], type=path, callback=_remember_config, **hidden))
        self.params.append(click.Option(["--debug"], is_flag=True, callback=_remember_debug, **hidden))


def _remember_config(ctx: click.Context, _param: click.Parameter, value: Path | None) -> None:
    if value is not None:
        ctx.obj = value


def _remember_debug(ctx: click.Context, _param: click.Parameter, value: bool) -> None:
    if value:
        ctx.find_root().params["debug"] = True


@contextmanager
def open_workspace() -> Iterator["App"]:
    """Open the workspace that --config, DIGEST_CONFIG or the current folder names."""
    from digest.app import open_app
    from digest.settings import find_settings_file

    explicit = click.get_current_context().obj
    with open_app(find_settings_file(Path.cwd(), os.environ, explicit)) as app:
        yield app


def json_option(function: Function) -> Function:
    """`--json`."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON instead of words.")(function)


def newsletter_option(function: Function) -> Function:
    """`--newsletter`."""
    return click.option("--newsletter", "-n", metavar="SLUG", help="Which newsletter; needed where there are several.")(
        function
    )


def newsletter_filter(function: Function) -> Function:
    """`--newsletter`, where leaving it out means all."""
    return click.option("--newsletter", "-n", metavar="SLUG", help="Only of this newsletter.")(function)


def limit_option(default: int) -> Callable[[Function], Function]:
    """`--limit`."""
    return click.option(
        "--limit", type=SHOWN_AT_MOST, default=default, show_default=True, metavar="N", help="Show at most so many."
    )


def date_option(function: Function) -> Function:
    """`--date`."""
    return click.option("--date", "edition", type=IsoDate(), help="Edition date, YYYY-MM-DD.")(function)


def _all_of(*options: Callable[[Any], Any]) -> Callable[[Function], Function]:
    """Several options as one decorator, in the order of the help page."""

    def decorate(function: Function) -> Function:
        for option in reversed(options):
            function = option(function)
        return function

    return decorate


reading_options = _all_of(
    click.option(
        "--map",
        "mapping",
        multiple=True,
        metavar="OURS=THEIRS",
        help="The file's column for one of ours: title=headline.",
    ),
    click.option("--encoding", metavar="NAME", help="How the file is encoded, such as cp949; UTF-8 by default."),
    click.option(
        "--format", "file_format", metavar="NAME", help="csv, tsv, json or ndjson; by default from the file's name."
    ),
)
"""How to read a file, for every import."""
import_options = _all_of(
    click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="FILE..."),
    reading_options,
    click.option(
        "--skip-bad", is_flag=True, help="Keep the good rows; write the others to FILE.refused.csv with reasons."
    ),
    click.option("--dry-run", is_flag=True, help="Do all but keep it."),
)
"""What importing articles and importing views have in common."""


def file_options(app: "App", mapping: tuple[str, ...], encoding: str | None, file_format: str | None) -> "FileOptions":
    """The reader's options from the command line's."""
    from zoneinfo import ZoneInfo

    from digest.source.files import FileOptions

    return FileOptions(
        mapping=parse_mapping(mapping),
        encoding=encoding,
        timezone=ZoneInfo(app.settings.site.timezone),
        read_at=app.clock.now(),
        format=file_format,
    )


def parse_mapping(pairs: tuple[str, ...]) -> Mapping[str, str]:
    """`("title=headline",)` as a mapping; a usage error where a pair has no equals sign."""
    mapping = {}
    for pair in pairs:
        ours, equals, theirs = pair.partition("=")
        if not (equals and ours and theirs):
            raise click.BadParameter(f"{pair!r} is no mapping; write it as title=headline", param_hint="--map")
        mapping[ours.strip()] = theirs.strip()
    return mapping


def choose_newsletter(app: "App", slug: str | None) -> "tuple[NewsletterSettings, ZoneInfo]":
    """The newsletter asked for, with its timezone."""
    newsletter = app.settings.newsletter(slug)
    return newsletter, app.settings.timezone_of(newsletter)


def open_edition(app: "App", newsletter: "NewsletterSettings", edition: date) -> "Edition":
    """Look at an edition from now, and tell of rows of the publisher's database that could not be used."""
    opened, reading = app.open_edition(newsletter, edition)
    if reading is not None and reading.refused:
        left_out = f"{count_of(len(reading.refused), 'row')} of the publisher's database left out"
        click.echo(f"Note: {left_out}: {reading.refused[0]}", err=True)
    return opened
