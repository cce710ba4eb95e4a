"""Views inside a window, and the order they give.

Dated counts and events are summed. Running totals are turned into deltas between snapshots, so that an all-time
counter can rank a week; what cannot be known that way is said (`CountKind`) and never guessed.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from digest.model import Article, CountKind, RankedArticle, RunningTotal, ViewCount, Window

BASE_MAX_AGE = timedelta(hours=24)
"""How much older than the window's start a snapshot may be and still stand for it."""
RESET_FACTOR = 2
"""A total below half of the one before is a counter that started again; a smaller fall is a correction."""


@dataclass(frozen=True, kw_only=True)
class KnownViews:
    """Everything counted that touches a window."""

    dated: Mapping[str, int]
    """Sums of the dated counts of the window's days, by article id."""
    events: Mapping[str, int]
    """Counts of the events inside the window, by article id."""
    totals: Mapping[str, tuple[RunningTotal, ...]]
    """Snapshots by article id, oldest first, from the newest at or before the window's start on."""


def count_views(articles: Iterable[Article], views: KnownViews, window: Window, *, is_past: bool) -> list[ViewCount]:
    """The views of each article inside the window.

    The window is counted in one way, not article by article, as figures of different ways cannot be compared: by
    dated counts where it has any, else by events, else by running totals. Articles of which nothing is known have
    no views; those that only a partial figure is known of are returned with that kind.

    Args:
        articles: the candidates.
        views: what was counted.
        window: the time the issue covers.
        is_past: the edition date lies before today, so totals read later than its window say too much.
    """
    sums = views.dated or views.events
    if sums or not views.totals:
        return [ViewCount(article_id=article.id, views=sums.get(article.id, 0)) for article in articles]
    return [
        count_from_totals(article, views.totals.get(article.id, ()), window, is_past=is_past) for article in articles
    ]


def count_from_totals(article: Article, totals: Sequence[RunningTotal], window: Window, *, is_past: bool) -> ViewCount:
    """The views of one article inside a window, from snapshots of its running total.

    With a snapshot at the window's start (at most `BASE_MAX_AGE` older, or unchanged across it) the deltas inside
    the window are summed. Without one, an article published in the window counts whole; of an older one only what
    came after its first snapshot is known.
    """
    base = _find_base(totals, window.start)
    inside = [total for total in totals if window.start < total.taken_at <= window.end]
    if base is not None:
        return _sum_deltas(article.id, [base, *inside])
    if window.start <= article.published_at < window.end:
        return _count_whole(article.id, totals, window, is_past=is_past)
    if not inside:
        return ViewCount(article_id=article.id, views=0, kind=CountKind.PARTIAL)
    counted = _sum_deltas(article.id, inside)
    return ViewCount(article_id=article.id, views=counted.views, kind=CountKind.PARTIAL, since=inside[0].taken_at)


def _find_base(totals: Sequence[RunningTotal], start: datetime) -> RunningTotal | None:
    """The snapshot that stands for the window's start, if one does."""
    before = [total for total in totals if total.taken_at <= start]
    after = [total for total in totals if total.taken_at > start]
    if not before:
        return None
    newest = before[-1]
    is_recent = start - newest.taken_at <= BASE_MAX_AGE
    # Equal totals on both sides: nothing was viewed in between, so the older one is as good as one at the start.
    is_unchanged = bool(after) and after[0].total == newest.total
    return newest if is_recent or is_unchanged else None


def _sum_deltas(article_id: str, totals: Sequence[RunningTotal]) -> ViewCount:
    views = 0
    kind = CountKind.EXACT
    for earlier, later in pairwise(totals):
        if later.total * RESET_FACTOR < earlier.total:
            kind = CountKind.RESET
            views += later.total
        else:
            views += later.total - earlier.total
    return ViewCount(article_id=article_id, views=max(0, views), kind=kind)


def _count_whole(article_id: str, totals: Sequence[RunningTotal], window: Window, *, is_past: bool) -> ViewCount:
    """A new article's total: the newest known, or for an edition of the past the first one after its window."""
    if not totals:
        return ViewCount(article_id=article_id, views=0, kind=CountKind.NEW)
    later = [total for total in totals if total.taken_at >= window.end]
    last = later[0] if is_past and later else totals[-1]
    from_zero = RunningTotal(article_id=article_id, total=0, taken_at=totals[0].taken_at)
    counted = _sum_deltas(article_id, [from_zero, *(t for t in totals if t.taken_at <= last.taken_at)])
    kind = CountKind.RESET if counted.kind is CountKind.RESET else CountKind.NEW
    return ViewCount(article_id=article_id, views=counted.views, kind=kind, as_of=last.taken_at)


def rank_articles(articles: Iterable[Article], counts: Iterable[ViewCount]) -> tuple[RankedArticle, ...]:
    """Articles by views, the most viewed first; then the newer; then by id, numeric ids by their number.

    Articles whose figure is partial are left out: a lower bound must not be compared with full counts.
    """
    by_id = {article.id: article for article in articles}
    ranked = sorted(
        ((by_id[count.article_id], count) for count in counts if count.kind.can_be_ranked), key=_ranking_key
    )
    return tuple(
        RankedArticle(rank=rank, article=article, count=count) for rank, (article, count) in enumerate(ranked, 1)
    )


def _ranking_key(pair: tuple[Article, ViewCount]) -> tuple[int, float, tuple[bool, int, str, str]]:
    article, count = pair
    is_number = article.id.isascii() and article.id.isdigit()
    # Fewer digits, smaller number; int() refuses ids of thousands of digits.
    digits = article.id.lstrip("0") if is_number else ""
    return -count.views, -article.published_at.timestamp(), (not is_number, len(digits), digits, article.id)
