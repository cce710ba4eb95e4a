"""The preview page in a real Chromium: looking, deciding, writing, sending, by mouse and by keyboard."""

import json
import re
import shutil
import sqlite3
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import expect, sync_playwright
from preview_site import EDITION, LAST_EDITION, SHOWN, make_site, run_preview

from digest.testing import RecordingServer
from workspaces import smtp_settings

PANES = ("desktop", "phone", "dark", "inverted", "stripped", "images-off", "word", "text", "inbox", "source")
FRAMED = PANES[:7]
AXE = (Path(__file__).parent / "vendor" / "axe.min.js").read_text(encoding="utf-8")
WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
VIOLATIONS = """async ([where, tags]) => (await axe.run(where, {iframes: false, runOnly: tags})).violations
  .map(found => [found.id, found.nodes.map(node => node.html.slice(0, 120))])"""


@pytest.fixture(scope="module")
def mail_server():
    with RecordingServer() as server:
        yield server


@pytest.fixture(scope="module")
def preview(tmp_path_factory, mail_server):
    file = make_site(tmp_path_factory.mktemp("page") / "site", delivery=smtp_settings(mail_server))
    mail_server.messages.clear()
    with run_preview(file) as running:
        yield running


@pytest.fixture(scope="module")
def browser():
    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if chromium is None:
        pytest.skip("no Chromium on this machine: install chromium")
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield running
        running.close()


