"""One issue from draft to frozen: rendered for every group of readers, checked, then fixed and queued at once."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from digest import __version__
from digest.check.finding import Finding
from digest.clock import BootTime
from digest.compose import Draft
from digest.deliver.letters import Letterhead, Reader
from digest.errors import UnsafeIssueError
from digest.frozen import choice_to_json, window_to_json
from digest.inspection import errors_in, inspect_letters, summarise
from digest.model import Choice, Selection
from digest.render.chart import most_viewed
from digest.render.pages import Page
from digest.store.articles import use_up_pins
from digest.store.database import Database
from digest.store.groups import VariantKey, list_variant_keys, make_variant_key, queue_deliveries
from digest.store.histories import Histories, History, open_histories
from digest.store.issue_links import IssueLink, save_links
from digest.store.issues import FrozenChoice, Variant, freeze_issue
from digest.store.leases import Lease
from digest.store.pages import StoredPage
from digest.variants import Printing, RenderedVariant, Workshop, ids_of, letterhead_of_draft, links_of_draft

_EVERYBODY = make_variant_key("", ())
"""The group of readers without wishes of their own; what the issue keeps as its selection is theirs."""


def publish_draft(
    database: Database,
    lease: Lease,
    draft: Draft,
    workshop: Workshop,
    *,
    boot: BootTime,
    now: datetime,
    force_unsafe: bool = False,
    keep_lease: Callable[[], None] = lambda: None,
    on_queued: Callable[[], None] = lambda: None,
) -> int:
    """Freeze a draft as the leased issue and queue it for every subscriber it has articles for.

    Args:
        database: the workspace's database.
        lease: the right to publish the issue.
        draft: its contents.
        workshop: what rendering needs.
        boot: the boot clock's reading.
        now: the moment it is frozen at.
        force_unsafe: publish it although the check finds errors; they are kept with the issue.
        keep_lease: called after each rendering and each check; many groups of readers may take longer than a lease.
        on_queued: called within the same transaction; here it is said when each delivery may go.

    Returns:
        How many deliveries were queued.

    Raises:
        RenderError: a template is wrong; nothing was frozen.
        UnsafeIssueError: the check found errors; nothing was frozen.
        LeaseLostError: another process took the issue over; nothing was frozen.
    """
    slug = draft.edition.newsletter.slug
    with _look_back(database, draft, lease) as histories:
        printed = _print(list_variant_keys(database, slug), draft, workshop, histories, keep_lease)
        links = links_of_draft(draft, printed.printing.pool, workshop)
        errors = _inspect(_letterhead_to_check(draft, printed.variants, workshop, lease, links), draft, keep_lease)
        if errors and not force_unsafe:
            raise UnsafeIssueError(summarise(errors))
        everybody = printed.variants.get(_EVERYBODY)
        selection = everybody.selection if everybody else draft.selection
        with database.transaction():
            freeze_issue(
                database,
                lease,
                frozen=_describe_frozen(draft, selection, printed.variants.values(), errors, workshop),
                choices=tuple(_choices_to_keep(selection, printed.printing.pool)),
                variants=tuple(_to_stored(variant, printed.printing) for variant in printed.variants.values()),
                pages=tuple(_page_to_stored(page) for page in printed.printing.pages.values()),
                boot=boot,
                now=now,
            )
            save_links(database, lease.issue_id, links)
            use_up_pins(database, slug, [choice.article.id for choice in selection.shown])
            queued = queue_deliveries(database, lease, slug, now=now, chosen=printed.chosen)
            on_queued()
    return queued


def _look_back(database: Database, draft: Draft, lease: Lease) -> AbstractContextManager[Histories | None]:
    """What readers were sent already, where that counts."""
    newsletter = draft.edition.newsletter
    if not newsletter.skip_received:
        return nullcontext()
    return open_histories(database, newsletter.slug, issues=newsletter.no_repeat, but=lease.issue_id)


@dataclass(frozen=True, kw_only=True)
class _Printed:
    """What an issue was printed as."""

    printing: Printing
    variants: Mapping[VariantKey, RenderedVariant]
    """By group of readers; those of single histories too where no page gives them."""
    chosen: Mapping[tuple[str, str], str] | None
    """As `queue_deliveries` takes them."""


def _print(
    keys: Iterable[VariantKey],
    draft: Draft,
    workshop: Workshop,
    histories: Histories | None,
    keep_lease: Callable[[], None],
) -> _Printed:
    had = histories.list() if histories else ()
    printing = Printing(draft, keys, workshop, received=dict.fromkeys(history.received for history in had))
    variants = {}
    for variant in printing.variants():
        variants[variant.key] = variant
        keep_lease()
    chosen = _choose_all(printing, had, keep_lease) if histories else None
    return _Printed(printing=printing, variants={**variants, **printing.own}, chosen=chosen)


def _choose_all(
    printing: Printing, histories: Iterable[History], keep_lease: Callable[[], None]
) -> dict[tuple[str, str], str]:
    """The variant of the readers of each history, by their group and its signature; "" where nothing is left."""
    chosen = {}
    for history in histories:
        variant = printing.choose(history.key, history.received)
        chosen[history.key.key, history.signature] = variant.key.key if variant else ""
        keep_lease()
    return chosen


def _letterhead_to_check(
    draft: Draft,
    variants: Mapping[VariantKey, RenderedVariant],
    workshop: Workshop,
    lease: Lease,
    links: Iterable[IssueLink],
) -> Letterhead:
    """What the issue's messages will be; groups with the same contents share one rendering and one check."""
    distinct = {id(variant.rendering): (key, variant) for key, variant in variants.items()}
    return letterhead_of_draft(draft, dict(distinct.values()), workshop, issue_id=lease.issue_id, links=links)


