"""Carrying over SMTP: in advance or in lock-step, released before it leaves, until a limit, idleness, or a stop."""

import asyncio
import socket
from collections import Counter

import pytest
from checking_outbox import BIG, MESSAGE, CheckingOutbox, carry, carry_once, parcel, parcels, transport_to, until
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from digest.deliver.smtp import channel as smtp_channel
from digest.deliver.smtp import connection as smtp_connection
from digest.deliver.transport import Ending
from digest.errors import LeaseLostError
from digest.testing import Fault, OnceMoreCame, RecordingServer, ScriptedServer, SinkServer, Slowly

PIPELINING = ("PIPELINING",)
WAYS = pytest.mark.parametrize("extensions", [(), PIPELINING], ids=["lock-step", "pipelining"])


def verbs(server: ScriptedServer) -> list[str]:
    return [command.partition(" ")[0] for command in server.commands]


# Pipelining


def test_the_next_message_is_announced_before_the_answer_to_the_last_dot():
    """The server answers a dot only once it was told of the next message: one round trip a message."""
    with ScriptedServer({"DOT": [OnceMoreCame("250 queued")] * 4}, extensions=PIPELINING) as server:
        outbox = CheckingOutbox(parcels(5))
        assert carry(server, outbox, timeout_after_dot=1) is Ending.FINISHED
    assert outbox.ends == ["sent"] * 5
    assert verbs(server) == ["EHLO", *["MAIL", "RCPT", "DATA"] * 5, "QUIT"]


def test_all_that_comes_before_a_body_is_said_at_once():
    script = {phase: OnceMoreCame(answer) for phase, answer in [("MAIL", "250 fine"), ("RCPT", "250 fine")]}
    with ScriptedServer(script, extensions=PIPELINING) as server:
        outbox = CheckingOutbox(parcels(2))
        carry(server, outbox, timeout=1)
    assert outbox.ends == ["sent", "sent"]


@pytest.mark.parametrize("phase", ["MAIL", "RCPT", "DOT"])
def test_nothing_is_said_in_advance_where_it_is_not_offered(phase):
    with ScriptedServer({phase: OnceMoreCame("250 fine")}) as server:
        outbox = CheckingOutbox(parcels(2))
        carry(server, outbox, timeout=0.3, timeout_after_dot=0.3)
    assert outbox.ends == ["uncertain" if phase == "DOT" else "given back", "waiting"]


def test_a_refused_message_is_forgotten_before_the_next_is_announced():
    with ScriptedServer({"RCPT": ["550 5.1.1 no"]}, extensions=PIPELINING) as server:
        carry(server, CheckingOutbox(parcels(2)))
    assert verbs(server) == ["EHLO", "MAIL", "RCPT", "DATA", "RSET", "MAIL", "RCPT", "DATA", "QUIT"]


def test_a_quick_server_takes_thousands():
    with SinkServer() as server:
        outbox = CheckingOutbox(parcels(300))
        assert carry(server, outbox) is Ending.FINISHED
    assert [message.rcpt_tos[0] for message in server.messages] == outbox.recipients("sent")
    assert server.connections == 1


# The release


@WAYS
@pytest.mark.parametrize("number", [0, 1, 2])
def test_a_withdrawn_message_never_leaves_and_ends_the_connection(extensions, number):
    """A dot after its 354 would deliver an empty message."""
    outbox = CheckingOutbox(parcels(3))

    async def withdraw(parcel) -> bool:
        return parcel is not outbox.parcels[number]

    outbox.on_release = withdraw
    with ScriptedServer(extensions=extensions) as server:
        assert carry(server, outbox) is Ending.USED_UP
    assert outbox.ends == ["sent"] * number + ["withdrawn"] + ["waiting"] * (2 - number)
    assert len(server.messages) == number
    assert verbs(server)[-1] == "DATA"


