"""Pictures of a page: the whole height, the very width, and a clear word where there is no browser."""

import os

import pytest
from PIL import Image

from digest.errors import DigestError
from digest.screenshot import find_browser, take_screenshot

PAGE = """<!DOCTYPE html><html><head><style>@media (max-width: 400px) { div { height: 1234px } }</style></head>
<body style="margin:0"><div style="background:#00ff00">{words}</div></body></html>"""


@pytest.fixture(scope="module")
def browser():
    try:
        return find_browser(os.environ)
    except DigestError as error:
        pytest.skip(str(error))


def test_the_picture_has_the_width_of_a_phone_and_the_whole_height(browser, tmp_path):
    """A window of 375 px would lay out as 500 px; media queries must see the width that was asked for."""
    take_screenshot(PAGE.replace("{words}", '한글 &amp; "quotes"'), tmp_path / "a.png", width=375, browser=browser)
    with Image.open(tmp_path / "a.png") as picture:
        assert picture.size == (375, 1234)
        assert picture.convert("RGB").getpixel((370, 1200)) == (0, 255, 0)


def test_without_a_browser_the_message_says_what_to_do(tmp_path):
    with pytest.raises(DigestError, match="none of chromium, chromium-browser, google-chrome is on PATH"):
        find_browser({"PATH": str(tmp_path)})
    with pytest.raises(DigestError, match="CHROMIUM=/nowhere/chrome is not a program"):
        find_browser({"CHROMIUM": "/nowhere/chrome"})


def test_the_named_browser_wins(tmp_path):
    named = tmp_path / "my-chrome"
    named.write_text("#!/bin/sh\n")
    named.chmod(0o755)
    assert find_browser({"CHROMIUM": str(named), "PATH": os.environ["PATH"]}) == named


def test_a_browser_that_draws_nothing_is_an_error(tmp_path):
    broken = tmp_path / "chromium"
    broken.write_text("#!/bin/sh\nexit 1\n")
    broken.chmod(0o755)
    with pytest.raises(DigestError, match="did not draw the page"):
        take_screenshot("<p>x</p>", tmp_path / "a.png", width=640, browser=broken)
    assert not (tmp_path / "a.png").exists()
