"""The SMTP client against servers that behave, refuse, stall, babble and vanish."""

import asyncio

import pytest

from digest.deliver.smtp import SmtpTransport
from digest.deliver.transport import Envelope, Outcome
from digest.errors import TransportError
from digest.model import DeliveryState
from digest.testing import Fault, ScriptedServer

SENT, DEFERRED = DeliveryState.SENT, DeliveryState.DEFERRED
FAILED, UNCERTAIN = DeliveryState.FAILED, DeliveryState.UNCERTAIN
TO_READER = Envelope(sender="bounces@example.com", recipient="reader@example.com")
MESSAGE = b"To: reader@example.com\r\nSubject: x\r\n\r\nHello\r\n"


def transport_to(server, **options) -> SmtpTransport:
    values = {"security": "none", "timeout": 20, "timeout_after_dot": 20, "local_hostname": "client.example.com"}
    return SmtpTransport(host=server.host, port=server.port, **{**values, **options})


def deliver(transport: SmtpTransport, times: int, message: bytes = MESSAGE, to: Envelope = TO_READER) -> list[Outcome]:
    async def run():
        async with transport.connect() as connection:
            return [await connection.deliver(to, message) for _ in range(times)]

    return asyncio.run(run())


# Phase by fault

GARBAGE = b"\x00\xff what is this\r\n"
TOO_LONG = b"250 " + b"x" * 200_000 + b"\r\n"
ENDLESS = (b"250-" + b"x" * 500 + b"\r\n") * 400
TWO_CODES = b"250-yes\r\n550 no\r\n"
HALF_A_REPLY = b"250 2.0.0 que"
PHASES = ("MAIL", "RCPT", "DATA", "DOT")


def when_the_conversation_ends(phase: str) -> DeliveryState:
    return UNCERTAIN if phase == "DOT" else DEFERRED


FAULTS = [
    *[(phase, "451 4.3.0 later", DEFERRED, (451, "4.3.0 later")) for phase in PHASES],
    *[(phase, "550 5.7.1 never", FAILED, (550, "5.7.1 never")) for phase in PHASES],
    *[(phase, "421 4.3.2 closing", DEFERRED, (421, "4.3.2 closing")) for phase in PHASES],
    *[
        (phase, fault, when_the_conversation_ends(phase), (None, words))
        for phase in PHASES
        for fault, words in [
            (Fault.DROP, "connection lost"),
            (GARBAGE, "reply not understood"),
            (TOO_LONG, "reply longer than 100000 bytes"),
            (ENDLESS, "reply longer than 100000 bytes"),
            (TWO_CODES, "reply not understood"),
        ]
    ],
    ("MAIL", "354 go ahead", DEFERRED, (None, "unexpected reply 354 go ahead")),
    ("RCPT", "354 go ahead", DEFERRED, (None, "unexpected reply 354 go ahead")),
    ("DATA", "250 fine", DEFERRED, (None, "unexpected reply 250 fine")),
    ("DOT", "354 go ahead", UNCERTAIN, (None, "unexpected reply 354 go ahead")),
    ("MAIL", "530 5.7.0 log in first", FAILED, (530, "5.7.0 log in first")),
]
"""Where it happens, what the server does, what becomes of the message, and in which words."""


@pytest.mark.parametrize(("phase", "fault", "state", "words"), FAULTS, ids=lambda value: str(value)[:20])
def test_each_fault_has_its_outcome_and_the_next_message_works(phase, fault, state, words):
    is_tried_again = phase == "MAIL" and not isinstance(fault, str)
    script = {phase: [fault] * (2 if is_tried_again else 1)}
    with ScriptedServer(script) as server:
        first, second = deliver(transport_to(server), 2)
    assert (first.state, first.code) == (state, words[0])
    assert first.reply.startswith(words[1])
    assert second.state is SENT


