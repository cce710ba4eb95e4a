"""One issue, rendered: jinja, then premailer, once per variant; subscribers' values are put in afterwards."""

import re
from collections import Counter

from digest.errors import RenderError
from digest.render.build import build_context
from digest.render.flowed import flow
from digest.render.frames import bare_frames, settle_frames
from digest.render.inline import inline_css
from digest.render.marks import Whole
from digest.render.request import Rendering, RenderRequest
from digest.render.slots import count_slots
from digest.render.templates import HTML_FILE, TEXT_FILE, TemplateLibrary
from digest.render.width import TEXT_COLUMNS

__all__ = ["RenderRequest", "Rendering", "render_issue"]

_INDENTATION = re.compile(r"\s*\n\s*")
_TRAILING_SPACE = re.compile(r"(?<!^--)[ \t]+$", re.MULTILINE)
"""All but that of "-- ", which begins a signature."""
_EMPTY_LINES = re.compile(r"\n{3,}")


def render_issue(request: RenderRequest, library: TemplateLibrary) -> Rendering:
    """Render one variant of an issue. The same request gives the same bytes.

    Raises:
        RenderError: the template or an article cannot be rendered, or a part has no unsubscribe link.
        SettingsError: there is no such locale.
    """
    template = request.newsletter.template
    context = build_context(request, library.language(request.locale))
    layout = Whole(context, request.nonce)
    source = tighten(library.render(template, HTML_FILE, context, layout))
    html = bare_frames(inline_css(source), request.nonce)
    _check_slots(f"{template}/{HTML_FILE}", count_slots(source, request.nonce), count_slots(html, request.nonce))
    lines = _tidy(library.render(template, TEXT_FILE, context, layout))
    text = flow(settle_frames(lines, request.nonce), TEXT_COLUMNS, whole=request.nonce)
    slots = count_slots(text, request.nonce)
    _check_slots(f"{template}/{TEXT_FILE}", slots, slots)
    return Rendering(subject=context.subject, preheader=context.preheader, html=html, text=text)


def _check_slots(file: str, before: Counter[str], after: Counter[str]) -> None:
    if not before["unsubscribe_url"]:
        raise RenderError(f"template {file} has no unsubscribe link; show {{{{ links.unsubscribe }}}} in it")
    if before != after:
        raise RenderError(f"template {file} lost a slot while its CSS was inlined: {before} became {after}")


def tighten(html: str) -> str:
    """Without the template's indentation, which is a tenth of what Gmail allows before it clips."""
    return _INDENTATION.sub("\n", html).strip() + "\n"


def trim_lines(text: str) -> str:
    """Without trailing spaces, however a template was indented."""
    return _TRAILING_SPACE.sub("", text)


def _tidy(text: str) -> str:
    """The same, with one empty line at most between others."""
    return _EMPTY_LINES.sub("\n\n", trim_lines(text)).strip() + "\n"
