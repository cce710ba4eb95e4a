"""What mail clients support: the features of HTML and CSS that must not, or should not, be used, and who lacks them.

The facts are those of caniemail (MIT, see support.LICENSE), reduced to support.json by docs/reduce_support.py: each
feature with a verdict against it, the names it shows itself by, and the clients without it. `*` ends a name that stands
for all that begin so.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Any

_FILE = Path(__file__).with_name("support.json")
_VENDOR = re.compile(r"^-(?:webkit|moz|ms|o)-")
_LOGICAL = re.compile(r"(?:^|-)(?:inline|block)(?:-|$)|^inset(?:-|$)|^border-(?:start|end)-")
_LOGICAL_SLUG = "css-block-inline-size"
_NAMED_AT_MOST = 3


class Kind(StrEnum):
    """Where a feature shows itself."""

    PROPERTY = "property"
    VALUE = "value"
    """A word that certain properties take."""
    KEYWORD = "keyword"
    """A word that any property takes."""
    FUNCTION = "function"
    UNIT = "unit"
    AT_RULE = "at-rule"
    SELECTOR = "selector"
    """A pseudo-class or pseudo-element."""
    ELEMENT = "element"
    ATTRIBUTE = "attribute"
    EXTENSION = "extension"
    """The ending of an image's file name."""


@dataclass(frozen=True, kw_only=True)
class Feature:
    """One thing that some mail client lacks."""

    slug: str
    """Its name at caniemail, such as css-display-flex."""
    title: str
    kind: Kind
    names: tuple[str, ...]
    """The names it shows itself by, in lower case."""
    properties: tuple[str, ...]
    """For a value the properties that it belongs to; for a function the properties that go with it."""
    is_forbidden: bool
    """Whether it must not be used at all; else it has no effect, or a bad one, in many clients."""
    missing: tuple[str, ...]
    """Labels of the clients without it, in the order of the table."""

    @property
    def absence(self) -> str:
        """Who lacks it, in a few words: "missing in Gmail, Gmail iOS and 10 more"."""
        if not self.missing:
            return "not reliable in every client"
        named, more = self.missing[:_NAMED_AT_MOST], len(self.missing) - _NAMED_AT_MOST
        return f"missing in {', '.join(named)}{f' and {more} more' if more > 0 else ''}"


class Support:
    """The features by the names that they show themselves by. Get one from `load_support`."""

    def __init__(self, features: tuple[Feature, ...]) -> None:
        self.features = features
        self._exact = dict(_entries(features))
        self._beginnings = {key: feature for key, feature in self._exact.items() if key[1].endswith("*")}
        self._logical = next(feature for feature in features if feature.slug == _LOGICAL_SLUG)

    def find(self, kind: Kind, name: str) -> Feature | None:
        """The feature of that kind and name, or None where nothing speaks against it.

        A vendor's prefix changes nothing: `-webkit-transform` is `transform`.
        """
        plain = _VENDOR.sub("", name.lower(), count=1)
        return self._exact.get((kind, plain)) or self._by_beginning(kind, plain) or self._by_pattern(kind, plain)

    def find_value(self, name: str, word: str) -> Feature | None:
        """The feature that a word is as a value of a property."""
        plain = _VENDOR.sub("", word.lower(), count=1)
        return self._exact.get((Kind.VALUE, f"{name}:{plain}")) or self._exact.get((Kind.KEYWORD, plain))

    def _by_beginning(self, kind: Kind, name: str) -> Feature | None:
        found = (
            feature
            for (its_kind, its_name), feature in self._beginnings.items()
            if its_kind is kind and name.startswith(its_name.rstrip("*"))
        )
        return next(found, None)

    def _by_pattern(self, kind: Kind, name: str) -> Feature | None:
        """Logical properties are too many to be listed: `margin-inline-end`, `border-start-end-radius`."""
        return self._logical if kind is Kind.PROPERTY and _LOGICAL.search(name) else None


@cache
def load_support() -> Support:
    """The features as the package carries them."""
    table = json.loads(_FILE.read_text(encoding="utf-8"))
    return Support(tuple(_feature(slug, facts, table["clients"]) for slug, facts in table["features"].items()))


def _feature(slug: str, facts: dict[str, Any], clients: list[str]) -> Feature:
    return Feature(
        slug=slug,
        title=facts["title"],
        kind=Kind(facts["kind"]),
        names=tuple(facts["names"]),
        properties=tuple(facts.get("properties", ())),
        is_forbidden=facts["verdict"] == "forbid",
        missing=tuple(clients[number] for number in facts["missing"]),
    )


def _entries(features: tuple[Feature, ...]) -> Iterator[tuple[tuple[Kind, str], Feature]]:
    for feature in features:
        if feature.kind is Kind.VALUE:
            yield from (
                ((Kind.VALUE, f"{each}:{name}"), feature) for each in feature.properties for name in feature.names
            )
            continue
        yield from (((feature.kind, name), feature) for name in feature.names)
        yield from (((Kind.PROPERTY, name), feature) for name in feature.properties)