@WAYS
def test_what_the_outbox_raises_goes_on_and_nothing_leaves(extensions):
    outbox = CheckingOutbox(parcels(3))

    async def fail(parcel) -> bool:
        if parcel is outbox.parcels[1]:
            raise LeaseLostError("another process sends this issue")
        return True

    outbox.on_release = fail
    with ScriptedServer(extensions=extensions) as server, pytest.raises(LeaseLostError):
        carry(server, outbox)
    assert outbox.ends == ["sent", "taken", "waiting"], "neither settled nor given back"
    assert len(server.messages) == 1


@WAYS
def test_a_connection_lost_during_the_release_gives_the_message_back(extensions):
    outbox = CheckingOutbox(parcels(2))

    async def take_time(_parcel) -> bool:
        await asyncio.sleep(0.1)
        return True

    outbox.on_release = take_time
    with ScriptedServer({"DATA": [b"354 go\r\n421 4.3.2 closing\r\n"]}, extensions=extensions) as server:
        assert carry(server, outbox) is Ending.SLOW_DOWN
    assert (outbox.ends, outbox.words[0]) == (["given back", "waiting"], "421 4.3.2 closing")


# Limits and waits


@WAYS
def test_a_connection_carries_as_many_messages_as_the_settings_allow(extensions):
    outbox = CheckingOutbox(parcels(5))
    with ScriptedServer(extensions=extensions) as server:
        endings = [carry(server, outbox, messages_per_connection=2) for _ in range(3)]
    assert endings == [Ending.USED_UP, Ending.USED_UP, Ending.FINISHED]
    assert outbox.ends == ["sent"] * 5
    assert verbs(server).count("QUIT") == server.connections == 3


@pytest.mark.parametrize("fault", ["421 4.4.2 idle too long", Fault.DROP, Fault.HALF_CLOSE, "250 what else?"])
def test_a_server_that_closes_an_idle_connection_costs_nothing(fault):
    outbox, late = CheckingOutbox(parcels(1)), parcel("late@example.com")

    async def come_late() -> bool:
        await asyncio.sleep(0.3)
        outbox.add(late)
        return True

    outbox.on_wait = come_late
    with ScriptedServer({"IDLE": fault}, extensions=PIPELINING) as server:
        assert carry(server, outbox) is Ending.USED_UP
    assert outbox.ends == ["sent", "waiting"]


def test_a_message_that_comes_while_the_connection_is_idle_is_carried():
    outbox, late = CheckingOutbox(parcels(1)), parcel("late@example.com")

    async def come_late() -> bool:
        if late not in outbox.places:
            outbox.add(late)
        return late in outbox._waiting

    outbox.on_wait = come_late
    with ScriptedServer(extensions=PIPELINING) as server:
        assert carry(server, outbox) is Ending.FINISHED
    assert outbox.ends == ["sent", "sent"]
    assert server.connections == 1


def test_after_a_long_idle_time_we_say_goodbye(monkeypatch):
    monkeypatch.setattr(smtp_connection, "IDLE_SECONDS", 0.1)
    outbox = CheckingOutbox(parcels(1))

    async def nothing_yet() -> bool:
        await asyncio.sleep(0.02)
        return True

    outbox.on_wait = nothing_yet
    with ScriptedServer() as server:
        assert carry(server, outbox) is Ending.USED_UP
    assert verbs(server)[-1] == "QUIT"


def test_the_wait_after_the_dot_has_its_own_length():
    outbox = CheckingOutbox(parcels(1))
    with ScriptedServer({"DOT": Fault.STALL}) as server:
        carry(server, outbox, timeout=20, timeout_after_dot=0.3)
    words = "no reply within 0.3 s after the message was sent; it may or may not have been delivered"
    assert outbox.words == [words]


def test_a_slow_answer_to_the_dot_is_waited_for_longer_than_a_step():
    outbox = CheckingOutbox(parcels(2))
    with ScriptedServer({"DOT": Slowly("250 fine", 0.06)}, extensions=PIPELINING) as server:
        carry(server, outbox, timeout=0.3, timeout_after_dot=5)
    assert outbox.ends == ["sent", "sent"]


