"""`digest subscribers erase`: nothing that names a person is left."""

import click

from digest.cli.output import count_of
from digest.cli.workspace import WorkspaceCommand, open_workspace


@click.command(cls=WorkspaceCommand)
@click.argument("address")
@click.option("--yes", is_flag=True, help="Do not ask.")
def erase(address: str, yes: bool) -> None:
    """Erase a person from every table, for good.

    Only a keyed hash is left, so that the address is never mailed again. What is queued for them is not sent. The
    figures of issues stay as they were. Backups still hold the person.

    \b
    Example:
      digest subscribers erase kim@example.com
    """
    from digest.address import normalise_address
    from digest.store.erase import erase_subscriber, forget_traces
    from digest.store.secrets import hash_address
    from digest.store.subscribers import require_subscriber

    with open_workspace() as app:
        found = require_subscriber(app.database, normalise_address(address))
        if not yes:
            click.confirm(f"Erase {found.address} for good?", abort=True, err=True)
        with app.database.transaction():
            hashed = hash_address(app.key, found.address)
            erasure = erase_subscriber(app.database, found.address, address_hash=hashed, now=app.clock.now())
        forget_traces(app.database)
    waiting = f", {erasure.queued:,} of them not sent yet" if erasure.queued else ""
    click.echo(f"erased, with {count_of(erasure.deliveries, 'delivery', 'deliveries')}{waiting}")
