"""CSS as rules read it: style blocks and style attributes as declarations, each with its place in the text.

Nothing here raises, whatever the text holds: what cannot be read is a fault, and the rest is read on.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import tinycss2

READ_CHARACTERS = 131_072
"""More of one text is not read: eight times what Gmail keeps of all style blocks."""
DEEPEST = 30
"""Brackets nested deeper than this are no CSS that anybody wrote."""
GROUPS = frozenset({"media", "supports", "layer", "container", "document", "-moz-document", "scope", "starting-style"})
"""At-rules that hold style rules."""
IN_STYLE_RULE = "style rule"
"""Stands among the names of at-rules around one for the style rule it is nested in."""
_WITHOUT_RULES = frozenset({"keyframes", "-webkit-keyframes", "-moz-keyframes", "-o-keyframes"})
_SNIPPET = 80
_SILENT = ("whitespace", "comment")

Token = Any
"""A node of tinycss2, which has no types."""


@dataclass(frozen=True, kw_only=True)
class Spot:
    """A place in a CSS text."""

    line: int
    """1-based."""
    snippet: str
    """The words from there on, to the end of the declaration or the rule's head, shortened."""


@dataclass(frozen=True, kw_only=True)
class Declaration:
    """One property with its value."""

    name: str
    """In lower case."""
    value: str
    """As written, without comments, spaces collapsed, in one line."""
    tokens: tuple[Token, ...] = field(repr=False)
    """The value's component values, for rules that look at its parts."""
    is_important: bool
    spot: Spot


@dataclass(frozen=True, kw_only=True)
class Fault:
    """Something that is no CSS."""

    message: str
    spot: Spot


@dataclass(frozen=True, kw_only=True)
class AtRule:
    """An at-rule by its name and place."""

    name: str
    """In lower case, without the `@`."""
    condition: str
    """What stands between its name and its block, as written."""
    outer: tuple[str, ...]
    """Names of the at-rules around it, outermost first."""
    declarations: tuple[Declaration, ...]
    """Those directly in its block, as @font-face has them."""
    spot: Spot


@dataclass(frozen=True, kw_only=True)
class StyleRule:
    """A selector list with its declarations."""

    selector: str
    """As written, without comments."""
    conditions: tuple[tuple[str, str], ...]
    """Names and conditions of the at-rules around it, outermost first."""
    declarations: tuple[Declaration, ...]
    is_nested: bool
    """Whether it stands in the block of another style rule."""
    spot: Spot


@dataclass(kw_only=True)
class Stylesheet:
    """All that one CSS text holds, in order."""

    rules: list[StyleRule] = field(default_factory=list)
    at_rules: list[AtRule] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)

    @property
    def declarations(self) -> Iterator[Declaration]:
        """Those of style rules and those of at-rules."""
        yield from (each for rule in self.rules for each in rule.declarations)
        yield from (each for at_rule in self.at_rules for each in at_rule.declarations)


@lru_cache(maxsize=64)
def parse_stylesheet(text: str) -> Stylesheet:
    """Read the text of a style block. The result is shared: do not change it."""
    reader = _Reader(text)
    sheet = Stylesheet()
    tokens = reader.tokens(sheet.faults)
    reader.read_rules(tinycss2.parse_stylesheet(tokens, skip_comments=True, skip_whitespace=True), sheet, ())
    return sheet


@lru_cache(maxsize=4_096)
def parse_attribute(text: str) -> tuple[tuple[Declaration, ...], tuple[Fault, ...]]:
    """Read the text of a style attribute: its declarations, and what is none."""
    reader, faults = _Reader(text), list[Fault]()
    return tuple(reader.read_declarations(reader.tokens(faults), faults)), tuple(faults)


def walk(tokens: Iterable[Token]) -> Iterator[Token]:
    """Every token, those inside brackets and functions among them, in order; any depth."""
    stack = [iter(tokens)]
    while stack:
        token = next(stack[-1], None)
        if token is None:
            stack.pop()
            continue
        yield token
        inner = _inner(token)
        if inner is not None:
            stack.append(iter(inner))


def urls_of(declaration: Declaration) -> Iterator[str]:
    """Every address that its value loads."""
    for token in walk(declaration.tokens):
        if token.type == "url":
            yield token.value
        elif token.type == "function" and token.lower_name in ("url", "src"):
            yield from (part.value for part in token.arguments if part.type == "string")


def is_too_deep(tokens: Iterable[Token]) -> bool:
    """Whether brackets are nested deeper than `DEEPEST`."""
    level: list[Token] = list(tokens)
    for _ in range(DEEPEST):
        level = [inner for token in level for inner in _inner(token) or ()]
    return bool(level)


def _inner(token: Token) -> Sequence[Token] | None:
    found: Sequence[Token] | None = getattr(token, "content", None)
    return token.arguments if token.type == "function" else found


