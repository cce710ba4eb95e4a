"""An issue rendered once for all its readers of one language: a page that holds every article any of them is shown.

A page is rendered with marks between its pieces; what one group of readers gets, or a single one, is a selection: its
pieces joined, byte for byte what rendering these articles alone would give (`digest.render.issue`).
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, ClassVar, Self

from digest.errors import RenderError
from digest.language import Language
from digest.render.build import build_page, range_in_words, section_in_words, size_in_words
from digest.render.chart import known_views, shorten_number
from digest.render.cut import Passing, Place, Segment, Shape, TextWriter, cut
from digest.render.frames import bare_frames
from digest.render.inbox import Headline, InboxLines
from digest.render.inline import inline_css
from digest.render.issue import tighten, trim_lines
from digest.render.marks import HtmlMarks, Marked, TextMarks
from digest.render.request import Rendering, RenderRequest
from digest.render.scaffold import HtmlScaffolds
from digest.render.slots import Slot, SlottedText, as_line, escape_html
from digest.render.templates import HTML_FILE, TEXT_FILE, TemplateLibrary
from digest.render.words import COUNT, PREHEADER, SIZE, SUBJECT


@dataclass(frozen=True, kw_only=True)
class PageWords:
    """All a page says in its language besides its template: kept with it, as catalogues may change."""

    locale: str
    """The language's tag: how numbers are written."""
    date: str
    """The edition date."""
    range: str
    """The days it covers."""
    numbers: tuple[str, ...]
    """1, 2, 3 … as many as the page has articles."""
    sizes: tuple[str, ...]
    """The same with "article" or "articles"."""
    labels: tuple[str, ...]
    """What the figure of so many articles counts."""

    @classmethod
    def of(cls, request: RenderRequest, language: Language) -> Self:
        """Those of a page's articles."""
        counts = range(1, len(request.shown) + 1)
        return cls(
            locale=language.code,
            date=language.date(request.edition),
            range=range_in_words(request, language),
            numbers=tuple(map(language.number, counts)),
            sizes=tuple(size_in_words(count, language) for count in counts),
            labels=tuple(language.ngettext("article", "articles", count) for count in counts),
        )

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Self:
        """Those that `to_json` wrote."""
        read: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value for name, value in values.items()
        }
        return cls(**read)

    def to_json(self) -> dict[str, Any]:
        """As plain values."""
        return asdict(self)


@dataclass(frozen=True, kw_only=True)
class Leaves:
    """A selection as what is the same in many messages, in order: fit to be encoded once and joined.

    The same text is the same object each time, but for what is `Passing`.
    """

    subject: str
    preheader: str
    html: tuple[Segment, ...]
    text: tuple[Segment, ...]


@dataclass(frozen=True, kw_only=True)
class Selected:
    """A selection, ready to be filled for a subscriber."""

    subject: str
    preheader: str
    html: SlottedText
    text: SlottedText


class Page:
    """A page that was rendered, cut at its marks. It keeps what it has put together; threads may share it."""

    def __init__(self, html: str, text: str, request: RenderRequest, words: PageWords) -> None:
        """Cut a page.

        Args:
            html: the HTML part with its marks, styles inlined.
            text: the plain-text part with its marks, lines not broken yet.
            request: what it was rendered from; its articles are those of the page.
            words: what it says in its language.

        Raises:
            RenderError: a mark or slot is damaged.
        """
        self.html, self.text, self.request, self.words = html, text, request, words
        self.article_ids = tuple(choice.article.id for choice in request.shown)
        self._places = {article_id: index for index, article_id in enumerate(self.article_ids)}
        self._html = HtmlScaffolds(cut(html, HtmlMarks(request.nonce)))
        self._text = cut(text, TextMarks(request.nonce))
        self._facts = _Facts(request, words)

    def places_of(self, article_ids: Iterable[str]) -> tuple[int, ...]:
        """The indices of articles of the page, in their order."""
        return tuple(self._places[article_id] for article_id in article_ids)

    def leaves(self, articles: Sequence[int]) -> Leaves:
        """A selection: these articles in this order, by their index in the page.

        Raises:
            RenderError: there are none, or the pattern of the subject gives nothing.
        """
        if not articles:
            raise RenderError(f"a selection of {self.request.newsletter.slug} without articles cannot be shown")
        chosen = _Chosen(self._facts, articles)
        return Leaves(
            subject=chosen.word(SUBJECT),
            preheader=chosen.word(PREHEADER),
            html=self._html.write(chosen.shape),
            text=TextWriter().write(self._text, chosen.shape),
        )

    def select(self, articles: Sequence[int]) -> Selected:
        """The same with its text joined between the slots."""
        leaves = self.leaves(articles)
        return Selected(
            subject=leaves.subject,
            preheader=leaves.preheader,
            html=SlottedText.join(leaves.html, escape_html),
            text=SlottedText.join(leaves.text, as_line),
        )

    def render(self, articles: Sequence[int]) -> Rendering:
        """The same as a rendering, with a marker at each slot."""
        leaves, nonce = self.leaves(articles), self.request.nonce
        html, text = (
            "".join(part.mark(nonce) if isinstance(part, Slot) else part for part in segments)
            for segments in (leaves.html, leaves.text)
        )
        return Rendering(subject=leaves.subject, preheader=leaves.preheader, html=html, text=text)


