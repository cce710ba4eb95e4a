"""What a rule is, and what it found."""

from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """How much a breach matters."""

    ERROR = "error"
    """Stops a scheduled send."""
    WARNING = "warning"
    """Some reader will see something worse than it could be."""


class Part(StrEnum):
    """Where a finding lies."""

    MESSAGE = "message"
    """The headers or the structure of the mail."""
    HTML = "html"
    TEXT = "text"


@dataclass(frozen=True, kw_only=True)
class Rule:
    """One rule of the email-safe contract."""

    id: str
    """Such as SIZE-CLIP."""
    title: str
    """What must be true, in one line."""
    why: str
    """What happens to readers otherwise, with the client or the standard that asks for it."""
    fix: str
    """What to write instead."""

    @property
    def page(self) -> str:
        """Where the documentation describes it, from the project's top folder."""
        return f"docs/checks.md#{self.id.lower()}"


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One breach of one rule."""

    rule: str
    """The rule's id."""
    severity: Severity
    message: str
    """What was found and what is allowed, in one line."""
    part: Part = Part.MESSAGE
    line: int | None = None
    """1-based line in that part, decoded; for the message as a whole in its raw lines. None where it has no place."""
    element: int | None = None
    """Position of the element in `HtmlDocument.elements`, where it concerns one."""
    snippet: str = ""
    """The words of the source it is about, as they stand there, shortened; "" where there are none."""


def error(rule: str, message: str, *, part: Part = Part.MESSAGE, line: int | None = None, snippet: str = "") -> Finding:
    """A breach that stops a scheduled send."""
    return Finding(rule=rule, severity=Severity.ERROR, message=message, part=part, line=line, snippet=snippet)


def warning(
    rule: str, message: str, *, part: Part = Part.MESSAGE, line: int | None = None, snippet: str = ""
) -> Finding:
    """A breach that is worth mending."""
    return Finding(rule=rule, severity=Severity.WARNING, message=message, part=part, line=line, snippet=snippet)
