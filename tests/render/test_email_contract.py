"""Every rule of the email-safe contract that a rendering can keep or break, over kinds of issues."""

import base64
import itertools
import re

import pytest
from computed_style import contrast, dark_rules, declarations, looks_of_text
from issue_samples import NONCE, VALUES, make_request, make_shown
from lxml import html as lxml_html

from digest.render import SlottedText, as_line, escape_html, render_issue
from digest.render.width import display_width

CASES = [
    pytest.param((locale, count, image, dirty), id=f"{locale}-{count}{'-image' * image}{'-dirty' * dirty}")
    for locale in ("ko", "en")
    for count in (1, 3, 10, 30)
    for image in (False, True)
    for dirty in (False, True)
]


@pytest.fixture(scope="module", params=CASES)
def case(request):
    return request.param


@pytest.fixture(scope="module")
def rendering(case, library):
    locale, count, image, dirty = case
    return render_issue(make_request(make_shown(count, image=image, dirty=dirty), locale=locale), library)


@pytest.fixture(scope="module")
def html(rendering) -> str:
    return SlottedText.split(rendering.html, NONCE, escape_html).fill(VALUES)


@pytest.fixture(scope="module")
def text(rendering) -> str:
    return SlottedText.split(rendering.text, NONCE, as_line).fill(VALUES)


@pytest.fixture(scope="module")
def stripped(html) -> str:
    """As a client shows it that removes every style block."""
    return re.sub(r"<!--.*?-->|<style.*?</style>", "", html, flags=re.DOTALL)


@pytest.fixture(scope="module")
def page(stripped):
    return lxml_html.document_fromstring(stripped)


def test_size_clip_part_stays_far_below_what_gmail_clips(html, case):
    encoded = len(base64.encodebytes(html.encode()))
    assert encoded < 92_160
    if case[1] == 10 and not case[3]:
        assert encoded < 40_000


def test_size_style_blocks_stay_below_8192_bytes(html):
    blocks = re.findall(r"<style[^>]*>(.*?)</style>", html, re.DOTALL)
    assert sum(len(block.encode()) for block in blocks) <= 8_192


def test_msg_subj_is_one_line_of_70_columns_without_tokens(rendering):
    assert rendering.subject
    assert display_width(rendering.subject) <= 70
    assert not re.search(r"[\x00-\x1f\x7f]|\{\{|\{%|%%", rendering.subject)


def test_doc_type_lang_meta_and_scheme(html, page, case):
    assert html.startswith("<!DOCTYPE html>")
    assert b"<meta charset=" in html.encode()[:1024]
    assert page.get("lang") == case[0]
    assert page.get("dir") == "ltr"
    assert page.xpath("//body//*[@lang=$code and @dir='ltr']", code=case[0])
    assert page.xpath("//head/title/text()")
    for name in ("viewport", "color-scheme", "supported-color-schemes"):
        assert page.xpath("//meta[@name=$name]", name=name), name


def test_doc_tree_has_one_html_head_body_and_no_style_in_body(html):
    for tag in ("html", "head", "body", "title"):
        assert len(re.findall(rf"<{tag}[ >]", html)) == 1, tag
    assert "<style" not in html.partition("<body")[2]
    for tag in ("table", "tr", "td", "p", "div", "a", "h1", "h2", "h3", "span"):
        assert len(re.findall(rf"<{tag}[ >]", html)) == html.count(f"</{tag}>"), tag


def test_chr_bad_and_nfc(rendering):
    for part in (rendering.html, rendering.text, rendering.subject, rendering.preheader):
        assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ufffd\ufeff\u202a-\u202e]", part)
        assert not re.search(r"[\u1100-\u11ff]", part)
        assert "&amp;amp;" not in part


def test_ph_left_no_placeholder_and_no_marker(html, text):
    for part in (html, text):
        assert not re.search(r"\{\{|\{%|%7B%7B|%%\w+%%|\.invalid|>\s*(None|nan|undefined)\s*<", part)


def test_el_forbid_and_attr_js(page):
    allowed = {"html", "head", "meta", "title", "body", "div", "table", "tbody", "tr", "td", "p", "span", "a", "img"}
    assert {element.tag for element in page.iter()} <= allowed | {"h1", "h2", "h3"}
    for element in page.iter():
        assert not [name for name in element.attrib if name.startswith("on")]
    assert not [link for link in page.xpath("//@href | //@src") if not link.startswith("https://")]


def test_css_uses_only_what_every_client_takes(page, html):
    forbidden = r"position|float|flex|grid|gap|var\(|calc\(|min\(|max\(|clamp\(|rem\b|transform|animation|object-fit"
    for style in page.xpath("//@style"):
        assert not re.search(rf"(?<![\w-])(?:{forbidden})", style.replace("max-width", "").replace("max-height", ""))
        assert "!important" not in style
        for color in re.findall(r"#\w+|rgb\([^)]*\)", style):
            assert re.fullmatch(r"#([0-9a-f]{3}|[0-9a-f]{6})", color)
    assert "@import" not in html
    assert "url(" not in html
    assert "var(" not in html


def test_css_imp_every_declaration_in_media_is_important_and_nothing_is_nested(html):
    assert not re.search(r"@media[^{]*\{(?:[^{}]|\{[^{}]*\})*@", html)
    for block in re.findall(r"@media[^{]*\{(.*?\})\s*\}", html, re.DOTALL):
        for body in re.findall(r"\{([^}]*)\}", block):
            assert all("!important" in part for part in body.split(";") if part.strip())


