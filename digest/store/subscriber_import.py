"""Writing the staged rows of an import, all at once: what `save_profile` does to one person, done to many by sets.

A million people take some seconds this way instead of minutes, and for so long other writers have to wait. The rules
are those of `save_profile`, and a test holds the two against each other; but an import makes nobody a reader who has
still to confirm, and nobody pending who is a reader.
"""

import json
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from digest.store.database import Database, to_moment, to_seconds
from digest.store.subscribers import Change

_CACHE_KILOBYTES = 40_000
"""Room for the index of a million addresses, which come in no order: with less, writing them takes twice as long."""
_CHECKPOINTED_ROWS = 10_000
_PAGE = 1000


@dataclass(frozen=True, kw_only=True)
class ImportRules:
    """What holds for all rows of an import."""

    newsletters: Sequence[str]
    """What people are added to whose row names none, beside those they have."""
    default_newsletters: Sequence[str]
    """What they get who would have none at all."""
    resubscribe: bool
    """Also bring back people who left, bounced, complained or are suppressed, and take pending ones as readers."""
    now: datetime


@dataclass(frozen=True, kw_only=True)
class RefusedPerson:
    """A row that would have revived somebody who must not be mailed."""

    file: int
    line: int
    reason: str
    cells: str | None
    """The row as it was staged."""


@dataclass(frozen=True, kw_only=True)
class Written:
    """What writing the rows did."""

    changes: Mapping[Change, int]
    refused: int
    stay_pending: int
    """Rows that say active of people who have not confirmed; all else in them was kept."""


def write_rows(
    database: Database, rules: ImportRules, *, rounds: int, on_refused: Callable[[RefusedPerson], None]
) -> Written:
    """Write what is staged, inside the caller's transaction.

    Args:
        database: the workspace's database, with an open staging.
        rules: what holds for all rows.
        rounds: as `number_rounds` told.
        on_refused: told of each row that is left out, round by round, in the order of the rows.
    """
    tally: Counter[str] = Counter()
    with _roomy_cache(database):
        for number in range(1, rounds + 1):
            tally += _write_round(database, rules, number, on_refused)
    return Written(
        changes={change: tally[change] for change in Change},
        refused=tally["refused"],
        stay_pending=tally["stays pending"],
    )


def shrink_log(database: Database, rows: int) -> None:
    """After a large import has been committed: bring the write-ahead log home, and give its room back."""
    if rows >= _CHECKPOINTED_ROWS:
        database.rows("PRAGMA wal_checkpoint(TRUNCATE)")


@contextmanager
def _roomy_cache(database: Database) -> Iterator[None]:
    usual = database.value("PRAGMA main.cache_size")
    database.rows(f"PRAGMA main.cache_size=-{_CACHE_KILOBYTES}")
    try:
        yield
    finally:
        database.rows(f"PRAGMA main.cache_size={usual}")


def _write_round(
    database: Database, rules: ImportRules, number: int, on_refused: Callable[[RefusedPerson], None]
) -> Counter[str]:
    values = _values_of(database, rules, number)
    database.execute(_DECIDE, values)
    if rules.resubscribe:
        database.execute(_LIFT_SUPPRESSIONS)
    tally = _tally(database)
    if tally["refused"]:
        for person in _list_refused(database):
            on_refused(person)
    if tally[Change.ADDED]:
        _run(database, _ADDING, values)
    if tally[""]:
        _run(database, _COMPARING, values)
        tally[Change.UPDATED] = int(database.value("SELECT count(*) FROM differing"))
        if tally[Change.UPDATED]:
            _run(database, _UPDATING, values)
        tally[Change.UNCHANGED] = tally.pop("") - tally[Change.UPDATED]
    _run(database, ["DELETE FROM fate", "DELETE FROM move", "DELETE FROM differing"], {})
    return tally


