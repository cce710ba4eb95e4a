"""Panes as documents: numbering, what each takes away, and that nothing hostile survives in any of them."""

import re

import pytest
from digest_message import IMAGE, write_digest, write_mail
from hostile_markup import HOSTILE
from hypothesis import example, given, settings
from hypothesis import strategies as st

from digest.check.document import parse_html
from digest.color import Color, contrast
from digest.web.preview.conditions import holds_for_word
from digest.web.preview.inverted import invert
from digest.web.preview.panes import Pane, draw_pane
from digest.web.preview.parts import open_parts

PAGE = "<!DOCTYPE html><html><head></head><body>{}</body></html>"


@pytest.fixture(scope="module")
def digest(tmp_path_factory):
    return open_parts(write_digest(tmp_path_factory.mktemp("panes")))


def nowhere(_url):
    return None


def draw(body, pane, image_address=nowhere):
    return draw_pane(open_parts(write_mail(body)), pane, image_address)


def element_with(html, **attributes):
    for element in parse_html(html).elements:
        if all(element.get(name.replace("_", "-")) == value for name, value in attributes.items()):
            return element
    raise AssertionError(f"no element with {attributes} in {html}")


def assert_harmless(html):
    """Only links lead elsewhere, and what could load has nothing to load."""
    policy = r"default-src 'none'; style-src 'unsafe-inline'; img-src "
    assert re.search(policy, html.replace("&#x27;", "'"))
    document = parse_html(html)
    for element in document.elements:
        assert element.tag not in {"script", "link", "base", "iframe", "object", "embed", "svg", "form", "input"}
        assert not [name for name in element.attrib if name.startswith("on") or name in {"srcset", "ping", "action"}]
        if element.tag == "meta":
            assert element.get("http-equiv") in {None, "Content-Security-Policy", "x-dns-prefetch-control"}
        if element.tag == "a" and "href" in element.attrib:
            assert element.get("href").startswith(("http", "mailto:", "tel:", "#"))
            assert (element.get("target"), element.get("rel")) == ("_blank", "noreferrer noopener")
        assert "evil.test" not in element.get("src", "") + element.get("background", "")
        css = element.get("style", "") + ((element.text or "") if element.tag == "style" else "")
        assert not re.search(r"(?:url|src|image|set|fade)\((?!none)[^)]*evil", css)
        assert "@import" not in css


@pytest.mark.parametrize("pane", Pane)
@pytest.mark.parametrize("snippet", HOSTILE)
def test_nothing_hostile_survives(snippet, pane):
    assert_harmless(draw(PAGE.format(snippet), pane))
    assert_harmless(draw(snippet, pane))


PIECES = st.one_of(
    st.sampled_from(HOSTILE), st.text("<>/\"'=!-[]{}:;@\\ abimg\x00\x0c&#한", max_size=30), st.text(max_size=10)
)


@settings(max_examples=60, deadline=None)
@given(st.lists(PIECES, max_size=6).map("".join), st.sampled_from(Pane))
@example("<frameset><frame></frameset>", Pane.STRIPPED)
@example("<p style=\"content:'\\1 \\fffe \\d800 '\">", Pane.DESKTOP)
@example("<style>p{content:'\\1'}</style><body><body><html>", Pane.WORD)
@example("", Pane.WORD)
def test_junk_never_crashes_a_pane_nor_arms_it(html, pane):
    assert_harmless(draw(html, pane))


@pytest.mark.parametrize("pane", Pane)
def test_elements_carry_the_number_by_which_findings_point_at_them(digest, pane):
    elements = parse_html(digest.html).elements
    shown = [
        element for element in parse_html(draw_pane(digest, pane, nowhere)).elements if "data-element" in element.attrib
    ]
    numbers = [int(element.get("data-element")) for element in shown]
    assert numbers == sorted(set(numbers))
    assert len(numbers) > 50
    for element in shown:
        source = elements[int(element.get("data-element"))]
        renamed = {("img", "span"), ("body", "div")}
        assert element.tag == source.tag or (source.tag, element.tag) in renamed
    paragraphs = {
        number for number, element in enumerate(elements) if element.tag in {"p", "h1", "h2", "h3", "td", "a"}
    }
    assert paragraphs <= set(numbers)


def test_a_number_cannot_be_claimed_by_the_mail_itself():
    body = '<p data-element="7">x</p><!--[if mso]><b data-element="3">y</b><![endif]-->'
    html = draw(PAGE.format(body), Pane.WORD)
    assert element_with(html, data_element="3").tag == "p"
    assert "data-element" not in next(parse_html(html).find("b")).attrib


def test_pictures_load_from_the_address_they_are_given_and_from_no_other():
    asked = []

    def address(url):
        asked.append(url)
        return "/pictures/1?a=1&b=2" if url == "https://x.example/1.png?a&b" else None

    body = '<img src=" https://x.example/1.png?a&amp;b " alt="가"><img src="https://x.example/2.png" alt="나">'
    html = draw(PAGE.format(body), Pane.DESKTOP, address)
    assert asked == ["https://x.example/1.png?a&b", "https://x.example/2.png"]
    assert [image.get("src") for image in parse_html(html).find("img")] == ["/pictures/1?a=1&b=2"]
    assert "img-src &#x27;self&#x27;" in html


