"""`digest keys`: the keys that sign the links in mails."""

from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING

import click

from digest.cli.output import print_json, print_table
from digest.cli.workspace import WorkspaceCommand, json_option, open_workspace

if TYPE_CHECKING:
    from digest.store.secrets import LinkKey

KEEP_YEARS = 2
"""So long links of a mail must work."""
_FIRST = "first"
"""What the list calls the workspace's own key."""


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
    from digest.store.secrets import is_first_key_dropped, list_link_keys

    with open_workspace() as app:
        found = list_link_keys(app.database)
        is_dropped = is_first_key_dropped(app.database)
    rows = [(str(key.id), key.made_at.date().isoformat()) for key in found]
    if as_json:
        print_json([{"id": key.id, "made_at": key.made_at.isoformat(), "signs": key is found[0]} for key in found])
        return
    first = [(_FIRST, "with the workspace")]
    uses = ["signs", *["believed"] * len(rows)]
    if is_dropped:
        uses[-1] = "dropped"
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
@click.argument("name", metavar="ID")
@click.option("--force", is_flag=True, help="Also where mails of the last two years have its links.")
def drop(name: str, force: bool) -> None:
    """Believe links of a key no more, after it leaked.

    The first one came with the workspace. Its links can be dropped too, after a rotation.

    \b
    Example:
      digest keys drop 1
    """
    from digest.errors import DigestError
    from digest.store.secrets import drop_first_key, drop_link_key, list_link_keys

    with open_workspace() as app:
        key, newer = _find(name, list_link_keys(app.database))
        if newer is None:
            raise DigestError(f"key {name} is the one that signs; `digest keys rotate` makes another, then it can go")
        signed_until = newer.made_at
        if app.clock.now() - signed_until < timedelta(days=365 * KEEP_YEARS) and not force:
            raise DigestError(
                f"key {name} signed links until {signed_until:%Y-%m-%d}; readers must be able to leave with them for "
                f"{KEEP_YEARS} years. --force drops it all the same"
            )
        if key is None:
            drop_first_key(app.database)
        else:
            drop_link_key(app.database, key.id)
    click.echo(f"key {name} is dropped: its links lead nowhere")


def _find(name: str, found: "Sequence[LinkKey]") -> "tuple[LinkKey | None, LinkKey | None]":
    """The key of a name, None for the first, and the one that signed after it.

    Raises:
        NotFoundError: there is no such key.
    """
    from digest.errors import NotFoundError

    keys_by_age: list[LinkKey | None] = [None, *reversed(found)]
    names = [_FIRST if key is None else str(key.id) for key in keys_by_age]
    if name not in names:
        raise NotFoundError(f"there is no key {name!r}; `digest keys list` shows those there are")
    place = names.index(name)
    return keys_by_age[place], next(iter(keys_by_age[place + 1 :]), None)
