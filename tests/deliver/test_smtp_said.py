"""What is said to a server about a message: sizes, addresses, dots; and what cannot be said to it at all."""

import pytest
from checking_outbox import MESSAGE, CheckingOutbox, carry, parcel, parcels

from digest.deliver.transport import Ending
from digest.testing import ScriptedServer


def test_size_is_declared_and_dots_are_doubled_on_the_way_only():
    content = MESSAGE + b".\r\n..\r\n.x\r\n"
    with ScriptedServer() as server:
        carry(server, CheckingOutbox([parcel(content=content)]))
    assert f"MAIL FROM:<b@example.com> SIZE={len(content)}" in server.commands  # without doubled dots (RFC 1870, 3)
    assert server.messages[0].content == content


def test_a_server_without_extensions_is_told_none():
    with ScriptedServer({"EHLO": "502 5.5.1 what?"}) as server:
        outbox = CheckingOutbox(parcels(1))
        carry(server, outbox)
    assert outbox.ends == ["sent"]
    assert server.commands[:3] == ["EHLO client.example.com", "HELO client.example.com", "MAIL FROM:<b@example.com>"]


def test_the_null_return_path_can_be_said():
    with ScriptedServer() as server:
        carry(server, CheckingOutbox([parcel(sender="")]))
    assert server.messages[0].mail_from == ""


UNSENDABLE = [
    (parcel("a@b>\r\nRCPT TO:<c@d"), "no address that can be said"),
    (parcel(""), "no address that can be said"),
    (parcel("a b@example.com"), "no address that can be said"),
    (parcel("<a@b>"), "no address that can be said"),
    (parcel("독자 님@example.com"), "no address that can be said"),
    (parcel(sender="a\u2028b@example.com"), "no address that can be said"),
    (parcel("독자@example.com"), "lacks SMTPUTF8"),
    (parcel(sender="편집부@example.com"), "'편집부@example.com' has letters outside ASCII before the @"),
    (parcel("a@fußball.example"), "no certain ASCII form"),
    (parcel("a@" + "가" * 70 + ".kr"), "no certain ASCII form"),
    (parcel(content=MESSAGE + "한글\r\n".encode()), "8-bit bytes"),
    (parcel(content=MESSAGE + b"no end"), "last line has no end"),
    (parcel(content=b""), "last line has no end"),
    (parcel(content=MESSAGE + b"x" * 1000 + b"\r\n"), "this server takes 900 at most"),
]


@pytest.mark.parametrize("extensions", [(), ("PIPELINING",)], ids=["lock-step", "pipelining"])
@pytest.mark.parametrize(("bad", "words"), UNSENDABLE, ids=[words[:20] for _, words in UNSENDABLE])
def test_what_cannot_be_said_to_this_server_fails_alone_and_unsaid(bad, words, extensions):
    outbox = CheckingOutbox([parcel("first@example.com"), bad, parcel("last@example.com")])
    with ScriptedServer(extensions=("SIZE 900", *extensions)) as server:
        assert carry(server, outbox) is Ending.FINISHED
    assert outbox.ends == ["sent", "failed", "sent"]
    assert words in outbox.words[1]
    assert [message.rcpt_tos for message in server.messages] == [["first@example.com"], ["last@example.com"]]


def test_letters_outside_ascii_are_said_where_the_server_knows_them():
    people = ["독자@example.com", "kim@example.com", "독자@한국.kr"]
    with ScriptedServer(extensions=("SMTPUTF8", "PIPELINING")) as server:
        outbox = CheckingOutbox([parcel(who) for who in people])
        carry(server, outbox)
    assert outbox.ends == ["sent"] * 3
    assert [command for command in server.commands if command[:4] in ("MAIL", "RCPT")] == [
        "MAIL FROM:<b@example.com> SMTPUTF8",
        "RCPT TO:<독자@example.com>",
        "MAIL FROM:<b@example.com>",
        "RCPT TO:<kim@example.com>",
        "MAIL FROM:<b@example.com> SMTPUTF8",
        "RCPT TO:<독자@xn--3e0b707e.kr>",
    ]


def test_a_domain_outside_ascii_needs_no_extension():
    with ScriptedServer() as server:
        carry(server, CheckingOutbox([parcel("kim@한국.kr")]))
    assert server.messages[0].rcpt_tos == ["kim@xn--3e0b707e.kr"]


@pytest.mark.parametrize("size", ["0", "", "x"])
def test_a_server_that_names_no_limit_takes_any_size(size):
    with ScriptedServer(extensions=(f"SIZE {size}",)) as server:
        outbox = CheckingOutbox(parcels(1, MESSAGE * 100))
        carry(server, outbox)
    assert outbox.ends == ["sent"]
