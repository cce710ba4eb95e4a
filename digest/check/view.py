"""The ways a mail may be shown, and which media rules apply in each."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from digest.color import Color

_PHONE, _DESKTOP = 375, 800
_FEATURE = re.compile(r"\(\s*([a-z-]+)\s*(?::\s*([^()]*?)\s*)?\)")
_PIXELS = re.compile(r"(\d+(?:\.\d+)?)(px|em|rem)?")
_SCREENS = frozenset({"", "all", "screen"})
_TRUE_ANYWHERE = re.compile(r"(?:-webkit-|-moz-)?(?:min-|max-)?(?:-moz-)?device-pixel-ratio|hover|any-hover|color|grid")


@dataclass(frozen=True, kw_only=True, eq=False)
class View:
    """One way of showing a mail."""

    label: str
    """For messages: "in dark mode on a phone"."""
    reads_blocks: bool
    """Whether style blocks count. Naver, Daum and Gmail's mobile web remove them."""
    is_dark: bool = False
    width: int = _DESKTOP
    """Of the window, in pixels."""

    def shows(self, conditions: Iterable[tuple[str, str]]) -> bool:
        """Whether rules inside these at-rules apply; conditions as a stylesheet has them."""
        return all(name != "media" or self._matches(condition) for name, condition in conditions)

    def _matches(self, queries: str) -> bool:
        return any(self._matches_query(query.strip().lower()) for query in queries.split(","))

    def _matches_query(self, query: str) -> bool:
        negated, rest = query.startswith("not "), re.sub(r"^(?:not|only)\s+", "", query)
        kind = re.sub(r"\s*\band\b\s*", "", _FEATURE.sub("", rest)).strip()
        holds = kind in _SCREENS and all(self._has(name, value) for name, value in _FEATURE.findall(rest))
        return holds != negated

    def _has(self, name: str, value: str) -> bool:
        if name == "prefers-color-scheme":
            return value == ("dark" if self.is_dark else "light")
        if found := re.fullmatch(r"(min|max)-(?:device-)?width", name):
            limit = _in_pixels(value)
            return limit is not None and (self.width >= limit if found[1] == "min" else self.width <= limit)
        return bool(_TRUE_ANYWHERE.fullmatch(name))


LIGHT = View(label="in light mode", reads_blocks=True)
LIGHT_PHONE = View(label="in light mode on a phone", reads_blocks=True, width=_PHONE)
STRIPPED = View(label="with every style block removed", reads_blocks=False)
DARK = View(label="in dark mode", reads_blocks=True, is_dark=True)
DARK_PHONE = View(label="in dark mode on a phone", reads_blocks=True, is_dark=True, width=_PHONE)
WHITE = Color(255, 255, 255)
BLACK = Color(0, 0, 0)
DARK_CANVAS = Color(18, 18, 18)
"""What a client that knows dark mode paints where a mail that supports it says nothing."""


def _in_pixels(value: str) -> float | None:
    found = _PIXELS.fullmatch(value)
    return found and float(found[1]) * (16 if found[2] in ("em", "rem") else 1)
