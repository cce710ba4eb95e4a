"""Webhooks over real HTTP: who may tell of bounces, what follows, and what a stranger gets."""

import json
from dataclasses import dataclass, field

import pytest
from public_site import make_workspace, run_public

from digest.errors import UnreachableError
from digest.mail.links import sign_bounce_token
from digest.source.fetch import Answer
from digest.store.events import list_events
from digest.store.subscribers import get_subscriber
from digest.testing import RecordingServer
from digest.web.public import webhooks
from digest.web.public.guard import LARGEST_HOOK
from sns_messages import (
    CERTIFICATE_URL,
    SUBSCRIBE_URL,
    TOPIC,
    certificate,
    confirmation,
    notification,
    ses_bounce,
    ses_complaint,
    ses_delivery,
    sign,
)
from workspaces import add_readers, reader_address

TOKEN = "a-secret-of-some-length"
FORMS = ("notificationType", "eventType")


@dataclass
class Amazon:
    """What answers in place of Amazon's servers."""

    asked: list = field(default_factory=list)
    is_there: bool = True
    body: bytes = b""
    status: int = 200

    def __call__(self, url, **options):
        self.asked.append((url, options["https_only"]))
        if not self.is_there:
            raise UnreachableError(url, "nobody answers")
        return Answer(url=url, status=self.status, headers={}, body=self.body or certificate(), is_cut=False)


@pytest.fixture(scope="module")
def amazon():
    return Amazon()


@pytest.fixture(scope="module")
def site(tmp_path_factory, amazon):
    with RecordingServer() as mail, pytest.MonkeyPatch.context() as patch:
        patch.setattr(webhooks, "_ask_amazon", amazon)
        file = make_workspace(tmp_path_factory.mktemp("webhooks") / "site", mail, readers=0)
        table = f'[inbound]\nsns_topics = ["{TOPIC}"]\nwebhook_token = "{TOKEN}"\n'
        file.write_text(file.read_text("utf-8") + table, encoding="utf-8")
        with run_public(file, mail) as running:
            yield running


@pytest.fixture(autouse=True)
def calm(amazon):
    amazon.asked.clear()
    amazon.is_there, amazon.body, amazon.status = True, b"", 200


@pytest.fixture
def reader(site, request):
    """A new reader; its address."""
    number = abs(hash(request.node.nodeid)) % 99_999
    with site.open() as app:
        add_readers(app.database, [number])
    return reader_address(number)


def post_sns(site, values):
    return site.post_json("/webhooks/ses", values, content_type="text/plain; charset=UTF-8")


def post(site, entries, token=TOKEN):
    return site.post_json("/digest/webhooks/bounces", entries, authorization=f"Bearer {token}")


def state(site, address):
    return str(site.person(address).state)


def mark_of(site, address):
    with site.open() as app:
        person = get_subscriber(app.database, address)
        return sign_bounce_token(app.keyring.signing, subscriber_id=person.id, issue_id=0)


@pytest.fixture
def number(request):
    """Of a message, as each has its own."""
    return abs(hash(request.node.nodeid)) % 10**12


# SES


@pytest.mark.parametrize("version", ["1", "2"])
@pytest.mark.parametrize("form", FORMS)
def test_a_permanent_bounce_takes_the_person_out_in_both_forms(site, reader, number, form, version):
    answer = post_sns(site, notification(ses_bounce(reader, form=form), version=version, number=number))
    assert (answer.status, answer.body) == (200, b"ok\n")
    assert state(site, reader) == "bounced"


@pytest.mark.parametrize("form", FORMS)
def test_a_complaint_takes_the_person_out_in_both_forms(site, reader, number, form):
    assert post_sns(site, notification(ses_complaint(reader, form=form), number=number)).status == 200
    assert state(site, reader) == "complained"


@pytest.mark.parametrize("form", FORMS)
def test_a_delivery_changes_nothing(site, reader, number, form):
    before = site.snapshot()
    assert post_sns(site, notification(ses_delivery(reader, form=form), number=number)).status == 200
    assert site.snapshot() == before  # there are as many as mails: none takes a commit
    assert state(site, reader) == "active"


def test_a_transient_bounce_is_soft(site, reader, number):
    post_sns(site, notification(ses_bounce(reader, kind="Transient", subtype="MailboxFull"), number=number))
    assert state(site, reader) == "active"
    with site.open() as app:
        kinds = [str(event.kind) for event in list_events(app.database, get_subscriber(app.database, reader).id)]
    assert kinds == ["added", "soft-bounce"]


