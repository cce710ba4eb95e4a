"""What the SMTP client knows without a socket: replies, lines and dots, commands, logins."""

import base64
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.deliver.smtp.command import (
    END_OF_MESSAGE,
    UnsendableError,
    envelope_commands,
    is_loopback,
    name_of_this_host,
    stuff_dots,
)
from digest.deliver.smtp.login import Credentials, TokenError, explain_challenge, read_token
from digest.deliver.smtp.reply import REPLY_LIMIT, Extensions, Reply, ReplyParser, parse_extensions
from digest.deliver.transport import Envelope
from digest.replies.printable import one_line

NOTHING = Extensions({})
EVERYTHING = Extensions({"SIZE": (), "SMTPUTF8": ()})


def parse(*lines: bytes) -> Reply:
    """The one reply that these lines are."""
    (reply,) = ReplyParser().feed(b"".join(line + b"\r\n" for line in lines))
    return reply


LINES = st.lists(st.sampled_from([b"", b".", b"..", b"x", b".x", b"x.", b"a.b", b"DATA"]) | st.binary(max_size=9))


@given(LINES.map(lambda lines: b"".join(re.sub(rb"[\r\n]", b"", line) + b"\r\n" for line in lines)))
def test_a_server_that_undoes_dot_stuffing_has_the_very_lines(content):
    wire = stuff_dots(content) + END_OF_MESSAGE
    received = wire.split(b"\r\n")
    end = received.index(b".")
    assert b"\r\n".join(line.removeprefix(b".") for line in received[:end]) + b"\r\n" * bool(end) == content
    assert received[end + 1 :] == [b""], "the only lone dot is the last line"


@pytest.mark.parametrize("dots", [0, 1, 199, 200, 201, 5000])
def test_dots_are_found_however_many_others_there_are(dots):
    content = b"a.b" * dots + b"\r\n.\r\n"
    assert stuff_dots(content) == b"a.b" * dots + b"\r\n..\r\n"


@pytest.mark.parametrize("end", [b"\n", b"\r", b"\r\r\n", b"\n\r"])
def test_no_line_end_of_another_kind_lets_a_lone_dot_through(end):
    """Some servers take a bare LF for a line's end: a second message could be smuggled in (CVE-2023-51764)."""
    assert not re.search(rb"[\r\n]\.[\r\n]", stuff_dots(b"a" + end + b"." + end + b"MAIL FROM:<x@example.com>\r\n"))


reply_texts = st.lists(st.binary().filter(lambda text: not re.search(rb"[\r\n]", text)), min_size=1)


@given(st.integers(200, 599), reply_texts, st.sampled_from([b"\n", b"\r\n"]), st.lists(st.integers(1, 30), min_size=1))
def test_a_reply_is_read_as_it_was_said_whatever_pieces_it_comes_in(code, texts, end, cuts):
    said = b"".join(b"%d-%s%s" % (code, text, end) for text in texts[:-1]) + b"%d %s%s" % (code, texts[-1], end)
    parser, replies = ReplyParser(), []
    for cut in [*cuts, len(said)]:
        piece, said = said[:cut], said[cut:]
        replies += parser.feed(piece)
    assert replies == [Reply(code, tuple(texts))]
    assert parser.is_between_replies


def test_replies_before_an_error_count():
    replies = ReplyParser().feed(b"250 queued\r\n354 go\r\nwhat?\r\n")
    assert [next(replies).code, next(replies).code] == [250, 354]
    with pytest.raises(ValueError, match="not an SMTP reply: what"):
        next(replies)


def test_single_bytes_are_read_one_by_one_up_to_the_limit():
    """Nothing is searched twice, so a server cannot keep us busy byte by byte."""
    parser = ReplyParser()
    for _ in range(REPLY_LIMIT):
        assert not list(parser.feed(b"2"))
    with pytest.raises(ValueError, match="longer than 65536 bytes"):
        list(parser.feed(b"2"))


@given(st.binary() | st.lists(st.sampled_from([b"250", b"-", b" ", b"x", b"\r", b"\n", b"421"])).map(b"".join))
def test_whatever_comes_is_replies_or_a_value_error(said):
    try:
        words = " ".join(str(reply) for reply in ReplyParser().feed(said))
    except ValueError as error:
        words = str(error)
        assert len(words) < 600
    assert not re.search(r"[\x00-\x1f\x7f-\x9f\u202e]", words)


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ([b"250"], ""),
        ([b"550-5.1.1 No such user", b"550 5.1.1 here"], "5.1.1 No such user here"),
        ([b"550 \x1b[31mred\x07"], "[31mred"),
        ([b"550 caf\xe9"], "caf\ufffd"),
        ([b"550 " + b"long " * 300], ("long " * 100).strip() + " "),
    ],
)
def test_the_words_of_a_reply_are_one_clean_line(lines, words):
    assert parse(*lines).words == words


@pytest.mark.parametrize("line", [b"", b"25", b"99 x", b"150 x", b"600 x", b"250x", b"250\tx", b" 250 x", b"25\xb2 x"])
def test_what_is_no_reply_is_refused(line):
    with pytest.raises(ValueError, match="not an SMTP reply"):
        parse(line)


