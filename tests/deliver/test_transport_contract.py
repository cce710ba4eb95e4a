"""What every way out must do, whichever it is."""

import asyncio
import email.policy
import json
import mailbox
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from email.message import EmailMessage
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from outboxes import SENDER, ListOutbox, carry, carry_all, carry_once, parcel_for
from sendmail_programs import program
from ses_servers import REGION, running_moto, set_credentials

from digest.clock import Clock
from digest.deliver.files import FilesTransport
from digest.deliver.maildir import MaildirTransport
from digest.deliver.sendmail import SendmailTransport
from digest.deliver.ses import SesTransport
from digest.deliver.smtp import SmtpTransport
from digest.deliver.transport import Parcel, Transport
from digest.errors import StoreError, TransportError
from digest.model import DeliveryState
from digest.testing import ReceivedMessage, RecordingServer

REFUSED = "refused@example.com"
"""The recipient whose mail servers refuse."""
BODY = "첫 줄\n.\n..\n.점으로 시작하는 줄\n\n끝\n" * 400
"""Korean lines, lone dots among them, long enough for hundreds of base64 lines."""

SMTP_WAYS = ["smtp", "smtp-starttls", "smtp-tls", "smtp-auth"]
WAYS = ["maildir", "files", "sendmail", "ses", *SMTP_WAYS]


class Arrival(NamedTuple):
    """One message at the other end."""

    sender: str
    """Return path, or "" where this way out does not carry it so far."""
    recipient: str
    content: bytes


@dataclass(frozen=True, kw_only=True)
class Way:
    transport: Transport
    arrivals: Callable[[], list[Arrival]]
    """What arrived; in order, where each message waits for the one before."""
    unusable: Transport
    """The same way out to a place that does not work."""
    line_end: bytes = b"\r\n"
    """That of a message that has arrived."""
    carries_envelope: bool = True
    """Otherwise only the headers say who a message is for."""
    refusal: str = field(default="", kw_only=True)
    """The words with which it refuses a recipient."""

    def expected(self, parcel: Parcel) -> Arrival:
        content = parcel.content.replace(b"\r\n", self.line_end)
        if not self.carries_envelope:
            return Arrival("", "", content)
        return Arrival(parcel.envelope.sender, parcel.envelope.recipient, content)


def maildir_way(folder: Path) -> Way:
    def arrivals() -> list[Arrival]:
        files = (folder / "outbox" / "new").glob("*")
        return [Arrival("", "", file.read_bytes()) for file in sorted(files)]

    (folder / "file").write_text("not a folder")
    return Way(
        transport=MaildirTransport(path=folder / "outbox", clock=Clock()),
        arrivals=arrivals,
        unusable=MaildirTransport(path=folder / "file", clock=Clock()),
        line_end=b"\n",
        carries_envelope=False,
    )


def files_way(folder: Path) -> Way:
    def read(message: Path) -> Arrival:
        envelope = json.loads(message.with_suffix(".json").read_text(encoding="utf-8"))
        return Arrival(envelope["from"], envelope["to"], message.read_bytes())

    (folder / "file").write_text("not a folder")
    return Way(
        transport=FilesTransport(path=folder / "outbox", clock=Clock()),
        arrivals=lambda: [read(file) for file in sorted((folder / "outbox").glob("*.eml"))],
        unusable=FilesTransport(path=folder / "file", clock=Clock()),
    )


def sendmail_way(folder: Path) -> Way:
    """A program that keeps what it is told and given, in the order of arrival."""
    sendmail = program(
        folder,
        f"""
        for recipient; do :; done
        [ "$recipient" = {REFUSED} ] && {{ echo "no such user" >&2; exit 67; }}
        name=$BOX/$(date +%s.%N)-$$
        printf '%s\\n' "$@" > "$name.arguments"
        cat > "$name.part" && mv "$name.part" "$name.message"
        """,
    )

    def read(message: Path) -> Arrival:
        *_, option, sender, dashes, recipient = message.with_suffix(".arguments").read_text().splitlines()
        assert (option, dashes) == ("-f", "--")
        return Arrival(sender, recipient, message.read_bytes())

    return Way(
        transport=SendmailTransport(command=(str(sendmail), "-i"), timeout=20),
        arrivals=lambda: [read(file) for file in sorted(folder.glob("*.message"))],
        unusable=SendmailTransport(command=(str(folder / "absent"),)),
        line_end=b"\n",
        refusal="no such user",
    )


