"""All shapes, and which of them a file has."""

from collections.abc import Iterable, Mapping

from digest.audience.ghost import GHOST
from digest.audience.listmonk import LISTMONK
from digest.audience.mailchimp import MAILCHIMP
from digest.audience.own import OWN
from digest.audience.shape import Shape
from digest.audience.stibee import STIBEE
from digest.audience.substack import SUBSTACK
from digest.errors import SourceError

SHAPES: Mapping[str, Shape] = {shape.name: shape for shape in (OWN, MAILCHIMP, SUBSTACK, GHOST, LISTMONK, STIBEE)}
"""By the names that `--shape` takes."""


def recognise_shape(columns: Iterable[str]) -> Shape:
    """The system whose columns these are, or our own.

    >>> recognise_shape(["Email Address", "First Name", "MEMBER_RATING"]).title
    'Mailchimp'
    """
    there = {column.strip().lower() for column in columns}
    return next((shape for shape in SHAPES.values() if any(mark <= there for mark in shape.marks)), OWN)


def map_columns(shape: Shape, columns: Iterable[str], chosen: Mapping[str, str]) -> dict[str, str]:
    """Our columns and the file's: those the operator chose, else those the shape knows.

    One that the file lacks has its usual name there: later rows of JSON may have columns that the first do not.

    Args:
        shape: of the file.
        columns: of the file; none at all where it has no rows.
        chosen: ours → the file's, by the operator.

    Raises:
        SourceError: there is no column of addresses.
    """
    there = {column.strip().lower(): column for column in columns}
    found = {
        ours: next((there[name] for name in names if name in there), names[0]) for ours, names in shape.columns.items()
    } | dict(chosen)
    if there and found["address"] not in there.values():
        names = " or ".join(shape.columns["address"][:2])
        raise SourceError(
            f"no column is called {names}; found {', '.join(there.values())}; name it with --map address=COLUMN"
        )
    return found


def present_columns(mapping: Mapping[str, str], columns: Iterable[str]) -> frozenset[str]:
    """Ours that a file has."""
    there = set(columns)
    return frozenset(ours for ours, theirs in mapping.items() if theirs in there)
