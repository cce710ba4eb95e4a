"""What every theme shows, what its options change, and how it stands in a browser."""

import base64
import os
import re
import shutil
from dataclasses import replace

import pytest
from issue_samples import (
    PICTURE,
    VALUES,
    html_of,
    make_choice,
    make_request,
    make_shown,
    text_of,
)
from lxml import html as lxml_html
from playwright.sync_api import sync_playwright

from digest.color import READABLE, contrast, parse_color
from digest.model import CountKind, ViewCount
from digest.render import render_issue
from digest.render.brand import DARK_PAPERS
from digest.render.width import display_width
from digest.settings import BrandSettings

THEMES = ("weekly", "compact", "sections")
CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
BRAND = BrandSettings(
    logo="https://img.example/logo.png",
    logo_width=240,
    logo_height=60,
    accent="#0b4f6c",
    masthead="한빛 주간",
    tagline="한 주를 다시 읽다",
    footer="**후원**으로 만듭니다. [후원하기](https://news.example/support)",
    social={"유튜브": "https://youtube.example/hanbit", "X": "https://x.example/hanbit"},
)
WIDE = "한강다리위에서본새벽출근길풍경이" * 6


@pytest.fixture(params=THEMES)
def theme(request) -> str:
    return request.param


@pytest.fixture
def render(library, theme):
    """Renders with this theme: articles, fields of the request, keys of the newsletter."""

    def call(shown=None, *, locale="ko", site=None, fields=None, **newsletter):
        request = make_request(shown, locale=locale, site=site, template=theme, **newsletter)
        return render_issue(replace(request, **(fields or {})), library)

    return call


def page_of(rendering):
    return lxml_html.document_fromstring(html_of(rendering))


def words_of(element) -> str:
    return " ".join(element.text_content().split())


@pytest.mark.parametrize("locale", ["ko", "en"])
def test_both_parts_have_every_title_and_every_link_once(render, locale):
    rendering = render(make_shown(10, image=True), locale=locale)
    page, lines = page_of(rendering), text_of(rendering).splitlines()
    for position in range(1, 11):
        url = f"https://news.example/articles/{position}?from=a&to=b"
        assert len([link for link in page.xpath("//h2/a | //h3/a") if link.get("href") == url]) == 1
        assert lines.count(url) == 1
    assert set(page.xpath("//a/@href")) <= set(lines)


def test_the_plain_text_counts_on_and_takes_76_columns_but_for_single_words(render):
    lines = text_of(render(make_shown(10, pinned=(2,)))).splitlines()
    marks = sorted(line.partition(" ")[0] for line in lines if re.match(r"(?:\d+\.|★) ", line))
    assert marks == sorted(["★", "1.", *(f"{position}." for position in range(3, 11))])
    assert all(display_width(line.strip()) <= 76 for line in lines if " " in line.strip())


def test_ten_articles_take_less_than_half_of_what_gmail_shows(render):
    assert len(base64.encodebytes(html_of(render(make_shown(10, image=True))).encode())) < 42_000


def test_running_text_has_16_px_and_no_comment_of_a_template_is_left(render):
    rendering = render(make_shown(10))
    for paragraph in page_of(rendering).xpath("//p[@class='excerpt' or @class='opening']"):
        assert int(re.search(r"font-size:(\d+)px", paragraph.get("style"))[1]) >= 16
    assert not re.search(r"\{#|#\}|/\*", rendering.html + rendering.text)


def bars_of(rendering) -> list[int]:
    return [int(cell.get("width").removesuffix("%")) for cell in page_of(rendering).find_class("length")]


def test_a_bar_is_as_long_as_the_views_are_of_the_most_viewed(render):
    shown = tuple(make_choice(place, views=views) for place, views in enumerate((500, 1000, 250, 1), start=1))
    assert bars_of(render(shown)) == [50, 100, 25, 1]


