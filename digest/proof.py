"""A proof of an issue: what a preview shows, a dry run counts and a test send mails. Nothing is written.

A frozen issue is shown as it was frozen; any other edition as it would be published now.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from digest.compose import Draft, Edition, compose_edition
from digest.deliver.counted import Counted
from digest.deliver.letters import Letterhead, Reader, VariantBody, split_body
from digest.errors import IssueError
from digest.frozen import choice_from_json
from digest.model import Choice, Subscriber
from digest.render.pages import Leaves, Page, PageWords
from digest.render.request import Rendering
from digest.settings import NewsletterSettings, SiteSettings
from digest.store.database import Database
from digest.store.groups import VariantKey, get_queued_key, list_variant_keys, make_variant_key
from digest.store.histories import received_by
from digest.store.issue_links import list_links
from digest.store.issues import Issue, Variant, get_issue, list_choices, list_variants
from digest.store.pages import list_pages
from digest.variants import Printing, RenderedVariant, Workshop, letterhead_of_draft, request_of_frozen

_EXAMPLE_NAMES = {"en": "Alex Morgan", "ko": "김하늘"}
"""By language."""


@dataclass(frozen=True, kw_only=True)
class Proof:
    """One issue, rendered for every group of readers it has, and told as one of them gets it."""

    letterhead: Letterhead
    variant: str
    """Key of the group whose subject, preheader and articles these are."""
    preheader: str
    shown: tuple[Choice, ...]
    passed_over: tuple[Choice, ...]
    """Empty for a frozen group with wishes of its own: what was passed over for it is not kept."""
    candidates: int
    views_total: int
    is_frozen: bool
    notes: tuple[str, ...] = ()
    """What an editor should know: a shortage, articles that could not be ranked."""

    @property
    def subject(self) -> str:
        """The subject line."""
        return self.letterhead.bodies[self.variant].subject


class PagedBodies(Mapping[str, VariantBody]):
    """What the readers of a frozen issue get, by variant key: of its pages, or, where it has none, as it was stored.

    A key with articles of a reader's own needs nothing that was stored for it.
    """

    def __init__(self, issue: Issue, variants: Iterable[Variant], pages: Mapping[str, Page]) -> None:
        """Lay out what was frozen.

        Args:
            issue: the issue.
            variants: its groups of readers.
            pages: its pages by locale.
        """
        self._nonce, self._locale = issue.frozen.get("nonce", ""), issue.frozen.get("locale", "")
        self._variants = {variant.key: variant for variant in variants}
        self._pages = pages
        self._bodies: dict[str, VariantBody] = {}

    def __getitem__(self, key: str) -> VariantBody:
        if key in self._bodies:
            return self._bodies[key]
        body = self._make(key)
        if key in self._variants:
            self._bodies[key] = body
        return body

    def __iter__(self) -> Iterator[str]:
        """The groups of readers."""
        return iter(self._variants)

    def __len__(self) -> int:
        return len(self._variants)

    def __contains__(self, key: object) -> bool:
        """Whether it is a group of readers; a selection of a reader's own is got, and not counted."""
        return key in self._variants

    def article_ids(self, key: str) -> tuple[str, ...]:
        """The articles that readers of a key get, in their order."""
        found = self._find(key)
        return found.article_ids if isinstance(found, Variant) else tuple(found[0].article_ids[at] for at in found[1])

    def leaves(self, key: str) -> Leaves:
        """The same as text to be encoded once for all.

        Raises:
            KeyError: the issue has no page for readers of that key.
        """
        found = self._find(key)
        if isinstance(found, Variant):
            raise KeyError(key)
        return found[0].leaves(found[1])

    def rendering(self, key: str) -> Rendering:
        """The same with a marker at each slot."""
        found = self._find(key)
        if isinstance(found, Variant):
            return Rendering(subject=found.subject, preheader=found.preheader, html=found.html, text=found.text)
        return found[0].render(found[1])

    def whole_variants(self) -> tuple[Variant, ...]:
        """Every group of readers with its whole contents, wherever they are kept."""
        renderings = {key: self.rendering(key) for key in self._variants}
        return tuple(
            replace(variant, html=renderings[key].html, text=renderings[key].text)
            for key, variant in self._variants.items()
        )

    def _make(self, key: str) -> VariantBody:
        found = self._find(key)
        if isinstance(found, Variant):
            return split_body(found.subject, found.html, found.text, self._nonce)
        selected = found[0].select(found[1])
        return VariantBody(subject=selected.subject, html=selected.html, text=selected.text)

    def _find(self, key: str) -> Variant | tuple[Page, Sequence[int]]:
        """The stored variant, or a page and the articles of it."""
        variant = self._variants.get(key)
        if variant is not None and variant.html:
            return variant
        wanted = VariantKey.parse(key)
        page = self._pages.get(wanted.locale) or self._pages.get(self._locale)
        if page is None or not (variant or wanted.articles):
            raise KeyError(key)
        return page, wanted.articles or page.places_of(variant.article_ids if variant else ())