def _values_of(database: Database, rules: ImportRules, number: int) -> dict[str, Any]:
    return {
        "round": number,
        "now": to_seconds(rules.now),
        "resubscribe": rules.resubscribe,
        "newsletters": json.dumps(rules.newsletters),
        "first_newsletters": json.dumps(rules.newsletters or rules.default_newsletters),
        "last_id": database.value("SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'subscriber'"),
    }


def _run(database: Database, statements: Sequence[str], values: Mapping[str, Any]) -> None:
    for statement in statements:
        database.execute(statement, values)


def _tally(database: Database) -> Counter[str]:
    """Rows by what is known to become of them, "" for those of known people; and how many stay pending."""
    row = database.rows(_TALLY)[0]
    return Counter({name: row[name] or 0 for name in row.keys()})  # noqa: SIM118 - a sqlite3.Row iterates over values


def _list_refused(database: Database) -> Iterator[RefusedPerson]:
    """In pages, as they may be as many as the rows."""
    after = 0
    while page := database.rows(_REFUSED, {"after": after, "page": _PAGE}):
        for row in page:
            yield RefusedPerson(file=row["file"], line=row["line"], reason=_refusal_of(row), cells=row["cells"])
        after = page[-1]["position"]


def _refusal_of(row: sqlite3.Row) -> str:
    left_at = to_moment(row["left_at"])
    on = f" on {left_at:%Y-%m-%d}" if left_at else ""
    found = f"suppressed ({row['reason']})" if row["reason"] is not None else f"{row['state']}{on}"
    return f"{row['address']} is {found}; --resubscribe revives it"


_READS = "IN ('active', 'pending')"
"""States of people who have not left."""

# A new person's id is given here, as everything about them needs it: the next ids, in the order of the rows, with gaps
# where rows are of known people.
_DECIDE = f"""
INSERT INTO fate (position, subscriber_id, state, stays_pending, change)
SELECT position, coalesce(known.id, :last_id + position),
  CASE
    WHEN known.state {_READS} AND incoming.state {_READS} AND NOT :resubscribe THEN known.state
    WHEN known.state = 'active' AND incoming.state = 'pending' THEN known.state
    ELSE incoming.state
  END,
  NOT :resubscribe AND known.state IS 'pending' AND incoming.state = 'active',
  CASE
    WHEN NOT :resubscribe AND incoming.state {_READS} AND (
      known.state NOT {_READS}
      OR EXISTS (SELECT 1 FROM suppression WHERE suppression.address_hash = incoming.address_hash)) THEN 'refused'
    WHEN known.id IS NULL THEN 'added'
  END
FROM incoming LEFT JOIN subscriber AS known ON known.address = incoming.address
WHERE round = :round
"""

_TALLY = """
SELECT sum(change = 'added') AS added, sum(change = 'refused') AS refused, sum(change IS NULL) AS "",
  sum(stays_pending) AS "stays pending" FROM fate
"""

_LIFT_SUPPRESSIONS = f"""
DELETE FROM suppression WHERE address_hash IN (
  SELECT address_hash FROM fate JOIN incoming USING (position) WHERE incoming.state {_READS})
"""

_REFUSED = """
SELECT position, file, line, incoming.address, known.state, known.left_at, suppression.reason, cells
FROM fate CROSS JOIN incoming USING (position) LEFT JOIN subscriber AS known ON known.id = fate.subscriber_id
LEFT JOIN suppression ON suppression.address_hash = incoming.address_hash
WHERE change = 'refused' AND fate.position > :after ORDER BY fate.position LIMIT :page
"""

