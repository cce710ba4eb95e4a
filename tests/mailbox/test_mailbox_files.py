"""Maildir, mbox and a pipe as mailboxes: what is read, what becomes of it, and what other programs do there."""

import mailbox
import os
import subprocess
import sys
import threading
import time
from io import BytesIO

import pytest

from digest.errors import MailboxError
from digest.mailbox import mbox
from digest.mailbox.mailbox import LARGEST
from digest.mailbox.maildir import MaildirMailbox
from digest.mailbox.mbox import MboxMailbox
from digest.mailbox.open_mailbox import open_mailbox, open_path
from digest.mailbox.single import SingleMessage, read_pipe
from digest.settings import InboundSettings


@pytest.fixture
def maildir(tmp_path):
    for name in ("new", "cur", "tmp"):
        (tmp_path / "box" / name).mkdir(parents=True)
    return tmp_path / "box"


def read(box, position=None):
    """The letters of a round, each settled before the next."""
    found = []
    for letter in box.letters(position):
        found.append(letter)
        box.settle(letter)
    return found


def names(folder):
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


# Maildir


def test_new_messages_are_marked_as_seen_as_mail_programs_do(maildir):
    (maildir / "new" / "2.b").write_bytes(b"two")
    (maildir / "new" / "1.a").write_bytes(b"one")
    assert [letter.content for letter in read(MaildirMailbox(maildir, after="mark"))] == [b"one", b"two"]
    assert names(maildir) == ["cur/1.a:2,S", "cur/2.b:2,S"]
    assert read(MaildirMailbox(maildir, after="mark")) == []


def test_what_a_server_moved_on_and_nobody_has_seen_is_read_and_keeps_its_flags(maildir):
    for name in ("1.a:2,", "2.b:2,F", "3.c:2,FS", "4.d:2,S"):
        (maildir / "cur" / name).write_bytes(name.encode())
    assert [letter.content for letter in read(MaildirMailbox(maildir, after="mark"))] == [b"1.a:2,", b"2.b:2,F"]
    assert names(maildir) == ["cur/1.a:2,S", "cur/2.b:2,FS", "cur/3.c:2,FS", "cur/4.d:2,S"]


@pytest.mark.parametrize(("after", "left"), [("delete", []), ("keep", ["new/1.a"])])
def test_messages_are_deleted_or_kept_as_the_settings_say(maildir, after, left):
    (maildir / "new" / "1.a").write_bytes(b"one")
    assert len(read(MaildirMailbox(maildir, after=after))) == 1
    assert names(maildir) == left


def test_nothing_is_marked_that_is_not_settled(maildir):
    (maildir / "new" / "1.a").write_bytes(b"one")
    assert len(list(MaildirMailbox(maildir, after="delete").letters(None))) == 1
    assert names(maildir) == ["new/1.a"]


def test_a_mail_program_that_is_quicker_disturbs_nothing(maildir):
    (maildir / "new" / "1.a").write_bytes(b"one")
    (maildir / "new" / "2.b").write_bytes(b"two")
    box = MaildirMailbox(maildir, after="mark")
    letters = box.letters(None)
    first = next(letters)
    (maildir / "new" / "1.a").rename(maildir / "cur" / "1.a:2,S")
    (maildir / "new" / "2.b").unlink()
    box.settle(first)
    assert list(letters) == []
    assert names(maildir) == ["cur/1.a:2,S"]


def test_a_message_that_cannot_be_read_is_passed_over(maildir):
    (maildir / "new" / "1.a").mkdir()
    (maildir / "new" / "2.b").write_bytes(b"two")
    found = list(MaildirMailbox(maildir, after="mark").letters(None))
    assert [bool(letter.problem) for letter in found] == [True, False]


def test_of_a_huge_message_only_the_beginning_is_read(maildir):
    with (maildir / "new" / "1.a").open("wb") as file:
        file.truncate(LARGEST * 3)
    (letter,) = MaildirMailbox(maildir, after="mark").letters(None)
    assert len(letter.content) == LARGEST


def test_a_folder_that_is_no_maildir_is_said(tmp_path):
    with pytest.raises(MailboxError, match="no Maildir that can be used"):
        read(MaildirMailbox(tmp_path, after="mark"))


# mbox


def append(path, *texts, sender="MAILER-DAEMON"):
    """As a mail server does it."""
    box = mailbox.mbox(path)
    box.lock()
    for text in texts:
        message = mailbox.mboxMessage(text)
        message.set_from(sender, time.gmtime(len(text) * 1000))
        box.add(message)
    box.close()


ONE, TWO, THREE = (f"Subject: {n}\n\nFrom here on\n\nFrom the team\n".encode() for n in ("one", "two", "three"))


def subjects(letters):
    return [letter.content.partition(b"\n")[0].decode() for letter in letters]


def test_messages_of_an_mbox_are_read_from_where_the_last_round_ended(tmp_path):
    path = tmp_path / "box"
    append(path, ONE, TWO)
    found = read(MboxMailbox(path, after="mark"))
    assert subjects(found) == ["Subject: one", "Subject: two"]
    assert found[0].content.endswith(b"From the team\n\n")
    append(path, THREE)
    for after in (found[-1], found[0]):
        left = subjects(read(MboxMailbox(path, after="mark"), after.position))
        assert left == ["Subject: two", "Subject: three"][after is found[-1] :]


