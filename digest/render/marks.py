"""The tags with which a template says what its pieces are: the first article, the others, each of them, a section.

    {% first article %} … {% endfirst %}        the first article of its group
    {% rest article %} … {% endrest %}          once for each of the others
    {% each article %} … {% endeach %}          once for each article
    {% if_rest %} … {% endif_rest %}            only where there are others
    {% group section %} … {% endgroup %}        once for each section; the tags above then look at its articles
    {% if_figures figures %} … {% endif_figures %}   only where the issue has figures
    {% if_name %} … {% endif_name %}            only in the copies of readers whose name is known

For one selection of articles the tags write just that (`Whole`). For a page they write every piece that any selection
might need, with marks between them (`Marked`), and `digest.render.pages` cuts there. What hangs on a reader's name is
decided last, in each copy (`digest.render.frames`).
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product

from jinja2 import nodes
from jinja2.ext import Extension
from jinja2.parser import Parser
from jinja2.runtime import Context
from markupsafe import Markup

from digest.render.context import ArticleContext, DigestContext, FigureContext, SectionContext
from digest.render.frames import frame

LAYOUT = "_layout"
"""Under this name a template's context holds its layout."""
LEAD, OTHER = "lead", "other"
"""The two forms of an article: in the first place of an issue, or in a later one."""
FIGURES = ("articles", "views", "sections")
"""What an issue can say of itself in numbers; the first is there wherever one is."""

Body = Callable[..., str]
"""The inside of a tag, as a function of what it is about."""


class Tags(Extension):
    """Adds the tags to a jinja environment."""

    tags = {"first", "rest", "each", "if_rest", "group", "if_figures", "if_name"}  # noqa: RUF012 - jinja's form

    def parse(self, parser: Parser) -> nodes.Node:
        """Read one tag with its inside, as jinja asks its extensions to."""
        token = next(parser.stream)
        is_bare = token.value in ("if_rest", "if_name")
        names = [] if is_bare else [parser.parse_assign_target(name_only=True)]
        for name in names:
            name.set_ctx("param")
        body = parser.parse_statements((f"name:end{token.value}",), drop_needle=True)
        call = self.call_method("_lay", [nodes.ContextReference(), nodes.Const(token.value)])
        return nodes.CallBlock(call, names, [], body).set_lineno(token.lineno)

    def _lay(self, context: Context, tag: str, caller: Body) -> str:
        layout, is_html = context[LAYOUT], context.eval_ctx.autoescape
        is_named = tag == "if_name"
        written = (
            frame(caller(), layout.nonce, is_html=is_html) if is_named else layout.write(tag, caller, is_html=is_html)
        )
        return Markup(written) if is_html else written  # noqa: S704 - put together from markup


class Layout(ABC):
    """What the tags of a template write."""

    nonce: str
    """Marks what is put in later."""

    @abstractmethod
    def write(self, tag: str, body: Body, *, is_html: bool) -> str:
        """All that one tag writes, on lines of its own."""


class Whole(Layout):
    """Writes one selection as it is."""

    def __init__(self, context: DigestContext, nonce: str) -> None:
        self._context = context
        self.nonce = nonce
        self._articles: Sequence[ArticleContext] = (context.lead, *context.articles)

    def write(self, tag: str, body: Body, *, is_html: bool) -> str:
        """What stands for the articles of the selection."""
        return "".join(_on_its_lines(piece, is_html=is_html) for piece in self._pieces(tag, body))

    def _pieces(self, tag: str, body: Body) -> Iterator[str]:
        if tag == "if_rest":
            yield from [body()] if len(self._articles) > 1 else []
        elif tag == "if_figures":
            yield from [body(self._context.edition.figures)] if self._context.edition.figures else []
        elif tag == "group":
            yield from (self._section(section, body) for section in self._context.sections)
        else:
            part = {"first": slice(0, 1), "rest": slice(1, None), "each": slice(None)}[tag]
            yield from map(body, self._articles[part])

    def _section(self, section: SectionContext, body: Body) -> str:
        outer, self._articles = self._articles, (section.top, *section.others)
        try:
            return body(section)
        finally:
            self._articles = outer


