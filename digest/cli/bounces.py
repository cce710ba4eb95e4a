"""`digest bounces`: mail that comes back."""

import click

from digest.cli.classify_bounces import classify


@click.group()
def bounces() -> None:
    """Read bounces, complaints and requests to leave that come by mail.

    \b
    Example:
      digest bounces classify returned.eml
    """


for command in (classify,):
    bounces.add_command(command)