def test_an_mbox_that_was_begun_anew_is_read_from_its_beginning(tmp_path):
    """As after logrotate; whether it is longer or shorter than it was."""
    path = tmp_path / "box"
    append(path, ONE)
    (letter,) = read(MboxMailbox(path, after="mark"))
    path.unlink()
    append(path, THREE, ONE, TWO)
    assert len(read(MboxMailbox(path, after="mark"), letter.position)) == 3


def test_an_mbox_is_emptied_once_all_of_it_was_acted_upon(tmp_path):
    path = tmp_path / "box"
    append(path, ONE, TWO)
    assert len(read(MboxMailbox(path, after="delete"))) == 2
    assert path.stat().st_size == 0
    assert read(MboxMailbox(path, after="delete")) == []


def test_an_mbox_with_a_message_that_was_passed_over_is_not_emptied(tmp_path):
    path = tmp_path / "box"
    append(path, ONE, TWO)
    size, box = path.stat().st_size, MboxMailbox(path, after="delete")
    for number, letter in enumerate(box.letters(None)):
        if number:
            box.settle(letter)
    assert path.stat().st_size == size


def test_what_arrives_while_an_mbox_is_read_stays_in_it(tmp_path):
    path = tmp_path / "box"
    append(path, ONE)
    box = MboxMailbox(path, after="delete")
    letters = box.letters(None)
    first = next(letters)
    append(path, TWO)
    box.settle(first)
    assert list(letters) == []
    assert subjects(read(MboxMailbox(path, after="delete"), first.position)) == ["Subject: two"]
    assert path.stat().st_size == 0


def test_the_locks_of_a_mail_server_are_waited_for(tmp_path, monkeypatch):
    """Both: that of the file, which only another process can hold against us, and the file beside it."""
    path = tmp_path / "box"
    append(path, ONE)
    hold = f"import fcntl, sys; f = open({str(path)!r}, 'rb+'); fcntl.lockf(f, fcntl.LOCK_EX); print(); input()"
    with subprocess.Popen([sys.executable, "-c", hold], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        holder.stdout.readline()
        assert_locked(path, monkeypatch)
        holder.communicate(b"\n")
    path.with_name("box.lock").touch()
    assert_locked(path, monkeypatch)
    monkeypatch.setattr(mbox, "_LOCK_SECONDS", 10)
    threading.Timer(0.2, path.with_name("box.lock").unlink).start()
    assert len(read(MboxMailbox(path, after="mark"))) == 1


def assert_locked(path, monkeypatch):
    monkeypatch.setattr(mbox, "_LOCK_SECONDS", 0.1)
    with pytest.raises(MailboxError, match="locked by another program"):
        read(MboxMailbox(path, after="mark"))


def test_an_mbox_that_is_not_ours_to_write_is_read_all_the_same(tmp_path, monkeypatch):
    path = tmp_path / "box"
    append(path, ONE)
    monkeypatch.setattr(os, "access", lambda *_: False)
    path.with_name("box.lock").touch()
    assert len(read(MboxMailbox(path, after="mark"))) == 1


def test_an_mbox_that_is_not_there_is_said(tmp_path):
    with pytest.raises(MailboxError, match="cannot be read as an mbox"):
        read(MboxMailbox(tmp_path / "box", after="mark"))


def test_of_a_huge_message_in_an_mbox_only_the_beginning_is_kept(tmp_path, monkeypatch):
    monkeypatch.setattr(mbox, "LARGEST", 1000)
    path = tmp_path / "box"
    append(path, b"Subject: huge\n\n" + b"x" * 70 + b"\n" + b"long line " * 900 + b"\n\nFrom x\n", TWO)
    found = read(MboxMailbox(path, after="mark"))
    assert subjects(found) == ["Subject: huge", "Subject: two"]
    assert len(found[0].content) <= 1000


# One message


def test_the_envelope_line_that_a_mail_server_writes_before_a_message_is_no_header():
    box = SingleMessage(name="-", content=b"From bounce@example.com Mon Mar  2 08:00:00 2026\nSubject: one\n\n")
    assert subjects(read(box)) == ["Subject: one"]
    assert read(SingleMessage(name="-", content=b"\n")) == []


def test_a_pipe_is_read_to_its_end_so_that_the_mail_server_meets_no_closed_pipe():
    stream = BytesIO(b"x" * (LARGEST + 5_000_000))
    assert len(read_pipe(stream)) == LARGEST
    assert stream.read() == b""


def test_a_path_tells_by_itself_what_it_is(tmp_path, maildir):
    append(tmp_path / "mbox", ONE)
    (tmp_path / "one.eml").write_bytes(TWO)
    kinds = [type(open_path(path)) for path in (maildir, tmp_path / "mbox", tmp_path / "one.eml")]
    assert kinds == [MaildirMailbox, MboxMailbox, SingleMessage]
    with pytest.raises(MailboxError, match="cannot be read"):
        open_path(tmp_path / "nothing")


def test_without_a_mailbox_in_the_settings_one_has_to_be_named(tmp_path):
    with pytest.raises(MailboxError, match="names no mailbox"), open_mailbox(InboundSettings(), tmp_path):
        pass
