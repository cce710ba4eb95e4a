"""Reading one address of the web: where it may lead, how long it may take, how much is taken."""

import socket
import time

import pytest

from digest.errors import FetchError, UnreachableError
from digest.source import connection
from digest.source.fetch import USER_AGENT, fetch
from web_servers import Page, drip, pour, serve

LIMITS = {"timeout": 5.0, "max_bytes": 1000}


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    pages = {"/": Page(body=b"hello", headers={"Content-Type": "text/plain", "X-Two": "first"})}
    with serve(pages, tmp_path_factory.mktemp("web")) as running:
        yield running


@pytest.fixture
def plain_server(tmp_path):
    with serve({"/": Page(body=b"in the clear")}, tmp_path, scheme="http") as running:
        yield running


def reason(server, path="/", **options) -> str:
    """Why an address of the server cannot be read."""
    with pytest.raises(FetchError) as caught:
        server.fetch(server.url(path), **{**LIMITS, **options})
    assert str(caught.value) == f"{caught.value.url}: {caught.value.reason}"
    return caught.value.reason


# What comes back


def test_an_answer_holds_status_headers_and_body(server):
    answer = server.fetch(server.url("/?q=%EA%B0%80"), **LIMITS)
    assert answer.status == 404
    answer = server.fetch(server.url("/#fragment"), **LIMITS)
    assert (answer.status, answer.body, answer.is_cut, answer.is_good) == (200, b"hello", False, True)
    assert answer.headers["content-type"] == "text/plain"
    method, path, headers = server.requests[-1]
    assert (method, path) == ("GET", "/")
    assert headers["host"] == f"127.0.0.1:{server.port}"
    assert headers["user-agent"] == USER_AGENT
    assert (headers["accept-encoding"], headers["connection"]) == ("identity", "close")


def test_head_asks_for_no_body(server):
    answer = server.fetch(server.url(), method="HEAD", **LIMITS)
    assert (answer.status, answer.body, answer.headers["content-length"]) == (200, b"", "5")
    assert server.requests[-1][0] == "HEAD"


@pytest.mark.parametrize(("limit", "body", "is_cut"), [(4, b"hell", True), (5, b"hello", False), (0, b"", True)])
def test_a_body_is_cut_at_the_limit(server, limit, body, is_cut):
    answer = server.fetch(server.url(), timeout=5, max_bytes=limit)
    assert (answer.body, answer.is_cut) == (body, is_cut)


@pytest.mark.parametrize("headers", [{}, {"Content-Length": "9" * 30}])
def test_an_endless_body_is_cut_at_the_limit(server, headers):
    server.pages["/endless"] = Page(write=pour, headers=headers)
    answer = server.fetch(server.url("/endless"), timeout=5, max_bytes=100_000)
    assert (len(answer.body), answer.is_cut) == (100_000, True)


def test_a_chunked_body_is_put_together(server):
    body = b"5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n"
    server.pages["/chunked"] = Page(raw=b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + body)
    assert server.fetch(server.url("/chunked"), **LIMITS).body == b"hello world"
    assert server.fetch(server.url("/chunked"), timeout=5, max_bytes=7).body == b"hello w"


