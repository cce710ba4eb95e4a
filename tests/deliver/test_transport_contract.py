"""What every way out must do, whichever it is."""

import asyncio
import email
import email.policy
import itertools
import mailbox
from collections.abc import Callable
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path

import pytest

from digest.clock import Clock
from digest.deliver.maildir import MaildirTransport
from digest.deliver.smtp import SmtpTransport
from digest.deliver.transport import Envelope, Transport
from digest.errors import TransportError
from digest.model import DeliveryState
from digest.testing import ReceivedMessage, RecordingServer

REFUSED = "refused@example.com"
"""The recipient whose mail the servers refuse."""
BODY = "첫 줄\n.\n..\n.점으로 시작하는 줄\n\n끝\n" * 400
"""Korean lines, lone dots among them, long enough for hundreds of base64 lines."""

SMTP_WAYS = ["smtp", "smtp-starttls", "smtp-tls", "smtp-auth"]


@dataclass(frozen=True, kw_only=True)
class Way:
    transport: Transport
    received: Callable[[], list[bytes]]
    """What arrived, in order."""
    recipients: Callable[[], list[str]]
    """Who it arrived for, in order."""
    unusable: Transport
    """The same way out to a place that does not work."""


def answer(message: ReceivedMessage) -> str:
    return "550 5.1.1 no such user" if message.rcpt_tos == [REFUSED] else "250 2.0.0 queued"


def maildir_way(folder: Path) -> Way:
    def received() -> list[bytes]:
        box = mailbox.Maildir(folder / "outbox", create=False)
        return [box.get_bytes(key) for key in sorted(box.keys())]

    (folder / "file").write_text("not a folder")
    return Way(
        transport=MaildirTransport(path=folder / "outbox", clock=Clock()),
        received=received,
        recipients=lambda: [str(email.message_from_bytes(content)["To"]) for content in received()],
        unusable=MaildirTransport(path=folder / "file", clock=Clock()),
    )


def smtp_way(server: RecordingServer, **options) -> Way:
    common = {"host": server.host, "timeout": 20, "local_hostname": "client.example.com", **options}
    return Way(
        transport=SmtpTransport(port=server.port, **common),
        received=lambda: [message.content for message in server.messages],
        recipients=lambda: [recipient for message in server.messages for recipient in message.rcpt_tos],
        unusable=SmtpTransport(port=1, **common),
    )


@pytest.fixture(params=["maildir", *SMTP_WAYS])
def way(request, tmp_path, certificates):
    if request.param == "maildir":
        yield maildir_way(tmp_path)
        return
    login = ("digest", "correct horse")
    tls = certificates.server
    server, options = {
        "smtp": ({}, {"security": "none"}),
        "smtp-starttls": ({"tls_context": tls, "require_starttls": True}, {"security": "starttls"}),
        "smtp-tls": ({"tls_context": tls}, {"security": "tls"}),
        "smtp-auth": (
            {"tls_context": tls, "require_starttls": True, "auth": login},
            {"security": "starttls", "user": login[0], "password": login[1]},
        ),
    }[request.param]
    with RecordingServer(answer=answer, **server) as running:
        yield smtp_way(running, ca_file=certificates.ca_file, **options)


def compose(recipient: str, subject: str, body: str = BODY) -> bytes:
    message = EmailMessage(policy=email.policy.SMTP.clone(cte_type="7bit"))
    message["From"] = "한빛뉴스 <news@example.com>"
    message["To"] = recipient
    message["Subject"] = subject
    message.set_content(body, cte="base64")
    message.add_alternative(f"<p>{subject}</p>\n.\n", subtype="html", cte="quoted-printable")
    message.set_boundary("=_part")
    return message.as_bytes()


def meaning(content: bytes) -> tuple:
    """What a mail reader makes of it: headers, and each part's type and bytes. A folder keeps plain line ends."""
    message = email.message_from_bytes(content.replace(b"\r\n", b"\n"))
    parts = [part for part in message.walk() if not part.is_multipart()]
    return message.items(), [(part.get_content_type(), part.get_payload(decode=True)) for part in parts]


