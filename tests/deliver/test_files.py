"""The folder for other programs: a message and its envelope, whole or not at all."""

import asyncio
import json
import os
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from outboxes import ListOutbox, carry, carry_once, parcel_for

from digest.clock import Clock
from digest.deliver.files import FilesTransport
from digest.errors import TransportError
from digest.model import DeliveryState

MESSAGE = b"To: reader@example.com\r\n\r\nHello\r\n"


def files(path, ending=""):
    return sorted(file.name for file in path.rglob(f"*{ending}") if file.is_file())


def deliver(path, count=1):
    parcels = [parcel_for(f"reader{number}@example.com", MESSAGE) for number in range(count)]
    return carry(FilesTransport(path=path, clock=Clock()), parcels)


def test_a_message_is_its_bytes_and_its_envelope_beside_it(tmp_path):
    (outcome,) = deliver(tmp_path / "out").outcomes.values()
    message, envelope = files(tmp_path / "out")
    assert (outcome.state, outcome.reply) == (DeliveryState.SENT, f"written to {message}")
    assert message.removesuffix(".eml") == envelope.removesuffix(".json")
    assert (tmp_path / "out" / message).read_bytes() == MESSAGE
    content = json.loads((tmp_path / "out" / envelope).read_text(encoding="utf-8"))
    assert content == {"from": "bounces@example.com", "to": "reader0@example.com"}


def test_the_order_of_names_is_the_order_of_sending(tmp_path):
    replies = [outcome.reply for outcome in deliver(tmp_path, 50).outcomes.values()]
    assert [reply.removeprefix("written to ") for reply in replies] == files(tmp_path, ".eml")


def test_folder_and_files_are_for_their_owner_only(tmp_path):
    deliver(tmp_path / "a" / "out")
    folders = [tmp_path / "a" / "out", tmp_path / "a" / "out" / "tmp"]
    assert [stat.S_IMODE(folder.stat().st_mode) for folder in folders] == [0o700, 0o700]
    assert {stat.S_IMODE((folders[0] / name).stat().st_mode) for name in files(folders[0])} == {0o600}


def test_a_program_that_watches_never_sees_a_message_without_its_envelope_or_in_part(tmp_path):
    (tmp_path / "out").mkdir()
    done, seen, faults = threading.Event(), set(), []

    def watch():
        while not done.is_set() or set((tmp_path / "out").glob("*.eml")) - seen:
            for message in set((tmp_path / "out").glob("*.eml")) - seen:
                seen.add(message)
                if message.read_bytes() != MESSAGE or not message.with_suffix(".json").read_bytes().endswith(b"}\n"):
                    faults.append(message)

    watcher = threading.Thread(target=watch)
    watcher.start()
    deliver(tmp_path / "out", 100)
    done.set()
    watcher.join()
    assert (len(seen), faults) == (100, [])


class MovingClock(Clock):
    """Puts a folder in the place of the message that is being named."""

    def __init__(self, path):
        self._path = path

    def now(self):
        (self._path / "tmp").rmdir()
        return super().now()


def test_a_message_that_cannot_be_written_leaves_nothing_behind_and_is_given_back(tmp_path):
    outbox = ListOutbox([parcel_for("reader@example.com", MESSAGE)])
    with pytest.raises(TransportError, match=r"cannot be written \(No such file.*\); check delivery\.path"):
        asyncio.run(carry_once(FilesTransport(path=tmp_path, clock=MovingClock(tmp_path)), outbox))
    assert files(tmp_path) == []
    assert len(outbox.given_back) == 1


def test_where_the_disk_is_full_between_the_two_the_envelope_is_removed(tmp_path):
    """A limit on the size of files fails the message half-way, and not its envelope."""
    program = (
        "import asyncio, resource, sys; from pathlib import Path\n"
        "from digest.clock import Clock; from digest.deliver.files import FilesTransport\n"
        "from outboxes import ListOutbox, carry_once, parcel_for\n"
        "outbox = ListOutbox([parcel_for('d@e.f', b'x' * 9000)])\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (5000, 5000))\n"
        "try: asyncio.run(carry_once(FilesTransport(path=Path(sys.argv[1]), clock=Clock()), outbox))\n"
        "except OSError as error: print(error, outbox.outcomes, len(outbox.given_back))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, tmp_path],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parent), "PYTHONDONTWRITEBYTECODE": "1"},
    )
    assert "the message cannot be written (File too large); check delivery.path {} 1" in done.stdout
    assert files(tmp_path) == []
