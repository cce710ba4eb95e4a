"""From the ranking to what an issue shows: pins, exclusions, no-repeat, section limits; each with its reasons."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from digest.model import Article, Choice, CountKind, RankedArticle, Reason, ReasonCode, Selection, ViewCount

RUNNERS_UP = 10
"""How many articles after the last one shown are kept with their reasons."""
MOST_PASSED_OVER = 100
"""How many are kept at most: a section limit that binds hard would keep the whole week."""


@dataclass(frozen=True, kw_only=True)
class Rules:
    """What a newsletter and its editor ask of an issue."""

    limit: int
    """How many articles it shows."""
    window_days: int = 0
    """Whole days of the window, for the words; 0 for since-last."""
    max_per_section: int | None = None
    """At most so many of one section; pins count but are not bound by it."""
    sections: tuple[str, ...] = ()
    """Only these section keys; empty means all."""
    pinned: tuple[Article, ...] = ()
    """Shown first, in this order, ranked or not."""
    excluded: frozenset[str] = frozenset()
    """Article ids that are not shown."""
    repeated: Mapping[str, date] = field(default_factory=dict)
    """Articles of recent issues, with the edition that had them."""


def select_articles(ranking: Sequence[RankedArticle], rules: Rules) -> Selection:
    """Choose what an issue shows.

    The first reason of every choice is its place by views; a candidate that is not shown has one more that says why.
    Everything above the last article shown is kept, and `RUNNERS_UP` after it; `MOST_PASSED_OVER` in all.
    """
    shown = list(_choose_pins(ranking, rules))
    passed_over: list[Choice] = []
    runners_up: list[Choice] = []
    pinned = {choice.article.id for choice in shown}
    sections = Counter(choice.article.section for choice in shown)
    for candidate in ranking:
        if candidate.article.id in pinned:
            continue
        refusal = _refuse(candidate, rules, sections, is_full=len(shown) >= rules.limit)
        if refusal is None:
            shown.append(_choice(candidate, rules, position=len(shown) + 1))
            passed_over += runners_up
            runners_up = []
        else:
            runners_up.append(_choice(candidate, rules, refusal))
        if len(shown) >= rules.limit and len(runners_up) == RUNNERS_UP:
            break
    return Selection(
        shown=tuple(shown),
        passed_over=(*passed_over, *runners_up[:RUNNERS_UP])[:MOST_PASSED_OVER],
        candidates=len(ranking),
        views_total=sum(candidate.count.views for candidate in ranking),
    )


def _choose_pins(ranking: Sequence[RankedArticle], rules: Rules) -> Iterable[Choice]:
    ranked = {candidate.article.id: candidate for candidate in ranking}
    for position, article in enumerate(rules.pinned[: rules.limit], 1):
        reason = Reason(code=ReasonCode.PINNED, facts=(("position", position),))
        if article.id in ranked:
            yield _choice(ranked[article.id], rules, reason, position=position)
        else:
            count = ViewCount(article_id=article.id, views=0)
            yield Choice(article=article, count=count, rank=None, position=position, reasons=(reason,))


def _refuse(candidate: RankedArticle, rules: Rules, sections: Counter[str], *, is_full: bool) -> Reason | None:
    """Why a candidate is not shown, or None; counts it towards its section where nothing else is against it."""
    article = candidate.article
    if article.id in rules.excluded:
        return Reason(code=ReasonCode.EXCLUDED)
    if rules.sections and article.section not in rules.sections:
        return Reason(code=ReasonCode.OTHER_SECTION, facts=(("section", _section_in_words(article)),))
    if article.id in rules.repeated:
        edition = rules.repeated[article.id].isoformat()
        return Reason(code=ReasonCode.REPEATED, facts=(("edition", edition),))
    sections[article.section] += 1
    place = sections[article.section]
    # Articles without a section share none, so the limit cannot bind them.
    if rules.max_per_section and article.section and place > rules.max_per_section:
        facts = (("section", _section_in_words(article)), ("place", place), ("limit", rules.max_per_section))
        return Reason(code=ReasonCode.SECTION_LIMIT, facts=facts)
    if is_full:
        return Reason(code=ReasonCode.BELOW_LIMIT, facts=(("limit", rules.limit),))
    return None


def _section_in_words(article: Article) -> str:
    return article.section_name or article.section


def _choice(candidate: RankedArticle, rules: Rules, *more: Reason, position: int | None = None) -> Choice:
    return Choice(
        article=candidate.article,
        count=candidate.count,
        rank=candidate.rank,
        position=position,
        reasons=(_rank_reason(candidate, rules), *_count_reasons(candidate.count), *more),
    )


def _rank_reason(candidate: RankedArticle, rules: Rules) -> Reason:
    facts = (("rank", candidate.rank), ("views", candidate.count.views), ("days", rules.window_days))
    return Reason(code=ReasonCode.RANK, facts=facts)


def _count_reasons(count: ViewCount) -> Iterable[Reason]:
    if count.kind is CountKind.NEW and count.as_of is not None:
        yield Reason(code=ReasonCode.TOTAL_AS_OF, facts=(("as_of", count.as_of.isoformat()),))
    if count.kind is CountKind.RESET:
        yield Reason(code=ReasonCode.COUNTER_RESET)
