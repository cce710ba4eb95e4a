"""Single mails to one person, rendered: a confirmation, a change of address."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from digest.language import Language
from digest.render.brand import brand_of
from digest.render.flowed import flow
from digest.render.frames import bare_frames
from digest.render.inline import inline_css
from digest.render.issue import tighten, trim_lines
from digest.render.slots import slot_marker
from digest.render.templates import TemplateLibrary
from digest.render.width import TEXT_COLUMNS
from digest.settings import BrandSettings, SiteSettings


@dataclass(frozen=True, kw_only=True)
class NoticeWords:
    """What a mail says beside its frame."""

    template: str
    """Its files, "confirm": templates/notice/confirm.html and .txt."""
    subject: str
    preheader: str
    button: str
    """What the link says."""
    link: str
    """Where it leads; it is the person's own."""
    values: Mapping[str, Any]
    """Further values of the template."""


@dataclass(frozen=True, kw_only=True)
class NoticeRendering:
    """A mail that still holds slots."""

    subject: str
    html: str
    text: str


def render_notice(
    words: NoticeWords,
    library: TemplateLibrary,
    *,
    site: SiteSettings,
    brand: BrandSettings,
    title: str,
    language: Language,
    nonce: str,
) -> NoticeRendering:
    """Render a mail. About 15 ms: such mails are few.

    Args:
        words: what it says.
        library: the templates.
        site: the publisher.
        brand: how it looks.
        title: the newsletter's, where the brand names no masthead.
        language: of the words.
        nonce: marks its slots: the address, and the way out.

    Raises:
        RenderError: a template is wrong.
    """
    values = {
        **words.values,
        "subject": words.subject,
        "preheader": words.preheader,
        "button": words.button,
        "link": words.link,
        "unsubscribe": slot_marker("unsubscribe_url", nonce),
        "address": slot_marker("address", nonce),
        "site": site,
        "brand": brand_of(brand, title),
    }
    html = inline_css(tighten(library.render_page(f"notice/{words.template}.html", values, language)))
    text = flow(
        trim_lines(library.render_page(f"notice/{words.template}.txt", values, language)).strip() + "\n",
        TEXT_COLUMNS,
        whole=nonce,
    )
    return NoticeRendering(subject=words.subject, html=bare_frames(html, nonce), text=text)