def letterhead_of_issue(database: Database, issue: Issue, key: bytes) -> Letterhead:
    """What the messages of a frozen issue share, from what was frozen.

    Raises:
        IssueError: it is not frozen yet.
    """
    if issue.frozen_at is None:
        raise IssueError(f"{issue.newsletter} {issue.edition} is {issue.state} and has no contents")
    bodies = open_bodies(database, issue)
    site = SiteSettings.model_validate(issue.frozen["site"])
    newsletter = NewsletterSettings.model_validate(issue.frozen["newsletter"])
    places = {link.url: link.place for link in list_links(database, issue.id)}
    return Letterhead(
        site=site,
        newsletter=newsletter,
        edition=issue.edition,
        issue_id=issue.id,
        date=issue.frozen_at,
        key=key,
        bodies=bodies,
        own=bodies.leaves,
        counted=Counted.of(site, newsletter, places),
    )


def open_bodies(database: Database, issue: Issue) -> PagedBodies:
    """What each reader of an issue gets; nothing where it is not frozen."""
    choices = list_choices(database, issue.id)
    pages = {
        stored.locale: Page(
            stored.html,
            stored.text,
            request_of_frozen(issue, choices, stored.article_ids, locale=stored.locale),
            PageWords.from_json(stored.words),
        )
        for stored in list_pages(database, issue.id)
    }
    return PagedBodies(issue, list_variants(database, issue.id), pages)


def make_proof(
    database: Database,
    edition: Edition,
    workshop: Workshop,
    *,
    reader: Subscriber | None = None,
    for_everyone: bool = True,
) -> Proof:
    """The proof of an edition, told as one reader gets it; without one, as those without wishes of their own do.

    Args:
        database: the workspace's database.
        edition: which one, looked at from now.
        workshop: what rendering needs.
        reader: as whom.
        for_everyone: whether every group of readers is rendered, or, to be quick, that reader's alone.

    Raises:
        IssueError: the edition has no article to show, or none of a section that the reader wants.
        RenderError: a template is wrong.
    """
    slug = edition.newsletter.slug
    wanted = make_variant_key("", ()) if reader is None else variant_of(reader, slug)
    issue = get_issue(database, slug, edition.date)
    if issue is not None and issue.frozen_at is not None:
        queued = None if reader is None else get_queued_key(database, issue.id, reader.id)
        return _proof_of_issue(database, issue, workshop, queued or wanted)
    draft = compose_edition(database, edition)
    if not draft.selection.shown:
        raise IssueError(_nothing_to_show(draft))
    groups = list_variant_keys(database, slug) if for_everyone else ()
    keys = dict.fromkeys((*groups, wanted))
    received = frozenset[str]()
    if reader is not None and edition.newsletter.skip_received:
        received = received_by(database, reader.id, issues=edition.newsletter.no_repeat)
    printing = Printing(draft, keys, workshop, received=(received,), cut=for_everyone)
    variants = {variant.key: variant for variant in printing.variants()}
    if told := printing.choose(wanted, received):
        variants[told.key] = told
        wanted = told.key
    return _proof_of_draft(draft, variants, workshop, wanted)


