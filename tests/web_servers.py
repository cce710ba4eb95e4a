"""A real https server on this machine that answers by script and counts what it is asked; and pictures for it."""

import socket
import ssl
import struct
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from pathlib import Path

import trustme
from PIL import Image

from digest.source.fetch import Fetch, fetch


@dataclass(kw_only=True)
class Page:
    """What is answered for one path."""

    body: bytes = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    raw: bytes | None = None
    """Bytes instead of status and headers."""
    write: Callable[[BaseHTTPRequestHandler], None] | None = None
    """Writes what follows itself, as slowly or as endlessly as it likes."""


@dataclass(kw_only=True)
class WebServer:
    host: str
    port: int
    scheme: str
    ca_file: Path
    pages: dict[str, Page]
    requests: list[tuple[str, str, dict[str, str]]]
    """Method, path and headers (lower-case names) of each."""

    def url(self, path: str = "/", *, host: str = "") -> str:
        return f"{self.scheme}://{host or self.host}:{self.port}{path}"

    @property
    def fetch(self) -> Fetch:
        """`fetch` as it may speak to this server."""
        return partial(fetch, allow_private=True, ca_file=self.ca_file)


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        """Clients that hang up are what half of the tests are about."""


def _handler(pages, requests):
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self):
            requests.append((self.command, self.path, {name.lower(): value for name, value in self.headers.items()}))
            page = pages.get(self.path, Page(status=404, body=b"<h1>not here</h1>"))
            self.close_connection = True
            if page.raw is None:
                self._write_head(page)
            self.wfile.write(page.raw or b"")
            if page.write:
                page.write(self)
            elif self.command != "HEAD" and page.raw is None:
                self.wfile.write(page.body)

        def _write_head(self, page):
            length = {} if page.write else {"Content-Length": str(len(page.body))}
            self.send_response(page.status)
            for name, value in {**length, **page.headers}.items():
                self.send_header(name, value)
            self.end_headers()

        def do_HEAD(self):
            self.do_GET()

        def log_message(self, *_):
            pass

    return Handler


@contextmanager
def serve(
    pages: dict[str, Page],
    folder: Path,
    *,
    names: tuple[str, ...] = ("127.0.0.1", "localhost"),
    address: str = "127.0.0.1",
    scheme: str = "https",
) -> Iterator[WebServer]:
    """Serve pages by path, with a certificate for these names."""
    requests: list[tuple[str, str, dict[str, str]]] = []
    kind = type("Server", (_Server,), {"address_family": 10 if ":" in address else 2})
    server = kind((address, 0), _handler(pages, requests))
    authority = trustme.CA()
    ca_file = folder / f"ca-{server.server_port}.pem"
    authority.cert_pem.write_to_path(ca_file)
    if scheme == "https":
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        authority.issue_cert(*names).configure_cert(context)
        # The handshake happens in the connection's own thread, where a client that hangs up harms nobody.
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    host = f"[{address}]" if ":" in address else names[0]
    try:
        yield WebServer(
            host=host, port=server.server_port, scheme=scheme, ca_file=ca_file, pages=pages, requests=requests
        )
    finally:
        server.shutdown()
        server.server_close()
        thread.join(timeout=5)


def drip(handler):
    """A byte now and then, for ever (slow loris)."""
    while True:
        handler.wfile.write(b"x")
        handler.wfile.flush()
        time.sleep(0.05)


def pour(handler):
    """Bytes without an end."""
    while True:
        handler.wfile.write(b"x" * 65536)


def picture(width: int = 1200, height: int = 675, *, kind: str = "JPEG", **options) -> bytes:
    """A plain picture of one colour."""
    file = BytesIO()
    Image.new("L", (width, height)).save(file, kind, **options)
    return file.getvalue()


def turned(orientation: int, width: int = 40, height: int = 30) -> bytes:
    """A JPEG that is to be turned when shown."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    return picture(width, height, exif=exif)


def huge_png(width: int, height: int) -> bytes:
    """A PNG that says it is that large, and holds nothing."""
    content = bytearray(picture(1, 1, kind="PNG"))
    content[16:24] = struct.pack(">II", width, height)
    content[29:33] = struct.pack(">I", zlib.crc32(bytes(content[12:29])))
    return bytes(content)


def free_port() -> int:
    """A port nobody listens on at this moment."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]
