"""What an inbox shows of an issue before it is opened: the subject and the line after it."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice

from digest.errors import RenderError
from digest.language import Language
from digest.model import Choice
from digest.render.clean import clean_line
from digest.render.request import RenderRequest
from digest.render.width import ELLIPSIS, display_width, is_plain, shorten

SUBJECT_COLUMNS = 70
"""More is cut off in most inboxes."""
PREHEADER_MIN, PREHEADER_MAX = 20, 140
"""Characters. With fewer, clients go on with whatever the body begins with."""
_SHORTEST_TITLE = 16
"""Columns; a headline cut shorter says nothing, so the whole subject is cut instead."""
_SEPARATOR = " · "
_ENOUGH = 2 * PREHEADER_MAX
"""Characters of titles: whatever comes after them cannot change the line."""
_CUT_BETWEEN = range(PREHEADER_MAX // 2 + 3, PREHEADER_MAX + len(_SEPARATOR))
"""Where a title begins of which not a word comes into the line: the line is half full by then, and ends before it."""
ADVERTISING_LABEL = "(광고)"
"""Korean network act, article 50: before the subject of advertising, in Korean whatever the language of the mail."""


@dataclass(frozen=True, kw_only=True)
class Headline:
    """What the inbox may show of one article."""

    title: str
    more: str
    """What goes on after the title, where there is no other article: its subheads or its text."""
    columns: int
    """That the title takes."""
    is_plain: bool
    """Whether a line of titles may end only after it or in it, not at a sentence of its."""

    @classmethod
    def of(cls, choice: Choice) -> "Headline":
        """That of a chosen article, cleaned."""
        article = choice.article
        more = _SEPARATOR.join(map(clean_line, article.subheads)) or clean_line(article.excerpt)
        title = clean_line(article.title)
        return cls(title=title, more=more, columns=display_width(title), is_plain=is_plain(title))


class InboxLines:
    """Writes both lines of any selection of articles."""

    def __init__(self, request: RenderRequest, date: str) -> None:
        """Prepare.

        Args:
            request: the issue, whatever its articles are.
            date: the edition date in words.
        """
        newsletter = request.newsletter
        self._label = f"{ADVERTISING_LABEL} " if newsletter.advertising else ""
        self._own = clean_line(request.subject or "").removeprefix(self._label.strip()).strip()
        self._pattern, self._preheader = newsletter.subject, newsletter.preheader
        self._slug = newsletter.slug
        self._ends = _Ends()
        self._names = {
            "newsletter": clean_line(newsletter.title),
            "site": clean_line(request.site.name),
            "date": date,
        }

    def subject(self, lead: Headline, count: str) -> str:
        """The editor's subject as it is, or else the newsletter's pattern, filled; advertising is labelled.

        Of a pattern the first title gives way, so that the whole takes 70 columns.

        Args:
            lead: the first article.
            count: how many articles there are, as a number in the issue's language.

        Raises:
            RenderError: the pattern gives an empty subject.
        """
        return self._label + (
            self._own or self._fill_subject(lead, count, SUBJECT_COLUMNS - display_width(self._label))
        )

    def _fill_subject(self, lead: Headline, count: str, columns: int) -> str:
        values = {**self._names, "first_title": lead.title, "count": count}
        titles = max(self._pattern.count("{first_title}"), 1)
        room = columns - display_width(_fill(self._pattern, {**values, "first_title": "x"})) + titles
        values["first_title"] = shorten(lead.title, max(room // titles, _SHORTEST_TITLE))
        subject = shorten(_fill(self._pattern, values), columns)
        if not subject:
            raise RenderError(f"the subject pattern {self._pattern!r} of newsletter {self._slug} gives nothing")
        return subject

    def preheader(self, headlines: Sequence[Headline], count: str, summary: str) -> str:
        """The newsletter's preheader pattern, or else the titles after the lead; 20 to 140 characters.

        Args:
            headlines: those of the articles in order.
            count: how many they are, as a number in the issue's language.
            summary: what is added where that is too short: how many articles, of which days.
        """
        if not self._preheader and (quick := self._ends.join(headlines)):
            return quick
        written = self._fill_preheader(headlines[0], count) or _next_words(headlines)
        for more in (summary, self._names["newsletter"], self._names["site"]):
            if len(written) < PREHEADER_MIN:
                written = _SEPARATOR.join(filter(None, (written, more)))
        return shorten(written, PREHEADER_MAX)

    def _fill_preheader(self, lead: Headline, count: str) -> str:
        if not self._preheader:
            return ""
        return _fill(self._preheader, {**self._names, "first_title": lead.title, "count": count})


class _Ends:
    """Long preheaders of titles, put together from whole titles and the shortened last one, which is kept.

    A selection of a reader's own comes once; to measure and shorten its titles anew would take longer than all else.
    """

    def __init__(self) -> None:
        self._kept: dict[tuple[str, int], str] = {}

    def join(self, headlines: Sequence[Headline]) -> str:
        """As `shorten` would make it of the titles; "" where something else than the last one decides."""
        titles: list[str] = []
        columns = 0
        for headline in islice(headlines, 1, None):
            if not headline.is_plain:
                return ""
            following = columns + headline.columns + len(_SEPARATOR)
            if following > PREHEADER_MAX + len(_SEPARATOR):
                end = self._end(headline.title, columns)
                if not end:
                    return _SEPARATOR.join(titles) + ELLIPSIS if columns in _CUT_BETWEEN else ""
                return _SEPARATOR.join((*titles, end))
            titles.append(headline.title)
            columns = following
        return ""

    def _end(self, title: str, columns: int) -> str:
        """How a title that begins after so many columns ends the line; "" where it does not come into it."""
        if (title, columns) not in self._kept:
            before = f"{'x' * (columns - 1)} " if columns else ""
            line = shorten(f"{before}{title} {'x' * PREHEADER_MAX}", PREHEADER_MAX)
            self._kept[title, columns] = line[columns:].strip()
        return self._kept[title, columns]


def _next_words(headlines: Sequence[Headline]) -> str:
    """The titles after the lead; an issue with the lead alone goes on with its subheads or its text."""
    titles: list[str] = []
    length = 0
    for headline in islice(headlines, 1, None):
        titles.append(headline.title)
        length += len(headline.title)
        if length > _ENOUGH:
            break
    return _SEPARATOR.join(titles) if len(headlines) > 1 else headlines[0].more


def write_inbox_lines(request: RenderRequest, language: Language, summary: str) -> tuple[str, str]:
    """Subject and preheader of the articles of a request.

    Raises:
        RenderError: the subject's pattern gives an empty subject.
    """
    lines = InboxLines(request, language.date(request.edition))
    headlines = [Headline.of(choice) for choice in request.shown]
    count = language.number(len(headlines))
    return lines.subject(headlines[0], count), lines.preheader(headlines, count, summary)


def _fill(pattern: str, values: dict[str, str]) -> str:
    return clean_line(pattern.format_map(values))
