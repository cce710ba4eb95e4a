"""Which declaration wins where, and what follows for the eye: light, dark, on a phone, and without style blocks."""

import pytest

from digest.check.cascade import compute_styles
from digest.check.document import parse_html
from digest.check.element_style import ElementStyle
from digest.check.view import DARK, DARK_PHONE, LIGHT, LIGHT_PHONE, STRIPPED, View

DARK_META = '<meta name="color-scheme" content="light dark">'


def style_of(body: str, css: str = "", view: View = LIGHT, head: str = "") -> ElementStyle:
    """The style of the element with the id `x`."""
    document = parse_html(f"<!DOCTYPE html><html><head>{head}<style>{css}</style></head><body>{body}</body></html>")
    [element] = document.root.xpath("//*[@id='x']")
    found = compute_styles(document).of(element, view)
    assert found is not None
    return found


def color(body: str, css: str = "", view: View = LIGHT, head: str = "") -> str:
    return str(style_of(body, css, view, head).color)


@pytest.mark.parametrize(
    ("css", "expected"),
    [
        ("p { color: red } p { color: lime }", "#00ff00"),
        (".a { color: red } p { color: lime }", "#ff0000"),
        ("#x { color: red } .a.a { color: lime }", "#ff0000"),
        ("p { color: red !important } #x { color: lime }", "#ff0000"),
        ("div p { color: red } p { color: lime }", "#ff0000"),
        ("p, q { color: red }", "#ff0000"),
        ("p:hover { color: red }", "#000000"),
        ("p::before { color: red }", "#000000"),
        ("[data-ogsc] p { color: red }", "#000000"),
        ("u + p, p ~ p { color: red }", "#000000"),
        ("p { color: red; color: nothing; }", "None"),
        ("@media print { p { color: red } }", "#000000"),
        ("@media yahoo { p { color: red } }", "#000000"),
        ("@supports (a: b) { p { color: red } }", "#ff0000"),
        ("q { p { color: red } }", "#000000"),
        ("p:focus-within, p { color: red }", "#000000"),
    ],
)
def test_the_strongest_selector_wins_and_then_the_last(css, expected):
    assert color('<div><p id="x" class="a">a</p></div>', css) == expected


def test_a_style_attribute_wins_over_blocks_but_not_over_what_is_important_there():
    body = '<p id="x" style="color: lime">a</p>'
    assert color(body, "#x { color: red }") == "#00ff00"
    assert color(body, "p { color: red !important }") == "#ff0000"
    assert color(body, "p { color: red !important }", STRIPPED) == "#00ff00"


def test_comments_for_word_are_none_for_others():
    head = "<!--[if mso]><style>p { color: red }</style><![endif]-->"
    assert color('<p id="x">a</p>', head=head) == "#000000"


@pytest.mark.parametrize(
    ("query", "views"),
    [
        ("(max-width: 600px)", {LIGHT_PHONE, DARK_PHONE}),
        ("only screen and (min-width:600px)", {LIGHT, DARK}),
        ("screen and (max-width: 37.5em)", {LIGHT_PHONE, DARK_PHONE}),
        ("(prefers-color-scheme: dark)", {DARK, DARK_PHONE}),
        ("(prefers-color-scheme:light)", {LIGHT, LIGHT_PHONE}),
        ("(prefers-color-scheme: dark) and (max-width: 480px)", {DARK_PHONE}),
        ("print, (prefers-color-scheme: dark)", {DARK, DARK_PHONE}),
        ("not print", {LIGHT, LIGHT_PHONE, DARK, DARK_PHONE}),
        ("not all and (max-width: 600px)", {LIGHT, DARK}),
        ("screen and (-webkit-min-device-pixel-ratio: 0)", {LIGHT, LIGHT_PHONE, DARK, DARK_PHONE}),
        ("(unheard-of: 3)", set()),
        ("speech", set()),
    ],
)
def test_media_rules_apply_where_they_say(query, views):
    css = f"@media {query} {{ p {{ color: red !important }} }}"
    all_views = (LIGHT, LIGHT_PHONE, DARK, DARK_PHONE, STRIPPED)
    seen = {view for view in all_views if color('<p id="x">a</p>', css, view) == "#ff0000"}
    assert seen == views


