"""A proof of an issue: what a preview shows, a dry run counts and a test send mails. Nothing is written.

A frozen issue is shown as it was frozen; any other edition as it would be published now.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from digest.compose import Draft, Edition, compose_edition
from digest.deliver.letters import Letterhead, Reader, split_body
from digest.errors import IssueError
from digest.frozen import choice_from_json
from digest.model import Choice, Subscriber
from digest.settings import NewsletterSettings, SiteSettings
from digest.store.database import Database
from digest.store.groups import VariantKey, list_variant_keys, make_variant_key
from digest.store.issues import Issue, Variant, get_issue, list_choices, list_variants
from digest.variants import RenderedVariant, Workshop, letterhead_of_draft, render_variants


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


def letterhead_of_issue(database: Database, issue: Issue, key: bytes) -> Letterhead:
    """What the messages of a frozen issue share, from what was frozen.

    Raises:
        IssueError: it is not frozen yet.
    """
    if issue.frozen_at is None:
        raise IssueError(f"{issue.newsletter} {issue.edition} is {issue.state} and has no contents")
    return _letterhead_of_variants(issue, issue.frozen_at, list_variants(database, issue.id), key)


def _letterhead_of_variants(issue: Issue, at: datetime, variants: Iterable[Variant], key: bytes) -> Letterhead:
    nonce = issue.frozen["nonce"]
    return Letterhead(
        site=SiteSettings.model_validate(issue.frozen["site"]),
        newsletter=NewsletterSettings.model_validate(issue.frozen["newsletter"]),
        edition=issue.edition,
        issue_id=issue.id,
        date=at,
        key=key,
        bodies={v.key: split_body(v.subject, v.html, v.text, nonce) for v in variants},
    )


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
        return _proof_of_issue(database, issue, issue.frozen_at, workshop, wanted)
    draft = compose_edition(database, edition)
    if not draft.selection.shown:
        raise IssueError(_nothing_to_show(draft))
    groups = list_variant_keys(database, slug) if for_everyone else ()
    keys = dict.fromkeys((*groups, wanted))
    variants = {variant.key: variant for variant in render_variants(draft, keys, workshop)}
    return _proof_of_draft(draft, variants, workshop, wanted)


def variant_of(reader: Subscriber, newsletter: str) -> VariantKey:
    """The group a subscriber falls into."""
    sections = {subscription.newsletter: subscription.sections for subscription in reader.subscriptions}
    return make_variant_key(reader.locale, sections.get(newsletter, ()))


def choose_reader(proof: Proof, reader: Subscriber | None) -> Reader:
    """Whom to write the proof's message for; nobody in particular gets the sender's own address."""
    if reader is not None:
        return Reader(subscriber_id=reader.id, address=reader.address, name=reader.name)
    newsletter = proof.letterhead.newsletter
    return Reader(subscriber_id=0, address=newsletter.sender_address, name=newsletter.mailbox.display_name)


def _proof_of_issue(
    database: Database, issue: Issue, frozen_at: datetime, workshop: Workshop, wanted: VariantKey
) -> Proof:
    variants = {variant.key: variant for variant in list_variants(database, issue.id)}
    if wanted.key not in variants:
        raise IssueError(_nothing_for(wanted))
    choices = [choice_from_json(dict(frozen.choice)) for frozen in list_choices(database, issue.id)]
    by_id = {choice.article.id: choice for choice in choices}
    shown = [by_id[article_id] for article_id in variants[wanted.key].article_ids]
    is_default = wanted == make_variant_key("", ())
    return Proof(
        letterhead=_letterhead_of_variants(issue, frozen_at, variants.values(), workshop.key),
        variant=wanted.key,
        preheader=variants[wanted.key].preheader,
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
