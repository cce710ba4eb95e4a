"""A page cut at its marks: a tree of pieces that writes any selection of the page's articles.

Pieces become leaves: runs of text that are the same in every message, kept by article and place once they were made,
with the slots of subscribers between them. What differs from selection to selection in small, its words, is put in as
the leaves are strung together.
"""

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, zip_longest
from typing import NamedTuple

from digest.errors import RenderError
from digest.render.flowed import flow
from digest.render.frames import settle_frames
from digest.render.marks import LEAD, OTHER, HtmlMarks
from digest.render.slots import FRAME, SLOTS, Slot, cut_slots, frame_markers, slot_marker
from digest.render.width import TEXT_COLUMNS
from digest.render.words import POSITION, WORDS

_EMPTY_LINES = re.compile(r"\n{3,}")


class Passing(str):
    """Text of one selection that hardly another has: not worth keeping in an encoded form."""

    __slots__ = ()


Segment = str | Slot
"""Of a message: text, or where a subscriber's value goes."""


@dataclass(frozen=True)
class Hole:
    """Where a word of the selection goes."""

    name: str
    """One of `digest.render.words.WORDS`."""
    is_attribute: bool


class Shape(NamedTuple):
    """A selection as the pieces of a page ask for it."""

    places: Sequence["Place"]
    sections: Callable[[], Mapping[int, Sequence["Place"]]]
    """The articles of each section by its number, in the order of their first."""
    figures: Callable[[], str]
    """Names of the figures the selection has."""
    word: Callable[[str], str]
    """A word of its own, by name."""


Place = tuple[int, int]
"""An article's position in the selection, from 1 on, and its index in the page."""
Run = tuple[Segment | Hole, ...]
Piece = tuple["Leaf | Region", ...]


@dataclass(frozen=True, kw_only=True)
class Paragraphs:
    """Lines of plain text, flowed, and whether an empty line parts them from what is around."""

    begins_apart: bool
    close: Run
    """After an empty line, or at the beginning."""
    apart: Run
    """With an empty line before them."""
    ends_apart: bool


class Leaf:
    """A piece without others in it, and the forms it has taken."""

    def __init__(self, source: str, nonce: str) -> None:
        cut_slots(source, nonce)
        self._source, self._nonce = source, nonce
        parts = re.split(slot_marker("([^/]*)", nonce), source)
        self._texts, self._names = parts[::2], parts[1::2]
        self.words = tuple(dict.fromkeys(name for name in self._names if name in WORDS))
        self.runs: dict[int, Run] = {}
        """As HTML by position."""
        self.paragraphs: dict[object, Paragraphs] = {}
        """As plain text by position, and by its words where it has any."""

    def write(self, writer: "Writer", places: Sequence[Place], shape: Shape) -> None:
        """Write the piece for the first of these articles."""
        writer.add(self, places[0][0], shape)

    def fill(self, position: int) -> Run:
        """The piece as HTML, for an article at that position."""
        if position not in self.runs:
            is_anywhere_the_same = self.runs and POSITION not in self._names
            run = next(iter(self.runs.values())) if is_anywhere_the_same else tuple(self._fill(position))
            self.runs[position] = run
        return self.runs[position]

    def _fill(self, position: int) -> Iterator[Segment | Hole]:
        before = ""
        for part in cut_slots(self._source.replace(slot_marker(POSITION, self._nonce), str(position)), self._nonce):
            if isinstance(part, str):
                before = part
                yield part
            elif part.name in SLOTS:
                yield part
            else:  # serialised, a quote is escaped in attributes only
                yield Hole(part.name, is_attribute=before.rfind("<") > before.rfind(">"))

    def flow(self, position: int, values: Mapping[str, str]) -> Paragraphs:
        """The piece as plain text, for an article at that position and with these words of the selection."""
        key: object = (position, *values.values()) if values else position
        lines = self.paragraphs.get(key)
        if lines is None:
            lines = self._flow(position, values)
            if not any(isinstance(value, Passing) for value in values.values()):
                self.paragraphs[key] = lines
        return lines

    def _flow(self, position: int, values: Mapping[str, str]) -> Paragraphs:
        filled = {**values, POSITION: str(position)}
        marked = (filled.get(name) or slot_marker(name, self._nonce) for name in self._names)
        text = "".join(chain.from_iterable(zip_longest(self._texts, marked, fillvalue="")))
        body = settle_frames(_EMPTY_LINES.sub("\n\n", text.strip("\n")), self._nonce)
        begin, end = frame_markers(self._nonce)
        # The empty lines around a frame are its own: none is put before it, and the one behind it is still to come.
        begins_framed, ends_framed = body.startswith(f"{begin}\n"), body.endswith(f"\n{end}")
        flowed = flow(body, TEXT_COLUMNS, whole=self._nonce) + "\n" * (not ends_framed) if body else ""
        return Paragraphs(
            begins_apart=text.startswith("\n"),
            close=self._slotted(flowed),
            apart=self._slotted(flowed if begins_framed else f"\n{flowed}"),
            ends_apart=text.endswith("\n\n") or not body or ends_framed,
        )

    def _slotted(self, text: str) -> Run:
        return tuple(part for part in cut_slots(text, self._nonce) if part)