def envelope(recipient: str) -> Envelope:
    return Envelope(sender="bounces@example.com", recipient=recipient)


def deliver_all(transport: Transport, messages: list[tuple[str, bytes]]) -> list:
    async def run():
        async with transport.connect() as connection:
            return [await connection.deliver(envelope(to), content) for to, content in messages]

    return asyncio.run(run())


def test_a_message_arrives_once_and_means_the_same(way):
    content = compose("reader@example.com", "이번 주 가장 많이 읽은 기사 10선: " + "가나다라 " * 30)
    deliver_all(way.transport, [("reader@example.com", content)])
    assert [meaning(each) for each in way.received()] == [meaning(content)]
    (_, text), _ = meaning(content)[1]
    assert text.decode().splitlines() == BODY.splitlines()


def test_lines_that_are_a_dot_or_begin_with_one_arrive_as_they_are(way):
    content = b"To: reader@example.com\r\n\r\n.\r\n..\r\n.hidden\r\n\r\n.\r\nend .\r\n"
    deliver_all(way.transport, [("reader@example.com", content)])
    assert [meaning(each) for each in way.received()] == [meaning(content)]


def test_two_hundred_messages_arrive_in_order_each_for_its_recipient(way):
    people = [f"reader{number}@example.com" for number in range(200)]
    outcomes = deliver_all(way.transport, [(who, compose(who, f"호외 {who}", "짧게")) for who in people])
    assert {outcome.state for outcome in outcomes} == {DeliveryState.SENT}
    assert way.recipients() == people
    assert [meaning(each) for each in way.received()] == [
        meaning(compose(who, f"호외 {who}", "짧게")) for who in people
    ]


def test_a_sent_message_says_what_happened(way):
    (outcome,) = deliver_all(way.transport, [("reader@example.com", compose("reader@example.com", "x"))])
    assert outcome.state is DeliveryState.SENT
    assert outcome.reply
    assert "\n" not in outcome.reply


def test_an_unusable_place_is_said_with_the_setting_to_check(way):
    with pytest.raises(TransportError, match=r"; check delivery\.\w+") as caught:
        deliver_all(way.unusable, [])
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("way", SMTP_WAYS, indirect=True)  # a folder refuses nobody
def test_after_a_refused_message_the_next_one_works(way):
    people = [REFUSED, "reader@example.com", REFUSED, "other@example.com"]
    outcomes = deliver_all(way.transport, [(who, compose(who, "x")) for who in people])
    assert [outcome.state for outcome in outcomes] == [DeliveryState.FAILED, DeliveryState.SENT] * 2
    assert (outcomes[0].code, outcomes[0].reply) == (550, "5.1.1 no such user")
    assert way.recipients() == ["reader@example.com", "other@example.com"]


def test_cancelling_leaves_no_half_message_and_the_next_one_works(way):
    """Wherever a delivery is cancelled, what arrived is whole."""
    content = compose("reader@example.com", "끝까지")

    async def run():
        async with way.transport.connect() as connection:
            for turns in itertools.chain(range(12), range(12, 60, 8)):
                task = asyncio.create_task(connection.deliver(envelope("reader@example.com"), content))
                for _ in range(turns):
                    await asyncio.sleep(0.0005)
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
            return await connection.deliver(envelope("last@example.com"), content)

    assert asyncio.run(run()).state is DeliveryState.SENT
    assert {str(meaning(each)) for each in way.received()} == {str(meaning(content))}


def test_connections_side_by_side_do_not_mix_messages(way):
    people = [f"reader{number}@example.com" for number in range(20)]

    async def send(some: list[str]):
        async with way.transport.connect() as connection:
            return [await connection.deliver(envelope(who), compose(who, who, "본문")) for who in some]

    async def run():
        await asyncio.gather(send(people[:10]), send(people[10:]))

    asyncio.run(run())
    assert sorted(way.recipients()) == sorted(people)
    assert sorted(map(str, map(meaning, way.received()))) == sorted(
        str(meaning(compose(who, who, "본문"))) for who in people
    )
