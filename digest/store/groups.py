"""The groups of readers that an issue is rendered for, and the queue that is built from them."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Self

from digest.store.database import Database, to_seconds
from digest.store.filters import Condition
from digest.store.leases import Lease


@dataclass(frozen=True, kw_only=True)
class VariantKey:
    """A group of readers who get the same rendering."""

    key: str
    """Canonical text of the values below: JSON `[locale, [section, …]]`, or with the articles as a third."""
    locale: str
    """"" for the newsletter's own."""
    sections: tuple[str, ...]
    """Empty for all."""
    articles: tuple[int, ...] = ()
    """A selection of a reader's own, as indices of the issue's page; empty for that of the group."""

    @property
    def group(self) -> Self:
        """The group alone, without a selection of its own."""
        return type(self).parse(_write_key(self.locale, self.sections)) if self.articles else self

    @classmethod
    def parse(cls, key: str) -> Self:
        """The group that a key names."""
        locale, sections, *articles = json.loads(key)
        return cls(key=key, locale=locale, sections=tuple(sections), articles=tuple(*articles))


# Nearly all readers have no wishes; to write JSON for each of a million would take a second.
KEY = """iif(subscriber.locale = '' AND subscription.sections = '[]', '["",[]]',
  json_array(subscriber.locale, json(subscription.sections)))"""
"""The group of a row of `READERS`."""
# CROSS JOIN: walked in this order, the rows come sorted, and nobody else's subscribers are looked at.
READERS = """
  subscription CROSS JOIN subscriber ON subscriber.id = subscription.subscriber_id
  WHERE subscription.newsletter = :newsletter AND subscriber.state = 'active'
  AND subscriber.paused_until IS NULL
"""
"""The active subscribers of a newsletter who have not paused; `end_pauses` goes before."""


def list_variant_keys(database: Database, newsletter: str) -> tuple[VariantKey, ...]:
    """The groups that the active subscribers of a newsletter fall into, always with the default one first."""
    rows = database.rows(f"SELECT DISTINCT {KEY} AS key FROM {READERS} ORDER BY key", {"newsletter": newsletter})
    default = make_variant_key("", ())
    return (default, *(VariantKey.parse(row["key"]) for row in rows if row["key"] != default.key))


def make_variant_key(locale: str, sections: Sequence[str], articles: Sequence[int] = ()) -> VariantKey:
    """The group of readers with these wishes, or those of them with this selection; "" and nothing is the default."""
    return VariantKey.parse(_write_key(locale, sections, articles))


def _write_key(locale: str, sections: Sequence[str], articles: Sequence[int] = ()) -> str:
    values = [locale, list(sections), *([list(articles)] if articles else [])]
    return json.dumps(values, ensure_ascii=False, separators=(",", ":"))


def count_recipients(database: Database, newsletter: str, keys: Iterable[str]) -> int:
    """How many active subscribers fall into the given groups."""
    return int(
        database.value(
            f"SELECT count(*) FROM {READERS} AND {KEY} IN (SELECT value FROM json_each(:keys))",
            {"newsletter": newsletter, "keys": json.dumps(list(keys), ensure_ascii=False)},
        )
    )


def get_queued_key(database: Database, issue_id: int, subscriber_id: int) -> VariantKey | None:
    """What a reader of a frozen issue was queued for; None where they were not."""
    key = database.value(
        "SELECT variant FROM delivery WHERE issue_id = ? AND subscriber_id = ?", (issue_id, subscriber_id)
    )
    return None if key is None else VariantKey.parse(key)


def queue_deliveries(
    database: Database,
    lease: Lease,
    newsletter: str,
    *,
    now: datetime,
    chosen: Mapping[tuple[str, str], str] | None = None,
) -> int:
    """Queue one row for every active subscriber whom the issue has something for.

    Runs inside the caller's transaction, with the freezing of the issue. Returns how many rows were added.

    Args:
        database: the workspace's database.
        lease: the right to send the issue.
        newsletter: its slug.
        now: the moment it is frozen at.
        chosen: the variants of readers by their group and what they had before, "" where nothing is left for them;
            see `store.histories`, which must be open. Without it each reader gets that of their group.
    """
    values = {"issue": lease.issue_id, "newsletter": newsletter, "now": to_seconds(now)}
    if chosen is None:
        return database.execute(_QUEUE.format(readers=f"SELECT subscriber_id, {KEY} AS variant FROM {READERS}"), values)
    database.execute("CREATE TEMP TABLE chosen (variant_key TEXT, had TEXT, own TEXT, PRIMARY KEY (variant_key, had))")
    try:
        rows = [(key, signature, own) for (key, signature), own in chosen.items()]
        database.execute_many("INSERT INTO temp.chosen VALUES (?, ?, ?)", rows)
        return database.execute(_QUEUE.format(readers=_CHOSEN), values)
    finally:
        database.execute("DROP TABLE temp.chosen")


def keep_deliveries(database: Database, issue_id: int, condition: Condition, expression: str) -> int:
    """Take those out of a new queue whom a filter does not find, and note the filter with the issue.

    Inside the transaction that queued them. Returns how many were taken out.
    """
    database.execute("UPDATE issue SET frozen = json_set(frozen, '$.only', ?) WHERE id = ?", (expression, issue_id))
    return database.execute(
        f"""DELETE FROM delivery WHERE issue_id = :issue
        AND subscriber_id NOT IN (SELECT id FROM subscriber WHERE {condition.sql})""",
        {**condition.values, "issue": issue_id},
    )


_QUEUE = """
INSERT INTO delivery (issue_id, subscriber_id, variant, state, updated_at)
SELECT :issue, subscriber_id, variant, 'queued', :now FROM ({readers} LIMIT -1)
WHERE variant IN (SELECT variant FROM issue_variant WHERE issue_id = :issue) OR json_array_length(variant) = 3
ON CONFLICT (issue_id, subscriber_id) DO NOTHING
"""
"""The LIMIT keeps SQLite from writing the key of each row twice."""
_CHOSEN = f"""
SELECT subscriber_id, coalesce(own, variant) AS variant
FROM (SELECT subscription.subscriber_id, {KEY} AS variant FROM {READERS} LIMIT -1)
LEFT JOIN temp.reader_history USING (subscriber_id)
LEFT JOIN temp.chosen ON variant_key = variant AND had = coalesce(signature, '')
WHERE coalesce(own, variant) <> ''
"""
