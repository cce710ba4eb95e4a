"""Connecting to a mail server: name, TLS, login; every failure says where, what and which setting."""

import base64
import contextlib
import re
import socket
import ssl

import pytest
import trustme
from checking_outbox import CheckingOutbox, carry, parcels

from digest.clock import Clock
from digest.deliver.open_transport import open_transport
from digest.deliver.smtp import SmtpTransport
from digest.deliver.smtp.login import Credentials
from digest.errors import TransportError
from digest.settings import DeliverySettings
from digest.testing import RecordingServer, ScriptedServer

PASSWORD = "correct horse"
LOGIN = {"user": "digest", "password": PASSWORD}
LOGINS = ("AUTH PLAIN LOGIN",)


def connect(server, *, messages: int = 0, **options) -> list[str]:
    """Connect with these options and say goodbye; what became of some messages between."""
    outbox = CheckingOutbox(parcels(messages))
    carry(server, outbox, **options)
    return outbox.ends


def complaint(server, **options) -> str:
    """The words of the TransportError that connecting ends with."""
    with pytest.raises(TransportError) as caught:
        connect(server, **options)
    return str(caught.value)


def test_we_introduce_ourselves_by_a_full_name_or_an_address():
    with ScriptedServer() as server:
        connect(server, local_hostname="")
    name = server.commands[0].removeprefix("EHLO ")
    assert re.fullmatch(r"\[127\.0\.0\.1\]|[\w-]+(\.[\w-]+)+", name)


def test_a_port_where_nobody_listens():
    with ScriptedServer() as server:
        pass
    assert complaint(server) == (
        f"127.0.0.1:{server.port}: cannot be reached (Connection refused); check delivery.host and delivery.port"
    )


def test_a_host_name_that_cannot_be_one():
    server = ScriptedServer()
    server.host, server.port = "a..b", 25
    assert re.fullmatch(
        r"a\.\.b:25: cannot be reached \(.+\); check delivery\.host and delivery\.port", complaint(server)
    )


# TLS


@pytest.mark.parametrize("security", ["tls", "starttls"])
def test_a_certificate_nobody_vouches_for_is_not_trusted(security, certificates):
    with RecordingServer(tls_context=certificates.server, require_starttls=security == "starttls") as server:
        said = complaint(server, security=security)
    assert "certificate is not trusted (unable to get local issuer certificate)" in said
    assert said.endswith("check delivery.host, or name the certificate's issuer in delivery.ca_file")


@pytest.mark.parametrize("security", ["tls", "starttls"])
def test_a_certificate_for_another_host_is_not_trusted(security, tmp_path):
    authority, context = trustme.CA(), ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("elsewhere.example.com").configure_cert(context)
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    with RecordingServer(tls_context=context, require_starttls=security == "starttls") as server:
        said = complaint(server, security=security, ca_file=tmp_path / "ca.pem")
    assert "certificate is not trusted (IP address mismatch" in said


def test_tls_to_a_server_that_speaks_plainly_says_which_setting_is_wrong():
    with ScriptedServer() as server:
        said = complaint(server, security="tls")
    assert said.endswith("no TLS (wrong version number); check delivery.security and delivery.port")


def test_no_mail_leaves_in_the_clear_where_starttls_is_wanted_and_not_offered():
    with ScriptedServer() as server:
        said = complaint(server, security="starttls", **LOGIN)
    assert "offers no STARTTLS" in said
    assert server.commands == ["EHLO client.example.com"]


@pytest.mark.parametrize("content", [None, "not a certificate"])
def test_certificates_that_cannot_be_read_are_named(content, tmp_path):
    if content:
        (tmp_path / "ca.pem").write_text(content)
    with ScriptedServer() as server:
        said = complaint(server, security="starttls", ca_file=tmp_path / "ca.pem")
    assert str(tmp_path / "ca.pem") in said
    assert said.endswith("; check delivery.ca_file")


@pytest.mark.parametrize("behind", [b"250-fake\r\n250 AUTH PLAIN\r\n", b"250-fa"])
def test_words_in_the_clear_behind_the_reply_to_starttls_end_the_conversation(behind, certificates):
    """A man in the middle puts them there, to be read as said inside TLS (CVE-2011-0411)."""
    script = {"STARTTLS": b"220 go ahead\r\n" + behind}
    with ScriptedServer(script, extensions=("STARTTLS",), tls_context=certificates.server) as server:
        said = complaint(server, security="starttls", ca_file=certificates.ca_file, **LOGIN)
    assert "a reply that nothing asked for" in said or "words in the clear" in said or "not understood" in said
    assert not any(command.startswith("AUTH") for command in server.commands)


