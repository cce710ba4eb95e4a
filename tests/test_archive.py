"""The web version of an issue: what the mail showed, and nothing that is one reader's own, in every theme."""

import re
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import html

from digest.archive import open_archived
from digest.store.archive import count_published, find_published, list_published
from digest.store.issues import get_issue_by_id
from digest.web.public.personal import Marks, remove_personal
from digest.web.public.styled import read_declarations, style_policy, take_styles
from digest.web.public.web_version import make_web_version
from editions import MONDAY, add_reader, make_article, open_workspace, publish, save_news

SITE = 'public_url = "https://hanbit.example/digest"\npostal_address = "서울 중구 한빛길 12"'
ADDRESS = "https://hanbit.example/digest/archive/weekly/2026-03-02"
OWN_WORDS = (
    "Unsubscribe",
    "Change preferences",
    "수신거부",
    "수신 거부",
    "구독 설정",
    "구독 취소",
    "님",
    "Hello",
    "Sent to",
)
NONCE = "abc"
MARKS = Marks(nonce=NONCE, links=frozenset({ADDRESS}), reason="You get this because you subscribed.")
UNSUBSCRIBE = f"https://{NONCE}.invalid/unsubscribe_url/"
WHO = f"https://{NONCE}.invalid/address/"


def open_sent(folder, *lines, locale="ko"):
    with open_workspace(folder, *lines, site=SITE) as app:
        save_news(app, [make_article(number, section="economy" if number % 2 else "society") for number in range(1, 9)])
        add_reader(app, "kim")
        add_reader(app, "lee", locale="en", sections=("economy",))
        issue = publish(app)
        app.database.execute("UPDATE issue SET state = 'sent'")
        published = find_published(app.database, "weekly", MONDAY)
        archived = open_archived(app.database, published, app.workshop, locale)
        return app, issue, archived


@pytest.mark.parametrize("locale", ["ko", "en"])
@pytest.mark.parametrize("template", ["weekly", "compact", "sections"])
def test_of_every_theme_all_is_shown_but_what_is_a_readers_own(tmp_path, template, locale):
    lines = (f'template = "{template}"', 'greeting = "auto"', 'intro = "이번 주 **소식**입니다."')
    _, _, archived = open_sent(tmp_path, *lines, locale=locale)
    assert archived.locale == locale
    version = make_web_version(archived, ADDRESS)
    root = html.fromstring(f"<body>{version.content}</body>")
    words = " ".join(root.text_content().split())
    for number in range(1, 9):
        assert f"{number}번째 소식" in words
        assert f'href="https://hanbit.example/articles/{number}"' in version.content
    assert "서울 중구 한빛길 12" in words
    assert "이번 주 소식입니다." in words
    assert [word for word in OWN_WORDS if word in words] == []
    assert archived.nonce not in version.content
    assert ADDRESS not in version.content
    assert not root.xpath("//*[@style]|//style|//script|//comment()")
    assert archived.preheader not in words
    for line in root.xpath("//p|//td"):
        told = " ".join(line.text_content().split())
        assert not re.search(r"^[·|]|[·|]$", told), told
    classes = {name for each in root.xpath("//@class") for name in each.split() if name.startswith("styled-")}
    assert classes
    assert all(f".{name}:not(#_){{" in "".join(version.sheets) for name in classes)


def test_a_language_that_an_issue_was_not_made_in_gives_its_own(tmp_path):
    _, _, archived = open_sent(tmp_path, locale="ja")
    assert (archived.locale, archived.locales) == ("ko", ("ko", "en"))


def test_parameters_for_analytics_stay_in_mails(tmp_path):
    utm = 'utm = "utm_source=hanbit&utm_medium=email&utm_campaign={newsletter}-{date}"'
    _, issue, archived = open_sent(tmp_path, utm, "count_clicks = true", "count_opens = true", "[web]")
    version = make_web_version(archived, ADDRESS)
    assert "utm_" not in version.content
    assert "/c/" not in version.content
    assert "/o/" not in version.content
    assert "https://hanbit.example/articles/1" in version.content
    assert all("utm_" not in article.url for article in archived.contents.articles)
    assert issue.frozen["newsletter"]["utm"]


@pytest.mark.parametrize(
    ("state", "of_delivery", "is_shown"),
    [
        ("sent", "sent", True),
        ("sending", "queued", False),
        ("sending", "sent", True),
        ("paused", "queued", False),
        ("paused", "sent", True),
        ("failed", "failed", False),
        ("failed", "sent", True),
        ("cancelled", "sent", False),
        ("skipped", "queued", False),
    ],
)
def test_only_what_readers_have_is_in_the_archive(tmp_path, state, of_delivery, is_shown):
    with open_workspace(tmp_path) as app:
        save_news(app, [make_article(1), make_article(2)])
        add_reader(app, "kim")
        add_reader(app, "lee")
        publish(app)
        app.database.execute("UPDATE issue SET state = ?", (state,))
        app.database.execute("UPDATE delivery SET state = ? WHERE subscriber_id = 1", (of_delivery,))
        found = find_published(app.database, "weekly", MONDAY)
        assert (found is not None) == is_shown
        assert len(list_published(app.database, "weekly")) == is_shown
        assert count_published(app.database, "weekly") == is_shown


def test_mails_link_to_it_where_pages_are_served_and_hold_nothing_of_the_reader(tmp_path):
    _, _, archived = open_sent(tmp_path)
    assert f'href="{ADDRESS}"' in archived.html


