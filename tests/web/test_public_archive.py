"""The archive and its feeds at the real server: what readers have, for everybody, kept by caches, found by readers."""

import json
import re
import xml.etree.ElementTree as ET
from datetime import datetime
from email.utils import parsedate_to_datetime

import pytest
from counted_site import CountedSite
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree
from public_site import make_workspace, run_public

from digest.testing import RecordingServer
from digest.web.public.feed_formats import Feed, FeedItem, write_atom, write_json, write_rss
from workspaces import NOW

ISSUE = "/digest/archive/weekly/2026-03-02"
HOME = "https://hanbit.example/digest/archive"
ATOM = "{http://www.w3.org/2005/Atom}"
CONTENT = "{http://purl.org/rss/1.0/modules/content/}"
FEEDS = {
    "feed.xml": "application/rss+xml; charset=utf-8",
    "atom.xml": "application/atom+xml; charset=utf-8",
    "feed.json": "application/feed+json; charset=utf-8",
}


def add_issues(site, count):
    """Older issues with the contents of the one that was sent."""
    with site.open() as app, app.database.transaction():
        for number in range(1, count + 1):
            app.database.execute(
                """INSERT INTO issue (newsletter, edition, origin, state, scheduled_at, deadline, started_at, frozen_at,
                frozen) SELECT newsletter, date(edition, :days), origin, state, scheduled_at, deadline, started_at,
                frozen_at - :number * 604800, frozen FROM issue WHERE id = 1""",
                {"days": f"-{7 * number} days", "number": number},
            )
            new = app.database.value("SELECT max(id) FROM issue")
            app.database.execute(
                """INSERT INTO issue_variant SELECT :new, variant, article_ids, subject, preheader, html, text
                FROM issue_variant WHERE issue_id = 1""",
                {"new": new},
            )
            app.database.execute(
                """INSERT INTO issue_choice SELECT :new, place, article_id, position, choice
                FROM issue_choice WHERE issue_id = 1""",
                {"new": new},
            )


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    with RecordingServer() as mail:
        file = make_workspace(tmp_path_factory.mktemp("archive") / "site", mail)
        text = file.read_text(encoding="utf-8")
        file.write_text(text.replace('slug = "daily"\n', 'slug = "daily"\narchive = false\n'), encoding="utf-8")
        with run_public(file, mail) as running:
            CountedSite(running).send()
            yield running


def test_the_index_leads_to_the_issues_and_these_to_the_articles(site):
    assert '<a href="/digest/archive/weekly">' in site.ask("/digest/archive").text
    issues = site.ask("/digest/archive/weekly")
    assert f'<a href="{ISSUE}">' in issues.text
    issue = site.ask(ISSUE)
    assert issue.status == 200
    assert 'href="https://hanbit.example/articles/1"' in issue.text
    assert issue.headers["content-language"] == "ko"


@pytest.mark.parametrize("path", ["/digest/archive", "/digest/archive/weekly", ISSUE])
def test_a_page_says_where_it_is_and_what_it_is(site, path):
    page = site.ask(path).text
    assert f'<link rel="canonical" href="https://hanbit.example{path}">' in page
    assert f'<meta property="og:url" content="https://hanbit.example{path}">' in page
    for name in ("og:type", "og:title", "og:site_name"):
        assert f'property="{name}"' in page
    assert "noindex" not in page
    assert "style=" not in page


def test_the_newsletters_name_stands_beside_a_headline_and_not_in_it(site):
    page = site.ask(ISSUE).text
    title = re.search(r"<title>(.*?)</title>", page)[1]
    assert title.count("주간 한빛") == 1
    assert "주간 한빛" not in re.search('og:title" content="([^"]*)"', page)[1]
    assert "주간 한빛" not in site.ask("/digest/archive/weekly/feed.json").json["items"][0]["title"]


def test_an_issue_has_what_others_show_of_it(site):
    page = site.ask(ISSUE).text
    for name in ("og:description", "og:locale", "article:published_time"):
        assert f'property="{name}"' in page
    assert '<meta property="og:locale" content="ko_KR">' in page
    assert 'rel="alternate" type="application/rss+xml"' in page


