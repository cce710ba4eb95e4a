"""The groups of readers that an issue is rendered for, and the queue that is built from them."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Self

from digest.store.database import Database, to_seconds
from digest.store.leases import Lease


@dataclass(frozen=True, kw_only=True)
class VariantKey:
    """A group of readers who get the same rendering."""

    key: str
    """Canonical text of the two values below: JSON `[locale, [section, …]]`."""
    locale: str
    """"" for the newsletter's own."""
    sections: tuple[str, ...]
    """Empty for all."""

    @classmethod
    def parse(cls, key: str) -> Self:
        """The group that a key names."""
        locale, sections = json.loads(key)
        return cls(key=key, locale=locale, sections=tuple(sections))


_KEY = "json_array(subscriber.locale, json(subscription.sections))"
_READERS = """
  subscription JOIN subscriber ON subscriber.id = subscription.subscriber_id
  WHERE subscription.newsletter = :newsletter AND subscriber.state = 'active'
"""


def list_variant_keys(database: Database, newsletter: str) -> tuple[VariantKey, ...]:
    """The groups that the active subscribers of a newsletter fall into, always with the default one first."""
    rows = database.rows(f"SELECT DISTINCT {_KEY} AS key FROM {_READERS} ORDER BY key", {"newsletter": newsletter})
    default = make_variant_key("", ())
    return (default, *(VariantKey.parse(row["key"]) for row in rows if row["key"] != default.key))


def make_variant_key(locale: str, sections: Sequence[str]) -> VariantKey:
    """The group of readers with these wishes; "" and no sections is the default one."""
    return VariantKey.parse(json.dumps([locale, list(sections)], ensure_ascii=False, separators=(",", ":")))


def count_recipients(database: Database, newsletter: str, keys: Iterable[str]) -> int:
    """How many active subscribers fall into the given groups."""
    return int(
        database.value(
            f"SELECT count(*) FROM {_READERS} AND {_KEY} IN (SELECT value FROM json_each(:keys))",
            {"newsletter": newsletter, "keys": json.dumps(list(keys), ensure_ascii=False)},
        )
    )


def queue_deliveries(database: Database, lease: Lease, newsletter: str, *, now: datetime) -> int:
    """Queue one row for every active subscriber whose group the issue has a rendering for.

    Runs inside the caller's transaction, with the freezing of the issue. Returns how many rows were added.
    """
    return database.execute(
        f"""INSERT INTO delivery (issue_id, subscriber_id, variant, state, updated_at)
        SELECT :issue, subscriber.id, {_KEY}, 'queued', :now FROM {_READERS}
        AND {_KEY} IN (SELECT variant FROM issue_variant WHERE issue_id = :issue)
        ORDER BY subscriber.id
        ON CONFLICT (issue_id, subscriber_id) DO NOTHING""",
        {"issue": lease.issue_id, "newsletter": newsletter, "now": to_seconds(now)},
    )