@pytest.mark.parametrize(
    ("address", "source"),
    [
        ("data:image/png;base64,AAAA", "data:"),
        ("http://127.0.0.1:8025/i/1", "http://127.0.0.1:8025"),
        ("/i/1", "'self'"),
        ("https://a;script-src *.example/", "'self'"),
    ],
)
def test_the_policy_names_where_pictures_lie_and_nothing_else(address, source):
    html = draw(PAGE.format("<img src=a>"), Pane.DESKTOP, lambda _: address)
    assert f'img-src {source}">' in html.replace("&#x27;", "'")


def test_a_background_picture_loads_from_its_address_too():
    body = '<td background="b.png" style="background:url(b.png) no-repeat #fff">x</td>'
    html = draw(PAGE.format(f"<table><tr>{body}</tr></table>"), Pane.DESKTOP, lambda _: '/i"1')
    cell = next(parse_html(html).find("td"))
    assert cell.get("background") == '/i"1'
    assert 'url("/i\\"1") no-repeat #fff' in cell.get("style")


def test_images_off_shows_the_alt_text_in_a_box_of_the_size(digest):
    html = draw_pane(digest, Pane.IMAGES_OFF, lambda _: "/there")
    assert IMAGE not in html
    assert "/there" not in html
    box = element_with(html, role="img")
    assert "새벽의 다리" in box.text
    assert "width:600px" in box.get("style")
    assert "aspect-ratio:600/400" in box.get("style")


def test_a_counting_pixel_is_a_box_without_edge():
    box = element_with(draw(PAGE.format('<img src=a width=1 height=1 alt="">'), Pane.IMAGES_OFF), data_element="3")
    assert "outline" not in box.get("style")


DARK_RULES = """<style>:root { color-scheme: light dark; }
@media (prefers-color-scheme: dark) { .a { color: #fff } }
@media screen and (prefers-color-scheme:light) { .b { color: #000 } }
@media not (prefers-color-scheme: dark) { .c { color: #111 } }</style>
<style media="(prefers-color-scheme: dark)">.d { color: #222 }</style><p>x"""


@pytest.mark.parametrize(
    ("pane", "holding"),
    [
        (Pane.DARK, [True, False, True, True]),
        (Pane.DESKTOP, [False, True, False, False]),
        (Pane.INVERTED, [False, False, False, False]),
    ],
)
def test_schemes_are_settled_in_the_sheet(pane, holding):
    html = draw(DARK_RULES, pane)
    conditions = re.findall(r"@media ([^{]*) \{", html)
    assert ["(min-width:0px)" in condition for condition in conditions] == holding
    assert "prefers-color-scheme" not in html
    assert "light dark" not in html
    assert f"only {'dark' if pane is Pane.DARK else 'light'} !important" in html


COLORS = st.builds(Color, *[st.integers(0, 255)] * 3)


@given(COLORS)
def test_inversion_mirrors_lightness(color):
    """CIE lightness of both together is 100, within what a byte can hold."""

    def lightness(one):
        luminance = one.luminance
        return 116 * luminance ** (1 / 3) - 16 if luminance > 216 / 24389 else luminance * 24389 / 27

    assert lightness(color) + lightness(invert(color)) == pytest.approx(100, abs=1.5)


def test_inversion_keeps_the_hue():
    red = invert(Color(0xA8, 0x20, 0x1A))
    assert red.red > red.green > red.blue - 60
    assert contrast(red, Color(0, 0, 0)) > 4.5


def test_every_way_to_set_a_colour_is_turned():
    body = (
        "<style>p { color: black; background: linear-gradient(white, rgba(255,255,255,.5)) }</style>"
        '<table bgcolor="#ffffff"><tr><td style="color:#000!important; background:rgb(255,255,255)">'
        '<font color="black">x</font>'
    )
    html = draw(PAGE.format(body), Pane.INVERTED)
    table, cell, font = (next(parse_html(html).find(tag)) for tag in ("table", "td", "font"))
    assert table.get("bgcolor") == "#000000"
    assert cell.get("style") == "color:#ffffff!important; background:#000000;"
    assert font.get("color") == "#ffffff"
    assert "color: #ffffff" in html
    assert "linear-gradient(#000000, rgba(0,0,0,0.5))" in html


def test_stripping_leaves_no_style_element_class_or_id(digest):
    html = draw_pane(digest, Pane.STRIPPED, nowhere)
    document = parse_html(html)
    assert [style.text for style in document.find("style")] == [":root { color-scheme: only light !important; }"]
    assert not [element for element in document.elements if "class" in element.attrib or "id" in element.attrib]
    assert any("font-size" in element.get("style", "") for element in document.elements)


