"""The small language in which groups of people are named: `locale=ko and section=economy and not tag in (vip, press)`.

A term is a field, a sign and a value. Terms are joined by `and`, `or` and `not`, with parentheses; `and` binds closer.
`@name` stands for a filter that was saved under that name. A text here is data: nothing of it becomes SQL.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TypeAlias

from digest.errors import DigestError

LONGEST = 4_000
"""Characters of an expression."""
MOST_TERMS = 200
DEEPEST = 30
"""Parentheses and `not` within one another."""
_TOKEN = re.compile(
    r"""\s*(?:(?P<sign>!=|>=|<=|!~|=|~|>|<|\(|\)|,)|(?P<quoted>"[^"]*"|'[^']*')|(?P<word>[^\s()=~<>!,"']+)|(?P<odd>.))""",
    re.DOTALL,
)
_SIGNS = ("=", "!=", "~", "!~", ">", ">=", "<", "<=")
_JOINTS = frozenset(("and", "or", "not", "in"))


class FilterError(DigestError, ValueError):
    """An expression that cannot be read; the message says where and what was expected."""


@dataclass(frozen=True, kw_only=True)
class Term:
    """One field held against values."""

    field: str
    sign: str
    """One of = != ~ !~ > >= < <=; a list has = or !=."""
    values: tuple[str, ...]
    """More than one only for a list."""
    column: int
    """Where it stands, from 1, for messages."""


@dataclass(frozen=True, kw_only=True)
class Saved:
    """A filter that was saved."""

    name: str
    column: int


@dataclass(frozen=True, kw_only=True)
class Not:
    """Whoever is not in another one."""

    of: "Expression"


@dataclass(frozen=True, kw_only=True)
class Both:
    """Whoever is in all of several."""

    of: "tuple[Expression, ...]"


@dataclass(frozen=True, kw_only=True)
class Either:
    """Whoever is in one of several."""

    of: "tuple[Expression, ...]"


Expression: TypeAlias = Term | Saved | Not | Both | Either


def parse_filter(text: str, fields: frozenset[str]) -> Expression:
    """The expression that a text writes.

    Args:
        text: the expression.
        fields: names that terms may have.

    Raises:
        FilterError: with the column and what was expected there.
    """
    if len(text) > LONGEST:
        raise FilterError(f"the filter has {len(text):,} characters; {LONGEST:,} are allowed")
    return _Parser(list(_tokens(text)), fields).parse()


@dataclass(frozen=True)
class _Token:
    kind: str
    text: str
    column: int


def _tokens(text: str) -> Iterator[_Token]:
    for found in _TOKEN.finditer(text):
        kind = found.lastgroup or "odd"
        column = found.start(kind) + 1
        if kind == "odd":
            if found[kind].strip():
                raise FilterError(f"column {column}: {found[kind]!r} is not understood; put quotes around a text")
            continue
        yield _Token(kind, found[kind][1:-1] if kind == "quoted" else found[kind], column)
    yield _Token("end", "", len(text) + 1)


class _Parser:
    """Recursive descent; the depth is counted, so that no text can exhaust the stack."""

    def __init__(self, tokens: list[_Token], fields: frozenset[str]) -> None:
        self._tokens = tokens
        self._fields = fields
        self._place = 0
        self._depth = 0
        self._terms = 0

    def parse(self) -> Expression:
        expression = self._either()
        if self._now.kind != "end":
            raise self._expected("and, or, or the end")
        return expression

    @property
    def _now(self) -> _Token:
        return self._tokens[self._place]

    def _take(self) -> _Token:
        token = self._now
        self._place += token.kind != "end"
        return token

    def _is_word(self, word: str) -> bool:
        return self._now.kind == "word" and self._now.text.lower() == word

    def _either(self) -> Expression:
        parts = [self._both()]
        while self._is_word("or"):
            self._take()
            parts.append(self._both())
        return parts[0] if len(parts) == 1 else Either(of=tuple(parts))

    def _both(self) -> Expression:
        parts = [self._single()]
        while self._is_word("and"):
            self._take()
            parts.append(self._single())
        return parts[0] if len(parts) == 1 else Both(of=tuple(parts))

    def _single(self) -> Expression:
        self._depth += 1
        if self._depth > DEEPEST:
            raise FilterError(f"column {self._now.column}: more than {DEEPEST} levels; write it flatter")
        try:
            return self._inner()
        finally:
            self._depth -= 1

    def _inner(self) -> Expression:
        if self._is_word("not"):
            self._take()
            return Not(of=self._single())
        if self._now.text == "(" and self._now.kind == "sign":
            self._take()
            inner = self._either()
            self._require(")")
            return inner
        return self._term()

    def _term(self) -> Expression:
        name = self._take()
        self._terms += 1
        if self._terms > MOST_TERMS:
            raise FilterError(f"the filter has more than {MOST_TERMS} terms")
        if name.kind == "word" and name.text.startswith("@"):
            return Saved(name=name.text[1:], column=name.column)
        if name.kind != "word" or name.text.lower() in _JOINTS:
            self._place -= name.kind != "end"
            raise self._expected("a field such as locale")
        field = self._field(name)
        if self._is_word("in") or self._is_word("not"):
            return self._list(field, name.column)
        sign = self._take()
        if sign.kind != "sign" or sign.text not in _SIGNS:
            raise FilterError(f"column {sign.column}: expected one of {' '.join(_SIGNS)} or in after {field}")
        return Term(field=field, sign=sign.text, values=(self._value(),), column=name.column)

    def _field(self, name: _Token) -> str:
        if name.text.lower() in self._fields:
            return name.text.lower()
        close = get_close_matches(name.text.lower(), self._fields, 1)
        hint = f"; did you mean {close[0]}?" if close else f"; fields: {', '.join(sorted(self._fields))}"
        raise FilterError(f"column {name.column}: {name.text!r} is no field{hint}")

    def _list(self, field: str, column: int) -> Term:
        sign = "="
        if self._is_word("not"):
            self._take()
            sign = "!="
        if not self._is_word("in"):
            raise self._expected("in")
        self._take()
        self._require("(")
        values = [self._value()]
        while self._now.text == "," and self._now.kind == "sign":
            self._take()
            values.append(self._value())
        self._require(")")
        return Term(field=field, sign=sign, values=tuple(values), column=column)

    def _value(self) -> str:
        token = self._take()
        if token.kind not in ("word", "quoted"):
            self._place -= token.kind != "end"
            raise self._expected("a value")
        return token.text

    def _require(self, sign: str) -> None:
        if self._now.kind != "sign" or self._now.text != sign:
            raise self._expected(sign)
        self._take()

    def _expected(self, what: str) -> FilterError:
        found = repr(self._now.text) if self._now.kind != "end" else "the end"
        return FilterError(f"column {self._now.column}: expected {what}, found {found}")
