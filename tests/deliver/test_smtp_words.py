"""What the SMTP client knows without a socket: replies, lines and dots, commands, logins."""

import base64
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.deliver.smtp_command import (
    END_OF_MESSAGE,
    UnsendableError,
    choose_mechanism,
    hide_password,
    is_loopback,
    login_commands,
    mail_command,
    name_of_this_host,
    normalise_lines,
    recipient_command,
    stuff_dots,
)
from digest.deliver.smtp_reply import Reply, is_last_line, one_line, parse_extensions, parse_reply

message_pieces = st.lists(st.sampled_from([b".", b"..", b"\r", b"\n", b"\r\n", b"\r\n.", b"x", b"\r\n.\r\n", b"\xff"]))


@given(message_pieces.map(b"".join) | st.binary())
def test_a_server_that_undoes_dot_stuffing_has_the_very_lines(message):
    lines = normalise_lines(message)
    wire = stuff_dots(lines) + END_OF_MESSAGE
    received = wire.split(b"\r\n")
    end = received.index(b".")
    assert b"\r\n".join(line.removeprefix(b".") for line in received[:end]) + b"\r\n" * bool(end) == lines
    assert received[end + 1 :] == [b""], "the only lone dot is the last line"


@given(message_pieces.map(b"".join) | st.binary())
def test_lines_end_with_crlf_and_nothing_else(message):
    lines = normalise_lines(message)
    assert lines.count(b"\r") == lines.count(b"\n") == lines.count(b"\r\n")
    assert not lines or lines.endswith(b"\r\n")
    assert normalise_lines(lines) == lines
    assert re.sub(rb"[\r\n]", b"", lines) == re.sub(rb"[\r\n]", b"", message)


reply_texts = st.lists(st.text(st.characters(exclude_characters="\r\n", exclude_categories=["Cs"])), min_size=1)


@given(st.integers(200, 599), reply_texts, st.sampled_from(["\n", "\r\n"]))
def test_a_reply_is_read_as_it_was_said(code, texts, end):
    said = [f"{code}-{text}{end}".encode() for text in texts[:-1]] + [f"{code} {texts[-1]}{end}".encode()]
    assert parse_reply(said) == Reply(code=code, lines=tuple(texts))
    assert [is_last_line(line) for line in said] == [False] * (len(texts) - 1) + [True]


@given(st.lists(st.binary() | st.builds(lambda code, rest: b"%d%s" % (code, rest), st.integers(0, 999), st.binary())))
def test_whatever_comes_is_a_reply_or_a_value_error(lines):
    try:
        words = parse_reply(lines).words
    except ValueError as error:
        words = str(error)
        assert len(words) < 600
    assert not re.search(r"[\x00-\x1f\x7f-\x9f\u202e]", words)


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ([b"250\r\n"], ""),
        ([b"550-5.1.1 No such user\r\n", b"550 5.1.1 here\r\n"], "5.1.1 No such user here"),
        ([b"550 \x1b[31mred\x07\r\n"], "[31mred"),
        ([b"550 caf\xe9\r\n"], "caf\ufffd"),
        ([b"550 " + b"long " * 300], ("long " * 100).strip() + " "),
    ],
)
def test_the_words_of_a_reply_are_one_clean_line(lines, words):
    assert parse_reply(lines).words == words


@pytest.mark.parametrize("line", [b"", b"25", b"99 x", b"150 x", b"600 x", b"250x", b"250\tx", b" 250 x", b"250-x"])
def test_what_is_no_reply_is_refused(line):
    with pytest.raises(ValueError, match="not an SMTP reply"):
        parse_reply([line])


def test_extensions_are_read_in_any_case_and_in_the_old_form():
    reply = Reply(code=250, lines=("host", "size 100", "AUTH LOGIN", "AUTH=LOGIN PLAIN", "", "STARTTLS"))
    offered = parse_extensions(reply)
    assert offered["SIZE"] == ("100",)
    assert set(offered["AUTH"]) == {"LOGIN", "PLAIN"}
    assert offered["STARTTLS"] == ()


@pytest.mark.parametrize(
    ("offered", "chosen"), [(("LOGIN", "plain"), "PLAIN"), (("login",), "LOGIN"), (("CRAM-MD5",), None), ((), None)]
)
def test_plain_is_chosen_before_login(offered, chosen):
    assert choose_mechanism(offered) == chosen


def test_login_says_what_the_rfc_shows():
    assert (
        login_commands("PLAIN", "tim", "tanstaaftanstaaf")[0] == "AUTH PLAIN AHRpbQB0YW5zdGFhZnRhbnN0YWFm"
    )  # RFC 4616
    assert login_commands("LOGIN", "u", "비밀") == ("AUTH LOGIN", "dQ==", base64.b64encode("비밀".encode()).decode())


@pytest.mark.parametrize(
    ("name", "address", "said"),
    [
        ("news.example.com", "192.0.2.1", "news.example.com"),
        ("localhost", "192.0.2.1", "[192.0.2.1]"),
        ("under_score.example.com", "fe80::1%eth0", "[IPv6:fe80::1]"),
    ],
)
def test_the_name_of_this_host_is_a_domain_or_an_address_literal(name, address, said):
    assert name_of_this_host(name, address) == said


@pytest.mark.parametrize(
    ("address", "is_own"),
    [("127.0.0.1", True), ("::1", True), ("::ffff:127.0.0.1", True), ("192.0.2.1", False), ("fe80::1%eth0", False)],
)
def test_loopback_is_known_in_every_form(address, is_own):
    assert is_loopback(address) == is_own


@given(st.text(), st.text(min_size=1))
def test_no_form_of_the_password_is_left_in_a_text(user, password):
    for said in (*login_commands("PLAIN", user, password), *login_commands("LOGIN", user, password)[2:]):
        assert said.removeprefix("AUTH PLAIN ") not in hide_password(f"535 {said}", user, password)


@given(st.text())
def test_an_address_is_said_whole_or_not_at_all(address):
    try:
        command = recipient_command(address)
    except UnsendableError:
        return
    assert re.fullmatch(r"RCPT TO:<[!-~]+>", command)
    assert command.count(">") == 1


def test_parameters_are_said_only_where_they_are_known():
    assert mail_command("a@b.example", b"x\r\n", {}) == "MAIL FROM:<a@b.example>"
    assert mail_command("a@b.example", b"x\r\n", {"SIZE": ()}) == "MAIL FROM:<a@b.example> SIZE=3"


def test_one_line_takes_out_what_steers_a_terminal():
    assert one_line(" a\r\n\tb\u202ec\x9bd ") == "a b c d"
