"""One rendering: what it shows, that it is repeatable, quick, and refuses what cannot be sent."""

import time
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from issue_samples import PICTURE, make_choice, make_request, make_shown
from lxml import html as lxml_html

from digest.errors import RenderError, SettingsError
from digest.model import CountKind, ViewCount, Window
from digest.render import render_issue


def page_of(request, library):
    return lxml_html.document_fromstring(render_issue(request, library).html)


def words_of(element) -> str:
    return " ".join(element.text_content().split())


def test_the_same_request_gives_the_same_bytes(library):
    request = make_request(make_shown(5, image=True, dirty=True))
    assert render_issue(request, library) == render_issue(request, library)


def test_ten_articles_render_in_60_ms_once_warm(library):
    request = make_request(make_shown(10, image=True))
    durations = []
    for _ in range(6):
        start = time.perf_counter()
        render_issue(request, library)
        durations.append(time.perf_counter() - start)
    assert min(durations) <= 0.060


def test_an_article_shows_section_source_author_local_time_and_views(library):
    page = page_of(make_request((make_choice(1), make_choice(2))), library)
    assert words_of(page.find_class("item")[0]).endswith(
        "조회 184,220 · 사회 · 한빛신문 · 이도담 기자 · 4월 3일 (수) 16:20"
    )


def test_english_words_numbers_and_dates(library):
    page = page_of(make_request((make_choice(1), make_choice(2)), locale="en"), library)
    facts = words_of(page.find_class("facts")[1])
    assert (facts[:13], facts[-19:]) == ("184,220 views", "Wed, Apr 3, 4:20 PM")
    assert words_of(page.find_class("dateline")[0]) == "April 1 – 7, 2019 한빛뉴스"
    assert [words_of(figure) for figure in page.find_class("figure")] == ["2articles", "368Ktotal views"]


def test_the_list_counts_on_from_the_lead(library):
    page = page_of(make_request(make_shown(4)), library)
    assert [words_of(rank) for rank in page.find_class("rank")] == ["2", "3", "4"]


def test_a_pinned_article_has_a_mark_in_place_of_its_number(library):
    rendering = render_issue(make_request(make_shown(4, pinned=(1, 3))), library)
    page = lxml_html.document_fromstring(rendering.html)
    assert [words_of(rank) for rank in page.find_class("rank")] == ["2", "★", "4"]
    assert words_of(page.find_class("kicker")[0]) == "★ 사회"
    picks = [words_of(facts).startswith("편집자 추천 · 조회") for facts in page.find_class("facts")]
    assert picks == [True, False, True, False]
    assert rendering.text.count("★ ") == 2
    assert "2. " in rendering.text


@pytest.mark.parametrize(
    "count", [ViewCount(article_id="2", views=0), ViewCount(article_id="2", views=9, kind=CountKind.PARTIAL)]
)
def test_views_that_are_unknown_or_not_comparable_are_not_shown(library, count):
    shown = (make_choice(1), replace(make_choice(2), count=count))
    assert "조회" not in words_of(page_of(make_request(shown), library).find_class("item")[0])


def test_only_the_lead_has_subheads_and_a_picture(library):
    rich = {**PICTURE, "subheads": ("부제",)}
    page = page_of(make_request((make_choice(1, **rich), make_choice(2, **rich))), library)
    assert len(page.xpath("//img")) == 1
    assert len(page.find_class("subhead")) == 1


def test_an_issue_of_one_article_has_no_list(library):
    page = page_of(make_request(make_shown(1)), library)
    assert not page.xpath("//h3")
    assert len(page.xpath("//h2")) == 1


def test_the_title_links_to_the_article(library):
    page = page_of(make_request((make_choice(1, url="https://뉴스.example/기사?a=1&b=2"),)), library)
    assert page.xpath("//h2/a/@href") == ["https://xn--vg1b002a.example/%EA%B8%B0%EC%82%AC?a=1&b=2"]


def test_an_article_in_another_language_says_so(library):
    shown = (
        make_choice(1, language="ko"),
        make_choice(2, title="שלום עולם", language="he"),
        make_choice(3, language="ko-KR"),
    )
    page = page_of(make_request(shown), library)
    assert [(item.get("lang"), item.get("dir")) for item in page.find_class("item")] == [("he", "rtl"), (None, None)]


def test_the_footer_says_why_where_to_and_from_whom(library):
    rendering = render_issue(make_request(), library)
    for part in (rendering.html, rendering.text):
        assert "한빛뉴스에서 ‘주간 한빛’ 구독을 신청하신 분께 보내 드리는 메일입니다." in part
        assert "서울특별시 중구 세종대로 1, 한빛뉴스" in part


def test_without_addresses_section_source_and_author_nothing_is_empty(library):
    bare = {"section": "", "section_name": "", "source": "", "author": "", "excerpt": "", "subheads": ()}
    shown = (make_choice(1, **bare), make_choice(2, **bare))
    rendering = render_issue(make_request(shown, site={"url": "", "postal_address": ""}), library)
    page = lxml_html.document_fromstring(rendering.html)
    assert all(words_of(paragraph) for paragraph in page.xpath("//p"))
    assert words_of(page.find_class("whose")[0]) == "한빛뉴스"
    assert not page.find_class("onward")


def test_a_window_that_ends_inside_a_day_covers_that_day(library):
    window = Window(
        start=datetime(2019, 4, 1, 23, tzinfo=UTC), end=datetime(2019, 4, 8, 23, tzinfo=UTC), timezone="Asia/Seoul"
    )
    page = page_of(make_request(window=window), library)
    assert words_of(page.find_class("day")[0]) == "2019년 4월 2일 ~ 9일"


def test_no_articles_are_refused(library):
    with pytest.raises(RenderError, match="without articles"):
        render_issue(make_request(()), library)


def test_an_article_address_that_is_none_is_refused(library):
    with pytest.raises(RenderError, match="javascript"):
        render_issue(make_request((make_choice(url="javascript:alert(1)"),)), library)


def test_an_unknown_locale_is_refused(library):
    with pytest.raises(SettingsError, match="available: en, ko"):
        render_issue(make_request(locale="fr"), library)


def test_an_unknown_template_is_refused(library):
    with pytest.raises(RenderError, match="no template 'daily'; available: compact, sections, weekly"):
        render_issue(make_request(template="daily"), library)
