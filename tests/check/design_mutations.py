# ruff: noqa: E501 - a fault a line
"""Single faults against the rules on CSS, layout, images, links, contrast and Korean, and what only looks like one.

Each changes a good document in one place. A document is good_ko.html or good_en.html beside this file.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from digest.check.finding import Severity

Mutate = Callable[[str], str]
E, W = Severity.ERROR, Severity.WARNING
GOOD_KO = Path(__file__).with_name("good_ko.html").read_text(encoding="utf-8")
GOOD_EN = Path(__file__).with_name("good_en.html").read_text(encoding="utf-8")
LINK = "https://news.example/a"
TABLE = '<table role="presentation" width="100%" cellpadding="0" cellspacing="0" border="0"'
GHOST_OPEN = '<!--[if mso]><table role="presentation" width="640" align="center" cellpadding="0" cellspacing="0" border="0"><tr><td><![endif]-->'
GHOST_CLOSE = "<!--[if mso]></td></tr></table><![endif]-->"
BODY_FONT = "font-family:Apple SD Gothic Neo, Malgun Gothic, sans-serif; line-height:1.6; word-break:keep-all; overflow-wrap:break-word"
LEAVE = '<p><a class="ink" style="color:#1d1b18" href="https://news.example/leave">수신거부 Unsubscribe</a></p>'
BUTTON_FONT = "font-family:Apple SD Gothic Neo, Malgun Gothic, sans-serif; font-size:16px; line-height:1.5"


@dataclass(frozen=True, kw_only=True)
class Mutation:
    """One fault: the rule that must find it, and how much it matters."""

    name: str
    rule: str
    severity: Severity
    mutate: Mutate


def swap(old: str, new: str, count: int = 1) -> Mutate:
    """Replace words that the document must hold."""

    def mutate(html: str) -> str:
        assert old in html, f"the good document does not hold {old!r}"
        return html.replace(old, new, count)

    return mutate


def swap_pattern(old: str, new: str) -> Mutate:
    """Replace the first match of a pattern that the document must hold."""

    def mutate(html: str) -> str:
        changed, count = re.subn(old, new, html, count=1)
        assert count, f"the good document does not match {old!r}"
        return changed

    return mutate


def add(markup: str) -> Mutate:
    """Put markup into the cell of the first article."""
    return swap('<p class="kicker', f'{markup}<p class="kicker')


def add_rule(css: str) -> Mutate:
    """Put CSS at the end of the style block."""
    return swap("</style>\n</head>", f"{css}\n</style>\n</head>")


def add_media(css: str) -> Mutate:
    """Put a rule into the block for wide windows."""
    return swap("@media (min-width: 600px) {", f"@media (min-width: 600px) {{\n{css}")


def add_style(declarations: str) -> Mutate:
    """Add to the style attribute of the first headline."""
    return swap('<h2 class="headline" style="', f'<h2 class="headline" style="{declarations}; ')


def add_cell_style(declarations: str) -> Mutate:
    """Add to the end of the style attribute of the first article's cell."""
    return swap_pattern(r'(<td class="text lead" style="[^"]*)"', rf'\1; {declarations}"')


def link(href: str, words: str = "그 밖의 소식 a", attributes: str = "") -> Mutate:
    """Add a link."""
    return add(f'<p style="margin:0"><a href="{href}" class="ink" style="color:#1d1b18"{attributes}>{words}</a></p>')


def image(attributes: str) -> Mutate:
    """Add an image."""
    return add(f'<p style="margin:0"><img {attributes}></p>')


def text(style: str, words: str = "word") -> Mutate:
    """Add a paragraph with a style."""
    return add(f'<p style="margin:0; {style}">{words}</p>')


