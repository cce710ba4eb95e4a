"""Rows become articles; a bad row is reported with its line, column and reason, and costs only itself."""

import csv
import io
import json
from datetime import UTC, datetime

import pytest

from digest.errors import SourceError
from digest.source import ArticleRow, RefusedRow, read_article_file

GOOD = {"id": "007", "url": "https://x.test/7", "title": "제목", "published_at": "2019-04-01 12:30"}


def as_csv(*rows):
    file = io.StringIO()
    writer = csv.DictWriter(file, list(dict.fromkeys(name for row in rows for name in row)))
    writer.writeheader()
    writer.writerows(rows)
    return file.getvalue()


@pytest.fixture
def read(write, options):
    def read(*rows, **changes):
        return list(read_article_file(write("a.csv", as_csv(*rows)), options(**changes)))

    return read


def test_every_column_finds_its_place(read):
    (row,) = read(
        GOOD
        | {
            "subheads": "하나 | 둘\n셋",
            "excerpt": "<p>본문&nbsp;시작</p>",
            "image": "https://x.test/7.jpg",
            "image_caption": " 사진\u200b ",
            "image_width": "640",
            "image_height": "480.0",
            "section": "사회",
            "section_slug": "society",
            "author": "홍길동&nbsp;기자",
            "source": "한빛",
            "language": "ko_KR",
            "comments": "ignored",
        }
    )
    article = row.article
    assert (row.line, row.total) == (2, None)
    assert (article.id, article.url, article.title) == ("007", "https://x.test/7", "제목")
    assert article.published_at == datetime(2019, 4, 1, 3, 30, tzinfo=UTC)
    assert article.subheads == ("하나", "둘", "셋")
    assert (article.excerpt, article.image_caption) == ("본문 시작", "사진")
    assert (article.image, article.image_width, article.image_height) == ("https://x.test/7.jpg", 640, 480)
    assert (article.section, article.section_name) == ("society", "사회")
    assert (article.author, article.source, article.language) == ("홍길동 기자", "한빛", "ko-KR")


@pytest.mark.parametrize(
    ("column", "text", "reason"),
    [
        ("id", "", "no id"),
        ("id", "  ", "no id"),
        ("id", "7\u200b", "invisible"),
        ("title", "", "no title"),
        ("title", "\u200b&nbsp;", "no title"),
        ("published_at", "", "no date"),
        ("published_at", "어제", "not a date"),
        ("published_at", "1900-01-01", "outside the years"),
        ("url", "", "no address"),
        ("url", "/articles/7", "http"),
        ("url", "//x.test/7", "http"),
        ("url", "ftp://x.test/7", "http"),
        ("url", "javascript:alert(1)", "http"),
        ("url", "https://", "http"),
        ("url", "https://:80/", "http"),
        ("url", "https://x y.test/", "http"),
        ("url", "https://x.test/\u202e7", "http"),
        ("views", "-1", "negative"),
        ("views", "many", "whole number"),
        ("views", "1,234", "whole number"),
        ("views", "1.5", "whole number"),
        ("views", "１２", "whole number"),
        ("views", "9" * 19, "larger"),
        ("views", "9" * 5000, "whole number"),
    ],
)
def test_a_bad_row_is_refused_with_line_column_and_reason(read, column, text, reason):
    other = GOOD | {"id": "8", "views": ""}
    refused, good = read(GOOD | {"views": ""} | {column: text}, other)
    assert isinstance(refused, RefusedRow)
    assert (refused.error.line, refused.error.column) == (2, column)
    assert reason in refused.error.reason
    assert refused.values[column] == text
    assert good.article.id == "8"


def test_an_id_that_was_on_an_earlier_line_is_refused(read):
    first, second = read(GOOD, GOOD)
    assert isinstance(first, ArticleRow)
    assert str(second.error) == "line 3, column id: '007' is on line 2 already"


@pytest.mark.parametrize(
    "url",
    [
        "HTTP://x.test",
        "https://한국.kr/뉴스?q=가#나",
        "https://x.test:8080/",
        "http://[::1]/a",
        "https://x.test?a=b",
    ],
)
def test_any_absolute_http_address_is_taken(read, url):
    assert read(GOOD | {"url": url})[0].article.url == url


