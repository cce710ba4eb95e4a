"""What is left where a value was never filled in: `{{ title }}`, `%%NAME%%`, `None`, an address that no one owns."""

import re
from collections.abc import Iterator

_TOKEN = re.compile(
    r"\{\{|\{%|%7B%7B|%%\w[\w.-]{0,40}%%|https?://[^\s/\"'<>?#]{1,253}\.invalid(?![\w.-])[^\s\"'<>]{0,60}",
    re.IGNORECASE,
)
_NOTHING = r"(?:None|nan|NaN|null|undefined)"
_LABEL = (
    r"(?i:[^:]{1,20}[:：]\s*|(?:조회수?|입력|수정|작성자|안녕하세요,?|views?|by|dear|hi|hello|updated|published)\s+)"
)
_UNIT = r"(?:\s?(?:views?|articles?|회|건|명|원|님|씨|기자|%))"
_ALONE = re.compile(rf"\s*{_LABEL}?{_NOTHING}{_UNIT}?[.,!]?\s*")
_SEPARATOR = re.compile(r"[\s\xa0][·|][\s\xa0]")
_IN_URL = re.compile(r"[/=#](?:None|nan|undefined)(?=[/&?#]|$)|[/=](?:None|undefined)\.")


def find_tokens(text: str) -> Iterator[re.Match[str]]:
    """Every placeholder that was not filled."""
    return _TOKEN.finditer(text)


def is_missing_value(text: str) -> bool:
    """Whether a text, or one of the facts in it, is only what a program prints for "there is none".

    >>> is_missing_value("사회 · None 기자"), is_missing_value("None of us"), is_missing_value("nan")
    (True, False, True)
    """
    return any(_ALONE.fullmatch(fact) for fact in _SEPARATOR.split(text))


def is_missing_in_url(url: str) -> bool:
    """Whether an address, or a whole piece of one, is what a program prints for "there is none".

    >>> is_missing_in_url("https://news.example/None"), is_missing_in_url("https://news.example/none-of-us")
    (True, False)
    """
    return bool(re.fullmatch(_NOTHING, url) or _IN_URL.search(url))