def test_what_was_offered_in_the_clear_counts_for_nothing_inside_tls(certificates):
    script = {"EHLO": ["250-x\r\n250-AUTH PLAIN\r\n250 STARTTLS", "250 x"]}
    with ScriptedServer(script, tls_context=certificates.server) as server:
        said = complaint(server, security="starttls", ca_file=certificates.ca_file, **LOGIN)
    assert "takes no login by PLAIN or LOGIN (it offers: none)" in said


def test_starttls_is_used_for_many_messages(certificates):
    with ScriptedServer(extensions=("STARTTLS",), tls_context=certificates.server) as server:
        ends = connect(server, messages=5, security="starttls", ca_file=certificates.ca_file)
    assert ends == ["sent"] * 5
    assert server.commands[:3] == ["EHLO client.example.com", "STARTTLS", "EHLO client.example.com"]


def test_a_server_that_never_takes_the_connection_is_given_up_in_time():
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listening, contextlib.ExitStack() as others:
        for _ in range(2):  # these fill the queue; the next one's SYN is dropped
            other = others.enter_context(socket.socket())
            other.setblocking(False)
            other.connect_ex(listening.getsockname())
        server = ScriptedServer()
        server.port = listening.getsockname()[1]
        said = complaint(server, timeout=0.3)
    assert "cannot be reached (no answer in time)" in said or "no reply within 0.3 s" in said


@pytest.mark.parametrize(("address", "why"), [("192.0.2.77", "Cannot assign requested address"), ("::1", ".+")])
def test_a_source_address_that_is_not_ours_is_named(address, why):
    with ScriptedServer() as server:
        said = complaint(server, source_address=address)
    expected = rf"127\.0\.0\.1:\d+: cannot be reached from {address} \({why}\); check delivery\.source_address, .+"
    assert re.fullmatch(expected, said)


def test_an_ipv6_address_stands_in_brackets_before_its_port():
    server = ScriptedServer(host="::1")
    server.port = 1
    assert complaint(server).startswith("[::1]:1: cannot be reached")


# Logging in


@pytest.mark.parametrize(
    ("offer", "script", "mechanism"),
    [
        ("AUTH LOGIN PLAIN", {}, "PLAIN"),
        ("AUTH=PLAIN", {"AUTH": ["334 "]}, "PLAIN"),
        ("AUTH LOGIN", {"AUTH": ["334 VXNlcm5hbWU6"]}, "LOGIN"),
    ],
)
def test_login_by_what_the_server_offers(offer, script, mechanism):
    commands = Credentials(user="digest", password=PASSWORD).commands(mechanism)
    said = commands if script else commands[:1]
    _, *further = said
    answers = {**script, **dict.fromkeys(further[:-1], "334 UGFzc3dvcmQ6"), **dict.fromkeys(further[-1:], "235 in")}
    answers = {phase.upper(): answer for phase, answer in answers.items()}
    with ScriptedServer(answers, extensions=(offer,)) as server:
        connect(server, **LOGIN)
    assert server.commands == ["EHLO client.example.com", *said, "QUIT"]


TOKEN = "ya29.secret-token"
WITH_TOKEN = {"user": "news@example.com", "token_command": ("echo", TOKEN)}


def test_with_a_token_we_log_in_by_xoauth2(tmp_path):
    """At each login a new one is asked for: they live an hour."""
    count = tmp_path / "count"
    command = ("sh", "-c", f"echo x >> {count}; echo {TOKEN}")
    with ScriptedServer(extensions=("AUTH LOGIN PLAIN XOAUTH2",)) as server:
        for _ in range(2):
            assert connect(server, messages=1, user="news@example.com", token_command=command) == ["sent"]
    response = base64.b64encode(f"user=news@example.com\x01auth=Bearer {TOKEN}\x01\x01".encode()).decode()
    assert server.commands[1] == f"AUTH XOAUTH2 {response}"
    assert count.read_text().split() == ["x", "x"]


