"""Places in a rendering that are filled for each subscriber, after the one rendering per issue is done.

A slot travels through template and inliner as an address no one owns, `https://<nonce>.invalid/<slot>/`
(RFC 2606 section 2): inliners leave a complete https address alone, while they mangle braces. The nonce is new for
each issue, so that no article can hold a marker.
"""

import html
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, fields

from digest.errors import RenderError

_NONCE = re.compile(r"[0-9a-f]{16,63}")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


@dataclass(frozen=True, kw_only=True)
class SlotValues:
    """What one subscriber's copy holds in its slots."""

    unsubscribe_url: str
    """The https link that ends the subscription."""
    preferences_url: str
    """The https link to the person's settings."""
    address: str
    """The address the copy goes to."""


SLOTS = tuple(field.name for field in fields(SlotValues))


def slot_marker(slot: str, nonce: str) -> str:
    """What stands in the rendering where `slot` will be.

    Raises:
        RenderError: the nonce is not 16 to 63 lower-case hexadecimal digits (a DNS label holds no more).
    """
    if not _NONCE.fullmatch(nonce):
        raise RenderError(f"the nonce {nonce!r} cannot mark slots; give 16 to 63 hexadecimal digits")
    return f"https://{nonce}.invalid/{slot}/"


def count_slots(text: str, nonce: str) -> Counter[str]:
    """How often each slot stands in `text`.

    Raises:
        RenderError: a marker is damaged, or marks a slot that does not exist.
    """
    found = Counter[str](re.findall(slot_marker("([^/]*)", nonce), text))
    if found.total() != text.count(nonce):
        raise RenderError("a slot marker was damaged; templates must leave the values in `links` as they are")
    if unknown := found.keys() - set(SLOTS):
        raise RenderError(f"there is no slot {min(unknown)!r}; known: {', '.join(SLOTS)}")
    return found


def escape_html(value: str) -> str:
    """The value as it may stand in text or in a quoted attribute."""
    return html.escape(as_line(value))


def as_line(value: str) -> str:
    """The value itself.

    Raises:
        RenderError: it holds a control character, with which it could begin a line or a header of its own.
    """
    if _CONTROL.search(value):
        raise RenderError(f"{value!r} holds a control character and cannot stand in a message")
    return value


@dataclass(frozen=True, kw_only=True)
class SlottedText:
    """A rendering cut at its slots: `pieces[0] slots[0] pieces[1] slots[1] … pieces[-1]`."""

    pieces: tuple[str, ...]
    """What is the same for everyone; one more than slots."""
    slots: tuple[str, ...]
    """Slot names in the order they stand."""
    escape: Callable[[str], str]
    """Makes a value fit for this kind of text."""

    @classmethod
    def split(cls, text: str, nonce: str, escape: Callable[[str], str]) -> "SlottedText":
        """Cut `text` once, to be filled for many.

        Raises:
            RenderError: a marker is damaged or unknown.
        """
        count_slots(text, nonce)
        parts = re.split(slot_marker("([^/]*)", nonce), text)
        return cls(pieces=tuple(parts[::2]), slots=tuple(parts[1::2]), escape=escape)

    def values(self, values: SlotValues) -> tuple[str, ...]:
        """One subscriber's values, escaped, in the order of `slots`.

        Raises:
            RenderError: a value holds a control character.
        """
        return tuple(self.escape(getattr(values, slot)) for slot in self.slots)

    def fill(self, values: SlotValues) -> str:
        """The whole text for one subscriber.

        Raises:
            RenderError: a value holds a control character.
        """
        parts = [""] * (len(self.pieces) + len(self.slots))
        parts[::2] = self.pieces
        parts[1::2] = self.values(values)
        return "".join(parts)
