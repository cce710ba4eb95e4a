"""Counting in messages: which links are counted, what stays as it is, and that the contract holds of the result."""

import html
import json
import re
from email import message_from_bytes, policy
from functools import partial

import pytest

from digest.check.contract import check_mail
from digest.check.mail import open_mail
from digest.check.options import CheckOptions
from digest.deliver.counted import Counted
from digest.deliver.letters import Reader, html_size, write_message
from digest.errors import SettingsError
from digest.inspection import inspect_letters
from digest.mail.links import Purpose, SignedLink
from digest.proof import choose_reader, letterhead_of_issue, make_proof
from digest.render.campaign import Campaign
from digest.store.issue_links import list_links
from digest.store.pages import list_pages
from digest.trim import BUDGET
from digest.variants import WORST_READER
from editions import (
    add_reader,
    make_article,
    open_edition,
    open_workspace,
    publish,
    save_news,
    use_template_without_tags,
)

READER = Reader(subscriber_id=1, address="kim@example.com", name="김하늘")
COUNTING = ("count_opens = true", "count_clicks = true")
UTM = 'utm = "utm_source=한빛&utm_medium=email&utm_campaign={newsletter}-{date}"'
MARKED = "utm_source=%ED%95%9C%EB%B9%9B&utm_medium=email&utm_campaign=weekly-2026-03-02"
ARTICLES = [make_article(number) for number in range(1, 6)]
SITE = "https://hanbit.example"
BASE = f"{SITE}/digest"
COUNTED_LINK = re.compile(rf"{BASE}/c/([\w-]{{40}})/(\d+)")


class Sent:
    """An issue that was published, and one reader's message of it."""

    def __init__(self, app, *, key='["",[]]', reader=READER):
        self.issue = publish(app)
        self.letterhead = letterhead_of_issue(app.database, self.issue, app.key)
        self.links = {link.place: link.url for link in list_links(app.database, self.issue.id)}
        self.pages = list_pages(app.database, self.issue.id)
        self.findings = [f for found in inspect_letters(self.letterhead, reader).values() for f in found]
        self.write(app, key, reader)

    def write(self, app, key, reader):
        self.content = write_message(self.letterhead, key, reader).content
        message = message_from_bytes(self.content, policy=policy.default)
        self.html, self.text = (message.get_body((kind,)).get_content() for kind in ("html", "plain"))
        self.hrefs = [html.unescape(href) for href in re.findall(r'<a\b[^>]*href="([^"]*)"', self.html)]
        self.counted = [found for href in self.hrefs if (found := COUNTED_LINK.fullmatch(href))]
        self.tokens = {app.keyring.read_link(found[1]) for found in self.counted}


def publish_week(folder, *lines, articles=ARTICLES, prepare=lambda _: None, **how):
    """The week's news under more lines of a newsletter."""
    with open_workspace(folder, *lines, "[web]") as app:
        save_news(app, articles)
        add_reader(app, "kim")
        prepare(app)
        return Sent(app, **how)


@pytest.fixture
def send(tmp_path):
    return partial(publish_week, tmp_path)


@pytest.fixture(scope="module")
def sent(tmp_path_factory):
    """An issue of which everything is counted."""
    return publish_week(tmp_path_factory.mktemp("counted"), *COUNTING)


@pytest.fixture(scope="module")
def marked(tmp_path_factory):
    """The same with utm parameters."""
    return publish_week(tmp_path_factory.mktemp("marked"), *COUNTING, UTM)


@pytest.mark.parametrize("prepare", [lambda _: None, use_template_without_tags], ids=["page", "whole"])
def test_every_article_link_is_counted_and_leads_where_it_led(send, prepare):
    sent = send(*COUNTING, prepare=prepare)
    assert sent.links == {place: f"https://hanbit.example/articles/{place}" for place in range(1, 6)}
    assert {int(found[2]) for found in sent.counted} == set(sent.links)
    assert not [href for href in sent.hrefs if href in sent.links.values()]
    assert sent.tokens == {SignedLink(purpose=Purpose.COUNT, subscriber_id=1, issue_id=sent.issue.id)}


