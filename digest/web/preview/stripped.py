"""The mail with its style elements, classes and ids gone: what Naver, Daum and Gmail's mobile web leave of it.

- Gmail's mobile web keeps style attributes only (caniemail, css-selector-class and html-style: not supported; confirmed
  in hteumeuleu/caniemail issue 397, 2024). It replaces body by a div (html-body, note 1), shows what `display:none` and
  `visibility` hide, and drops the properties listed here; one `rgb(0 128 0)` without commas costs the whole attribute
  (css-rgb, note 3).
- Daum filters script, style, embed, object, iframe, `expression` and every on… attribute, by its own help page
  (cs.daum.net/faq/43/18758).
- Naver keeps inline styles and old attributes and ignores style elements (webmini.tistory.com/649). It publishes no
  list, so the strictest of the three is shown; the frame and the font it sets around a mail are not.
"""

import re

from digest.web.preview.css import Rewriting, Tokens
from digest.web.preview.tree import Tree

_DROPPED = frozenset(
    """accent-color align-content align-items align-self aspect-ratio backdrop-filter background-blend-mode
    background-clip background-origin background-size border-image bottom box-shadow box-sizing clip-path color-scheme
    column-count column-gap cursor filter flex flex-basis flex-direction flex-flow flex-grow flex-shrink flex-wrap gap
    grid grid-area grid-auto-flow grid-column grid-gap grid-row grid-template grid-template-areas grid-template-columns
    grid-template-rows inline-size inset justify-content justify-items justify-self left list-style-image mask
    mask-image mix-blend-mode object-fit object-position opacity order outline-offset place-content place-items position
    right rotate row-gap scale shape-outside text-decoration-color text-decoration-thickness text-emphasis text-shadow
    text-underline-offset text-wrap top transform translate visibility z-index""".split()  # noqa: SIM905 - easier to read than quoted words
)
"""Properties that caniemail calls unsupported in `gmail/mobile-webmail`."""
_DROPPED_FAMILIES = ("animation", "transition", "scroll-", "--", "mso-", "inset-", "block-size")
_LOGICAL = re.compile(r"-(?:block|inline)(?:-|$)")
_SPACED_RGB = re.compile(r"\b(?:rgb|hsl)a?\(\s*[\d.]+(?:deg|%)?\s+[\d.]", re.IGNORECASE)


def strip_styles(tree: Tree) -> None:
    """Take out what those clients take out."""
    tree.sheets = []
    for element in tree.elements():
        element.attrib.pop("class", None)
        element.attrib.pop("id", None)
        if _SPACED_RGB.search(element.get("style", "")):
            del element.attrib["style"]
    tree.rewrite(Rewriting(value=_kept_value))
    _replace_body(tree)


def _kept_value(name: str, value: Tokens) -> Tokens | None:
    words = [token.lower_value for token in value if token.type == "ident"]
    hides = name == "display" and "none" in words
    has_negative_margin = name.startswith("margin") and any(getattr(token, "value", 0) < 0 for token in _numbers(value))
    dropped = name in _DROPPED or name.startswith(_DROPPED_FAMILIES) or _LOGICAL.search(name)
    return None if hides or dropped or has_negative_margin else value


def _numbers(value: Tokens) -> Tokens:
    return [token for token in value if token.type in ("number", "dimension", "percentage")]


def _replace_body(tree: Tree) -> None:
    """The body becomes a div inside the client's own page: its background ends with the mail."""
    page = tree.root.makeelement("body")
    tree.root.replace(tree.body, page)
    tree.body.tag = "div"
    tree.body.attrib.pop("bgcolor", None)
    page.append(tree.body)
    tree.body = page
