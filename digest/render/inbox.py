"""What an inbox shows of an issue before it is opened: the subject and the line after it."""

from digest.errors import RenderError
from digest.language import Language
from digest.render.clean import clean_line
from digest.render.request import RenderRequest
from digest.render.width import display_width, shorten

SUBJECT_COLUMNS = 70
"""More is cut off in most inboxes."""
PREHEADER_MIN, PREHEADER_MAX = 20, 140
"""Characters. With fewer, clients go on with whatever the body begins with."""
_SHORTEST_TITLE = 16
"""Columns; a headline cut shorter says nothing, so the whole subject is cut instead."""
_SEPARATOR = " · "
ADVERTISING_LABEL = "(광고)"
"""Korean network act, article 50: before the subject of advertising, in Korean whatever the language of the mail."""


def write_subject(request: RenderRequest, language: Language) -> str:
    """The editor's subject as it is, or else the newsletter's pattern, filled; advertising is labelled.

    Of a pattern the first title gives way, so that the whole takes 70 columns.

    Raises:
        RenderError: the pattern gives an empty subject.
    """
    label = f"{ADVERTISING_LABEL} " if request.newsletter.advertising else ""
    own = clean_line(request.subject or "").removeprefix(label.strip()).strip()
    return label + (own or _fill_subject(request, language, SUBJECT_COLUMNS - display_width(label)))


def _fill_subject(request: RenderRequest, language: Language, columns: int) -> str:
    pattern = request.newsletter.subject
    values = _pattern_values(request, language)
    titles = max(pattern.count("{first_title}"), 1)
    room = columns - display_width(_fill(pattern, {**values, "first_title": "x"})) + titles
    values["first_title"] = shorten(values["first_title"], max(room // titles, _SHORTEST_TITLE))
    subject = shorten(_fill(pattern, values), columns)
    if not subject:
        raise RenderError(f"the subject pattern {pattern!r} of newsletter {request.newsletter.slug} gives nothing")
    return subject


def write_preheader(request: RenderRequest, language: Language, summary: str) -> str:
    """The newsletter's preheader pattern, or else the titles after the lead; 20 to 140 characters.

    Args:
        request: the issue.
        language: its locale.
        summary: what is added where that is too short: how many articles, of which days.
    """
    written = _fill(request.newsletter.preheader, _pattern_values(request, language)) or _next_words(request)
    for more in (summary, clean_line(request.newsletter.title), clean_line(request.site.name)):
        if len(written) < PREHEADER_MIN:
            written = _SEPARATOR.join(filter(None, (written, more)))
    return shorten(written, PREHEADER_MAX)


def _next_words(request: RenderRequest) -> str:
    """The titles after the lead; an issue with the lead alone goes on with its subheads or its text."""
    lead = request.shown[0].article
    titles = [clean_line(choice.article.title) for choice in request.shown[1:]]
    return _SEPARATOR.join(titles or map(clean_line, lead.subheads)) or clean_line(lead.excerpt)


def _pattern_values(request: RenderRequest, language: Language) -> dict[str, str]:
    return {
        "newsletter": clean_line(request.newsletter.title),
        "site": clean_line(request.site.name),
        "date": language.date(request.edition),
        "first_title": clean_line(request.shown[0].article.title),
        "count": language.number(len(request.shown)),
    }


def _fill(pattern: str, values: dict[str, str]) -> str:
    return clean_line(pattern.format_map(values))
