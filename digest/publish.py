"""One issue from draft to frozen: rendered for every group of readers, checked, then fixed and queued at once."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from digest import __version__
from digest.check.finding import Finding
from digest.clock import BootTime
from digest.compose import Draft
from digest.deliver.letters import Reader
from digest.errors import UnsafeIssueError
from digest.frozen import choice_to_json, window_to_json
from digest.inspection import errors_in, inspect_letters, summarise
from digest.model import Choice, Selection
from digest.store.articles import use_up_pins
from digest.store.database import Database
from digest.store.groups import VariantKey, list_variant_keys, make_variant_key, queue_deliveries
from digest.store.issues import FrozenChoice, Variant, freeze_issue
from digest.store.leases import Lease
from digest.variants import RenderedVariant, Workshop, letterhead_of_draft, render_variants

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

    Returns:
        How many deliveries were queued.

    Raises:
        RenderError: a template is wrong; nothing was frozen.
        UnsafeIssueError: the check found errors; nothing was frozen.
        LeaseLostError: another process took the issue over; nothing was frozen.
    """
    slug = draft.edition.newsletter.slug
    keys = list_variant_keys(database, slug)
    rendered = _render_all(draft, keys, workshop, keep_lease)
    selection = rendered[_EVERYBODY].selection if _EVERYBODY in rendered else draft.selection
    variants = [rendered[key] for key in keys if key in rendered]
    errors = _inspect(draft, rendered, lease, workshop, keep_lease)
    if errors and not force_unsafe:
        raise UnsafeIssueError(summarise(errors))
    with database.transaction():
        freeze_issue(
            database,
            lease,
            frozen=_describe_frozen(draft, selection, variants, errors, workshop),
            choices=tuple(_choices_to_keep(selection, variants)),
            variants=tuple(_to_stored(variant) for variant in variants),
            boot=boot,
            now=now,
        )
        use_up_pins(database, slug, [choice.article.id for choice in selection.shown])
        return queue_deliveries(database, lease, slug, now=now)


def _render_all(
    draft: Draft, keys: Iterable[VariantKey], workshop: Workshop, keep_lease: Callable[[], None]
) -> dict[VariantKey, RenderedVariant]:
    """What each group gets, and what everybody else would, which the issue keeps as its selection."""
    rendered = {}
    for variant in render_variants(draft, dict.fromkeys((_EVERYBODY, *keys)), workshop):
        rendered[variant.key] = variant
        keep_lease()
    return rendered


def _inspect(
    draft: Draft,
    variants: Mapping[VariantKey, RenderedVariant],
    lease: Lease,
    workshop: Workshop,
    keep_lease: Callable[[], None],
) -> tuple[Finding, ...]:
    """The errors that the contract finds; groups with the same contents share one rendering and one check."""
    distinct = {id(variant.rendering): (key, variant) for key, variant in variants.items()}
    letterhead = letterhead_of_draft(draft, dict(distinct.values()), workshop, issue_id=lease.issue_id)
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
        "template": template,
        "template_hash": workshop.templates.hash(template),
        "nonce": workshop.nonce(edition),
        "candidates": selection.candidates,
        "views_total": selection.views_total,
        "overridden": [f"{finding.rule}: {finding.message}" for finding in overridden],
        "version": __version__,
    }


def _choices_to_keep(selection: Selection, variants: Iterable[RenderedVariant]) -> Iterator[FrozenChoice]:
    """The selection with its reasons, then articles that only some groups of readers are shown."""
    kept: set[str] = set()
    for choice in (*selection.shown, *selection.passed_over):
        kept.add(choice.article.id)
        yield _freeze(choice)
    for variant in variants:
        for choice in variant.shown:
            if choice.article.id not in kept:
                kept.add(choice.article.id)
                yield _freeze(replace(choice, position=None))


def _freeze(choice: Choice) -> FrozenChoice:
    return FrozenChoice(article_id=choice.article.id, position=choice.position, choice=choice_to_json(choice))


def _to_stored(variant: RenderedVariant) -> Variant:
    rendering = variant.rendering
    return Variant(
        key=variant.key.key,
        article_ids=tuple(choice.article.id for choice in variant.shown),
        subject=rendering.subject,
        preheader=rendering.preheader,
        html=rendering.html,
        text=rendering.text,
    )