def test_a_refused_token_is_said_in_the_servers_own_words():
    challenge = base64.b64encode(b'{"status":"400","schemes":"Bearer","scope":"https://mail.google.com/"}').decode()
    script = {"AUTH": f"334 {challenge}", "": "535 5.7.8 Username and Password not accepted"}
    with ScriptedServer(script, extensions=("AUTH XOAUTH2",)) as server:
        said = complaint(server, **WITH_TOKEN)
    assert said.endswith(
        ": login refused: 535 5.7.8 Username and Password not accepted (status 400, schemes Bearer, "
        "scope https://mail.google.com/); check delivery.user and delivery.token_command"
    )
    assert server.commands[-1] == "", "an empty line answers the challenge"


@pytest.mark.parametrize("repeated", [TOKEN, base64.b64encode(TOKEN.encode()).decode()])
def test_the_token_is_in_no_error(repeated):
    with ScriptedServer({"AUTH": f"535 {repeated}?"}, extensions=("AUTH XOAUTH2",)) as server:
        said = complaint(server, **WITH_TOKEN)
    assert "login refused: 535 ***?" in said


def test_a_program_that_gives_no_token_is_a_setting_to_check():
    with ScriptedServer(extensions=("AUTH XOAUTH2",)) as server:
        said = complaint(server, user="news@example.com", token_command=("false",))
    assert said.endswith("no token to log in with: false ended with exit code 1; check delivery.token_command")


def test_a_server_without_xoauth2_is_not_told_the_token():
    with ScriptedServer(extensions=LOGINS) as server:
        said = complaint(server, **WITH_TOKEN)
    assert "takes no login by XOAUTH2 (it offers: PLAIN LOGIN); check delivery.user and delivery.token_command" in said
    assert len(server.commands) == 1


@pytest.mark.parametrize("offer", ["AUTH CRAM-MD5 GSSAPI", "HELP"])
def test_a_server_that_takes_no_login_we_know_is_not_told_the_password(offer):
    with ScriptedServer(extensions=(offer,)) as server:
        said = complaint(server, **LOGIN)
    assert "takes no login by PLAIN or LOGIN" in said
    assert "delivery.user" in said
    assert len(server.commands) == 1


@pytest.mark.parametrize("is_right", [True, False])
def test_a_real_server_checks_the_password(is_right, certificates):
    with RecordingServer(tls_context=certificates.server, auth=("digest", PASSWORD)) as server:
        options = {"security": "tls", "ca_file": certificates.ca_file, "user": "digest"}
        if is_right:
            assert connect(server, messages=1, password=PASSWORD, **options) == ["sent"]
        else:
            assert "login refused: 535" in complaint(server, password="guess", **options)
        assert len(server.messages) == is_right


def own_address() -> str:
    """This machine's address towards others; nothing is sent."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
        except OSError:
            pytest.skip("this machine has no address but its own loopback")
        return probe.getsockname()[0]


def test_no_password_leaves_this_machine_in_the_clear():
    with ScriptedServer(extensions=LOGINS) as on_loopback:
        connect(on_loopback, **LOGIN)
    elsewhere = ScriptedServer(extensions=LOGINS)
    elsewhere.host = own_address()
    with elsewhere:
        said = complaint(elsewhere, **LOGIN)
    assert "no TLS, so the password was not sent; check delivery.security" in said
    assert [command.split()[0] for command in elsewhere.commands] == ["EHLO"]


def test_the_password_is_in_no_representation():
    assert PASSWORD not in repr(SmtpTransport(host="x", port=25, security="tls", **LOGIN))


# From the settings


def test_the_settings_name_the_transport(tmp_path):
    common = {"host": "relay", "port": 465, "security": "tls", "timeout": 9, "token_command": ("get-token",)}
    more = {"source_address": "192.0.2.1", "messages_per_connection": 50, **LOGIN}
    given = DeliverySettings(transport="smtp", ca_file="ca.pem", helo="news.example.com", **common, **more)
    assert open_transport(given, tmp_path, clock=Clock()) == SmtpTransport(
        ca_file=tmp_path / "ca.pem", local_hostname="news.example.com", **common, **more
    )
    assert open_transport(DeliverySettings(transport="smtp"), tmp_path, clock=Clock()).ca_file is None