class _Reader:
    """Reads one text; knows where in it a token stands."""

    def __init__(self, text: str) -> None:
        self._text = re.sub(r"\r\n?|\f", "\n", text[:READ_CHARACTERS]).replace("\0", "\N{REPLACEMENT CHARACTER}")
        self._is_whole = len(text) <= READ_CHARACTERS
        self._starts = [0, *(found.end() for found in re.finditer("\n", self._text))]

    def tokens(self, faults: list[Fault]) -> list[Token]:
        """The component values of the whole text; none where they cannot be used."""
        # The brace stays alone at the end only if every bracket, string and comment before it was closed.
        found: list[Token] = tinycss2.parse_component_value_list(f"{self._text}\n}}", skip_comments=True)
        if is_too_deep(found):
            faults.append(Fault(message="brackets are nested too deep", spot=Spot(line=1, snippet=self._cut(0))))
            return []
        if found and found[-1].type == "error" and found[-1].kind == "}":
            found.pop()
        elif self._is_whole:
            line = found[-1].source_line if found else 1
            spot = Spot(line=line, snippet=self._cut(self._starts[line - 1]))
            faults.append(Fault(message="a bracket, a string or a comment is not closed", spot=spot))
        return found

    def read_rules(self, nodes: Iterable[Token], sheet: Stylesheet, around: tuple[tuple[str, str], ...]) -> None:
        """Read style rules and at-rules into the sheet, with the at-rules around them."""
        for node in nodes:
            if node.type == "error":
                sheet.faults.append(self._fault(node, "no rule: a selector and a block in braces are expected"))
            elif node.type == "qualified-rule":
                self._read_style_rule(node, sheet, around, outer="")
            elif node.type == "at-rule":
                self._read_at_rule(node, sheet, around)

    def _read_style_rule(self, node: Token, sheet: Stylesheet, around: tuple[tuple[str, str], ...], outer: str) -> None:
        selector = _written(node.prelude)
        if not selector:
            sheet.faults.append(self._fault(node, "a rule has no selector"))
        has_blocks = any(token.type == "{} block" for token in node.content)
        parts = tinycss2.parse_blocks_contents(node.content) if has_blocks else ()
        declared = [part for part in parts if part.type in ("declaration", "error")] if has_blocks else node.content
        read = self._take if has_blocks else self.read_declarations
        sheet.rules.append(
            StyleRule(
                selector=selector,
                conditions=around,
                declarations=tuple(read(declared, sheet.faults)),
                is_nested=bool(outer),
                spot=self._spot(node),
            )
        )
        for part in parts:
            if part.type == "qualified-rule":
                self._read_style_rule(part, sheet, around, outer=selector or "&")
            elif part.type == "at-rule":
                self._read_at_rule(part, sheet, (*around, (IN_STYLE_RULE, selector)))

    def _read_at_rule(self, node: Token, sheet: Stylesheet, around: tuple[tuple[str, str], ...]) -> None:
        name, condition = node.lower_at_keyword, _written(node.prelude)
        content = node.content or []
        holds_rules = name in GROUPS or name in _WITHOUT_RULES
        declarations = () if holds_rules else tuple(self.read_declarations(content, sheet.faults))
        outer = tuple(outer for outer, _ in around)
        sheet.at_rules.append(
            AtRule(name=name, condition=condition, outer=outer, declarations=declarations, spot=self._spot(node))
        )
        if name in GROUPS and IN_STYLE_RULE not in outer:
            rules = tinycss2.parse_rule_list(content, skip_comments=True, skip_whitespace=True)
            self.read_rules(rules, sheet, (*around, (name, condition)))

    def read_declarations(self, tokens: Iterable[Token], faults: list[Fault]) -> Iterator[Declaration]:
        """The declarations of one block; what is none is added to the faults."""
        parts = tinycss2.parse_declaration_list(tokens, skip_comments=True, skip_whitespace=True)
        yield from self._take(parts, faults)

    def _take(self, parts: Iterable[Token], faults: list[Fault]) -> Iterator[Declaration]:
        for part in parts:
            if part.type == "error":
                faults.append(self._fault(part, "no declaration: `name: value` is expected"))
            elif part.type != "declaration":
                faults.append(self._fault(part, "only declarations may stand here"))
            else:
                faults.extend(self._faults_in_value(part))
                yield Declaration(
                    name=part.lower_name,
                    value=_written(part.value),
                    tokens=tuple(token for token in part.value if token.type not in _SILENT),
                    is_important=part.important,
                    spot=self._spot(part),
                )

    def _faults_in_value(self, part: Token) -> Iterator[Fault]:
        checks: tuple[tuple[str, Callable[[Token], bool]], ...] = (
            (f"{part.lower_name} holds what is no CSS", lambda token: token.type == "error"),
            (f"{part.lower_name} has a colon in its value: a semicolon is missing before it", _is_colon),
            (f"{part.lower_name} has a brace in its value", lambda token: token.type == "{} block"),
        )
        if part.lower_name.startswith("--") or "filter" in part.lower_name:
            return
        if not _written(part.value):
            yield self._fault(part, f"{part.lower_name} has no value")
        for message, is_wrong in checks:
            if any(is_wrong(token) for token in part.value):
                yield self._fault(part, message)

    def _fault(self, token: Token, message: str) -> Fault:
        return Fault(message=message, spot=self._spot(token))

    def _spot(self, token: Token) -> Spot:
        line = min(token.source_line, len(self._starts))
        return Spot(line=line, snippet=self._cut(self._starts[line - 1] + token.source_column - 1))

    def _cut(self, start: int) -> str:
        rest = self._text[start : start + 2 * _SNIPPET]
        found = re.match(r"[^;{}]*", rest)
        return " ".join((found[0] if found and found[0].strip() else rest).split())[:_SNIPPET]


def _is_colon(token: Token) -> bool:
    return bool(token.type == "literal" and token.value == ":")


def _written(tokens: Iterable[Token]) -> str:
    """The tokens as one line of CSS."""
    return " ".join(str(tinycss2.serialize(list(tokens))).split())
