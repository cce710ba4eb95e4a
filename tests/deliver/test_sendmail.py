"""The way out through a program: what each way in which it may end means for its message."""

import asyncio
import os
import shutil
import subprocess
import threading
import time
from pathlib import Path

import pytest
import uvloop
from outboxes import ListOutbox, carry, carry_once, parcel_for
from sendmail_programs import program

from digest.deliver.sendmail import SendmailTransport
from digest.deliver.transport import Ending
from digest.errors import TransportError
from digest.model import DeliveryState

MESSAGE = b"To: reader@example.com\r\n\r\nHello\r\n"
LARGE = b"Subject: x\r\n\r\n" + b"y" * 70 + b"\r\n" + (b"z" * 70 + b"\r\n") * 20_000
"""More than any pipe holds, so that a program that does not read keeps us from writing the whole."""
SENT, DEFERRED, FAILED, UNCERTAIN = (
    DeliveryState.SENT,
    DeliveryState.DEFERRED,
    DeliveryState.FAILED,
    DeliveryState.UNCERTAIN,
)


def deliver(folder: Path, script: str, content: bytes = MESSAGE, *, timeout: float = 20, **options):
    """What became of one message that the script was given."""
    transport = SendmailTransport(command=(str(program(folder, script)), "-i"), timeout=timeout)
    outbox = ListOutbox([parcel_for("reader@example.com", content)])
    asyncio.run(carry_once(transport, outbox), **options)
    (outcome,) = outbox.outcomes.values()
    return outcome


def test_the_program_gets_the_envelope_as_arguments_and_the_message_with_plain_line_ends(tmp_path):
    outcome = deliver(tmp_path, 'cat > $BOX/message; echo "$@" > $BOX/arguments')
    assert outcome.state is SENT
    assert (tmp_path / "message").read_bytes() == MESSAGE.replace(b"\r\n", b"\n")
    assert (tmp_path / "arguments").read_text() == "-i -f bounces@example.com -- reader@example.com\n"


@pytest.mark.parametrize(
    ("status", "state"),
    [
        (os.EX_OK, SENT),
        (os.EX_USAGE, DEFERRED),
        (os.EX_DATAERR, FAILED),
        (os.EX_NOUSER, FAILED),
        (os.EX_NOHOST, FAILED),
        (os.EX_UNAVAILABLE, DEFERRED),
        (os.EX_SOFTWARE, DEFERRED),
        (os.EX_OSERR, DEFERRED),
        (os.EX_OSFILE, DEFERRED),
        (os.EX_CANTCREAT, DEFERRED),
        (os.EX_IOERR, DEFERRED),
        (os.EX_TEMPFAIL, DEFERRED),
        (1, DEFERRED),  # Exim's, for whatever it is
        (127, DEFERRED),  # a shell's, for a program that is not there
        (137, UNCERTAIN),  # a shell's, for a program that was killed
        (255, UNCERTAIN),  # ssh's, for a connection that was lost
    ],
)
def test_an_exit_status_means_what_sysexits_says(tmp_path, status, state):
    outcome = deliver(tmp_path, f"cat > /dev/null; echo 'in its words\nand more' >&2; exit {status}")
    assert outcome.state is state
    assert outcome.reply == ("in its words and more" if status < 128 else f"the program ended with {status}")


def test_a_silent_program_is_known_by_its_status(tmp_path):
    assert deliver(tmp_path, "cat > /dev/null; exit 75").reply == "exit status 75"


@pytest.mark.parametrize("status", [os.EX_NOPERM, os.EX_CONFIG])
def test_a_program_that_takes_no_mail_of_ours_is_no_way_out(tmp_path, status):
    transport = SendmailTransport(command=(str(program(tmp_path, f"echo 'not you' >&2; exit {status}")),))
    outbox = ListOutbox([parcel_for("reader@example.com", MESSAGE)])
    words = rf"sendmail takes no mail \(exit status {status}: not you\); check delivery\.sendmail"
    with pytest.raises(TransportError, match=words):
        asyncio.run(carry_once(transport, outbox))
    assert len(outbox.given_back) == 1


