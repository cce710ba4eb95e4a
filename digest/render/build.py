"""From the chosen articles to what a template can use: cleaned, shortened, put into words."""

from dataclasses import replace
from typing import Any
from zoneinfo import ZoneInfo

from digest.errors import RenderError
from digest.language import Language, direction_of, language_of_script
from digest.model import Article, Choice, ReasonCode
from digest.render.brand import build_brand, read_markdown
from digest.render.chart import bar_length, build_figures, known_views
from digest.render.clean import clean_line
from digest.render.context import (
    ArticleContext,
    DigestContext,
    EditionContext,
    FigureContext,
    FooterContext,
    LinksContext,
    NewsletterContext,
    SectionContext,
    SiteContext,
)
from digest.render.image import choose_image
from digest.render.inbox import write_inbox_lines
from digest.render.links import clean_article_url, clean_url
from digest.render.marks import LEAD, OTHER, Pool
from digest.render.request import RenderRequest
from digest.render.slots import slot_marker
from digest.render.subscriber import build_subscriber
from digest.render.width import shorten
from digest.render.words import COUNT, PREHEADER, SIZE, SUBJECT, Place, Unknown, word

TITLE_COLUMNS = 200
LEAD_EXCERPT_COLUMNS = 180
EXCERPT_COLUMNS = 110
SUBHEAD_COLUMNS = 140
SUBHEADS_SHOWN = 5


def build_context(request: RenderRequest, language: Language) -> DigestContext:
    """What the request's template can use.

    Raises:
        RenderError: there is no article, or an article's address cannot be used.
    """
    if not request.shown:
        raise RenderError(f"an issue of {request.newsletter.slug} without articles cannot be rendered")
    edition = _build_edition(request, language)
    articles = tuple(
        _build_article(choice, position, request, language) for position, choice in enumerate(request.shown, start=1)
    )
    subject, preheader = write_inbox_lines(request, language, f"{edition.range} · {edition.size}")
    return DigestContext(
        language=language,
        subject=subject,
        preheader=preheader,
        site=_build_site(request),
        newsletter=NewsletterContext(slug=request.newsletter.slug, title=clean_line(request.newsletter.title)),
        brand=build_brand(request),
        edition=edition,
        # The intro stands between the name (h1) and the first headline (h2).
        intro=read_markdown(request.intro, heading="h2"),
        lead=articles[0],
        articles=articles[1:],
        sections=_group_by_section(articles, language),
        links=_build_links(request),
        subscriber=build_subscriber(request, language),
        footer=_build_footer(request),
    )


def build_page(request: RenderRequest, language: Language) -> tuple[DigestContext, Pool]:
    """What the template of a page can use, and what its pieces are made from.

    Raises:
        RenderError: as `build_context`.
    """
    context, nonce = build_context(request, language), request.nonce
    articles = [
        {form: _build_article(choice, position, request, language) for form, position in _FORMS}
        for choice in request.shown
    ]
    for forms in articles:
        forms[OTHER] = replace(forms[OTHER], position=_as_any(Place(nonce)))
    names = list(dict.fromkeys(forms[LEAD].section for forms in articles))
    pool = Pool(
        nonce=nonce,
        articles=articles,
        sections=[_section_forms(name, language) for name in names],
        members=[[i for i, forms in enumerate(articles) if forms[LEAD].section == name] for name in names],
        figures=_figure_words(nonce, language),
    )
    unknown = _as_any(Unknown())
    edition = replace(context.edition, count=word(COUNT, nonce), size=word(SIZE, nonce), figures=unknown)
    words = {"subject": word(SUBJECT, nonce), "preheader": word(PREHEADER, nonce), "edition": edition}
    return replace(context, **words, lead=unknown, articles=unknown, sections=unknown), pool


_FORMS = ((LEAD, 1), (OTHER, 2))


def _as_any(value: Any) -> Any:
    return value


def _section_forms(name: str, language: Language) -> tuple[SectionContext, ...]:
    """Among others, and, for articles without a section, also alone: they have another heading then."""
    alone = (False,) if name else (False, True)
    unknown = _as_any(Unknown())
    return tuple(
        SectionContext(name=name, heading=_heading(name, language, is_alone=is_alone), top=unknown, others=unknown)
        for is_alone in alone
    )


def _figure_words(nonce: str, language: Language) -> dict[str, FigureContext]:
    articles = FigureContext(value=word("figure_articles", nonce), label=word("figure_articles_label", nonce))
    return {
        "articles": articles,
        "views": FigureContext(value=word("figure_views", nonce), label=language.gettext("total views")),
        "sections": FigureContext(value=word("figure_sections", nonce), label=language.gettext("sections")),
    }


def _build_site(request: RenderRequest) -> SiteContext:
    site = request.site
    return SiteContext(
        name=clean_line(site.name), postal_address=clean_line(site.postal_address), phone=clean_line(site.phone)
    )


