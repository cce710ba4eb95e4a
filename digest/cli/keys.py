"""`digest keys`: the keys that sign the links in mails."""

from datetime import timedelta

import click

from digest.cli.output import print_json, print_table
from digest.cli.workspace import WorkspaceCommand, json_option, open_workspace

KEEP_YEARS = 2
"""So long links of a mail must work."""


@click.group()
def keys() -> None:
    """Change the key that signs links, and see those before it.

    The newest key signs; all of them are believed, so that links in mails already sent keep working.

    \b
    Example:
      digest keys rotate
    """


@keys.command("list", cls=WorkspaceCommand)
@json_option
def list_(as_json: bool) -> None:
    """List the keys that links were signed with, newest first.

    \b
    Example:
      digest keys list
    """
    from digest.store.secrets import list_link_keys

    with open_workspace() as app:
        found = list_link_keys(app.database)
    rows = [(str(key.id), key.made_at.date().isoformat()) for key in found]
    if as_json:
        print_json([{"id": key.id, "made_at": key.made_at.isoformat(), "signs": key is found[0]} for key in found])
        return
    first = [("first", "with the workspace")]
    uses = ["signs", *["believed"] * len(rows)]
    table = [(*row, use) for row, use in zip([*rows, *first], uses, strict=True)]
    print_table(("key", "made", "use"), table)


@keys.command(cls=WorkspaceCommand)
def rotate() -> None:
    """Sign links with a new key from now on.

    \b
    Example:
      digest keys rotate
    """
    import secrets

    from digest.store.secrets import KEY_BYTES, add_link_key

    with open_workspace() as app:
        key_id = add_link_key(app.database, secrets.token_bytes(KEY_BYTES), now=app.clock.now())
    click.echo(f"key {key_id} signs from now on; links of the keys before it keep working")


@keys.command(cls=WorkspaceCommand)
@click.argument("key_id", type=int, metavar="ID")
@click.option("--force", is_flag=True, help="Also where mails of the last two years have its links.")
def drop(key_id: int, force: bool) -> None:
    """Believe links of a key no more, after it leaked.

    \b
    Example:
      digest keys drop 1
    """
    from digest.errors import DigestError, NotFoundError
    from digest.store.secrets import drop_link_key, list_link_keys

    with open_workspace() as app:
        found = {key.id: key for key in list_link_keys(app.database)}
        if key_id not in found:
            raise NotFoundError(f"there is no key {key_id}; `digest keys list` shows those there are")
        newer = [key.made_at for key in found.values() if key.id > key_id]
        signed_until = min(newer, default=app.clock.now())
        if app.clock.now() - signed_until < timedelta(days=365 * KEEP_YEARS) and not force:
            raise DigestError(
                f"key {key_id} signed links until {signed_until:%Y-%m-%d}; readers must be able to leave with them for "
                f"{KEEP_YEARS} years. --force drops it all the same"
            )
        drop_link_key(app.database, key_id)
    click.echo(f"key {key_id} is dropped: its links lead nowhere")
