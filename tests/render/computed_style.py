"""What a mail client computes from inline styles alone, or with the dark-mode rules on top."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from lxml.html import HtmlElement


@dataclass(frozen=True, kw_only=True)
class Look:
    """The inherited properties that legibility depends on."""

    color: str = "#000000"
    background: str = "#ffffff"
    size: float = 16
    bold: bool = False
    family: str = ""
    line_height: float = 1.2
    word_break: str = ""
    overflow_wrap: str = ""


def looks_of_text(root: HtmlElement, rules: dict[str, dict[str, str]] | None = None) -> Iterator[tuple[str, Look]]:
    """Every run of visible text with its look; `rules` are declarations by class, which win."""
    yield from _walk(root, Look(), rules or {})


def dark_rules(html: str) -> dict[str, dict[str, str]]:
    """The declarations of the dark-mode block by class."""
    block = re.search(r"@media \(prefers-color-scheme: dark\) \{(.*?\})\s*\}", html, re.DOTALL)
    assert block
    return {
        name: declarations(body.replace("!important", ""))
        for name, body in re.findall(r"\.([\w-]+) \{([^}]*)\}", block[1])
    }


def declarations(style: str) -> dict[str, str]:
    pairs = (part.split(":", 1) for part in style.split(";") if ":" in part)
    return {name.strip(): value.strip() for name, value in pairs}


def contrast(first: str, second: str) -> float:
    """WCAG 2 contrast ratio of two colours."""
    lighter, darker = sorted((_luminance(first), _luminance(second)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def _walk(element: HtmlElement, look: Look, rules: dict[str, dict[str, str]]) -> Iterator[tuple[str, Look]]:
    if not isinstance(element.tag, str):
        return
    style = declarations(element.get("style", ""))
    for name, values in rules.items():  # in the order of the style sheet
        if name in element.get("class", "").split():
            style |= values
    if style.get("display") == "none":
        return
    own = _apply(look, element, style)
    for text in (element.text, element.get("alt")):
        if text and text.strip():
            yield text.strip(), own
    for child in element:
        yield from _walk(child, own, rules)
        if child.tail and child.tail.strip():
            yield child.tail.strip(), own


def _apply(look: Look, element: HtmlElement, style: dict[str, str]) -> Look:
    default_color = "#0000ee" if element.tag == "a" else look.color
    background = style.get("background-color") or element.get("bgcolor") or look.background
    return replace(
        look,
        color=style.get("color", default_color),
        background=background,
        size=float(style.get("font-size", f"{look.size}px").removesuffix("px")),
        bold=style.get("font-weight", "bold" if look.bold else "normal") in ("bold", "600", "700", "800"),
        family=style.get("font-family", look.family),
        line_height=float(style.get("line-height", look.line_height)),
        word_break=style.get("word-break", look.word_break),
        overflow_wrap=style.get("overflow-wrap", look.overflow_wrap),
    )


def _luminance(color: str) -> float:
    digits = color.removeprefix("#")
    digits = "".join(digit * 2 for digit in digits) if len(digits) == 3 else digits
    channels = [int(digits[start : start + 2], 16) / 255 for start in (0, 2, 4)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