@pytest.mark.parametrize(
    ("content", "script", "state"),
    [
        pytest.param(MESSAGE, "cat > /dev/null; kill -TERM $$", UNCERTAIN, id="whole"),
        pytest.param(LARGE, "cat > /dev/null; kill -TERM $$", UNCERTAIN, id="large-whole"),
        pytest.param(LARGE, "head -c 1000 > /dev/null; kill -TERM $$", DEFERRED, id="half"),
    ],
)
def test_a_program_that_was_killed_leaves_doubt_only_with_the_whole_message_in_its_hands(
    tmp_path, content, script, state
):
    outcome = deliver(tmp_path, script, content)
    assert (outcome.state, outcome.reply) == (state, "the program was killed by SIGTERM")


@pytest.mark.parametrize(
    ("content", "script", "state"),
    [
        pytest.param(MESSAGE, "cat > /dev/null; sleep 20", UNCERTAIN, id="whole"),
        pytest.param(LARGE, "head -c 1000 > /dev/null; sleep 20", DEFERRED, id="half"),
    ],
)
def test_a_program_that_does_not_end_is_killed_with_its_children(tmp_path, content, script, state):
    began = time.monotonic()
    outcome = deliver(tmp_path, f"(sleep 0.8; touch $BOX/alive) & {script}", content, timeout=0.3)
    assert (outcome.state, outcome.reply) == (state, "the program did not end within 0.3 seconds")
    time.sleep(began + 1.1 - time.monotonic())
    assert not (tmp_path / "alive").exists()


def test_a_stalled_program_asks_for_fewer_at_once(tmp_path):
    transport = SendmailTransport(command=(str(program(tmp_path, "cat > /dev/null; sleep 20")),), timeout=0.2)
    outbox = ListOutbox([parcel_for("reader@example.com", MESSAGE)])
    assert asyncio.run(carry_once(transport, outbox)) is Ending.SLOW_DOWN


def test_a_program_that_ends_well_without_reading_everything_may_have_sent_a_part(tmp_path):
    """As sendmail without -i does, which takes a line of one dot for the end."""
    outcome = deliver(tmp_path, "head -c 1000 > /dev/null; exit 0", LARGE)
    assert outcome.state is UNCERTAIN
    assert "is -i among delivery.sendmail?" in outcome.reply


def test_a_refusal_before_the_message_was_read_is_a_refusal(tmp_path):
    outcome = deliver(tmp_path, "echo 'too large' >&2; exit 65", LARGE)
    assert (outcome.state, outcome.reply) == (FAILED, "too large")


def test_a_child_that_stays_in_the_background_is_not_waited_for(tmp_path):
    """Exim delivers so, with our pipes still open."""
    began = time.monotonic()
    assert deliver(tmp_path, "cat > /dev/null; sleep 3 & exit 0").state is SENT
    assert time.monotonic() - began < 2


def test_a_flood_of_words_is_cut(tmp_path):
    outcome = deliver(tmp_path, "yes 2>&1 | head -c 1000000 >&2; cat > /dev/null; exit 75")
    assert outcome.state is DEFERRED
    assert len(outcome.reply) < 400


@pytest.mark.parametrize("unfit", ["absent", "not-executable", "a-folder"])
def test_a_program_that_cannot_be_run_is_said_with_the_setting(tmp_path, unfit):
    (tmp_path / "not-executable").write_text("#!/bin/sh\n")
    (tmp_path / "a-folder").mkdir()
    with pytest.raises(TransportError, match=rf"{unfit} is not there, or may not be run.*; check delivery\.sendmail"):
        carry(SendmailTransport(command=(str(tmp_path / unfit),)), [])


def test_a_program_that_cannot_be_started_is_said_and_the_message_given_back(tmp_path):
    (tmp_path / "sendmail").write_text("#!/no/such/shell\n")
    (tmp_path / "sendmail").chmod(0o755)
    outbox = ListOutbox([parcel_for("reader@example.com", MESSAGE)])
    with pytest.raises(TransportError, match=r"cannot be run \(.+\); check delivery\.sendmail"):
        asyncio.run(carry_once(SendmailTransport(command=(str(tmp_path / "sendmail"),)), outbox))
    assert len(outbox.given_back) == 1


