"""`digest bounces`: mail that comes back."""

import click

from digest.cli.classify_bounces import classify


@click.group()
def bounces() -> None:
    """Read mail that comes back: bounces, complaints, leaving.

    \b
    Example:
      digest bounces classify returned.eml
    """


for command in (classify,):
    bounces.add_command(command)