@pytest.mark.parametrize("phase", PHASES)
def test_a_server_that_says_nothing_is_given_up_in_time(phase):
    """Silence after the dot leaves the message in doubt; before it the message has not gone."""
    with ScriptedServer({phase: Fault.STALL}) as server:
        (outcome,) = deliver(transport_to(server, timeout=0.4, timeout_after_dot=0.4), 1)
    assert outcome.state is when_the_conversation_ends(phase)
    assert outcome.reply.startswith("no reply within 0.4 s")


def test_the_wait_after_the_dot_has_its_own_length():
    with ScriptedServer({"DOT": Fault.STALL}) as server:
        (outcome,) = deliver(transport_to(server, timeout_after_dot=0.3), 1)
    assert (outcome.state, outcome.reply) == (
        UNCERTAIN,
        "no reply within 0.3 s after the message was sent; it may or may not have been delivered",
    )


@pytest.mark.parametrize(
    ("fault", "words"), [(Fault.DROP, "connection lost"), (Fault.STALL, "the server took no data for 0.5 s")]
)
def test_a_message_whose_dot_never_left_is_not_in_doubt(fault, words):
    """16 MB fill every buffer on the way, so the loss is seen before the dot is written."""
    big = MESSAGE + b"x" * 70 + b"\r\n" + (b"y" * 70 + b"\r\n") * 230_000
    with ScriptedServer({"BODY": fault}) as server:
        (outcome,) = deliver(transport_to(server, timeout=0.5 if fault is Fault.STALL else 20), 1, big)
    assert (outcome.state, outcome.reply) == (DEFERRED, f"{words} before the message was sent")


def test_half_a_reply_after_the_dot_leaves_the_message_in_doubt():
    with ScriptedServer({"DOT": HALF_A_REPLY, "QUIT": "221 bye"}) as server:
        (outcome,) = deliver(transport_to(server, timeout_after_dot=0.3), 1)
    assert outcome.state is UNCERTAIN


@pytest.mark.parametrize("phase", PHASES)
def test_a_loss_inside_tls_has_the_same_outcomes(phase, certificates):
    script = {phase: [Fault.DROP] * (2 if phase == "MAIL" else 1)}
    with ScriptedServer(script, extensions=("STARTTLS",), tls_context=certificates.server) as server:
        outcomes = deliver(transport_to(server, security="starttls", ca_file=certificates.ca_file), 2)
    assert [outcome.state for outcome in outcomes] == [when_the_conversation_ends(phase), SENT]


# One connection for many messages


def test_one_connection_serves_many_messages_and_ends_with_quit():
    with ScriptedServer() as server:
        outcomes = deliver(transport_to(server), 50)
    assert {outcome.state for outcome in outcomes} == {SENT}
    assert (server.connections, len(server.messages)) == (1, 50)
    assert server.commands[-1] == "QUIT"
    assert "RSET" not in server.commands


def test_a_refused_message_is_forgotten_before_the_next_one():
    with ScriptedServer({"RCPT": ["550 5.1.1 no"]}) as server:
        deliver(transport_to(server), 2)
    verbs = [command.split()[0] for command in server.commands]
    assert verbs == ["EHLO", "MAIL", "RCPT", "RSET", "MAIL", "RCPT", "DATA", "QUIT"]
    assert server.connections == 1


@pytest.mark.parametrize("fault", ["500 what?", Fault.DROP, GARBAGE])
def test_where_the_server_cannot_forget_a_new_connection_does(fault):
    with ScriptedServer({"RCPT": ["550 5.1.1 no"], "RSET": fault}) as server:
        outcomes = deliver(transport_to(server), 2)
    assert [outcome.state for outcome in outcomes] == [FAILED, SENT]
    assert server.connections == 2


def test_a_connection_lost_between_messages_is_opened_again_without_a_word():
    with ScriptedServer({"MAIL": ["250 fine", Fault.DROP]}) as server:
        outcomes = deliver(transport_to(server), 3)
    assert {outcome.state for outcome in outcomes} == {SENT}
    assert server.connections == 2


def test_one_message_opens_at_most_one_new_connection():
    with ScriptedServer({"MAIL": Fault.DROP}) as server:
        (outcome,) = deliver(transport_to(server), 1)
    assert outcome.state is DEFERRED
    assert server.connections == 2


