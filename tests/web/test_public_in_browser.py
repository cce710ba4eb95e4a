"""A reader's way in a real browser without JavaScript: from the form to the digest, out with one click, and back."""

import re
import subprocess
import sys
from datetime import timedelta
from email import message_from_bytes
from email.policy import default
from pathlib import Path

import pytest
from public_site import link_in, make_workspace, run_public

from command_line import environment
from digest.mail.links import Purpose
from digest.model import DatedCount, SubscriberState
from digest.store.articles import save_articles
from digest.store.database import FILE_NAME, open_database
from digest.store.views import save_dated_counts
from digest.testing import RecordingServer
from workspaces import NOW, make_article

AXE = (Path(__file__).parent / "vendor" / "axe.min.js").read_text(encoding="utf-8")
WCAG_AA = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
VIOLATIONS = """async (tags) => (await axe.run(document, {runOnly: tags})).violations
    .map(v => `${v.id}: ${v.nodes.map(n => n.html).join(' | ')}`)"""
WHO = "walker@reader.example"


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    with RecordingServer() as mail:
        file = make_workspace(tmp_path_factory.mktemp("walk") / "site", mail)
        with open_database(file.with_name(FILE_NAME)) as database:
            save_next_week(database)
        with run_public(file, mail) as running:
            yield running


def save_next_week(database):
    day = NOW + timedelta(days=5)
    articles = [make_article(number, at=day) for number in range(101, 106)]
    counts = [DatedCount(article_id=article.id, date=day.date(), views=100) for article in articles]
    with database.transaction():
        save_articles(database, articles, read_at=day)
        save_dated_counts(database, counts)


@pytest.fixture
def page(browser):
    """A tab that runs no script of a page and notes what it complains of, or loads from elsewhere."""
    context = browser.new_context(java_script_enabled=False, locale="ko-KR", viewport={"width": 375, "height": 800})
    tab = context.new_page()
    tab.set_default_timeout(10_000)
    complaints = []
    tab.on("console", lambda message: complaints.append(message.text))
    tab.on("request", lambda request: request.url.startswith("http://127.0.0.1") or complaints.append(request.url))
    yield tab
    assert [each for each in complaints if "404" not in each] == []
    assert context.cookies() == []
    context.close()


def subscribe(page, site):
    page.goto(f"{site.url}/digest/subscribe")
    page.fill("#email", WHO)
    page.uncheck("input[value=daily]")
    page.check("input[name=consent]")
    page.wait_for_timeout(2_100)  # nobody fills in a form in less
    page.click("button")
    return page.inner_text("h1")


def send_issue(site, edition, newsletter="weekly"):
    command = [sys.executable, "-m", "digest", "--config", str(site.file), "send", newsletter, "--date", edition]
    sent = subprocess.run([*command, "--yes", "--force-unsafe"], env=environment(), capture_output=True, check=False)
    assert sent.returncode == 0, sent.stderr


def issues_for(site, subject_part="소식"):
    return [mail for mail in site.mails_to(WHO) if subject_part in mail["Subject"]]


def test_a_reader_comes_reads_leaves_with_one_click_and_comes_back(site, page):
    assert subscribe(page, site) == "감사합니다"
    (asked,) = site.mails_to(WHO)
    page.goto(site.url + link_in(asked, "confirm"))
    page.click("button")
    assert page.inner_text("h1") == "구독이 시작되었습니다"

    page.click("text=분야와 언어 고르기")
    page.check("input[value=society]")
    page.click("text=저장")
    assert page.inner_text("[role=status]") == "선택하신 내용을 저장했습니다."
    assert site.person(WHO).subscriptions[0].sections == ("society",)

    send_issue(site, "2026-03-02")
    (issue,) = issues_for(site)
    link = issue["List-Unsubscribe"].strip("<>").removeprefix("https://hanbit.example")
    assert issue["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    left = site.ask(
        link,
        method="POST",
        body=b"List-Unsubscribe=One-Click",
        content_type="application/x-www-form-urlencoded",
        user_agent="Gmail-Unsubscribe",
    )
    assert left.status == 200
    assert site.person(WHO).state is SubscriberState.UNSUBSCRIBED

    send_issue(site, "2026-03-09")
    assert len(issues_for(site)) == 1  # nothing came next week

    assert subscribe(page, site) == "감사합니다"
    again = [mail for mail in site.mails_to(WHO) if "확인" in mail["Subject"]][-1]
    page.goto(site.url + link_in(again, "confirm"))
    page.click("button")
    assert site.person(WHO).state is SubscriberState.ACTIVE


def test_looking_at_every_link_of_a_delivered_digest_changes_nothing(site):
    """As link scanners and mail programs do, which follow each with GET, HEAD and OPTIONS."""
    send_issue(site, "2026-03-02", "daily")
    mail = next(m for m in site.mail.messages if m.rcpt_tos == ["reader00000@example.com"] and b"List-Id" in m.content)
    paths = links_of(mail.content)
    assert len(paths) >= 2
    before = site.snapshot()
    for path in paths:
        for method in ("GET", "HEAD", "OPTIONS"):
            assert site.ask(path, method=method).status in {200, 204, 302, 405}, (method, path)
    assert site.snapshot() == before


def links_of(content):
    message = message_from_bytes(content, policy=default)
    texts = [message["List-Unsubscribe"], *(message.get_body((kind,)).get_content() for kind in ("plain", "html"))]
    return {found for text in texts for found in re.findall(r"https://hanbit\.example(/digest/[^\s\"<>]+)", text)}


@pytest.mark.parametrize(
    ("language", "scheme"),
    [
        ("ko", "light"),
        ("en", "dark"),
        pytest.param("ko", "dark", marks=pytest.mark.slow),
        pytest.param("en", "light", marks=pytest.mark.slow),
    ],
)
def test_axe_finds_nothing_on_any_page(site, browser, language, scheme):
    """WCAG 2.2 AA and axe's own best practices."""
    reader = "reader00001@example.com"
    preferences = site.token(Purpose.PREFERENCES, reader)
    unsubscribe = site.token(Purpose.UNSUBSCRIBE, reader)
    context = browser.new_context(color_scheme=scheme, bypass_csp=True, viewport={"width": 375, "height": 800})
    tab = context.new_page()
    for path in ("subscribe", f"preferences/{preferences}?done=saved", f"unsubscribe/{unsubscribe}", "nothing"):
        tab.goto(f"{site.url}/digest/{path}{'&' if '?' in path else '?'}lang={language}")
        assert tab.evaluate("document.documentElement.lang") == language
        assert tab.evaluate("document.documentElement.scrollWidth") <= 375
        tab.evaluate(AXE)
        assert tab.evaluate(VIOLATIONS, WCAG_AA) == [], path
    context.close()
