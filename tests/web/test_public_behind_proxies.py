"""The examples in the documentation, run: nginx and Caddy in front of the pages."""

import re
import shutil
import subprocess
from contextlib import contextmanager
from pathlib import Path

import pytest
from public_site import PublicSite, make_workspace, run_public, wait_until

from digest.store.events import list_events
from digest.testing import RecordingServer
from web_servers import free_port

PAGE = (Path(__file__).parents[2] / "docs" / "readers-pages.md").read_text(encoding="utf-8")
DOCUMENTED = "127.0.0.1:8025"


def example(language, port):
    """An example of the documentation, with the port at which the pages really are."""
    text = re.search(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)[1]
    assert DOCUMENTED in text
    return text.replace(DOCUMENTED, f"127.0.0.1:{port}")


def nginx(folder, upstream, port):
    file = folder / "nginx.conf"
    file.write_text(
        f"daemon off; pid {folder}/pid; error_log {folder}/error.log; events {{}}\n"
        f"http {{ access_log off; server {{ listen 127.0.0.1:{port}; {example('nginx', upstream)} }} }}"
    )
    return ["nginx", "-p", str(folder), "-e", str(folder / "error.log"), "-c", str(file)]


def caddy(folder, upstream, port):
    file = folder / "Caddyfile"
    text = example("caddyfile", upstream).replace("news.example.com", f"http://127.0.0.1:{port}")
    file.write_text(f"{{\n admin off\n}}\n{text}")
    return ["caddy", "run", "--config", str(file), "--adapter", "caddyfile"]


@contextmanager
def proxy(command, site, port):
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    front = PublicSite(file=site.file, url=f"http://127.0.0.1:{port}", operations="", mail=site.mail)
    try:
        wait_until(lambda: is_up(front))
        yield front
    finally:
        process.terminate()
        process.wait(20)


def is_up(front):
    try:
        return front.ask("/digest/subscribe").status == 200
    except OSError:
        return False


@pytest.mark.parametrize("make", [nginx, caddy])
def test_the_documented_example_passes_readers_on(tmp_path, make, monkeypatch):
    if shutil.which(make.__name__) is None:
        pytest.skip(f"no {make.__name__} on this machine: install {make.__name__}")
    monkeypatch.setenv("HOME", str(tmp_path))
    with RecordingServer() as mail, run_public(make_workspace(tmp_path / "site", mail), mail) as site:
        port = free_port()
        with proxy(make(tmp_path, site.url.rpartition(":")[2], port), site, port) as front:
            assert front.ask("/digest/subscribe").title == "이메일로 구독하기"
            assert front.sign_up("proxy@reader.example").title == "감사합니다"
            # What a client claims itself does not count.
            forged = {"x_forwarded_for": "203.0.113.9"}
            values = {"email": "forged@reader.example", "consent": True}
            assert front.post_json("/digest/subscribe", values, **forged).status == 202
        with site.open() as app:
            person = site.person("forged@reader.example")
            assert list_events(app.database, person.id)[-1].facts["client"] == "127.0.0.0/24"