def test_lay_mso_comments_are_balanced_and_ghost_tables_paired(html):
    comments = re.findall(r"<!--(.*?)-->", html, re.DOTALL)
    assert all(comment.startswith("[if mso]>") and comment.endswith("<![endif]") for comment in comments)
    joined = "".join(comments)
    assert joined.count("<table") == joined.count("</table>") == 1
    assert 'width="640"' in joined


def test_lay_role_every_table_is_presentation_without_spacing(page):
    for table in page.xpath("//table"):
        assert table.get("role") == "presentation"
        assert table.get("cellpadding") == table.get("cellspacing") == table.get("border") == "0"


def test_lay_width_and_fluid_nothing_is_fixed_and_wide(page):
    for element in page.xpath("//*[@width]"):
        width = element.get("width")
        if element.tag == "img":
            assert int(width) <= 600
            assert declarations(element.get("style"))["width"] == "100%"
        else:
            assert width.endswith("%") or int(width) < 100
    for style in page.xpath("//@style"):
        assert not re.search(r"(?<![\w-])width:\s*[4-9]\d\dpx", style)
        assert all(int(width) <= 640 for width in re.findall(r"max-width:\s*(\d+)px", style))


def test_lay_pad_padding_stands_on_cells_only(page):
    assert {element.tag for element in page.xpath("//*[contains(@style, 'padding')]")} == {"td"}


def test_img_alt_dim_src_and_format(page, case):
    images = page.xpath("//img")
    assert len(images) == (1 if case[2] else 0)
    for image in images:
        assert image.get("alt").strip()
        assert (image.get("width"), image.get("height")) == ("600", "400")
        assert image.get("src").startswith("https://")


def test_img_only_there_is_text_without_images(page):
    assert sum(len(text) for text, _ in looks_of_text(page.body)) >= 200


def test_lnk_href_is_absolute_ascii_and_lnk_text_says_something(page):
    for link in page.xpath("//a"):
        assert re.fullmatch(r"https://[!-~]+", link.get("href"))
        name = link.text_content().strip() or link.xpath("string(.//img/@alt)").strip()
        assert name
        assert name.lower() not in {"더보기", "here", "read more", "click here", "자세히"}


def test_lnk_unsub_an_https_link_says_so(page, case):
    word = {"ko": "수신거부", "en": "Unsubscribe"}[case[0]]
    assert page.xpath("//a[normalize-space()=$word]/@href", word=word) == [VALUES.unsubscribe_url]


def test_a11y_one_h1_and_no_level_skipped(page):
    levels = [int(heading.tag[1]) for heading in page.xpath("//h1|//h2|//h3|//h4")]
    assert levels.count(1) == 1
    assert levels[0] == 1
    assert all(after - before <= 1 for before, after in itertools.pairwise(levels))


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_a11y_contrast_is_4_5_without_style_blocks_in_light_and_in_dark(mode, html, page):
    rules = dark_rules(html) if mode == "dark" else {}
    for words, look in looks_of_text(page.body, rules):
        assert contrast(look.color, look.background) >= 4.5, (words, look)


def test_a11y_size_nothing_is_below_12_px_and_running_text_has_16(page):
    assert all(look.size >= 12 for _, look in looks_of_text(page.body))
    for paragraph in page.find_class("excerpt") + page.find_class("opening"):
        assert float(declarations(paragraph.get("style"))["font-size"].removesuffix("px")) >= 16


def test_font_stack_names_korean_fonts_and_a_generic_at_every_text(page):
    for words, look in looks_of_text(page.body):
        assert "Apple SD Gothic Neo" in look.family, words
        assert "Malgun Gothic" in look.family, words
        assert look.family.endswith("serif"), words


def test_ko_break_and_lead(page):
    for words, look in looks_of_text(page.body):
        if re.search("[가-힣]", words):
            assert look.word_break == "keep-all", words
            assert look.overflow_wrap == "break-word", words
            assert look.line_height >= 1.4, words


def test_pre_head_is_the_first_thing_in_body_hidden_also_from_word(page, rendering):
    first = page.body[0]
    assert first.text_content() == rendering.preheader
    assert 20 <= len(rendering.preheader) <= 140
    assert declarations(first.get("style"))["display"] == "none"
    assert declarations(first.get("style"))["mso-hide"] == "all"


def test_hid_text_nothing_else_is_hidden(page):
    assert len(page.xpath("//*[contains(@style, 'display:none')]")) == 1
    assert not page.xpath("//*[@hidden]")


def test_txt_body_has_the_headings_and_no_markup(text, page, case):
    assert len(text) >= 80
    joined = re.sub(r"\s", "", text)
    headings = [re.sub(r"\s", "", h.text_content()) for h in page.xpath("//h1|//h2|//h3")]
    assert sum(heading in joined for heading in headings) >= 0.8 * len(headings)
    if not case[3]:
        assert not re.search(r"</?[a-z]+[^>]*>|&[a-z]+;|&#\d+;", text)


def test_txt_links_has_every_link_on_a_line_of_its_own(text, page):
    alone = {line.strip() for line in text.splitlines()}
    assert set(page.xpath("//a/@href")) <= alone


def test_txt_line_takes_76_columns_at_most_except_links_and_no_trailing_space(text):
    for line in text.splitlines():
        assert line == line.rstrip()
        if not line.strip().startswith("https://"):
            assert display_width(line) <= 76, line


def test_src_comment_no_template_comment_is_left(html):
    assert "{#" not in html
    assert "/*" not in html
