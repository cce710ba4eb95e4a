"""What each group of readers gets of an issue: rendered once for a language, within the size that mail may have.

A preview, a test send and the real send go through the same `Printing`.
"""

import logging
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from digest.compose import Draft, Edition, select_for
from digest.deliver.counted import Counted
from digest.deliver.letters import (
    NAME_CHARACTERS,
    NAME_COLUMNS,
    Letterhead,
    Reader,
    VariantBody,
    html_size,
    split_body,
)
from digest.errors import RenderError, SettingsError
from digest.frozen import choice_from_json, window_from_json
from digest.mail.links import make_slot_nonce
from digest.model import Choice, ReasonCode, Selection
from digest.render.build import article_address
from digest.render.chart import most_viewed
from digest.render.issue import Rendering, RenderRequest, render_issue
from digest.render.pages import Page, render_page
from digest.render.templates import TemplateLibrary
from digest.settings import BrandSettings, NewsletterSettings, SiteSettings
from digest.store.groups import VariantKey, make_variant_key
from digest.store.issue_links import IssueLink
from digest.store.issues import FrozenChoice, Issue
from digest.trim import EXCERPT_SHARES, fit

logger = logging.getLogger("digest")

WORST_READER = Reader(
    subscriber_id=10**9,
    address=f"{'&' * 64}@{'.'.join(['x' * 62] * 3)}",
    name=("x" + "'" * (NAME_COLUMNS - 1)).ljust(NAME_CHARACTERS, "\U000e0100"),
)
"""The longest address there may be (RFC 5321 4.5.3.1: 254), and name to show, of what takes most room in HTML."""


@dataclass(frozen=True, kw_only=True)
class Workshop:
    """What rendering needs besides the draft."""

    templates: TemplateLibrary
    key: bytes
    """The workspace's signing key."""

    def nonce(self, edition: Edition) -> str:
        """What marks the slots of an edition's renderings."""
        return make_slot_nonce(self.key, edition.newsletter.slug, edition.date.isoformat())

    def locale_for(self, wanted: str, own: str) -> str:
        """The locale a reader gets: the one they want where it has a catalogue, else the newsletter's own."""
        if not wanted:
            return own
        try:
            self.templates.language(wanted)
        except SettingsError:
            return own
        return wanted


@dataclass(frozen=True, kw_only=True)
class RenderedVariant:
    """One group of readers with what it gets."""

    key: VariantKey
    selection: Selection
    """What it is shown, and what was passed over for it."""
    rendering: Rendering
    excerpt_share: float = 1.0
    """How much of their length excerpts kept, so that the mail is not clipped."""

    @property
    def shown(self) -> tuple[Choice, ...]:
        """The articles in order."""
        return self.selection.shown


class Printing:
    """The printing of a draft: a page for each language, of which every group of readers gets its articles.

    A page is used where the template says what its pieces are, and only if it gives what rendering the same articles
    alone gives. Otherwise each selection is rendered by itself, as without `cut`, which is quicker for one or two.
    """

    def __init__(
        self,
        draft: Draft,
        keys: Iterable[VariantKey],
        workshop: Workshop,
        *,
        received: Iterable[frozenset[str]] = (),
        cut: bool = True,
    ) -> None:
        """Choose the articles.

        Args:
            draft: what is to be printed.
            keys: the groups of readers.
            workshop: what rendering needs.
            received: articles that some readers have had already, each set as one of them had it.
            cut: whether to print pages.
        """
        self._draft, self._workshop, self._cut = draft, workshop, cut
        self._known = {article.id for article in (*(r.article for r in draft.ranking.ranked), *draft.rules.pinned)}
        self._selections: dict[tuple[tuple[str, ...], frozenset[str]], Selection] = {}
        self._presses: dict[str, _Press] = {}
        self.keys = tuple(dict.fromkeys(keys))
        selections = [self._select(key, had) for key in self.keys for had in (frozenset[str](), *received)]
        self.pool = _in_rank_order((draft.selection, *selections))
        self.own: dict[VariantKey, RenderedVariant] = {}
        """Selections of readers' own that no page gives."""

    @property
    def pages(self) -> Mapping[str, Page]:
        """The pages that were needed so far, by locale."""
        return {locale: press.page for locale, press in self._presses.items() if press.page is not None}

    def has_page(self, key: VariantKey) -> bool:
        """Whether a page gives what a group gets."""
        return self._press(key).page is not None

    def variants(self) -> Iterator[RenderedVariant]:
        """What each group of readers gets; groups whose sections have no article get nothing and are left out.

        Raises:
            RenderError: a template is wrong.
        """
        for key in self.keys:
            selection = self._select(key, frozenset())
            if selection.shown:
                yield self._press(key).print(key, selection)

    def choose(self, key: VariantKey, received: frozenset[str]) -> RenderedVariant | None:
        """What those of a group get who have had some articles already; None where nothing is left for them.

        Raises:
            RenderError: a template is wrong.
        """
        selection, ordinary = self._select(key, received), self._select(key, frozenset())
        if not selection.shown:
            return None
        press = self._press(key)
        if ids_of(selection.shown) == ids_of(ordinary.shown):
            return press.print(key, selection)
        variant = press.print_once(key, selection)
        places = {choice.article.id: index for index, choice in enumerate(self.pool)}
        articles = [places[choice.article.id] for choice in variant.shown]
        variant = replace(variant, key=make_variant_key(key.locale, key.sections, articles))
        if press.page is None:
            self.own[variant.key] = variant
        return variant

    def _select(self, key: VariantKey, received: frozenset[str]) -> Selection:
        wish = (key.sections, received & self._known)
        if wish not in self._selections:
            self._selections[wish] = select_for(self._draft, key.sections, without=wish[1])
        return self._selections[wish]

    def _press(self, key: VariantKey) -> "_Press":
        edition = self._draft.edition
        locale = self._workshop.locale_for(key.locale, edition.settings.locale_of(edition.newsletter))
        if locale not in self._presses:
            self._presses[locale] = _Press(self._draft, locale, self.pool, self._workshop, cut=self._cut)
        return self._presses[locale]


