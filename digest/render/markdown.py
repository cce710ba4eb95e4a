"""The editor's own words, in Markdown (CommonMark 0.31), as a little safe HTML and as plain text.

Only what is listed here comes out, whatever goes in: raw HTML is text, pictures are left out, a link that is not
https, http or mailto loses its address, and code or a quotation is a paragraph like any other.
"""

import re
from collections.abc import Iterator
from html import escape
from urllib.parse import quote, unquote

from markdown_it import MarkdownIt
from markdown_it.rules_block import StateBlock, list_block
from markdown_it.rules_inline import StateInline
from markdown_it.rules_inline.state_inline import Delimiter
from markdown_it.token import Token
from markdown_it.tree import SyntaxTreeNode

from digest.address import normalise_address
from digest.render.clean import clean_line
from digest.url import clean_url

_TAGS = {"bullet_list": "ul", "ordered_list": "ol", "list_item": "li", "strong": "strong", "em": "em"}
_OPENS_A_PLACEHOLDER = "{}%"
_OTHER_NUMBER = re.compile(r"(?!0*1[.)])\d+[.)]")
_PUNCTUATION = re.compile(r"[^\w\s]|_")
_HANGUL = re.compile("[가-힣]")


def markdown_html(source: str, *, heading: str = "h3") -> str:
    """As HTML of p, a[href], strong, em, ul, ol, li, br and `heading`, without any other attribute; "" for nothing.

    Args:
        source: Markdown; an intro or a footer.
        heading: what headings of any level become, so that they keep the order of those around them.

    >>> markdown_html("이번 주는 **쉬어 갑니다**. [자세히](https://hanbit.example/알림)")
    '<p>이번 주는 <strong>쉬어 갑니다</strong>. <a href="https://hanbit.example/%EC%95%8C%EB%A6%BC">자세히</a></p>'
    """
    return "\n".join(filter(None, (_block_html(node, heading) for node in _parse(source).children)))


def markdown_text(source: str) -> str:
    r"""As plain text: each paragraph on one line, an empty line between them; lists with "- " or their numbers.

    The addresses of links stand below their paragraph, on lines of their own.

    >>> print(markdown_text("이번 주는 **쉬어 갑니다**.\n[자세히](https://hanbit.example/7)\n\n- 하나\n- 둘"))
    이번 주는 쉬어 갑니다. 자세히
    https://hanbit.example/7
    <BLANKLINE>
    - 하나
    - 둘
    """
    return "\n\n".join(filter(None, map(_block_text, _parse(source).children)))


def _parse(source: str) -> SyntaxTreeNode:
    tokens = _PARSER.parse(source)
    for token in tokens:
        _clean_words(token.children or [])
    return SyntaxTreeNode(tokens)


def _clean_words(tokens: list[Token]) -> None:
    """Clean what is to be read, also where `{**{` would put the two signs of a placeholder side by side."""
    before = ""
    for token in tokens:
        if token.type in ("text", "code_inline"):
            token.content = _clean_after(before, token.content)
            before = token.content[-1:] or before
        elif token.type in ("softbreak", "hardbreak"):
            before = ""


def _clean_after(before: str, text: str) -> str:
    """`clean_line`, but a space at either end stays where a word stands beside it."""
    if before in ("", " "):
        return clean_line(f"{text}|")[:-1]
    return clean_line(f"{before if before in _OPENS_A_PLACEHOLDER else '|'}{text}|")[1:-1]


def _block_html(node: SyntaxTreeNode, heading: str) -> str:
    if node.type in ("fence", "code_block"):
        lines = "<br>".join(escape(line, quote=False) for line in _code_lines(node))
        return f"<p>{lines}</p>" if lines else ""
    if node.type == "inline":
        return "".join(map(_inline_html, node.children)).strip()
    inner = "\n".join(filter(None, (_block_html(child, heading) for child in node.children)))
    if not inner or node.type == "blockquote" or (node.type == "paragraph" and node.hidden):
        return inner
    tag = {"paragraph": "p", "heading": heading, **_TAGS}[node.type]
    return f"<{tag}>{inner}</{tag}>"


def _inline_html(node: SyntaxTreeNode) -> str:
    if node.type == "hardbreak":
        return "<br>\n"
    inner = "".join(map(_inline_html, node.children)) if node.children else escape(_leaf_text(node), quote=False)
    if not _inline_text(node).strip():
        return inner if node.type in ("text", "softbreak") else ""
    if node.type == "link":
        address = _clean_address(str(node.attrs["href"]))
        return f'<a href="{escape(address)}">{inner}</a>' if address else inner
    tag = _TAGS.get(node.type)
    return f"<{tag}>{inner}</{tag}>" if tag else inner


