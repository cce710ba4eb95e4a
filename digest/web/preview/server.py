"""Starting the preview: a server on this machine alone, for one workspace, until it is asked to stop."""

import secrets
import socket
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlencode

import uvicorn

from digest.app import open_app
from digest.errors import DigestError
from digest.service import stop_on_signals
from digest.web.preview.app import PreviewApp
from digest.web.preview.desk import Desk, Query
from digest.web.preview.errands import Errands
from digest.web.preview.gate import Gate

HOST = "127.0.0.1"
_TOKEN_BYTES = 24
_BACKLOG = 128


def serve_preview(settings_file: Path, query: Query, *, port: int = 0, on_ready: Callable[[str], None]) -> None:
    """Serve a workspace's preview until SIGINT or SIGTERM.

    Args:
        settings_file: of the workspace; it is opened here, by the thread that answers.
        query: what the page shows first.
        port: 0 takes any that is free.
        on_ready: told the page's address once it can be opened.

    Raises:
        DigestError: the workspace cannot be opened, or the port is taken.
    """
    token = secrets.token_urlsafe(_TOKEN_BYTES)
    with open_app(settings_file) as app, _listen(port) as listener, stop_on_signals():
        own_port = listener.getsockname()[1]

        def is_ending() -> bool:
            return server.should_exit

        preview = PreviewApp(Desk(app), Errands(settings_file, is_ending=is_ending), is_ending=is_ending)
        config = uvicorn.Config(
            Gate(preview.build(token), token=token, port=own_port),
            log_config=None,
            access_log=False,
            server_header=False,
            lifespan="off",
            ws="none",
            timeout_graceful_shutdown=2,
        )
        server = uvicorn.Server(config)
        on_ready(f"http://{HOST}:{own_port}/{token}/{_query_string(query)}")
        server.run(sockets=[listener])


def _listen(port: int) -> socket.socket:
    listener = socket.socket()
    try:
        listener.bind((HOST, port))
        listener.listen(_BACKLOG)
    except OSError as error:
        listener.close()
        raise DigestError(f"port {port} of {HOST} cannot be used ({error.strerror}); leave --port out") from error
    return listener


def _query_string(query: Query) -> str:
    values = {"newsletter": query.newsletter, "edition": query.edition, "reader": query.reader}
    given = {name: str(value) for name, value in values.items() if value is not None}
    return f"?{urlencode(given)}" if given else ""
