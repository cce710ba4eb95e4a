"""Conditional comments: what Outlook's Word engine reads besides, or instead of, what all other clients read.

`<!--[if mso]> … <![endif]-->` is a comment for all but Word; `<!--[if !mso]><!--> … <!--<![endif]-->` holds what Word
skips. The older `<![if !mso]> … <![endif]>` is known as well.
"""

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache

from digest.check.document import HtmlDocument
from digest.check.source import Comment, Tag, read_source

_OPENING = re.compile(r"\s*\[if\s([^\]]*)\]>", re.IGNORECASE)
_REVEALING = re.compile(r"<!(?:--\s*)?")
_CLOSING = "<![endif]"
_BARE = re.compile(r"<!\[(?:if\s([^\]>]*)|(endif))\](-->|>)", re.IGNORECASE)
_OLD_WORD = re.compile(r"\blte?\s+mso\s+(?:9|1[01])\b", re.IGNORECASE)
_ATTRIBUTE = re.compile(r"""([\w:-]+)\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))""")
_PAIRED = frozenset({"table", "tr", "td", "th", "div"})


@dataclass(frozen=True, kw_only=True)
class MsoFault:
    """A conditional comment, or a tag in one, without its partner."""

    message: str
    position: int


@dataclass(frozen=True, kw_only=True)
class _Mark:
    """Where something conditional begins or ends."""

    start: int
    end: int
    condition: str = ""
    """Of a beginning, or of a whole comment."""
    content: str = ""
    """Of a whole comment: what it holds for those it is meant for, a space at least."""
    content_start: int = 0
    """Where in the source that begins."""
    is_end: bool = False
    is_bare: bool = False
    """Whether it is the older form without comments."""