_NEW = "FROM fate CROSS JOIN incoming USING (position)"
_ADDING = (
    f"""INSERT INTO subscriber
    (id, address, name, locale, timezone, state, created_at, consent_source, consent_at, left_at)
    SELECT subscriber_id, address, coalesce(name, ''), coalesce(locale, ''), coalesce(timezone, ''), incoming.state,
      :now, consent_source, coalesce(consent_at, :now), CASE WHEN incoming.state NOT {_READS} THEN :now END
    {_NEW} WHERE change = 'added' ORDER BY position""",
    f"""INSERT INTO subscription (newsletter, subscriber_id, sections)
    SELECT wanted.value, subscriber_id, coalesce(sections, '[]')
    {_NEW} CROSS JOIN json_each(coalesce(newsletters, :first_newsletters)) AS wanted WHERE change = 'added'""",
    f"""INSERT INTO subscriber_event (subscriber_id, happened_at, kind, facts)
    SELECT subscriber_id, :now, 'added', CASE incoming.state
      WHEN 'active' THEN json_object('cause', consent_source)
      ELSE json_object('cause', consent_source, 'state', incoming.state) END
    {_NEW} WHERE change = 'added'""",
    f"""INSERT OR IGNORE INTO subscriber_tag (subscriber_id, tag)
    SELECT subscriber_id, value {_NEW} CROSS JOIN json_each(tags) WHERE change = 'added' AND tags IS NOT NULL""",
)
"""New people, what they get, their history and their tags."""

_KNOWN = "FROM fate CROSS JOIN incoming USING (position)"
_NOT_GIVEN_UP = """(:resubscribe OR NOT EXISTS (
  SELECT 1 FROM given_up WHERE given_up.subscriber_id = fate.subscriber_id AND given_up.newsletter = wanted.value))"""
_COMPARING = (
    f"""INSERT OR IGNORE INTO move (subscriber_id, newsletter, kind, sections)
    SELECT fate.subscriber_id, wanted.value, 'subscribed', coalesce(incoming.sections, '[]')
    {_KNOWN} CROSS JOIN json_each(coalesce(newsletters, CASE
      WHEN EXISTS (SELECT 1 FROM subscription AS had WHERE had.subscriber_id = fate.subscriber_id) THEN :newsletters
      ELSE :first_newsletters END)) AS wanted
    WHERE change IS NULL AND {_NOT_GIVEN_UP} AND NOT EXISTS (
      SELECT 1 FROM subscription AS had
      WHERE had.newsletter = wanted.value AND had.subscriber_id = fate.subscriber_id)""",
    # Nobody loses all: a row that names nothing but what the person gave up changes nothing.
    f"""INSERT INTO move (subscriber_id, newsletter, kind, sections)
    SELECT fate.subscriber_id, had.newsletter, 'left', ''
    {_KNOWN} CROSS JOIN subscription AS had ON had.subscriber_id = fate.subscriber_id
    WHERE change IS NULL AND newsletters IS NOT NULL
      AND had.newsletter NOT IN (SELECT value FROM json_each(newsletters))
      AND EXISTS (SELECT 1 FROM json_each(newsletters) AS wanted WHERE {_NOT_GIVEN_UP})""",
    f"""INSERT OR IGNORE INTO move (subscriber_id, newsletter, kind, sections)
    SELECT fate.subscriber_id, had.newsletter, 'sections', incoming.sections
    {_KNOWN} CROSS JOIN subscription AS had ON had.subscriber_id = fate.subscriber_id
    WHERE change IS NULL AND incoming.sections IS NOT NULL AND had.sections <> incoming.sections""",
    f"""INSERT INTO differing (position, subscriber_id, was, state, fields)
    SELECT * FROM (
      SELECT position, fate.subscriber_id, known.state AS was, fate.state AS state,
        iif(incoming.name <> known.name, '"name",', '')
        || iif(incoming.locale <> known.locale, '"locale",', '')
        || iif(incoming.timezone <> known.timezone, '"timezone",', '')
        || iif(EXISTS (SELECT 1 FROM move WHERE move.subscriber_id = fate.subscriber_id AND kind = 'sections'),
          '"sections",', '')
        || iif(tags IS NOT NULL AND EXISTS (
            SELECT 1 FROM json_each(tags) AS wanted WHERE NOT EXISTS (
              SELECT 1 FROM subscriber_tag WHERE subscriber_tag.subscriber_id = fate.subscriber_id
              AND subscriber_tag.tag = wanted.value)), '"tags",', '') AS fields
      {_KNOWN} CROSS JOIN subscriber AS known ON known.id = fate.subscriber_id WHERE change IS NULL)
    WHERE fields <> '' OR was <> state OR subscriber_id IN (SELECT subscriber_id FROM move)""",
)
"""What of known people differs from what their rows say."""