def test_a_bar_is_two_coloured_cells_that_screen_readers_pass_over(render):
    page = page_of(render((make_choice(1, views=100), make_choice(2, views=60))))
    second = page.find_class("length")[1]
    assert [cell.get("width") for cell in second.getparent()] == ["60%", None]
    assert all(
        cell.get("bgcolor") and cell.get("height") and not cell.text_content().strip() for cell in second.getparent()
    )
    assert next(second.iterancestors("table")).get("aria-hidden") == "true"
    assert [words_of(count) for count in page.find_class("count")] == ["조회 100", "조회 60"]


def test_views_that_cannot_be_compared_have_no_bar(render):
    partial = replace(make_choice(2), count=ViewCount(article_id="2", views=9, kind=CountKind.PARTIAL))
    rendering = render((make_choice(1), partial, make_choice(3, views=0)))
    assert bars_of(rendering) == [100]
    assert rendering.text.count("조회 ") == 1 + rendering.text.count("조회 합계")


def test_bars_can_be_left_out_and_the_figures_stay(render):
    rendering = render(make_shown(3), view_bars=False)
    assert bars_of(rendering) == []
    assert len(page_of(rendering).find_class("count")) == 3


def test_pictures_can_be_left_out(render, theme):
    shown = tuple(make_choice(place, section_name=str(place), **PICTURE) for place in (1, 2))
    assert len(page_of(render(shown)).xpath("//img")) == {"weekly": 1, "compact": 0, "sections": 2}[theme]
    assert not page_of(render(shown, images=False)).xpath("//img")


def test_a_brand_shows_logo_tagline_colour_footer_and_places(render):
    rendering = render(fields={"brand": BRAND})
    page = page_of(rendering)
    (logo,) = page.xpath("//h1//img")
    assert dict(logo.attrib).items() >= {"alt": "한빛 주간", "width": "240", "height": "60"}.items()
    assert words_of(page.find_class("tagline")[0]) == "한 주를 다시 읽다"
    assert words_of(page.find_class("social")[0]) == "유튜브 · X"
    assert "<strong>후원</strong>으로 만듭니다." in rendering.html
    assert "#0b4f6c" in rendering.html
    assert "#a8201a" not in rendering.html
    for line in ("한빛 주간", "한 주를 다시 읽다", "https://news.example/support", "https://x.example/hanbit"):
        assert line in rendering.text.splitlines()


@pytest.mark.parametrize("accent", ["#a8201a", "#000000", "#00008b", "#6b6b00", "#006400"])
def test_the_accent_can_be_read_in_dark_mode_too(render, accent):
    html = render(fields={"brand": BrandSettings(accent=accent)}).html
    found = parse_color(re.search(r"\.accent \{ color: (#\w+) !important", html)[1])
    assert all(contrast(found, paper) >= READABLE for paper in DARK_PAPERS)
    assert all(str(paper) in html for paper in DARK_PAPERS)


def test_without_a_masthead_of_the_brand_the_newsletter_is_named(render):
    rendering = render()
    assert words_of(page_of(rendering).xpath("//h1")[0]) == "주간 한빛"
    assert rendering.text.startswith("주간 한빛\n=========\n")


def test_an_intro_stands_before_the_articles_with_headings_in_order(render):
    rendering = render(make_shown(2), fields={"intro": "# 이번 주\n\n**강** 이야기입니다.\n\n- 하나\n- 둘"})
    page = page_of(rendering)
    headings = page.xpath("//h1 | //h2 | //h3")
    assert [(heading.tag, words_of(heading)) for heading in headings[:2]] == [("h1", "주간 한빛"), ("h2", "이번 주")]
    assert page.xpath("//div//ul/li/text()") == ["하나", "둘"]
    assert "\n이번 주\n\n강 이야기입니다.\n\n- 하나\n- 둘\n\n" in rendering.text