class _Press:
    """Prints in one language, with excerpts of one length: what lets the selection for everybody fit."""

    def __init__(self, draft: Draft, locale: str, pool: tuple[Choice, ...], workshop: Workshop, *, cut: bool) -> None:
        self._draft, self._locale, self._pool, self._workshop = draft, locale, pool, workshop
        self._places = {choice.article.id: index for index, choice in enumerate(pool)}
        self._letterhead = letterhead_of_draft(draft, {}, workshop, links=links_of_draft(draft, pool, workshop))
        self._pages: dict[float, Page | None] = {} if cut else dict.fromkeys(EXCERPT_SHARES)
        self._printed: dict[tuple[str, ...], RenderedVariant] = {}
        everybody = draft.selection
        self._share = fit(everybody, self._render, self._measure).excerpt_share if everybody.shown else 1.0

    @property
    def page(self) -> Page | None:
        """The page, or None where each selection is rendered by itself."""
        return self._page(self._share)

    def print(self, key: VariantKey, selection: Selection) -> RenderedVariant:
        """What a group of readers gets; different wishes often lead to the same contents, which are rendered once."""
        contents = ids_of(selection.shown)
        if contents not in self._printed:
            self._printed[contents] = self.print_once(key, selection)
        return _as_wished(self._printed[contents], key, selection)

    def print_once(self, key: VariantKey, selection: Selection) -> RenderedVariant:
        """The same for contents that need not be kept."""
        fitted = fit(selection, self._render, self._measure, shares=(self._share,))
        return RenderedVariant(
            key=key, selection=fitted.selection, rendering=fitted.rendering, excerpt_share=fitted.excerpt_share
        )

    def _render(self, shown: tuple[Choice, ...], share: float) -> Rendering:
        page = self._page(share)
        return self._render_alone(shown, share) if page is None else page.render(self._places_of(shown))

    def _places_of(self, shown: tuple[Choice, ...]) -> list[int]:
        return [self._places[choice.article.id] for choice in shown]

    def _render_alone(self, shown: tuple[Choice, ...], share: float) -> Rendering:
        return render_issue(self._request(shown, share), self._workshop.templates)

    def _page(self, share: float) -> Page | None:
        if share not in self._pages:
            self._pages[share] = self._print_page(share)
        return self._pages[share]

    def _print_page(self, share: float) -> Page | None:
        """A page that proves itself on everybody's selection and on one article alone; None where there is none."""
        try:
            page = render_page(self._request(self._pool, share), self._workshop.templates)
            samples = (self._draft.selection.shown or self._pool, self._pool[-1:])
            is_true = all(page.render(self._places_of(s)) == self._render_alone(s, share) for s in samples)
        except RenderError as error:
            # If the template is wrong and not only without tags, rendering a selection says so.
            logger.debug("%s is rendered for each group: %s", self._draft.edition.newsletter.slug, error)
            return None
        return page if is_true else None

    def _request(self, shown: tuple[Choice, ...], share: float) -> RenderRequest:
        return request_of_draft(self._draft, shown, self._workshop, locale=self._locale, excerpt_share=share)

    def _measure(self, rendering: Rendering) -> int:
        body = split_body(rendering.subject, rendering.html, rendering.text, self._workshop.nonce(self._draft.edition))
        return html_size(self._letterhead, body, WORST_READER)


