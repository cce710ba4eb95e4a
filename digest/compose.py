"""One edition from the store to what it would show: its window, the ranking of its candidates, and the selection."""

from dataclasses import dataclass, field, replace
from datetime import date, datetime
from zoneinfo import ZoneInfo

from digest.illustrate import KnownImages, get_known_images, illustrate
from digest.model import Article, RankedArticle, ReasonCode, Selection, Window
from digest.rank.score import KnownViews, count_views, rank_articles
from digest.rank.select import Rules, select_articles
from digest.rank.window import counted_days, since_last, whole_days_before
from digest.schedule import occurrence_on
from digest.settings import NewsletterSettings, Settings
from digest.store.articles import get_articles, list_articles, list_decisions
from digest.store.database import Database
from digest.store.editions import EditionWords, get_words
from digest.store.groups import list_variant_keys
from digest.store.issues import get_previous_window_end, list_recently_shown
from digest.store.views import list_totals, sum_dated_counts, sum_events


@dataclass(frozen=True, kw_only=True)
class Edition:
    """One edition of a newsletter, looked at from one moment."""

    settings: Settings
    newsletter: NewsletterSettings
    date: date
    """The edition date."""
    now: datetime
    """The present moment, aware: it tells editions of the past from the current one."""
    window: Window
    """The time it covers: see `window_of`."""
    read_since: datetime | None = None
    """Leave out articles that no reading at or after this moment contained; None where they are imported."""

    @property
    def timezone(self) -> ZoneInfo:
        """The newsletter's."""
        return self.settings.timezone_of(self.newsletter)

    @property
    def is_past(self) -> bool:
        """Whether its date lies before today."""
        return self.date < self.now.astimezone(self.timezone).date()


@dataclass(frozen=True, kw_only=True)
class EditionRanking:
    """The candidates of an edition by views."""

    ranked: tuple[RankedArticle, ...]
    unranked: int
    """Candidates whose views are known only from a moment inside the window on, so they are not compared."""
    counted_since: datetime | None
    """The earliest such moment."""


@dataclass(frozen=True, kw_only=True)
class Draft:
    """An edition as it would be published now."""

    edition: Edition
    ranking: EditionRanking
    rules: Rules
    selection: Selection
    images: KnownImages
    """What was read of the candidates' pictures."""
    words: EditionWords = field(default_factory=EditionWords)
    """What the editor wrote for this edition."""

    @property
    def intro(self) -> str:
        """The words before the articles, in Markdown: the edition's own, else the newsletter's."""
        return self.edition.newsletter.intro if self.words.intro is None else self.words.intro

    @property
    def has_enough_articles(self) -> bool:
        """Whether it shows at least as many as the newsletter asks for."""
        return len(self.selection.shown) >= self.edition.newsletter.min_articles

    @property
    def shortage(self) -> str:
        """Why it is not to be sent, in words, where it has too few articles."""
        found, wanted = len(self.selection.shown), self.edition.newsletter.min_articles
        return f"{found} article{'s' * (found != 1)} to show, min_articles is {wanted}"


def window_of(
    database: Database, settings: Settings, newsletter: NewsletterSettings, edition: date, *, now: datetime
) -> Window:
    """The time an edition covers.

    A since-last window of today's or a later edition ends now; one of the past ended when it was due.
    """
    timezone = settings.timezone_of(newsletter)
    if newsletter.window_days is not None:
        return whole_days_before(edition, newsletter.window_days, timezone)
    due_at = occurrence_on(newsletter.due, edition, timezone).due_at
    until = due_at if edition < now.astimezone(timezone).date() else now
    return since_last(get_previous_window_end(database, newsletter.slug, edition), until, edition, timezone)


def compose_edition(database: Database, edition: Edition) -> Draft:
    """What an edition would show if it were published now."""
    ranking = rank_edition(database, edition)
    rules = _rules(database, edition)
    images = get_known_images(database, (*(ranked.article for ranked in ranking.ranked), *rules.pinned))
    return Draft(
        edition=edition,
        ranking=ranking,
        rules=rules,
        selection=illustrate(select_articles(ranking.ranked, rules), images),
        images=images,
        words=get_words(database, edition.newsletter.slug, edition.date),
    )


def select_for(draft: Draft, sections: tuple[str, ...], *, without: frozenset[str] = frozenset()) -> Selection:
    """The selection for some readers.

    Args:
        draft: the edition.
        sections: those they want; empty for all.
        without: articles that they have had already: the next candidates come up in their place, pins among them.
    """
    rules = replace(
        draft.rules,
        sections=sections,
        pinned=tuple(article for article in draft.rules.pinned if article.id not in without),
        excluded=draft.rules.excluded | without,
    )
    return illustrate(select_articles(draft.ranking.ranked, rules), draft.images)


def list_likely_articles(database: Database, edition: Edition) -> tuple[Article, ...]:
    """What an edition would show now to any group of readers, then its runners-up; as the publisher gave them."""
    ranked, rules = rank_edition(database, edition).ranked, _rules(database, edition)
    wishes = dict.fromkeys(key.sections for key in list_variant_keys(database, edition.newsletter.slug))
    selections = [select_articles(ranked, replace(rules, sections=sections)) for sections in wishes]
    shown = [choice.article for selection in selections for choice in selection.shown]
    runners_up = [
        choice.article for choice in selections[0].passed_over if choice.reasons[-1].code is ReasonCode.BELOW_LIMIT
    ]
    return tuple({article.id: article for article in (*shown, *runners_up)}.values())


def rank_edition(database: Database, edition: Edition, *, section: str | None = None) -> EditionRanking:
    """Rank the candidates of an edition by their views inside its window.

    Args:
        database: the workspace's database.
        edition: which one.
        section: only this section key; "" for articles without one; None for all that the newsletter takes.
    """
    views = _known_views(database, edition.window)
    wanted = edition.newsletter.sections
    articles = [
        article
        for article in _candidates(database, edition, views)
        if section in (None, article.section) and (not wanted or article.section in wanted)
    ]
    counts = count_views(articles, views, edition.window, is_past=edition.is_past)
    if edition.newsletter.candidates == "viewed":
        counts = [count for count in counts if count.views]
    partial = [count for count in counts if not count.kind.can_be_ranked]
    return EditionRanking(
        ranked=rank_articles(articles, counts),
        unranked=len(partial),
        counted_since=min((count.since for count in partial if count.since), default=None),
    )


def _rules(database: Database, edition: Edition) -> Rules:
    newsletter = edition.newsletter
    decisions = list_decisions(database, newsletter.slug)
    known = get_articles(database, decisions.pinned, read_since=edition.read_since)
    return Rules(
        limit=newsletter.limit,
        window_days=newsletter.window_days or 0,
        max_per_section=newsletter.max_per_section,
        pinned=tuple(known[article_id] for article_id in decisions.pinned if article_id in known),
        excluded=decisions.excluded,
        repeated=list_recently_shown(database, newsletter.slug, edition.date, newsletter.no_repeat),
    )


def _known_views(database: Database, window: Window) -> KnownViews:
    first, last = counted_days(window)
    return KnownViews(
        dated=sum_dated_counts(database, first, last),
        events=sum_events(database, window.start, window.end),
        totals=list_totals(database, window.start),
    )


def _candidates(database: Database, edition: Edition, views: KnownViews) -> list[Article]:
    window, read_since = edition.window, edition.read_since
    if edition.newsletter.candidates == "published":
        return list_articles(database, start=window.start, end=window.end, read_since=read_since)
    viewed = [*views.dated, *views.events, *views.totals]
    return list(get_articles(database, viewed, read_since=read_since).values())
