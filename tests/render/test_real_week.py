"""Real weeks of Korean and English news, with cut titles, loose quotation marks and odd characters."""

import base64
import csv
import gzip
import re
from collections import Counter, defaultdict
from datetime import UTC, date, datetime, timedelta

import pytest
from issue_samples import mail_of, make_choice, make_request
from lxml import html as lxml_html

from digest.check.contract import check_mail
from digest.inspection import options_for
from digest.render import render_issue
from digest.render.width import display_width

THEMES = ("weekly", "compact", "sections")
MOST = 30


def read_rows(file):
    with gzip.open(file, "rt", encoding="utf-8") as opened:
        yield from csv.DictReader(opened)


def monday_of(day: str) -> date:
    found = date.fromisoformat(day[:10])
    return found - timedelta(days=found.weekday())


def make_week(rows, views):
    """The most viewed articles of a week."""
    return tuple(
        make_choice(
            position,
            title=rows[article]["title"],
            views=count,
            # A publisher that still has http is told so; here it is the rest that counts.
            url=rows[article]["url"].replace("http://", "https://"),
            excerpt=rows[article]["excerpt"],
            section_name=rows[article]["section"],
            source=rows[article]["source"],
            author="",
            published_at=datetime.fromisoformat(rows[article]["published_at"]).astimezone(UTC),
        )
        for position, (article, count) in enumerate(views.most_common(MOST), start=1)
    )


@pytest.fixture(scope="module")
def korean_weeks(data_folder):
    views = defaultdict(Counter)
    for row in read_rows(data_folder / "naver_views.csv.gz"):
        views[monday_of(row["date"])][row["article_id"]] += int(row["views"])
    rows = {row["id"]: row for row in read_rows(data_folder / "naver_articles.csv.gz")}
    return {monday: make_week(rows, counted) for monday, counted in views.items()}


@pytest.fixture(scope="module")
def english_weeks(data_folder):
    rows, views = {}, defaultdict(Counter)
    for row in read_rows(data_folder / "mashable_2013.csv.gz"):
        rows[row["id"]] = row
        views[monday_of(row["published_at"])][row["id"]] = int(row["views"])
    return {monday: make_week(rows, counted) for monday, counted in views.items()}


@pytest.fixture(scope="module")
def shown(korean_weeks):
    return korean_weeks[date(2019, 4, 1)]


@pytest.mark.parametrize("theme", THEMES)
def test_thirty_articles_of_a_real_week_stay_below_80_kb_encoded(shown, library, theme):
    html = render_issue(make_request(shown, template=theme), library).html
    assert len(base64.encodebytes(html.encode())) < 81_920


def test_every_title_of_a_real_week_is_shown(shown, library):
    rendering = render_issue(make_request(shown), library)
    page = lxml_html.document_fromstring(rendering.html)
    titles = [" ".join(heading.text_content().split()) for heading in page.xpath("//h3")]
    assert len(titles) == 29
    assert all(title and display_width(title) <= 200 for title in titles)
    assert not re.search(r"[\x00-\x08\x0b-\x1f\ufffd\ufeff\u200b]", rendering.html + rendering.text)


@pytest.mark.parametrize("locale", ["ko", pytest.param("en", marks=pytest.mark.slow)])
def test_the_contract_finds_nothing_in_any_real_week(korean_weeks, english_weeks, library, locale):
    for number, shown in enumerate((korean_weeks if locale == "ko" else english_weeks).values()):
        count = MOST if number % 10 == 0 else 10
        request = make_request(shown[:count], locale=locale, template=THEMES[number % 3])
        mail = mail_of(render_issue(request, library), request)
        assert check_mail(mail, options_for(request.site, request.newsletter)) == (), shown[0].article.published_at