@pytest.fixture(scope="module")
def moto():
    with running_moto() as running:
        yield running


def ses_way(moto) -> Way:
    """Moto keeps no return path."""
    moto.empty()

    def arrivals() -> list[Arrival]:
        return [Arrival(SENDER, recipient, content) for recipient, content in moto.messages]

    return Way(
        transport=SesTransport(region=REGION, endpoint=moto.endpoint),
        arrivals=arrivals,
        unusable=SesTransport(region=REGION, endpoint="http://127.0.0.1:1"),
    )


def answer(message: ReceivedMessage) -> str:
    return "550 5.1.1 no such user" if message.rcpt_tos == [REFUSED] else "250 2.0.0 queued"


def smtp_way(server: RecordingServer, **options) -> Way:
    common = {"host": server.host, "timeout": 20, **options}

    def arrivals() -> list[Arrival]:
        return [Arrival(each.mail_from, each.rcpt_tos[0], each.content) for each in list(server.messages)]

    return Way(
        transport=SmtpTransport(port=server.port, **common),
        arrivals=arrivals,
        unusable=SmtpTransport(port=1, **common),
        refusal="5.1.1 no such user",
    )


@pytest.fixture(params=WAYS)
def way(request, tmp_path, monkeypatch):
    if request.param in SMTP_WAYS:
        with RecordingServer(answer=answer, **server_options(request)) as server:
            yield smtp_way(server, **client_options(request))
        return
    if request.param == "ses":
        set_credentials(monkeypatch)
        yield ses_way(request.getfixturevalue("moto"))
        return
    yield {"maildir": maildir_way, "files": files_way, "sendmail": sendmail_way}[request.param](tmp_path)


LOGIN = ("digest", "correct horse")


def server_options(request) -> dict:
    tls = request.getfixturevalue("certificates").server
    return {
        "smtp": {},
        "smtp-starttls": {"tls_context": tls, "require_starttls": True},
        "smtp-tls": {"tls_context": tls},
        "smtp-auth": {"tls_context": tls, "require_starttls": True, "auth": LOGIN},
    }[request.param]


def client_options(request) -> dict:
    own = {
        "smtp": {"security": "none"},
        "smtp-starttls": {"security": "starttls"},
        "smtp-tls": {"security": "tls"},
        "smtp-auth": {"security": "starttls", "user": LOGIN[0], "password": LOGIN[1]},
    }[request.param]
    return {"ca_file": request.getfixturevalue("certificates").ca_file, **own}


def letter(recipient: str, subject: str, body: str = "짧게\n") -> Parcel:
    """A message as the program writes them; its subject tells it from others."""
    message = EmailMessage(policy=email.policy.SMTP.clone(cte_type="7bit"))
    message["From"] = "한빛뉴스 <news@example.com>"
    message["To"] = recipient
    message["Subject"] = subject
    message.set_content(body, cte="base64")
    message.add_alternative(f"<p>{subject}</p>\n.\n", subtype="html", cte="quoted-printable")
    message.set_boundary("=_part")
    return parcel_for(recipient, message.as_bytes())


def letters(count: int) -> list[Parcel]:
    people = [f"reader{number}@example.com" for number in range(count)]
    return [letter(who, f"호외 {who}") for who in people]


def plain(body: bytes, recipient: str = "reader@example.com", sender: str = SENDER) -> Parcel:
    """A message whose body is exactly this."""
    head = b"From: news@example.com\r\nTo: list@example.com\r\nSubject: x\r\n\r\n"
    return parcel_for(recipient, head + body, sender=sender)


