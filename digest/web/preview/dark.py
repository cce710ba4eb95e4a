"""Dark mode by the author's own rules: which `prefers-color-scheme` rules hold is settled here, not by the browser.

Apple Mail and Samsung Email honour the media query (caniemail, css-at-media-prefers-color-scheme); a preview must show
both of their modes whatever scheme the editor's own machine has.
"""

import re
from enum import StrEnum

from digest.web.preview.css import Rewriting, Tokens
from digest.web.preview.tree import Tree


class Scheme(StrEnum):
    """What a client says it prefers."""

    LIGHT = "light"
    DARK = "dark"
    NONE = ""
    """It does not know the question: neither kind of rule holds."""


_QUESTION = re.compile(r"\(\s*prefers-color-scheme\s*(?::\s*([\w-]+)\s*)?\)", re.IGNORECASE)
_ALWAYS, _NEVER = "(min-width:0px)", "(min-width:999999px)"
"""As features, so that `not`, `and` and lists around them keep their meaning."""


def settle_scheme(tree: Tree, scheme: Scheme) -> None:
    """Make the rules for one colour scheme hold and those for the other not."""

    def answer(match: re.Match[str]) -> str:
        is_true = bool(scheme) and match[1] in (None, scheme)
        return _ALWAYS if is_true else _NEVER

    def settle_condition(name: str, condition: str) -> str:
        return _QUESTION.sub(answer, condition) if name == "media" else condition

    tree.rewrite(Rewriting(value=_without_own_scheme, at_rule=settle_condition))


def scheme_sheet(scheme: Scheme) -> str:
    """What makes the browser's canvas, default text, links and `light-dark()` go with the scheme."""
    return f":root {{ color-scheme: only {scheme or Scheme.LIGHT} !important; }}"


def _without_own_scheme(name: str, value: Tokens) -> Tokens | None:
    """`color-scheme: light dark` would hand the choice back to the browser."""
    return None if name in ("color-scheme", "supported-color-schemes") else value