# What does not


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (b"", "the connection was lost"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", "no sound HTTP"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhello", "no sound HTTP (IncompleteRead)"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel", "no sound HTTP (IncompleteRead)"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nhello", "no sound HTTP"),
        (b"HTTP/1.1 200 OK\r\nX: " + b"x" * 70_000 + b"\r\n\r\n", "no sound HTTP (LineTooLong)"),
        (b"HTTP/1.1 200 OK\r\n" + b"X: x\r\n" * 200 + b"\r\n", "no sound HTTP (HTTPException)"),
        (b"HTTP/1.1 nope OK\r\n\r\n", "no sound HTTP (BadStatusLine)"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_a_damaged_answer_is_told_as_such(server, raw, words):
    server.pages["/damaged"] = Page(raw=raw)
    assert words in reason(server, "/damaged")


@pytest.mark.parametrize("begun", ["headers", "body"])
def test_one_deadline_holds_for_all_reads_of_a_server_that_drips(server, begun):
    server.pages["/drip"] = Page(write=drip, raw=b"HTTP/1.1 200 OK\r\nX: " if begun == "headers" else None)
    before = time.monotonic()
    assert reason(server, "/drip", timeout=0.4) == "no whole answer within 0.4 s"
    assert 0.3 < time.monotonic() - before < 2


def test_a_server_that_says_nothing_at_all_is_left(tmp_path):
    """Not even TLS begins: the connection is accepted by the system alone."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"https://127.0.0.1:{silent.getsockname()[1]}/"
        before = time.monotonic()
        with pytest.raises(FetchError, match=r"no whole answer within 0\.3 s"):
            fetch(url, timeout=0.3, max_bytes=10, allow_private=True)
        assert time.monotonic() - before < 2


def test_nobody_listening_is_unreachable():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with pytest.raises(UnreachableError, match=r"127\.0\.0\.1 cannot be reached \(Connection refused\)"):
        fetch(f"https://127.0.0.1:{port}/", allow_private=True, **LIMITS)


def test_a_name_that_nobody_has_is_unreachable():
    with pytest.raises(UnreachableError, match=r"nobody\.invalid cannot be looked up"):
        fetch("https://nobody.invalid/", **LIMITS)


@pytest.mark.parametrize(
    "url",
    ["", "picture.jpg", "file:///etc/passwd", "ftp://example.com/", "https://", "https://user:word@example.com/",
     "https://exa mple.com/", "https://[::1", "https://example.com:99999/", "https://a..b/", "data:image/png;base64,AA",
     "https://[fe80::1%25lo]/"],
)  # fmt: skip
def test_what_is_no_address_of_the_web_is_refused(url):
    with pytest.raises(FetchError, match="it is no address to read"):
        fetch(url, **LIMITS)


# Where it may lead


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", "127.1", "2130706433", "0x7f000001", "0", "[::1]", "[::ffff:127.0.0.1]",
             "[64:ff9b::7f00:1]", "169.254.169.254", "10.0.0.1", "localhost."],
)  # fmt: skip
def test_private_addresses_are_refused_in_every_spelling(server, host):
    """No connection is even tried: 127.0.0.1 would answer."""
    before = len(server.requests)
    with pytest.raises(FetchError, match="no address of the public internet") as caught:
        fetch(server.url(host=host), ca_file=server.ca_file, **LIMITS)
    assert not isinstance(caught.value, UnreachableError)
    assert len(server.requests) == before


def test_a_name_is_looked_up_once_and_the_address_that_was_checked_is_the_one_used(server, monkeypatch):
    """A name that answers with a public address first and a private one afterwards gains nothing (DNS rebinding)."""
    answers = iter(["93.184.215.14", "127.0.0.1"])
    asked, connected = [], []

    def look_up(host, port, **_):
        asked.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (next(answers), port))]

    class Recorder(socket.socket):
        def connect(self, address):
            connected.append(address[0])
            raise ConnectionRefusedError

    monkeypatch.setattr(connection.socket, "getaddrinfo", look_up)
    monkeypatch.setattr(connection.socket, "socket", Recorder)
    with pytest.raises(UnreachableError):
        fetch("https://rebinding.example/", **LIMITS)
    assert (asked, connected) == (["rebinding.example"], ["93.184.215.14"])


def test_of_several_addresses_only_public_ones_are_tried_until_one_answers(server, monkeypatch):
    connected = []

    class Recorder(socket.socket):
        def connect(self, address):
            connected.append((address[0], self.gettimeout()))
            raise OSError(101, "Network is unreachable")

    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (ip, 443)) for ip in ("10.0.0.1", "1.1.1.1", "8.8.8.8")]
    monkeypatch.setattr(connection.socket, "getaddrinfo", lambda *_, **__: found)
    monkeypatch.setattr(connection.socket, "socket", Recorder)
    with pytest.raises(UnreachableError, match="Network is unreachable"):
        fetch("https://both.example/", timeout=4, max_bytes=1)
    assert [address for address, _ in connected] == ["1.1.1.1", "8.8.8.8"]
    assert connected[0][1] == pytest.approx(2, abs=0.2)


# TLS


def test_a_certificate_nobody_vouches_for_is_not_trusted(server, tmp_path):
    with serve({}, tmp_path) as stranger:
        stranger.ca_file = server.ca_file
        assert "certificate of 127.0.0.1 is not trusted (unable to get local issuer" in reason(stranger)


def test_a_certificate_for_another_name_is_not_trusted(tmp_path):
    with serve({}, tmp_path, names=("elsewhere.example",)) as server:
        server.host = "localhost"
        assert "certificate of localhost is not trusted (Hostname mismatch" in reason(server)


def test_a_server_without_tls_is_told(plain_server):
    plain_server.scheme = "https"
    assert reason(plain_server).startswith("127.0.0.1 speaks no TLS")


def test_plain_http_is_read_unless_https_is_asked_for(plain_server):
    assert plain_server.fetch(plain_server.url(), **LIMITS).body == b"in the clear"
    assert "not https" in reason(plain_server, https_only=True)


def test_an_ipv6_address_can_be_read(tmp_path):
    with serve({"/": Page(body=b"six")}, tmp_path, names=("::1",), address="::1") as server:
        assert server.fetch(server.url(), **LIMITS).body == b"six"
        assert server.requests[0][2]["host"] == f"[::1]:{server.port}"


def test_a_host_in_hangul_is_asked_for_by_its_ascii_name(tmp_path, monkeypatch):
    """The name on the wire, in the certificate and in the Host header is the IDNA form."""
    real = socket.getaddrinfo
    asked = []

    def look_up(host, *arguments, **options):
        asked.append(host)
        return real("127.0.0.1", *arguments, **options)

    with serve({"/%EC%82%AC%EC%A7%84": Page(body=b"hi")}, tmp_path, names=("xn--xx3br43b.example",)) as server:
        monkeypatch.setattr(connection.socket, "getaddrinfo", look_up)
        answer = server.fetch(server.url("/사진", host="한빛.example"), **LIMITS)
        assert answer.url == f"https://xn--xx3br43b.example:{server.port}/%EC%82%AC%EC%A7%84"
        assert server.requests[0][2]["host"] == f"xn--xx3br43b.example:{server.port}"
        assert asked == ["xn--xx3br43b.example"]


# Redirects


def redirect(to, status=302):
    return Page(status=status, headers={"Location": to})


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirects_are_followed(server, status):
    server.pages["/moved"] = redirect("/", status)
    answer = server.fetch(server.url("/moved"), **LIMITS)
    assert (answer.body, answer.url) == (b"hello", server.url())


def test_at_most_three_redirects_are_followed(server):
    for number in range(4):
        server.pages[f"/{number}"] = redirect(f"/{number + 1}")
    server.pages["/4"] = Page(body=b"far")
    assert server.fetch(server.url("/1"), **LIMITS).body == b"far"
    assert reason(server, "/0") == "it is redirected more than 3 times"
    assert reason(server, "/3", max_redirects=0) == "it is redirected more than 0 times"


def test_a_location_in_raw_utf_8_is_understood(server):
    server.pages["/raw"] = Page(raw="HTTP/1.1 302 Found\r\nLocation: /사진\r\n\r\n".encode())
    server.pages["/%EC%82%AC%EC%A7%84"] = Page(body=b"photo")
    assert server.fetch(server.url("/raw"), **LIMITS).body == b"photo"


def test_a_redirect_without_a_target_is_an_answer(server):
    server.pages["/nowhere"] = Page(status=302)
    assert server.fetch(server.url("/nowhere"), **LIMITS).status == 302


@pytest.mark.parametrize("target", ["file:///etc/passwd", "javascript:alert(1)", "https://user@localhost/"])
def test_a_redirect_out_of_the_web_is_refused(server, target):
    server.pages["/out"] = redirect(target)
    assert "it is no address to read" in reason(server, "/out")


def test_a_redirect_to_plain_http_is_refused_where_https_is_asked_for(server, plain_server):
    server.pages["/down"] = redirect(plain_server.url())
    assert server.fetch(server.url("/down"), **LIMITS).body == b"in the clear"
    assert "not https" in reason(server, "/down", https_only=True)
    assert len(plain_server.requests) == 1


def test_a_redirect_to_a_private_address_is_refused(server, plain_server, monkeypatch):
    """Each hop is checked: a public server must not send us to our own network."""
    server.pages["/inwards"] = redirect(plain_server.url(host="localhost"))
    monkeypatch.setattr(connection, "is_public", lambda address: asked.append(address) or len(asked) == 1)
    asked: list[str] = []
    with pytest.raises(FetchError, match=r"localhost is at 127\.0\.0\.1, which is no address of the public internet"):
        fetch(server.url("/inwards"), ca_file=server.ca_file, **LIMITS)
    assert asked == ["127.0.0.1", "127.0.0.1"]
    assert plain_server.requests == []


def test_one_deadline_holds_for_all_redirects(server):
    """Each hop alone is in time, all of them are not."""

    def hesitate(handler):
        time.sleep(0.3)
        handler.wfile.write(b"HTTP/1.1 302 Found\r\nLocation: " + server.url("/hesitate").encode() + b"\r\n\r\n")

    server.pages["/hesitate"] = Page(raw=b"", write=hesitate)
    before = time.monotonic()
    assert reason(server, "/hesitate", timeout=0.5) == "no whole answer within 0.5 s"
    assert time.monotonic() - before < 2