def test_its_policy_names_its_style_sheets_and_allows_nothing_else(site):
    policy = site.ask(ISSUE).headers["content-security-policy"]
    assert "unsafe" not in policy
    assert policy.count("'sha256-") == site.ask(ISSUE).text.count("<style>")
    assert policy.startswith("default-src 'none'")


@pytest.mark.parametrize(
    "path",
    [
        "archive/daily",
        "archive/daily/2026-03-02",
        "archive/daily/feed.xml",
        "archive/nothing",
        "archive/weekly/2026-03-09",
        "archive/weekly/2026-3-2",
        "archive/weekly/2026-02-31",
        "archive/weekly/0000-00-00",
        "archive/weekly/9999-99-99",
        "archive/weekly/2026-03-02'--",
        "archive/weekly%2F..%2F..",
        "archive/%27%20OR%201=1--/2026-03-02",
        "archive/weekly/%3Cscript%3E",
        "archive/weekly?page=0",
        "archive/weekly?page=9",
        "archive/weekly?page=99999999999",
        "archive/weekly?page=%00",
        "archive/%EA%B0%80/feed.json",
    ],
)
def test_whatever_else_is_asked_gets_the_one_neutral_page(site, path):
    answer = site.ask(f"/digest/{path}")
    assert answer.status == 404
    assert answer.text == site.ask("/digest/archive/nothing-else").text


@pytest.mark.parametrize("language", ["ja", "x", "../ko", "%00", "en"])
def test_a_language_it_was_not_made_in_gives_its_own(site, language):
    assert site.ask(f"{ISSUE}?lang={language}").body == site.ask(ISSUE).body


def test_looking_at_all_of_it_changes_nothing(site):
    before = site.snapshot()
    for path in ("", "/weekly", "/weekly/2026-03-02", "/sitemap.xml", *(f"/weekly/{file}" for file in FEEDS)):
        for method in ("GET", "HEAD"):
            assert site.ask(f"/digest/archive{path}", method=method).status == 200
        assert site.ask(f"/digest/archive{path}", method="POST").status == 405
    assert site.snapshot() == before


@pytest.mark.parametrize(
    "path", [ISSUE, "/digest/archive/weekly/feed.xml", "/digest/archive", "/digest/archive/sitemap.xml"]
)
def test_who_has_it_already_is_told_so(site, path):
    first = site.ask(path)
    assert first.headers["cache-control"].startswith("public, max-age=")
    again = site.ask(path, if_none_match=first.headers["etag"])
    assert (again.status, again.body) == (304, b"")
    assert again.headers["content-security-policy"] == first.headers["content-security-policy"]
    assert site.ask(path, if_none_match=f'W/{first.headers["etag"]}, "x"').status == 304
    assert site.ask(path, if_none_match='"other"').status == 200
    assert site.ask(path, if_modified_since=first.headers["last-modified"]).status == 304
    assert site.ask(path, if_modified_since="Thu, 01 Jan 1970 00:00:00 GMT").status == 200
    assert site.ask(path, if_modified_since="yesterday").status == 200


def test_pages_follow_pages_and_feeds_end(site):
    add_issues(site, 40)
    first, second = site.ask("/digest/archive/weekly").text, site.ask("/digest/archive/weekly?page=2").text
    assert (first.count("<li>\n"), second.count("<li>\n")) == (30, 11)
    assert 'rel="next" href="/digest/archive/weekly?page=2"' in first
    assert 'rel="prev" href="/digest/archive/weekly"' in second
    assert f'<link rel="canonical" href="{HOME}/weekly?page=2">' in second
    assert site.ask("/digest/archive/weekly?page=3").status == 404
    assert len(site.ask("/digest/archive/weekly/feed.json").json["items"]) == 20
    assert site.ask("/digest/archive/sitemap.xml").text.count("<loc>") == 43


