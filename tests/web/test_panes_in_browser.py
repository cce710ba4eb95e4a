"""Panes in a real Chromium: what a reader would see, whatever the browser's own colour scheme is."""

from html import escape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from queue import Queue
from threading import Thread

import pytest
from digest_message import write_digest, write_mail
from hostile_markup import HOSTILE

from digest.web.preview.panes import Pane, draw_pane
from digest.web.preview.parts import open_parts

PIXEL = "data:image/gif;base64,R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7"
BEHIND = """
  const parse = text => text.match(/[\\d.]+/g).map(Number);
  const behind = element => {
    for (let up = element; up; up = up.parentElement) {
      const color = parse(getComputedStyle(up).backgroundColor);
      if (color[3] !== 0) return color;
    }
    return [255, 255, 255];
  };
"""
CONTRASTS = (
    f"() => {{ {BEHIND}"
    + """
  const light = ([r, g, b]) => [r, g, b].map(c => c / 255)
    .map(c => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
    .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const found = [];
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || !element.checkVisibility() || !element.getClientRects().length) continue;
    const style = getComputedStyle(element);
    const [high, low] = [light(parse(style.color)), light(behind(element))].sort((a, b) => b - a);
    const large = parseFloat(style.fontSize) >= (style.fontWeight >= 700 ? 18.66 : 24);
    found.push([(high + 0.05) / (low + 0.05), large ? 3 : 4.5, walker.currentNode.data.trim()]);
  }
  return found;
}""".replace("BEHIND", BEHIND)
)
"""Of every text that is shown: its contrast, what it must be (WCAG 2.2), and its words."""


@pytest.fixture(scope="module")
def digest(tmp_path_factory):
    return open_parts(write_digest(tmp_path_factory.mktemp("browser")))


@pytest.fixture(scope="module")
def page(browser):
    opened = browser.new_page()
    opened.on("request", lambda request: opened.requests.append(request.url))
    opened.requests = []
    return opened


@pytest.fixture
def show(page):
    """Shows a pane's document; `requests` of the page are what it tried to load, `data:` aside."""

    def show_document(html, *, scheme="light", width=800):
        page.goto("about:blank")
        page.emulate_media(color_scheme=scheme)
        page.set_viewport_size({"width": width, "height": 900})
        page.requests.clear()
        page.set_content(html)
        return page

    return show_document


def brightness_behind(page, selector):
    """0 to 255, of what a reader sees behind an element."""
    color = page.eval_on_selector(selector, f"element => {{ {BEHIND} return behind(element); }}")
    return sum(color[:3]) / 3


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("pane", Pane)
def test_a_pane_is_as_dark_as_its_client_whatever_the_browser_prefers(digest, show, pane, scheme):
    page = show(draw_pane(digest, pane, lambda _: PIXEL), scheme=scheme)
    is_dark = pane in {Pane.DARK, Pane.INVERTED}
    assert (brightness_behind(page, "h1") < 64) is is_dark
    assert (brightness_behind(page, "body") < 64) is is_dark


@pytest.mark.parametrize("pane", [Pane.INVERTED, Pane.DARK, Pane.STRIPPED, Pane.WORD, Pane.IMAGES_OFF])
def test_all_text_of_our_digest_can_be_read_in_every_pane(digest, show, pane):
    texts = show(draw_pane(digest, pane, lambda _: PIXEL)).evaluate(CONTRASTS)
    assert len(texts) > 20
    assert not [found for found in texts if found[0] < found[1]]


def test_the_stripped_pane_has_no_sheet_of_the_author(digest, show):
    page = show(draw_pane(digest, Pane.STRIPPED, lambda _: PIXEL))
    rules = page.evaluate("() => [...document.styleSheets].flatMap(sheet => [...sheet.cssRules].map(r => r.cssText))")
    assert rules == [":root { color-scheme: light only !important; }"]


def test_word_sees_its_own_table_of_640_pixels_and_the_picture_at_its_attributes(digest, show):
    page = show(draw_pane(digest, Pane.WORD, lambda _: PIXEL), width=1280)
    assert page.eval_on_selector("img", "image => [image.width, image.height]") == [600, 400]
    assert page.eval_on_selector("h1", "heading => heading.closest('table').offsetWidth") <= 640


