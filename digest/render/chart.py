"""Views as figures: the length of each article's bar, and the issue in numbers."""

from collections.abc import Iterable, Iterator
from functools import lru_cache

from babel.numbers import format_compact_decimal, format_decimal

from digest.language import Language
from digest.model import Choice
from digest.render.context import FigureContext
from digest.render.request import RenderRequest

_SHORTENED_FROM = 10_000
_FEWEST = 2
"""Figures of a shortened number."""
_KEPT = 1 << 14
"""Numbers that are remembered: an issue's readers with a choice of their own see as many sums."""


def known_views(choice: Choice) -> int:
    """The views of an article inside the window; 0 where they are not known or cannot be compared."""
    return choice.count.views if choice.count.kind.can_be_ranked else 0


def most_viewed(shown: Iterable[Choice]) -> int:
    """The views of the most viewed of these articles; 0 where none are known."""
    return max(map(known_views, shown), default=0)


def bar_length(choice: Choice, request: RenderRequest) -> int:
    """The article's views in percent of those of the most viewed in the issue, 1 to 100; 0 for no bar."""
    views = known_views(choice)
    if not (views and request.newsletter.view_bars):
        return 0
    most = max(request.most_viewed or most_viewed(request.shown), views)
    return max(1, round(100 * views / most))


def build_figures(request: RenderRequest, language: Language) -> tuple[FigureContext, ...]:
    """The issue in numbers; what nobody counted is left out, a single section, and all where there is one article."""
    return tuple(_figures(request, language)) if len(request.shown) > 1 else ()


def _figures(request: RenderRequest, language: Language) -> Iterator[FigureContext]:
    count = len(request.shown)
    yield FigureContext(value=language.number(count), label=language.ngettext("article", "articles", count))
    if views := sum(map(known_views, request.shown)):
        yield FigureContext(value=shorten_number(views, language.code), label=language.gettext("total views"))
    sections = {choice.article.section_name or choice.article.section for choice in request.shown} - {""}
    if len(sections) > 1:
        yield FigureContext(value=language.number(len(sections)), label=language.gettext("sections"))


def shorten_number(number: int, code: str) -> str:
    """Two figures or more, fit for large type: "5.9M", "640만"; below ten thousand all, since nobody writes 9.5천.

    Args:
        number: zero or more.
        code: a BCP 47 tag ("ko").
    """
    locale = code.replace("-", "_")
    if number < _SHORTENED_FROM:
        return _write_out(number, locale)
    return _compact(_first_figures(number, locale), locale)


def _first_figures(number: int, locale: str) -> int:
    """A number that is shortened to the same: behind the figures that are seen, only which way they round counts."""
    digits = len(str(number))
    unit = int(10 ** max(digits - _figures_seen(digits, locale), 0))
    rest = number % unit
    if 2 * rest in (0, unit):
        return number
    return number - rest + (1 if 2 * rest < unit else unit - 1)


@lru_cache(maxsize=_KEPT)
def _figures_seen(digits: int, locale: str) -> int:
    """The figures that numbers of so many digits keep: all in some languages."""
    whole = format_compact_decimal(10 ** (digits - 1), locale=locale)
    return max(sum(map(str.isdigit, whole)), _FEWEST)


@lru_cache(maxsize=_KEPT)
def _write_out(number: int, locale: str) -> str:
    return str(format_decimal(number, locale=locale))


@lru_cache(maxsize=_KEPT)
def _compact(number: int, locale: str) -> str:
    whole = format_compact_decimal(number, locale=locale)
    is_short = sum(letter.isdigit() for letter in whole) == 1
    short = format_compact_decimal(number, locale=locale, fraction_digits=1) if is_short else whole
    return short.replace("\N{NO-BREAK SPACE}", " ")