def button(
    cell: str = "padding:12px 24px", own: str = "color:#ffffff", before: str = "", words: str = "Listen now"
) -> Mutate:
    """Add a button in a coloured cell."""
    return add(
        f'{TABLE}><tr><td align="center" bgcolor="#a8201a" style="background-color:#a8201a; {BUTTON_FONT}; {cell}">'
        f'{before}<a href="{LINK}" style="{own}; text-decoration:none">{words}</a></td></tr></table>'
    )


def only(body: str) -> Mutate:
    """A document with this in its body, and besides only what every body must have; WORD is a word of its language."""

    def mutate(html: str) -> str:
        start = html.index("<table", html.index('<div role="article"'))
        inside = body.replace("WORD", "낱말" if 'lang="ko"' in html else "word")
        return f'{html[:start]}<div class="text" style="{BODY_FONT}; color:#423d37">{inside}{LEAVE}</div>\n</div>\n</body>\n</html>'

    return mutate


def table(old: str = "", new: str = "") -> Mutate:
    """Add a table, its start tag changed."""
    assert old in TABLE
    return add(f"{TABLE.replace(old, new)}><tr><td></td></tr></table>")


HEADED = '<h1 style="margin:0">WORD</h1>'
GOOD_IMAGE = 'src="https://img.example/a.jpg" alt="A bridge" width="300" height="200"'