def test_a_server_that_cannot_be_opened_again_is_no_way_out_any_more():
    """Said as when connecting, so that the sender stops instead of deferring reader after reader."""
    words = r"no service: 554 5\.3\.2 gone fishing; check delivery\.host"
    with (
        ScriptedServer({"DOT": Fault.DROP, "GREETING": ["220 hi", "554 5.3.2 gone fishing"]}) as server,
        pytest.raises(TransportError, match=words),
    ):
        deliver(transport_to(server), 2)
    assert server.connections == 2


def test_a_server_that_answers_twice_never_makes_a_message_count_as_sent_that_was_not():
    with ScriptedServer({"DOT": [b"250 queued\r\n250 queued\r\n"]}) as server:
        outcomes = deliver(transport_to(server), 3)
    assert [outcome.state for outcome in outcomes] == [SENT, DEFERRED, SENT]
    assert len(server.messages) == 2


@pytest.mark.parametrize("fault", [Fault.STALL, Fault.DROP, "421 4.3.2 closing", GARBAGE])
def test_a_bad_goodbye_changes_nothing(fault):
    with ScriptedServer({"QUIT": fault}) as server:
        (outcome,) = deliver(transport_to(server, timeout=0.5), 1)
    assert outcome.state is SENT


async def until(is_so):
    while not is_so():  # noqa: ASYNC110 - the server lives in another thread, where an asyncio.Event does not reach
        await asyncio.sleep(0.01)


@pytest.mark.parametrize("phase", ["MAIL", "DATA", "DOT"])
def test_cancelling_closes_the_socket(phase):
    last_command = "MAIL" if phase == "MAIL" else "DATA"

    async def run(transport, server):
        async with transport.connect() as connection:
            task = asyncio.create_task(connection.deliver(TO_READER, MESSAGE))
            await until(lambda: server.commands[-1].startswith(last_command))
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        await until(lambda: not server.open_connections)

    with ScriptedServer({phase: Fault.STALL}) as server:
        asyncio.run(asyncio.wait_for(run(transport_to(server), server), 10))
    assert server.messages == []


# What is said


def test_size_and_eight_bit_are_declared_where_the_server_knows_them():
    with ScriptedServer() as server:
        deliver(transport_to(server), 1, MESSAGE + ".한글\r\n".encode())
    size = len(MESSAGE) + len(".한글\r\n".encode())  # without the doubled dot (RFC 1870, 3)
    assert f"MAIL FROM:<bounces@example.com> SIZE={size} BODY=8BITMIME" in server.commands
    assert server.messages[0].content == MESSAGE + ".한글\r\n".encode()


def test_a_server_without_extensions_is_told_none():
    with ScriptedServer({"EHLO": "502 5.5.1 what?"}) as server:
        (outcome,) = deliver(transport_to(server), 1)
        (eight_bit,) = deliver(transport_to(server), 1, "한글\r\n".encode())
    assert outcome.state is SENT
    assert server.commands[:3] == [
        "EHLO client.example.com",
        "HELO client.example.com",
        "MAIL FROM:<bounces@example.com>",
    ]
    assert eight_bit.state is FAILED
    assert "8-bit" in eight_bit.reply


def test_the_null_return_path_can_be_said():
    with ScriptedServer() as server:
        deliver(transport_to(server), 1, to=Envelope(sender="", recipient="reader@example.com"))
    assert server.messages[0].mail_from == ""


@pytest.mark.parametrize("address", ["a@b>\r\nRCPT TO:<c@d", "", "독자@example.com", "a b@example.com", "<a@b>"])
def test_an_address_that_would_say_something_else_fails_alone(address):
    with ScriptedServer() as server:
        bad, good = Envelope(sender="bounces@example.com", recipient=address), TO_READER

        async def run():
            async with transport_to(server).connect() as connection:
                return [await connection.deliver(each, MESSAGE) for each in (bad, good)]

        first, second = asyncio.run(run())
    assert (first.state, second.state) == (FAILED, SENT)
    assert [message.rcpt_tos for message in server.messages] == [["reader@example.com"]]
