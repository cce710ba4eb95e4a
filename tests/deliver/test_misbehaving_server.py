"""Every phase of a conversation by everything a server may do in it: no message is lost, none can arrive twice.

The ends of three messages are written as one letter each: Sent, Deferred, Failed, Uncertain, given Back, Waiting (never
taken). Time limits are 0.4 s, and every row must be over in a few seconds.
"""

from collections import Counter
from dataclasses import dataclass, field

import pytest
from checking_outbox import BIG, MESSAGE, CheckingOutbox, carry, parcels, transport_to

from digest.deliver.transport import Ending
from digest.errors import TransportError
from digest.testing import Answer, Fault, ScriptedServer, Slowly

LETTERS = {"sent": "S", "deferred": "D", "failed": "F", "uncertain": "U", "given back": "B", "waiting": "W"}
GARBAGE = b"\x00\xff what is this\r\n"
LONG_LINE = b"250 " + b"x" * 100_000 + b"\r\n"
LONG_LINE_WITHOUT_END = b"250 " + b"x" * 100_000
ENDLESS = (b"250-" + b"x" * 500 + b"\r\n") * 400
TWO_CODES = b"250-yes\r\n550 no\r\n"
HALF_A_REPLY = b"250 2.0.0 que"
TWICE = b"250 fine\r\n250 fine\r\n"
FAST, SLOW = Slowly("250 2.0.0 fine"), Slowly("250 2.0.0 fine", 0.1)
CLOSING = "421 4.3.2 closing"
FINISHED, USED_UP, SLOW_DOWN = Ending.FINISHED, Ending.USED_UP, Ending.SLOW_DOWN
NO_EXTENSIONS, PIPELINING = ("SIZE 50000000",), ("PIPELINING", "SIZE 50000000")


@dataclass(frozen=True, kw_only=True)
class Row:
    name: str
    script: dict[str, Answer | list[Answer]]
    ends: str
    """In lock-step."""
    pipelined: str = ""
    """Where it differs."""
    ending: Ending = SLOW_DOWN
    pipelined_ending: Ending | None = None
    words: str = ""
    """How those of the first message that is not Sent begin."""
    content: bytes = field(default=MESSAGE, repr=False)


OVER = [
    ("drop", Fault.DROP, "connection lost"),
    ("reset", Fault.RESET, "connection lost"),
    ("half close", Fault.HALF_CLOSE, "connection lost"),
    ("stall", Fault.STALL, "no reply within 0.4 s"),
    ("half a reply", HALF_A_REPLY, ""),
    ("too slow", SLOW, "no reply within 0.4 s"),
    ("garbage", GARBAGE, "reply not understood: not an SMTP reply: \ufffd what is this"),
    ("long line", LONG_LINE, "reply not understood: longer than 65536 bytes"),
    ("endless line", LONG_LINE_WITHOUT_END, "reply not understood: longer than 65536 bytes"),
    ("endless reply", ENDLESS, "reply not understood: longer than 65536 bytes"),
    ("two codes", TWO_CODES, "reply not understood: not an SMTP reply: 250-yes 550 no"),
    ("closing", CLOSING, "421 4.3.2 closing"),
    ("wrong kind", "334 go on", "unexpected reply 334 go on"),
]
"""What ends a conversation, whatever was asked."""
BEFORE_THE_MESSAGE = ("MAIL", "RCPT", "DATA")


def refusals(phase: str) -> list[Row]:
    return [
        Row(name=f"{phase} 4xx", script={phase: ["451 4.3.0 later"]}, ends="DSS", ending=FINISHED, words="4.3.0 later"),
        Row(name=f"{phase} 5xx", script={phase: ["550 5.7.1 no"]}, ends="FSS", ending=FINISHED, words="5.7.1 no"),
        Row(name=f"{phase} 5xx twice", script={phase: ["550 no", "551 no"]}, ends="FFS", ending=FINISHED),
    ]


