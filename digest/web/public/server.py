"""Serving readers' pages: a server, a thread that sends the mails they ask for, and a second port for operators."""

import asyncio
import contextlib
import logging
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Event, Thread
from typing import Self

import uvicorn
from starlette.types import ASGIApp
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from digest.app import App, open_app
from digest.deliver.loop import run
from digest.errors import DigestError
from digest.housekeeping import Housekeeper
from digest.notices import send_due_notices
from digest.settings import WebSettings
from digest.web.public.app import build_operations_app, build_public_app
from digest.web.public.counter import open_counter
from digest.web.public.pages import Pages
from digest.web.public.site import Site, path_of
from digest.web.public.slow import ImpatientProtocol

logger = logging.getLogger("digest")

_BACKLOG = 1024
_MOST_CONNECTIONS = 1_000
"""Requests at once; more are told to come again (503)."""
_IDLE_SECONDS = 10
_LOOK_SECONDS = 10.0
"""How often mails that wait are looked for, where nobody says that there is one."""
_STOP_SECONDS = 0.2


def serve_public(
    settings_file: Path, *, stop: Event, on_ready: Callable[[str, str], None], host: str = "", port: int | None = None
) -> None:
    """Serve a workspace's public pages until asked to stop; requests that are being answered end first.

    Args:
        settings_file: of the workspace.
        stop: asks to stop.
        on_ready: told both addresses, of the pages and of the operators' port ("" for none), once they answer.
        host: instead of the settings'.
        port: instead of the settings'.

    Raises:
        DigestError: the workspace cannot be opened, or a port cannot be used.
    """
    with open_app(settings_file) as app, open_counter(settings_file) as counter, NoticeSender(settings_file) as mailer:
        web = app.settings.web_or_defaults
        site = Site(
            settings=app.settings,
            counter=counter,
            pages=Pages(app.settings, app.workshop.templates, path_of(app.settings)),
            clock=app.clock,
            wake=mailer.wake,
        )
        doors = [
            (build_public_app(site, form_key=app.key), listen(host or web.host, web.port if port is None else port))
        ]
        if web.operations_port is not None:
            doors.append((build_operations_app(site), listen(web.operations_host, web.operations_port)))
        on_ready(*_addresses(doors))
        run(_serve(doors, web, stop))


class NoticeSender:
    """A thread that sends single mails as soon as there are any, and forgets what nobody confirmed."""

    def __init__(self, settings_file: Path) -> None:
        self._settings_file = settings_file
        self._wake, self._stop = Event(), Event()
        self._thread = Thread(target=self._run, name="digest-notices", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._wake.set()
        self._thread.join()

    def wake(self) -> None:
        """Say that a mail waits."""
        self._wake.set()

    def _run(self) -> None:
        keeper = Housekeeper()
        # One workspace for all looks: to open it takes half a second of the interpreter, for which requests wait.
        with open_app(self._settings_file) as app:
            while not self._stop.is_set():
                self._wake.clear()
                self._work(app, keeper)
                self._wake.wait(_LOOK_SECONDS)

    def _work(self, app: App, keeper: Housekeeper) -> None:
        try:
            send_due_notices(app)
            keeper.tidy(app)
        except DigestError as error:
            logger.error("mails to single people: %s; the next look tries again", error)  # noqa: TRY400
        except Exception:
            logger.exception("mails to single people failed; the next look tries again")


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens.

    Raises:
        DigestError: the address cannot be used.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(_BACKLOG)
    except OSError as error:
        listener.close()
        raise DigestError(f"port {port} of {host} cannot be used ({error.strerror}); set web.port or --port") from error
    return listener


async def _serve(doors: list[tuple[ASGIApp, socket.socket]], web: WebSettings, stop: Event) -> None:
    servers = [_make_server(app, web) for app, _ in doors]
    running = [
        asyncio.create_task(server.serve(sockets=[listener]))
        for server, (_, listener) in zip(servers, doors, strict=True)
    ]
    try:
        while not stop.is_set() and not any(task.done() for task in running):  # noqa: ASYNC110 - threads set it
            await asyncio.sleep(_STOP_SECONDS)
    finally:
        for server in servers:
            server.should_exit = True
        await asyncio.gather(*running)


def _make_server(app: ASGIApp, web: WebSettings) -> "_Server":
    # uvicorn believes forwarded headers of these alone; with its own switch it would read an environment variable too.
    trusting = ProxyHeadersMiddleware(app, trusted_hosts=list(web.trusted_proxies))  # type: ignore[arg-type]  # two spellings of ASGI
    config = uvicorn.Config(
        trusting,
        http=ImpatientProtocol,
        log_config=None,
        log_level="error",  # its warnings are of what strangers send: the log would be theirs to fill
        access_log=False,
        server_header=False,
        proxy_headers=False,
        lifespan="off",
        ws="none",
        limit_concurrency=_MOST_CONNECTIONS,
        timeout_keep_alive=_IDLE_SECONDS,
        timeout_graceful_shutdown=5,
    )
    return _Server(config)


class _Server(uvicorn.Server):
    """Signals are the business of who started it."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def _addresses(doors: list[tuple[ASGIApp, socket.socket]]) -> tuple[str, str]:
    addresses = [_address(listener) for _, listener in doors]
    return addresses[0], addresses[1] if len(addresses) > 1 else ""


def _address(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