class Region:
    """What one tag wrote: pieces to choose from."""

    def __init__(self, tag: str, pieces: Mapping[str, Piece]) -> None:
        self._tag = tag
        self._pieces = pieces
        self._of = {form: self._articles(form) for form in (LEAD, OTHER)}
        self._plain = {form: _only_leaves(pieces) for form, pieces in self._of.items()}

    def _articles(self, form: str) -> Mapping[int, Piece]:
        named = ((name.partition(" "), piece) for name, piece in self._pieces.items())
        return {int(index): piece for (index, _, kind), piece in named if kind == form}

    def write(self, writer: "Writer", places: Sequence[Place], shape: Shape) -> None:
        """Write what the tag stands for, of the articles of its group."""
        if self._tag in _PARTS:
            self._write_articles(writer, places[_PARTS[self._tag]], shape)
        elif self._tag == "group":
            self._write_sections(writer, shape)
        elif self._tag == "if_figures":
            _write(self._pieces.get(shape.figures(), ()), writer, places, shape)
        elif len(places) > 1:
            _write(self._pieces[""], writer, places, shape)

    def _write_articles(self, writer: "Writer", places: Sequence[Place], shape: Shape) -> None:
        if places and places[0][0] == 1:
            self._write_form(LEAD, writer, places[:1], shape)
            places = places[1:]
        self._write_form(OTHER, writer, places, shape)

    def _write_form(self, form: str, writer: "Writer", places: Sequence[Place], shape: Shape) -> None:
        if leaves := self._plain[form]:
            writer.add_all(leaves, places)
            return
        for place in places:
            _write(self._of[form][place[1]], writer, (place,), shape)

    def _write_sections(self, writer: "Writer", shape: Shape) -> None:
        sections = shape.sections()
        for number, places in sections.items():
            alone = self._pieces.get(f"{number} 1") if len(sections) == 1 else None
            _write(alone or self._pieces[f"{number} 0"], writer, places, shape)


def _only_leaves(pieces: Mapping[int, Piece]) -> Mapping[int, Leaf]:
    """The pieces as leaves, where each is one without words of the selection: the usual case, and quick to write."""
    leaves = {index: piece[0] for index, piece in pieces.items() if len(piece) == 1}
    plain = {index: leaf for index, leaf in leaves.items() if isinstance(leaf, Leaf) and not leaf.words}
    return plain if len(plain) == len(pieces) else {}


_PARTS = {"first": slice(0, 1), "rest": slice(1, None), "each": slice(None)}


def _write(piece: Piece, writer: "Writer", places: Sequence[Place], shape: Shape) -> None:
    for node in piece:
        node.write(writer, places, shape)


class Writer(ABC):
    """Strings leaves together."""

    def __init__(self) -> None:
        self.segments: list[Segment] = []

    @abstractmethod
    def add(self, leaf: Leaf, position: int, shape: Shape) -> None:
        """Write one leaf."""

    @abstractmethod
    def add_all(self, leaves: Mapping[int, Leaf], places: Sequence[Place]) -> None:
        """Write the leaves of these articles, which have no words."""

    def write(self, page: Piece, shape: Shape) -> tuple[Segment, ...]:
        """A whole part of a message."""
        _write(page, self, shape.places, shape)
        return tuple(self.segments)