@pytest.mark.parametrize(("site", "line"), [("", ""), (SITE, "archive = false")])
def test_elsewhere_mails_do_not(tmp_path, site, line):
    with open_workspace(tmp_path, line, site=site) as app:
        save_news(app, [make_article(1)])
        add_reader(app, "kim")
        issue = get_issue_by_id(app.database, publish(app).id)
        html_of = app.database.value("SELECT html FROM issue_page WHERE issue_id = ?", (issue.id,))
        assert "/archive/" not in html_of


@pytest.mark.parametrize(
    ("source", "left"),
    [
        (f'<p><a href="{UNSUBSCRIBE}">Leave</a></p><p>Stay</p>', "<p>Stay</p>"),
        (
            f'<p>Hi <a href="https://a.example">Site</a> | <a href="{UNSUBSCRIBE}">Leave</a> | <b>End</b></p>',
            '<p>Hi <a href="https://a.example">Site</a> | <b>End</b></p>',
        ),
        (f"<p>Sent to {WHO}</p><p>Seoul</p>", "<p>Seoul</p>"),
        (f"<p>Our office is in Seoul.<br>Sent to: {WHO}</p>", "<p>Our office is in Seoul.</p>"),
        (f'<p>a · <a href="{ADDRESS}">View</a> · <a href="{UNSUBSCRIBE}">x</a></p>', "<p>a</p>"),
        (f'<table><tr><td><a href="{UNSUBSCRIBE}">x</a></td></tr></table><p>y</p>', "<p>y</p>"),
        (
            f'<table><tr><td>a</td><td><a href="{UNSUBSCRIBE}">x</a></td></tr></table>',
            "<table><tr><td>a</td><td></td></tr></table>",
        ),
        ("<p>You get this because you subscribed.</p><p>y</p>", "<p>y</p>"),
        ('<p class="mail-only">Add us to your contacts.</p><p>y</p>', "<p>y</p>"),
        (f'<div title="{WHO}"><p>y</p></div>', "<div><p>y</p></div>"),
        ("<p>nothing | to · do</p>", "<p>nothing | to · do</p>"),
        (
            f'<p>{"Long words. " * 30}Leave <a href="{UNSUBSCRIBE}">here</a>. Bye.</p>',
            f"<p>{'Long words. ' * 30} Bye.</p>",
        ),
    ],
)
def test_whatever_stands_around_a_readers_own_link_goes_with_it(source, left):
    body = html.document_fromstring(f"<body>{source}</body>").body
    remove_personal(body, MARKS)
    found = "".join(html.tostring(child, encoding="unicode") for child in body)
    assert re.sub(r"\s+(?=</p>)|(?<=\s)\s+", "", found) == re.sub(r"(?<=\s)\s+", "", left)


PIECES = st.sampled_from(
    ["word ", "긴 글. ", " | ", " · ", "<br>", WHO, f'<a href="{UNSUBSCRIBE}">x</a>', "<b>bold</b>", "<i>", "</i>"]
)


@given(st.lists(st.tuples(st.sampled_from(["p", "td", "div", "span"]), st.lists(PIECES, max_size=8)), max_size=5))
@settings(max_examples=60)
def test_nothing_of_a_reader_is_ever_left_and_no_separator_dangles(parts):
    source = "".join(f"<{tag}>{''.join(pieces)}</{tag}>" for tag, pieces in parts)
    body = html.document_fromstring(f"<html><body><main>{source}</main></body></html>").body
    remove_personal(body, MARKS)
    assert NONCE not in html.tostring(body, encoding="unicode")


def test_style_attributes_become_rules_that_win_as_attributes_do():
    body = html.fromstring(
        '<div><p style="color: red">a</p><p class="x" style="color:red;">b</p><b style="">c</b></div>'
    )
    assert take_styles(body) == ".styled-1:not(#_){color:red}"
    assert html.tostring(body, encoding="unicode") == (
        '<div><p class="styled-1">a</p><p class="x styled-1">b</p><b>c</b></div>'
    )


@pytest.mark.parametrize(
    ("style", "rule"),
    [
        ("color:red} body{display:none", ""),
        ("color:red;} body{display:none", "color:red"),
        ("background:url('</style><script>alert(1)</script>')", ""),
        ("mso-hide:all; padding:0 !important", "padding:0!important"),
        ('font-family:"Apple SD Gothic Neo", serif', 'font-family:"Apple SD Gothic Neo", serif'),
        ("@import url(https://evil.example)", ""),
    ],
)
def test_a_style_cannot_break_out_of_its_rule(style, rule):
    assert read_declarations(style) == rule


@given(st.text(max_size=40))
@settings(max_examples=100)
def test_no_text_breaks_out_of_its_rule(text):
    rule = read_declarations(text)
    assert not {"{", "}", "<"} & set(rule)


def test_a_policy_names_the_sheets_of_its_page():
    policy = style_policy("default-src 'none'; style-src 'self'; img-src https:", ["a{}"])
    assert policy == (
        "default-src 'none'; style-src 'self' 'sha256-X1RutGBrXCt9KkSaXMK7tHftWiRscFHOhxsS8tv8hBk='; img-src https:"
    )


def test_an_issue_that_holds_scripts_shows_none(tmp_path):
    _, _, archived = open_sent(tmp_path)
    hostile = archived.html.replace(
        "</body>", '<script>alert(1)</script><p onclick="x()">y</p><base href="//evil.example"></body>'
    )
    version = make_web_version(replace(archived, html=hostile), ADDRESS)
    assert "script" not in version.content
    assert "onclick" not in version.content
    assert "evil" not in version.content
