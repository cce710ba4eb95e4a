"""Rules on the source of the HTML part: its tags are balanced, and its comments are Word's."""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from digest.check.document import HtmlDocument
from digest.check.finding import Finding, Part, Rule, error, warning
from digest.check.options import CheckOptions
from digest.check.source import VOID, Comment, LineNumbers, Tag, read_source

RULES = (
    Rule(
        id="DOC-TREE",
        title="Tags are balanced; there is one html, head and body, and no style element in body",
        why="Each mail program mends a broken tree in its own way: one table cell left open moves all that follows in "
        "Outlook. Gmail drops a style element in body, and with it the rest of the body in some of its programs.",
        fix="Close what is opened, in order; put style elements into head.",
    ),
    Rule(
        id="SRC-COMMENT",
        title="Comments are conditional comments for Word only",
        why="Remarks of a template's author go to every reader, add to the size at which Gmail clips, and filters know "
        "hidden words as a trick of spam.",
        fix="Write remarks as `{# … #}` in the template: they are not sent.",
    ),
)
_BALANCED = frozenset(
    (
        *("html", "head", "body", "title", "style", "table", "tbody", "thead", "tfoot", "tr", "td", "th", "div", "a"),
        *("span", "h1", "h2", "h3", "h4", "h5", "h6", "strong", "b", "em", "i", "u", "s", "small", "font", "center"),
        *(
            "ul",
            "ol",
            "dl",
            "blockquote",
            "section",
            "article",
            "header",
            "footer",
            "main",
            "nav",
            "code",
            "pre",
            "sup",
        ),
        *("sub", "figure", "figcaption", "label", "address", "caption", "big", "cite", "q", "mark", "abbr", "button"),
        *("p", "li", "dt", "dd", "del", "ins", "time", "strike", "kbd", "samp", "var", "tt", "aside", "dfn"),
    )
)
"""Elements whose end tag must be there; HTML lets that of p and li be left out, and clients guess where it was."""
_ONCE = ("html", "head", "body")
_CONDITIONAL = re.compile(r"\s*(?:\[if\s[^\]]*\]>|<!\[endif\]\s*$|\[endif\])", re.IGNORECASE)
_SNIPPET = 80


@dataclass(kw_only=True)
class _Reader:
    """Follows the tags of one page."""

    source: str
    lines: LineNumbers
    opened: list[Tag] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    """How many of each element are open."""

    def read(self, tag: Tag) -> Iterator[Finding]:
        """Take in one tag."""
        if tag.name not in _BALANCED:
            return
        if not tag.is_end:
            yield from self._open(tag)
        elif not self.counts[tag.name]:
            yield self._error(tag, f"</{tag.name}> closes nothing")
        else:
            yield from self._close(tag)

    def finish(self) -> Iterator[Finding]:
        """Tell of what was never closed."""
        for tag in self.opened[::-1]:
            yield self._error(tag, f"<{tag.name}> is never closed")

    def _open(self, tag: Tag) -> Iterator[Finding]:
        if tag.name == "style" and not self.counts["head"]:
            yield self._error(tag, "a style element in body, or outside head")
        if tag.name == "a" and self.counts["a"]:
            yield self._error(tag, "a link within a link")
        self.opened.append(tag)
        self.counts[tag.name] += 1

    def _close(self, tag: Tag) -> Iterator[Finding]:
        while True:
            last = self.opened.pop()
            self.counts[last.name] -= 1
            if last.name == tag.name:
                return
            line = self.lines.at(tag.start)
            yield self._error(last, f"<{last.name}> is not closed before </{tag.name}> on line {line}")

    def _error(self, tag: Tag, message: str) -> Finding:
        snippet = self.source[tag.start : min(tag.end, tag.start + _SNIPPET)]
        return error("DOC-TREE", message, part=Part.HTML, line=self.lines.at(tag.start), snippet=snippet)


def check_tree(document: HtmlDocument, _options: CheckOptions) -> Iterator[Finding]:
    """Every breach in the tags and comments of a page; of broken tags the first few."""
    lines = LineNumbers(document.source)
    tokens = list(read_source(document.source))
    yield from _check_tags([token for token in tokens if isinstance(token, Tag)], document.source, lines)
    yield from _check_once(tokens)
    yield from _check_comments(tokens, lines)
    if tokens and tokens[-1].end == len(document.source) and not document.source.endswith(">"):
        message = "a tag or a comment does not end"
        yield error("DOC-TREE", message, part=Part.HTML, line=lines.at(tokens[-1].start))


def _check_tags(tags: list[Tag], source: str, lines: LineNumbers) -> Iterator[Finding]:
    """The first fault only: one tag too many or too few makes many others look wrong."""
    reader = _Reader(source=source, lines=lines)
    faults = [fault for tag in tags if tag.name not in VOID for fault in reader.read(tag)]
    faults += reader.finish()
    if faults:
        yield faults[0]


def _check_once(tokens: list[Tag | Comment]) -> Iterator[Finding]:
    found = Counter(token.name for token in tokens if isinstance(token, Tag) and not token.is_end)
    for name in _ONCE:
        if found[name] != 1:
            count = f"are {found[name]} {name} elements" if found[name] else f"is no {name} element"
            yield error("DOC-TREE", f"there {count}, expected one", part=Part.HTML)


def _check_comments(tokens: list[Tag | Comment], lines: LineNumbers) -> Iterator[Finding]:
    remarks = [token for token in tokens if isinstance(token, Comment) and not _CONDITIONAL.match(token.text)]
    if remarks:
        first = " ".join(remarks[0].text.split())[:_SNIPPET]
        count = f" ({len(remarks):,} times)" if len(remarks) > 1 else ""
        message = f"a comment that is not Word's: <!-- {first} -->{count}"
        yield warning("SRC-COMMENT", message, part=Part.HTML, line=lines.at(remarks[0].start), snippet=first)
