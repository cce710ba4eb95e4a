"""JSON (an array of objects) and NDJSON (an object a line) → rows. Numbers keep their literal text."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from digest.errors import RowError, SourceError
from digest.source.rows import RefusedRow, Row

_DECODER = json.JSONDecoder(parse_int=str, parse_float=str, parse_constant=str)
_SPACE = re.compile(r"[ \t\r\n]*")
_SEPARATOR = re.compile(r"[ \t\r\n]*(?P<mark>[,\]]?)[ \t\r\n]*")


def read_json_array(text: str, mapping: Mapping[str, str]) -> Iterator[Row | RefusedRow]:
    """The objects of an array. The whole text is parsed before the first row is handed out.

    Raises:
        SourceError: the text is not one well-formed JSON array.
    """
    return iter([_make_row(line, value, mapping) for line, value in _parse_array(text)])


def read_json_lines(lines: Iterable[str], mapping: Mapping[str, str]) -> Iterator[Row | RefusedRow]:
    """An object a line; blank lines are passed over, a broken line is refused."""
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            value = _DECODER.decode(line)
        except (ValueError, RecursionError) as error:
            reason = f"is not JSON: {_in_words(error)}"
            yield RefusedRow(error=RowError(line=number, column="", reason=reason), values={"": line.strip()})
        else:
            yield _make_row(number, value, mapping)


def _parse_array(text: str) -> Iterator[tuple[int, Any]]:
    """Each element with the line on which it begins."""
    position = _begin_array(text)
    line = 1 + text.count("\n", 0, position)
    is_first = True
    while not (is_first and text.startswith("]", position)):
        is_first = False
        value, end = _parse_value(text, position, line)
        yield line, value
        separator = _SEPARATOR.match(text, end)
        assert separator is not None  # noqa: S101 - it also matches nothing
        line += text.count("\n", position, separator.end())
        position = separator.end()
        if separator["mark"] == "]":
            break
        if not separator["mark"]:
            raise SourceError(f"line {line}: it is not well-formed JSON: expected a comma or ] after an object")
    else:
        position += 1
    if text[position:].strip():
        raise SourceError(f"line {line}: text follows the end of its JSON array")


def _begin_array(text: str) -> int:
    """The position of the first element, or of the closing bracket."""
    opening = _end_of_space(text, 0)
    if not text.startswith("[", opening):
        raise SourceError("it is not a JSON array of objects; for an object a line, name it .ndjson")
    return _end_of_space(text, opening + 1)


def _end_of_space(text: str, position: int) -> int:
    match = _SPACE.match(text, position)
    return match.end() if match else position


def _parse_value(text: str, position: int, line: int) -> tuple[Any, int]:
    try:
        return _DECODER.raw_decode(text, position)
    except json.JSONDecodeError as error:
        raise SourceError(f"line {error.lineno}: it is not well-formed JSON: {_in_words(error)}") from error
    except RecursionError as error:
        raise SourceError(f"line {line}: its JSON is nested too deeply") from error


def _make_row(line: int, value: Any, mapping: Mapping[str, str]) -> Row | RefusedRow:
    if not isinstance(value, dict):
        reason = f"is {_kind(value)} where an object is expected"
        return RefusedRow(error=RowError(line=line, column="", reason=reason), values={"": _as_text(value)})
    nested = frozenset(name for name, cell in value.items() if isinstance(cell, list | dict))
    values = {name: _as_text(cell) for name, cell in value.items()}
    return Row(line=line, values=values, mapping=mapping, nested=nested)


def _as_text(value: Any) -> str:
    if isinstance(value, str):
        return value
    return "" if value is None else json.dumps(value, ensure_ascii=False)


def _kind(value: Any) -> str:
    return "a list" if isinstance(value, list) else "a bare value"


def _in_words(error: Exception) -> str:
    if isinstance(error, json.JSONDecodeError):
        return f"{error.msg[:1].lower()}{error.msg[1:]} at character {error.colno}"
    return "it is nested too deeply"
