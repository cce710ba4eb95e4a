"""Connecting to a mail server: name, TLS, login; every failure says where, what and which setting."""

import asyncio
import base64
import re
import socket
import ssl

import pytest
import trustme

from digest.clock import Clock
from digest.deliver.open_transport import open_transport
from digest.deliver.smtp import SmtpTransport
from digest.deliver.smtp_command import login_commands
from digest.deliver.transport import Envelope
from digest.errors import TransportError
from digest.model import DeliveryState
from digest.settings import DeliverySettings
from digest.testing import Fault, RecordingServer, ScriptedServer

PASSWORD = "correct horse"
LOGIN = {"user": "digest", "password": PASSWORD}
LOGINS = ("AUTH PLAIN LOGIN",)


def connect(server, *, messages: int = 0, **options) -> list[DeliveryState]:
    """Connect with these options and say goodbye, with some messages between."""
    values = {"security": "none", "timeout": 20, "local_hostname": "client.example.com", **options}
    envelope = Envelope(sender="bounces@example.com", recipient="reader@example.com")

    async def run():
        async with SmtpTransport(host=server.host, port=server.port, **values).connect() as connection:
            return [(await connection.deliver(envelope, b"Subject: x\r\n\r\n")).state for _ in range(messages)]

    return asyncio.run(run())


def complaint(server, **options) -> str:
    """The words of the TransportError that connecting ends with."""
    with pytest.raises(TransportError) as caught:
        connect(server, **options)
    return str(caught.value)


def test_we_introduce_ourselves_by_a_full_name_or_an_address():
    with ScriptedServer() as server:
        connect(server, local_hostname=None)
    name = server.commands[0].removeprefix("EHLO ")
    assert re.fullmatch(r"\[127\.0\.0\.1\]|[\w-]+(\.[\w-]+)+", name)


CONNECT_FAULTS = [
    ({"GREETING": "554 5.3.2 no service here"}, {}, "no service: 554 5.3.2 no service here; check delivery.host"),
    ({"GREETING": "421 4.3.2 busy"}, {}, "421 4.3.2 busy; check delivery.host"),
    ({"GREETING": Fault.DROP}, {}, "connection lost; check delivery.host, delivery.port and delivery.security"),
    ({"GREETING": Fault.STALL}, {"timeout": 0.3}, "no reply within 0.3 s; check delivery.host"),
    ({"GREETING": b"SSH-2.0-OpenSSH_9.2\r\n"}, {}, "reply not understood: not an SMTP reply: SSH-2.0-OpenSSH_9.2"),
    ({"EHLO": "550 no", "HELO": "550 5.7.1 who are you?"}, {}, "our name 'client.example.com' refused: 550 5.7.1"),
    ({"EHLO": "421 4.3.2 busy"}, {}, "421 4.3.2 busy"),
    ({"STARTTLS": "454 4.3.0 no TLS today"}, {"security": "starttls"}, "STARTTLS refused: 454 4.3.0 no TLS today"),
    ({"STARTTLS": Fault.DROP}, {"security": "starttls"}, "connection lost; check"),
    ({"STARTTLS": b"220 go\r\nno TLS at all, sorry\r\n"}, {"security": "starttls", "timeout": 0.3}, "no TLS"),
    ({"AUTH": "535 5.7.8 wrong"}, LOGIN, "login refused: 535 5.7.8 wrong; check delivery.user and delivery.password"),
    ({"AUTH": "454 4.7.0 later"}, LOGIN, "login refused: 454 4.7.0 later"),
    ({"AUTH": Fault.DROP}, LOGIN, "connection lost"),
    ({"AUTH": f"535 not {PASSWORD}"}, LOGIN, "login refused: 535 not ***"),
    ({"AUTH": f"nonsense {base64.b64encode(PASSWORD.encode()).decode()}"}, LOGIN, "not an SMTP reply: nonsense ***"),
]


@pytest.mark.parametrize(("script", "options", "words"), CONNECT_FAULTS, ids=lambda value: str(value)[:30])
def test_a_server_that_cannot_be_used_is_said_with_place_reason_and_setting(script, options, words):
    with ScriptedServer(script, extensions=("STARTTLS", *LOGINS)) as server:
        said = complaint(server, **options)
    assert said.startswith(f"127.0.0.1:{server.port}: ")
    assert words in said
    assert "; check " in said
    assert PASSWORD not in said


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


def test_what_is_said_before_tls_counts_for_nothing_inside_it(certificates):
    """A reply put behind the one to STARTTLS by a man in the middle is not read (CVE-2011-0411)."""
    script = {"STARTTLS": b"220 go ahead\r\n250-fake\r\n250 AUTH PLAIN\r\n", "EHLO": ["250-x\r\n250 STARTTLS", "250 x"]}
    with ScriptedServer(script, tls_context=certificates.server) as server:
        said = complaint(server, security="starttls", ca_file=certificates.ca_file, **LOGIN)
    assert "takes no login by PLAIN or LOGIN (it offers: none)" in said
    assert not any(command.startswith("AUTH") for command in server.commands)


def test_starttls_is_used_for_many_messages(certificates):
    with ScriptedServer(extensions=("STARTTLS",), tls_context=certificates.server) as server:
        states = connect(server, messages=5, security="starttls", ca_file=certificates.ca_file)
    assert states == [DeliveryState.SENT] * 5
    assert server.commands[:3] == ["EHLO client.example.com", "STARTTLS", "EHLO client.example.com"]


# Logging in


@pytest.mark.parametrize(
    ("offer", "script", "said"),
    [
        ("AUTH LOGIN PLAIN", {}, [login_commands("PLAIN", "digest", PASSWORD)[0]]),
        ("AUTH=PLAIN", {"AUTH": ["334 "]}, [*login_commands("PLAIN", "digest", PASSWORD)]),
        ("AUTH LOGIN", {"AUTH": ["334 VXNlcm5hbWU6"]}, [*login_commands("LOGIN", "digest", PASSWORD)]),
    ],
)
def test_login_by_what_the_server_offers(offer, script, said):
    _, *further = said
    answers = {**script, **dict.fromkeys(further[:-1], "334 UGFzc3dvcmQ6"), **dict.fromkeys(further[-1:], "235 in")}
    answers = {phase.upper(): answer for phase, answer in answers.items()}
    with ScriptedServer(answers, extensions=(offer,)) as server:
        connect(server, **LOGIN)
    assert server.commands == ["EHLO client.example.com", *said, "QUIT"]


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
            assert connect(server, messages=1, password=PASSWORD, **options) == [DeliveryState.SENT]
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
    smtp = open_transport(
        DeliverySettings(
            transport="smtp", host="relay", port=465, security="tls", ca_file="ca.pem", timeout=9, **LOGIN
        ),
        tmp_path,
        clock=Clock(),
    )
    assert smtp == SmtpTransport(
        host="relay", port=465, security="tls", ca_file=tmp_path / "ca.pem", timeout=9, **LOGIN
    )
    assert open_transport(DeliverySettings(transport="smtp"), tmp_path, clock=Clock()).ca_file is None
    assert open_transport(DeliverySettings(path="out"), tmp_path, clock=Clock()).path == tmp_path / "out"
    assert (
        open_transport(DeliverySettings(path=tmp_path / "there"), tmp_path / "here", clock=Clock()).path
        == tmp_path / "there"
    )
