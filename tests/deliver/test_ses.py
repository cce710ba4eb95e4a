"""Amazon SES over HTTP: what each answer, and each silence, means for a message."""

import asyncio
import socket
import ssl
import subprocess
import sys
import threading

import pytest
from outboxes import ListOutbox, carry, carry_once, parcel_for
from ses_servers import REGION, FaultyServer, running_moto, set_credentials

from digest.deliver.ses import SesTransport
from digest.deliver.transport import Ending
from digest.errors import TransportError
from digest.model import DeliveryState

MESSAGE = b"From: =?utf-8?b?7ZWc67mb?= <news@example.com>\r\nTo: reader@example.com\r\n\r\nHello\r\n"
SENT, DEFERRED, FAILED, UNCERTAIN = (
    DeliveryState.SENT,
    DeliveryState.DEFERRED,
    DeliveryState.FAILED,
    DeliveryState.UNCERTAIN,
)


@pytest.fixture(autouse=True)
def credentials(monkeypatch):
    set_credentials(monkeypatch)


@pytest.fixture(scope="module")
def moto():
    with running_moto() as running:
        yield running


def transport_to(endpoint: str, **options) -> SesTransport:
    return SesTransport(**{"region": REGION, "endpoint": endpoint, "timeout": 20, **options})


def carry_one(transport: SesTransport) -> tuple[ListOutbox, Ending]:
    outbox = ListOutbox([parcel_for("reader@example.com", MESSAGE)])
    return outbox, asyncio.run(carry_once(transport, outbox))


def test_a_message_is_sent_as_it_is_with_its_envelope_and_configuration_set(moto):
    moto.empty()
    outbox, ending = carry_one(transport_to(moto.endpoint, configuration_set="digest"))
    assert (outbox.states, ending) == ([SENT], Ending.FINISHED)
    assert moto.messages == [("reader@example.com", MESSAGE)]
    (outcome,) = outbox.outcomes.values()
    assert outcome.reply.startswith("taken by SES as ")


def test_the_from_of_the_message_is_left_alone():
    """SES would put FromEmailAddress in its place; bounces go to the return path."""
    with FaultyServer(status=500) as server:
        carry_one(transport_to(server.endpoint, configuration_set="digest"))
    (body,) = server.bodies
    assert b"FromEmailAddress" not in body
    assert b'"FeedbackForwardingEmailAddress": "bounces@example.com"' in body
    assert b'"Destination": {"ToAddresses": ["reader@example.com"]}' in body
    assert b'"ConfigurationSetName": "digest"' in body


def test_a_sender_that_was_never_verified_is_refused(moto):
    """Moto's words differ from those of SES, so here it is the message that is refused."""
    moto.empty()
    stranger = parcel_for("reader@example.com", MESSAGE.replace(b"news@", b"stranger@"))
    assert carry(transport_to(moto.endpoint), [stranger]).states == [FAILED]
    assert moto.messages == []


@pytest.mark.parametrize(
    ("status", "code", "text", "state"),
    [
        (400, "MessageRejected", "Transaction failed: Missing final '@domain'", FAILED),
        (400, "BadRequestException", "Missing required header 'From'.", FAILED),
        (400, "SomethingNew", "of which nobody knows", DEFERRED),
        (500, "InternalServiceErrorException", "", DEFERRED),
        (500, "", "", DEFERRED),
        (502, "", "", UNCERTAIN),
        (504, "", "", UNCERTAIN),
    ],
)
def test_an_answer_decides_over_its_message(status, code, text, state):
    with FaultyServer(status=status, code=code, text=text) as server:
        outbox, _ = carry_one(transport_to(server.endpoint))
    (outcome,) = outbox.outcomes.values()
    assert outcome.state is state
    assert outcome.reply.startswith(f"HTTP status {status}")
    assert code in outcome.reply
    assert text in outcome.reply
    assert len(server.bodies) == 1, "a call is never repeated by the library"


@pytest.mark.parametrize(
    ("status", "code", "text"),
    [
        (429, "TooManyRequestsException", "Too Many Requests"),
        (400, "ThrottlingException", "Maximum sending rate exceeded."),
        (503, "ServiceUnavailable", ""),
        (503, "", ""),
    ],
)
def test_too_many_at_once_gives_the_message_back_and_asks_for_fewer_connections(status, code, text):
    with FaultyServer(status=status, code=code, text=text) as server:
        outbox, ending = carry_one(transport_to(server.endpoint))
    assert ending is Ending.SLOW_DOWN
    assert outbox.outcomes == {}
    assert len(outbox.given_back) == len(server.bodies) == 1


