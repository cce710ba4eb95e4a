"""The subject and the preheader: what an inbox shows."""

from dataclasses import replace

import pytest
from issue_samples import make_choice, make_request, make_shown

from digest.errors import RenderError
from digest.render import render_issue
from digest.render.width import display_width


def subject_of(library, *args, **kwargs):
    return render_issue(make_request(*args, **kwargs), library).subject


def test_the_first_title_gives_way_so_that_the_name_stays(library):
    subject = subject_of(library, (make_choice(title="아주 긴 제목이 " * 20),))
    assert subject.endswith("… · 주간 한빛")
    assert 60 <= display_width(subject) <= 70


def test_a_short_title_stays_whole(library):
    assert subject_of(library, (make_choice(title="짧은 제목"),)) == "짧은 제목 · 주간 한빛"


def test_a_pattern_may_use_every_field(library):
    pattern = "[{site}] {newsletter} {date}: {count} {first_title}"
    subject = subject_of(library, make_shown(3), subject=pattern)
    assert subject.startswith("[한빛뉴스] 주간 한빛 2019년 4월 8일: 3 한강 다리")


def test_a_pattern_too_long_by_itself_is_cut_as_a_whole(library):
    assert display_width(subject_of(library, subject="가나 " * 60 + "{first_title}")) <= 70


def test_an_empty_subject_is_refused(library):
    with pytest.raises(RenderError, match="subject pattern"):
        subject_of(library, subject=" \u200b ")


def test_a_title_cannot_add_a_header(library):
    assert subject_of(library, (make_choice(title="제목\r\nBcc: x@example.com"),)).startswith(
        "제목 Bcc: x@example.com ·"
    )


def test_the_preheader_is_by_default_the_titles_after_the_lead(library):
    shown = make_shown(3)
    expected = " · ".join(choice.article.title for choice in shown[1:])
    assert render_issue(make_request(shown), library).preheader == expected


@pytest.mark.parametrize(
    ("shown", "preheader"),
    [
        ((make_choice(subheads=("첫 줄",)),), "첫 줄 · 2019년 4월 1일 ~ 7일 · 기사 1건"),
        ((make_choice(excerpt=""),), "2019년 4월 1일 ~ 7일 · 기사 1건"),
        ((make_choice(), make_choice(2, title="둘째")), "둘째 · 2019년 4월 1일 ~ 7일 · 기사 2건"),
    ],
)
def test_a_preheader_too_short_is_filled_up(library, shown, preheader):
    assert render_issue(make_request(shown), library).preheader == preheader


def test_a_preheader_pattern_is_used(library):
    rendering = render_issue(make_request(preheader="{site}가 고른 한 주의 기사 {count}건을 전합니다"), library)
    assert rendering.preheader == "한빛뉴스가 고른 한 주의 기사 10건을 전합니다"


def test_the_editors_subject_is_cleaned_and_not_cut(library):
    own = " {편집자가}\n고른 아주 긴 제목 " + "가" * 60
    rendering = render_issue(replace(make_request(), subject=own), library)
    assert rendering.subject == "{편집자가} 고른 아주 긴 제목 " + "가" * 60


@pytest.mark.parametrize("own", ["", " \u200b "])
def test_an_empty_subject_of_the_editor_means_the_pattern(library, own):
    assert render_issue(replace(make_request(), subject=own), library).subject.endswith("· 주간 한빛")


@pytest.mark.parametrize("own", ["이번 주", "(광고) 이번 주", "(광고)이번 주"])
def test_advertising_is_labelled_once(library, own):
    request = replace(make_request(advertising=True), subject=own)
    assert render_issue(request, library).subject == "(광고) 이번 주"


@pytest.mark.parametrize("locale", ["ko", "en"])
def test_the_label_of_advertising_counts_among_the_70_columns(library, locale):
    subject = subject_of(library, (make_choice(title="아주 긴 제목이 " * 20),), locale=locale, advertising=True)
    assert subject.startswith("(광고) 아주 긴")
    assert subject.endswith("… · 주간 한빛")
    assert 60 <= display_width(subject) <= 70
