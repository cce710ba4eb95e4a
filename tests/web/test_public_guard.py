"""What every answer carries and what no request may do: headers, limits, slow clients, proxies, the path prefix."""

import json
import re
import socket
import time
from urllib.parse import urlsplit

import pytest
from public_site import READER, make_workspace, run_public

from digest.mail.links import Purpose
from digest.store.events import list_events
from digest.testing import RecordingServer
from digest.web.public import slow
from digest.web.public.guard import LARGEST_BODY, PAGE_POLICY


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    with RecordingServer() as mail:
        file = make_workspace(
            tmp_path_factory.mktemp("guard") / "site",
            mail,
            hsts_days=30,
            operations_token="a-secret-of-some-length",
        )
        with run_public(file, mail) as running:
            yield running


def paths(site):
    preferences = site.token(Purpose.PREFERENCES, READER)
    return [
        "/digest/subscribe",
        f"/digest/preferences/{preferences}",
        f"/digest/unsubscribe/{site.token(Purpose.UNSUBSCRIBE, READER)}",
        "/digest/unsubscribe/x",
        "/digest/nothing",
        "/digest/subscribe/../../etc/passwd",
    ]


def test_no_page_has_inline_code_leaks_its_address_or_sets_a_cookie(site):
    for path in paths(site):
        answer = site.ask(path)
        assert answer.headers["content-security-policy"] == PAGE_POLICY
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["strict-transport-security"] == "max-age=2592000"
        assert "set-cookie" not in answer.headers
        assert "server" not in answer.headers
        for inline in ("<script", " style=", "<style", " onclick", "javascript:"):
            assert inline not in answer.text, (path, inline)


def test_pages_work_with_and_without_their_prefix(site):
    """A web server in front may take it off or not."""
    assert site.ask("/subscribe").body[:600] == site.ask("/digest/subscribe").body[:600]
    assert site.ask("/digest").headers["location"] == "/digest/subscribe"
    assert site.ask("/digestive").status == 404


@pytest.mark.parametrize("path", ["/digest/subscribe", "/subscribe", "/digest", "/archive", "/digest/archive/weekly"])
def test_a_slash_at_the_end_changes_nothing(site, path):
    assert site.ask(f"{path}/").status == site.ask(path).status
    assert re.sub("name=.stamp.[^>]*", "", site.ask(f"{path}/").text) == re.sub(
        "name=.stamp.[^>]*", "", site.ask(path).text
    )


@pytest.mark.parametrize(
    "path", ["/digest/subscribe//", "//", "/digest//subscribe", "/digest/archive//", "//evil.example/"]
)
def test_no_redirect_leads_to_the_host_a_request_names(site, path):
    for method in ("GET", "POST"):
        answer = site.ask(path, method=method, host="evil.example")
        assert answer.headers.get("location", "/digest/subscribe") == "/digest/subscribe"


def test_the_stylesheet_may_be_kept_for_ever(site):
    path = site.ask("/digest/subscribe").text.partition('rel="stylesheet" href="')[2].partition('"')[0]
    answer = site.ask(path)
    assert answer.headers["content-type"] == "text/css; charset=utf-8"
    assert "immutable" in answer.headers["cache-control"]


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "TRACE"])
def test_other_methods_are_refused(site, method):
    for path in paths(site)[:3]:
        assert site.ask(path, method=method).status == 405


def test_a_body_that_is_too_long_is_not_read(site):
    assert site.ask("/digest/subscribe", method="POST", body=b"x" * (LARGEST_BODY + 1)).status == 413
    huge = b"POST /digest/subscribe HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999\r\n\r\n"
    assert exchange(site, huge)[9:12] == b"413"
    chunk = b"1000\r\n" + b"x" * 4096 + b"\r\n"
    head = b"POST /digest/subscribe HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    kind = b"Content-Type: application/json\r\n"
    answer = exchange(site, head.replace(b"\r\n\r\n", b"\r\n" + kind + b"\r\n") + chunk * 8 + b"0\r\n\r\n")
    assert answer[9:12] == b"413"