ROWS = [
    # The first message never gets as far as its body
    *(
        Row(name=f"{phase} {name}", script={phase: [fault]}, ends="BWW", words=words if phase != "DATA" else "")
        for phase in BEFORE_THE_MESSAGE
        for name, fault, words in OVER
        # With more to come behind it, half a reply becomes a whole one; see below.
        if (phase, name) not in {("MAIL", "half a reply"), ("RCPT", "half a reply")}
    ),
    *(row for phase in BEFORE_THE_MESSAGE for row in refusals(phase)),
    Row(name="MAIL slowly", script={"MAIL": FAST}, ends="SSS", ending=FINISHED),
    Row(name="DATA slowly", script={"DATA": Slowly("354 go")}, ends="SSS", ending=FINISHED),
    Row(name="MAIL twice", script={"MAIL": [TWICE]}, ends="BWW"),
    Row(name="RCPT twice", script={"RCPT": [TWICE]}, ends="BWW"),
    Row(name="DATA positive", script={"DATA": ["250 fine"]}, ends="BWW", words="unexpected reply 250 fine"),
    Row(
        name="354 for a refused recipient", script={"RCPT": ["550 no"], "DATA": ["354 go"]}, ends="FSS", ending=FINISHED
    ),
    Row(
        name="354 for a refused sender and recipient",
        script={"MAIL": ["550 no"], "RCPT": ["503 no"], "DATA": ["354 go"]},
        ends="FFS",
        pipelined="FSS",
        ending=FINISHED,
    ),
    Row(
        name="354 for a refused sender",  # a lone dot could deliver an empty message
        script={"MAIL": ["550 no"], "RCPT": ["250 fine"], "DATA": ["354 go"]},
        ends="FSS",
        ending=FINISHED,
        pipelined="FWW",
        pipelined_ending=SLOW_DOWN,
    ),
    Row(
        name="a recipient taken of a refused sender, and the next one refused",  # a lone dot would mail the first
        script={"MAIL": ["451 no"], "RCPT": ["250 fine", "451 no"]},
        ends="DSD",
        pipelined="DDS",
        ending=FINISHED,
    ),
    Row(name="refused and dropped", script={"RCPT": ["550 no"], "RSET": Fault.DROP}, ends="FBW"),
    Row(
        name="refused, then the rest is lost",
        script={"RCPT": ["550 no"], "DATA": [Fault.DROP]},
        ends="FBW",
        pipelined="FWW",
    ),
    Row(name="RSET refused", script={"RCPT": ["550 no"], "RSET": "500 what?"}, ends="FBW"),
    Row(name="RSET garbage", script={"DATA": ["451 no"], "RSET": GARBAGE}, ends="DBW"),
    # The body
    Row(
        name="BODY drop",
        script={"BODY": Fault.DROP},
        ends="BWW",
        pipelined="BBW",  # the next one was ready to be announced behind it
        words="connection lost before the message was sent",
        content=BIG,
    ),
    Row(name="BODY reset", script={"BODY": Fault.RESET}, ends="BWW", pipelined="BBW", content=BIG),
    Row(
        name="BODY stall",
        script={"BODY": Fault.STALL},
        ends="BWW",
        pipelined="BBW",  # the next one was ready to be announced behind it
        words="the server took no data for 0.4 s before the message was sent",
        content=BIG,
    ),
    Row(
        name="BODY answered early",
        script={"DATA": [b"354 go\r\n552 5.3.4 too big\r\n"]},
        ends="BWW",
        words="a reply that nothing asked for: 552 5.3.4 too big before the message was sent",
    ),
    Row(
        name="BODY closing",
        script={"DATA": [b"354 go\r\n421 4.4.2 too slow\r\n"]},
        ends="BWW",
        words="421 4.4.2 too slow",
    ),
    # The dot
    *(
        Row(
            name=f"DOT {name}",
            script={"DOT": [fault]},
            ends="UWW",
            pipelined="UBW",
            words=f"{words} after the message was sent; it may or may not have been delivered" if words else "",
        )
        for name, fault, words in OVER
        if name not in {"closing", "half a reply"}
    ),
    *refusals("DOT"),
    Row(name="DOT slowly", script={"DOT": FAST}, ends="SSS", ending=FINISHED),
    Row(name="DOT closing", script={"DOT": [CLOSING]}, ends="BWW", pipelined="BBW", words="421 4.3.2 closing"),
    Row(name="DOT kept and dropped", script={"DOT": [Fault.KEEP_AND_DROP]}, ends="UWW", pipelined="UBW"),
    Row(
        name="DOT accepted twice",
        script={"DOT": [TWICE]},
        ends="SWW",
        ending=USED_UP,
        pipelined="SBW",
        pipelined_ending=SLOW_DOWN,
    ),
    Row(name="DOT refused, MAIL nested", script={"DOT": ["550 no"], "MAIL": ["250 ok", "503 nested"]}, ends="FBW"),
    # The next message, of which a pipelining server has heard by then
    *(
        Row(name=f"second {phase} {name}", script={phase: [good, fault]}, ends="SBW", words=words)
        for phase, good in [("MAIL", "250 ok"), ("RCPT", "250 ok"), ("DATA", "354 go")]
        for name, fault, words in [*OVER[:3], OVER[6], OVER[11]]
    ),
    Row(name="second MAIL 4xx", script={"MAIL": ["250 ok", "451 no"]}, ends="SDS", ending=FINISHED),
    Row(name="second RCPT 5xx", script={"RCPT": ["250 ok", "550 no"]}, ends="SFS", ending=FINISHED),
    Row(name="second DATA 4xx", script={"DATA": ["354 go", "451 no"]}, ends="SDS", ending=FINISHED),
    Row(name="second DOT 5xx", script={"DOT": ["250 ok", "554 no"]}, ends="SFS", ending=FINISHED),
    Row(name="second DOT drop", script={"DOT": ["250 ok", Fault.DROP]}, ends="SUW", pipelined="SUB"),
    Row(name="third DOT drop", script={"DOT": ["250 ok", "250 ok", Fault.DROP]}, ends="SSU"),
    # So many messages on one connection
    *(
        Row(name=f"limit {phase} {words}", script={phase: ["250 ok", words]}, ends="SBW", ending=USED_UP, words=words)
        for phase, words in [
            ("MAIL", "421 4.7.0 too many messages on this connection"),
            ("MAIL", "452 4.5.3 that was enough"),
            ("RCPT", "452 4.5.3 too many recipients"),
            ("MAIL", "421 4.3.2 Too many mails, come again"),
        ]
    ),
    Row(name="limit at once", script={"RCPT": ["452 4.5.3 too many recipients"]}, ends="DSS", ending=FINISHED),
    Row(name="disk full", script={"MAIL": ["250 ok", "452 4.3.1 disk full"]}, ends="SDS", ending=FINISHED),
    # Between messages, and at the end
    Row(name="IDLE closing", script={"IDLE": CLOSING}, ends="SBW", words="421 4.3.2 closing"),
    Row(name="IDLE drop", script={"IDLE": Fault.DROP}, ends="SBW"),
    *(Row(name=f"QUIT {name}", script={"QUIT": fault}, ends="SSS", ending=FINISHED) for name, fault, _ in OVER),
]


