"""Where handlers ask the workspace: one thread that reads, one that writes, each with a connection of its own.

SQLite has one writer at a time, and waits for its turn behind a sender's commits. So requests that write share a
transaction: what came in while the last one was committed goes into the next, each request in a savepoint, and 500
requests a second need no more commits than the disk can give.
"""

import asyncio
import contextlib
from asyncio import AbstractEventLoop, Future
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Any, TypeVar

from digest.app import App, open_app

T = TypeVar("T")
_MOST_AT_ONCE = 200
"""Requests that share a transaction: it stays short for the others that write."""


@dataclass(frozen=True)
class _Errand:
    """One request's work, and who waits for it."""

    work: Callable[[App], Any]
    loop: AbstractEventLoop
    future: "Future[Any]"


@dataclass(frozen=True)
class _Done:
    """What became of an errand."""

    errand: _Errand
    value: Any = None
    error: BaseException | None = None

    def tell(self) -> None:
        """Runs in the loop of who waits, who may have gone."""
        if self.errand.future.done():
            return
        if self.error is not None:
            self.errand.future.set_exception(self.error)
        else:
            self.errand.future.set_result(self.value)


class Counter:
    """A workspace that many requests ask at once; see `serve_counter`."""

    def __init__(self, settings_file: Path) -> None:
        self._reader = _Clerk(settings_file, _read, name="reader")
        self._writer = _Clerk(settings_file, _write, name="writer", prepare=_wait_eagerly)

    async def read(self, work: Callable[[App], T]) -> T:
        """Ask something that changes nothing; it may take milliseconds.

        Raises:
            DigestError: as `work` raised it.
        """
        return await self._reader.ask(work)

    async def write(self, work: Callable[[App], T]) -> T:
        """Change something, within a transaction that others may share: `work` opens none. Returns once it is kept.

        What `work` raises takes back its own part alone.

        Raises:
            DigestError: as `work` raised it, or nothing could be written at all.
        """
        return await self._writer.ask(work)

    def close(self) -> None:
        """Finish what was asked, and close the connections."""
        self._reader.close()
        self._writer.close()


@contextlib.contextmanager
def open_counter(settings_file: Path) -> Iterator[Counter]:
    """A counter for as long as the context lasts.

    Raises:
        DigestError: the workspace cannot be opened.
    """
    with open_app(settings_file):
        counter = Counter(settings_file)
    try:
        yield counter
    finally:
        counter.close()


class _Clerk:
    """A thread with an open workspace that does one batch of errands after another."""

    def __init__(
        self,
        settings_file: Path,
        serve: Callable[[App, list[_Errand]], list[_Done]],
        *,
        name: str,
        prepare: Callable[[App], None] = lambda _: None,
    ) -> None:
        self._settings_file = settings_file
        self._serve, self._prepare = serve, prepare
        self._errands: SimpleQueue[_Errand | None] = SimpleQueue()
        self._thread = Thread(target=self._work, name=f"digest-{name}", daemon=True)
        self._thread.start()

    async def ask(self, work: Callable[[App], T]) -> T:
        loop = asyncio.get_running_loop()
        future: Future[T] = loop.create_future()
        self._errands.put(_Errand(work, loop, future))
        return await future

    def close(self) -> None:
        self._errands.put(None)
        self._thread.join()

    def _work(self) -> None:
        with open_app(self._settings_file) as app:
            self._prepare(app)
            while batch := self._next_batch():
                for loop, done in _by_loop(self._serve(app, batch)):
                    with contextlib.suppress(RuntimeError):  # its loop is closed: nobody waits any more
                        loop.call_soon_threadsafe(_tell, done)

    def _next_batch(self) -> list[_Errand]:
        """What waits, after waiting for the first; nothing where the counter closes."""
        errand = self._errands.get()
        batch = []
        while errand is not None:
            batch.append(errand)
            if len(batch) == _MOST_AT_ONCE:
                break
            try:
                errand = self._errands.get_nowait()
            except Empty:
                break
            if errand is None:
                self._errands.put(None)  # for the next look
        return batch


def _wait_eagerly(app: App) -> None:
    app.database.wait_eagerly()


def _read(app: App, errands: list[_Errand]) -> list[_Done]:
    return [_attempt(app, errand) for errand in errands]


def _write(app: App, errands: list[_Errand]) -> list[_Done]:
    try:
        if len(errands) == 1:  # it needs no part of its own
            with app.database.transaction():
                return [_Done(errands[0], value=errands[0].work(app))]
        with app.database.transaction():
            return [_attempt_part(app, errand) for errand in errands]
    except Exception as error:  # noqa: BLE001 - whoever asked is told
        return [_Done(errand, error=error) for errand in errands]


def _attempt(app: App, errand: _Errand) -> _Done:
    try:
        return _Done(errand, value=errand.work(app))
    except Exception as error:  # noqa: BLE001 - whoever asked is told
        return _Done(errand, error=error)


def _attempt_part(app: App, errand: _Errand) -> _Done:
    try:
        with app.database.savepoint():
            return _Done(errand, value=errand.work(app))
    except Exception as error:
        if not app.database.in_transaction:  # a full disk ends the whole of it
            raise
        return _Done(errand, error=error)


def _by_loop(done: list[_Done]) -> Iterator[tuple[AbstractEventLoop, list[_Done]]]:
    loops = {each.errand.loop for each in done}
    for loop in loops:
        yield loop, [each for each in done if each.errand.loop is loop]


def _tell(done: list[_Done]) -> None:
    for each in done:
        each.tell()