_DIFFERING = "FROM differing CROSS JOIN incoming USING (position)"
_BEGINS = "was <> 'active' AND differing.state = 'active'"
"""The person agreed anew, and the row says where and when."""
_UPDATING = (
    f"""INSERT INTO subscriber_event (subscriber_id, happened_at, kind, facts)
    SELECT subscriber_id, :now,
      CASE WHEN differing.state NOT {_READS} THEN differing.state WHEN was NOT {_READS} THEN 'revived'
        ELSE 'confirmed' END,
      json_object('cause', consent_source)
    {_DIFFERING} WHERE was <> differing.state ORDER BY position""",
    """INSERT INTO subscriber_event (subscriber_id, happened_at, kind, newsletter, facts)
    SELECT subscriber_id, :now, kind, newsletter, json_object('cause', consent_source)
    FROM move JOIN differing USING (subscriber_id) JOIN incoming USING (position)
    WHERE kind <> 'sections' ORDER BY subscriber_id, newsletter""",
    f"""INSERT INTO subscriber_event (subscriber_id, happened_at, kind, facts)
    SELECT subscriber_id, :now, 'changed',
      json_object('fields', json('[' || rtrim(fields, ',') || ']'), 'cause', consent_source)
    {_DIFFERING} WHERE fields <> '' ORDER BY position""",
    # Not UPDATE … FROM: that would walk over everybody for each round.
    f"""UPDATE subscriber SET
      (name, locale, timezone, state, left_at, consent_source, consent_at, consent_wording) = (
        SELECT coalesce(incoming.name, subscriber.name), coalesce(incoming.locale, subscriber.locale),
          coalesce(incoming.timezone, subscriber.timezone), differing.state,
          CASE WHEN differing.state NOT {_READS} THEN coalesce(left_at, :now) END,
          iif({_BEGINS}, incoming.consent_source, subscriber.consent_source),
          iif({_BEGINS}, coalesce(incoming.consent_at, :now), subscriber.consent_at),
          iif({_BEGINS}, '', consent_wording)
        {_DIFFERING} WHERE differing.subscriber_id = subscriber.id)
    WHERE id IN (SELECT subscriber_id FROM differing)""",
    """DELETE FROM subscription WHERE (newsletter, subscriber_id) IN (
      SELECT newsletter, subscriber_id FROM move WHERE kind = 'left')""",
    """INSERT INTO subscription (newsletter, subscriber_id, sections)
    SELECT newsletter, subscriber_id, sections FROM move WHERE kind = 'subscribed'""",
    """UPDATE subscription SET sections = (
      SELECT move.sections FROM move
      WHERE move.newsletter = subscription.newsletter AND move.subscriber_id = subscription.subscriber_id)
    WHERE (newsletter, subscriber_id) IN (SELECT newsletter, subscriber_id FROM move WHERE kind = 'sections')""",
    """DELETE FROM given_up WHERE (subscriber_id, newsletter) IN (
      SELECT subscriber_id, newsletter FROM move WHERE kind = 'subscribed')""",
    """INSERT OR IGNORE INTO given_up (newsletter, subscriber_id, given_up_at)
    SELECT newsletter, subscriber_id, :now FROM move WHERE kind = 'left'""",
    f"""INSERT OR IGNORE INTO subscriber_tag (subscriber_id, tag)
    SELECT subscriber_id, value {_DIFFERING} CROSS JOIN json_each(tags) WHERE tags IS NOT NULL""",
)
"""Their history, written while the old values are still there, and then the new values."""