def test_plain_text_and_the_links_of_the_law_are_as_they_were(sent):
    assert set(sent.links.values()) <= set(re.findall(r"https?://\S+", sent.text))
    assert "/c/" not in sent.text
    assert "/o/" not in sent.text
    others = {re.sub(r"/[\w-]{40}$", "", href) for href in sent.hrefs if not COUNTED_LINK.fullmatch(href)}
    assert others >= {SITE, f"{BASE}/unsubscribe", f"{BASE}/preferences"}


def test_the_picture_is_the_last_thing_of_the_body_once(sent):
    ends = re.findall(rf'<img src="{BASE}/o/([\w-]{{40}})\.gif" width="1" height="1" alt=""[^>]*></body>', sent.html)
    assert ends == [sent.counted[0][1]]
    assert sent.html.count("/o/") == 1


def test_the_contract_finds_nothing_in_what_is_counted(marked):
    """Also not for whoever checks the bytes alone, without knowing where the links lead."""
    assert marked.findings == []
    assert check_mail(marked.content) == ()


def test_the_contract_sees_through_counted_links(sent):
    targets = {found[0]: "https://bit.ly/x?utm_source=half" for found in sent.counted}
    rules = {finding.rule for finding in check_mail(sent.content, CheckOptions(targets=targets))}
    assert rules == {"LNK-SHORT", "LNK-UTM", "TXT-LINKS"}


def test_switched_off_a_message_holds_nothing_of_it(send):
    sent = send()
    assert (sent.letterhead.counted, sent.links) == (None, {})
    assert "https://hanbit.example/articles/1" in sent.hrefs
    assert 'width="1"' not in sent.html


@pytest.mark.parametrize(("line", "links", "pictures"), [(COUNTING[0], 0, 1), (COUNTING[1], 5, 0)])
def test_each_is_counted_by_itself(send, line, links, pictures):
    sent = send(line)
    assert (len(sent.counted), sent.html.count("/o/")) == (links, pictures)


def test_a_link_that_shows_its_host_leads_there_itself(send):
    shown = [make_article(1, title="hanbit.example"), *ARTICLES[1:]]
    sent = send(*COUNTING, articles=shown)
    assert "https://hanbit.example/articles/1" in sent.hrefs
    assert {int(found[2]) for found in sent.counted} == {2, 3, 4, 5}
    assert "LNK-SPOOF" not in {finding.rule for finding in sent.findings}


def test_a_readers_own_choice_is_counted_too(send):
    sent = send(*COUNTING, key=json.dumps(["", [], [3, 1]], separators=(",", ":")))
    assert [int(found[2]) for found in sent.counted] == [4, 2]


def test_the_size_that_is_measured_is_the_one_that_is_sent(send):
    sent = send(*COUNTING, prepare=use_template_without_tags)
    measured = html_size(sent.letterhead, sent.letterhead.bodies['["",[]]'], READER)
    assert measured == len(open_mail(sent.content).html_part.body)


def test_an_issue_is_fitted_into_what_gmail_shows_with_its_counted_links(send):
    """A link that is counted is longer than most addresses."""
    articles = [
        make_article(number, title=f"{number}번째 소식: {'다리 위 보행로가 넓어졌다 ' * 7}") for number in range(60)
    ]
    sent = send(*COUNTING, "limit = 50", articles=articles)
    longest = write_message(sent.letterhead, '["",[]]', WORST_READER).content
    assert BUDGET * 0.95 < len(open_mail(longest).html_part.body) <= BUDGET
    assert len(sent.counted) > 20


def test_a_preview_shows_the_articles_own_addresses(tmp_path):
    """Nothing is frozen yet that a counted link could lead by."""
    with open_workspace(tmp_path, *COUNTING, "[web]") as app:
        save_news(app, ARTICLES)
        proof = make_proof(app.database, open_edition(app), app.workshop)
        content = write_message(proof.letterhead, proof.variant, choose_reader(proof, None)).content
        body = message_from_bytes(content, policy=policy.default).get_body(("html",)).get_content()
    assert "https://hanbit.example/articles/1" in body
    assert "/c/" not in body


def test_a_test_send_of_a_published_issue_has_the_token_of_nobody(tmp_path):
    with open_workspace(tmp_path, *COUNTING, "[web]") as app:
        save_news(app, ARTICLES)
        add_reader(app, "kim")
        issue = publish(app)
        proof = make_proof(app.database, open_edition(app), app.workshop)
        content = write_message(proof.letterhead, proof.variant, choose_reader(proof, None)).content
        body = message_from_bytes(content, policy=policy.default).get_body(("html",)).get_content()
        tokens = {app.keyring.read_link(found[1]) for found in COUNTED_LINK.finditer(body)}
    assert tokens == {SignedLink(purpose=Purpose.COUNT, subscriber_id=0, issue_id=issue.id)}


