"""What the fields of a template's context hold in a real issue, to be shown beside their meaning."""

from collections.abc import Mapping
from dataclasses import is_dataclass
from typing import Any

from digest.language import Language
from digest.render.context import DigestContext, context_fields
from digest.render.width import shorten

EXAMPLE_COLUMNS = 60
PER_SUBSCRIBER = "(filled for each subscriber)"


def field_examples(context: DigestContext, nonce: str) -> Mapping[str, str]:
    """An example of each field by its path, on one line; "" where the issue has none, or where its parts say it.

    Args:
        context: that of an issue.
        nonce: marks the values that differ from subscriber to subscriber.
    """
    return {field.path: _as_line(_value_at(context, field.path), nonce) for field in context_fields()}


def _value_at(value: Any, path: str) -> Any:
    """The value of a path such as "articles[].image.url"; None where it ends in nothing."""
    for name in path.split("."):
        if value is None:
            return None
        value = getattr(value, name.removesuffix("[]"))
        if name.endswith("[]"):
            value = value[0] if value else None
    return value


def _as_line(value: Any, nonce: str) -> str:
    if value is None or is_dataclass(value):
        return ""
    if isinstance(value, Language):
        return value.code
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return f"({len(value)})" if any(map(is_dataclass, value)) else shorten(" | ".join(value), EXAMPLE_COLUMNS)
    text = str(value)
    return PER_SUBSCRIBER if nonce in text else shorten(" ".join(text.split()), EXAMPLE_COLUMNS)
