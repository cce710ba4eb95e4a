"""The `digest` command: its groups, its options for all, and how failures are shown."""

import errno
import sys
from io import TextIOWrapper
from pathlib import Path
from typing import IO, Any

import click

from digest import __version__
from digest.cli.articles import articles
from digest.cli.bounces import bounces
from digest.cli.check import check
from digest.cli.demo import demo
from digest.cli.dkim import dkim
from digest.cli.images import images
from digest.cli.init import init
from digest.cli.issues import issues
from digest.cli.keys import keys
from digest.cli.preview import preview
from digest.cli.run import run
from digest.cli.send import send
from digest.cli.serve import serve
from digest.cli.subscribers import subscribers
from digest.cli.templates import templates
from digest.cli.views import views
from digest.errors import DigestError


class Refusal(click.ClickException):
    """A failure in one clear line on stderr; exit code 1."""

    def show(self, file: IO[Any] | None = None) -> None:
        """Print the line; wrong settings may be several, one each."""
        for line in self.message.splitlines():
            click.echo(f"digest: {line}", err=True, file=file)


class MainGroup(click.Group):
    """Turns the expected failures of any command into a `Refusal`, unless --debug asks for the traceback."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command."""
        try:
            return super().invoke(ctx)
        except (DigestError, OSError, UnicodeEncodeError) as error:
            reader_has_left = isinstance(error, OSError) and error.errno == errno.EPIPE  # as `head` does; click ends
            if ctx.params["debug"] or reader_has_left:
                raise
            raise Refusal(_in_words(error)) from error


def _in_words(error: Exception) -> str:
    """What failed, without Python's error numbers."""
    if isinstance(error, OSError) and not isinstance(error, DigestError) and error.strerror:
        return f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    if isinstance(error, UnicodeEncodeError):
        return f"{error.object[:60]!r} is not text in UTF-8"
    return str(error)


@click.group(cls=MainGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--config",
    type=click.Path(path_type=Path),
    help="The settings file or its folder; else DIGEST_CONFIG, else digest.toml from here upward.",
)
@click.option("--debug", is_flag=True, help="Show the traceback of a failure.")
@click.version_option(__version__, prog_name="digest")
@click.pass_context
def cli(ctx: click.Context, config: Path | None, debug: bool) -> None:  # noqa: ARG001 - read by MainGroup
    """Gather a site's articles, rank them by views, and mail the digest to subscribers.

    \b
    Example:
      digest demo            a whole workspace to look at, in seconds
      digest init my-site    your own
      digest preview         this week's issue, and why each article is where it is
    """
    ctx.obj = config


def main() -> None:
    """The entry point. What it prints is UTF-8 wherever it goes; a terminal of another kind shows escapes."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")
    cli(prog_name="digest")


for command in (
    init,
    demo,
    articles,
    views,
    images,
    preview,
    check,
    templates,
    send,
    issues,
    subscribers,
    bounces,
    dkim,
    keys,
    run,
    serve,
):
    cli.add_command(command)
