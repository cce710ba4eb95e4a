"""A proof of an issue: what a preview shows, a dry run counts and a test send mails. Nothing is written.

A frozen issue is shown as it was frozen; any other edition as it would be published now.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from digest.compose import Draft, Edition, compose_edition
from digest.deliver.letters import Letterhead, Reader, VariantBody, split_body
from digest.errors import IssueError
from digest.frozen import choice_from_json
from digest.model import Choice, IssueState, Subscriber
from digest.publish import RenderedVariant, Workshop, render_variants
from digest.settings import NewsletterSettings, SiteSettings
from digest.store.database import Database
from digest.store.issues import Issue, Variant, get_issue, list_choices, list_variants
from digest.store.ledger import VariantKey, list_variant_keys, make_variant_key


@dataclass(frozen=True, kw_only=True)
class Proof:
    """One issue, rendered for every group of readers it has."""

    letterhead: Letterhead
    preheader: str
    shown: tuple[Choice, ...]
    """What readers without wishes of their own are shown."""
    passed_over: tuple[Choice, ...]
    candidates: int
    views_total: int
    is_frozen: bool
    notes: tuple[str, ...] = ()
    """What an editor should know: a shortage, articles that could not be ranked."""

    @property
    def subject(self) -> str:
        """The subject line of readers without wishes of their own."""
        return self.letterhead.bodies[make_variant_key("", ()).key].subject


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


def make_proof(database: Database, edition: Edition, workshop: Workshop, *, reader: Subscriber | None = None) -> Proof:
    """The proof of an edition, for the groups its subscribers fall into and for one more reader.

    Raises:
        IssueError: the edition has no article to show.
        RenderError: a template is wrong.
    """
    issue = get_issue(database, edition.newsletter.slug, edition.date)
    if issue is not None and issue.frozen_at is not None:
        return _proof_of_issue(database, issue, issue.frozen_at, workshop)
    draft = compose_edition(database, edition)
    if not draft.selection.shown:
        raise IssueError(_nothing_to_show(draft))
    keys = list_variant_keys(database, edition.newsletter.slug)
    if reader is not None and (wanted := variant_of(reader, edition.newsletter.slug)) not in keys:
        keys = (*keys, wanted)
    return _proof_of_draft(draft, tuple(render_variants(draft, keys, workshop)), workshop)


def variant_of(reader: Subscriber, newsletter: str) -> VariantKey:
    """The group a subscriber falls into."""
    sections = {subscription.newsletter: subscription.sections for subscription in reader.subscriptions}
    return make_variant_key(reader.locale, sections.get(newsletter, ()))


def write_for(proof: Proof, reader: Subscriber | None) -> tuple[str, Reader]:
    """The variant and the reader to write a message for; nobody in particular gets the sender's own address.

    Raises:
        IssueError: the issue has nothing for the sections this subscriber wants.
    """
    if reader is None:
        mailbox = proof.letterhead.newsletter.mailbox
        return make_variant_key("", ()).key, Reader(
            subscriber_id=0, address=f"{mailbox.username}@{mailbox.domain}", name=mailbox.display_name
        )
    key = variant_of(reader, proof.letterhead.newsletter.slug).key
    if key not in proof.letterhead.bodies:
        raise IssueError(f"this issue has nothing for {reader.address}: no article is of a section they want")
    return key, Reader(subscriber_id=reader.id, address=reader.address, name=reader.name)


def _proof_of_issue(database: Database, issue: Issue, frozen_at: datetime, workshop: Workshop) -> Proof:
    variants = list_variants(database, issue.id)
    choices = [choice_from_json(dict(frozen.choice)) for frozen in list_choices(database, issue.id)]
    default = next(variant for variant in variants if variant.key == make_variant_key("", ()).key)
    return Proof(
        letterhead=_letterhead_of_variants(issue, frozen_at, variants, workshop.key),
        preheader=default.preheader,
        shown=tuple(choice for choice in choices if choice.is_shown),
        passed_over=tuple(choice for choice in choices if not choice.is_shown),
        candidates=issue.frozen["candidates"],
        views_total=issue.frozen["views_total"],
        is_frozen=True,
        notes=() if issue.state is not IssueState.SKIPPED else (issue.reason,),
    )


def _proof_of_draft(draft: Draft, variants: tuple[RenderedVariant, ...], workshop: Workshop) -> Proof:
    edition = draft.edition
    return Proof(
        letterhead=Letterhead(
            site=edition.settings.site,
            newsletter=edition.newsletter,
            edition=edition.date,
            issue_id=0,
            date=edition.now,
            key=workshop.key,
            bodies={variant.key.key: _split(variant, workshop, edition) for variant in variants},
        ),
        preheader=variants[0].rendering.preheader,
        shown=draft.selection.shown,
        passed_over=draft.selection.passed_over,
        candidates=draft.selection.candidates,
        views_total=draft.selection.views_total,
        is_frozen=False,
        notes=tuple(_notes(draft)),
    )


def _split(variant: RenderedVariant, workshop: Workshop, edition: Edition) -> VariantBody:
    rendering = variant.rendering
    return split_body(rendering.subject, rendering.html, rendering.text, workshop.nonce(edition))


def _notes(draft: Draft) -> Iterable[str]:
    if not draft.has_enough_articles:
        yield f"would be skipped: {draft.shortage}"
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