def render_page(request: RenderRequest, library: TemplateLibrary) -> Page:
    """Render the articles of a request as a page.

    Raises:
        RenderError: the template or an article cannot be rendered, or the template does not say what its pieces are;
            `digest.render.issue.render_issue` then renders each selection by itself.
        SettingsError: there is no such locale.
    """
    template, language = request.newsletter.template, library.language(request.locale)
    context, pool = build_page(request, language)
    html = bare_frames(inline_css(tighten(library.render(template, HTML_FILE, context, Marked(pool)))), request.nonce)
    text = trim_lines(library.render(template, TEXT_FILE, context, Marked(pool))).lstrip()
    return Page(html, text, request, PageWords.of(request, language))


class _Facts:
    """What the words of selections are made from."""

    def __init__(self, request: RenderRequest, words: PageWords) -> None:
        self.words = words
        self.views = [known_views(choice) for choice in request.shown]
        sections = [section_in_words(choice.article) for choice in request.shown]
        names = list(dict.fromkeys(sections))
        self.sections = [names.index(section) for section in sections]
        """The number of each article's section, by its first article."""
        self.nameless = names.index("") if "" in names else None
        self.headlines = [Headline.of(choice) for choice in request.shown]
        self.lines = InboxLines(request, words.date)
        self._subjects: dict[tuple[int, int], str] = {}

    def subject(self, lead: int, count: int) -> str:
        """The subject of a selection, which hangs on no other of its articles."""
        if (lead, count) not in self._subjects:
            subject = self.lines.subject(self.headlines[lead], self.words.numbers[count - 1])
            self._subjects[lead, count] = subject
        return self._subjects[lead, count]

    def preheader(self, articles: Sequence[int]) -> str:
        """The preheader of a selection."""
        words, at = self.words, len(articles) - 1
        headlines = [self.headlines[index] for index in articles]
        return self.lines.preheader(headlines, words.numbers[at], f"{words.range} · {words.sizes[at]}")


class _Chosen:
    """What one selection says of itself, worked out as it is asked for."""

    def __init__(self, facts: _Facts, articles: Sequence[int]) -> None:
        self._facts = facts
        self._articles = articles
        self._said: dict[str, str] = {}
        self._sections = {facts.sections[index] for index in articles} - {facts.nameless}
        self._views = sum([facts.views[index] for index in articles])
        places = list(enumerate(articles, 1))
        self.shape = Shape(places=places, sections=self._group, figures=self._figures, word=self.word)

    def word(self, name: str) -> str:
        """A word of the selection by name."""
        if name not in self._said:
            self._said[name] = self._SAYINGS[name](self)
        return self._said[name]

    def _subject(self) -> str:
        return self._facts.subject(self._articles[0], len(self._articles))

    def _preheader(self) -> str:
        return Passing(self._facts.preheader(self._articles))

    def _number(self) -> str:
        return self._facts.words.numbers[len(self._articles) - 1]

    def _size(self) -> str:
        return self._facts.words.sizes[len(self._articles) - 1]

    def _label(self) -> str:
        return self._facts.words.labels[len(self._articles) - 1]

    def _views_in_short(self) -> str:
        return Passing(shorten_number(self._views, self._facts.words.locale))

    def _sections_number(self) -> str:
        return self._facts.words.numbers[len(self._sections) - 1]

    def _figures(self) -> str:
        """As `digest.render.chart.build_figures` chooses them."""
        if len(self._articles) == 1:
            return ""
        return f"articles{' views' * (self._views > 0)}{' sections' * (len(self._sections) > 1)}"

    def _group(self) -> Mapping[int, Sequence[Place]]:
        groups: dict[int, list[Place]] = {}
        for place in self.shape.places:
            groups.setdefault(self._facts.sections[place[1]], []).append(place)
        return groups

    _SAYINGS: ClassVar[Mapping[str, Callable[["_Chosen"], str]]] = {
        SUBJECT: _subject,
        PREHEADER: _preheader,
        COUNT: lambda self: str(len(self._articles)),
        SIZE: _size,
        "figure_articles": _number,
        "figure_articles_label": _label,
        "figure_views": _views_in_short,
        "figure_sections": _sections_number,
    }