class HtmlWriter(Writer):
    """Puts words in as they stand in serialised HTML."""

    def add(self, leaf: Leaf, position: int, shape: Shape) -> None:
        """Write one leaf."""
        run = leaf.runs.get(position) or leaf.fill(position)
        if leaf.words:
            run = tuple([put_in(part, shape) if isinstance(part, Hole) else part for part in run])
        self.segments += run  # type: ignore[arg-type]

    def add_all(self, leaves: Mapping[int, Leaf], places: Sequence[Place]) -> None:
        """Write the leaves of these articles, which have no words."""
        segments = self.segments
        for position, index in places:
            leaf = leaves[index]
            segments += leaf.runs.get(position) or leaf.fill(position)  # type: ignore[arg-type]


def put_in(hole: Hole, shape: Shape) -> Segment:
    """A word of the selection as it stands in serialised HTML."""
    value = shape.word(hole.name)
    escaped = value.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return type(value)(escaped.replace('"', "&quot;") if hole.is_attribute else escaped)


class TextWriter(Writer):
    """Keeps one empty line at most where pieces meet."""

    def __init__(self) -> None:
        super().__init__()
        self._is_apart = False

    def add(self, leaf: Leaf, position: int, shape: Shape) -> None:
        """Write one leaf."""
        self._add(leaf.paragraphs.get(position) or self._flow(leaf, position, shape))

    def add_all(self, leaves: Mapping[int, Leaf], places: Sequence[Place]) -> None:
        """Write the leaves of these articles, which have no words."""
        add = self._add
        for position, index in places:
            leaf = leaves[index]
            add(leaf.paragraphs.get(position) or leaf.flow(position, {}))

    def _add(self, lines: Paragraphs) -> None:
        if lines.close:
            is_apart = (self._is_apart or lines.begins_apart) and self.segments
            self.segments += lines.apart if is_apart else lines.close  # type: ignore[arg-type]
            self._is_apart = lines.ends_apart
        else:
            self._is_apart = True

    def _flow(self, leaf: Leaf, position: int, shape: Shape) -> Paragraphs:
        return leaf.flow(position, {name: shape.word(name) for name in leaf.words})


def cut(source: str, marks: HtmlMarks) -> Piece:
    """The tree of a marked page.

    Raises:
        RenderError: its marks are damaged, or it holds markers of slots that do not exist.
    """
    parts = re.split(marks.pattern(), source)
    _check(source, len(parts) // 2, marks.nonce)
    try:
        return _Reader(parts, marks.nonce).piece()
    except LookupError as error:
        raise RenderError("the marks of a page are damaged") from error


def _check(source: str, marks: int, nonce: str) -> None:
    names = re.findall(slot_marker("([^/]*)", nonce), source)
    if unknown := set(names) - {*SLOTS, *FRAME, *WORDS, POSITION}:
        raise RenderError(f"there is no slot {min(unknown)!r}; known: {', '.join(SLOTS)}")
    if len(names) + marks != source.count(nonce):
        raise RenderError("a marker was damaged; templates must leave slots and the page's words as they are")


class _Reader:
    """Walks from mark to mark: texts at even places, marks at odd ones."""

    def __init__(self, parts: Sequence[str], nonce: str) -> None:
        self._parts = [*parts, ""]
        self._nonce = nonce
        self._at = 0

    def piece(self) -> Piece:
        """Everything up to the end of this piece."""
        nodes: list[Leaf | Region] = []
        while True:
            if text := self._parts[self._at]:
                nodes.append(Leaf(text, self._nonce))
            mark = self._parts[self._at + 1]
            if not mark.startswith("+"):
                return tuple(nodes)
            self._at += 2
            nodes.append(self._region(mark[1:]))

    def _region(self, tag: str) -> Region:
        pieces: dict[str, Piece] = {}
        while (mark := self._parts[self._at + 1]).startswith("="):
            self._at += 2
            pieces[mark[1:]] = self.piece()
        self._at += 2
        return Region(tag, pieces)
