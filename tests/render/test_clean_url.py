from urllib.parse import unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.errors import RenderError
from digest.render.links import clean_article_url, clean_url

PATH = st.text(st.characters(exclude_categories=("Cc", "Cs"), exclude_characters="?#%"), max_size=30)


@pytest.mark.parametrize(
    ("url", "clean"),
    [
        ("https://news.example/a b", "https://news.example/a%20b"),
        ("HTTPS://News.Example/가", "https://news.example/%EA%B0%80"),
        ("https://한국.example/", "https://xn--3e0b707e.example/"),
        ("https://news.example/%EA%B0%80?x=%20y", "https://news.example/%EA%B0%80?x=%20y"),
        ("https://news.example/100%?q=50%zz", "https://news.example/100%25?q=50%25zz"),
        ("https://news.example/?a=1&b='\"<>", "https://news.example/?a=1&b=%27%22%3C%3E"),
        ("https://news.example:8443/x#조각", "https://news.example:8443/x#%EC%A1%B0%EA%B0%81"),
        ("http://news.example", "http://news.example"),
        ("https://[2001:db8::1]/x", "https://[2001:db8::1]/x"),
    ],
)
def test_an_address_becomes_absolute_ascii(url, clean):
    assert clean_url(url) == clean


@given(PATH)
def test_the_result_is_ascii_safe_in_attributes_means_the_same_and_is_stable(path):
    cleaned = clean_url(f"https://news.example/{path}")
    assert cleaned.isascii()
    assert not set(cleaned) & set(" \"'<>`{}|\\^")
    assert clean_url(cleaned) == cleaned
    assert unquote(urlsplit(cleaned).path).rstrip() == f"/{path}".rstrip()


@pytest.mark.parametrize(
    "url",
    [
        "",
        "/path",
        "news.example",
        "javascript:alert(1)",
        "ftp://news.example",
        "https://",
        "https://a b/",
        "https://u:p@x/",
        "https://x:99999/",
        "https://[::1",
        "https://a..b/",
        'https://a"b/',
    ],
)
def test_what_is_no_web_address_is_refused(url):
    with pytest.raises(RenderError, match="cannot be used"):
        clean_url(url)


WHOLE = "utm_source=digest&utm_medium=email&utm_campaign=weekly"


@pytest.mark.parametrize(
    ("query", "kept"),
    [
        (WHOLE, WHOLE),
        (f"id=7&{WHOLE}&utm_content=lead", f"id=7&{WHOLE}&utm_content=lead"),
        ("utm_source=rss", ""),
        ("id=7&utm_source=rss&q=a", "id=7&q=a"),
        (f"{WHOLE}&utm_source=rss", ""),
        ("utm_source=&utm_medium=email&utm_campaign=weekly", ""),
        ("utm_source=a&utm_medium=%20&utm_campaign=c", ""),
        ("utm_source=a&utm_medium=+&utm_campaign=c&id=7", "id=7"),
        ("utm%5Fsource=a&id=7", "id=7"),
        (f"{WHOLE}&UTM_SOURCE=b", ""),
        ("id=7", "id=7"),
    ],
)
def test_utm_parameters_that_are_not_whole_are_dropped_from_articles(query, kept):
    """The contract calls them an error, and the address of one article must not hold an issue."""
    assert clean_article_url(f"https://news.example/1?{query}") == f"https://news.example/1{'?' if kept else ''}{kept}"