def test_advertising_is_labelled_and_says_who_where_and_how_to_leave_in_two_languages(render):
    rendering = render(advertising=True, site={"phone": "02-123-4567"}, locale="en")
    assert rendering.subject.startswith("(광고) ")
    assert display_width(rendering.subject) <= 70
    for part in (rendering.html, rendering.text):
        assert "한빛뉴스 · 서울특별시 중구 세종대로 1, 한빛뉴스 · 02-123-4567" in part
        assert re.search(r"무료 수신거부", part)
        assert re.search(r"unsubscribe\s+free of charge", part)
    leaving = [words_of(link) for link in page_of(rendering).xpath("//a") if link.get("href") == VALUES.unsubscribe_url]
    assert leaving == ["무료 수신거부", "unsubscribe free of charge", "Unsubscribe"]


def test_what_is_no_advertising_says_nothing_of_it(render):
    rendering = render()
    assert "광고" not in rendering.subject + rendering.html + rendering.text
    assert "무료" not in rendering.html + rendering.text


def test_excerpts_and_subheads_give_way_where_a_mail_would_be_too_long(render):
    shown = make_shown(3)
    sizes = [len(render(shown, fields={"excerpt_share": share}).html) for share in (1.0, 0.5, 0.0)]
    assert sizes == sorted(sizes, reverse=True)
    last = render(shown, fields={"excerpt_share": 0.0})
    assert "다리 위 보행로" not in last.html + last.text
    assert "보행로 4m로" not in last.html + last.text


def test_compact_has_titles_only(library):
    page = page_of(render_issue(make_request(make_shown(10, image=True), template="compact"), library))
    assert [words_of(place) for place in page.find_class("place")] == [str(place) for place in range(1, 11)]
    assert not page.find_class("excerpt")
    assert words_of(page.find_class("fine")[0]) == "조회 184,220 · 한빛신문"


def test_sections_come_in_the_order_of_their_best_article(library):
    names = ("사회", "경제", "", "사회", "경제")
    shown = tuple(
        make_choice(place, title=f"기사 {place}", section=name, section_name=name)
        for place, name in enumerate(names, 1)
    )
    rendering = render_issue(make_request(shown, template="sections"), library)
    headings = [words_of(heading) for heading in page_of(rendering).xpath("//h2 | //h3")]
    assert headings == ["사회", "기사 1", "기사 4", "경제", "기사 2", "기사 5", "그 밖의 기사", "기사 3"]
    assert re.findall(r"^\d+\. 기사 (\d)$", rendering.text, re.MULTILINE) == ["1", "4", "2", "5", "3"]


def test_without_sections_the_theme_of_sections_says_what_the_list_is(library):
    shown = tuple(make_choice(place, section="", section_name="") for place in (1, 2))
    page = page_of(render_issue(make_request(shown, template="sections"), library))
    assert [words_of(heading) for heading in page.xpath("//h2")] == ["많이 읽은 기사"]


@pytest.fixture(scope="module")
def browser():
    if not CHROMIUM:
        pytest.skip("no Chromium was found; name one with CHROMIUM")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        yield started
        started.close()


@pytest.mark.parametrize("keeps_blocks", [True, False])
def test_no_theme_is_wider_than_a_small_phone(render, browser, keeps_blocks):
    shown = tuple(make_choice(place, title=WIDE if place % 2 else "a" * 190, **PICTURE) for place in range(1, 6))
    html = html_of(render(shown, fields={"brand": BRAND, "intro": f"{WIDE}\n\n- {WIDE}"}))
    page = browser.new_page(viewport={"width": 320, "height": 640}, offline=True)
    page.set_content(html if keeps_blocks else re.sub(r"<style.*?</style>", "", html, flags=re.DOTALL))
    assert page.evaluate("document.documentElement.scrollWidth") == 320
    page.close()


def test_compact_shows_ten_titles_on_one_screen(library, browser):
    shown = tuple(make_choice(place, title=f"{place}번째 기사의 제목은 스무 글자 안팎이다") for place in range(1, 11))
    page = browser.new_page(viewport={"width": 640, "height": 900}, offline=True)
    page.set_content(html_of(render_issue(make_request(shown, template="compact"), library)))
    last = page.locator(".row").last.bounding_box()
    assert last["y"] + last["height"] <= 900
    page.close()
