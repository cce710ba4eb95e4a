"""The preview page in a real Chromium: looking at it, by mouse and by keyboard."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import expect
from preview_page import frame_of, has_text_in_frame, wait_for_order, wait_for_pane
from preview_site import EDITION, LAST_EDITION, SHOWN

PANES = ("desktop", "phone", "dark", "inverted", "stripped", "images-off", "word", "text", "inbox", "source")
FRAMED = PANES[:7]
AXE = (Path(__file__).parent / "vendor" / "axe.min.js").read_text(encoding="utf-8")
WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
VIOLATIONS = """async ([where, tags]) => (await axe.run(where, {iframes: false, runOnly: tags})).violations
  .map(found => [found.id, found.nodes.map(node => node.html.slice(0, 120))])"""


# Looking


def test_every_pane_shows_the_mail(open_page):
    page = open_page()
    backgrounds = {}
    for pane in FRAMED:
        page.click(f"#tab-{pane}")
        wait_for_pane(page, pane)
        has_text_in_frame(page, "다리 위 보행로가 두 배로 넓어졌다")
        expect(page.locator(f"#tab-{pane}")).to_have_attribute("aria-selected", "true")
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


def test_text_stands_beside_html_then_come_inbox_rows_and_source(open_page):
    page = open_page()
    page.click("#tab-text")
    expect(page.locator(".plain-text pre")).to_contain_text("https://hanbit.example/articles/1")
    has_text_in_frame(page, "보행로")
    expect(page.locator("#stage .note, #stage .difference")).to_be_visible()
    page.click("#tab-inbox")
    expect(page.locator(".inboxes > li")).to_have_count(7)
    expect(page.locator(".inboxes > li").first).to_contain_text("한빛뉴스")
    page.click("#tab-source")
    expect(page.locator(".lines")).to_contain_text("<!DOCTYPE html")
    page.get_by_role("button", name="헤더").click()
    expect(page.locator(".scroller")).to_contain_text("List-Unsubscribe-Post")
    page.get_by_role("button", name="발송 원문").click()
    expect(page.locator(".lines")).to_contain_text("Content-Transfer-Encoding: base64")
    expect(page.locator("#size")).to_contain_text("/ 102,400바이트")
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


def test_half_a_year_is_no_edition_to_show(open_page):
    """Typing 2026 makes a date field say 0002, 0020 and 0202 on the way."""
    page = open_page()
    for written in ("0002-03-02", "0202-03-02"):
        page.fill("#edition", written)
    page.fill("#edition", LAST_EDITION)
    expect(page.locator("#frozen")).to_be_visible()
    assert [url for url in page.requests if "edition=0" in url] == []


def test_where_there_is_no_mail_there_is_nothing_to_write_or_send(open_page):
    page = open_page()
    page.fill("#edition", "2030-01-07")
    expect(page.locator("#banner")).to_contain_text("2030-01-07 has nothing to show")
    expect(page.locator("#stage")).to_contain_text("보여 줄 메일이 없습니다.")
    expect(page.locator("#subject")).to_have_value("")
    expect(page.locator("#subject")).not_to_be_editable()
    page.click("#send-button")
    expect(page.locator("#sent")).to_be_empty()
    page.fill("#edition", EDITION)
    expect(page.locator("#subject")).to_be_editable()
    expect(page.locator("#subject")).to_have_value(re.compile("오름세"))


def test_a_frozen_issue_is_read_only_and_says_so(open_page):
    page = open_page(f"?edition={LAST_EDITION}")
    expect(page.locator("#frozen")).to_contain_text("발행 확정")
    page.set_viewport_size({"width": 1024, "height": 768})
    assert page.locator(".top").bounding_box()["height"] < 60, "the top is one line"
    expect(page.locator("#subject")).not_to_be_editable()
    expect(page.locator(".controls")).to_have_count(0)
    has_text_in_frame(page, "지난주")


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
        *(pytest.param(*each, marks=pytest.mark.slow) for each in (("english", "dark"), ("weekly", "dark"))),
        pytest.param("english", "light", marks=pytest.mark.slow),
    ],
)
def test_axe_finds_nothing_on_any_tab(open_page, newsletter, scheme):
    page = open_page(f"?edition={EDITION}&newsletter={newsletter}", scheme=scheme)
    page.evaluate(AXE)
    expect(page.locator("#findings p, #findings ul").first).to_be_visible()
    page.click("#all-links summary")
    page.click("#intro-box summary")
    for pane in PANES:
        page.click(f"#tab-{pane}")
        if pane in FRAMED:
            page.wait_for_selector("#stage iframe:not(.coming)")
        else:
            page.wait_for_selector({"text": "pre", "inbox": ".inboxes", "source": ".lines"}[pane])
        # The columns beside the panes do not change with the tab.
        assert page.evaluate(VIOLATIONS, ["#middle" if pane != PANES[0] else "html", WCAG]) == [], pane


def test_nothing_runs_over_the_sides(open_page):
    page = open_page()
    for width, height in ((1440, 900), (1024, 768), (360, 740)):
        page.set_viewport_size({"width": width, "height": height})
        has_text_in_frame(page, "보행로")
        assert page.evaluate("document.documentElement.scrollWidth") <= width
