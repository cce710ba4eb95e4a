"""Renderings a person approved in a browser. After a wanted change: DIGEST_APPROVE=1 pytest <this file>."""

import os
from pathlib import Path

import pytest
from issue_samples import NONCE, VALUES, make_request, make_shown

from digest.render import SlottedText, as_line, escape_html, render_issue

APPROVED = Path(__file__).parent / "approved"


@pytest.mark.parametrize("locale", ["ko", "en"])
def test_the_weekly_digest_looks_as_approved(library, locale):
    rendering = render_issue(make_request(make_shown(4, image=True, pinned=(3,)), locale=locale), library)
    html = SlottedText.split(rendering.html, NONCE, escape_html).fill(VALUES)
    text = SlottedText.split(rendering.text, NONCE, as_line).fill(VALUES)
    for name, content in ((f"weekly-{locale}.html", html), (f"weekly-{locale}.txt", text)):
        if os.environ.get("DIGEST_APPROVE"):
            (APPROVED / name).write_text(content, encoding="utf-8")
        assert content == (APPROVED / name).read_text(encoding="utf-8"), f"{name} changed; look at it, then approve it"
