"""Renderings a person approved in a browser. After a wanted change: DIGEST_APPROVE=1 pytest <this file>."""

import os
from dataclasses import replace
from pathlib import Path

import pytest
from issue_samples import html_of, make_request, make_shown, text_of

from digest.render import render_issue
from digest.settings import BrandSettings

APPROVED = Path(__file__).parent / "approved"
BRAND = BrandSettings(
    tagline="한 주를 천천히 다시 읽는 시간",
    footer="**한빛뉴스**는 독자 후원으로 만듭니다. [후원하기](https://news.example/support)",
    social={"유튜브": "https://youtube.example/hanbit", "인스타그램": "https://instagram.example/hanbit"},
)
INTRO = "안녕하세요, 편집국장 **이도담**입니다. 이번 주는 강 이야기가 많이 읽혔습니다."


@pytest.mark.parametrize("locale", ["ko", "en"])
@pytest.mark.parametrize("theme", ["weekly", "compact", "sections"])
def test_a_digest_looks_as_approved(library, theme, locale):
    request = make_request(make_shown(4, image=True, pinned=(3,)), locale=locale, template=theme)
    rendering = render_issue(replace(request, brand=BRAND, intro=INTRO), library)
    files = ((f"{theme}-{locale}.html", html_of(rendering)), (f"{theme}-{locale}.txt", text_of(rendering)))
    for name, content in files:
        if os.environ.get("DIGEST_APPROVE"):
            (APPROVED / name).write_text(content, encoding="utf-8")
        assert content == (APPROVED / name).read_text(encoding="utf-8"), f"{name} changed; look at it, then approve it"