def ids_of(shown: Iterable[Choice]) -> tuple[str, ...]:
    """The articles of these choices."""
    return tuple(choice.article.id for choice in shown)


def _in_rank_order(selections: Iterable[Selection]) -> tuple[Choice, ...]:
    """All that is shown to anybody, each once: pins first, then by rank."""
    shown = {choice.article.id: choice for selection in selections for choice in selection.shown}
    pins = [choice for choice in shown.values() if _is_pinned(choice)]
    return (*pins, *sorted((c for c in shown.values() if not _is_pinned(c)), key=lambda choice: choice.rank or 0))


def _is_pinned(choice: Choice) -> bool:
    return any(reason.code is ReasonCode.PINNED for reason in choice.reasons)


def _as_wished(done: RenderedVariant, key: VariantKey, selection: Selection) -> RenderedVariant:
    """The same contents for another group, which had other articles passed over."""
    if done.key == key:
        return done
    kept = len(done.shown)
    dropped = done.selection.passed_over[: len(selection.shown) - kept]
    passed_over = (*dropped, *selection.passed_over)
    return replace(done, key=key, selection=replace(selection, shown=done.shown, passed_over=passed_over))


def links_of_draft(draft: Draft, pool: Iterable[Choice], workshop: Workshop) -> tuple[IssueLink, ...]:
    """The links whose clicks would be counted: one for each article of the pool; none where no click is.

    Raises:
        RenderError: an article cannot be linked to.
    """
    if not draft.edition.newsletter.count_clicks:
        return ()
    request = request_of_draft(draft, (), workshop)
    return tuple(
        IssueLink(place=place, article_id=choice.article.id, url=article_address(choice.article, request))
        for place, choice in enumerate(pool, 1)
    )


def letterhead_of_draft(
    draft: Draft,
    variants: Mapping[VariantKey, RenderedVariant],
    workshop: Workshop,
    *,
    issue_id: int = 0,
    links: Iterable[IssueLink] = (),
) -> Letterhead:
    """What the messages of a draft would share.

    Args:
        draft: the issue as it would be published now.
        variants: what each group of readers would get.
        workshop: what rendering needs.
        issue_id: the issue that is being published; 0 in a preview.
        links: those that are counted; in a preview none, as they would lead nowhere yet.
    """
    edition = draft.edition
    nonce = workshop.nonce(edition)
    return Letterhead(
        site=edition.settings.site,
        newsletter=edition.newsletter,
        edition=edition.date,
        issue_id=issue_id,
        date=edition.now,
        key=workshop.key,
        bodies={key.key: _split(variant.rendering, nonce) for key, variant in variants.items()},
        counted=Counted.of(edition.settings.site, edition.newsletter, {link.url: link.place for link in links}),
    )


def _split(rendering: Rendering, nonce: str) -> VariantBody:
    return split_body(rendering.subject, rendering.html, rendering.text, nonce)


def request_of_draft(
    draft: Draft, shown: tuple[Choice, ...], workshop: Workshop, *, locale: str = "", excerpt_share: float = 1.0
) -> RenderRequest:
    """What renders a selection of a draft in a language; "" or one without a catalogue means the newsletter's own."""
    edition = draft.edition
    return RenderRequest(
        site=edition.settings.site,
        newsletter=edition.newsletter,
        edition=edition.date,
        window=edition.window,
        shown=shown,
        locale=workshop.locale_for(locale, edition.settings.locale_of(edition.newsletter)),
        nonce=workshop.nonce(edition),
        brand=edition.settings.brand_of(edition.newsletter),
        subject=draft.words.subject,
        intro=draft.intro,
        most_viewed=most_viewed(draft.selection.shown),
        excerpt_share=excerpt_share,
    )


def request_of_frozen(
    issue: Issue, choices: Iterable[FrozenChoice], article_ids: Iterable[str], *, locale: str
) -> RenderRequest:
    """What a frozen issue was rendered from, with some of its articles in this order; excerpts whole."""
    frozen = issue.frozen
    by_id = {choice.article_id: choice_from_json(dict(choice.choice)) for choice in choices}
    shown = (by_id[article_id] for article_id in article_ids)
    return RenderRequest(
        site=SiteSettings.model_validate(frozen["site"]),
        newsletter=NewsletterSettings.model_validate(frozen["newsletter"]),
        edition=issue.edition,
        window=window_from_json(frozen["window"]),
        shown=tuple(replace(choice, position=position) for position, choice in enumerate(shown, 1)),
        locale=locale,
        nonce=frozen["nonce"],
        # Issues that were frozen before there were brands, words and pages have none.
        brand=BrandSettings.model_validate(frozen.get("brand", {})),
        subject=frozen.get("subject"),
        intro=frozen.get("intro", ""),
        most_viewed=frozen.get("most_viewed"),
    )