@pytest.mark.parametrize(
    ("style", "left"),
    [
        ("display:none; max-height:0; overflow:hidden", "max-height:0; overflow:hidden;"),
        ("display:block; position:absolute; margin:-4px; margin-top:4px", "display:block; margin-top:4px;"),
        (
            "opacity:0; visibility:hidden; color:#000; mso-hide:all; padding-inline:3px; word-break:keep-all",
            "color:#000; word-break:keep-all;",
        ),
        ("color:rgb(0 128 0); font-size:16px", None),
        ("color:rgb(0, 128, 0)", "color:rgb(0, 128, 0);"),
    ],
)
def test_gmails_mobile_web_drops_what_caniemail_says(style, left):
    html = draw(PAGE.format(f'<p style="{style}">x</p>'), Pane.STRIPPED)
    assert next(parse_html(html).find("p")).get("style") == left


@pytest.mark.parametrize(
    "condition",
    [
        "mso",
        "gte mso 9",
        "gt mso 15",
        "mso 16",
        "lte mso 16",
        "(gte mso 9)|(IE)",
        "!(lt mso 12)",
        "!IE",
        "true",
        "mso|?",
    ],
)
def test_a_condition_holds_in_outlook_16(condition):
    assert holds_for_word(condition)


@pytest.mark.parametrize("condition", ["!mso", "lt mso 16", "mso 12", "(mso)&(lt mso 12)", "IE", "((", "", "mso 1 6"])
def test_a_condition_does_not_hold_in_outlook_16(condition):
    assert not holds_for_word(condition)


def test_word_shows_what_is_meant_for_it_alone():
    body = (
        "<!--[if mso]><p>Word</p><![endif]--><!--[if lt mso 12]>old<![endif]-->"
        "<!--[if !mso]><!--><p>others</p><!--<![endif]-->"
        "<!--[if mso]><table><tr><td width=300><![endif]--><div>ghost</div><!--[if mso]></td></tr></table><![endif]-->"
        "<!--[if gte mso 9]><!--><i>both</i><!--<![endif]--><![if !mso]><u>web</u><![endif]>"
    )
    html = draw(PAGE.format(body), Pane.WORD)
    assert "<p>Word</p>" in html
    for absent in ("others", "old", "web"):
        assert absent not in html
    assert next(parse_html(html).find("div")).getparent().get("width") == "300"
    assert next(parse_html(html).find("i")).get("data-element")
    others = draw(PAGE.format(body), Pane.DESKTOP)
    assert "Word" not in others
    assert all(shown in others for shown in ("others", "both", "web"))


@pytest.mark.parametrize(
    ("markup", "left"),
    [
        ('<p style="padding:9px; color:#000; border-radius:4px; box-shadow:0 0 2px #000">', "color:#000;"),
        ('<div style="width:300px; max-width:600px; float:left; opacity:.5; margin:0 auto">', "margin:0 0;"),
        ('<td style="padding:9px; background:#fff url(x); width:9px">', "padding:9px; background:#fff; width:9px;"),
        ('<p style="font-weight:500; margin-top:-4px; width:calc(1px + 2px)">', "font-weight:normal;"),
        ('<p style="font-weight:800; color:rgba(0,0,0,.5); font-size:2rem">', "font-weight:bold;"),
        ('<img src=a width="60" style="display:block; width:100%">', "width:60px !important; height:auto !important;"),
        ('<table width="50%" style="width:640px">', "width:640px; width:50% !important;"),
        ('<div style="mso-hide:all">', "mso-hide:all; display:none;"),
        ('<p style="display:none">', "display:none;"),
    ],
)  # fmt: skip
def test_word_ignores_what_caniemail_says(markup, left):
    tag = re.match(r"<(\w+)", markup)[1]
    body = f"<table><tr>{markup}</td></tr></table>" if tag == "td" else markup
    html = draw(PAGE.format(body), Pane.WORD, lambda _: "/there")
    assert next(parse_html(html).find(tag)).get("style") == left


def test_word_knows_plain_selectors_only():
    unknown = "".join(f"{selector} {{color:blue}}" for selector in (".a.b", "a[href]", "p > a", "a:hover", "*"))
    sheet = f"p, .a td, #b, a:link {{color:red}} {unknown} @media all {{p {{color:blue}}}}"
    html = draw(f"<head><style>{sheet}</style></head><p>x", Pane.WORD)
    assert "red" in html
    assert "blue" not in html


def test_vml_is_drawn_as_a_plain_box():
    shape = '<v:roundrect href="https://a.example/" fillcolor="#a8201a" style="width:200px;height:44px">'
    body = f"<!--[if mso]>{shape}<center>읽기</center></v:roundrect><![endif]-->"
    button = next(parse_html(draw(PAGE.format(body), Pane.WORD)).find("a"))
    assert button.text_content() == "읽기"
    assert "width:200px !important; height:44px !important; line-height:44px; background-color:#a8201a" in button.get(
        "style"
    )
