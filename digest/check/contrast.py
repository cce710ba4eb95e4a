"""Reading: headings in order, letters large enough, and colours that can be told apart in light, dark and bare."""

from collections.abc import Iterable, Iterator
from itertools import islice

from lxml.html import HtmlElement

from digest.check.cascade import MOST_ELEMENTS, ComputedStyles, compute_styles
from digest.check.document import HtmlDocument
from digest.check.element_style import ElementStyle
from digest.check.finding import Finding, Rule
from digest.check.options import CheckOptions
from digest.check.repeats import merge_repeats
from digest.check.view import LIGHT, View
from digest.check.visible import HEADINGS, PADDING, Words, words_of
from digest.color import READABLE, READABLE_LARGE

SMALLEST, SMALL = 10, 12
RULES = (
    Rule(
        id="A11Y-H1",
        title="One h1, and no heading level is skipped",
        why="Screen readers offer the headings as the mail's table of contents.",
        fix="Make the newsletter's name the h1, sections and the lead h2, titles under them h3.",
    ),
    Rule(
        id="A11Y-SIZE",
        title="No letter is smaller than 10 px; 12 px are wise",
        why="Below that nobody past forty reads it, and phones do not enlarge it.",
        fix="Set font-size to 12 px at least, 16 px for running text.",
    ),
    Rule(
        id="A11Y-CONTRAST",
        title="Text has a contrast of 4.5 with what is behind it, large text 3.0, also without style blocks",
        why="WCAG 2.2, 1.4.3; Naver, Daum and Gmail's mobile web remove all style blocks.",
        fix="Darken the text or lighten the background, in style attributes; say both colours on the same element.",
    ),
    Rule(
        id="A11Y-DARK",
        title="The same contrast in dark mode",
        why="A rule that darkens a background and forgets a text makes black on black.",
        fix="Give every text and every background a colour in @media (prefers-color-scheme: dark).",
    ),
)


def check_contrast(document: HtmlDocument, options: CheckOptions) -> Iterator[Finding]:  # noqa: ARG001 - a family's shape
    """Every breach of the rules on reading."""
    styles = compute_styles(document)
    texts = tuple(_texts(document))
    yield from _check_headings(document, styles)
    yield from merge_repeats(_check_sizes(document, styles, texts))
    yield from merge_repeats(_check_colors(document, styles, texts))
    yield from merge_repeats(_check_dark_colors(document, styles, texts))


def _texts(document: HtmlDocument) -> Iterator[Words]:
    """Every text with a letter or a figure in it, once an element: marks such as · or ★ only decorate."""
    seen = set[HtmlElement]()
    for words in islice(words_of(document), MOST_ELEMENTS):
        if words.holder not in seen and any(letter.isalnum() for letter in words.ink):
            seen.add(words.holder)
            yield words


def _check_headings(document: HtmlDocument, styles: ComputedStyles) -> Iterator[Finding]:
    headings = [heading for heading in document.find(*HEADINGS) if not _is_hidden(styles.of(heading, LIGHT))]
    first = [heading for heading in headings if heading.tag == "h1"]
    if len(first) != 1:
        found = "no h1" if not first else f"{len(first)} h1"
        place = first[1] if first else next(document.find("body"), document.root)
        yield document.error("A11Y-H1", f"the mail has {found}; exactly one is expected", place, "<h1" * bool(first))
        return
    if not _name(first[0]):
        yield document.error("A11Y-H1", "the h1 is empty", first[0], "<h1")
    above = 0
    for heading in headings:
        level = int(str(heading.tag)[1])
        if level > above + 1:
            before = f"after h{above}" if above else "as the first heading"
            message = f"h{level} {before}: a level is skipped"
            yield document.error("A11Y-H1", message, heading, _name(heading))
            return
        above = level


def _check_sizes(document: HtmlDocument, styles: ComputedStyles, texts: Iterable[Words]) -> Iterator[Finding]:
    for words in texts:
        if words.hidden_by is not None:
            continue
        found = [style for view in styles.views if (style := styles.of(words.holder, view)) and not style.is_hidden]
        size = round(min((style.size for style in found), default=SMALL), 2)
        if size < SMALLEST:
            message = f"text of {size:g} px; {SMALLEST} px are the least"
            yield document.error("A11Y-SIZE", message, words.holder, words.ink)
        elif size < SMALL:
            message = f"text of {size:g} px; {SMALL} px are wise"
            yield document.warning("A11Y-SIZE", message, words.holder, words.ink)


def _check_colors(document: HtmlDocument, styles: ComputedStyles, texts: Iterable[Words]) -> Iterator[Finding]:
    for words in texts:
        if found := _first_unreadable(words, styles, styles.views):
            yield document.error("A11Y-CONTRAST", found, words.holder, words.ink)


def _check_dark_colors(document: HtmlDocument, styles: ComputedStyles, texts: Iterable[Words]) -> Iterator[Finding]:
    """A text that has the same colours in light mode is that rule's finding already."""
    for words in texts:
        light = styles.of(words.holder, LIGHT)
        differing = [view for view in styles.dark_views if not _has_same_colors(styles.of(words.holder, view), light)]
        if found := _first_unreadable(words, styles, differing):
            yield document.error("A11Y-DARK", found, words.holder, words.ink)


def _first_unreadable(words: Words, styles: ComputedStyles, views: Iterable[View]) -> str:
    """What is wrong in the first view in which the text cannot be read; "" where there is none."""
    for view in views:
        style = styles.of(words.holder, view)
        if style is None or style.is_hidden or (ratio := style.contrast) is None:
            continue
        least = READABLE_LARGE if style.is_large else READABLE
        if ratio < least:
            return f"{style.color} on {style.background} has a contrast of {ratio:.2f} {view.label}; {least} is needed"
    return ""


def _has_same_colors(one: ElementStyle | None, other: ElementStyle | None) -> bool:
    return one is None or other is None or (one.color, one.background) == (other.color, other.background)


def _is_hidden(style: ElementStyle | None) -> bool:
    return style is not None and style.is_hidden


def _name(heading: HtmlElement) -> str:
    alts = (image.get("alt") or "" for image in heading.iter("img"))
    return PADDING.sub(" ", " ".join((str(heading.text_content()), *alts))).strip()
