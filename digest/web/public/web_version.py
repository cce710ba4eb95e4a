"""A mail's HTML as what a page of the web is made of: nobody's own, without what only mail programs need."""

import re
from dataclasses import dataclass

from lxml import etree, html
from lxml.html import HtmlElement

from digest.archive import ArchivedIssue
from digest.errors import RenderError
from digest.render.slots import Slot, cut_slots, slot_marker
from digest.web.public.personal import Marks, remove_personal
from digest.web.public.styled import take_styles

_DROPPED = ("script", "link", "base", "iframe", "object", "embed", "noscript")
"""What a page's policy refuses anyhow."""
_SPACES = re.compile(r"\s+")


@dataclass(frozen=True, kw_only=True)
class WebVersion:
    """What of a mail is shown on the web."""

    content: str
    """The inside of its body, as HTML."""
    body: dict[str, str]
    """Attributes of the body."""
    sheets: tuple[str, ...]
    """Its style sheets, to stand in the page as they are."""


def make_web_version(issue: ArchivedIssue, own_address: str) -> WebVersion:
    """The web version of an issue.

    Args:
        issue: in the language it is shown in.
        own_address: of the page, to which mails may link.

    Raises:
        RenderError: what was frozen is no HTML document.
    """
    document = html.document_fromstring(_as_for_nobody(issue.html, issue.nonce))
    etree.strip_tags(document, etree.Comment, etree.ProcessingInstruction)
    etree.strip_elements(document, *_DROPPED, with_tail=False)
    # Browsers read line ends so before they hash.
    sheets = [re.sub("\r\n?", "\n", style.text or "") for style in document.iter("style")]
    etree.strip_elements(document, "style", with_tail=False)
    body = document.body
    if body is None:
        raise RenderError(f"the issue {issue.published.newsletter} {issue.published.edition} has no body")
    remove_personal(body, Marks(nonce=issue.nonce, links=frozenset({own_address}), reason=issue.reason))
    _remove_preheader(body, issue.preheader)
    _tidy_attributes(body)
    own = take_styles(body)
    content = re.sub(slot_marker("[^/]*", issue.nonce), "", _inside(body))
    return WebVersion(content=content, body=dict(body.attrib), sheets=tuple(filter(str.strip, (own, *sheets))))


def _as_for_nobody(source: str, nonce: str) -> str:
    """Without what only readers with a name get."""
    parts = cut_slots(source, nonce)
    return "".join(
        part if isinstance(part, str) else "" if part.frame else Slot(part.name).mark(nonce) for part in parts
    )


def _remove_preheader(body: HtmlElement, preheader: str) -> None:
    """It is hidden, and there for an inbox; other hidden elements may be shown by a style sheet."""
    for element in list(body.iter("div", "span", "p", "td")):
        style = _SPACES.sub("", element.get("style", ""))
        words = _SPACES.sub(" ", element.text_content()).strip()
        if "display:none" in style and words.startswith(preheader):
            element.drop_tree()
            return


def _tidy_attributes(body: HtmlElement) -> None:
    for element in body.iter():
        for name in list(element.attrib):
            if name.lower().startswith("on") or ":" in name or name == "aria-roledescription":
                del element.attrib[name]


def _inside(body: HtmlElement) -> str:
    children = [etree.tostring(child, method="html", encoding="unicode") for child in body]
    return "".join([html_escape(body.text or ""), *children])


def html_escape(text: str) -> str:
    """Text as it stands between tags."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
