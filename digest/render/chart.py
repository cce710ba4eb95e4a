"""Views as figures: the length of each article's bar, and the issue in numbers."""

from collections.abc import Iterator

from babel.numbers import format_compact_decimal

from digest.language import Language
from digest.model import Choice
from digest.render.context import FigureContext
from digest.render.request import RenderRequest

_SHORTENED_FROM = 10_000


def known_views(choice: Choice) -> int:
    """The views of an article inside the window; 0 where they are not known or cannot be compared."""
    return choice.count.views if choice.count.kind.can_be_ranked else 0


def bar_length(choice: Choice, request: RenderRequest) -> int:
    """The article's views in percent of those of the most viewed in the issue, 1 to 100; 0 for no bar."""
    views = known_views(choice)
    if not (views and request.newsletter.view_bars):
        return 0
    return max(1, round(100 * views / max(map(known_views, request.shown))))


def build_figures(request: RenderRequest, language: Language) -> tuple[FigureContext, ...]:
    """The issue in numbers; what nobody counted is left out, a single section, and all where there is one article."""
    return tuple(_figures(request, language)) if len(request.shown) > 1 else ()


def _figures(request: RenderRequest, language: Language) -> Iterator[FigureContext]:
    count = len(request.shown)
    yield FigureContext(value=language.number(count), label=language.ngettext("article", "articles", count))
    if views := sum(map(known_views, request.shown)):
        yield FigureContext(value=_shorten(views, language), label=language.gettext("total views"))
    sections = {choice.article.section_name or choice.article.section for choice in request.shown} - {""}
    if len(sections) > 1:
        yield FigureContext(value=language.number(len(sections)), label=language.gettext("sections"))


def _shorten(number: int, language: Language) -> str:
    """Two figures or more, fit for large type: "5.9M", "640만"; below ten thousand all, since nobody writes 9.5천."""
    if number < _SHORTENED_FROM:
        return language.number(number)
    locale = language.code.replace("-", "_")
    whole = format_compact_decimal(number, locale=locale)
    is_short = sum(letter.isdigit() for letter in whole) == 1
    short = format_compact_decimal(number, locale=locale, fraction_digits=1) if is_short else whole
    return short.replace("\N{NO-BREAK SPACE}", " ")
