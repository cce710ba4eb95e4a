"""What is wrong with the settings, as lines a person can act on: where, what was found, what is allowed."""

import difflib
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

Location = tuple[int | str, ...]
"""Keys and indexes from the file's top to the value."""
_SECRET_WORDS = ("password", "secret")
"""What is found under keys with such a word is not shown."""
_EXPECTED: Mapping[str, str] = {
    "string_type": "expected text in quotes",
    "tuple_type": 'expected a list such as ["politics", "economy"]',
    "model_type": "expected a table with keys of its own",
    "string_too_short": "expected some text",
}
"""Pydantic's own words where they name types that TOML has not."""


def describe_problems(
    problems: Iterable[Mapping[str, Any]], file: Path, allowed: Callable[[Location], list[str]]
) -> list[str]:
    """Pydantic's problems, a line each, in the order of the file's tables.

    Args:
        problems: its `ValidationError.errors()`.
        file: the settings file.
        allowed: the keys that the table at a location may have.
    """
    return [_describe(problem, file, allowed) for problem in _drop_consequences(list(problems))]


def suggestion(word: str, known: list[str]) -> str:
    """The known word nearest to one, as "; did you mean 'limit'?"; "" where nothing is near."""
    near = difflib.get_close_matches(word.lower(), [name.lower() for name in known], n=1, cutoff=0.6)
    if not near:
        return ""
    match = next(name for name in known if name.lower() == near[0])
    return f"; did you mean {match!r}?"


def _drop_consequences(problems: list[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    """An item that failed also makes pydantic count its list as too short."""
    inner = {problem["loc"][0] for problem in problems if len(problem["loc"]) > 1}
    for problem in problems:
        if problem["type"] != "too_short" or problem["loc"][0] not in inner:
            yield problem


def _describe(problem: Mapping[str, Any], file: Path, allowed: Callable[[Location], list[str]]) -> str:
    location: Location = problem["loc"]
    path = _to_path(location)
    where = f"{file}: {path}" if path else f"{file}"
    if problem["type"] == "extra_forbidden":
        keys = allowed(location[:-1])
        hint = suggestion(str(location[-1]), keys) or f"; allowed here: {', '.join(keys)}"
        return f"{where} is not a known setting{hint}"
    if problem["type"] == "missing":
        return f"{where} is missing; it is required"
    return f"{where}: {_show_found(problem)}{_expected(problem)}"


def _to_path(location: Location) -> str:
    """("newsletter", 0, "limit") as "newsletter[1].limit": people count from one."""
    path = ".".join(f"[{part + 1}]" if isinstance(part, int) else part for part in location)
    return path.replace(".[", "[")


def _show_found(problem: Mapping[str, Any]) -> str:
    found = problem["input"]
    is_secret = any(word in str(problem["loc"][-1:]) for word in _SECRET_WORDS)
    return f"found {found!r}; " if isinstance(found, str | int | float | bool) and not is_secret else ""


def _expected(problem: Mapping[str, Any]) -> str:
    if problem["loc"] == ("newsletter",) and problem["type"] == "tuple_type":
        return "expected [[newsletter]], in double brackets: there can be several"
    message = problem["msg"].removeprefix("Value error, ")
    return _EXPECTED.get(problem["type"], message[:1].lower() + message[1:])