@pytest.mark.parametrize(
    ("status", "code", "text", "check"),
    [
        (400, "TooManyRequestsException", "Daily message quota exceeded.", "delivery.warm_up"),
        (400, "ThrottlingException", "Daily message quota exceeded.", "delivery.warm_up"),
        (400, "LimitExceededException", "", "delivery.warm_up"),
        (400, "AccountSuspendedException", "", "delivery.region"),
        (400, "SendingPausedException", "", "delivery.configuration_set"),
        (400, "MailFromDomainNotVerifiedException", "", "delivery.region and delivery.return_path"),
        (400, "MessageRejected", "Email address is not verified. The following …", "delivery.region and delivery.ret"),
        (404, "NotFoundException", "Configuration set <x> does not exist.", "delivery.configuration_set"),
        (403, "AccessDeniedException", "User is not authorized", "delivery.region and the credentials"),
        (403, "InvalidSignatureException", "", "delivery.region and the credentials"),
    ],
)
def test_what_would_hit_every_message_stops_the_issue_and_names_the_setting(status, code, text, check):
    with FaultyServer(status=status, code=code, text=text) as server:
        outbox = ListOutbox([parcel_for("reader@example.com", MESSAGE), parcel_for("next@example.com", MESSAGE)])
        with pytest.raises(TransportError, match=rf"^Amazon SES: .*{code}.*; check {check}"):
            asyncio.run(carry_once(transport_to(server.endpoint), outbox))
    assert (len(outbox.given_back), outbox.outcomes, len(server.bodies)) == (1, {}, 1)


@pytest.mark.parametrize(
    ("fault", "words"),
    [({"stall": True}, "Read timeout"), ({}, "Connection was closed"), ({"status": 200}, "without a MessageId")],
    ids=["stall", "dropped", "nonsense"],
)
def test_a_call_without_an_answer_leaves_its_message_uncertain(fault, words):
    with FaultyServer(**fault) as server:
        outbox, ending = carry_one(transport_to(server.endpoint, timeout=0.3))
    (outcome,) = outbox.outcomes.values()
    assert outcome.state is UNCERTAIN
    assert words in outcome.reply
    assert ending is Ending.SLOW_DOWN
    assert len(server.bodies) == 1


def test_where_nobody_listens_nothing_was_sent():
    outbox = ListOutbox([parcel_for("reader@example.com", MESSAGE)])
    with pytest.raises(TransportError, match=r"Could not connect.*; check delivery\.region"):
        asyncio.run(carry_once(transport_to("http://127.0.0.1:1"), outbox))
    assert len(outbox.given_back) == 1


def test_a_certificate_that_is_not_trusted_ends_it_before_anything_was_sent(certificates):
    listener = socket.create_server(("127.0.0.1", 0))

    def refuse():
        try:
            connection, _ = listener.accept()
            with connection, certificates.server.wrap_socket(connection, server_side=True):
                pass
        except ssl.SSLError:
            pass

    thread = threading.Thread(target=refuse)
    thread.start()
    outbox = ListOutbox([parcel_for("reader@example.com", MESSAGE)])
    with listener, pytest.raises(TransportError, match="CERTIFICATE_VERIFY_FAILED"):
        asyncio.run(carry_once(transport_to(f"https://127.0.0.1:{listener.getsockname()[1]}"), outbox))
    thread.join(10)
    assert len(outbox.given_back) == 1


def test_without_a_region_or_credentials_it_is_said_before_the_first_message(monkeypatch):
    with pytest.raises(TransportError, match=r"region.*; check delivery\.region"):
        carry(SesTransport(), [])
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    with pytest.raises(TransportError, match=r"credentials; check delivery\.region and the credentials"):
        carry(SesTransport(region=REGION), [])


def test_a_region_that_no_host_can_have_is_said():
    with pytest.raises(TransportError, match=r"check delivery\.region"):
        carry(SesTransport(region="no such\nregion"), [])


def test_without_boto3_the_package_works_and_says_what_to_install(tmp_path):
    """In a Python of its own, which finds a broken boto3 first."""
    (tmp_path / "boto3.py").write_text("raise ImportError('not installed')")
    program = (
        "import asyncio, sys; sys.path.insert(0, sys.argv[1])\n"
        "from digest.deliver.open_transport import open_transport\n"
        "from digest.deliver.ses import SesTransport\n"
        "async def run():\n"
        "    async with SesTransport().connect(): pass\n"
        "try: asyncio.run(run())\n"
        "except OSError as error: print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", program, tmp_path], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == (
        "Amazon SES: boto3 is not installed (pip install 'digest-newsletter[ses]'); check delivery.transport"
    )