def test_it_works_in_a_thread_and_on_uvloop(tmp_path):
    """The service sends in a thread of its own; the `speed` extra brings another event loop."""
    transport = SendmailTransport(command=(str(program(tmp_path, "cat > /dev/null")),))
    outboxes = [ListOutbox([parcel_for("reader@example.com", LARGE)]) for _ in range(2)]

    def run(outbox, loop_factory):
        with asyncio.Runner(loop_factory=loop_factory) as runner:
            runner.run(carry_once(transport, outbox))

    for outbox, factory in zip(outboxes, (None, uvloop.new_event_loop), strict=True):
        thread = threading.Thread(target=run, args=(outbox, factory))
        thread.start()
        thread.join(20)
    assert [outbox.states for outbox in outboxes] == [[SENT], [SENT]]


@pytest.mark.parametrize(
    ("script", "state"),
    [("exit 67", FAILED), ("head -c 1000 > /dev/null; sleep 20", DEFERRED), ("cat > /dev/null; sleep 20", UNCERTAIN)],
)
def test_on_uvloop_too_doubt_begins_with_the_last_byte(tmp_path, script, state):
    transport = SendmailTransport(command=(str(program(tmp_path, script)),), timeout=0.5)
    outbox = ListOutbox([parcel_for("reader@example.com", LARGE)])
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(carry_once(transport, outbox))
    assert outbox.states == [state]


@pytest.fixture
def postfix(tmp_path, monkeypatch):
    """The queue of a Postfix that is not running, instead of this machine's own: nothing can leave it."""
    if not (shutil.which("postdrop", path="/usr/sbin") and Path("/usr/sbin/sendmail").exists()):
        pytest.skip("Postfix is not installed")
    if os.getuid() != 0:
        pytest.skip("only root may give Postfix another queue")
    (tmp_path / "conf").mkdir()
    for part in ("maildrop", "public", "pid"):
        (tmp_path / "queue" / part).mkdir(parents=True)
    settings = {"compatibility_level": "3.6", "queue_directory": tmp_path / "queue", "myhostname": "mail.example.com"}
    lines = [f"{key} = {value}\n" for key, value in settings.items()]
    (tmp_path / "conf" / "main.cf").write_text("".join(lines))
    (tmp_path / "conf" / "master.cf").touch()
    monkeypatch.setenv("MAIL_CONFIG", str(tmp_path / "conf"))
    return tmp_path / "queue" / "maildrop"


def test_postfix_queues_what_it_is_given(postfix):
    transport = SendmailTransport(command=("/usr/sbin/sendmail", "-i"), timeout=60)
    content = b"Subject: x\r\n\r\n.\r\n..\r\n" + b"x" * 998 + b"\r\nend\r\n"
    outbox = carry(transport, [parcel_for("-o@example.com", content, sender="-b@example.com")])
    assert outbox.states == [SENT]
    (file,) = [file for file in postfix.iterdir() if file.is_file()]
    queued = subprocess.run(["/usr/sbin/postcat", file], capture_output=True, check=True).stdout
    envelope, _, rest = queued.partition(b"*** MESSAGE CONTENTS ")
    assert b"sender: -b@example.com\nrecipient: -o@example.com\n" in envelope
    assert rest.partition(b"\n")[2].startswith(content.replace(b"\r\n", b"\n"))


def test_what_postfix_does_not_queue_is_deferred_in_its_words(postfix):
    with (postfix.parents[1] / "conf" / "main.cf").open("a") as settings:
        settings.write("message_size_limit = 2000\n")
    transport = SendmailTransport(command=("/usr/sbin/sendmail", "-i"), timeout=60)
    parcel = parcel_for("reader@example.com", LARGE)
    outcome = carry(transport, [parcel]).outcomes[parcel]
    assert outcome.state is DEFERRED
    assert "message file too big" in outcome.reply
    assert not [file for file in postfix.iterdir() if file.is_file()]