def test_a_mark_among_the_headers_names_the_person_of_a_forwarded_mail(site, reader, number):
    event = ses_bounce("elsewhere@forwarded.example", mark=mark_of(site, reader))
    post_sns(site, notification(event, number=number))
    assert state(site, reader) == "bounced"


def test_the_same_notification_again_changes_nothing(site, reader, number):
    """SNS sends again what it has no answer to."""
    values = notification(ses_bounce(reader, kind="Transient", subtype="MailboxFull"), number=number)
    post_sns(site, values)
    before = site.snapshot()
    assert post_sns(site, values).status == 200
    assert site.snapshot() == before


def test_a_subscription_to_an_allowed_topic_is_confirmed_with_amazon(site, amazon):
    assert post_sns(site, confirmation()).status == 200
    assert amazon.asked[-1] == (SUBSCRIBE_URL, True)


def test_a_certificate_is_asked_for_once(site, amazon, reader, number):
    for n in range(3):
        post_sns(site, notification(ses_delivery(reader), number=number + n))
    assert len(amazon.asked) <= 1


@pytest.mark.parametrize(
    "make",
    [
        lambda reader: notification(ses_bounce(reader), topic=f"{TOPIC}-of-somebody-else"),
        lambda reader: {**notification(ses_bounce(reader)), "Signature": "AAAA"},
        lambda reader: {**notification({}), "Message": json.dumps(ses_bounce(reader))},
        lambda reader: {**notification(ses_bounce(reader)), "SigningCertURL": "https://evil.example/x.pem"},
        lambda reader: confirmation(topic=f"{TOPIC}-of-somebody-else"),
        lambda reader: confirmation(url="https://evil.example/?Action=ConfirmSubscription&x"),
        lambda reader: {k: v for k, v in notification(ses_bounce(reader)).items() if k != "Signature"},
    ],
    ids=["topic", "signature", "text", "certificate", "confirmed topic", "confirmed where", "unsigned"],
)
def test_a_forgery_is_refused_and_changes_nothing(site, amazon, reader, make):
    before = site.snapshot()
    assert post_sns(site, make(reader)).status == 403
    assert site.snapshot() == before
    assert not [url for url, _ in amazon.asked if url != CERTIFICATE_URL]


def test_where_amazon_cannot_be_asked_the_notification_comes_again(site, amazon, reader, number, monkeypatch):
    other = CERTIFICATE_URL.replace("0123456789abcdef", "ffff")
    values = {**notification(ses_bounce(reader), number=number), "SigningCertURL": other}
    for changes in ({"is_there": False}, {"status": 500}):
        for name, value in changes.items():
            monkeypatch.setattr(amazon, name, value)
        assert post_sns(site, values).status == 503
        monkeypatch.undo()
    assert state(site, reader) == "active"
    assert post_sns(site, values).status == 200
    assert state(site, reader) == "bounced"


@pytest.mark.parametrize("text", ["Successfully validated SNS topic for Amazon SES.", "[]", "[" * 9999])
def test_a_notification_that_is_no_event_is_taken_and_nothing_follows(site, number, text):
    before = site.snapshot()
    assert post_sns(site, notification(text, number=number)).status == 200
    assert site.snapshot() == before


def test_a_request_that_is_no_notification_is_refused(site):
    for body in (b"", b"{}", b"\xff\xfe", b"[" * 100_000, b'{"Type": "Notification"}'):
        assert site.ask("/webhooks/ses", method="POST", body=body).status == 400
    assert site.ask("/webhooks/ses", method="POST", content_length=str(LARGEST_HOOK + 1)).status == 413
    assert site.ask("/webhooks/ses").status == 405


# The generic form


@pytest.mark.parametrize(
    ("kind", "follows"),
    [
        ("hard", ("bounced", "bounced")),
        ("soft", ("active", "noted")),
        ("blocked", ("active", "noted")),
        ("complaint", ("complained", "complained")),
        ("unsubscribe", ("unsubscribed", "unsubscribed")),
    ],
)
def test_each_kind_has_its_consequence(site, reader, number, kind, follows):
    answer = post(site, [{"recipient": reader, "kind": kind, "id": f"{kind} {number}", "diagnostic": "said\r\nso"}])
    state_after, deed = follows
    assert (answer.status, answer.json) == (200, {"results": [deed]})
    assert state(site, reader) == state_after


