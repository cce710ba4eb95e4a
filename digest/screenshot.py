"""Pictures of a page, taken by a Chromium of this machine. The page is a whole document and loads nothing by itself."""

import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from html import escape
from pathlib import Path
from tempfile import TemporaryDirectory

from digest.errors import DigestError

SECONDS = 60.0
"""How long the browser may take for one of its two runs."""
HIGHEST = 16_000
"""Pixels: Chromium draws no larger surface."""
VARIABLE = "CHROMIUM"
"""Environment variable that names the browser."""
_NAMES = ("chromium", "chromium-browser", "google-chrome")
_OPTIONS = ("--headless", "--disable-gpu", "--hide-scrollbars", "--no-first-run", "--disable-background-networking")
_HEIGHT = re.compile(r'<html[^>]* data-height="(\d+)"')
_FRAME = """<!DOCTYPE html>
<html><head><meta charset="utf-8"><style>body {{ margin: 0 }} iframe {{ border: 0; display: block }}</style></head>
<body>
<iframe sandbox="allow-same-origin" width="{width}" height="10" srcdoc="{document}"></iframe>
<script>
const frame = document.querySelector("iframe");
frame.onload = () => {{
  frame.height = frame.contentDocument.documentElement.scrollHeight;
  document.documentElement.dataset.height = frame.height;
}};
</script></body></html>
"""
"""The document in a frame of the wanted width: a window of less than 500 px lays a page out as if it had 500."""


def find_browser(environment: Mapping[str, str]) -> Path:
    """The Chromium to use.

    Raises:
        DigestError: there is none; the message says what to install or name.
    """
    named = environment.get(VARIABLE, "")
    found = [shutil.which(name, path=environment.get("PATH")) for name in ((named,) if named else _NAMES)]
    browser = next(filter(None, found), None)
    if browser is None:
        looked_for = f"{VARIABLE}={named} is not a program" if named else f"none of {', '.join(_NAMES)} is on PATH"
        raise DigestError(f"a picture needs Chromium, and {looked_for}; install one, or name it with {VARIABLE}")
    return Path(browser)


def take_screenshot(document: str, file: Path, *, width: int, browser: Path) -> None:
    """Draw a document in its full height.

    Args:
        document: HTML whose pictures are `data:` addresses or nothing.
        file: the PNG to write.
        width: CSS pixels, one picture pixel each.
        browser: see `find_browser`.

    Raises:
        DigestError: the browser failed.
    """
    with TemporaryDirectory() as folder:
        page, picture = Path(folder, "page.html"), Path(folder, "page.png")
        page.write_text(_FRAME.format(width=width, document=escape(document)), encoding="utf-8")
        found = _HEIGHT.search(_run(browser, "--dump-dom", page))
        if found is None:
            raise DigestError(f"{browser} did not draw the page; start it by hand to see why")
        height = min(int(found[1]), HIGHEST)
        _run(browser, f"--window-size={width},{height}", f"--screenshot={picture}", page)
        if not picture.is_file():
            raise DigestError(f"{browser} took no picture; start it by hand to see why")
        file.write_bytes(picture.read_bytes())


def _run(browser: Path, *arguments: str | Path) -> str:
    # Chromium refuses to be root inside its sandbox. The document has no scripts, and its frame would run none.
    as_root = ("--no-sandbox",) if hasattr(os, "geteuid") and os.geteuid() == 0 else ()
    command = [browser, *_OPTIONS, *as_root, *arguments[:-1], Path(arguments[-1]).as_uri()]
    try:
        done = subprocess.run(command, capture_output=True, timeout=SECONDS, check=False)  # noqa: S603 - named by the user
    except (OSError, subprocess.TimeoutExpired) as error:
        raise DigestError(f"{browser} could not be used: {error}") from error
    return done.stdout.decode("utf-8", "replace")
