"""The web version in a real browser: it looks as the mail does, and axe finds nothing."""

import io
from email import message_from_bytes
from email.policy import default

import pytest
from counted_site import CountedSite
from PIL import Image, ImageChops
from public_site import in_thread, make_workspace, run_public
from test_public_in_browser import AXE, VIOLATIONS, WCAG_AA

from digest.testing import RecordingServer

ISSUE = "/digest/archive/weekly/2026-03-02"
HIDDEN = "nav.digest-bar, footer.digest-bar { display: none !important }"


@pytest.fixture(
    scope="module", params=["weekly", *(pytest.param(each, marks=pytest.mark.slow) for each in ("compact", "sections"))]
)
def site(request, tmp_path_factory):
    with RecordingServer() as mail:
        file = make_workspace(tmp_path_factory.mktemp("archive") / "site", mail)
        text = file.read_text(encoding="utf-8")
        file.write_text(text.replace('slug = "weekly"\n', f'slug = "weekly"\ntemplate = "{request.param}"\n'), "utf-8")
        with run_public(file, mail) as running:
            in_thread(CountedSite(running).send)
            yield running


def mail_of(site):
    message = next(m for m in site.mail.messages if b"List-Id" in m.content)
    return message_from_bytes(message.content, policy=default).get_body(("html",)).get_content()


def article_boxes(tab):
    """Where each link to an article stands, and how it is written."""
    return tab.evaluate(
        """() => [...document.querySelectorAll('a[href*="/articles/"]')].map(a => {
            const box = a.getBoundingClientRect(), style = getComputedStyle(a)
            return [a.textContent.trim(), box.x, box.width, box.height, style.color, style.fontSize, style.fontFamily]
        })"""
    )


def picture_until_footer(tab):
    """What is seen above the words about the mail itself."""
    shot = Image.open(io.BytesIO(tab.screenshot(full_page=True))).convert("RGB")
    last = tab.evaluate("""Math.max(...[...document.querySelectorAll('a[href*="/articles/"]')]
        .map(a => a.getBoundingClientRect().bottom + scrollY))""")
    return shot.crop((0, 0, shot.width, int(last)))


@pytest.mark.parametrize(("width", "scheme"), [(375, "light"), (640, "dark")])
def test_an_issue_looks_as_its_mail_does(site, browser, width, scheme):
    context = browser.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme, bypass_csp=True)
    tab = context.new_page()
    tab.set_content(mail_of(site))
    mailed, mail_boxes = picture_until_footer(tab), article_boxes(tab)
    tab.goto(site.url + ISSUE)
    tab.add_style_tag(content=HIDDEN)
    shown, page_boxes = picture_until_footer(tab), article_boxes(tab)
    context.close()
    assert page_boxes == mail_boxes
    assert shown.size == mailed.size
    assert ImageChops.difference(shown, mailed).getbbox() is None


@pytest.mark.parametrize(("language", "scheme"), [("ko", "light"), ("en", "dark")])
def test_axe_finds_nothing_and_the_policy_refuses_nothing(site, browser, language, scheme):
    context = browser.new_context(color_scheme=scheme, locale=language, viewport={"width": 375, "height": 800})
    tab = context.new_page()
    complaints = []
    tab.on("console", lambda message: "404" in message.text or complaints.append(message.text))
    for path in ("/digest/archive", "/digest/archive/weekly", ISSUE):
        tab.goto(site.url + path)
        assert tab.evaluate("document.documentElement.scrollWidth") <= 375
        tab.evaluate(AXE)
        assert tab.evaluate(VIOLATIONS, WCAG_AA) == []
    assert complaints == []
    assert context.cookies() == []
    context.close()
