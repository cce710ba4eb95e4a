"""Past issues as the web shows them: from what was frozen, for everybody, in one of the languages an issue has."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from digest.language import Language
from digest.proof import open_bodies
from digest.render.build import build_context
from digest.render.context import ArticleContext, WrittenContext
from digest.render.request import RenderRequest
from digest.store.archive import PublishedIssue
from digest.store.database import Database
from digest.store.groups import VariantKey, make_variant_key
from digest.store.issues import Issue, get_issue_by_id, list_choices, list_variants
from digest.store.pages import list_pages
from digest.variants import Workshop, request_of_frozen

_EVERYBODY = make_variant_key("", ())
"""Those without wishes of their own."""


@dataclass(frozen=True, kw_only=True)
class Picture:
    """The lead's picture in its full size."""

    url: str
    width: int
    height: int
    alt: str


@dataclass(frozen=True, kw_only=True)
class IssueContents:
    """What an issue says, apart from how it looks."""

    intro: WrittenContext
    """The editor's words; both are "" where there are none."""
    articles: tuple[ArticleContext, ...]
    """In order, the lead first."""
    picture: Picture | None
    """None where the lead has none, or the newsletter shows none."""


@dataclass(frozen=True, kw_only=True)
class ArchivedIssue:
    """An issue in one language, as those got it who have no wishes of their own."""

    published: PublishedIssue
    language: Language
    locale: str
    """That language as the issue names it."""
    locales: tuple[str, ...]
    """Every language it can be had in, its own first."""
    subject: str
    preheader: str
    html: str
    """The HTML part, with a marker at each slot."""
    nonce: str
    """What is in each marker."""
    reason: str
    """The packaged templates' words on why a reader gets the mail: they are no one's here."""
    contents: IssueContents


def headline(subject: str, newsletter: str) -> str:
    """A subject where the newsletter's name stands beside it already.

    >>> headline("A bridge opens · The Weekly", "The Weekly")
    'A bridge opens'
    """
    return subject.removesuffix(f" · {newsletter}") or subject


def open_archived(database: Database, published: PublishedIssue, workshop: Workshop, locale: str) -> ArchivedIssue:
    """An issue in a language; in its own where it was not made in that one.

    Raises:
        SettingsError: the catalogue of its language is gone.
        RenderError: what was frozen is damaged.
    """
    issue, choices = get_issue_by_id(database, published.id), list_choices(database, published.id)
    bodies = open_bodies(database, issue)
    shown = bodies.article_ids(_EVERYBODY.key)
    keys = _keys_by_locale(database, issue, shown, bodies, workshop)
    locale = locale if locale in keys else own_locale(issue)
    rendering, language = bodies.rendering(keys[locale].key), workshop.templates.language(locale)
    request = request_of_frozen(issue, choices, shown, locale=locale)
    return ArchivedIssue(
        published=published,
        language=language,
        locale=locale,
        locales=tuple(keys),
        subject=rendering.subject,
        preheader=rendering.preheader,
        html=request.campaign.clear(rendering.html),
        nonce=request.nonce,
        reason=_reason(request, language),
        contents=_contents(request, language),
    )


def read_contents(database: Database, published: PublishedIssue, workshop: Workshop) -> IssueContents:
    """What an issue says, in its own language.

    Raises:
        SettingsError: the catalogue of its language is gone.
    """
    issue, choices = get_issue_by_id(database, published.id), list_choices(database, published.id)
    shown = next(each.article_ids for each in list_variants(database, issue.id) if each.key == _EVERYBODY.key)
    locale = own_locale(issue)
    return _contents(request_of_frozen(issue, choices, shown, locale=locale), workshop.templates.language(locale))


def own_locale(issue: Issue) -> str:
    """The language of the newsletter when the issue was made."""
    frozen = issue.frozen
    return str(frozen.get("locale") or frozen["newsletter"].get("locale") or frozen["site"]["locale"])


def _keys_by_locale(
    database: Database, issue: Issue, shown: Sequence[str], keys: Iterable[str], workshop: Workshop
) -> dict[str, VariantKey]:
    """What to open for each language: of its page, or where it has none, what its readers of all sections got."""
    own = own_locale(issue)
    found = {own: _EVERYBODY}
    for page in list_pages(database, issue.id):
        if page.locale != own:
            places = [page.article_ids.index(article_id) for article_id in shown]
            found[page.locale] = make_variant_key(page.locale, (), places)
    for key in map(VariantKey.parse, keys):
        if not (key.sections or key.articles) and workshop.locale_for(key.locale, own) == key.locale:
            found.setdefault(key.locale, key)
    return found


def _reason(request: RenderRequest, language: Language) -> str:
    words = language.gettext("You receive this e-mail because you subscribed to %(newsletter)s at %(site)s.")
    return words % {"newsletter": request.newsletter.title, "site": request.site.name}


def _contents(request: RenderRequest, language: Language) -> IssueContents:
    """Without what tells a publisher that readers came by mail."""
    newsletter = request.newsletter.model_copy(update={"utm": ""})
    context = build_context(replace(request, newsletter=newsletter), language)
    return IssueContents(
        intro=context.intro, articles=(context.lead, *context.articles), picture=_picture(request, context.lead)
    )


def _picture(request: RenderRequest, lead: ArticleContext) -> Picture | None:
    article, shown = request.shown[0].article, lead.image
    if shown is None:
        return None
    width, height = article.image_width or shown.width, article.image_height or shown.height
    return Picture(url=shown.url, width=width, height=height, alt=shown.alt)
