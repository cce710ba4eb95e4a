"""Whatever is switched on, however many articles there are: the email-safe contract finds nothing in what we send."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from issue_samples import mail_of, make_choice, make_request

from digest.check.contract import check_mail
from digest.inspection import options_for
from digest.language import available_languages
from digest.render import TemplateLibrary, render_issue
from digest.settings import BrandSettings

LIBRARY = TemplateLibrary()
THEMES = ("weekly", "compact", "sections")
LOCALES = available_languages()
LONG_TITLES = {
    "ko": ("한강다리위에서본새벽출근길풍경이" * 7)[:100],
    "en": "Harbour town wakes earlier as twelve streets try a new rhythm of work, school and sleep, and the neighbours "
    "who began it all say that they would never go back again",
}
"""200 columns without a space, and 160 characters."""
TITLES = {
    "ko": (
        "한강 다리 위에서 본 새벽, 출근길 풍경이 달라졌다",
        "[단독] 시내버스 요금 3년 만에 조정… '청소년은 그대로'",
        LONG_TITLES["ko"],
        "짧다",
    ),
    "en": ("Night trains return to the coast after nine years", "“Bread first”: a winter", LONG_TITLES["en"], "Brief"),
}
SECTIONS = ("사회", "경제", "문화", "", "국제")
EXCERPTS = {
    "ko": "다리 위 보행로가 넓어지면서 걸어서 강을 건너는 사람이 두 배로 늘었다. 아침마다 풍경이 바뀐다. " * 3,
    "en": "The last train rolled into the depot at ten past one. Then forty people went to work for four hours. " * 3,
}
PICTURE = {"image": "https://img.example/a.jpg", "image_width": 1600, "image_height": 900, "image_caption": "새벽"}
INTROS = (
    "",
    "한 주의 뉴스를 *천천히* 다시 읽습니다.",
    "# 이번 주\n\n[지도](https://news.example/map)를 **그렸습니다**.\n\n- 하나\n- 둘\n\n### 그리고\n\n1. 첫째\n2. 둘째",
    "질문은 [메일](mailto:desk@news.example)로, 후원은 [여기에서 하실 수 있습니다](https://news.example/support).",
)
BRANDS = (
    BrandSettings(),
    BrandSettings(
        logo="https://img.example/logo.png",
        logo_width=240,
        logo_height=60,
        accent="#000000",
        masthead="한빛뉴스 주간",
        tagline="한 주를 다시 읽다",
        footer="## 후원\n\n[후원하기](https://news.example/support)",
        social={"유튜브": "https://youtube.example/hanbit", "X": "https://x.example/hanbit"},
    ),
    BrandSettings(accent="#767000", logo="https://img.example/l.gif", logo_width=600, logo_height=300),
    BrandSettings(accent="#0000ff", tagline="A slower look at the week"),
    BrandSettings(accent="#d0021b", masthead="한빛" * 20),
)
"""Accents at the edge of what settings allow among them: black, and some that can only just be read on the paper."""
SENDER = "한빛뉴스 <news@news.example>"


def make_articles(count, *, locale, images=True, pins=(), sections=SECTIONS, titles=None):
    titles = titles or TITLES[locale]
    return tuple(
        make_choice(
            position,
            title=titles[(position - 1) % len(titles)],
            pinned=position in pins,
            views=0 if position % 7 == 6 else 900_000 // position,
            language=locale,
            excerpt=EXCERPTS[locale],
            section=sections[position % len(sections)],
            section_name=sections[position % len(sections)],
            subheads=("보행로 4m로 넓혀", "‘걷는 도시’ 첫걸음"),
            **(PICTURE if images else {}),
        )
        for position in range(1, count + 1)
    )


def findings_in(request):
    rendering = render_issue(request, LIBRARY)
    return check_mail(mail_of(rendering, request), options_for(request.site, request.newsletter))


@pytest.mark.parametrize("theme", THEMES)
def test_any_number_of_articles_keeps_the_contract(theme):
    for count in (*range(1, 9), 10, 13, 20, 30):
        locale = LOCALES[count % len(LOCALES)]
        shown = make_articles(count, locale=locale, images=count % 3 == 0)
        assert findings_in(make_request(shown, locale=locale, template=theme)) == (), count


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("locale", LOCALES)
def test_thirty_of_the_longest_titles_keep_the_contract(theme, locale):
    shown = make_articles(30, locale=locale, titles=(LONG_TITLES[locale],))
    assert findings_in(make_request(shown, locale=locale, template=theme)) == ()


@st.composite
def any_request(draw):
    """An issue with any mixture of what can be set or given."""
    locale = draw(st.sampled_from(LOCALES))
    shown = make_articles(
        draw(st.integers(1, 14)),
        locale=locale,
        images=draw(st.booleans()),
        pins=draw(st.frozensets(st.integers(1, 4))),
        sections=draw(st.sampled_from((SECTIONS, ("",), ("사회",)))),
    )
    switches = {name: draw(st.booleans()) for name in ("view_bars", "images", "advertising")}
    site = draw(st.sampled_from(({"phone": "02-123-4567"}, {"phone": "+82 2 123 4567", "url": ""})))
    request = make_request(shown, locale=locale, site=site, template=draw(st.sampled_from(THEMES)), **switches)
    return replace(
        request,
        brand=draw(st.sampled_from(BRANDS)),
        intro=draw(st.sampled_from(INTROS)),
        excerpt_share=draw(st.sampled_from((1.0, 0.5, 0.25, 0.0))),
        # A subject that calls itself advertising is that, and needs the footer of it.
        subject=draw(st.sampled_from((None, "편집자가 고른 제목", *["(광고) 이번 주"] * switches["advertising"]))),
    )


@settings(max_examples=25, deadline=None)
@given(any_request())
def test_any_mixture_of_options_keeps_the_contract(request):
    assert findings_in(request) == ()
