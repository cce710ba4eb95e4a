"""The HTML of a page's selections, quickly: what hangs on the lead and the number of articles is put together once.

Selections with the same lead, as many articles and the same figures differ in the other articles and in a few words.
All else is one text between them, made and encoded once, where the tree of the page would give dozens.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from digest.errors import RenderError
from digest.render.cut import Hole, HtmlWriter, Leaf, Piece, Place, Segment, Shape, put_in
from digest.render.words import PREHEADER

MOST_SCAFFOLDS = 256
"""So many are kept, of some 10 KB each; the rest is read from the tree."""
_OPEN = frozenset({PREHEADER, "figure_views", "figure_sections"})
"""Words that hang on more than the lead and the number of articles."""


@dataclass(frozen=True)
class Others:
    """Where the articles behind the lead go, all of them in order."""

    leaves: Mapping[int, Leaf]
    """By their index in the page."""


Scaffold = tuple[Segment | Hole | Others, ...]


class HtmlScaffolds:
    """Writes selections of a page, and keeps what they share."""

    def __init__(self, page: Piece) -> None:
        self._page = page
        self._scaffolds: dict[tuple[int, int, str], Scaffold | None] = {}

    def write(self, shape: Shape) -> tuple[Segment, ...]:
        """The HTML of a selection."""
        key = (shape.places[0][1], len(shape.places), shape.figures())
        if key not in self._scaffolds and len(self._scaffolds) < MOST_SCAFFOLDS:
            self._scaffolds[key] = _record(self._page, shape)
        scaffold = self._scaffolds.get(key)
        return HtmlWriter().write(self._page, shape) if scaffold is None else tuple(_fill(scaffold, shape))


def _fill(scaffold: Scaffold, shape: Shape) -> list[Segment]:
    segments: list[Segment] = []
    for part in scaffold:
        if isinstance(part, Others):
            for position, index in shape.places[1:]:
                leaf = part.leaves[index]
                segments += leaf.runs.get(position) or leaf.fill(position)  # type: ignore[arg-type]
        else:
            segments.append(put_in(part, shape) if isinstance(part, Hole) else part)
    return segments


class _IrregularError(RenderError):
    """A page that is not the same around its articles whatever they are: one that groups them by section."""


def _record(page: Piece, shape: Shape) -> Scaffold | None:
    """What a selection shares; None where the page is irregular."""
    recorder = _Recorder(shape)
    try:
        recorder.write(page, shape._replace(sections=_refuse))
    except _IrregularError:
        return None
    return tuple(_joined(recorder.parts))


def _refuse() -> Mapping[int, Sequence[Place]]:
    raise _IrregularError("its sections hang on all articles")


def _joined(parts: Sequence[Segment | Hole | Others]) -> Iterator[Segment | Hole | Others]:
    """Texts that follow one another are one."""
    for is_text, run in groupby(parts, lambda part: isinstance(part, str)):
        if is_text:
            yield "".join(part for part in run if isinstance(part, str))
        else:
            yield from run


class _Recorder(HtmlWriter):
    """Notes the place of what differs, and puts in all else."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self._others = shape.places[1:]
        self.parts: list[Segment | Hole | Others] = []

    def add(self, leaf: Leaf, position: int, shape: Shape) -> None:
        """Note a leaf: one around the articles, or of the lead."""
        if position != 1:
            raise _IrregularError("an article behind the lead has words of the selection in it")
        for part in leaf.fill(position):
            is_fixed = isinstance(part, Hole) and part.name not in _OPEN
            self.parts.append(put_in(part, shape) if isinstance(part, Hole) and is_fixed else part)

    def add_all(self, leaves: Mapping[int, Leaf], places: Sequence[Place]) -> None:
        """Note the lead, or the place of all others."""
        if places and places[0][0] == 1:
            self.parts += leaves[places[0][1]].fill(1)
        elif places == self._others:
            self.parts.append(Others(leaves))
        elif places:
            raise _IrregularError("some articles stand apart from the others")
