"""Where requests ask the workspace: writes share a transaction, and one that fails takes back its own part alone."""

import asyncio
import threading
import time

import pytest
from public_site import make_workspace

from digest.app import open_app
from digest.errors import DatabaseLockedError, NotFoundError
from digest.store import database as database_module
from digest.store.database import Database
from digest.testing import RecordingServer
from digest.web.public.counter import open_counter


@pytest.fixture
def file(tmp_path):
    with RecordingServer() as mail:
        return make_workspace(tmp_path / "site", mail, readers=0)


def save(name):
    return lambda app: app.database.execute("INSERT INTO saved_filter VALUES (?, '', 0)", (name,))


def names(app):
    return [row[0] for row in app.database.rows("SELECT name FROM saved_filter ORDER BY name")]


def fail(app):
    save("half")(app)
    raise NotFoundError("nobody")


def test_a_work_that_fails_takes_back_its_own_part_alone(file):
    async def ask(counter):
        jobs = [counter.write(save(f"{n:02d}")) for n in range(10)] + [counter.write(fail) for _ in range(3)]
        return await asyncio.gather(*jobs, return_exceptions=True)

    with open_counter(file) as counter:
        answers = asyncio.run(ask(counter))
        assert [type(each) for each in answers].count(NotFoundError) == 3
        assert asyncio.run(counter.read(names)) == [f"{n:02d}" for n in range(10)]


def test_what_waits_is_committed_together(file, monkeypatch):
    begun = []
    plainly = Database.transaction
    monkeypatch.setattr(Database, "transaction", lambda self: begun.append(1) or plainly(self))

    has_begun, may_end = threading.Event(), threading.Event()

    def hold(_):
        has_begun.set()
        assert may_end.wait(20)

    async def ask(counter):
        first = asyncio.ensure_future(counter.write(hold))
        await asyncio.to_thread(has_begun.wait, 20)
        others = [asyncio.ensure_future(counter.write(save(f"{n}"))) for n in range(50)]
        await asyncio.sleep(0)  # each is asked for now
        may_end.set()
        await asyncio.gather(first, *others)

    with open_counter(file) as counter:
        asyncio.run(ask(counter))
        assert len(asyncio.run(counter.read(names))) == 50
    assert len(begun) == 2


def test_a_lock_that_is_held_for_long_is_said_to_everybody_who_waits(file, monkeypatch):
    monkeypatch.setattr(database_module, "LOCK_TIMEOUT_SECONDS", 0.2)

    async def ask(counter):
        return await asyncio.gather(*(counter.write(save(str(n))) for n in range(5)), return_exceptions=True)

    with open_counter(file) as counter, open_app(file) as app, app.database.transaction():
        answers = asyncio.run(ask(counter))
    assert {type(each) for each in answers} == {DatabaseLockedError}


def test_a_lock_is_taken_soon_after_it_is_free(file):
    """SQLite's own waits grow to a tenth of a second: after 0.35 s of them the next one ends 0.08 s late."""

    def wait_after(counter, app):
        asking = threading.Thread(
            target=lambda: waited.append((asyncio.run(counter.write(save("x"))), time.monotonic()))
        )
        with app.database.transaction():
            waited = []
            asking.start()
            time.sleep(0.35)
            free_at = time.monotonic()
        asking.join()
        return waited[0][1] - free_at

    with open_counter(file) as counter, open_app(file) as app:
        # A busy machine delays one or another, not all of them.
        assert any(wait_after(counter, app) < 0.05 for _ in range(10))
