"""What each group of readers gets of an issue: rendered once for the group, within the size that mail may have.

A preview, a test send and the real send go through the same `render_variants`.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from digest.compose import Draft, Edition, select_for
from digest.deliver.letters import Letterhead, Reader, VariantBody, slot_values, split_body
from digest.errors import IssueError, SettingsError
from digest.frozen import choice_from_json, window_from_json
from digest.mail.links import make_slot_nonce
from digest.mail.message import encoded_size
from digest.model import Choice, Selection
from digest.render.issue import Rendering, RenderRequest, render_issue
from digest.render.templates import TemplateLibrary
from digest.settings import BrandSettings, NewsletterSettings, SiteSettings
from digest.store.groups import VariantKey
from digest.store.issues import FrozenChoice, Issue, Variant
from digest.trim import fit

WORST_READER = Reader(subscriber_id=10**9, address=f"{'&' * 64}@{'.'.join(['x' * 62] * 3)}")
"""The longest address there may be (RFC 5321 4.5.3.1: 254), of characters that take most room in HTML."""


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


def render_variants(draft: Draft, keys: Iterable[VariantKey], workshop: Workshop) -> Iterator[RenderedVariant]:
    """What each group of readers gets; groups whose sections have no article get nothing and are left out.

    Raises:
        RenderError: a template is wrong.
    """
    own = draft.edition.settings.locale_of(draft.edition.newsletter)
    done: dict[tuple[str, tuple[str, ...]], RenderedVariant] = {}
    for key in keys:
        selection = select_for(draft, key.sections)
        if not selection.shown:
            continue
        # Different wishes often lead to the same contents, which are then rendered once.
        contents = (workshop.locale_for(key.locale, own), tuple(choice.article.id for choice in selection.shown))
        if contents not in done:
            done[contents] = _render_variant(draft, key, selection, workshop)
        yield _as_wished(done[contents], key, selection)


def _render_variant(draft: Draft, key: VariantKey, selection: Selection, workshop: Workshop) -> RenderedVariant:
    letterhead = letterhead_of_draft(draft, {}, workshop)

    def measure(rendering: Rendering) -> int:
        body = split_body(rendering.subject, rendering.html, rendering.text, workshop.nonce(draft.edition))
        return encoded_size(body.html.fill(slot_values(letterhead, WORST_READER)))

    fitted = fit(selection, lambda shown, share: _render(draft, key.locale, shown, share, workshop), measure)
    return RenderedVariant(
        key=key, selection=fitted.selection, rendering=fitted.rendering, excerpt_share=fitted.excerpt_share
    )


def _as_wished(done: RenderedVariant, key: VariantKey, selection: Selection) -> RenderedVariant:
    """The same contents for another group, which had other articles passed over."""
    if done.key == key:
        return done
    kept = len(done.shown)
    dropped = done.selection.passed_over[: len(selection.shown) - kept]
    passed_over = (*dropped, *selection.passed_over)
    return replace(done, key=key, selection=replace(selection, shown=done.shown, passed_over=passed_over))


def letterhead_of_draft(
    draft: Draft, variants: Mapping[VariantKey, RenderedVariant], workshop: Workshop, *, issue_id: int = 0
) -> Letterhead:
    """What the messages of a draft would share.

    Args:
        draft: the issue as it would be published now.
        variants: what each group of readers would get.
        workshop: what rendering needs.
        issue_id: the issue that is being published; 0 in a preview.
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
    )


def _split(rendering: Rendering, nonce: str) -> VariantBody:
    return split_body(rendering.subject, rendering.html, rendering.text, nonce)


def _render(
    draft: Draft, locale: str, shown: tuple[Choice, ...], excerpt_share: float, workshop: Workshop
) -> Rendering:
    request = request_of_draft(draft, shown, workshop, locale=locale, excerpt_share=excerpt_share)
    return render_issue(request, workshop.templates)


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
        excerpt_share=excerpt_share,
    )


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
        # Issues that were frozen before there were brands and words have none.
        brand=BrandSettings.model_validate(frozen.get("brand", {})),
        subject=frozen.get("subject"),
        intro=frozen.get("intro", ""),
        excerpt_share=frozen.get("excerpt_shares", {}).get(variant.key, 1.0),
    )
    return render_issue(request, workshop.templates)
