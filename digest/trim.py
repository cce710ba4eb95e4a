"""Keeping a mail under the size at which Gmail clips it: excerpts shorten first, then the last articles drop.

Pure: what renders and what measures are handed in.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from digest.model import Choice, Reason, ReasonCode, Selection
from digest.render.request import Rendering

BUDGET = 100_000
"""Encoded bytes the HTML part may have for the reader with the longest values: 2,400 below Gmail's clip."""
EXCERPT_SHARES = (1.0, 0.75, 0.5, 0.25, 0.0)
"""How much of their length excerpts keep, tried in this order."""

Render = Callable[[tuple[Choice, ...], float], Rendering]
"""The rendering of articles with a share of their excerpts."""
Measure = Callable[[Rendering], int]
"""Its HTML part in encoded bytes, in the worst case."""


@dataclass(frozen=True, kw_only=True)
class Fitted:
    """A selection that fits, as rendered."""

    selection: Selection
    """What is shown; what had to go is passed over with its reason."""
    rendering: Rendering
    excerpt_share: float
    """How much of their length excerpts kept; 1 where nothing had to be done."""

    @property
    def dropped(self) -> int:
        """How many articles had to go."""
        return sum(_was_dropped(choice) for choice in self.selection.passed_over)


def fit(selection: Selection, render: Render, measure: Measure, *, shares: Sequence[float] = EXCERPT_SHARES) -> Fitted:
    """Render a selection so that it stays within the budget, if that can be done with one article at least.

    Args:
        selection: what there is to show.
        render: renders a part of it.
        measure: measures that.
        shares: of their excerpts, tried in this order.
    """
    share = shares[0]
    rendering = render(selection.shown, share)
    for share in shares:
        rendering = rendering if share == shares[0] else render(selection.shown, share)
        if measure(rendering) <= BUDGET:
            return Fitted(selection=selection, rendering=rendering, excerpt_share=share)
    kept, rendering = _most_that_fit(selection.shown, rendering, lambda shown: render(shown, share), measure)
    return Fitted(selection=_drop_after(selection, kept), rendering=rendering, excerpt_share=share)


def _most_that_fit(
    shown: tuple[Choice, ...], rendering: Rendering, render: Callable[[tuple[Choice, ...]], Rendering], measure: Measure
) -> tuple[int, Rendering]:
    """By halving: the longest beginning that fits; one article where none does."""
    low, high = 1, len(shown)
    best = render(shown[:1]) if high > 1 else rendering
    while high - low > 1:
        middle = (low + high) // 2
        attempt = render(shown[:middle])
        if measure(attempt) <= BUDGET:
            low, best = middle, attempt
        else:
            high = middle
    return low, best


def _drop_after(selection: Selection, kept: int) -> Selection:
    reason = Reason(code=ReasonCode.TOO_LONG, facts=(("limit", kept),))
    dropped = tuple(
        replace(choice, position=None, reasons=(*choice.reasons, reason)) for choice in selection.shown[kept:]
    )
    return replace(selection, shown=selection.shown[:kept], passed_over=(*dropped, *selection.passed_over))


def _was_dropped(choice: Choice) -> bool:
    return any(reason.code is ReasonCode.TOO_LONG for reason in choice.reasons)