def _block_text(node: SyntaxTreeNode) -> str:
    if node.type in ("fence", "code_block"):
        return "\n".join(_code_lines(node))
    if node.type in ("paragraph", "heading"):
        lines = (line.strip() for line in _inline_text(node).split("\n"))
        return "\n".join(filter(None, (*lines, *_address_lines(node))))
    if node.type in ("bullet_list", "ordered_list"):
        return "\n".join(_items_text(node))
    return "\n\n".join(filter(None, map(_block_text, node.children)))


def _items_text(node: SyntaxTreeNode) -> Iterator[str]:
    items = filter(None, map(_item_text, node.children))
    for number, text in enumerate(items, 1):
        yield ("- " if node.type == "bullet_list" else f"{number}. ") + text


def _item_text(item: SyntaxTreeNode) -> str:
    blocks = ((block.type in ("bullet_list", "ordered_list"), _block_text(block)) for block in item.children)
    return "\n".join(_indent(text) if is_list else text for is_list, text in blocks if text)


def _indent(text: str) -> str:
    return "\n".join(f"  {line}" for line in text.split("\n"))


def _inline_text(node: SyntaxTreeNode) -> str:
    if node.type == "image":
        return ""
    return "".join(map(_inline_text, node.children)) if node.children else _leaf_text(node)


def _leaf_text(node: SyntaxTreeNode) -> str:
    breaks = {"softbreak": " ", "hardbreak": "\n"}
    return breaks.get(node.type) or (node.content if node.type in ("text", "code_inline") else "")


def _code_lines(node: SyntaxTreeNode) -> list[str]:
    return [line for line in map(clean_line, node.content.splitlines()) if line]


def _address_lines(node: SyntaxTreeNode) -> Iterator[str]:
    """Where a block's links lead; where there are several, each after its words."""
    found = {_clean_address(str(link.attrs["href"])): _inline_text(link).strip() for link in _links(node)}
    shown = {to.removeprefix("mailto:"): words for to, words in found.items() if to and words}
    unseen = {to: words for to, words in shown.items() if to not in words}
    for to, words in unseen.items():
        if len(unseen) > 1:
            yield f"{words}:"
        yield to


def _links(node: SyntaxTreeNode) -> Iterator[SyntaxTreeNode]:
    return (each for each in node.walk() if each.type == "link")


def _clean_address(href: str) -> str:
    """The address of a link that mail clients open, or ""."""
    scheme, _, rest = href.partition(":")
    try:
        if scheme.lower() == "mailto":
            return "mailto:" + quote(normalise_address(unquote(rest.partition("?")[0])), safe="@+")
        return clean_url(href)
    except ValueError:
        return ""


class _Parser(MarkdownIt):
    def validateLink(self, url: str) -> bool:  # noqa: ARG002, N802 - `_clean_address` decides, and keeps the words
        return True


def _begin_list(state: StateBlock, start: int, end: int, silent: bool) -> bool:  # noqa: FBT001 - a rule's form
    """A numbered list begins with 1: Korean text rather begins with a date, "2026. 3. 2."."""
    # Silent, the question is whether the line ends a paragraph, as the second item of a list does.
    is_list = silent or not _OTHER_NUMBER.match(state.src, state.bMarks[start] + state.tShift[start])
    return is_list and list_block(state, start, end, silent)


def _mark_emphasis(state: StateInline, silent: bool) -> bool:  # noqa: FBT001 - a rule's form
    """Like CommonMark's, but a particle may follow a closing sign: `**한빛(주)**는`, `**"새벽"**을`.

    CommonMark takes a sign between punctuation and a letter for one that opens only, as in languages with spaces.
    """
    sign = state.src[state.pos]
    if silent or sign not in "*_":
        return False
    scanned = state.scanDelims(state.pos, sign == "*")
    before = state.src[state.pos - 1 : state.pos]
    after = state.src[state.pos + scanned.length : state.pos + scanned.length + 1]
    opens = scanned.can_open or _is_punctuation_at_hangul(after, before)
    closes = scanned.can_close or _is_punctuation_at_hangul(before, after)
    for _ in range(scanned.length):
        state.push("text", "", 0).content = sign
        place = len(state.tokens) - 1
        state.delimiters.append(Delimiter(ord(sign), scanned.length, place, -1, opens, closes))
    state.pos += scanned.length
    return True


def _is_punctuation_at_hangul(inner: str, outer: str) -> bool:
    return bool(_PUNCTUATION.match(inner) and _HANGUL.match(outer))


def _build_parser() -> MarkdownIt:
    parser = _Parser("commonmark", {"html": False})
    parser.block.ruler.at("list", _begin_list, {"alt": ["paragraph", "reference", "blockquote"]})
    parser.inline.ruler.at("emphasis", _mark_emphasis)
    return parser


_PARSER = _build_parser()
