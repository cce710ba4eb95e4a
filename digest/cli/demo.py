"""`digest demo`: everything at once, to look at."""

import os
import shutil
import sys
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

from digest.cli.preview import print_choices

if TYPE_CHECKING:
    from digest.demo import DemoReport

DEFAULT_FOLDER = Path("digest-demo")
_PASSED_OVER = 5
"""How many of the articles not shown stand on the screen."""


@click.command()
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False), default=DEFAULT_FOLDER, metavar="[DIR]")
def demo(folder: Path) -> None:
    """Make a workspace with invented news, to look at.

    The week is ranked, rendered, checked and delivered to a folder of mail: nothing leaves this machine. Run again, it
    changes nothing.

    \b
    Example:
      digest demo
    """
    from digest.demo import build_demo

    report = build_demo(folder)
    _print_ranking(report)
    _print_files(report)
    _print_next(report)
    if report.findings:
        raise click.exceptions.Exit(1)


def _print_ranking(report: "DemoReport") -> None:
    from zoneinfo import ZoneInfo

    from digest.language import load_language

    proof, site = report.proof, report.proof.letterhead.site
    newsletter = proof.letterhead.newsletter
    language, timezone = load_language(newsletter.locale or site.locale), ZoneInfo(newsletter.timezone or site.timezone)
    click.echo(f"{newsletter.title}, edition of {proof.letterhead.edition}")
    click.echo(f"{proof.candidates} articles of the week with {proof.views_total:,} views\n")
    print_choices(proof.shown, language, timezone)
    click.echo("\nNot shown, and why:")
    print_choices(proof.passed_over[:_PASSED_OVER], language, timezone)


def _print_files(report: "DemoReport") -> None:
    when = "just now" if report.delivered else "by an earlier run"
    click.echo(f"\nSubject   {report.proof.subject}")
    click.echo(f"HTML      {report.html}")
    click.echo(f"Text      {report.text}")
    click.echo(f"Messages  {report.outbox}  {report.messages} in a Maildir, delivered {when}")
    for finding in report.findings:
        click.echo(f"Check: {finding.rule}: {finding.message}", err=True)
    click.echo(f"Checked   {f'{len(report.findings)} findings' if report.findings else 'every message is sound'}")


def _print_next(report: "DemoReport") -> None:
    """Commands that show something on any day: the demo's own edition, and the day after it."""
    edition = report.proof.letterhead.edition
    tomorrow = edition + timedelta(days=1)
    lines = {
        f"cd {report.folder}": "",
        f"digest articles top --date {edition} --limit 5": "the pure ranking",
        f"digest articles pin {report.proof.passed_over[-1].article.id}": "put an article first",
        f"digest preview --date {tomorrow}": "and see it, in the browser",
        "digest issues list": "what was sent",
        "digest subscribers list": "who gets it",
        f"mutt -f {report.outbox.name}": "read the mail, with mutt",
        "digest init ../my-site": "a workspace of your own",
    }
    longest = max(map(len, lines))
    click.echo("\nNext:")
    _print_activation()
    for command, what in lines.items():
        click.echo(f"  {command:<{longest}}  {what}".rstrip())


def _print_activation() -> None:
    """How to make `digest` a command, where it runs from an environment that is not active.

    It stands outside the columns of the rest: its path may be of any length.
    """
    activate = Path(sys.prefix, "bin", "activate")
    if not shutil.which("digest") and activate.is_file():
        click.echo(f"  . {os.path.relpath(activate)}")