def test_headers_that_are_too_long_are_refused(site):
    endless = b"GET /digest/subscribe HTTP/1.1\r\nHost: x\r\nX: " + b"y" * 200_000
    assert exchange(site, endless + b"\r\n\r\n") == b""
    assert site.ask("/digest/subscribe", x="y" * 20_000).status == 200


@pytest.mark.parametrize(
    "sent",
    [
        b"garbage\r\n\r\n",
        b"CONNECT /digest/subscribe HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /digest/subscribe HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
        b"POST /digest/subscribe HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\nabcd",
    ],
)
def test_strangers_write_nothing_into_the_log(site, caplog, sent):
    assert exchange(site, sent).startswith(b"HTTP/1.1 ")
    assert caplog.records == []


def exchange(site, sent, *, seconds=20.0):
    """What the server answers to raw bytes before it closes, or waits."""
    address = urlsplit(site.url)
    with socket.create_connection((address.hostname, address.port), timeout=seconds) as connection:
        try:
            connection.sendall(sent)
            connection.settimeout(seconds)
            return connection.recv(4096)
        except (TimeoutError, ConnectionError):
            return b""


@pytest.mark.parametrize(
    "begun",
    [
        b"",
        b"GET /digest/subscribe HTTP/1.1\r\nHost: x\r\n",
        b"POST /digest/subscribe HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\nab",
    ],
    ids=["nothing", "half a head", "half a body"],
)
def test_whoever_takes_too_long_is_sent_away(tmp_path, monkeypatch, begun):
    monkeypatch.setattr(slow, "REQUEST_SECONDS", 0.3)
    with RecordingServer() as mail:
        file = make_workspace(tmp_path / "site", mail)
        with run_public(file, mail) as site:
            since = time.monotonic()
            assert exchange(site, begun, seconds=10) == b""
            assert time.monotonic() - since < 5
            assert site.ask("/digest/subscribe").status == 200


def test_forwarded_addresses_are_believed_from_trusted_proxies_only(tmp_path):
    with RecordingServer() as mail:
        seen = {}
        for name, trusted in (("trusted", ["127.0.0.1"]), ("strangers", ["10.0.0.0/8"])):
            file = make_workspace(tmp_path / name, mail, trusted_proxies=trusted)
            with run_public(file, mail) as site:
                values = {"email": "proxy@reader.example", "consent": True}
                site.post_json("/digest/subscribe", values, x_forwarded_for="203.0.113.9")
                person = site.person("proxy@reader.example")
                with site.open() as app:
                    seen[name] = list_events(app.database, person.id)[-1].facts["client"]
        assert seen == {"trusted": "203.0.113.0/24", "strangers": "127.0.0.0/24"}


def test_figures_for_machines_lie_behind_a_port_or_a_token(site):
    assert site.ask("/digest/metrics").status == 404
    assert site.ask("/digest/metrics", authorization="Bearer wrong").status == 404
    told = site.ask("/digest/metrics", authorization="Bearer a-secret-of-some-length")
    assert 'digest_subscribers{state="active"} 3.0' in told.text
    inside = type(site)(file=site.file, url=site.operations, operations="", mail=site.mail)
    assert [inside.ask(path).status for path in ("/healthz", "/readyz", "/metrics", "/subscribe")] == [
        200,
        200,
        200,
        404,
    ]
    assert inside.ask("/readyz").text == "ready\n"


def test_the_description_of_the_json_endpoints_is_served(site):
    described = json.loads(site.ask("/digest/openapi.json").body)
    assert described["openapi"] == "3.1.0"
    assert "/subscribe" in described["paths"]


def test_a_reader_is_answered_in_a_language_that_there_is(site):
    asked = {"en-GB,ko;q=0.5": "en", "fr, *;q=0.1": "ko", "ko": "ko", ";;;q=x": "ko", "en;q=0": "ko"}
    assert {h: site.ask("/digest/subscribe", accept_language=h).headers["content-language"] for h in asked} == asked
    assert site.ask("/digest/subscribe?lang=en").headers["content-language"] == "en"
