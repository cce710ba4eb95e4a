"""Links: each is known for what it is, and nothing that acts for a reader is ever fetched."""

import pytest
from digest_message import LINK, write_digest, write_mail

from digest.check.document import parse_html
from digest.mail.links import Purpose, SignedLink, sign_link
from digest.web.preview.links import LinkKind, compare_links, list_links
from digest.web.preview.parts import open_parts

SITE = "https://hanbit.example"


def links_of(*urls, **mail):
    body = "".join(f'<p><a href="{url}">글</a></p>\n' for url in urls)
    return list_links(open_parts(write_mail(f"<body>{body}</body>", **mail)))


def token(purpose):
    return sign_link(b"key", SignedLink(purpose=purpose, subscriber_id=7, issue_id=3))


@pytest.mark.parametrize(
    ("url", "kind", "may_be_fetched"),
    [
        (f"{SITE}/articles/1?a=1&amp;b=2", LinkKind.ARTICLE, True),
        ("https://www.hanbit.example/articles/1", LinkKind.ARTICLE, True),
        (SITE, LinkKind.OWN_PAGE, True),
        (f"{SITE}/", LinkKind.OWN_PAGE, True),
        (f"{SITE}/digest/archive/weekly", LinkKind.OWN_PAGE, True),
        (LINK, LinkKind.UNSUBSCRIBE, False),
        (f"https://other.example/leave?t={token(Purpose.UNSUBSCRIBE)}", LinkKind.UNSUBSCRIBE, False),
        (f"{SITE}/digest/preferences/{token(Purpose.PREFERENCES)}", LinkKind.PREFERENCES, False),
        (f"{SITE}/a-headline-of-exactly-forty-characters-xx", LinkKind.ARTICLE, True),
        ("https://other.example/1", LinkKind.OTHER, True),
        ("https://nothanbit.example/1", LinkKind.OTHER, True),
        ("mailto:news@hanbit.example", LinkKind.OTHER, False),
        ("#top", LinkKind.OTHER, False),
        ("https://[bad", LinkKind.OTHER, True),
    ],
)
def test_a_link_is_known_by_its_address(url, kind, may_be_fetched):
    (link,) = links_of(url)
    assert (link.kind, link.may_be_fetched) == (kind, may_be_fetched)
    assert link.url == url.replace("&amp;", "&")


def test_a_link_is_named_by_its_words_or_its_picture_and_has_its_place():
    html = (
        '<body>\n<a href="https://a.example/"> 두\n 줄 </a>\n<a href="https://b.example/"><img alt="그림"></a><a>x</a>'
    )
    words, picture = list_links(open_parts(write_mail(html)))
    assert (words.text, words.line, picture.text, picture.line) == ("두 줄", 2, "그림", 4)
    assert parse_html(html).elements[picture.element].get("href") == picture.url


def test_parts_are_compared_by_address():
    html = '<body><a href="https://a.example/1">a</a><a href="https://a.example/2?x=1&amp;y=2">b</a>'
    html += '<a href="mailto:a@b">c</a>'
    text = "하나 (https://a.example/1).\nhttps://a.example/3, https://a.example/w_(x)\n"
    difference = compare_links(open_parts(write_mail(html, text=text)))
    assert difference.both == ("https://a.example/1",)
    assert difference.only_in_html == ("https://a.example/2?x=1&y=2",)
    assert difference.only_in_text == ("https://a.example/3", "https://a.example/w_(x)")


def test_both_parts_of_our_own_digest_lead_to_the_same_articles(tmp_path):
    parts = open_parts(write_digest(tmp_path))
    articles = {link.url for link in list_links(parts) if link.kind is LinkKind.ARTICLE}
    assert articles <= set(compare_links(parts).both)
    kinds = [link.kind for link in list_links(parts)]
    assert (kinds.count(LinkKind.UNSUBSCRIBE), kinds.count(LinkKind.PREFERENCES)) == (1, 1)
    assert len(articles) == 5