def test_of_an_address_that_is_no_article_nothing_is_cut():
    counted = Counted(base_url=BASE, places={"https://h.example/?a=1&b=2": 1}, opens=False)
    others = '<a href="https://h.example/?a=1">x</a><img src="https://h.example/?a=1&amp;b=2"><p>https://h.example/</p>'
    assert counted.cut(others) == (others,)
    before, slot, behind = counted.cut('<a class="k" href="https://h.example/?a=1&amp;b=2" style="x">제목</a>')
    assert (before, behind) == (f'<a class="k" href="{BASE}/c/', '/1" style="x">제목</a>')
    assert slot.escape("token") == "token"


# utm


def test_utm_is_whole_and_once_on_links_to_the_publishers_own_articles(send):
    articles = [
        make_article(1, url="https://hanbit.example/1?id=7#end"),
        make_article(2, url="https://m.hanbit.example/2"),
        make_article(3, url="https://other.example/3"),
        make_article(4, url="https://hanbit.example/4?utm_source=a&utm_medium=b&utm_campaign=c"),
        make_article(5, url="https://hanbit.example/5?utm_source=rss"),
    ]
    sent = send(UTM, articles=articles)
    expected = [
        f"https://hanbit.example/1?id=7&{MARKED}#end",
        f"https://m.hanbit.example/2?{MARKED}",
        "https://other.example/3",
        "https://hanbit.example/4?utm_source=a&utm_medium=b&utm_campaign=c",
        f"https://hanbit.example/5?{MARKED}",
    ]
    assert [href for href in dict.fromkeys(sent.hrefs) if BASE not in href and href != SITE] == expected
    assert [url for url in re.findall(r"https?://\S+", sent.text) if url in expected] == expected
    assert sent.findings == []
    assert not [href for href in sent.hrefs if BASE in href and "utm_" in href]


def test_counted_links_lead_to_the_address_with_utm(marked):
    assert marked.links[1] == f"https://hanbit.example/articles/1?{MARKED}"
    assert len(marked.counted) == 5


def test_hosts_of_the_publishers_that_are_named_get_them_too(send):
    sent = send(UTM, 'utm_hosts = ["other.example"]', articles=[make_article(1, url="https://other.example/3")])
    assert f"https://other.example/3?{MARKED}" in sent.hrefs


def test_a_page_of_the_web_gets_its_addresses_without_utm(marked):
    campaign = Campaign.of(marked.letterhead.site, marked.letterhead.newsletter, marked.issue.edition)
    page = marked.pages[0]
    assert "utm_" in page.html
    for part in (page.html, page.text):
        assert "utm_" not in campaign.clear(part)
        assert "https://hanbit.example/articles/5" in campaign.clear(part)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ('utm = "utm_source=a&utm_medium=email"', "each once and with a value"),
        ('utm = "utm_source=a&utm_medium=b&utm_campaign=c&utm_campaign=d"', "each once and with a value"),
        ('utm = "utm_source=a&utm_medium=b&utm_campaign=c&id=1"', "each once and with a value"),
        ('utm = "utm_source=a&utm_medium=b&utm_campaign="', "each once and with a value"),
        ('utm = "utm_source=a&utm_medium=b&utm_campaign={address}"', r"\{address\} is not known here"),
        ('utm = "utm_source=a&utm_medium=b&utm_campaign={}"', r"\{\} is not known here"),
        ('utm_hosts = ["https://hanbit.example/"]', "utm_hosts"),
        ("keep_readings_days = 0", "keep_readings_days"),
    ],
)
def test_settings_that_would_spoil_links_are_refused(tmp_path, line, words):
    with pytest.raises(SettingsError, match=words), open_workspace(tmp_path, line):
        pass


@pytest.mark.parametrize("line", COUNTING)
def test_counting_needs_the_pages_that_count(tmp_path, line):
    """Without them every link of every mail would be dead."""
    with pytest.raises(SettingsError, match=r"add \[web\]"), open_workspace(tmp_path, line):
        pass
