"""One row of a file or of a query as text, before it is an article or a count; and rows that were refused."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from digest.errors import RowError

UNREADABLE = re.compile(r"[\0\udc80-\udcff]")
"""A NUL, or a byte that could not be decoded (PEP 383 keeps it as a lone surrogate)."""
_UNDECODED = re.compile(r"[\udc80-\udcff]")


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """One row, all text: "007" stays "007"."""

    line: int
    """1-based line on which it begins; for a query, the 1-based row of its result."""
    values: Mapping[str, str]
    """The cells by the file's own column names."""
    mapping: Mapping[str, str] = field(default_factory=dict)
    """Our column name → the file's, where they differ."""
    nested: frozenset[str] = frozenset()
    """The file's columns that hold a JSON list or object here, as JSON text."""

    def text(self, name: str) -> str:
        """The cell of our column `name`, "" where there is none.

        Raises:
            RowError: it holds a JSON list or object.
        """
        column = self.mapping.get(name, name)
        if column in self.nested:
            raise self.error(name, "holds a list or an object; expected a text or a number")
        return self.values.get(column, "")

    def listed(self, name: str) -> str:
        """As `text`, but a JSON list is welcome, as JSON text."""
        return self.values.get(self.mapping.get(name, name), "")

    def error(self, name: str, reason: str) -> RowError:
        """What is wrong with our column `name`, told by the file's name for it."""
        return RowError(line=self.line, column=self.mapping.get(name, name), reason=reason)

    @property
    def is_unreadable(self) -> bool:
        """Whether some cell holds a NUL or bytes of another encoding."""
        return UNREADABLE.search("".join(self.values.values())) is not None

    @property
    def has_undecoded_bytes(self) -> bool:
        """Whether some cell holds bytes of another encoding."""
        return _UNDECODED.search("".join(self.values.values())) is not None

    def refusal(self, encoding: str) -> "RefusedRow":
        """The refusal of an unreadable row."""
        column, cell = next((name, cell) for name, cell in self.values.items() if UNREADABLE.search(cell))
        reason = "holds a NUL character" if "\0" in cell else f"holds bytes that are not {encoding}"
        return RefusedRow(error=RowError(line=self.line, column=column, reason=reason), values=self.values)


@dataclass(frozen=True, kw_only=True)
class RefusedRow:
    """A row that cannot be used, and why; the rows after it are read all the same."""

    error: RowError
    """Line, column and reason."""
    values: Mapping[str, str]
    """The row as read, by the file's column names; the raw line under "" where it could not be split."""
