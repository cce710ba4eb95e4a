"""What tests in a browser share: one Chromium a module, as asyncio cannot run beside it, and the preview of a site."""

import shutil
from http import HTTPStatus

import pytest
from playwright.sync_api import sync_playwright
from preview_page import decisions
from preview_site import EDITION, make_site, run_preview

from digest.testing import RecordingServer
from workspaces import smtp_settings


@pytest.fixture(scope="module")
def browser():
    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if chromium is None:
        pytest.skip("no Chromium on this machine: install chromium")
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield running
        running.close()


@pytest.fixture(scope="session")
def mail_server():
    with RecordingServer() as server:
        yield server


@pytest.fixture(scope="session")
def preview(tmp_path_factory, mail_server):
    file = make_site(tmp_path_factory.mktemp("page") / "site", delivery=smtp_settings(mail_server))
    mail_server.messages.clear()
    with run_preview(file) as running:
        yield running


@pytest.fixture(scope="module")
def tab(browser):
    """One tab for all pages of a module: a new one costs a second. It notes what a page complains of, and asks for."""
    page = browser.new_page()
    page.set_default_timeout(10_000)
    page.complaints, page.requests = [], []
    # What the server refuses is said on the page, and by the browser on its console.
    page.on("console", lambda message: "409" in message.text or page.complaints.append(message.text))
    page.on("pageerror", lambda error: page.complaints.append(str(error)))
    page.on("request", lambda request: page.requests.append(request.url))
    return page


@pytest.fixture
def open_page(preview, tab):
    """Opens the preview; whatever the page complains of, or asks of another host, fails the test, which takes back
    what it decided and wrote.
    """

    def open_one(query="", *, scheme="light", size=(1440, 900)):
        tab.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        tab.set_viewport_size({"width": size[0], "height": size[1]})
        tab.goto(preview.base + (query or f"?edition={EDITION}"))
        tab.wait_for_selector("body[data-revision]")
        return tab

    yield open_one
    tab.goto("about:blank")
    while preview.order("api/undo", edition=EDITION, newsletter="weekly")[0] == HTTPStatus.OK:
        pass
    assert decisions(preview) == []
    assert tab.complaints == []
    assert [url for url in tab.requests if not url.startswith((preview.base, "about:"))] == []
