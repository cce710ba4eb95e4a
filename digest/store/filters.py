"""Groups of people: expressions compiled to SQL whose values are bound, and those that were saved under a name."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from digest.model import SubscriberState
from digest.store.database import Database, to_seconds
from digest.store.filter_language import Both, Either, Expression, FilterError, Not, Saved, Term, parse_filter
from digest.store.inactive import UNREAD_ISSUES, UNREAD_SINCE, is_anything_counted

_NAME = re.compile(r"[\w-]{1,60}")
_SPAN = re.compile(r"(\d{1,5})([hdwmy])")
_SECONDS = {"h": 3600, "d": 86_400, "w": 604_800, "m": 30 * 86_400, "y": 365 * 86_400}
_YES, _NO = frozenset(("yes", "true", "1")), frozenset(("no", "false", "0"))
_TEXTS: Mapping[str, str] = {
    "address": "subscriber.address",
    "name": "subscriber.name",
    "locale": "subscriber.locale",
    "timezone": "subscriber.timezone",
    "state": "subscriber.state",
    "source": "subscriber.consent_source",
    "domain": "substr(subscriber.address, instr(subscriber.address, '@') + 1)",
}
_SETS: Mapping[str, str] = {
    "tag": "SELECT tag FROM subscriber_tag WHERE subscriber_id = subscriber.id",
    "newsletter": "SELECT newsletter FROM subscription WHERE subscriber_id = subscriber.id",
    "section": "SELECT value FROM subscription, json_each(sections) WHERE subscriber_id = subscriber.id",
}
_MOMENTS: Mapping[str, str] = {
    "added": "subscriber.created_at",
    "consented": "subscriber.consent_at",
    "left": "subscriber.left_at",
    "inactive": UNREAD_SINCE,
    "mailed": "(SELECT max(updated_at) FROM delivery WHERE subscriber_id = subscriber.id AND state = 'sent')",
}
_NUMBERS: Mapping[str, str] = {"bounces": "subscriber.soft_bounces", "unread": UNREAD_ISSUES}
_FLAGS: Mapping[str, str] = {"paused": "subscriber.paused_until IS NOT NULL"}
_COUNTED = frozenset(("inactive", "unread"))
"""Known only where opens or clicks are counted."""
FIELDS = frozenset((*_TEXTS, *_SETS, *_MOMENTS, *_NUMBERS, *_FLAGS))
"""What a term can be about."""


@dataclass(frozen=True, kw_only=True)
class Condition:
    """A filter as SQL: a condition on a row of `subscriber`, and the values of its parameters."""

    sql: str
    """Made of constants of this module alone."""
    values: Mapping[str, Any]
    """Bound; their names begin with "filter_"."""


EVERYBODY = Condition(sql="1", values={})


def compile_filter(database: Database, text: str, *, now: datetime) -> Condition:
    """What an expression asks for.

    Args:
        database: where saved filters are looked up.
        text: the expression; "" is everybody.
        now: ages such as 90d count back from it.

    Raises:
        FilterError: it cannot be read, names no saved filter, or saved filters name one another in a circle.
    """
    if not text.strip():
        return EVERYBODY
    compiler = _Compiler(database, now)
    sql = compiler.compile(parse_filter(text, FIELDS), ())
    return Condition(sql=sql, values=compiler.values)


def count_people(database: Database, condition: Condition) -> Mapping[SubscriberState, int]:
    """How many people a filter finds, by state."""
    rows = database.rows(
        f"SELECT state, count(*) AS people FROM subscriber WHERE {condition.sql} GROUP BY state", condition.values
    )
    return {SubscriberState(row["state"]): row["people"] for row in rows}


def find_ids(database: Database, condition: Condition) -> tuple[int, ...]:
    """The ids of the people a filter finds."""
    rows = database.rows(f"SELECT id FROM subscriber WHERE {condition.sql} ORDER BY id", condition.values)
    return tuple(row["id"] for row in rows)


def save_filter(database: Database, name: str, text: str, *, now: datetime) -> None:
    """Keep a filter under a name, in place of one that had it.

    Raises:
        FilterError: the name or the expression is wrong, or it would name itself.
    """
    if not _NAME.fullmatch(name):
        raise FilterError(f"{name!r} is no name of a filter; expected letters, digits, hyphens, 60 at most")
    with database.transaction():
        database.execute(
            """INSERT INTO saved_filter (name, expression, saved_at) VALUES (?, ?, ?)
            ON CONFLICT (name) DO UPDATE SET expression = excluded.expression, saved_at = excluded.saved_at""",
            (name, text, to_seconds(now)),
        )
        compile_filter(database, f"@{name}", now=now)


def list_filters(database: Database) -> Mapping[str, str]:
    """Saved filters by name."""
    rows = database.rows("SELECT name, expression FROM saved_filter ORDER BY name")
    return {row["name"]: row["expression"] for row in rows}


def remove_filter(database: Database, name: str) -> bool:
    """Forget a saved filter; tells whether there was one."""
    return database.execute("DELETE FROM saved_filter WHERE name = ?", (name,)) > 0


class _Compiler:
    def __init__(self, database: Database, now: datetime) -> None:
        self._database = database
        self._now = to_seconds(now)
        self.values: dict[str, Any] = {}

    def compile(self, expression: Expression, within: tuple[str, ...]) -> str:
        """One part; `within` are the saved filters it stands in."""
        if isinstance(expression, Not):
            return f"NOT coalesce({self.compile(expression.of, within)}, 0)"
        if isinstance(expression, Both | Either):
            joint = " AND " if isinstance(expression, Both) else " OR "
            return f"({joint.join(self.compile(each, within) for each in expression.of)})"
        if isinstance(expression, Saved):
            return self._saved(expression, within)
        return self._term(expression)

    def _saved(self, saved: Saved, within: tuple[str, ...]) -> str:
        if saved.name in within:
            raise FilterError(f"the saved filters {' → '.join((*within, saved.name))} name one another")
        text = self._database.value("SELECT expression FROM saved_filter WHERE name = ?", (saved.name,))
        if text is None:
            known = ", ".join(list_filters(self._database)) or "none yet"
            raise FilterError(f"column {saved.column}: no filter is saved as {saved.name!r}; saved: {known}")
        return f"({self.compile(parse_filter(text, FIELDS), (*within, saved.name))})"

    def _term(self, term: Term) -> str:
        if term.field in _COUNTED and not is_anything_counted(self._database):
            raise FilterError(f"column {term.column}: {term.field} needs opens or clicks to be counted; none are yet")
        kinds: tuple[tuple[Mapping[str, str], Callable[[Term, str], str]], ...] = (
            (_TEXTS, self._text),
            (_SETS, self._set),
            (_MOMENTS, self._moment),
            (_NUMBERS, self._number),
            (_FLAGS, self._flag),
        )
        fields, write = next((fields, write) for fields, write in kinds if term.field in fields)
        return write(term, fields[term.field])

    def _text(self, term: Term, column: str) -> str:
        self._allow(term, "=", "!=", "~", "!~")
        if term.field == "state":
            self._require_states(term)
        if "~" in term.sign:
            found = f"instr(lower({column}), lower({self._bind(term.values[0])})) > 0"
        else:
            found = f"{column} COLLATE NOCASE IN ({', '.join(map(self._bind, term.values))})"
        return self._turned(term, found)

    def _set(self, term: Term, query: str) -> str:
        """Whoever has one of the values; "" is for whoever has none at all."""
        self._allow(term, "=", "!=", "~", "!~")
        words = query.split()[1]
        test = (
            f"instr(lower({words}), lower({self._bind(term.values[0])})) > 0"
            if "~" in term.sign
            else f"{words} COLLATE NOCASE IN ({', '.join(map(self._bind, term.values))})"
        )
        found = f"EXISTS ({query} AND {test})"
        if "~" not in term.sign and "" in term.values:
            found = f"({found} OR NOT EXISTS ({query}))"
        return self._turned(term, found)

    def _moment(self, term: Term, column: str) -> str:
        self._allow(term, ">", ">=", "<", "<=")
        value = term.values[0]
        if span := _SPAN.fullmatch(value):
            age = int(span[1]) * _SECONDS[span[2]]
            return f"coalesce({self._now} - {column} {term.sign} {self._bind(age)}, 0)"
        return f"coalesce({column} {term.sign} {self._bind(self._day(term, value))}, 0)"

    def _day(self, term: Term, value: str) -> int:
        try:
            day = datetime.strptime(value, "%Y-%m-%d").replace(tzinfo=UTC)
        except ValueError:
            raise FilterError(
                f"column {term.column}: {value!r} is neither an age such as 90d, 12w, 6m nor a day such as 2026-03-01"
            ) from None
        return to_seconds(day + timedelta(days=term.sign in (">", "<=")))

    def _number(self, term: Term, column: str) -> str:
        self._allow(term, "=", "!=", ">", ">=", "<", "<=")
        if not all(value.isascii() and value.isdecimal() and len(value) < 10 for value in term.values):  # noqa: PLR2004
            raise FilterError(f"column {term.column}: {term.field} is a number, found {', '.join(term.values)!r}")
        numbers = [self._bind(int(value)) for value in term.values]
        if term.sign in ("=", "!="):
            return self._turned(term, f"{column} IN ({', '.join(numbers)})")
        return f"{column} {term.sign} {numbers[0]}"

    def _flag(self, term: Term, column: str) -> str:
        self._allow(term, "=", "!=")
        word = term.values[0].lower()
        if word not in _YES | _NO or len(term.values) > 1:
            raise FilterError(f"column {term.column}: {term.field} is yes or no, found {', '.join(term.values)!r}")
        return f"({column}) = {int((word in _YES) == (term.sign == '='))}"

    def _require_states(self, term: Term) -> None:
        known = [str(state) for state in SubscriberState]
        for value in term.values:
            if "~" not in term.sign and value.lower() not in known:
                raise FilterError(f"column {term.column}: {value!r} is no state; expected one of {', '.join(known)}")

    def _allow(self, term: Term, *signs: str) -> None:
        if term.sign not in signs:
            raise FilterError(f"column {term.column}: {term.field} takes {' '.join(signs)}, not {term.sign}")

    def _turned(self, term: Term, found: str) -> str:
        return f"NOT {found}" if term.sign.startswith("!") else found

    def _bind(self, value: Any) -> str:
        name = f"filter_{len(self.values)}"
        self.values[name] = value
        return f":{name}"


def describe_fields() -> Iterator[tuple[str, str]]:
    """Each field with what it takes, for the help."""
    kinds = ((_TEXTS, "text"), (_SETS, "one of several"), (_MOMENTS, "day or age"), (_NUMBERS, "number"))
    for fields, kind in (*kinds, (_FLAGS, "yes or no")):
        yield from ((name, kind) for name in fields)
