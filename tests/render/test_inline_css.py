"""premailer is tamed: each trap that was measured has a test."""

import re
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from digest.errors import RenderError
from digest.render import inline_css

TEMPLATES = Path(__file__).parents[2] / "templates"


def page(body="<p class='a'>x</p>", style=".a { color: #111111; }", head="", doctype="<!DOCTYPE html>"):
    return f"{doctype}<html><head><style>{style}</style>{head}</head><body>{body}</body></html>"


def test_rules_become_style_attributes_and_the_block_goes():
    html = inline_css(page())
    assert '<p class="a" style="color:#111">x</p>' in html
    assert "<style" not in html


def test_an_ignored_block_stays_verbatim_with_important_and_even_nested_media():
    block = "@media (min-width: 600px) { .a { color: #222 !important; } @media print { .a { color: #333 } } }"
    html = inline_css(page(head=f'<style data-premailer="ignore">{block}</style>'))
    assert f"<style>{block}</style>" in html


@pytest.mark.parametrize("doctype", ["<!doctype html>", "\ufeff<!DOCTYPE html>", "\n<!DocType HTML>"])
def test_the_doctype_is_kept_however_it_is_written(doctype):
    assert inline_css(page(doctype=doctype)).startswith("<!DOCTYPE html>")


def test_a_document_without_doctype_is_refused():
    with pytest.raises(RenderError, match="must begin with <!DOCTYPE html>"):
        inline_css("<html></html>")


def test_image_attributes_survive_fluid_css():
    html = inline_css(
        page(
            "<img class='a' src='https://x.example/a.png' width='600' height='400'>",
            ".a { width: 100%; height: auto; }",
        )
    )
    assert 'width="600" height="400"' in html


def test_attributes_are_not_made_from_css():
    html = inline_css(page(style=".a { text-align: center; vertical-align: top; background-color: #ffffff; }"))
    assert not re.search(r"(?:align|valign|bgcolor)=", html)


def test_markers_in_links_and_text_stay():
    marker = "https://0123456789abcdef.invalid/unsubscribe_url/"
    assert inline_css(page(f"<a class='a' href='{marker}'>{marker}</a>")).count(marker) == 2


def test_nothing_is_pretty_printed():
    assert "<b>a</b><i>b</i>" in inline_css(page("<b>a</b><i>b</i>"))


def test_no_import_is_fetched_from_files_or_network(tmp_path):
    (tmp_path / "evil.css").write_text(".a { color: #666666 }")
    asked = []

    class Recorder(BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            self.send_error(404)

        def log_message(self, *_):
            pass

    with HTTPServer(("127.0.0.1", 0), Recorder) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_port}"
        imports = f"@import url({(tmp_path / 'evil.css').as_uri()}); @import url({address}/evil.css);"
        link = f'<link rel="stylesheet" href="{address}/link.css">'
        html = inline_css(page(style=f"{imports} .a {{ margin: 0; }}", head=link))
        server.shutdown()
    assert asked == []
    assert "#666" not in html
    assert "margin:0" in html


MAIL_SHEETS = sorted(set(TEMPLATES.glob("*/*.css")) - {TEMPLATES / "site" / "site.css"})


@pytest.mark.parametrize("sheet", MAIL_SHEETS, ids=lambda file: file.name)
def test_packaged_style_sheets_avoid_what_premailer_gets_wrong(sheet):
    """padding:0 loses to an earlier padding-left, and colours with spaces or slashes are dropped."""
    css = sheet.read_text(encoding="utf-8")
    assert not re.search(r"padding-\w+|rgba?\(|hsl", css)
    assert "@import" not in css
    if sheet.name == "style.css":
        assert not re.search(r"@media|:hover|!important", css)


def test_style_attributes_are_as_short_as_can_be_and_text_keeps_its_spaces():
    html = inline_css(
        page("<p class='a' title='a; b'>x; y, z</p>", ".a { font-family: Apple SD, sans-serif; margin: 0; }")
    )
    assert 'style="font-family:Apple SD,sans-serif;margin:0"' in html
    assert 'title="a; b"' in html
    assert ">x; y, z<" in html