def test_a_mark_names_the_person(site, reader, number):
    entry = {"mark": mark_of(site, reader).upper(), "kind": "hard", "id": f"mark {number}"}
    assert post(site, [entry]).json == {"results": ["bounced"]}
    assert state(site, reader) == "bounced"


def test_the_same_id_again_changes_nothing(site, reader, number):
    entry = {"recipient": reader, "kind": "soft", "id": f"same {number}"}
    post(site, [entry])
    before = site.snapshot()
    assert post(site, [entry, {**entry, "kind": "hard"}]).json == {"results": ["already known", "already known"]}
    assert site.snapshot() == before


def test_without_an_id_the_same_words_change_nothing(site, reader):
    entry = {"recipient": reader, "kind": "soft", "diagnostic": reader}
    assert post(site, [entry, entry]).json == {"results": ["noted", "already known"]}


def test_a_thousand_entries_are_taken_at_once_and_one_more_is_not(site, reader):
    entries = [{"recipient": f"x{n}@nowhere.example", "kind": "soft", "id": f"{reader} {n}"} for n in range(1000)]
    assert post(site, entries).json["results"] == ["nobody"] * 1000
    assert post(site, [*entries, entries[0]]).status == 400


@pytest.mark.parametrize("token", ["", "wrong", TOKEN[:-1], TOKEN + "x", "토큰"])
def test_nobody_is_heard_without_the_token(site, reader, token):
    before = site.snapshot()
    answer = site.ask(
        "/webhooks/bounces",
        method="POST",
        body=json.dumps([{"recipient": reader, "kind": "hard"}]),
        authorization=f"Bearer {token}".encode(),
    )
    assert (answer.status, answer.headers["www-authenticate"]) == (401, "Bearer")
    assert site.snapshot() == before


@pytest.mark.parametrize(
    ("entry", "field"),
    [
        ({"kind": "hard"}, "[1].recipient"),
        ({"recipient": "a@x.kr"}, "[1].kind"),
        ({"recipient": "a@x.kr", "kind": "harder"}, "[1].kind"),
        ({"recipient": "a@x.kr", "kind": ["hard"]}, "[1].kind"),
        ({"recipient": 7, "kind": "hard"}, "[1].recipient"),
        ({"recipient": "a@x.kr", "kind": "hard", "status": "bad"}, "[1].status"),
        ({"recipient": "a@x.kr", "kind": "hard", "diagnostic": "x" * 1001}, "[1].diagnostic"),
        ({"recipient": "a@x.kr", "kind": "hard", "reason": "\0"}, "[1].reason"),
        ({"mark": "12", "kind": "hard"}, "[1].mark"),
        ({"recipient": "a@x.kr", "kind": "hard", "extra": "x"}, "[1].extra"),
        ("hard", "[1]"),
        (None, "[1]"),
    ],
)
def test_one_wrong_entry_refuses_them_all_and_is_named(site, reader, entry, field):
    answer = post(site, [{"recipient": reader, "kind": "hard"}, entry])
    assert (answer.status, answer.json["error"]["field"]) == (422, field)
    assert state(site, reader) == "active"


def test_a_body_that_is_no_list_is_refused(site):
    for body in (b"", b"{}", b"[]", b"\xff", b"[" * 100_000, b'"x"'):
        assert post(site, body).status == 400
    assert site.ask("/webhooks/bounces", method="POST", content_length=str(LARGEST_HOOK + 1)).status == 413


def test_without_settings_there_are_no_webhooks(tmp_path):
    with RecordingServer() as mail, run_public(make_workspace(tmp_path / "site", mail), mail) as plain:
        for path in ("ses", "bounces"):
            assert plain.ask(f"/webhooks/{path}", method="POST", body=b"[]").status == 404


def test_a_signature_is_checked_before_anything_is_read_of_the_message(site, reader, number):
    """The message as an attacker's own topic would have it, signed by Amazon for that one."""
    values = sign({**notification(ses_bounce(reader), number=number), "TopicArn": "arn:aws:sns:eu-west-1:1:theirs"})
    assert post_sns(site, values).status == 403
    assert state(site, reader) == "active"