@pytest.mark.parametrize(
    "is_pipelined",
    [pytest.param(False, marks=pytest.mark.slow, id="lock-step"), pytest.param(True, id="pipelining")],
)
@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_whatever_a_server_does_each_message_has_its_end(row, is_pipelined):
    outbox = CheckingOutbox(parcels(3, row.content))
    with ScriptedServer(row.script, extensions=PIPELINING if is_pipelined else NO_EXTENSIONS) as server:
        ending = carry(server, outbox, within=5, timeout=0.4, timeout_after_dot=0.4)
    expected = row.pipelined if is_pipelined and row.pipelined else row.ends
    assert "".join(LETTERS[end] for end in outbox.ends) == expected
    assert ending is (row.pipelined_ending if is_pipelined and row.pipelined_ending else row.ending)
    odd = [words for words, end in zip(outbox.words, outbox.ends, strict=True) if end not in {"sent", "waiting"}]
    assert "".join(odd[:1]).startswith(row.words)
    require_nothing_lost_or_doubled(outbox, server)


def require_nothing_lost_or_doubled(outbox: CheckingOutbox, server: ScriptedServer) -> None:
    """What the server took is what was sent, and perhaps what is in doubt; nothing twice, nothing empty."""
    accepted = [recipient for message in server.messages for recipient in message.rcpt_tos]
    assert max(Counter(accepted).values(), default=0) <= 1
    assert set(outbox.recipients("sent")) <= set(accepted) <= set(outbox.recipients("sent", "uncertain"))
    assert all(message.content for message in server.messages)


def test_the_table_is_as_large_as_was_promised():
    assert len({row.name for row in ROWS}) == len(ROWS) >= 45


# Before there is a connection at all

TLS = {"security": "starttls"}
LOGIN = {"user": "digest", "password": "correct horse"}
CHECK_PLACE = "; check delivery.host, delivery.port and delivery.security"

