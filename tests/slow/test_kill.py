"""kill -9 at random moments of a send: nobody gets two, nobody is lost, and what is in doubt is listed.

Three hundred kills in all, of senders that are at their plainest, among retries, among pauses, and in bursts of
commits. Twenty more times a sender is stopped beyond its lease and goes on after another has taken its issue over.
"""

import json
import signal
import time
from collections import Counter
from random import Random

import pytest
from mail_sinks import LateServer, SmtpSink, find_smtp_sink
from ordeals import (
    Site,
    finish,
    kill_again_and_again,
    refuse_at_first,
    seeded,
    stop_between_commits,
    wait_until,
)

from command_line import digest
from digest.testing import SinkServer
from workspaces import reader_address

CONNECTIONS = 8
MANY_CONNECTIONS = 50
STOPS = 20
pytestmark = pytest.mark.timeout(600)


class QuickServer(SinkServer):
    """Answers at once."""

    def taken(self):
        return Counter(message.rcpt_tos[0] for message in list(self.messages))

    def count(self):
        return len(self.messages)


def late(moments, seconds):
    """Delays of at most so many seconds, by a chance of their own: the server runs in another thread."""
    own = Random(moments.random())
    return lambda: own.uniform(0, seconds)


@pytest.mark.slow
@pytest.mark.parametrize(("readers", "kills"), [(500, 3), (6000, 100)], ids=["quick", "full"])
def test_kill_9_in_mid_send_doubles_and_loses_nothing(workspace, start_digest, run_digest, readers, kills):
    """The server has a message for up to 20 ms before it says so."""
    moments = seeded()
    with LateServer(delay=late(moments, 0.02)) as server:
        site = Site(workspace, server, readers=readers, connections=CONNECTIONS)
        kill_again_and_again(site, start_digest, kills=kills, moments=moments)
        finish(site, run_digest)
        site.require_whole(interruptions=kills)
    shown = run_digest("issues", "show", site.edition, "--json", "--addresses", "--config", site.file)
    issue = json.loads(shown.stdout)
    listed = {row["address"] for row in issue["trouble"] if row["state"] == "uncertain"}
    assert listed == {address for address, state in site.rows().items() if state == "uncertain"}


@pytest.mark.slow
def test_kill_9_before_smtp_sink(workspace, start_digest, run_digest, tmp_path):
    """The same with a server that is not ours, and quick."""
    program, moments, kills = find_smtp_sink(), seeded(), 60
    if program is None:
        pytest.skip("no smtp-sink; install Debian's package postfix")
    with SmtpSink(program, tmp_path / "taken") as server:
        site = Site(workspace, server, readers=6000, connections=CONNECTIONS)
        kill_again_and_again(site, start_digest, kills=kills, moments=moments)
        finish(site, run_digest)
        site.require_whole(interruptions=kills)


@pytest.mark.slow
def test_kill_9_among_retries(workspace, start_digest, run_digest):
    """A fifth of the readers are put off up to three times, before or after their message."""
    readers, kills, moments = 4000, 50, seeded()
    put_off = {reader_address(number): moments.randint(1, 3) for number in range(readers) if moments.random() < 0.2}
    refuse = refuse_at_first(put_off, moments)
    with LateServer(delay=late(moments, 0.01), refuse=refuse) as server:
        site = Site(workspace, server, readers=readers, connections=CONNECTIONS)

        def let_time_pass():
            site.write("UPDATE delivery SET next_at = 1 WHERE state = 'deferred'")

        kill_again_and_again(site, start_digest, kills=kills, moments=moments, between=let_time_pass)
        while site.issue_state() != "sent":
            finish(site, run_digest)
            let_time_pass()
        site.require_whole(interruptions=kills)


@pytest.mark.slow
def test_kill_9_among_pauses(workspace, start_digest, run_digest):
    """Another process pauses the issue, and lets it go on before or after the kill."""
    kills, moments = 40, seeded()
    with LateServer(delay=late(moments, 0.02)) as server:
        site = Site(workspace, server, readers=6000, connections=CONNECTIONS)

        def resume_if_paused():
            if site.issue_state() == "paused":
                answer = digest("issues", "resume", site.edition, config=site.file)
                assert answer.code == 0, answer.err

        def pause():
            if moments.random() < 0.8:
                digest("issues", "pause", site.edition, config=site.file)
                if moments.random() < 0.3:
                    resume_if_paused()

        kill_again_and_again(
            site, start_digest, kills=kills, moments=moments, meanwhile=pause, between=resume_if_paused
        )
        finish(site, run_digest)
        site.require_whole(interruptions=2 * kills)


@pytest.mark.slow
def test_kill_9_in_a_burst_of_commits(workspace, start_digest, run_digest):
    """Fifty connections to a quick server share each commit."""
    kills, moments = 50, seeded()
    with QuickServer() as server:
        site = Site(workspace, server, readers=10_000, connections=MANY_CONNECTIONS)
        kill_again_and_again(site, start_digest, kills=kills, moments=moments)
        finish(site, run_digest)
        site.require_whole(interruptions=kills)


@pytest.mark.slow
def test_a_sender_that_was_stopped_beyond_its_lease_sends_nothing_more(workspace, start_digest, run_digest):
    """SIGSTOP, and the lease runs out; a rival takes over; SIGCONT, before the rival has begun or after."""
    moments = seeded()
    overtaken = 0
    with LateServer(delay=late(moments, 0.1)) as server:
        site = Site(workspace, server, readers=10_000, connections=CONNECTIONS)
        holder = start_digest(*site.send)
        for _ in range(STOPS):
            goal = server.count() + moments.randint(1, 100)
            wait_until(lambda goal=goal: server.count() >= goal, holder)
            stop_between_commits(holder, site)
            assert holder.poll() is None, "it has sent everything; give it more readers"
            site.write("UPDATE issue SET lease_until = 0")
            rival = start_digest(*site.send)
            if moments.random() < 0.5:
                time.sleep(moments.uniform(0.3, 1))
            else:
                count = server.count()
                wait_until(lambda count=count: server.count() > count, rival)
            holder.send_signal(signal.SIGCONT)
            holder = one_that_goes_on(holder, rival)
            overtaken += holder is rival
        server.delay = late(moments, 0)
        assert holder.wait(timeout=120) == 0, holder.stdout.read()
        site.require_whole(interruptions=STOPS)
        assert overtaken > 0


def one_that_goes_on(holder, rival):
    """The former holder ends; but where it went on before the rival had claimed the issue, the rival does."""
    give_up_at = time.monotonic() + 30
    while time.monotonic() < give_up_at:
        if holder.poll() is not None:
            return rival
        if rival.poll() is not None:
            return holder
        time.sleep(0.001)
    raise AssertionError("two senders run")
