"""A real Korean week, with its cut titles, loose quotation marks and odd characters, keeps the contract."""

import base64
import csv
import gzip
import os
import re
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import pytest
from issue_samples import make_choice, make_request
from lxml import html as lxml_html

from digest.render import render_issue
from digest.render.width import display_width

DATA = Path(os.environ.get("DIGEST_TEST_DATA") or Path(__file__).parents[3] / "shared" / "data")

pytestmark = pytest.mark.skipif(
    not (DATA / "naver_articles.csv.gz").is_file(), reason="the real data is not there; set DIGEST_TEST_DATA"
)


def read_rows(name):
    with gzip.open(DATA / name, "rt", encoding="utf-8") as file:
        yield from csv.DictReader(file)


@pytest.fixture(scope="module")
def shown():
    views = Counter()
    for row in read_rows("naver_views.csv.gz"):
        if "2019-04-01" <= row["date"] <= "2019-04-07":
            views[row["article_id"]] += int(row["views"])
    wanted = dict(views.most_common(30))
    rows = {row["id"]: row for row in read_rows("naver_articles.csv.gz") if row["id"] in wanted}
    return tuple(
        make_choice(
            position,
            title=rows[article]["title"],
            views=count,
            url=rows[article]["url"],
            excerpt=rows[article]["excerpt"],
            section_name=rows[article]["section"],
            source=rows[article]["source"],
            author="",
            published_at=datetime.fromisoformat(rows[article]["published_at"]).astimezone(UTC),
        )
        for position, (article, count) in enumerate(wanted.items(), start=1)
    )


def test_thirty_articles_of_a_real_week_stay_below_64_kb_encoded(shown, library):
    assert len(base64.encodebytes(render_issue(make_request(shown), library).html.encode())) < 65_536


def test_every_title_of_a_real_week_is_shown(shown, library):
    rendering = render_issue(make_request(shown), library)
    page = lxml_html.document_fromstring(rendering.html)
    titles = [" ".join(heading.text_content().split()) for heading in page.xpath("//h3")]
    assert len(titles) == 29
    assert all(title and display_width(title) <= 200 for title in titles)
    assert not re.search(r"[\x00-\x08\x0b-\x1f\ufffd\ufeff\u200b]", rendering.html + rendering.text)
