"""`digest demo`: everything at once, to look at."""

from pathlib import Path

import click

DEFAULT_FOLDER = Path("digest-demo")


@click.command()
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False), default=DEFAULT_FOLDER, metavar="[DIR]")
def demo(folder: Path) -> None:
    """Make a workspace with invented news and readers, rank the week, and deliver it to a folder of mail.

    Nothing leaves this machine. Run again, it changes nothing.

    \b
    Example:
      digest demo
    """
    from digest.cli.preview import print_choices
    from digest.demo import build_demo
    from digest.language import load_language

    report = build_demo(folder)
    newsletter = report.proof.letterhead.newsletter
    timezone = newsletter.timezone or report.proof.letterhead.site.timezone
    language = load_language(newsletter.locale or report.proof.letterhead.site.locale)
    from zoneinfo import ZoneInfo

    click.echo(f"{newsletter.title}, edition of {report.proof.letterhead.edition}")
    click.echo(f"{report.proof.candidates} articles of the week with {report.proof.views_total:,} views\n")
    print_choices(report.proof.shown, language, ZoneInfo(timezone))
    click.echo("\nNot shown:")
    print_choices(report.proof.passed_over[:5], language, ZoneInfo(timezone))
    click.echo(f"\nSubject: {report.proof.subject}")
    click.echo(f"HTML     {report.html}")
    click.echo(f"Text     {report.text}")
    when = "now" if report.delivered else "by an earlier run"
    click.echo(f"Messages {report.outbox} ({report.messages}, delivered {when}; a Maildir: `mutt -f {report.outbox}`)")
    for finding in report.findings:
        click.echo(f"Check: {finding.rule}: {finding.message}", err=True)
    click.echo(f"Checked  {'every message is sound' if not report.findings else f'{len(report.findings)} findings'}")
    click.echo("\nNext:")
    click.echo(f"  cd {folder}")
    click.echo("  digest articles top --limit 5          the pure ranking")
    click.echo("  digest articles pin hb-0041            put an article first")
    click.echo("  digest preview                         the next issue, with the reasons for every place")
    click.echo("  digest subscribers list                who gets it")
    click.echo("  digest init ../my-site                 a workspace of your own")
    if report.findings:
        raise click.exceptions.Exit(1)