def test_what_is_meant_for_word_alone_is_seen_there_alone(show):
    parts = open_parts(write_mail("<body><!--[if mso]><p>for Word</p><![endif]--><p>for all</p></body>"))
    assert "for Word" in show(draw_pane(parts, Pane.WORD, lambda _: None)).inner_text("body")
    assert show(draw_pane(parts, Pane.DESKTOP, lambda _: None)).inner_text("body").strip() == "for all"


@pytest.mark.parametrize("width", [1280, 375])
def test_with_images_off_the_alt_text_stands_in_a_box_of_the_pictures_shape(digest, show, width):
    page = show(draw_pane(digest, Pane.IMAGES_OFF, lambda _: PIXEL), width=width)
    box = page.get_by_role("img", name="새벽의 다리")
    assert "새벽의 다리" in box.inner_text()
    size = box.bounding_box()
    assert size["width"] / size["height"] == pytest.approx(1.5, abs=0.02)
    assert size["width"] == (600 if width == 1280 else pytest.approx(335, abs=10))
    assert page.evaluate("() => document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("pane", Pane)
def test_a_hostile_mail_loads_nothing(show, pane):
    """All at once, and in the panes that change markup the least and the most each alone: none may hide another."""
    alone = HOSTILE if pane in {Pane.DESKTOP, Pane.WORD} else ()
    page = show("")
    for html in ("\n".join(HOSTILE), *alone):
        document = draw_pane(open_parts(write_mail(html)), pane, lambda _: None)
        # Without the document's own policy: the markup alone must hold.
        page.set_content(document.replace("Content-Security-Policy", "x-no-policy"))
    assert page.requests == []


class AnsweringHandler(BaseHTTPRequestHandler):
    """Answers with the server's documents, and tells which pictures were asked for."""

    def do_GET(self):
        document = self.server.documents.get(self.path)
        self.send_response(200)
        self.send_header("Content-Type", "image/gif" if document is None else "text/html; charset=utf-8")
        self.end_headers()
        self.wfile.write((document or "").encode())
        if self.path.startswith("/pictures/"):
            self.server.pictures.put(self.path)

    def log_message(self, *_):
        """Not into the test's output."""


@pytest.fixture
def server():
    with ThreadingHTTPServer(("127.0.0.1", 0), AnsweringHandler) as running:
        running.documents, running.pictures = {}, Queue()
        thread = Thread(target=running.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        yield running
        running.shutdown()
        thread.join()


@pytest.mark.parametrize(
    "frame", ['src="/pane" sandbox', 'srcdoc="{}" sandbox', 'srcdoc="{}" sandbox="allow-same-origin"']
)
@pytest.mark.parametrize("is_absolute", [False, True])
def test_pictures_of_the_previews_own_server_load_inside_a_sandboxed_frame(show, digest, server, frame, is_absolute):
    """The document's own policy allows them."""
    site = f"http://127.0.0.1:{server.server_port}"
    pane = draw_pane(digest, Pane.DESKTOP, lambda _: f"{site * is_absolute}/pictures/1")
    framed = f"<!DOCTYPE html><iframe {frame.format(escape(pane))}></iframe>"
    server.documents = {"/": framed, "/pane": pane}
    show("").goto(site)
    assert server.pictures.get(timeout=10) == "/pictures/1"


def test_word_centres_by_attribute_and_draws_buttons_at_their_size(show):
    shape = '<v:roundrect href="https://a.example/" fillcolor="#a8201a" style="width:200px;height:44px">'
    button = f"<!--[if mso]>{shape}<center>읽기</center></v:roundrect><![endif]-->"
    table = f'<table align="center" width="600" style="margin:0 auto"><tr><td>{button}</td></tr></table>'
    page = show(draw_pane(open_parts(write_mail(f"<body>{table}</body>")), Pane.WORD, lambda _: None))
    assert page.locator("table").bounding_box()["x"] == 100
    assert page.locator("a").bounding_box()["width"] == 200