def variant_of(reader: Subscriber, newsletter: str) -> VariantKey:
    """The group a subscriber falls into."""
    sections = {subscription.newsletter: subscription.sections for subscription in reader.subscriptions}
    return make_variant_key(reader.locale, sections.get(newsletter, ()))


def choose_reader(proof: Proof, reader: Subscriber | None) -> Reader:
    """Whom to write the proof's message for; without a subscriber, the example."""
    if reader is not None:
        return Reader(subscriber_id=reader.id, address=reader.address, name=reader.name)
    return example_reader(proof.letterhead)


def example_reader(letterhead: Letterhead, address: str = "") -> Reader:
    """Somebody with a name, so that a greeting is seen, whose links change nothing; by default at the sender's address.

    Args:
        letterhead: of the issue.
        address: where a test send goes.
    """
    newsletter = letterhead.newsletter
    language = (newsletter.locale or letterhead.site.locale).partition("-")[0]
    name = _EXAMPLE_NAMES.get(language, _EXAMPLE_NAMES["en"])
    return Reader(subscriber_id=0, address=address or newsletter.sender_address, name=name)


def _proof_of_issue(database: Database, issue: Issue, workshop: Workshop, wanted: VariantKey) -> Proof:
    bodies = open_bodies(database, issue)
    if wanted.key not in bodies and not wanted.articles:
        raise IssueError(_nothing_for(wanted))
    choices = [choice_from_json(dict(frozen.choice)) for frozen in list_choices(database, issue.id)]
    by_id = {choice.article.id: choice for choice in choices}
    shown = [by_id[article_id] for article_id in bodies.article_ids(wanted.key)]
    is_default = wanted == make_variant_key("", ())
    return Proof(
        letterhead=letterhead_of_issue(database, issue, workshop.key),
        variant=wanted.key,
        preheader=bodies.rendering(wanted.key).preheader,
        shown=tuple(replace(choice, position=position) for position, choice in enumerate(shown, 1)),
        passed_over=tuple(choice for choice in choices if not choice.is_shown) if is_default else (),
        candidates=issue.frozen["candidates"],
        views_total=issue.frozen["views_total"],
        is_frozen=True,
    )


def _proof_of_draft(
    draft: Draft, variants: Mapping[VariantKey, RenderedVariant], workshop: Workshop, wanted: VariantKey
) -> Proof:
    told = variants.get(wanted)
    if told is None:
        raise IssueError(_nothing_for(wanted))
    return Proof(
        letterhead=letterhead_of_draft(draft, variants, workshop),
        variant=wanted.key,
        preheader=told.rendering.preheader,
        shown=told.shown,
        passed_over=told.selection.passed_over,
        candidates=told.selection.candidates,
        views_total=told.selection.views_total,
        is_frozen=False,
        notes=tuple(_notes(draft, told)),
    )


def _nothing_for(wanted: VariantKey) -> str:
    sections = ", ".join(wanted.sections) or "any"
    return f"this issue has nothing for readers who want the sections: {sections}; they get no message"


def _notes(draft: Draft, told: RenderedVariant) -> Iterable[str]:
    if not draft.has_enough_articles:
        yield f"would be skipped: {draft.shortage}"
    if told.excerpt_share < 1:
        yield f"excerpts keep {told.excerpt_share:.0%} of their length: Gmail would clip a longer mail"
    if draft.ranking.unranked:
        since = draft.ranking.counted_since
        when = f" only since {since.astimezone(draft.edition.timezone):%Y-%m-%d %H:%M}" if since else " not at all"
        yield f"{draft.ranking.unranked} older articles are not ranked: their views are counted{when}"


def _nothing_to_show(draft: Draft) -> str:
    edition = draft.edition
    start, end = (moment.astimezone(edition.timezone) for moment in (edition.window.start, edition.window.end))
    which = "published" if edition.newsletter.candidates == "published" else "viewed"
    return (
        f"{edition.newsletter.slug} {edition.date} has nothing to show: {draft.selection.candidates} candidates "
        f"{which} from {start:%Y-%m-%d %H:%M} to {end:%Y-%m-%d %H:%M} ({edition.timezone.key}); import articles and "
        "views, or choose another --date"
    )
