"""Style sheets and style attributes, rewritten declaration by declaration.

What is not understood is left out, as a browser leaves it out, so that what a pane holds is what was looked at.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, TypeAlias

import tinycss2

Tokens: TypeAlias = list[Any]
"""Component values of tinycss2."""
_NESTING = frozenset(("media", "supports", "keyframes", "-webkit-keyframes"))
"""At-rules that hold rules; all others load something (`@import`, `@font-face`) or print pages."""
_NOT_IN_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
"""What an escape in a string can stand for and no tree can hold."""
_STRAY = frozenset(("error", "url", "at-keyword", "{} block"))
"""Tokens that no selector or condition has: here braces do not match, and parsers may differ about what follows."""


def _keep_value(_name: str, value: Tokens) -> Tokens:
    return value


def _keep_prelude(_name: str, prelude: str) -> str:
    return prelude


def _keep_selector(_selector: str) -> bool:
    return True


@dataclass(frozen=True, kw_only=True)
class Rewriting:
    """What is to become of the pieces of a style sheet; by default each stays."""

    value: Callable[[str, Tokens], Tokens | None] = _keep_value
    """From a property's lower-case name and its value to the new value; None leaves the declaration out."""
    at_rule: Callable[[str, str], str | None] = _keep_prelude
    """From an at-rule's lower-case name and its condition to the new condition; None leaves all of it out."""
    selector: Callable[[str], bool] = _keep_selector
    """Whether the rules of a selector list stay."""


def rewrite_sheet(css: str, rewriting: Rewriting) -> str:
    """A style sheet, rewritten; it can stand in a style element whatever its strings hold."""
    rules = tinycss2.parse_stylesheet(css, skip_comments=True, skip_whitespace=True)
    # An escaped "<" in a string comes back as itself: "</style>" would end the element.
    return _clean(_write(rules, rewriting)).replace("</", "<\\/")


def rewrite_inline(style: str, rewriting: Rewriting) -> str:
    """The value of a style attribute, rewritten."""
    return _clean(_write_block(style, rewriting))


def serialize(value: Tokens) -> str:
    """A value as CSS."""
    return str(tinycss2.serialize(value)).strip()


def parse_value(css: str) -> Tokens:
    """The component values of a piece of CSS."""
    return list(tinycss2.parse_component_value_list(css, skip_comments=True))


def map_tokens(tokens: Iterable[Any], change: Callable[[Any], Tokens | None]) -> Tokens:
    """Every token, and those inside functions and brackets, replaced where `change` gives something else."""
    changed: Tokens = []
    for token in tokens:
        replacement = change(token)
        if replacement is not None:
            changed += replacement
            continue
        for inner in ("arguments", "content"):
            if isinstance(inside := getattr(token, inner, None), list):
                setattr(token, inner, map_tokens(inside, change))
        changed.append(token)
    return changed


def _clean(css: str) -> str:
    return _NOT_IN_XML.sub("\N{REPLACEMENT CHARACTER}", css)


def _write(nodes: Iterable[Any], rewriting: Rewriting) -> str:
    return "\n".join(filter(None, (_write_node(node, rewriting) for node in nodes)))


def _write_node(node: Any, rewriting: Rewriting) -> str:
    if any(token.type in _STRAY for token in getattr(node, "prelude", ())):
        return ""
    match node.type:
        case "declaration":
            return _write_declaration(node, rewriting)
        case "qualified-rule":
            selector = serialize(node.prelude)
            return f"{selector} {{{_write_block(node.content, rewriting)}}}" if rewriting.selector(selector) else ""
        case "at-rule" if node.lower_at_keyword in _NESTING and node.content is not None:
            prelude = rewriting.at_rule(node.lower_at_keyword, serialize(node.prelude))
            if prelude is None:
                return ""
            rules = tinycss2.parse_rule_list(node.content, skip_comments=True, skip_whitespace=True)
            return f"@{node.lower_at_keyword} {prelude} {{\n{_write(rules, rewriting)}\n}}"
        case _:
            return ""


def _write_block(content: str | Tokens, rewriting: Rewriting) -> str:
    nodes = tinycss2.parse_blocks_contents(content, skip_comments=True, skip_whitespace=True)
    return " ".join(filter(None, (_write_node(node, rewriting) for node in nodes)))


def _write_declaration(node: Any, rewriting: Rewriting) -> str:
    value = rewriting.value(node.lower_name, node.value)
    if value is None:
        return ""
    node.value = value
    return str(tinycss2.serialize([node])).strip()