@pytest.fixture
def open_page(browser, preview):
    """Opens the preview; whatever the page complains of, or asks of another host, fails the test."""
    contexts, complaints = [], []

    def open_one(query="", *, scheme="light", size=(1440, 900)):
        context = browser.new_context(
            color_scheme=scheme, viewport={"width": size[0], "height": size[1]}, reduced_motion="reduce"
        )
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(10_000)
        # What the server refuses is said on the page, and by the browser on its console.
        page.on("console", lambda message: "409" in message.text or complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("request", lambda request: request.url.startswith(preview.base) or complaints.append(request.url))
        page.goto(preview.base + (query or f"?edition={EDITION}"))
        page.wait_for_selector("body[data-revision]")
        return page

    yield open_one
    for context in contexts:
        context.close()
    assert not complaints


@pytest.fixture(autouse=True)
def nothing_decided(preview):
    """Each test takes back what it decided and wrote, step by step."""
    yield
    while preview.order("api/undo", edition=EDITION, newsletter="weekly")[0] == 200:
        pass
    assert decisions(preview) == []


def shown(page):
    return page.locator("ol.articles > li").evaluate_all("rows => rows.map(row => row.dataset.article)")


def article(page, article_id):
    return page.locator(f'[data-article="{article_id}"]')


def decisions(preview):
    with closing(sqlite3.connect(preview.file.with_name("digest.db"))) as database:
        return database.execute("SELECT article_id, kind FROM editor_decision ORDER BY position, article_id").fetchall()


def frame_of(page):
    page.wait_for_selector("#stage iframe:not(.coming)")
    return page.locator("#stage iframe:not(.coming)").content_frame


def wait_for_pane(page, pane):
    expect(page.locator("#stage iframe:not(.coming)")).to_have_attribute("src", re.compile(f"pane/{pane}\\?"))


def wait_for_order(page, *article_ids):
    rows = page.locator("ol.articles > li .title")
    expect(rows).to_have_text([re.compile(rf" {article_id}$") for article_id in article_ids])


@contextmanager
def overridden(preview, addition):
    """The weekly template of the workspace, which ends the articles with something more; yields how to change it."""
    file = preview.file.parent / "templates" / "weekly" / "digest.html"
    file.parent.mkdir(parents=True)

    def write(more):
        row = f"<tr><td>{more}</td></tr>"
        block = f"{{% block stories %}}{{{{ super() }}}}\n{row}{{% endblock %}}"
        file.write_text(f'{{% extends "packaged/weekly/digest.html" %}}\n{block}', encoding="utf-8")

    try:
        write(addition)
        yield write
    finally:
        shutil.rmtree(file.parents[1])


def has_text_in_frame(page, text):
    expect(frame_of(page).locator("body")).to_contain_text(text)


# Looking


def test_every_pane_shows_the_mail(open_page):
    page = open_page()
    for pane in FRAMED:
        page.click(f"#tab-{pane}")
        has_text_in_frame(page, "다리 위 보행로가 두 배로 넓어졌다")
        expect(page.locator(f"#tab-{pane}")).to_have_attribute("aria-selected", "true")
    backgrounds = {}
    for pane in ("desktop", "dark", "inverted"):
        page.click(f"#tab-{pane}")
        wait_for_pane(page, pane)
        backgrounds[pane] = frame_of(page).locator("body").evaluate("body => getComputedStyle(body).backgroundColor")
    assert backgrounds["desktop"] not in (backgrounds["dark"], backgrounds["inverted"])


def test_the_phone_is_as_wide_as_asked_by_button_mouse_and_keyboard(open_page):
    page = open_page()
    page.click("#tab-phone")
    has_text_in_frame(page, "보행로")

    def width():
        return page.evaluate("document.querySelector('#stage iframe:not(.coming)').contentWindow.innerWidth")

    assert width() == 375
    for pixels in (320, 414):
        page.get_by_role("button", name=str(pixels), exact=True).click()
        assert width() == pixels
    handle = page.get_by_role("separator")
    handle.focus()
    page.keyboard.press("ArrowRight")
    assert width() == 424
    assert handle.get_attribute("aria-valuenow") == "424"
    page.keyboard.press("Home")
    assert width() == 280
    box = handle.bounding_box()
    page.mouse.move(box["x"] + 6, box["y"] + 100)
    page.mouse.down()
    page.mouse.move(box["x"] + 46, box["y"] + 100, steps=4)
    page.mouse.up()
    assert width() == 360
    page.click("#tab-dark")
    page.click("#tab-phone")
    wait_for_pane(page, "phone")
    assert width() == 360, "each pane keeps its own width"


def test_text_stands_beside_html_with_the_links_compared(open_page):
    page = open_page()
    page.click("#tab-text")
    expect(page.locator(".plain-text pre")).to_contain_text("https://hanbit.example/articles/1")
    has_text_in_frame(page, "보행로")
    expect(page.locator("#stage .note, #stage .difference")).to_be_visible()


def test_inbox_rows_and_source(open_page):
    page = open_page()
    page.click("#tab-inbox")
    expect(page.locator(".inboxes > li")).to_have_count(7)
    expect(page.locator(".inboxes > li").first).to_contain_text("한빛뉴스")
    page.click("#tab-source")
    expect(page.locator(".lines")).to_contain_text("<!DOCTYPE html")
    page.get_by_role("button", name="헤더").click()
    expect(page.locator(".scroller")).to_contain_text("List-Unsubscribe-Post")
    page.get_by_role("button", name="보내는 그대로").click()
    expect(page.locator(".lines")).to_contain_text("Content-Transfer-Encoding: base64")


def test_the_size_is_told_against_the_limit(open_page):
    page = open_page()
    expect(page.locator("#size")).to_contain_text("/ 102,400 바이트")
    expect(page.locator("#size")).to_contain_text("base64")


def test_a_subscriber_is_found_by_letters_and_chosen_by_keyboard(open_page):
    page = open_page()
    page.locator("#reader").press_sequentially("reader00009@")
    expect(page.locator("#readers li")).to_have_text("reader00009@example.com")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    wait_for_order(page, 1, 5, 9, 13)
    assert "reader=" in page.url
    page.reload()
    expect(page.locator("#reader")).to_have_value("reader00009@example.com")
    page.click("#everyone")
    wait_for_order(page, *range(1, SHOWN + 1))


def test_other_newsletters_and_editions_are_chosen_and_survive_a_reload(open_page):
    page = open_page()
    page.select_option("#newsletter", "english")
    page.fill("#edition", EDITION)
    expect(page.locator("h1")).to_have_text("Preview")
    expect(page.locator("html")).to_have_attribute("lang", "en")
    page.click("#earlier")
    expect(page.locator("#edition")).to_have_value(LAST_EDITION)
    page.reload()
    expect(page.locator("#edition")).to_have_value(LAST_EDITION)
    expect(page.locator("#newsletter")).to_have_value("english")


def test_a_frozen_issue_is_read_only_and_says_so(open_page):
    page = open_page(f"?edition={LAST_EDITION}")
    expect(page.locator("#frozen")).to_contain_text("발행 확정")
    expect(page.locator("#subject")).not_to_be_editable()
    expect(page.locator(".controls")).to_have_count(0)
    has_text_in_frame(page, "지난주")


# Deciding


def test_pinning_excluding_and_reordering_are_written_at_once_and_undone_step_by_step(open_page, preview):
    page = open_page()
    assert shown(page) == ["1", "2", "3", "4", "5", "6"]
    article(page, "9").get_by_role("button", name="고정").click()
    expect(page.locator("ol.articles > li").first).to_have_attribute("data-article", "9")
    assert decisions(preview) == [("9", "pin")]
    article(page, "2").get_by_role("button", name="빼기").click()
    expect(page.locator("ol.articles [data-article='2']")).to_have_count(0)
    assert shown(page) == ["9", "1", "3", "4", "5", "6"]
    article(page, "4").get_by_role("button", name="위로").click()
    expect(page.locator("ol.articles > li").nth(2)).to_have_attribute("data-article", "4")
    assert shown(page) == ["9", "1", "4", "3", "5", "6"]
    assert [row for row in decisions(preview) if row[1] == "pin"] == [("9", "pin"), ("1", "pin"), ("4", "pin")]
    has_text_in_frame(page, "보행로")
    for expected in (["9", "1", "3", "4", "5", "6"], ["9", "1", "2", "3", "4", "5"], ["1", "2", "3", "4", "5", "6"]):
        page.click("#undo")
        wait_for_order(page, *expected)
    assert decisions(preview) == []
    expect(page.locator("#undo")).to_be_disabled()


def test_the_focus_stays_on_an_article_that_moves(open_page):
    page = open_page()
    article(page, "4").get_by_role("button", name="위로").focus()
    for place in (2, 1, 0):
        page.keyboard.press("Enter")
        expect(page.locator("ol.articles > li").nth(place)).to_have_attribute("data-article", "4")
        focused = page.evaluate("document.activeElement.closest('[data-article]')?.dataset.article")
        assert focused == "4" or place == 0, "at the top there is no way up any more"
    assert page.evaluate("document.activeElement.id") == "ranking-title"
    page.keyboard.press("Control+z")
    expect(page.locator("ol.articles > li").nth(1)).to_have_attribute("data-article", "4")


def test_what_was_decided_is_said_to_screen_readers(open_page):
    page = open_page()
    article(page, "3").get_by_role("button", name="빼기").click()
    expect(page.locator("#status")).to_contain_text("빼기, 동네 책방이 밤 열한 시까지 문을 연다 3")


def test_last_week_is_at_hand(open_page):
    page = open_page()
    page.click("#previous summary")
    expect(page.locator("#previous li")).to_have_count(SHOWN)
    expect(page.locator("#previous")).to_contain_text("지난주")


# Writing


def test_the_subject_is_edited_in_place_and_undone(open_page):
    page = open_page()
    before = page.input_value("#subject")
    page.fill("#subject", "이번 주에 꼭 읽을 것")
    page.keyboard.press("Enter")
    expect(page.locator("#subject-reset")).to_be_visible()
    page.click("#tab-inbox")
    expect(page.locator(".inboxes")).to_contain_text("이번 주에 꼭 읽을 것")
    page.click("#subject-reset")
    expect(page.locator("#subject")).to_have_value(before)
    page.click("#undo")
    expect(page.locator("#subject")).to_have_value("이번 주에 꼭 읽을 것")
    page.fill("#subject", "아무 말")
    page.keyboard.press("Escape")
    expect(page.locator("#subject")).to_have_value("이번 주에 꼭 읽을 것")


def test_the_intro_is_kept_when_the_field_is_left(open_page):
    page = open_page()
    has_text_in_frame(page, "이번 주 소식입니다.")
    page.click("#intro-box summary")
    page.fill("#intro", "**새로** 쓴 여는 글")
    page.click("#tab-desktop")
    has_text_in_frame(page, "새로 쓴 여는 글")
    page.click("#intro-reset")
    has_text_in_frame(page, "이번 주 소식입니다.")


# Live


def test_a_changed_template_is_redrawn_without_losing_the_place(open_page, preview):
    page = open_page()
    page.click("#tab-phone")
    has_text_in_frame(page, "보행로")
    scrolled = "document.querySelector('#stage iframe:not(.coming)').contentWindow"
    page.evaluate(f"{scrolled}.scrollTo(0, 700)")
    page.locator("#subject").focus()
    page.keyboard.type("쓰던 글")
    with overridden(preview, "고친 자리") as override:
        has_text_in_frame(page, "고친 자리")
        assert page.evaluate(f"{scrolled}.scrollY") == 700
        assert page.evaluate(f"{scrolled}.innerWidth") == 375
        expect(page.locator("#tab-phone")).to_have_attribute("aria-selected", "true")
        assert page.evaluate("document.activeElement.id") == "subject"
        assert page.input_value("#subject").endswith("쓰던 글")
        override("{{ nonsense.x }}")
        expect(page.locator("#banner")).to_contain_text("weekly/digest.html, line 3")
        expect(page.locator("#banner")).to_contain_text("마지막으로 제대로 그려진")
        has_text_in_frame(page, "고친 자리")
        page.keyboard.press("Escape")
    expect(page.locator("#banner")).to_be_hidden()
    expect(frame_of(page).locator("body")).not_to_contain_text("고친 자리")


def test_changed_settings_are_taken_up_and_wrong_ones_told(open_page, preview):
    page = open_page()
    text = preview.file.read_text(encoding="utf-8")
    try:
        preview.file.write_text(text.replace("limit = 6", "limit = 4", 1), encoding="utf-8")
        expect(page.locator("ol.articles > li")).to_have_count(4)
        preview.file.write_text(text.replace("limit = 6", 'limit = "many"', 1), encoding="utf-8")
        expect(page.locator("#banner")).to_contain_text("newsletter[1].limit")
        expect(page.locator("ol.articles > li")).to_have_count(4)
    finally:
        preview.file.write_text(text, encoding="utf-8")
    expect(page.locator("#banner")).to_be_hidden()
    expect(page.locator("ol.articles > li")).to_have_count(SHOWN)


# Checking and sending


def test_a_finding_leads_to_its_element(open_page, preview):
    """An override with a picture that has no alt text and a link that leads nowhere."""
    page = open_page()
    with overridden(preview, '<img src="https://hanbit.example/x.png" width="40" height="40" class="faulty">'):
        found = page.locator("#findings button", has_text="IMG-ALT")
        expect(found).to_be_visible()
        page.click("#tab-inbox")
        found.click()
        expect(page.locator("#tab-desktop")).to_have_attribute("aria-selected", "true")
        marked = frame_of(page).locator(".faulty")
        expect(marked).to_be_in_viewport()
        assert "solid" in marked.evaluate("element => element.style.outline")


def test_links_are_checked_only_when_asked(open_page):
    """The test's news stand under .example, which no resolver knows: nothing is reached, and that is said."""
    page = open_page()
    page.get_by_role("button", name="링크 확인").click()
    expect(page.locator("#links-result")).to_contain_text("문제", timeout=45_000)
    page.click("#all-links summary")
    expect(page.locator(".links .state.left").first).to_have_text("열지 않음")


def test_a_test_mail_is_this_very_message(open_page, mail_server):
    mail_server.messages.clear()
    page = open_page()
    subject = page.input_value("#subject")
    page.fill("#address", "not an address")
    page.click("#send-button")
    expect(page.locator("#sent")).to_contain_text("has no @")
    page.fill("#address", "editor@example.net")
    page.click("#send-button")
    expect(page.locator("#sent")).to_contain_text("editor@example.net 앞으로 보냈습니다.")
    (message,) = mail_server.messages
    assert message.rcpt_tos == ["editor@example.net"]
    assert subject[:4] in json.dumps(_subject_of(message.content), ensure_ascii=False)


def _subject_of(content):
    from email import message_from_bytes, policy

    return message_from_bytes(content, policy=policy.default)["Subject"]


def test_spam_points_come_from_this_machine_or_a_hint_stands_there(open_page):
    page = open_page()
    expect(page.locator("#spam p").first).to_contain_text("SpamAssassin")
    if shutil.which("spamassassin"):
        page.get_by_role("button", name="점수 보기").click()
        expect(page.locator("#spam-points")).to_contain_text("스팸 기준", timeout=60_000)


# Everybody


def test_the_keyboard_alone_reaches_everything(open_page):
    page = open_page()
    has_text_in_frame(page, "보행로")
    visited = []
    for _ in range(160):
        page.keyboard.press("Tab")
        place = page.evaluate("""() => {
          const at = document.activeElement;
          const outline = getComputedStyle(at).outlineStyle;
          return [at.id || at.dataset?.key || at.tagName, at === document.body ? "body" : outline];
        }""")
        if place[1] == "body":
            break
        visited.append(place)
    names = {name for name, _ in visited}
    wanted = {"newsletter", "edition", "reader", "subject", "tab-desktop", "stage", "handle", "address", "send-button"}
    assert wanted <= names
    assert {"1 pin", "1 keep", "1 down", "9 pin", "check-links", "width-320", "previous"} <= names
    assert not [name for name, outline in visited if outline == "none" and name not in ("IFRAME", "DIV")]
    page.locator("#tab-desktop").focus()
    for pane in (*PANES[1:], PANES[0]):
        page.keyboard.press("ArrowRight")
        expect(page.locator(f"#tab-{pane}")).to_be_focused()
        expect(page.locator(f"#tab-{pane}")).to_have_attribute("aria-selected", "true")
    page.keyboard.press("End")
    expect(page.locator("#tab-source")).to_be_focused()


@pytest.mark.parametrize(
    ("newsletter", "scheme"),
    [
        ("weekly", "light"),
        ("english", "dark"),
        pytest.param("weekly", "dark", marks=pytest.mark.slow),
        pytest.param("english", "light", marks=pytest.mark.slow),
    ],
)
def test_axe_finds_nothing_on_any_tab(open_page, newsletter, scheme):
    page = open_page(f"?edition={EDITION}&newsletter={newsletter}", scheme=scheme)
    page.evaluate(AXE)
    expect(page.locator("#findings p, #findings ul").first).to_be_visible()
    page.click("#all-links summary")
    page.click("#previous summary" if newsletter == "weekly" else "#intro-box summary")
    for pane in PANES:
        page.click(f"#tab-{pane}")
        if pane in FRAMED:
            page.wait_for_selector("#stage iframe:not(.coming)")
        else:
            page.wait_for_selector({"text": "pre", "inbox": ".inboxes", "source": ".lines"}[pane])
        # The columns beside the panes do not change with the tab.
        assert page.evaluate(VIOLATIONS, ["#middle" if pane != PANES[0] else "html", WCAG]) == [], pane


@pytest.mark.parametrize("size", [(1024, 768), (1440, 900), (360, 740)])
def test_nothing_runs_over_the_sides(open_page, size):
    page = open_page(size=size)
    has_text_in_frame(page, "보행로")
    assert page.evaluate("document.documentElement.scrollWidth") <= size[0]


def test_the_page_needs_no_network(open_page):
    """`open_page` fails on any request that is not to the preview itself."""
    page = open_page()
    page.context.set_offline(False)
    for pane in PANES:
        page.click(f"#tab-{pane}")
    has_images = page.evaluate("performance.getEntriesByType('resource').map(entry => new URL(entry.name).host)")
    assert set(has_images) == {page.evaluate("location.host")}
