"""The preview page in a real Chromium: deciding, writing, checking and sending, and what others change meanwhile."""

import re
import shutil
from email import message_from_bytes, policy

from playwright.sync_api import expect
from preview_page import (
    article,
    decisions,
    frame_of,
    has_text_in_frame,
    overridden,
    shown,
    wait_for_order,
)
from preview_site import SHOWN

# Deciding


def test_pinning_excluding_and_reordering_are_written_at_once_and_undone_step_by_step(open_page, preview):
    page = open_page()
    assert shown(page) == ["1", "2", "3", "4", "5", "6"]
    article(page, "9").get_by_role("button", name="고정").click()
    expect(page.locator("ol.articles > li").first).to_have_attribute("data-article", "9")
    assert decisions(preview) == [("9", "pin")]
    article(page, "2").get_by_role("button", name="빼기").click()
    expect(page.locator("ol.articles [data-article='2']")).to_have_count(0)
    expect(page.locator("#status")).to_contain_text("빼기, 밤 기차가 십 년 만에 돌아온다 2")  # to screen readers
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


def test_last_week_is_at_hand(open_page):
    page = open_page()
    page.get_by_role("button", name=f"지난 호 {SHOWN}").click()
    expect(page.locator("#previous summary")).to_be_focused()
    expect(page.locator("#previous li").first).to_be_in_viewport()
    expect(page.locator("#previous li")).to_have_text([re.compile("지난주")] * SHOWN)
    page.click("#previous summary")
    article(page, "9").get_by_role("button", name="고정").click()
    wait_for_order(page, 9, 1, 2, 3, 4, 5)
    expect(page.locator("#previous li").first).to_be_hidden()


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
        expect(page.locator("#banner")).to_contain_text("오류가 나기 전의 마지막 화면")
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
    assert message_from_bytes(message.content, policy=policy.default)["Subject"] == subject


def test_spam_points_come_from_this_machine_or_a_hint_stands_there(open_page):
    page = open_page()
    expect(page.locator("#spam p").first).to_contain_text("SpamAssassin")
    if shutil.which("spamassassin"):
        page.get_by_role("button", name="점수 보기").click()
        expect(page.locator("#spam-points")).to_contain_text("스팸 기준", timeout=60_000)