def _inspect(letterhead: Letterhead, draft: Draft, keep_lease: Callable[[], None]) -> tuple[Finding, ...]:
    """The errors that the contract finds."""
    return errors_in(inspect_letters(letterhead, _sample_reader(draft), on_checked=keep_lease))


def _sample_reader(draft: Draft) -> Reader:
    """Somebody with an ordinary address; sizes were fitted to the longest one before."""
    newsletter = draft.edition.newsletter
    return Reader(subscriber_id=1, address=newsletter.sender_address, name=newsletter.mailbox.display_name)


def _describe_frozen(
    draft: Draft,
    selection: Selection,
    variants: Iterable[RenderedVariant],
    overridden: Iterable[Finding],
    workshop: Workshop,
) -> dict[str, Any]:
    edition = draft.edition
    template = edition.newsletter.template
    return {
        "window": window_to_json(edition.window),
        "locale": edition.settings.locale_of(edition.newsletter),
        "newsletter": edition.newsletter.model_dump(mode="json", by_alias=True),
        "site": edition.settings.site.model_dump(mode="json", exclude={"secret_key"}),
        "brand": edition.settings.brand_of(edition.newsletter).model_dump(mode="json"),
        "subject": draft.words.subject,
        "intro": draft.intro,
        "excerpt_shares": {v.key.key: v.excerpt_share for v in variants if v.excerpt_share != 1},
        "most_viewed": most_viewed(draft.selection.shown),
        "template": template,
        "template_hash": workshop.templates.hash(template),
        "nonce": workshop.nonce(edition),
        "candidates": selection.candidates,
        "views_total": selection.views_total,
        "overridden": [f"{finding.rule}: {finding.message}" for finding in overridden],
        "version": __version__,
    }


def _choices_to_keep(selection: Selection, pool: Iterable[Choice]) -> Iterator[FrozenChoice]:
    """The selection with its reasons, then articles that only some readers are shown."""
    kept: set[str] = set()
    for choice in (*selection.shown, *selection.passed_over):
        kept.add(choice.article.id)
        yield _freeze(choice)
    for choice in pool:
        if choice.article.id not in kept:
            yield _freeze(replace(choice, position=None))


def _freeze(choice: Choice) -> FrozenChoice:
    return FrozenChoice(article_id=choice.article.id, position=choice.position, choice=choice_to_json(choice))


def _to_stored(variant: RenderedVariant, printing: Printing) -> Variant:
    rendering, is_on_page = variant.rendering, printing.has_page(variant.key)
    return Variant(
        key=variant.key.key,
        article_ids=ids_of(variant.shown),
        subject=rendering.subject,
        preheader=rendering.preheader,
        html="" if is_on_page else rendering.html,
        text="" if is_on_page else rendering.text,
    )


def _page_to_stored(page: Page) -> StoredPage:
    return StoredPage(
        locale=page.request.locale,
        article_ids=page.article_ids,
        html=page.html,
        text=page.text,
        words=page.words.to_json(),
    )
