"""Months of real titles and excerpts come out clean, whole and fast."""

import csv
import gzip
import os
import re
import time
import unicodedata
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from digest.source import ArticleRow, FileOptions, RefusedRow, read_article_file, read_view_file

DATA = Path(os.environ.get("DIGEST_TEST_DATA") or Path(__file__).parents[3] / "shared" / "data")
pytestmark = pytest.mark.skipif(
    not (DATA / "naver_articles.csv.gz").is_file(),
    reason="no real data: name its folder with DIGEST_TEST_DATA, or put it into shared/data beside the checkout",
)
SEOUL = FileOptions(timezone=ZoneInfo("Asia/Seoul"), read_at=datetime(2019, 9, 1, tzinfo=UTC))
JOINERS = "\u200d\ufe0f"
CUT_ENTITY = re.compile(r"&(?:#\d*|am?|ap?o?s?|qu?o?t?|[lg]t?|nb?s?p?)? ?(?:…|\.\.)?$")


@pytest.fixture(scope="module")
def naver():
    return list(read_article_file(DATA / "naver_articles.csv.gz", SEOUL))


@pytest.fixture(scope="module")
def raw():
    with gzip.open(DATA / "naver_articles.csv.gz", "rt", encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_every_article_is_read(naver, raw):
    assert all(isinstance(row, ArticleRow) for row in naver)
    assert [row.article.id for row in naver] == [row["id"] for row in raw]


def test_no_text_keeps_an_invisible_character_or_a_cut_entity(naver):
    for row in naver:
        for text in (row.article.title, row.article.excerpt):
            hidden = {mark for mark in text if unicodedata.category(mark) in ("Cc", "Cf", "Cs", "Zl", "Zp")}
            assert not hidden - set(JOINERS)
            assert text == " ".join(text.split(" "))
            assert "\xa0" not in text
            assert "\u3000" not in text
            if text.endswith("…"):
                assert not CUT_ENTITY.search(text), text


def test_compatibility_hanja_are_kept(naver, raw):
    hanja = re.compile(r"[\uf900-\ufaff]")
    for row, source in zip(naver, raw, strict=True):
        assert hanja.findall(row.article.title) == hanja.findall(source["title"])
        assert hanja.findall(row.article.excerpt) == hanja.findall(source["excerpt"])


def test_titles_keep_their_angle_brackets(naver, raw):
    for row, source in zip(naver, raw, strict=True):
        assert row.article.title.count("<") == source["title"].count("<") + source["title"].count("&lt;")


def test_cleaning_only_removes(naver, raw):
    """Letters and digits are neither lost nor made, but for entities and Unicode's own singletons."""
    for row, source in zip(naver, raw, strict=True):
        if "&" not in source["excerpt"]:
            before = [mark for mark in source["excerpt"] if mark.isalnum()]
            assert [mark for mark in row.article.excerpt if mark.isalnum()] == before


def test_every_dated_count_is_read():
    rows = list(read_view_file(DATA / "naver_views.csv.gz", SEOUL))
    assert len(rows) == 43_735
    assert not [row for row in rows if isinstance(row, RefusedRow)]


def test_running_totals_come_with_their_articles():
    options = FileOptions(timezone=ZoneInfo("UTC"), read_at=SEOUL.read_at)
    rows = list(read_article_file(DATA / "mashable_2013.csv.gz", options))
    assert len(rows) == 7_650
    assert all(isinstance(row, ArticleRow) and row.total for row in rows)
    assert sum(not row.article.section for row in rows) == 1_225


def test_reading_is_fast():
    """Generous against a busy machine: the goal is 1.6 s and 0.3 s."""
    start = time.process_time()
    list(read_article_file(DATA / "naver_articles.csv.gz", SEOUL))
    middle = time.process_time()
    list(read_view_file(DATA / "naver_views.csv.gz", SEOUL))
    end = time.process_time()
    assert middle - start < 5
    assert end - middle < 1.5
