"""HTML in excerpts → the text a reader would see. Only known tags are markup; any other `<` is a character."""

import re
from html import unescape

import nh3

_BLOCKS = frozenset(
    {
        *("address", "article", "aside", "audio", "blockquote", "body", "br", "canvas", "caption", "center", "dd"),
        *("details", "dialog", "dir", "div", "dl", "dt", "embed", "fieldset", "figcaption", "figure", "footer"),
        *("form", "frame", "frameset", "h1", "h2", "h3", "h4", "h5", "h6", "head", "header", "hr", "html", "iframe"),
        *("img", "legend", "li", "link", "main", "math", "menu", "meta", "nav", "noscript", "object", "ol"),
        *("optgroup", "option", "p", "picture", "pre", "script", "section", "select", "style", "summary", "svg"),
        *("table", "tbody", "td", "template", "textarea", "tfoot", "th", "thead", "title", "tr", "ul", "video"),
    }
)
"""Elements that part words from each other."""
_INLINES = frozenset(
    {
        *("a", "abbr", "acronym", "area", "b", "base", "bdi", "bdo", "big", "button", "cite", "code", "col"),
        *("colgroup", "data", "del", "dfn", "em", "font", "i", "input", "ins", "kbd", "label", "map", "mark"),
        *("nobr", "param", "q", "rp", "rt", "ruby", "s", "samp", "small", "source", "span", "strike", "strong"),
        *("sub", "sup", "time", "track", "tt", "u", "var", "wbr"),
    }
)
_UNREAD = {
    *("script", "style", "noscript", "template", "iframe", "object", "svg", "math", "textarea", "title", "select"),
    *("audio", "video", "canvas"),
}
"""Elements whose content nobody reads as text."""

_NAME = rf"(?P<name>{'|'.join(sorted(_BLOCKS | _INLINES, key=len, reverse=True))})"
_BARE = "async|autoplay|checked|controls|defer|disabled|hidden|loop|muted|noshade|nowrap|playsinline|allowfullscreen"
_ATTRIBUTE = (
    r"(?:(?:\s+|(?<=[\"']))[a-z_:@][\w:.\-]*\s?=\s?(?:\"[^\"]*\"|'[^']*'|[^\s\"'<>]+)"
    rf"|\s+(?:{_BARE}|[a-z]+-[a-z\-]+)(?=[\s/>]))"
)
"""With a value, or one of the few that have none: `a <b and c> d` is a comparison."""
_TAG_OR_LESS_THAN = re.compile(
    rf"<!--.*?(?:-->|\Z)|<!doctype[^<>]*>|</?{_NAME}{_ATTRIBUTE}*\s?/?>|<", re.IGNORECASE | re.DOTALL
)
_CUT_TAG = re.compile(rf"<(?:/[a-z][a-z0-9]*|{_NAME}\s[a-z\-]+=[^<>]*?)(?P<tail>\s?(?:…|\.{{2,3}})?)\Z", re.IGNORECASE)
_SECTION_MARKS = re.compile(r"<!\[CDATA\[|\]\]>")


def strip_markup(text: str) -> str:
    """The text between the tags, its entities still encoded, its spaces collapsed.

    Block elements part words; scripts, styles and comments vanish; a tag cut at the end is dropped.

    >>> strip_markup("<p>3 < 5 &amp; 4</p><p><앵커> 오늘")
    '3 < 5 &amp; 4 <앵커> 오늘'
    """
    text = text.encode(errors="ignore").decode()  # halves of characters, which the parser cannot take
    text = _CUT_TAG.sub(r"\g<tail>", " ".join(_SECTION_MARKS.sub(" ", text).split()))
    protected = text.replace("&", "&amp;")  # the entities are the caller's to decode, and only once
    marked = _TAG_OR_LESS_THAN.sub(_mark_tag, protected)
    return " ".join(unescape(nh3.clean(marked, tags=set(), clean_content_tags=_UNREAD)).split())


def _mark_tag(match: re.Match[str]) -> str:
    """A tag as it is, with a space before one that parts words; any other `<` as text."""
    if match[0] in ("<", "<A>", "<Q>"):  # newspapers mark questions and answers so
        return match[0].replace("<", "&lt;")
    name = (match["name"] or "").lower()
    return " " + match[0] if name in _BLOCKS else match[0]
