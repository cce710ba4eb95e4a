"""The workspace's own key, those that sign links, and the keyed hash of addresses that must never be mailed again."""

import hmac
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from digest.errors import StoreError
from digest.store.database import Database, moment, to_seconds

KEY_BYTES = 32
_FIRST_KEY_DROPPED = "signing-of-links-dropped"


def ensure_key(database: Database, new_key: bytes) -> bytes:
    """The workspace's signing key; the given one is kept where there is none yet.

    Args:
        database: the workspace's database.
        new_key: 32 random bytes, made by the caller.
    """
    _require_length(new_key)
    found = database.value("SELECT value FROM secret WHERE name = 'signing'")
    if found is not None:
        return bytes(found)
    database.execute("INSERT OR IGNORE INTO secret (name, value) VALUES ('signing', ?)", (new_key,))
    return bytes(database.value("SELECT value FROM secret WHERE name = 'signing'"))


@dataclass(frozen=True, kw_only=True)
class LinkKey:
    """A key that signs links beside the workspace's own."""

    id: int
    value: bytes
    made_at: datetime


def list_link_keys(database: Database) -> tuple[LinkKey, ...]:
    """The keys that links were signed with since the first rotation, newest first."""
    rows = database.rows("SELECT id, value, made_at FROM link_key ORDER BY id DESC")
    return tuple(LinkKey(id=row["id"], value=bytes(row["value"]), made_at=moment(row["made_at"])) for row in rows)


def add_link_key(database: Database, new_key: bytes, *, now: datetime) -> int:
    """Sign links with a new key from now on; those before it are still believed. Returns its id.

    Args:
        database: the workspace's database.
        new_key: 32 random bytes, made by the caller.
        now: the present moment.
    """
    _require_length(new_key)
    return database.insert("INSERT INTO link_key (value, made_at) VALUES (?, ?)", (new_key, to_seconds(now)))


def drop_link_key(database: Database, key_id: int) -> bool:
    """Believe no link of that key any more; tells whether there was one."""
    return database.execute("DELETE FROM link_key WHERE id = ?", (key_id,)) > 0


def drop_first_key(database: Database) -> None:
    """Believe no link any more that the workspace's own key signed; all else that hangs on that key stays."""
    database.execute("INSERT OR IGNORE INTO secret (name, value) VALUES (?, x'')", (_FIRST_KEY_DROPPED,))


def is_first_key_dropped(database: Database) -> bool:
    """Whether links of the workspace's own key are no longer believed."""
    return database.value("SELECT 1 FROM secret WHERE name = ?", (_FIRST_KEY_DROPPED,)) is not None


def _require_length(key: bytes) -> None:
    if len(key) != KEY_BYTES:
        raise StoreError(f"a signing key has {KEY_BYTES} bytes; {len(key)} were given")


def hash_address(key: bytes, address: str) -> bytes:
    """The keyed hash by which a suppressed address is recognised; its letter case does not matter."""
    return hmac.new(key, b"suppression\0" + address.lower().encode(), sha256).digest()
