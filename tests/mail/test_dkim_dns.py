"""Looking up: real packets from a real server on this machine; nobody else is asked."""

import socket

import pytest

from digest.errors import UnreachableError
from digest.mail.dkim_dns import NameServer, look_up_texts, parse_name_server
from name_server import serve, txt

NAME = "s2026._domainkey.hanbit.example"


def look_up(zone, name=NAME, seconds=10.0):
    with serve(zone) as address:
        return look_up_texts(name, name_server=parse_name_server(address), seconds=seconds)


def test_the_strings_of_a_record_are_joined_without_a_space():
    """RFC 6376 section 3.6.2.2."""
    assert look_up({NAME: [txt("v=DKIM1; p=AB", "CD", "")]}).texts == ("v=DKIM1; p=ABCD",)


def test_every_record_is_told():
    assert sorted(look_up({NAME: [txt("one"), txt("two")]}).texts) == ["one", "two"]


def test_bytes_that_are_no_text_are_replaced():
    assert look_up({NAME: [("TXT", '"\\255a"')]}).texts == ("\ufffda",)


def test_an_alias_is_followed_to_the_record_it_stands_for():
    """Sending services ask for a CNAME; this server, like many, does not answer for its target unasked."""
    zone = {NAME: [("CNAME", "a.relay.example.")], "a.relay.example": [("CNAME", "b.relay.example.")]}
    found = look_up({**zone, "b.relay.example": [txt("v=DKIM1; p=")]})
    assert (found.name, found.texts) == ("b.relay.example", ("v=DKIM1; p=",))


@pytest.mark.parametrize("target", [{}, {"a.relay.example": []}], ids=["no name", "no record"])
def test_an_alias_of_nothing_says_of_what(target):
    found = look_up({NAME: [("CNAME", "a.relay.example.")], **target})
    assert (found.name, found.texts) == ("a.relay.example", ())


def test_aliases_in_a_circle_are_given_up():
    zone = {NAME: [("CNAME", "a.example.")], "a.example": [("CNAME", f"{NAME}.")]}
    with pytest.raises(UnreachableError, match=r"its aliases \(CNAME\) go in a circle"):
        look_up(zone)


@pytest.mark.parametrize("zone", [{}, {NAME: []}, {NAME: [("A", "192.0.2.1")]}])
def test_no_record_is_an_answer(zone):
    found = look_up(zone)
    assert (found.name, found.texts) == (NAME, ())


@pytest.mark.parametrize("failure", ["SERVFAIL", "REFUSED"])
def test_a_server_that_fails_says_nothing_about_the_record(failure):
    with pytest.raises(UnreachableError, match=rf"{NAME}: the DNS server gave no usable answer \({failure}\)"):
        look_up({NAME: failure})


def test_a_server_that_is_silent_is_waited_for_and_no_longer():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        server = NameServer(address="127.0.0.1", port=silent.getsockname()[1])
        with pytest.raises(UnreachableError, match=r"no DNS server answered within 0\.2 seconds; .*--resolver"):
            look_up_texts(NAME, name_server=server, seconds=0.2)


def test_a_name_that_dns_cannot_hold_is_told():
    with pytest.raises(UnreachableError, match="DNS could not be asked"):
        look_up_texts(".".join(["a" * 63] * 5), name_server=NameServer(address="127.0.0.1"))


@pytest.mark.parametrize(
    ("text", "address", "port"),
    [
        ("127.0.0.1", "127.0.0.1", 53),
        ("127.0.0.1:5353", "127.0.0.1", 5353),
        ("::1", "::1", 53),
        ("[::1]", "::1", 53),
        ("[::1]:5353", "::1", 5353),
    ],
)
def test_a_name_server_is_an_address_and_perhaps_a_port(text, address, port):
    assert parse_name_server(text) == NameServer(address=address, port=port)


@pytest.mark.parametrize("text", ["", "dns.example", "1.2.3", "1.2.3.4:0", "1.2.3.4:70000", "1.2.3.4:", "[::1]:x"])
def test_anything_else_is_no_name_server(text):
    with pytest.raises(ValueError):
        parse_name_server(text)
