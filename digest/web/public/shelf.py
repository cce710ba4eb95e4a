"""What is made once and kept in memory while it is asked for: the pages and summaries of past issues."""

from collections import OrderedDict
from collections.abc import Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Shelf(Generic[K, V]):
    """The values used last, up to a number."""

    def __init__(self, room: int) -> None:
        self._room = room
        self._kept: OrderedDict[K, V] = OrderedDict()

    def get(self, key: K) -> V | None:
        """The value of a key, or None where it is not kept."""
        value = self._kept.pop(key, None)
        if value is not None:
            self._kept[key] = value
        return value

    def put(self, key: K, value: V) -> V:
        """Keep a value; the one that was used longest ago gives way."""
        self._kept[key] = value
        if len(self._kept) > self._room:
            self._kept.popitem(last=False)
        return value