# Stopping


@WAYS
@pytest.mark.parametrize(
    ("phase", "end"),
    [
        ("MAIL", "given back"),
        ("RCPT", "given back"),
        ("DATA", "given back"),
        ("BODY", "given back"),
        ("DOT", "uncertain"),
    ],
)
def test_cancelling_closes_the_socket_at_once(phase, end, extensions):
    outbox = CheckingOutbox(parcels(2, BIG if phase == "BODY" else MESSAGE))

    async def run(server):
        task = asyncio.create_task(carry_once(transport_to(server), outbox))
        seen = {"MAIL": "MAIL", "RCPT": "RCPT"}.get(phase, "DATA")
        await until(lambda: seen in verbs(server))
        await asyncio.sleep(0.05)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        outbox.require_accounted()
        if phase != "BODY":  # a server that does not read does not notice
            await until(lambda: not server.open_connections)

    with ScriptedServer({phase: Fault.STALL}, extensions=extensions) as server:
        asyncio.run(asyncio.wait_for(run(server), 10))
        assert server.messages == []
    assert outbox.ends[0] == end
    assert outbox.words[0].startswith("stopped ")
    assert outbox.ends[1] == ("given back" if phase in {"BODY", "DOT"} and extensions else "waiting")


def test_cancelling_while_idle_loses_nothing():
    outbox = CheckingOutbox(parcels(1))

    async def run(server):
        idle = asyncio.Event()

        async def wait() -> bool:
            idle.set()
            await asyncio.sleep(60)
            return True

        outbox.on_wait = wait
        task = asyncio.create_task(carry_once(transport_to(server), outbox))
        await idle.wait()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await until(lambda: not server.open_connections)

    with ScriptedServer() as server:
        asyncio.run(asyncio.wait_for(run(server), 10))
    assert outbox.ends == ["sent"]


# Where from, where to, on which loop


def test_the_source_address_is_the_one_asked_for():
    with ScriptedServer() as server:
        carry(server, CheckingOutbox(parcels(1)), source_address="127.0.0.9")
    assert server.peers == ["127.0.0.9"]


def test_ipv6_works_like_the_other():
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError:
        pytest.skip("this machine has no IPv6")
    with ScriptedServer(host="::1") as server:
        outbox = CheckingOutbox(parcels(2))
        carry(server, outbox, local_hostname="", source_address="::1")
    assert outbox.ends == ["sent", "sent"]


@pytest.mark.parametrize("security", ["none", "starttls", "tls"])
def test_another_event_loop_carries_as_well(security, certificates):
    uvloop = pytest.importorskip("uvloop")
    tls = {"tls_context": certificates.server, "require_starttls": security == "starttls"}
    outbox = CheckingOutbox(parcels(20, MESSAGE * 1000))
    with RecordingServer(**({} if security == "none" else tls)) as server:
        transport = transport_to(server, security=security, ca_file=certificates.ca_file)
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            assert runner.run(asyncio.wait_for(carry_once(transport, outbox), 10)) is Ending.FINISHED
    assert [message.rcpt_tos[0] for message in server.messages] == outbox.recipients("sent")


@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
@pytest.mark.parametrize("fault", [Fault.DROP, Fault.STALL])
@pytest.mark.parametrize("security", ["none", "starttls"])
def test_a_body_that_is_stuck_is_certainly_not_delivered(loop, fault, security, certificates):
    """Inside TLS too, where the socket below must be asked what has left."""
    factory = pytest.importorskip("uvloop").new_event_loop if loop == "uvloop" else None
    outbox = CheckingOutbox(parcels(2, BIG))
    options = {"security": security, "ca_file": certificates.ca_file, "timeout": 0.5, "timeout_after_dot": 0.5}
    server = ScriptedServer({"BODY": fault}, extensions=("STARTTLS",), tls_context=certificates.server)
    with server, asyncio.Runner(loop_factory=factory) as runner:
        ending = runner.run(asyncio.wait_for(carry_once(transport_to(server, **options), outbox), 10))
    assert (ending, outbox.ends) == (Ending.SLOW_DOWN, ["given back", "waiting"])