def test_rss_is_rss(site):
    answer = site.ask("/digest/archive/weekly/feed.xml")
    assert answer.headers["content-type"] == FEEDS["feed.xml"]
    assert answer.headers["access-control-allow-origin"] == "*"
    channel = ET.fromstring(answer.body).find("channel")
    assert channel.findtext("link") == f"{HOME}/weekly"
    assert channel.find(f"{ATOM}link").get("href") == f"{HOME}/weekly/feed.xml"
    assert all(channel.findtext(tag) for tag in ("title", "description", "language", "lastBuildDate"))
    item = channel.find("item")
    assert item.findtext("link") == f"{HOME}/weekly/2026-03-02"
    assert parsedate_to_datetime(item.findtext("pubDate")).tzinfo is not None
    assert "https://hanbit.example/articles/1" in item.findtext(f"{CONTENT}encoded")
    guids = [each.findtext("guid") for each in channel.iter("item")]
    assert len(set(guids)) == len(guids)


def test_atom_is_atom(site):
    answer = site.ask("/digest/archive/weekly/atom.xml")
    assert answer.headers["content-type"] == FEEDS["atom.xml"]
    root = ET.fromstring(answer.body)
    assert all(root.findtext(f"{ATOM}{tag}") for tag in ("id", "title", "updated"))
    assert root.findtext(f"{ATOM}author/{ATOM}name")
    assert {link.get("rel") for link in root.findall(f"{ATOM}link")} == {"self", "alternate"}
    for entry in root.iter(f"{ATOM}entry"):
        assert all(entry.findtext(f"{ATOM}{tag}") for tag in ("id", "title", "content"))
        assert datetime.fromisoformat(entry.findtext(f"{ATOM}updated")).tzinfo is not None


def test_json_feed_is_json_feed(site):
    answer = site.ask("/digest/archive/weekly/feed.json")
    assert answer.headers["content-type"] == FEEDS["feed.json"]
    told = answer.json
    assert told["version"] == "https://jsonfeed.org/version/1.1"
    assert (told["home_page_url"], told["feed_url"]) == (f"{HOME}/weekly", f"{HOME}/weekly/feed.json")
    for item in told["items"]:
        assert item["content_html"]
        assert isinstance(item["id"], str)
        assert datetime.fromisoformat(item["date_published"]).tzinfo is not None


def test_search_engines_are_kept_out_where_a_publisher_says_so(tmp_path):
    with RecordingServer() as mail:
        file = make_workspace(tmp_path / "site", mail, archive_noindex=True)
        with run_public(file, mail) as site:
            CountedSite(site).send()
            for path in ("/digest/archive", "/digest/archive/weekly", ISSUE):
                answer = site.ask(path)
                assert answer.headers["x-robots-tag"] == "noindex"
                assert '<meta name="robots" content="noindex">' in answer.text
            assert site.ask("/digest/archive/weekly/feed.xml").headers["x-robots-tag"] == "noindex"
            assert site.ask("/digest/archive/sitemap.xml").status == 404


TEXT = st.text(st.sampled_from("가<>&]'\"\x00\x0b￾ \n𝄞a"), max_size=12)


@given(title=TEXT, content=TEXT, url=TEXT)
@settings(max_examples=60)
def test_any_text_stands_in_every_feed_as_text(title, content, url):
    item = FeedItem(id="tag:a", url=url, title=title, summary=title, content=content, published_at=NOW, language="ko")
    feed = Feed(
        id="tag:f",
        title=title,
        description=title,
        author=title,
        url=url,
        own_url=url,
        language="ko",
        changed_at=NOW,
        items=(item,),
    )
    clean = etree.fromstring(write_rss(feed)).findtext("channel/item/title")
    assert (clean or "").replace("�", "") == "".join(c for c in title if c not in "\x00\x0b￾")
    assert len(etree.fromstring(write_rss(feed)).findall("channel/item")) == 1
    assert len(etree.fromstring(write_atom(feed)).findall(f"{ATOM}entry")) == 1
    assert json.loads(write_json(feed))["items"][0].get("title", "") == title
