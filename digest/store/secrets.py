"""The workspace's own key, and the keyed hash of addresses that must never be mailed again."""

import hmac
from hashlib import sha256

from digest.errors import StoreError
from digest.store.database import Database

KEY_BYTES = 32


def ensure_key(database: Database, new_key: bytes) -> bytes:
    """The workspace's signing key; the given one is kept where there is none yet.

    Args:
        database: the workspace's database.
        new_key: 32 random bytes, made by the caller.
    """
    if len(new_key) != KEY_BYTES:
        raise StoreError(f"a signing key has {KEY_BYTES} bytes; {len(new_key)} were given")
    found = database.value("SELECT value FROM secret WHERE name = 'signing'")
    if found is not None:
        return bytes(found)
    database.execute("INSERT OR IGNORE INTO secret (name, value) VALUES ('signing', ?)", (new_key,))
    return bytes(database.value("SELECT value FROM secret WHERE name = 'signing'"))


def hash_address(key: bytes, address: str) -> bytes:
    """The keyed hash by which a suppressed address is recognised; its letter case does not matter."""
    return hmac.new(key, b"suppression\0" + address.lower().encode(), sha256).digest()