def _build_footer(request: RenderRequest) -> FooterContext:
    return FooterContext(
        address=slot_marker("address", request.nonce),
        sender=clean_line(request.newsletter.mailbox.display_name) or clean_line(request.site.name),
        is_advertising=request.newsletter.advertising,
    )


def _build_edition(request: RenderRequest, language: Language) -> EditionContext:
    count = len(request.shown)
    return EditionContext(
        date=language.date(request.edition),
        range=range_in_words(request, language),
        count=count,
        size=size_in_words(count, language),
        figures=build_figures(request, language),
    )


def range_in_words(request: RenderRequest, language: Language) -> str:
    """The days an issue covers."""
    zone = ZoneInfo(request.window.timezone)
    first = request.window.start.astimezone(zone).date()
    # The end is excluded: a window that ends at midnight does not cover the day that begins there.
    last = (request.window.end.astimezone(zone) - request.window.end.resolution).date()
    return language.date_range(first, max(first, last))


def size_in_words(count: int, language: Language) -> str:
    """So many articles ("10 articles")."""
    articles = language.ngettext("%(count)s article", "%(count)s articles", count)
    return articles % {"count": language.number(count)}


def _build_links(request: RenderRequest) -> LinksContext:
    return LinksContext(
        site=clean_url(request.site.url) if request.site.url else "",
        preferences=slot_marker("preferences_url", request.nonce),
        unsubscribe=slot_marker("unsubscribe_url", request.nonce),
        archive=_archive_address(request),
    )


def _archive_address(request: RenderRequest) -> str:
    """Only where a publisher said where digest's own pages are: elsewhere the link would lead nowhere."""
    if not (request.site.public_url and request.newsletter.archive):
        return ""
    return f"{clean_url(request.site.public_url)}/archive/{request.newsletter.slug}/{request.edition}"


def _build_article(choice: Choice, position: int, request: RenderRequest, language: Language) -> ArticleContext:
    article = choice.article
    is_lead = position == 1
    published = article.published_at.astimezone(ZoneInfo(request.window.timezone))
    tag = _foreign_language(article, language)
    return ArticleContext(
        position=position,
        is_pinned=any(reason.code is ReasonCode.PINNED for reason in choice.reasons),
        title=_headline(article),
        url=article_address(article, request),
        subheads=tuple(_subheads(article, request.excerpt_share)),
        excerpt=_excerpt(article, LEAD_EXCERPT_COLUMNS if is_lead else EXCERPT_COLUMNS, request.excerpt_share),
        image=choose_image(article) if request.newsletter.images else None,
        section=section_in_words(article),
        source=clean_line(article.source),
        author=clean_line(article.author),
        published=language.moment(published),
        views=known_views(choice),
        bar=bar_length(choice, request),
        language=tag,
        direction=direction_of(tag) if tag else "",
    )


def article_address(article: Article, request: RenderRequest) -> str:
    """Where links to an article lead, with the newsletter's utm parameters where they belong.

    Raises:
        RenderError: it cannot be linked to.
    """
    return request.campaign.mark(clean_article_url(article.url))


def section_in_words(article: Article) -> str:
    """The section as readers know it, or ""."""
    return clean_line(article.section_name or article.section)


def _headline(article: Article) -> str:
    """The title; a link needs text, so an article without one shows its address."""
    return shorten(clean_line(article.title), TITLE_COLUMNS) or clean_article_url(article.url)


def _subheads(article: Article, share: float) -> list[str]:
    lines = [shorten(clean_line(subhead), SUBHEAD_COLUMNS) for subhead in article.subheads]
    return [line for line in lines if line][: int(SUBHEADS_SHOWN * share)]


def _excerpt(article: Article, columns: int, share: float) -> str:
    room = int(columns * share)
    return shorten(clean_line(article.excerpt), room) if room else ""


def _group_by_section(articles: tuple[ArticleContext, ...], language: Language) -> tuple[SectionContext, ...]:
    """Sections in the order of their first article."""
    groups: dict[str, list[ArticleContext]] = {}
    for article in articles:
        groups.setdefault(article.section, []).append(article)
    return tuple(
        SectionContext(
            name=name,
            heading=_heading(name, language, is_alone=len(groups) == 1),
            top=top,
            others=tuple(others),
        )
        for name, (top, *others) in groups.items()
    )


def _heading(name: str, language: Language, *, is_alone: bool) -> str:
    return name or (language.gettext("Most read") if is_alone else language.gettext("Other stories"))


def _foreign_language(article: Article, language: Language) -> str:
    """The article's tag where a screen reader must change its voice; "" for the issue's own or an unknown one.

    Few sources state it, and a Korean article in an English issue shows it by its letters.
    """
    tag = article.language.replace("_", "-") or language_of_script(f"{article.title} {article.excerpt}")
    is_same = tag.split("-")[0].lower() == language.code.split("-")[0].lower()
    return "" if is_same or not direction_of(tag) else tag