def test_views_that_show_the_same_are_looked_at_once():
    def labels(css: str) -> int:
        styles = compute_styles(parse_html(f"<style>{css}</style><p>a"))
        return len(styles.views) + len(styles.dark_views)

    assert labels("") == 2
    assert labels("p { color: red }") == 3
    assert labels("@media (max-width: 500px) { p { color: red !important } }") == 4
    assert labels("p { letter-spacing: 0 }") == 2


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ('<p id="x">a</p>', ("#000000", "#ffffff")),
        ('<a id="x" href="https://a.example">a</a>', ("#0000ee", "#ffffff")),
        ('<a id="x">a</a>', ("#000000", "#ffffff")),
        ('<a href="https://a.example" style="color:red"><b id="x">a</b></a>', ("#ff0000", "#ffffff")),
        ('<table bgcolor="112233"><tr><td id="x" bgcolor="#ddd">a</td></tr></table>', ("#000000", "#dddddd")),
        ('<td bgcolor="#ddd" style="background:red url(x.png)"><p id="x">a</p></td>', ("#000000", "#ff0000")),
        ('<div style="background-color:red"><p id="x" style="background:none">a</p></div>', ("#000000", "#ff0000")),
        ('<font id="x" color="#123456" size="1" face="Arial">a</font>', ("#123456", "#ffffff")),
        ('<div style="color:red"><p id="x" style="color:inherit">a</p></div>', ("#ff0000", "#ffffff")),
        ('<p id="x" style="color:rgba(0,0,0,0.5)">a</p>', ("#808080", "#ffffff")),
        ('<p id="x" style="background-color:var(--x)">a</p>', ("#000000", "None")),
    ],
)
def test_colours_come_from_attributes_styles_and_what_is_around(body, expected):
    found = style_of(body)
    assert (str(found.color), str(found.background)) == expected


def test_a_mail_that_knows_dark_mode_has_a_dark_canvas_and_others_a_white_one():
    assert str(style_of('<p id="x">a</p>', view=DARK, head=DARK_META).background) == "#121212"
    assert color('<p id="x">a</p>', view=DARK, head=DARK_META) == "#ffffff"
    assert str(style_of('<p id="x">a</p>', view=DARK).background) == "#ffffff"
    assert str(style_of('<p id="x">a</p>', ":root { color-scheme: light dark }", DARK).background) == "#121212"


@pytest.mark.parametrize(
    ("style", "size", "leading"),
    [
        ("", 20, 1.5),
        ("font-size:10px", 10, 1.5),
        ("font-size:0.5em", 10, 1.5),
        ("font-size:150%; line-height:30px", 30, 1),
        ("font-size:12pt; line-height:200%", 16, 2),
        ("font-size:small; line-height:normal", 13, 1.2),
        ("font:bold 10px/1.8 Arial, sans-serif", 10, 1.8),
        ("font:inherit", 20, 1.5),
        ("font-size:smaller", 16.6, 1.5),
        ("font-size:nothing; line-height:nothing", 20, 1.2),
    ],
)
def test_sizes_and_line_heights_are_computed_from_those_around(style, size, leading):
    found = style_of(f'<div style="font-size:20px; line-height:1.5"><p id="x" style="{style}">a</p></div>')
    assert (found.size, found.leading) == pytest.approx((size, leading))


def test_a_line_height_in_pixels_is_inherited_in_pixels():
    body = '<div style="font-size:20px; line-height:30px"><p id="x" style="font-size:10px">a</p></div>'
    assert style_of(body).leading == 3


@pytest.mark.parametrize(
    ("style", "is_hidden"),
    [
        ("display:none", True),
        ("visibility:hidden", True),
        ("max-height:0; overflow:hidden", True),
        ("opacity:0", True),
        ("opacity:0.0", True),
        ("max-height:0", False),
        ("opacity:0.9", False),
        ("mso-hide:all", False),
        ("overflow:hidden", False),
    ],
)
def test_what_is_hidden_hides_what_is_in_it(style, is_hidden):
    assert style_of(f'<div style="{style}"><p id="x">a</p></div>').is_hidden is is_hidden


def test_a_font_stack_above_the_cell_is_seen_but_not_its_own():
    body = '<div style="font-family:Arial, serif"><table><tr><td id="x">a</td></tr></table></div>'
    found = style_of(body)
    assert (found.family, found.has_own_family) == ("Arial, serif", False)
    assert style_of('<table><tr><td style="font-family:Arial"><p id="x">a</p></td></tr></table>').has_own_family
    assert not style_of('<table><tr><td id="x" style="font-family:inherit">a</td></tr></table>').has_own_family
