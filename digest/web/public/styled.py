"""Style attributes as classes: a page may have style sheets that its policy names by their hash, and nothing else.

A mail lives on style attributes, as clients drop style sheets; a policy that allowed attributes would allow them to
whatever got into a page (Content Security Policy Level 3, section 8.3).
"""

import hashlib
import re
from base64 import b64encode
from collections.abc import Iterable

import tinycss2
from lxml.html import HtmlElement

_OUT_OF_PLACE = re.compile(r"[{}<]")
"""What would end a rule or a style sheet."""


def take_styles(root: HtmlElement) -> str:
    """Take the style attributes of a tree away: each becomes a class. Returns their style sheet.

    The rules win over those of a template's own sheets as attributes do, those that are `!important` aside: a selector
    that holds what no element's id is counts as an id.
    """
    names: dict[str, str] = {}
    for element in root.iter():
        if isinstance(element.tag, str) and (style := element.attrib.pop("style", None)) is not None:
            rule = read_declarations(style)
            if rule:
                name = names.setdefault(rule, f"styled-{len(names) + 1}")
                element.set("class", f"{element.get('class', '')} {name}".strip())
    return "\n".join(f".{name}:not(#_){{{rule}}}" for rule, name in names.items())


def read_declarations(style: str) -> str:
    """A style attribute as the inside of a rule, without what only Word reads and what is none.

    >>> read_declarations("color: red;mso-hide:all; x} body{display:none")
    'color:red'
    """
    found = tinycss2.parse_blocks_contents(style, skip_comments=True, skip_whitespace=True)
    return ";".join(
        written
        for each in found
        if each.type == "declaration" and not each.lower_name.startswith("mso-")
        if not _OUT_OF_PLACE.search(written := _write(each))
    )


def style_policy(policy: str, sheets: Iterable[str]) -> str:
    """A Content-Security-Policy that allows these style sheets in a page, by their SHA-256 (CSP 3, section 2.3.1)."""
    hashes = " ".join(f"'sha256-{b64encode(hashlib.sha256(sheet.encode()).digest()).decode()}'" for sheet in sheets)
    return policy.replace("style-src 'self'", f"style-src 'self' {hashes}".rstrip())


def _write(declaration: tinycss2.ast.Declaration) -> str:
    value = tinycss2.serialize(declaration.value).strip()
    return f"{declaration.name}:{value}{'!important' if declaration.important else ''}"
