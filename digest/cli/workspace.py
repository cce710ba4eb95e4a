"""What the commands share: finding the workspace, and the options that mean the same everywhere."""

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from digest.app import App
    from digest.settings import NewsletterSettings
    from digest.source.files import FileOptions

Function = TypeVar("Function", bound=Callable[..., Any])


class IsoDate(click.ParamType[date]):
    """A calendar date, YYYY-MM-DD."""

    name = "date"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> date:
        """The date, or a usage error that says how to write one."""
        if isinstance(value, date):
            return value
        try:
            return date.fromisoformat(value)
        except ValueError:
            self.fail(f"{value!r} is no date; write it as 2019-04-08", param, ctx)


class WorkspaceCommand(click.Command):
    """A command that takes --config also after its name."""

    def __init__(self, *args: Any, **values: Any) -> None:
        super().__init__(*args, **values)
        self.params.append(
            click.Option(
                ["--config"],
                type=click.Path(path_type=Path),
                hidden=True,
                expose_value=False,
                callback=_remember_config,
                is_eager=True,
            )
        )


def _remember_config(ctx: click.Context, _param: click.Parameter, value: Path | None) -> None:
    if value is not None:
        ctx.obj = value


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


def date_option(function: Function) -> Function:
    """`--date`."""
    return click.option("--date", "edition", type=IsoDate(), help="Edition date, YYYY-MM-DD.")(function)


def import_options(function: Function) -> Function:
    """What every import of a file understands."""
    for option in reversed(
        (
            click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="FILE..."),
            click.option("--map", "mapping", multiple=True, metavar="OURS=THEIRS", help="The file's name of a column."),
            click.option("--encoding", help="How the file is encoded, such as cp949; UTF-8 by default."),
            click.option("--format", "file_format", help="csv, tsv, json or ndjson; by default from the file's name."),
            click.option("--dry-run", is_flag=True, help="Do all but keep it."),
        )
    ):
        function = option(function)
    return function


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
