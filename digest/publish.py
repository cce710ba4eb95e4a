"""One issue from draft to frozen: rendered for every group of readers, fixed, and queued, in one transaction.

A preview, a test send and the real send go through the same `render_draft`.
"""

from base64 import encodebytes
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from digest import __version__
from digest.check.message import CLIP_BYTES
from digest.clock import BootTime
from digest.compose import Draft, Edition, select_for
from digest.errors import IssueError, RenderError, SettingsError
from digest.frozen import choice_from_json, choice_to_json, window_from_json, window_to_json
from digest.mail.links import make_slot_nonce
from digest.model import Choice, Selection
from digest.render.issue import Rendering, RenderRequest, render_issue
from digest.render.templates import TemplateLibrary
from digest.settings import NewsletterSettings, SiteSettings
from digest.store.articles import use_up_pins
from digest.store.database import Database
from digest.store.issues import FrozenChoice, Issue, Variant, freeze_issue
from digest.store.leases import Lease
from digest.store.ledger import VariantKey, list_variant_keys, queue_deliveries

SLOTS_MARGIN = 2048
"""Bytes that a reader's own links and address may add to a rendering, as encoded."""


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

    @property
    def shown(self) -> tuple[Choice, ...]:
        """The articles in order."""
        return self.selection.shown


def publish_draft(
    database: Database,
    lease: Lease,
    draft: Draft,
    workshop: Workshop,
    *,
    boot: BootTime,
    now: datetime,
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
        keep_lease: called after each rendering; many groups of readers may take longer than a lease.

    Returns:
        How many deliveries were queued.

    Raises:
        RenderError: a template is wrong, or a mail would be clipped; nothing was frozen.
        LeaseLostError: another process took the issue over; nothing was frozen.
    """
    newsletter = draft.edition.newsletter
    keys = list_variant_keys(database, newsletter.slug)
    variants = []
    for variant in render_variants(draft, keys, workshop):
        _refuse_clipped(variant)
        variants.append(variant)
        keep_lease()
    with database.transaction():
        freeze_issue(
            database,
            lease,
            frozen=_describe_frozen(draft, workshop),
            choices=tuple(_choices_to_keep(draft, variants)),
            variants=tuple(_to_stored(variant) for variant in variants),
            boot=boot,
            now=now,
        )
        use_up_pins(database, newsletter.slug, [choice.article.id for choice in draft.selection.shown])
        return queue_deliveries(database, lease, newsletter.slug, now=now)


def render_variants(draft: Draft, keys: Iterable[VariantKey], workshop: Workshop) -> Iterator[RenderedVariant]:
    """What each group of readers gets; groups whose sections have no article get nothing and are left out."""
    own = draft.edition.settings.locale_of(draft.edition.newsletter)
    done: dict[tuple[str, tuple[str, ...]], Rendering] = {}
    for key in keys:
        selection = select_for(draft, key.sections)
        if not selection.shown:
            continue
        # Different wishes often lead to the same contents, which are then rendered once.
        contents = (workshop.locale_for(key.locale, own), tuple(choice.article.id for choice in selection.shown))
        if contents not in done:
            done[contents] = render_draft(draft, key.locale, selection.shown, workshop)
        yield RenderedVariant(key=key, selection=selection, rendering=done[contents])


def _refuse_clipped(variant: RenderedVariant) -> None:
    """Gmail cuts a long mail off, and its unsubscribe link with it."""
    size = len(encodebytes(variant.rendering.html.encode())) + SLOTS_MARGIN
    if size >= CLIP_BYTES:
        raise RenderError(
            f"the HTML part would have {size:,} encoded bytes, and Gmail clips at {CLIP_BYTES:,}: lower the "
            "newsletter's limit, or shorten its template"
        )


def render_draft(draft: Draft, locale: str, shown: tuple[Choice, ...], workshop: Workshop) -> Rendering:
    """Render a selection of a draft in a language; "" or one without a catalogue means the newsletter's own."""
    edition = draft.edition
    request = RenderRequest(
        site=edition.settings.site,
        newsletter=edition.newsletter,
        edition=edition.date,
        window=edition.window,
        shown=shown,
        locale=workshop.locale_for(locale, edition.settings.locale_of(edition.newsletter)),
        nonce=workshop.nonce(edition),
    )
    return render_issue(request, workshop.templates)


def render_frozen(issue: Issue, choices: Iterable[FrozenChoice], variant: Variant, workshop: Workshop) -> Rendering:
    """Render a frozen issue's variant again, from nothing but what was frozen.

    The bytes equal the frozen ones as long as the template is the same.

    Raises:
        IssueError: the template has changed since.
    """
    frozen = issue.frozen
    if workshop.templates.hash(frozen["template"]) != frozen["template_hash"]:
        raise IssueError(
            f"the template {frozen['template']!r} has changed since {issue.newsletter} {issue.edition} was frozen"
        )
    by_id = {choice.article_id: choice_from_json(dict(choice.choice)) for choice in choices}
    shown = tuple(
        replace(by_id[article_id], position=position) for position, article_id in enumerate(variant.article_ids, 1)
    )
    request = RenderRequest(
        site=SiteSettings.model_validate(frozen["site"]),
        newsletter=NewsletterSettings.model_validate(frozen["newsletter"]),
        edition=issue.edition,
        window=window_from_json(frozen["window"]),
        shown=shown,
        locale=workshop.locale_for(VariantKey.parse(variant.key).locale, frozen["locale"]),
        nonce=frozen["nonce"],
    )
    return render_issue(request, workshop.templates)


def _describe_frozen(draft: Draft, workshop: Workshop) -> dict[str, Any]:
    edition = draft.edition
    template = edition.newsletter.template
    return {
        "window": window_to_json(edition.window),
        "locale": edition.settings.locale_of(edition.newsletter),
        "newsletter": edition.newsletter.model_dump(mode="json", by_alias=True),
        "site": edition.settings.site.model_dump(mode="json", exclude={"secret_key"}),
        "template": template,
        "template_hash": workshop.templates.hash(template),
        "nonce": workshop.nonce(edition),
        "candidates": draft.selection.candidates,
        "views_total": draft.selection.views_total,
        "version": __version__,
    }


def _choices_to_keep(draft: Draft, variants: Iterable[RenderedVariant]) -> Iterator[FrozenChoice]:
    """The selection with its reasons, then articles that only some groups of readers are shown."""
    kept: set[str] = set()
    for choice in (*draft.selection.shown, *draft.selection.passed_over):
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