@pytest.mark.parametrize(
    "url", ["https://user:password@x.test/", "https://x.test:99999/", "https://x .test/", "http://", "https://[::zz]/"]
)
def test_an_address_that_no_mail_can_link_to_is_refused_before_it_can_stop_an_issue(read, url):
    (refused,) = read(GOOD | {"url": url})
    assert isinstance(refused, RefusedRow)
    assert "is not an absolute address that begins with http:// or https://" in refused.error.reason


def test_spaces_in_an_address_are_escaped(read):
    assert read(GOOD | {"url": " https://x.test/a b "})[0].article.url == "https://x.test/a%20b"


@pytest.mark.parametrize("image", ["", "/a.jpg", "//cdn.test/a.jpg", "data:image/png;base64,AA", "http://"])
def test_an_article_is_not_lost_for_its_picture(read, image):
    (row,) = read(GOOD | {"image": image, "image_width": "wide", "image_height": "-1"})
    assert (row.article.image, row.article.image_width, row.article.image_height) == ("", None, None)


@pytest.mark.parametrize(
    ("name", "slug", "expected"),
    [
        ("사회", "society", ("society", "사회")),
        ("사회", "", ("사회", "사회")),
        ("", "society", ("society", "society")),
        ("", "", ("", "")),
    ],
)
def test_the_slug_is_the_key_and_the_section_its_name(read, name, slug, expected):
    article = read(GOOD | {"section": name, "section_slug": slug})[0].article
    assert (article.section, article.section_name) == expected


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("", ()),
        ("하나\r\n\r\n 둘 ", ("하나", "둘")),
        ("하나 | 둘", ("하나", "둘")),
        ("가|나", ("가|나",)),
        ('["하나 | 둘", "&quot;셋&quot;", 4, null, " "]', ("하나 | 둘", '"셋"', "4")),
        ("[단독] 하나 | 둘", ("[단독] 하나", "둘")),
    ],
)
def test_subheads_are_a_json_array_or_parted_lines(read, text, lines):
    assert read(GOOD | {"subheads": text})[0].article.subheads == lines


def test_a_views_column_is_a_running_total_at_the_moment_of_reading(read):
    with_total, without = read(GOOD | {"views": "12"}, GOOD | {"id": "8", "views": ""})
    assert (with_total.total.article_id, with_total.total.total) == ("007", 12)
    assert with_total.total.taken_at == datetime(2019, 4, 8, 9, 0, tzinfo=UTC)
    assert without.total is None


def test_the_mapping_is_ours_to_the_files_and_errors_use_the_files_name(read):
    row = {"id": "7", "url": "https://x.test", "title": "other", "headline": "제목", "published_at": "x"}
    mapping = {"title": "headline", "published_at": "date"}
    good, refused = read(row | {"date": "2019-04-01"}, row | {"date": "", "id": "8"}, mapping=mapping)
    assert good.article.title == "제목"
    assert refused.error.column == "date"


def test_a_mapping_of_a_column_we_do_not_have_is_refused_in_words(read):
    with pytest.raises(SourceError, match=r"--map titel=headline: titel is none of our columns"):
        read(GOOD, mapping={"titel": "headline"})


def test_a_missing_column_names_required_and_found_and_how_to_map(read):
    with pytest.raises(SourceError) as caught:
        read({"id": "7", "link": "https://x.test", "title": "a", "date": "2019-04-01"})
    assert "no column url, published_at; found: id, link, title, date" in str(caught.value)
    assert "--map url=" in str(caught.value)


def test_json_keeps_ids_takes_lists_of_subheads_and_refuses_nested_titles(write, options):
    objects = [
        {**GOOD, "id": 7, "subheads": ["하나", "둘"], "tags": [{"a": 1}], "views": 5.0, "image_width": 640},
        {**GOOD, "title": {"ko": "제목"}},
        {**GOOD, "id": "9", "title": "짝 없는 \ud83d", "excerpt": None},
        {"id": "10"},
    ]
    first, nested, half, bare = read_article_file(write("a.json", json.dumps(objects, indent=1)), options())
    assert (first.article.id, first.article.subheads, first.total.total) == ("7", ("하나", "둘"), 5)
    assert first.article.image_width == 640
    assert (nested.error.column, "list or an object" in nested.error.reason) == ("title", True)
    assert (half.article.title, half.article.excerpt) == ("짝 없는", "")
    assert bare.error.column == "url"


def test_ndjson_of_only_broken_lines_gives_only_refusals(write, options):
    rows = list(read_article_file(write("a.ndjson", "{x\n{y\n"), options()))
    assert [row.error.line for row in rows] == [1, 2]
