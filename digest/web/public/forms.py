"""What a posted form says, read with limits; and the stamp by which a form knows when it was shown."""

import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from http import HTTPStatus

from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.formparsers import MultiPartException
from starlette.requests import Request

MOST_FIELDS = 200
"""A newsletter with a hundred sections still fits."""
LONGEST_VALUE = 1_000
FASTEST_SECONDS = 2
"""Nobody fills in a form in less; programs do."""
OLDEST_SECONDS = 86_400
HONEYPOT = "website"
"""A field that no person sees, so that whoever fills it in is none."""


@dataclass(frozen=True)
class Form:
    """The texts of a form, each cut to `LONGEST_VALUE` characters."""

    values: Mapping[str, Sequence[str]]

    def text(self, name: str) -> str:
        """The first value of a field, or ""."""
        found = self.values.get(name)
        return found[0].strip() if found else ""

    def all(self, name: str) -> tuple[str, ...]:
        """Every value of a field."""
        return tuple(self.values.get(name, ()))

    def number(self, name: str) -> int:
        """A field as a number from 0 to 999; 0 where it is none."""
        text = self.text(name)
        return int(text) if text.isascii() and text.isdecimal() and len(text) <= 3 else 0  # noqa: PLR2004 - 0 to 999


async def read_form(request: Request) -> Form:
    """The form of a request, urlencoded or multipart; files and what cannot be read count as nothing."""
    try:
        async with request.form(max_files=0, max_fields=MOST_FIELDS) as data:
            return Form(_texts(data))
    except (MultiPartException, UnicodeDecodeError, ValueError):
        return Form({})
    except HTTPException as error:
        if error.status_code == HTTPStatus.BAD_REQUEST:  # how Starlette hands a MultiPartException on
            return Form({})
        raise


def _texts(data: FormData) -> Mapping[str, Sequence[str]]:
    values: dict[str, list[str]] = {}
    for name, value in data.multi_items():
        if isinstance(value, str):
            values.setdefault(name, []).append(_printable(value[:LONGEST_VALUE]))
    return values


def _printable(text: str) -> str:
    """With a mark in place of what cannot be kept as text: NUL and lone surrogates."""
    return text.replace("\0", "\ufffd").encode("utf-8", "replace").decode()


class Stamps:
    """Marks when a form was shown, so that it cannot be sent at once, or a hundred times for a year."""

    def __init__(self, key: bytes) -> None:
        self._key = hmac.new(key, b"form", sha256).digest()

    def make(self, seconds: int) -> str:
        """A stamp of this moment, in unix seconds."""
        return f"{seconds:x}.{self._sign(seconds)}"

    def age(self, stamp: str, seconds: int) -> int | None:
        """How many seconds ago a stamp was made, or None for one that is forged or too old."""
        moment, _, signature = stamp[:100].partition(".")
        try:
            made = int(moment, 16)
        except ValueError:
            return None
        if not hmac.compare_digest(self._sign(made).encode(), signature.encode()):
            return None
        age = seconds - made
        return age if 0 <= age <= OLDEST_SECONDS else None

    def _sign(self, seconds: int) -> str:
        return hmac.new(self._key, f"{seconds:x}".encode(), sha256).hexdigest()[:24]
