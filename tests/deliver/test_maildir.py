"""The folder as a way out: its files, and what happens when it cannot be written to."""

import asyncio
import mailbox
import os
import shutil
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from outboxes import ListOutbox, parcel_for

from digest.clock import Clock
from digest.deliver.maildir import MaildirTransport
from digest.errors import TransportError
from digest.model import DeliveryState

MESSAGE = b"To: reader@example.com\r\n\r\nHello\r\n"


def deliver(path, *, before=lambda: None, times=1):
    """What became of so many messages; `before` runs when the folder is open."""
    outbox = ListOutbox([parcel_for("reader@example.com", MESSAGE) for _ in range(times)])

    async def run():
        async with MaildirTransport(path=path, clock=Clock()).connect() as connection:
            before()
            await connection.carry(outbox)

    asyncio.run(run())
    return list(outbox.outcomes.values())


def files(path):
    return sorted(str(file.relative_to(path)) for file in path.rglob("*") if file.is_file())


def test_a_message_is_one_file_in_new_with_plain_line_ends(tmp_path):
    (outcome,) = deliver(tmp_path / "out")
    (name,) = files(tmp_path / "out")
    assert name.startswith("new/")
    assert (tmp_path / "out" / name).read_bytes() == MESSAGE.replace(b"\r\n", b"\n")
    assert (outcome.state, outcome.reply) == (DeliveryState.SENT, f"written to {name}")


def test_names_differ_and_their_order_is_the_order_of_sending(tmp_path):
    outcomes = deliver(tmp_path, times=50)
    names = [outcome.reply.removeprefix("written to ") for outcome in outcomes]
    assert names == files(tmp_path)


def test_a_mail_reader_finds_the_messages_and_an_existing_maildir_is_added_to(tmp_path):
    mailbox.Maildir(tmp_path / "out", create=True).add(b"Subject: old\n\n")
    deliver(tmp_path / "out")
    box = mailbox.Maildir(tmp_path / "out", create=False)
    assert sorted(str(message["Subject"] or message["To"]) for message in box) == ["old", "reader@example.com"]
    assert [message.get_subdir() for message in box] == ["new", "new"]


def test_the_folder_is_made_with_its_parents_and_only_for_its_owner(tmp_path):
    deliver(tmp_path / "a" / "b", times=0)
    assert stat.S_IMODE((tmp_path / "a" / "b").stat().st_mode) == 0o700
    assert sorted(child.name for child in (tmp_path / "a" / "b").iterdir()) == ["cur", "new", "tmp"]


@pytest.mark.parametrize("where", ["file", "file/below"])
def test_a_file_in_the_way_is_said_with_the_setting(tmp_path, where):
    (tmp_path / "file").write_text("")
    with pytest.raises(TransportError, match=r"file.*messages cannot be kept there \(.+\); check delivery\.path"):
        deliver(tmp_path / where)


@pytest.fixture
def folder_for_all():
    """A folder that other users can look into, as pytest's own cannot be."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)


def test_a_folder_without_permission_is_said_with_the_setting(folder_for_all):
    """Asked as a user who is not root, for whom no permission counts."""
    program = (
        "import asyncio, os, sys; from pathlib import Path\n"
        "from digest.clock import Clock; from digest.deliver.maildir import MaildirTransport\n"
        "os.getuid() or os.setuid(65534)\n"
        "async def run():\n"
        "    async with MaildirTransport(path=Path(sys.argv[1]), clock=Clock()).connect(): pass\n"
        "try: asyncio.run(run())\n"
        "except OSError as error: print(error)\n"
    )
    for name in ("tmp", "new", "cur"):
        (folder_for_all / name).mkdir(mode=0o555)
    done = subprocess.run([sys.executable, "-c", program, folder_for_all], capture_output=True, text=True, check=True)
    assert "messages cannot be kept there (Permission denied); check delivery.path" in done.stdout


def test_a_folder_that_vanishes_is_no_way_out_any_more(tmp_path):
    words = r"cannot be written \(No such file or directory\); check delivery\.path"
    with pytest.raises(TransportError, match=words):
        deliver(tmp_path / "out", before=lambda: shutil.rmtree(tmp_path / "out"))


def test_a_message_that_cannot_be_moved_leaves_nothing_behind(tmp_path):
    with pytest.raises(TransportError, match="cannot be written"):
        deliver(tmp_path, before=(tmp_path / "new").rmdir)
    assert files(tmp_path) == []


def test_messages_are_for_their_owner_only(tmp_path):
    deliver(tmp_path / "out")
    (name,) = files(tmp_path / "out")
    assert stat.S_IMODE((tmp_path / "out" / name).stat().st_mode) == 0o600


def test_a_full_disk_is_no_way_out_and_leaves_nothing_behind(tmp_path):
    """A limit on the size of files fails the write half-way, as a full disk does."""
    program = (
        "import asyncio, resource, sys; from pathlib import Path\n"
        "from digest.clock import Clock; from digest.deliver.maildir import MaildirTransport\n"
        "from outboxes import ListOutbox, carry_once, parcel_for\n"
        "outbox = ListOutbox([parcel_for('d@e.f', b'x' * 9000)])\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (5000, 5000))\n"
        "try: asyncio.run(carry_once(MaildirTransport(path=Path(sys.argv[1]), clock=Clock()), outbox))\n"
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
