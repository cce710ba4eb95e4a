"""Places in a rendering that are filled for each subscriber, after the one rendering per issue is done.

A slot travels through template and inliner as an address no one owns, `https://<nonce>.invalid/<slot>/`
(RFC 2606 section 2): inliners leave a complete https address alone, while they mangle braces. The nonce is new for
each issue, so that no article can hold a marker.

Two more such addresses stand around what only readers with a name get: a frame, of which nothing is there for others.
"""

import html
import re
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, fields
from itertools import chain
from typing import NamedTuple

from digest.errors import RenderError
from digest.render.flowed import stuff

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
    name: str = ""
    """What the person is called, or ""."""


SLOTS = tuple(field.name for field in fields(SlotValues))
FRAME = ("if_name", "endif_name")
"""Where what only readers with a name get begins and ends."""


class Slot(NamedTuple):
    """Where each subscriber's own value goes."""

    name: str
    """One of `SLOTS`."""
    frame: tuple[str, ...] = ()
    """What only those with a value get, cut where the value goes; () for a value that stands by itself."""

    def mark(self, nonce: str) -> str:
        """What stands for it in a rendering."""
        marker = slot_marker(self.name, nonce)
        begin, end = frame_markers(nonce)
        return f"{begin}{marker.join(self.frame)}{end}" if self.frame else marker

    def fill(self, value: str, escape: Callable[[str], str]) -> str:
        """What stands there in the copy of a subscriber with this value."""
        if not self.frame:
            return escape(value)
        return escape(value).join(self.frame) if value else ""


def slot_marker(slot: str, nonce: str) -> str:
    """What stands in the rendering where `slot` will be.

    Raises:
        RenderError: the nonce is not 16 to 63 lower-case hexadecimal digits (a DNS label holds no more).
    """
    if not _NONCE.fullmatch(nonce):
        raise RenderError(f"the nonce {nonce!r} cannot mark slots; give 16 to 63 hexadecimal digits")
    return f"https://{nonce}.invalid/{slot}/"


def frame_markers(nonce: str) -> tuple[str, str]:
    """What stands before and behind a frame in the rendering."""
    begin, end = (slot_marker(name, nonce) for name in FRAME)
    return begin, end


def count_slots(text: str, nonce: str) -> Counter[str]:
    """How often each slot stands in `text`, and how often each end of a frame.

    Raises:
        RenderError: a marker is damaged, or marks a slot that does not exist; or a frame holds what it cannot.
    """
    found = Counter[str](re.findall(slot_marker("([^/]*)", nonce), text))
    if found.total() != text.count(nonce):
        raise RenderError("a slot marker was damaged; templates must leave the values in `links` as they are")
    if unknown := found.keys() - {*SLOTS, *FRAME}:
        raise RenderError(f"there is no slot {min(unknown)!r}; known: {', '.join(SLOTS)}")
    cut_slots(text, nonce)
    return found


def cut_slots(text: str, nonce: str) -> tuple[str | Slot, ...]:
    """The text cut at its slots: at even places what is the same for everyone, at odd ones the slots.

    Raises:
        RenderError: a frame has no end, or holds other slots than the name.
    """
    begin, end = frame_markers(nonce)
    parts = re.split(f"{begin}(.*?){end}", text, flags=re.DOTALL)
    if any(each in part for part in parts for each in (begin, end)):
        raise RenderError("{% if_name %} cannot stand around the tags of articles; put it beside them, or into them")
    return tuple(
        chain.from_iterable(
            (_read_frame(part, nonce),) if at % 2 else _cut_plain(part, nonce) for at, part in enumerate(parts)
        )
    )


def _cut_plain(text: str, nonce: str) -> tuple[str | Slot, ...]:
    parts = re.split(slot_marker("([^/]*)", nonce), text)
    return tuple(Slot(part) if at % 2 else part for at, part in enumerate(parts))


def _read_frame(text: str, nonce: str) -> Slot:
    parts = re.split(slot_marker("([^/]*)", nonce), text)
    if others := {*parts[1::2]} - {"name"}:
        raise RenderError(
            f"{{% if_name %}} holds the value {min(others)!r}; of those that are put in later, only subscriber.name "
            "and subscriber.greeting can stand in it"
        )
    return Slot("name", tuple(parts[::2]))


def escape_html(value: str) -> str:
    """The value as it may stand in text or in a quoted attribute.

    Raises:
        RenderError: as `as_line`.
    """
    return html.escape(_refuse_control(value))


def as_line(value: str) -> str:
    """The value as it may stand in plain text: at the beginning of a line it is no quote (RFC 3676 section 4.4).

    Raises:
        RenderError: it holds a control character, with which it could begin a line or a header of its own.
    """
    return stuff(_refuse_control(value))


def _refuse_control(value: str) -> str:
    if _CONTROL.search(value):
        raise RenderError(f"{value!r} holds a control character and cannot stand in a message")
    return value


@dataclass(frozen=True, kw_only=True)
class SlottedText:
    """A rendering cut at its slots: `pieces[0] slots[0] pieces[1] slots[1] … pieces[-1]`."""

    pieces: tuple[str, ...]
    """What is the same for everyone; one more than slots."""
    slots: tuple[Slot, ...]
    """In the order they stand."""
    escape: Callable[[str], str]
    """Makes a value fit for this kind of text."""

    @classmethod
    def split(cls, text: str, nonce: str, escape: Callable[[str], str]) -> "SlottedText":
        """Cut `text` once, to be filled for many.

        Raises:
            RenderError: a marker is damaged or unknown.
        """
        count_slots(text, nonce)
        return cls.join(cut_slots(text, nonce), escape)

    @classmethod
    def join(cls, segments: Iterable[str | Slot], escape: Callable[[str], str]) -> "SlottedText":
        """The same of text that is cut already, here and there between slots too."""
        pieces: list[list[str]] = [[]]
        slots: list[Slot] = []
        for segment in segments:
            if isinstance(segment, Slot):
                slots.append(segment)
                pieces.append([])
            else:
                pieces[-1].append(segment)
        return cls(pieces=tuple(map("".join, pieces)), slots=tuple(slots), escape=escape)

    def values(self, values: SlotValues) -> tuple[str, ...]:
        """What stands in one subscriber's slots, in their order.

        Raises:
            RenderError: a value holds a control character.
        """
        return tuple(slot.fill(getattr(values, slot.name), self.escape) for slot in self.slots)

    def fill(self, values: SlotValues) -> str:
        """The whole text for one subscriber.

        Raises:
            RenderError: a value holds a control character.
        """
        parts = [""] * (len(self.pieces) + len(self.slots))
        parts[::2] = self.pieces
        parts[1::2] = self.values(values)
        return "".join(parts)
