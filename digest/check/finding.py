"""What a rule found."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One breach of one rule."""

    rule: str
    """The rule's id, such as SIZE-CLIP."""
    message: str
    """What was found, in words."""
