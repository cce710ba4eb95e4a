"""An issue as HTML and plain text, rendered once and filled for each subscriber."""

from digest.render.context import context_fields
from digest.render.inline import inline_css
from digest.render.issue import Rendering, RenderRequest, render_issue
from digest.render.slots import SlottedText, SlotValues, as_line, escape_html
from digest.render.templates import TemplateLibrary

__all__ = [
    "RenderRequest",
    "Rendering",
    "SlotValues",
    "SlottedText",
    "TemplateLibrary",
    "as_line",
    "context_fields",
    "escape_html",
    "inline_css",
    "render_issue",
]