OPENINGS = [
    ("GREETING", Fault.DROP, {}, f"connection lost{CHECK_PLACE}"),
    ("GREETING", Fault.RESET, {}, "; check delivery.host"),  # seen while connecting, or just after
    ("GREETING", Fault.HALF_CLOSE, {}, f"connection lost{CHECK_PLACE}"),
    ("GREETING", Fault.STALL, {}, f"no reply within 0.4 s{CHECK_PLACE}"),
    ("GREETING", Slowly("220 mail.example.com", 0.1), {}, "no reply within 0.4 s"),
    ("GREETING", b"SSH-2.0-OpenSSH_9.2\r\n", {}, "reply not understood: not an SMTP reply: SSH-2.0-OpenSSH_9.2"),
    ("GREETING", b"\x15\x03\x03\x00\x02\x02\x50\n", {}, "reply not understood: not an SMTP reply"),
    ("GREETING", "554 5.3.2 no service here", {}, "no service: 554 5.3.2 no service here; check delivery.host"),
    ("GREETING", "450 4.3.2 not yet", {}, "no service: 450 4.3.2 not yet"),
    ("GREETING", "250 hello", {}, "no service: 250 hello"),
    ("GREETING", CLOSING, {}, "421 4.3.2 closing; check delivery.host"),
    ("GREETING", LONG_LINE, {}, "longer than 65536 bytes"),
    ("GREETING", LONG_LINE_WITHOUT_END, {}, "longer than 65536 bytes"),
    ("GREETING", b"220 one\r\n220 two\r\n", {}, "a reply that nothing asked for: 220 two"),
    ("EHLO", Fault.DROP, {}, "connection lost"),
    ("EHLO", Fault.STALL, {}, "no reply within 0.4 s"),
    ("EHLO", GARBAGE, {}, "reply not understood"),
    ("EHLO", ENDLESS, {}, "longer than 65536 bytes"),
    ("EHLO", TWO_CODES, {}, "not an SMTP reply: 250-yes 550 no"),
    ("EHLO", CLOSING, {}, "421 4.3.2 closing"),
    ("EHLO", "450 4.7.1 greylisted", {}, "our name 'client.example.com' refused: 450 4.7.1 greylisted"),
    ("STARTTLS", "454 4.3.0 no TLS today", TLS, "STARTTLS refused: 454 4.3.0 no TLS today; check delivery.security"),
    ("STARTTLS", "554 5.7.0 never", TLS, "STARTTLS refused: 554"),
    ("STARTTLS", Fault.DROP, TLS, "connection lost"),
    ("STARTTLS", Fault.STALL, TLS, "no reply within 0.4 s"),
    ("STARTTLS", GARBAGE, TLS, "reply not understood"),
    ("STARTTLS", b"220 go\r\nno TLS at all, sorry\r\n", TLS, "reply not understood: not an SMTP reply: no TLS"),
    ("STARTTLS", b"220 go\r\n250 no TLS", TLS, "words in the clear where TLS should begin"),
    ("STARTTLS", "220 and nothing then", TLS, "no TLS (no answer in time); check delivery.security and delivery.port"),
    ("AUTH", "535 5.7.8 wrong", LOGIN, "login refused: 535 5.7.8 wrong; check delivery.user and delivery.password"),
    ("AUTH", "454 4.7.0 later", LOGIN, "login refused: 454 4.7.0 later"),
    ("AUTH", "250 what?", {**LOGIN, "password": "other"}, None),
    ("AUTH", "334 ", LOGIN, "login refused: 500"),
    ("AUTH", Fault.DROP, LOGIN, "connection lost"),
    ("AUTH", Fault.STALL, LOGIN, "no reply within 0.4 s"),
    ("AUTH", GARBAGE, LOGIN, "reply not understood"),
    ("AUTH", CLOSING, LOGIN, "421 4.3.2 closing"),
    ("AUTH", "535 not correct horse", LOGIN, "login refused: 535 not ***"),
    ("AUTH", "nonsense Y29ycmVjdCBob3JzZQ==", LOGIN, "not an SMTP reply: nonsense ***"),
]


@pytest.mark.parametrize(("phase", "answer", "options", "words"), OPENINGS, ids=lambda value: str(value)[:24])
def test_a_server_that_cannot_be_used_is_said_with_place_reason_and_setting(phase, answer, options, words):
    outbox = CheckingOutbox(parcels(1))
    with ScriptedServer({phase: answer}, extensions=("STARTTLS", "AUTH PLAIN")) as server:
        if words is None:
            assert carry(server, outbox, timeout=0.4, **options) is FINISHED
            return
        with pytest.raises(TransportError) as caught:
            carry(server, outbox, within=5, timeout=0.4, **options)
    said = str(caught.value)
    assert said.startswith(f"127.0.0.1:{server.port}: ")
    assert words in said
    assert "; check delivery." in said
    assert "correct horse" not in said
    assert outbox.ends == ["waiting"]
    assert server.messages == []


def test_the_password_stands_in_no_transport_shown():
    assert "horse" not in repr(transport_to(ScriptedServer(), **LOGIN))