def test_extensions_are_read_in_any_case_and_in_the_old_form():
    reply = Reply(250, (b"host", b"size 100", b"AUTH LOGIN", b"AUTH=LOGIN plain", b"", b"STARTTLS"))
    offered = parse_extensions(reply)
    assert offered.largest_message == 100
    assert set(offered.mechanisms) == {"LOGIN", "PLAIN"}
    assert "STARTTLS" in offered
    assert not offered.has_pipelining


@pytest.mark.parametrize(
    ("offered", "chosen"), [(("LOGIN", "PLAIN"), "PLAIN"), (("LOGIN",), "LOGIN"), (("CRAM-MD5",), None), ((), None)]
)
def test_plain_is_chosen_before_login(offered, chosen):
    assert Credentials(user="u", password="p").choose_mechanism(offered) == chosen


def test_with_a_token_no_password_is_ever_sent():
    assert Credentials(user="u", password="p", token="t").choose_mechanism(["PLAIN", "LOGIN"]) is None


def test_login_says_what_the_rfc_shows():
    tim = Credentials(user="tim", password="tanstaaftanstaaf")
    assert tim.commands("PLAIN")[0] == "AUTH PLAIN AHRpbQB0YW5zdGFhZnRhbnN0YWFm"  # RFC 4616
    korean = Credentials(user="u", password="비밀")
    assert korean.commands("LOGIN") == ("AUTH LOGIN", "dQ==", base64.b64encode("비밀".encode()).decode())


def test_xoauth2_says_what_its_description_shows():
    """https://developers.google.com/gmail/imap/xoauth2-protocol, the example of the initial response."""
    said = Credentials(user="someuser@example.com", token="ya29.vF9dft4qmTc2Nvb3RlckBhdHRhdmlzdGEuY29tCg")
    response = (
        "dXNlcj1zb21ldXNlckBleGFtcGxlLmNvbQFhdXRoPUJlYXJlciB5YTI5LnZGOWRmdDRxb"
        "VRjMk52YjNSbGNrQmhkSFJoZG1semRHRXVZMjl0Q2cBAQ=="
    )
    assert said.commands("XOAUTH2") == (f"AUTH XOAUTH2 {response}", "")


@pytest.mark.parametrize(
    "challenge", ["", "!", "e30", base64.b64encode(b"[1]").decode(), base64.b64encode(b"x").decode()]
)
def test_a_challenge_that_is_no_error_has_no_words(challenge):
    assert explain_challenge(Reply(334, (challenge.encode(),))) == ""


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (["/no/such/program"], "cannot be run (No such file or directory)"),
        (["sh", "-c", "echo t0ken; exit 3"], "sh ended with exit code 3"),
        (["true"], "true printed no token"),
        (["printf", "two lines\nof it"], "printf printed no token"),
        (["printf", "ko\\355\\225"], "printf printed no token"),
        (["a\0b"], "cannot be run"),
    ],
)
def test_a_program_that_gives_no_token_is_said_without_what_it_printed(command, words):
    with pytest.raises(TokenError) as caught:
        read_token(command)
    assert words in str(caught.value)
    assert "t0ken" not in str(caught.value)


def test_the_token_is_what_the_program_prints_without_its_line_end():
    assert read_token(["echo", "ya29.x-y_z"]) == "ya29.x-y_z"


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


@given(st.text(), st.text(min_size=1), st.sampled_from(["PLAIN", "LOGIN", "XOAUTH2"]))
def test_no_form_of_the_secret_is_left_in_a_text(user, secret, mechanism):
    token = secret if mechanism == "XOAUTH2" else ""
    credentials = Credentials(user=user, password="" if token else secret, token=token)
    first, *further = credentials.commands(mechanism)
    for said in [first.removeprefix(f"AUTH {mechanism}").strip(), *further[mechanism == "LOGIN" :]]:
        assert not said or said not in credentials.hide(f"535 {said}")
    assert secret not in repr(credentials) or secret in f"Credentials(user={user!r})"


@given(st.text(), st.sampled_from([NOTHING, EVERYTHING]))
def test_an_address_is_said_whole_or_not_at_all(address, extensions):
    try:
        _, command = envelope_commands(Envelope(sender="", recipient=address), 1, extensions)
    except UnsendableError:
        return
    assert re.fullmatch(r"RCPT TO:<[^\s<>\x00-\x20\x7f]+>\r\n", command.decode())
    assert extensions is EVERYTHING or command.isascii()


def test_parameters_are_said_only_where_they_are_known():
    envelope = Envelope(sender="a@b.example", recipient="c@d.example")
    assert envelope_commands(envelope, 3, NOTHING) == (b"MAIL FROM:<a@b.example>\r\n", b"RCPT TO:<c@d.example>\r\n")
    assert envelope_commands(envelope, 3, EVERYTHING)[0] == b"MAIL FROM:<a@b.example> SIZE=3\r\n"


def test_one_line_takes_out_what_steers_a_terminal():
    assert one_line(" a\r\n\tb\u202ec\x9bd ") == "a b c d"