STYLE_FAULTS = [
    ("style-over-16-kb", "SIZE-STYLE", E, add_rule(".filler { color: #111111; }\n" * 700)),
    ("style-over-8-kb", "SIZE-STYLE", W, add_rule(".filler { color: #111111; }\n" * 300)),
    ("forbid-position", "CSS-FORBID", E, add_style("position:relative")),
    ("forbid-z-index", "CSS-FORBID", E, add_style("z-index:2")),
    ("forbid-flex", "CSS-FORBID", E, add_rule(".row { display: flex; }")),
    ("forbid-inline-flex", "CSS-FORBID", E, add_rule(".row { display: inline-flex; }")),
    ("forbid-grid", "CSS-FORBID", E, add_rule(".row { display: grid; }")),
    ("forbid-grid-gap", "CSS-FORBID", E, add_rule(".row { grid-row-gap: 4px; }")),
    ("forbid-gap", "CSS-FORBID", E, add_style("gap:4px")),
    ("forbid-variable-read", "CSS-FORBID", E, add_style("letter-spacing:var(--space)")),
    ("forbid-variable-set", "CSS-FORBID", E, add_rule(":root { --ink: #111111; }")),
    ("forbid-calc", "CSS-FORBID", E, add_style("width:calc(100% - 4px)")),
    ("forbid-min", "CSS-FORBID", E, add_style("width:min(100%, 300px)")),
    ("forbid-clamp", "CSS-FORBID", E, add_style("width:clamp(1px, 2px, 3px)")),
    ("forbid-rem", "CSS-FORBID", E, add_style("letter-spacing:0.1rem")),
    ("forbid-ch", "CSS-FORBID", E, add_style("width:30ch")),
    ("forbid-logical", "CSS-FORBID", E, add_style("margin-inline-start:4px")),
    ("forbid-logical-unlisted", "CSS-FORBID", E, add_style("border-inline-end:1px solid #000000")),
    ("forbid-transform", "CSS-FORBID", E, add_style("transform:rotate(2deg)")),
    ("forbid-prefixed-transform", "CSS-FORBID", E, add_style("-webkit-transform:rotate(2deg)")),
    ("forbid-animation", "CSS-FORBID", E, add_style("animation-fill-mode:both")),
    ("forbid-keyframes", "CSS-FORBID", E, add_rule("@keyframes turn { from { top: 0 } to { top: 1px } }")),
    ("forbid-object-fit", "CSS-FORBID", E, add_style("object-fit:cover")),
    ("forbid-fit-content", "CSS-FORBID", E, add_style("max-width:fit-content")),
    ("forbid-in-media", "CSS-FORBID", E, add_media(".x { position: absolute !important; }")),
    ("avoid-float", "CSS-AVOID", W, add_style("float:left")),
    ("avoid-vw", "CSS-AVOID", W, add_style("letter-spacing:1vw")),
    ("avoid-initial", "CSS-AVOID", W, add_style("letter-spacing:initial")),
    ("avoid-nth-child", "CSS-AVOID", W, add_rule("tr:nth-child(2) { letter-spacing: 0; }")),
    ("avoid-not", "CSS-AVOID", W, add_rule("p:not(.x) { letter-spacing: 0; }")),
    ("avoid-before", "CSS-AVOID", W, add_rule("p.x::before { letter-spacing: 0; }")),
    ("parse-brace", "CSS-PARSE", E, add_rule(".x { letter-spacing: 0;")),
    ("parse-extra-brace", "CSS-PARSE", E, add_rule(".x { letter-spacing: 0; } }")),
    ("parse-no-colon", "CSS-PARSE", E, add_rule(".x { letter-spacing 0; }")),
    ("parse-comment", "CSS-PARSE", E, add_rule("/* never closed")),
    ("parse-attribute", "CSS-PARSE", E, add_style("letter-spacing")),
    ("parse-no-value", "CSS-PARSE", E, add_style("letter-spacing:")),
    ("parse-no-semicolon", "CSS-PARSE", E, add_style("letter-spacing:0 text-indent:0")),
    ("parse-string", "CSS-PARSE", E, add_style("quotes:'x")),
    ("parse-star-hack", "CSS-PARSE", E, add_rule(".x { *zoom: 1; }")),
    ("parse-selector", "CSS-PARSE", E, add_rule(".x > { letter-spacing: 0; }")),
    ("nest-media", "CSS-NEST", E, add_media("@media (max-width: 900px) { .x { letter-spacing: 0 !important; } }")),
    ("nest-in-supports", "CSS-NEST", E, add_rule("@supports (a: b) { @media all { .x { letter-spacing: 0 !important } } }")),
    ("nest-rule", "CSS-NEST", E, add_rule(".x { letter-spacing: 0; .y { letter-spacing: 0; } }")),
    ("nest-media-in-rule", "CSS-NEST", E, add_rule(".x { @media all { letter-spacing: 0 !important; } }")),
    ("color-space-rgb", "CSS-COLOR", E, add_style("border-top:0 solid rgb(0 0 0)")),
    ("color-slash-rgb", "CSS-COLOR", E, add_style("border-top-color:rgb(0 0 0 / 50%)")),
    ("color-rgba", "CSS-COLOR", E, add_style("box-shadow:0 1px 2px rgba(0, 0, 0, 0.2)")),
    ("color-hsl", "CSS-COLOR", E, add_rule(".x { border-color: hsl(0, 0%, 0%); }")),
    ("color-oklch", "CSS-COLOR", E, add_style("border-color:oklch(40% 0.2 20)")),
    ("color-hex-8", "CSS-COLOR", E, add_style("border-color:#11223344")),
    ("color-hex-4", "CSS-COLOR", E, add_style("border-color:#1234")),
    ("color-unknown-name", "CSS-COLOR", E, add_rule(".nothing { color: grren; }")),
    ("color-attribute", "CSS-COLOR", E, swap('bgcolor="#ffffff"', 'bgcolor="rgb(255,255,255)"')),
    ("ext-import", "CSS-EXT", E, swap("<style>:root", '<style>@import "https://a.example/x.css";\n:root')),
    ("ext-http", "CSS-EXT", E, add_style("background-image:url(http://img.example/a.png)")),
    ("ext-relative", "CSS-EXT", E, add_style("background-image:url(a.png)")),
    ("ext-data", "CSS-EXT", E, add_rule('.x { background-image: url("data:image/png;base64,AAAA"); }')),
    ("ext-font-face", "CSS-EXT", W, add_rule("@font-face { font-family: X; src: url(https://a.example/x.woff2); }")),
    ("imp-missing-in-media", "CSS-IMP", E, add_media(".x { letter-spacing: 0; }")),
    ("imp-missing-in-dark", "CSS-IMP", E, swap(".sheet { background-color: #1c1b19 !important; }", ".sheet { background-color: #1c1b19 !important; letter-spacing: 0 }")),
    ("imp-inline", "CSS-IMP", W, add_style("letter-spacing:0 !important")),
]  # fmt: skip
LAYOUT_FAULTS = [
    ("mso-not-closed", "LAY-MSO", E, swap(GHOST_CLOSE, "<!--[if mso]></td></tr></table>-->")),
    ("mso-stray-end", "LAY-MSO", E, add("<!--<![endif]-->")),
    ("mso-stray-hidden-end", "LAY-MSO", E, add("<![endif]-->")),
    ("mso-revealed-not-closed", "LAY-MSO", E, add("<!--[if !mso]><!-->")),
    ("mso-ghost-not-closed", "LAY-MSO", E, swap(GHOST_CLOSE, "")),
    ("mso-ghost-half-closed", "LAY-MSO", E, swap(GHOST_CLOSE, "<!--[if mso]></td></table><![endif]-->")),
    ("mso-ghost-twice-closed", "LAY-MSO", E, swap(GHOST_CLOSE, GHOST_CLOSE + GHOST_CLOSE)),
    ("mso-bare-not-closed", "LAY-MSO", E, add("<![if !mso]>")),
    ("role-missing", "LAY-ROLE", E, table(' role="presentation"')),
    ("role-wrong", "LAY-ROLE", E, table("presentation", "grid")),
    ("role-missing-on-ghost", "LAY-ROLE", E, swap('<!--[if mso]><table role="presentation"', "<!--[if mso]><table")),
    ("role-no-cellpadding", "LAY-ROLE", W, table('cellpadding="0"')),
    ("role-border", "LAY-ROLE", W, table('border="0"', 'border="1"')),
    ("role-no-cellspacing-on-ghost", "LAY-ROLE", W, swap('align="center" cellpadding="0" cellspacing="0" border="0"><tr><td><![endif]', 'align="center" cellpadding="0" border="0"><tr><td><![endif]')),
    ("width-ghost", "LAY-WIDTH", E, swap('<!--[if mso]><table role="presentation" width="640"', '<!--[if mso]><table role="presentation" width="700"')),
    ("width-max", "LAY-WIDTH", E, swap("max-width:640px", "max-width:680px")),
    ("width-image", "LAY-WIDTH", E, swap_pattern('width="600" height="338"', 'width="1200" height="676"')),
    ("width-in-style-block", "LAY-WIDTH", E, add_media(".headline { max-width: 700px !important; }")),
    ("width-points", "LAY-WIDTH", E, add_style("max-width:600pt")),
    ("fluid-table", "LAY-FLUID", W, table("100%", "600")),
    ("fluid-cell-style", "LAY-FLUID", W, add(f'{TABLE}><tr><td style="width:420px"></td></tr></table>')),
    ("fluid-min-width", "LAY-FLUID", W, add('<div style="min-width:500px"></div>')),
    ("fluid-image", "LAY-FLUID", W, image('src="https://img.example/a.jpg" alt="A bridge" width="560" height="300"')),
    ("ghost-table", "LAY-GHOST", W, lambda html: html.replace(GHOST_OPEN, "").replace(GHOST_CLOSE, "")),
    ("ghost-div", "LAY-GHOST", E, only(f'{HEADED}<div style="max-width:600px">{"WORD " * 80}</div>')),
    ("ghost-column", "LAY-GHOST", E, add('<div style="max-width:600px"><div style="display:inline-block; max-width:300px">a</div></div>')),
    ("pad-div", "LAY-PAD", E, add('<div style="padding:10px">a</div>')),
    ("pad-paragraph", "LAY-PAD", E, text("padding-left:1em")),
    ("pad-heading", "LAY-PAD", E, add_style("padding:0 0 4px")),
    ("pad-table", "LAY-PAD", E, swap("max-width:640px;", "max-width:640px; padding:2%;")),
    ("pad-list", "LAY-PAD", W, add('<ul style="margin:0; padding-left:20px"><li>a</li></ul>')),
    ("button-on-link", "BTN", W, add(f'<p style="margin:0"><a href="{LINK}" style="display:inline-block; padding:12px 24px; background-color:#a8201a; color:#ffffff">Listen</a></p>')),
    ("button-framed-link", "BTN", W, add(f'<p style="margin:0"><a href="{LINK}" style="display:inline-block; padding:12px 24px; border:2px solid #a8201a; color:#a8201a" class="accent">Listen</a></p>')),
    ("button-padding-on-link", "BTN", W, button(cell="padding:0", own="color:#ffffff; padding:12px 24px")),
    ("button-too-low", "BTN", W, button(cell="padding:4px 24px")),
]  # fmt: skip
IMAGE_FAULTS = [
    ("alt-missing", "IMG-ALT", E, image('src="https://img.example/a.jpg" width="300" height="200"')),
    ("alt-empty-in-link", "IMG-ALT", E, add(f'<p style="margin:0"><a href="{LINK}"><img src="https://img.example/a.jpg" alt="" width="300" height="200"></a></p>')),
    ("dim-no-width", "IMG-DIM", E, image('src="https://img.example/a.jpg" alt="A bridge" height="200"')),
    ("dim-no-height", "IMG-DIM", E, image('src="https://img.example/a.jpg" alt="A bridge" width="300"')),
    ("dim-per-cent", "IMG-DIM", E, image('src="https://img.example/a.jpg" alt="A bridge" width="100%" height="200"')),
    ("dim-unit", "IMG-DIM", E, image('src="https://img.example/a.jpg" alt="A bridge" width="300px" height="200"')),
    ("dim-auto", "IMG-DIM", E, image('src="https://img.example/a.jpg" alt="A bridge" width="300" height="auto"')),
    ("src-http", "IMG-SRC", E, image(GOOD_IMAGE.replace("https:", "http:"))),
    ("src-relative", "IMG-SRC", E, image(GOOD_IMAGE.replace("https://img.example", ""))),
    ("src-data", "IMG-SRC", E, image(GOOD_IMAGE.replace("https://img.example/a.jpg", "data:image/webp;base64,AAAA"))),
    ("src-cid", "IMG-SRC", E, image(GOOD_IMAGE.replace("https://img.example/a.jpg", "cid:logo"))),
    ("src-missing", "IMG-SRC", E, image('alt="A bridge" width="300" height="200"')),
    ("src-background", "IMG-SRC", E, add(f'{TABLE} background="/a.jpg"><tr><td></td></tr></table>')),
    ("format-webp", "IMG-FMT", E, image(GOOD_IMAGE.replace("a.jpg", "a.webp"))),
    ("format-svg", "IMG-FMT", E, image(GOOD_IMAGE.replace("a.jpg", "A.SVG?v=2"))),
    ("format-asked-for", "IMG-FMT", E, image(GOOD_IMAGE.replace("a.jpg", "a?format=avif&amp;w=600"))),
    ("only-images", "IMG-ONLY", E, only(f"{HEADED}<img {GOOD_IMAGE}>")),
    ("few-words", "IMG-ONLY", W, only(f"{HEADED}<img {GOOD_IMAGE}><p>{'WORD ' * 20}</p>")),
]  # fmt: skip
LINK_FAULTS = [
    ("href-relative", "LNK-HREF", E, link("/articles/1")),
    ("href-no-scheme", "LNK-HREF", E, link("//news.example/a")),
    ("href-empty", "LNK-HREF", E, link("")),
    ("href-missing", "LNK-HREF", E, add('<p style="margin:0"><a>words</a></p>')),
    ("href-space", "LNK-HREF", E, link("https://news.example/a b")),
    ("href-hangul", "LNK-HREF", E, link("https://news.example/기사")),
    ("href-per-cent", "LNK-HREF", E, link("https://news.example/100%")),
    ("href-no-host", "LNK-HREF", E, link("https:///a")),
    ("href-login", "LNK-HREF", E, link("https://bank.example%20@evil.example/")),
    ("href-ftp", "LNK-HREF", E, link("ftp://news.example/a")),
    ("href-http", "LNK-HREF", W, link("http://news.example/a")),
    ("href-fragment", "LNK-HREF", W, link("#top")),
    ("text-empty", "LNK-TEXT", E, link(LINK, "")),
    ("text-invisible", "LNK-TEXT", E, link(LINK, "&nbsp;&#8203;")),
    ("text-more-ko", "LNK-TEXT", W, link(LINK, "더보기")),
    ("text-more-ko-arrow", "LNK-TEXT", W, link(LINK, "더 보기 &rarr;")),
    ("text-here", "LNK-TEXT", W, link(LINK, "Here.")),
    ("text-read-more", "LNK-TEXT", W, link(LINK, "Read&nbsp;more »")),
    ("short-bit-ly", "LNK-SHORT", E, link("https://bit.ly/3abc")),
    ("short-korean", "LNK-SHORT", E, link("https://www.me2.do/abc")),
    ("spoof-address", "LNK-SPOOF", E, link("https://evil.example/", "https://bank.example/login")),
    ("spoof-in-words", "LNK-SPOOF", E, link("https://evil.example/", "go to https://bank.example now")),
    ("spoof-host-alone", "LNK-SPOOF", E, link("https://evil.example/", "www.bank.co.kr")),
    ("spoof-suffix", "LNK-SPOOF", E, link("https://notbank.com/", "bank.com")),
    ("utm-incomplete", "LNK-UTM", E, link(f"{LINK}?utm_source=digest")),
    ("utm-empty", "LNK-UTM", E, link(f"{LINK}?utm_source=digest&amp;utm_medium=&amp;utm_campaign=w1")),
    ("utm-doubled", "LNK-UTM", E, link(f"{LINK}?utm_source=a&amp;utm_medium=email&amp;utm_campaign=w1&amp;utm_source=b")),
    ("pii-address", "LNK-PII", W, link(f"{LINK}?to=reader@example.com")),
    ("pii-encoded", "LNK-PII", W, link(f"{LINK}?to=reader%40example.com")),
]  # fmt: skip
READING_FAULTS = [
    ("h1-none", "A11Y-H1", E, lambda html: html.replace("<h1", "<h2").replace("</h1>", "</h2>")),
    ("h1-two", "A11Y-H1", E, add('<h1 class="ink" style="margin:0; color:#1d1b18">a</h1>')),
    ("h1-empty", "A11Y-H1", E, swap_pattern(r"(<h1[^>]*>)[^<]*", r"\1")),
    ("h1-skipped", "A11Y-H1", E, lambda html: html.replace("<h2", "<h3").replace("</h2>", "</h3>")),
    ("size-9", "A11Y-SIZE", E, text("font-size:9px")),
    ("size-em", "A11Y-SIZE", E, text("font-size:0.5em")),
    ("size-1", "A11Y-SIZE", E, text("font-size:1px")),
    ("size-11", "A11Y-SIZE", W, text("font-size:11px")),
    ("size-points", "A11Y-SIZE", W, text("font-size:8pt")),
    ("size-of-font", "A11Y-SIZE", W, add('<p style="margin:0"><font size="1">word</font></p>')),
    ("size-on-phones", "A11Y-SIZE", W, add_rule("@media (max-width: 500px) { .opening { font-size: 11px !important; } }")),
    ("contrast-grey", "A11Y-CONTRAST", E, text("color:#999999; background-color:#ffffff")),
    ("contrast-named", "A11Y-CONTRAST", E, text("color:tomato; background-color:white")),
    ("contrast-of-bgcolor", "A11Y-CONTRAST", E, add(f'{TABLE}><tr><td bgcolor="#333333" style="{BUTTON_FONT}; color:#222222">word</td></tr></table>')),
    ("contrast-link-default", "A11Y-CONTRAST", E, add(f'{TABLE}><tr><td bgcolor="#101010" style="{BUTTON_FONT}; color:#ffffff">all of <a href="{LINK}">a word</a></td></tr></table>')),
    ("contrast-large-too-low", "A11Y-CONTRAST", E, text("font-size:24px; color:#aaaaaa; background-color:#ffffff")),
    ("contrast-alt", "A11Y-CONTRAST", E, image(f'{GOOD_IMAGE} style="background-color:#eeeeee; color:#dddddd"')),
    ("contrast-in-light-block", "A11Y-CONTRAST", E, add_rule("@media (min-width: 600px) { .caption { color: #ddcccc !important; } }")),
    ("contrast-stripped", "A11Y-CONTRAST", E, lambda html: add_rule("@media (prefers-color-scheme: light) { .pale { color: #111111 !important; } }")(text("color:#cccccc")(html).replace('<p style="margin:0; color:#cccccc"', '<p class="pale muted" style="margin:0; color:#cccccc"'))),
    ("dark-background-forgotten", "A11Y-DARK", E, swap(".text { color: #d2cdc4 !important; }", ".text { color: #151515 !important; }")),
    ("dark-text-forgotten", "A11Y-DARK", E, add_rule("@media (prefers-color-scheme: dark) { .around { background-color: #1c1b19 !important; } .opening { color: #333333 !important; } }")),
    ("dark-inline-black", "A11Y-DARK", E, text("color:#1d1b18")),
    ("dark-on-phones", "A11Y-DARK", E, add_rule("@media (prefers-color-scheme: dark) and (max-width: 480px) { .caption { color: #202020 !important; } }")),
]  # fmt: skip
KOREAN_FAULTS = [
    ("stack-latin", "FONT-STACK", E, text("font-family:Georgia, serif", "한글")),
    ("stack-no-malgun", "FONT-STACK", E, text("font-family:Apple SD Gothic Neo, sans-serif", "한글")),
    ("stack-no-generic", "FONT-STACK", E, text("font-family:Apple SD Gothic Neo, Malgun Gothic", "한글")),
    ("stack-only-above-the-cell", "FONT-STACK", E, add(f"{TABLE}><tr><td>한글</td></tr></table>")),
    ("stack-in-font-shorthand", "FONT-STACK", E, text("font:bold 16px/1.5 Arial, sans-serif", "한글")),
    ("break-normal", "KO-BREAK", W, text("word-break:normal", "한글 낱말")),
    ("break-all", "KO-BREAK", W, text("word-break:break-all", "한글 낱말")),
    ("break-not-at-all", "KO-BREAK", W, text("overflow-wrap:normal", "한글 낱말")),
    ("lead-tight", "KO-LEAD", W, text("line-height:1.2", "한글 낱말이 이어지는 긴 문장입니다")),
    ("lead-normal", "KO-LEAD", W, text("line-height:normal", "한글 낱말이 이어지는 긴 문장입니다")),
    ("lead-pixels", "KO-LEAD", W, text("font-size:20px; line-height:24px", "한글 낱말이 이어지는 긴 문장입니다")),
]  # fmt: skip
MUTATIONS = [
    Mutation(name=name, rule=rule, severity=severity, mutate=mutate)
    for name, rule, severity, mutate in (
        *STYLE_FAULTS, *LAYOUT_FAULTS, *IMAGE_FAULTS, *LINK_FAULTS, *READING_FAULTS, *KOREAN_FAULTS,
    )
]  # fmt: skip