class ConditionalComments:
    """All conditional comments of one source. Get it from `read_conditional_comments`."""

    def __init__(self, source: str) -> None:
        self._source = source
        self.faults: list[MsoFault] = []
        """Comments without a partner."""
        self._tokens = tuple(read_source(source))
        self._marks = sorted((*self._in_comments(), *self._bare()), key=lambda mark: mark.start)

    @cached_property
    def word_tags(self) -> tuple[Tag, ...]:
        """The tags in comments that Word reads, in order, with their places in the source."""
        return tuple(
            replace(tag, start=tag.start + mark.content_start, end=tag.end + mark.content_start)
            for mark in self._marks
            if is_for_word(mark.condition)
            for tag in tags_in(mark.content)
        )

    def find_faults(self) -> Iterator[MsoFault]:
        """What has no partner: comments, then tags as Word sees them where other clients see none amiss."""
        yield from self.faults
        yield from self._unpaired_marks()
        if not self.faults and not _first_unpaired(self._plain_tags) and (tag := _first_unpaired(self._tags_of_word)):
            slash = "/" if tag.is_end else ""
            yield MsoFault(message=f"Word finds <{slash}{tag.name}> without its partner", position=tag.start)

    def attributes(self, tag: Tag) -> dict[str, str]:
        """Those of a tag, names in lower case, values as written."""
        found = _ATTRIBUTE.finditer(self._source, tag.start, tag.end)
        return {each[1].lower(): next((part for part in each.groups()[1:] if part), "") for each in found}

    @property
    def _plain_tags(self) -> Iterator[Tag]:
        return (token for token in self._tokens if isinstance(token, Tag))

    @property
    def _tags_of_word(self) -> Iterable[Tag]:
        edges = [edge for hidden in self._hidden_from_word() for edge in hidden]
        # Behind an odd number of edges one is between a beginning and its end.
        seen = (tag for tag in self._plain_tags if bisect_right(edges, tag.start) % 2 == 0)
        return sorted((*seen, *self.word_tags), key=lambda tag: tag.start)

    def _hidden_from_word(self) -> Iterator[tuple[int, int]]:
        opened: _Mark | None = None
        for mark in self._marks:
            if mark.is_end and opened:
                yield opened.end, mark.start
                opened = None
            elif not mark.is_end and not mark.content and mark.condition and not is_for_word(mark.condition):
                opened = mark

    def _unpaired_marks(self) -> Iterator[MsoFault]:
        opened: _Mark | None = None
        for mark in self._marks:
            if mark.content:
                continue
            if mark.is_end and (opened is None or opened.is_bare != mark.is_bare):
                yield MsoFault(message="<![endif] ends a conditional comment that never began", position=mark.start)
            elif not mark.is_end and opened:
                yield _never_ends(opened)
            opened = None if mark.is_end else mark
        if opened:
            yield _never_ends(opened)

    def _in_comments(self) -> Iterator[_Mark]:
        for token in self._tokens:
            if not isinstance(token, Comment):
                continue
            if token.text.strip().lower() == _CLOSING:
                yield _Mark(start=token.start, end=token.end, is_end=True)
            elif opening := _OPENING.match(token.text):
                yield from self._opening(token, opening)

    def _opening(self, token: Comment, opening: re.Match[str]) -> Iterator[_Mark]:
        rest = token.text[opening.end() :]
        if _REVEALING.fullmatch(rest):
            yield _Mark(start=token.start, end=token.end, condition=opening[1])
        elif not rest.rstrip().lower().endswith(_CLOSING) or "<!--" in rest:
            self.faults.append(_never_ends(_Mark(start=token.start, end=token.end, condition=opening[1])))
        else:
            yield _Mark(
                start=token.start,
                end=token.end,
                condition=opening[1],
                content=rest[: rest.lower().rindex(_CLOSING)] or " ",
                content_start=token.start + len("<!--") + opening.end(),
            )

    def _bare(self) -> Iterator[_Mark]:
        comments = iter([token for token in self._tokens if isinstance(token, Comment)])
        comment = next(comments, None)
        for found in _BARE.finditer(self._source):
            while comment and comment.end <= found.start():
                comment = next(comments, None)
            if comment is None or found.start() < comment.start:
                yield _Mark(
                    start=found.start(),
                    end=found.end(),
                    condition=found[1] or "",
                    is_end=bool(found[2]),
                    # `<![endif]-->` outside a comment belongs to no bare beginning.
                    is_bare=found[3] == ">",
                )


@lru_cache(maxsize=1)
def read_conditional_comments(document: HtmlDocument) -> ConditionalComments:
    """Those of a document; kept while rule after rule asks for the same one."""
    return ConditionalComments(document.source)


def word_content(comment: str | None) -> str:
    """What Word reads in a comment, given its text: "" where it is none for Word."""
    opening = _OPENING.match(comment or "")
    return comment[opening.end() :] if comment and opening and is_for_word(opening[1]) else ""


def is_for_word(condition: str) -> bool:
    """Whether a condition such as `gte mso 9` or `mso | IE` holds in today's Outlook.

    >>> is_for_word("(gte mso 9)|(IE)"), is_for_word("!mso"), is_for_word("lte mso 11")
    (True, False, False)
    """
    word = condition.lower()
    return "mso" in word and not re.search(r"!\s*\(?\s*mso", word) and not _OLD_WORD.search(word)


def tags_in(markup: str) -> Iterator[Tag]:
    """The tags of a piece of markup."""
    return (token for token in read_source(markup) if isinstance(token, Tag))


def _never_ends(mark: _Mark) -> MsoFault:
    return MsoFault(message=f"the conditional comment [if {mark.condition}] has no <![endif]", position=mark.start)


def _first_unpaired(tags: Iterable[Tag]) -> Tag | None:
    """The first end tag that closes something else, or the innermost start tag that nothing closes."""
    opened: list[Tag] = []
    for tag in tags:
        if tag.name not in _PAIRED:
            continue
        if not tag.is_end:
            opened.append(tag)
        elif not opened or opened.pop().name != tag.name:
            return tag
    return opened[-1] if opened else None