@dataclass(frozen=True, kw_only=True)
class Pool:
    """All that the pieces of a page are made from."""

    nonce: str
    articles: Sequence[Mapping[str, ArticleContext]]
    """Each article of the page in both its forms."""
    sections: Sequence[Sequence[SectionContext]]
    """Each section in its forms: among others, and for articles without a section also alone."""
    members: Sequence[Sequence[int]]
    """The articles of each section."""
    figures: Mapping[str, FigureContext]


@dataclass
class Marked(Layout):
    """Writes every piece that a selection might need, with marks between them."""

    pool: Pool
    _members: Sequence[int] = field(init=False)
    _is_group: bool = field(init=False, default=False)

    def __post_init__(self) -> None:
        """Begin with all articles."""
        self.nonce = self.pool.nonce
        self._members = range(len(self.pool.articles))

    def write(self, tag: str, body: Body, *, is_html: bool) -> str:
        """The pieces, each after its mark."""
        marks = HtmlMarks(self.pool.nonce) if is_html else TextMarks(self.pool.nonce)
        pieces = (
            marks.between(name) + _on_its_lines(piece, is_html=is_html) for name, piece in self._pieces(tag, body)
        )
        return f"{marks.begin(tag)}{''.join(pieces)}{marks.end()}"

    def _pieces(self, tag: str, body: Body) -> Iterable[tuple[str, str]]:
        if tag == "if_rest":
            return [("", body())]
        if tag == "if_figures":
            return ((name, body(figures)) for name, figures in self._possible_figures())
        if tag == "group":
            return self._sections(body)
        return self._articles(tag, body)

    def _articles(self, tag: str, body: Body) -> Iterator[tuple[str, str]]:
        """Only the first article of a whole issue is its lead; that of a section, or each, may be it or not."""
        forms = (OTHER,) if tag == "rest" else (LEAD,) if tag == "first" and not self._is_group else (LEAD, OTHER)
        for index, form in product(self._members, forms):
            yield f"{index} {form}", body(self.pool.articles[index][form])

    def _sections(self, body: Body) -> Iterator[tuple[str, str]]:
        outer = self._members, self._is_group
        for number, forms in enumerate(self.pool.sections):
            for form, section in enumerate(forms):
                self._members, self._is_group = self.pool.members[number], True
                yield f"{number} {form}", body(section)
        self._members, self._is_group = outer

    def _possible_figures(self) -> Iterator[tuple[str, tuple[FigureContext, ...]]]:
        first, *others = FIGURES
        for wanted in product((True, False), repeat=len(others)):
            names = [first, *(name for name, is_there in zip(others, wanted, strict=True) if is_there)]
            yield " ".join(names), tuple(self.pool.figures[name] for name in names)


def _on_its_lines(piece: str, *, is_html: bool) -> str:
    """A piece that begins and ends a line, whatever stands before and after it."""
    if is_html:
        return f"\n{piece}\n"
    return piece if piece.endswith("\n") or not piece else f"{piece}\n"


@dataclass(frozen=True)
class HtmlMarks:
    """Marks as comments, which inliners leave alone."""

    nonce: str

    def begin(self, tag: str) -> str:
        """Before the pieces of a tag."""
        return f"\n<!--{self.nonce} +{tag}-->\n"

    def between(self, name: str) -> str:
        """Before the piece of that name."""
        return f"\n<!--{self.nonce} ={name}-->\n"

    def end(self) -> str:
        """After the pieces."""
        return f"\n<!--{self.nonce} .-->\n"

    def pattern(self) -> str:
        """A mark with its line, as a regular expression whose only group is what it says."""
        return rf"<!--{self.nonce} ([+=.][^>]*)-->\n?"


@dataclass(frozen=True)
class TextMarks(HtmlMarks):
    """Marks as lines."""

    def begin(self, tag: str) -> str:
        """Before the pieces of a tag."""
        return f"{self.nonce} +{tag}\n"

    def between(self, name: str) -> str:
        """Before the piece of that name."""
        return f"{self.nonce} ={name}\n"

    def end(self) -> str:
        """After the pieces."""
        return f"{self.nonce} .\n"

    def pattern(self) -> str:
        """A mark with its line, as a regular expression whose only group is what it says."""
        return rf"(?m:^){self.nonce} ([+=.].*)\n"