def assert_all_arrived(way: Way, parcels: list[Parcel]) -> None:
    assert way.arrivals() == [way.expected(parcel) for parcel in parcels]


def test_a_message_arrives_once_to_the_byte(way):
    parcel = letter("reader@example.com", "이번 주 가장 많이 읽은 기사 10선: " + "가나다라 " * 30, BODY)
    outbox = carry(way.transport, [parcel])
    assert outbox.states == [DeliveryState.SENT]
    assert_all_arrived(way, [parcel])


def test_lines_that_are_a_dot_or_begin_with_one_arrive_as_they_are(way):
    parcel = plain(b".\r\n..\r\n.hidden\r\n\r\n.\r\nend .\r\n")
    carry(way.transport, [parcel])
    assert_all_arrived(way, [parcel])


LINES = st.one_of(
    st.sampled_from([b"", b".", b"..", b".x", b"From me", b"x" * 998, b"." * 998, b"a\tb ", b"DATA", b"QUIT"]),
    st.text(alphabet=[chr(code) for code in range(32, 127)], max_size=120).map(str.encode),
)
BODIES = st.lists(LINES, max_size=40).map(lambda lines: b"".join(line + b"\r\n" for line in lines))
FEW_EXAMPLES = settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@FEW_EXAMPLES
@given(bodies=st.lists(BODIES, min_size=1, max_size=5))
def test_any_seven_bit_lines_up_to_998_characters_arrive_to_the_byte(way, bodies):
    before = len(way.arrivals())
    parcels = [plain(body) for body in bodies]
    carry(way.transport, parcels)
    assert way.arrivals()[before:] == [way.expected(parcel) for parcel in parcels]


ATOM = r"[a-zA-Z0-9!#$%&'*+/=?^_`{|}~-]"
LOCAL_PARTS = st.from_regex(rf"{ATOM}{{1,30}}(\.{ATOM}{{1,9}}){{0,3}}", fullmatch=True)
DOMAINS = st.from_regex(r"([a-z0-9]([a-z0-9-]{0,20}[a-z0-9])?\.){1,3}(com|kr|xn--3e0b707e)", fullmatch=True)
ADDRESSES = st.builds("{}@{}".format, LOCAL_PARTS, DOMAINS)


@pytest.mark.parametrize("way", [name for name in WAYS if name not in ("maildir", "ses")], indirect=True)
@FEW_EXAMPLES
@given(envelopes=st.lists(st.tuples(ADDRESSES, ADDRESSES), min_size=1, max_size=5))
def test_any_address_reaches_the_other_end_as_it_is(way, envelopes):
    """Addresses that look like options or shell commands among them."""
    before = len(way.arrivals())
    awkward = ("-oQ/tmp@example.com", "`id`$HOME|id&'@example.com")
    parcels = [plain(b"x\r\n", recipient, sender) for sender, recipient in [awkward, *envelopes]]
    carry(way.transport, parcels)
    assert way.arrivals()[before:] == [way.expected(parcel) for parcel in parcels]


def test_many_messages_arrive_in_order_each_for_its_recipient(way):
    parcels = letters(60)
    outbox = carry(way.transport, parcels)
    assert outbox.states == [DeliveryState.SENT] * 60
    assert_all_arrived(way, parcels)


def test_a_sent_message_says_what_happened(way):
    parcel = letter("reader@example.com", "x")
    assert carry(way.transport, [parcel]).outcomes[parcel].reply


def test_connections_side_by_side_carry_each_message_once(way):
    parcels = letters(60)
    outbox = ListOutbox(parcels)
    asyncio.run(carry_all(way.transport, outbox, connections=4))
    assert len(outbox.outcomes) == 60
    assert sorted(way.arrivals()) == sorted(way.expected(parcel) for parcel in parcels)