def test_the_time_limit_holds_however_often_the_wait_is_looked_at(certificates, monkeypatch):
    """The timer may ring just when somebody was woken for another reason; the limit must not be forgotten then."""
    monkeypatch.setattr(smtp_channel, "_NAP_SECONDS", 0)
    options = {"security": "starttls", "ca_file": certificates.ca_file, "timeout": 0.1}
    for _ in range(5):
        outbox = CheckingOutbox(parcels(1, BIG))
        with ScriptedServer({"BODY": Fault.STALL}, extensions=("STARTTLS",), tls_context=certificates.server) as server:
            carry(server, outbox, within=5, **options)
        assert outbox.words == ["the server took no data for 0.1 s before the message was sent"]


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_a_large_message_arrives_whole_inside_tls(security, certificates):
    content = MESSAGE + b"".join(b"%070d\r\n" % number for number in range(40_000))
    outbox = CheckingOutbox(parcels(2, content))
    with RecordingServer(tls_context=certificates.server, require_starttls=security == "starttls") as server:
        carry(server, outbox, security=security, ca_file=certificates.ca_file)
    assert [message.content for message in server.messages] == [content] * 2


# Anything at all

GARBAGE = b"\x00\xff what\r\n"
ANY = st.sampled_from(
    [
        *("250 2.0.0 fine", "451 4.3.0 later", "550 5.1.1 no", "421 4.3.2 closing", "452 4.5.3 too many", "354 go"),
        *("503 5.5.1 bad sequence", GARBAGE, b"250 half", b"250-more\r\n250 fine\r\n", b"250 one\r\n550 two\r\n"),
        *(Slowly("250 fine"), Fault.DROP, Fault.RESET, Fault.HALF_CLOSE),
    ]
)
GOOD = {"MAIL": "250 fine", "RCPT": "250 fine", "DATA": "354 go", "DOT": "250 queued", "RSET": "250 fine"}


def answers(phase: str) -> st.SearchStrategy[list]:
    odd = st.one_of(ANY, st.just(Fault.KEEP_AND_DROP)) if phase == "DOT" else ANY
    return st.lists(st.one_of(st.just(GOOD[phase]), st.just(GOOD[phase]), odd), max_size=5)


SCRIPTS = st.fixed_dictionaries({phase: answers(phase) for phase in GOOD})


@settings(max_examples=50, deadline=None, suppress_health_check=list(HealthCheck))
@given(script=SCRIPTS, count=st.integers(1, 6), is_pipelining=st.booleans())
@example(  # the first recipient would have got what is said when the second is refused
    script={**dict.fromkeys(GOOD, ()), "MAIL": ["451 no", "250 fine"], "RCPT": ["250 fine", "451 no"]},
    count=2,
    is_pipelining=True,
)
def test_whatever_is_answered_nothing_is_lost_and_nothing_arrives_twice(script, count, is_pipelining):
    """Over as many connections as it takes; what is given back is sent again, what is settled never."""
    outbox = CheckingOutbox(parcels(count))
    with ScriptedServer(script, extensions=PIPELINING if is_pipelining else ()) as server:
        for _ in range(30):
            ending = carry(server, outbox, within=5, timeout=0.2, timeout_after_dot=0.2)
            if ending is Ending.FINISHED and "given back" not in outbox.ends:
                break
            outbox.offer_again()
    accepted = Counter(recipient for message in server.messages for recipient in message.rcpt_tos)
    assert set(outbox.ends) <= {"sent", "deferred", "failed", "uncertain"}
    assert set(accepted.values()) <= {1}
    assert set(outbox.recipients("sent")) <= set(accepted) <= set(outbox.recipients("sent", "uncertain"))
    assert all(message.content == MESSAGE for message in server.messages)
