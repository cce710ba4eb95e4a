"""Values of a page that each selection of its articles has for itself: its subject, how many they are, their places.

While the page is rendered a marker stands for each, an address like those of slots.
"""

from typing import Any, NoReturn

from digest.errors import RenderError
from digest.render.slots import slot_marker

POSITION = "position"
"""An article's place in the selection."""
SUBJECT, PREHEADER, COUNT, SIZE = "subject", "preheader", "count", "size"
WORDS = (
    SUBJECT,
    PREHEADER,
    COUNT,
    SIZE,
    *(f"figure_{name}" for name in ("articles", "articles_label", "views", "sections")),
)
"""What a whole selection says of itself."""


class UncuttableError(RenderError):
    """A template asks of a page what only a selection can answer."""


class Word:
    """Prints as its marker; whoever wants to know more of it asks too early."""

    def __init__(self, name: str, nonce: str) -> None:
        self._marker = slot_marker(name, nonce)

    def __str__(self) -> str:
        return self._marker

    def __bool__(self) -> bool:
        """No selection lacks any of them."""
        return True

    def __eq__(self, other: object) -> bool:
        self._refuse()

    __hash__ = None  # type: ignore[assignment]

    def _refuse(self) -> NoReturn:
        raise UncuttableError(f"{self._marker} is not known before a selection is made")


class Place(Word):
    """The position of an article that is not the lead: from 2 on."""

    def __init__(self, nonce: str) -> None:
        super().__init__(POSITION, nonce)

    def __eq__(self, other: object) -> bool:
        return self._is_beyond(other, 2) and False

    __hash__ = None

    def __lt__(self, other: object) -> bool:
        return self._is_beyond(other, 3) and False

    def __le__(self, other: object) -> bool:
        return self._is_beyond(other, 2) and False

    def __gt__(self, other: object) -> bool:
        return self._is_beyond(other, 2)

    def __ge__(self, other: object) -> bool:
        return self._is_beyond(other, 3)

    def _is_beyond(self, other: object, limit: int) -> bool:
        """True where every place lies beyond that number; else nobody knows yet."""
        if not (isinstance(other, int) and other < limit):
            self._refuse()
        return True


class Unknown:
    """Stands for what a page cannot have, such as the lead; any use of it is refused."""

    def __getattr__(self, name: str) -> NoReturn:
        raise UncuttableError(f"a page has no {name} of its own before a selection is made")

    def _refuse(self, *_: object) -> NoReturn:
        raise UncuttableError("a page has no articles of its own before a selection is made")

    __str__ = __bool__ = __iter__ = __len__ = __getitem__ = __eq__ = __contains__ = _refuse
    __hash__ = None  # type: ignore[assignment]


def word(name: str, nonce: str) -> Any:
    """A word as a template gets it, wherever a text or a number would stand."""
    return Word(name, nonce)