def test_nothing_has_arrived_of_a_message_that_is_being_released(way):
    """The ledger must hold that it may leave before it can have left."""
    seen: list[int] = []

    async def look(parcel: Parcel) -> None:
        await asyncio.sleep(0.02)  # time for a message to arrive that was sent too early
        seen.append(way.arrivals().count(way.expected(parcel)))

    parcels = letters(6)
    carry(way.transport, parcels, before_release=look)
    assert seen == [0] * 6
    assert_all_arrived(way, parcels)


def test_a_message_that_was_withdrawn_never_arrives(way):
    parcels = letters(8)
    outbox = carry(way.transport, parcels, withdrawn=parcels[::2])
    assert outbox.withdrawn == parcels[::2]
    assert_all_arrived(way, parcels[1::2])


def test_a_connection_waits_for_messages_that_come_later(way):
    parcels = letters(3)
    outbox = carry(way.transport, parcels, pauses=3)
    assert len(outbox.outcomes) == 3
    assert_all_arrived(way, parcels)


def test_what_the_ledger_raises_at_the_release_goes_on_and_the_message_stays(way):
    parcels = letters(3)

    async def refuse_the_second(parcel: Parcel) -> None:
        if parcel is parcels[1]:
            raise StoreError("the database cannot be written")

    outbox = ListOutbox(parcels, before_release=refuse_the_second)
    with pytest.raises(StoreError, match="cannot be written"):
        asyncio.run(carry_all(way.transport, outbox))
    assert not outbox.forgotten
    assert outbox.states == [DeliveryState.SENT]
    time.sleep(0.02)
    assert_all_arrived(way, parcels[:1])


def test_an_unusable_place_is_said_with_the_setting_to_check(way):
    """At once or with the first message, which is given back."""
    outbox = ListOutbox(letters(2))
    with pytest.raises(TransportError, match=r"; check delivery\.\w+") as caught:
        asyncio.run(carry_once(way.unusable, outbox))
    assert "\n" not in str(caught.value)
    assert outbox.outcomes == {}
    assert not outbox.forgotten


@pytest.mark.parametrize("way", ["sendmail", *SMTP_WAYS], indirect=True)  # a folder refuses nobody, nor does moto
def test_after_a_refused_message_the_next_one_works(way):
    parcels = [letter(who, "x") for who in (REFUSED, "reader@example.com", REFUSED, "other@example.com")]
    outbox = carry(way.transport, parcels)
    assert [outbox.outcomes[parcel].state for parcel in parcels] == [DeliveryState.FAILED, DeliveryState.SENT] * 2
    assert outbox.outcomes[parcels[0]].reply == way.refusal
    assert_all_arrived(way, parcels[1::2])


@pytest.mark.parametrize(
    "seconds", [0.002, 0.03, *(pytest.param(each, marks=pytest.mark.slow) for each in (0, 0.01, 0.08))]
)
def test_wherever_it_is_cancelled_what_was_said_of_each_message_is_true(way, seconds):
    """What is settled as sent has arrived, what arrived is whole, and nothing is forgotten."""
    parcels = letters(40)
    outbox = ListOutbox(parcels)

    async def run() -> None:
        task = asyncio.create_task(carry_all(way.transport, outbox))
        await asyncio.sleep(seconds)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    asyncio.run(run())
    time.sleep(0.05)
    arrived = way.arrivals()
    sent = [way.expected(parcel) for parcel, end in outbox.outcomes.items() if end.state is DeliveryState.SENT]
    in_doubt = [way.expected(p) for p, end in outbox.outcomes.items() if end.state is DeliveryState.UNCERTAIN]
    assert not outbox.forgotten
    assert set(sent) <= set(arrived) <= set(sent) | set(in_doubt)
    assert len(set(arrived)) == len(arrived)


@pytest.mark.parametrize("way", ["maildir"], indirect=True)
def test_a_mail_reader_opens_what_a_maildir_got(way, tmp_path):
    carry(way.transport, letters(2))
    box = mailbox.Maildir(tmp_path / "outbox", create=False)
    assert sorted(message["To"] for message in box) == ["reader0@example.com", "reader1@example.com"]
