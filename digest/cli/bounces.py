"""`digest bounces`: mail that comes back."""

import click

from digest.cli.classify_bounces import classify
from digest.cli.process_bounces import process


@click.group()
def bounces() -> None:
    """Read mail that comes back: bounces, complaints, leaving.

    \b
    Example:
      digest bounces classify returned.eml
      digest bounces process
    """


for command in (classify, process):
    bounces.add_command(command)
