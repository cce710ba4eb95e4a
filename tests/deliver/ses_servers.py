"""Servers in the place of Amazon SES: moto's, which takes and keeps mail, and one that misbehaves as it is told."""

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from moto.core import DEFAULT_ACCOUNT_ID
from moto.server import ThreadedMotoServer
from moto.ses.models import ses_backends

REGION = "ap-northeast-2"
SENDER = "news@example.com"
"""The identity that moto has verified; messages have it in From."""


class MotoSes:
    """What moto took, and where it is called."""

    def __init__(self, endpoint: str) -> None:
        self.endpoint = endpoint

    @property
    def messages(self) -> list[tuple[str, bytes]]:
        """For whom and what, in order; moto adds the addresses of the headers behind that of the call."""
        return [(sent.destinations[0], sent.raw_data.encode()) for sent in list(self._backend.sent_messages)]

    def empty(self) -> None:
        self._backend.reset()
        self._backend.verify_email_identity(SENDER)

    @property
    def _backend(self):
        return ses_backends[DEFAULT_ACCOUNT_ID][REGION]


@contextmanager
def running_moto() -> Iterator[MotoSes]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    try:
        yield MotoSes(f"http://{host}:{port}")
    finally:
        server.stop()
        server._server.server_close()


def set_credentials(environment: pytest.MonkeyPatch) -> None:
    """Some, and none of this machine's own."""
    for name in ("AWS_PROFILE", "AWS_ENDPOINT_URL", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_SESSION_TOKEN"):
        environment.delenv(name, raising=False)
    environment.setenv("AWS_ACCESS_KEY_ID", "key")
    environment.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    environment.setenv("AWS_EC2_METADATA_DISABLED", "true")
    environment.setenv("AWS_CONFIG_FILE", "/nonexistent")
    environment.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent")


class FaultyServer(ThreadingHTTPServer):
    """Reads each call whole, and then does as told."""

    daemon_threads = True

    def __init__(self, *, status: int = 0, code: str = "", text: str = "", stall: bool = False) -> None:
        """Describe it: an answer of that status, or to say nothing for ever, or else to hang up."""
        super().__init__(("127.0.0.1", 0), _FaultyAnswer)
        self.status, self.code, self.text, self.stall = status, code, text, stall
        self.stopped = threading.Event()
        self.bodies: list[bytes] = []

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def __enter__(self):
        threading.Thread(target=lambda: self.serve_forever(poll_interval=0.01), daemon=True).start()
        return self

    def __exit__(self, *_error):
        self.stopped.set()
        self.shutdown()
        self.server_close()


class _FaultyAnswer(BaseHTTPRequestHandler):
    server: FaultyServer

    def do_POST(self):
        self.server.bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
        if self.server.stall:
            self.server.stopped.wait(20)
        elif self.server.status:
            self._answer()
        else:
            self.connection.shutdown(socket.SHUT_RDWR)
        self.close_connection = True

    def _answer(self):
        body = json.dumps({"message": self.server.text}).encode() if self.server.code else b"<html>sorry</html>"
        self.send_response(self.server.status)
        if self.server.code:
            self.send_header("x-amzn-errortype", self.server.code)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_words):
        """Say nothing."""
