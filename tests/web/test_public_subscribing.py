"""Subscribing: the form, the mail that asks for confirmation, and the same as JSON; the answer gives nothing away."""

import re
import time

import pytest
from public_site import READER, link_in, make_workspace, run_public

from digest.check.contract import check_mail
from digest.inspection import options_for
from digest.mail.links import Purpose
from digest.model import SubscriberState
from digest.signup import MAILS_AN_HOUR
from digest.store.confirmations import get_wording
from digest.store.erase import erase_subscriber
from digest.store.events import EventKind, list_events
from digest.store.secrets import hash_address
from digest.store.subscribers import suppress
from digest.testing import RecordingServer
from digest.web.public.evenly import EVEN_SECONDS
from workspaces import reader_address

INJECTIONS = [
    "kim@example.com\r\nBcc: all@example.com",
    "kim@example.com\nRCPT TO:<all@example.com>",
    "'; DROP TABLE subscriber; --@example.com",
    '"><script>alert(1)</script>@example.com',
    "{{ 7*7 }}@example.com",
    "kim@example.com, all@example.com",
    "<kim@example.com>",
    "kim@exam\0ple.com",
    "kim\u202e@example.com",
    "a" * 400 + "@example.com",
    "",
    "@",
]


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    with RecordingServer() as mail:
        file = make_workspace(tmp_path_factory.mktemp("subscribing") / "site", mail)
        with run_public(file, mail) as running:
            yield running


def test_a_new_reader_confirms_by_a_mail_that_holds_to_the_contract(site):
    thanks = site.sign_up("new@reader.example", newsletter="weekly")
    assert thanks.title == "감사합니다"
    assert '<a href="mailto:news@hanbit.example">' in thanks.text
    assert site.person("new@reader.example").state is SubscriberState.PENDING
    (mail,) = site.mails_to("new@reader.example")
    assert mail["Subject"] == "구독 신청을 확인해 주세요: 주간 한빛"
    with site.open() as app:
        newsletter = app.settings.newsletter("weekly")
        assert check_mail(site.mail.messages[-1].content, options_for(app.settings.site, newsletter)) == ()
    path = link_in(mail, "confirm")
    assert site.ask(path).title == "구독 신청 확인"
    assert site.person("new@reader.example").state is SubscriberState.PENDING
    assert site.post(path).title == "구독이 시작되었습니다"
    person = site.person("new@reader.example")
    assert person.state is SubscriberState.ACTIVE
    assert [each.newsletter for each in person.subscriptions] == ["weekly"]
    assert site.post(path).title == "구독이 시작되었습니다"  # a second press changes nothing
    assert site.person("new@reader.example") == person


def test_consent_is_kept_with_when_from_where_and_in_which_words(site):
    site.sign_up("consent@reader.example", newsletter="weekly")
    (mail,) = site.mails_to("consent@reader.example")
    site.post(link_in(mail, "confirm"))
    person = site.person("consent@reader.example")
    with site.open() as app:
        words = get_wording(app.database, person.consent_wording)
        kinds = {event.kind: event.facts for event in list_events(app.database, person.id)}
    assert person.consent_source == "form at https://hanbit.example/digest/subscribe"
    assert "동의합니다" in words
    assert person.consent_at is not None
    asked, consented = kinds[EventKind.ASKED], kinds[EventKind.CONSENTED]
    assert asked == consented
    assert asked["client"] == "127.0.0.0/24"
    assert asked["newsletters"] == ["weekly"]


def test_the_answer_never_tells_whether_an_address_is_known(site):
    with site.open() as app:
        suppress(app.database, hash_address(app.key, "never@reader.example"), reason="complained", now=app.clock.now())
    addresses = ("stranger@reader.example", READER, "never@reader.example")
    answers = [site.sign_up(address) for address in addresses]
    assert len({answer.body for answer in answers}) == 1
    assert {answer.status for answer in answers} == {200}
    assert [len(site.mails_to(address)) for address in addresses] == [1, 1, 0]
    as_json = [site.post_json("/digest/subscribe", {"email": a, "consent": True}) for a in addresses]
    assert {(answer.status, answer.body) for answer in as_json} == {(202, b'{"status":"accepted"}')}


def test_how_fast_the_answer_comes_does_not_tell_it_either(site):
    """A step that does next to nothing for a suppressed address lasts as long as one that queues a mail."""
    with site.open() as app:
        suppress(app.database, hash_address(app.key, "gone@reader.example"), reason="erased", now=app.clock.now())
    for address in ("gone@reader.example", "fresh@reader.example", reader_address(2)):
        began = time.monotonic()
        site.sign_up(address)
        assert time.monotonic() - began >= EVEN_SECONDS


def test_an_address_gets_few_mails_however_often_it_is_asked_for(site):
    for _ in range(MAILS_AN_HOUR + 3):
        assert site.sign_up("often@reader.example").title == "감사합니다"
    assert len(site.mails_to("often@reader.example")) == MAILS_AN_HOUR


def test_programs_are_kept_out_without_a_word(site):
    assert site.sign_up("bot@reader.example", website="https://spam.example").title == "감사합니다"
    assert site.person("bot@reader.example") is None


@pytest.mark.parametrize("stamp", ["", "6b000000.0123456789abcdef01234567", "nonsense", "-1.x"])
def test_a_form_without_its_stamp_is_shown_once_more_with_what_was_entered(site, stamp):
    """As the snippet on a publisher's own page has none."""
    answer = site.post("/digest/subscribe", {"stamp": stamp, "email": "slow@reader.example", "consent": "yes"})
    assert answer.status == 200
    assert 'value="slow@reader.example"' in answer.text
    assert "한 번 더 눌러" in answer.text
    assert site.person("slow@reader.example") is None


def test_a_form_that_was_sent_at_once_is_shown_once_more(site):
    stamp = re.search(r'name="stamp" value="([^"]+)"', site.ask("/digest/subscribe").text)[1]
    site.post("/digest/subscribe", {"stamp": stamp, "email": "fast@reader.example", "consent": "yes"})
    assert site.person("fast@reader.example") is None


@pytest.mark.parametrize("address", INJECTIONS)
def test_what_is_no_address_is_refused_and_shown_as_text(site, address):
    answer = site.sign_up(address)
    assert answer.status == 422
    assert "<script>" not in answer.text
    assert "49@" not in answer.text
    assert site.post_json("/digest/subscribe", {"email": address, "consent": True}).status == 422
    for victim in ("all@example.com", "kim@example.com"):
        assert site.mails_to(victim) == []


def test_without_consent_nothing_is_kept(site):
    with site.open() as app:
        before = app.database.value("SELECT count(*) FROM subscriber")
    assert site.sign_up("no@reader.example", consent="").status == 422
    for consent in (False, "true", 1, None):
        answer = site.post_json("/digest/subscribe", {"email": "no@reader.example", "consent": consent})
        assert (answer.status, answer.json["error"]["field"]) == (422, "consent")
    with site.open() as app:
        assert app.database.value("SELECT count(*) FROM subscriber") == before


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"[]", 400),
        (b"{" * 5000, 400),
        (b'{"email": ["x"], "consent": true}', 422),
        (b'{"email": "kim@example.com", "consent": true, "newsletters": ["none"]}', 422),
        (b'{"email": "kim@example.com", "consent": true, "newsletters": "weekly"}', 422),
        (b"\xff\xfe", 400),
        (b"x" * 20_000, 413),
    ],
)
def test_json_that_is_wrong_is_refused_with_a_reason(site, body, status):
    assert site.post_json("/digest/subscribe", body).status == status


def test_only_sites_of_the_settings_may_post_from_a_browser(site):
    own = site.ask("/digest/subscribe", method="OPTIONS", origin="https://hanbit.example")
    assert own.headers["access-control-allow-origin"] == "https://hanbit.example"
    assert own.headers["access-control-allow-headers"] == "Content-Type"
    other = site.ask("/digest/subscribe", method="OPTIONS", origin="https://other.example")
    assert "access-control-allow-origin" not in other.headers
    values = {"email": "cors@reader.example", "consent": True, "newsletters": ["daily"], "language": "en"}
    answer = site.post_json("/digest/subscribe", values, origin="https://hanbit.example")
    assert answer.headers["access-control-allow-origin"] == "https://hanbit.example"
    (mail,) = site.mails_to("cors@reader.example")
    assert mail["Subject"] == "Confirm your subscription: 매일 한빛"


def test_a_confirmation_link_is_for_nothing_else_and_ends_with_its_days(site, monkeypatch):
    site.sign_up("late@reader.example")
    (mail,) = site.mails_to("late@reader.example")
    token = link_in(mail, "confirm").rpartition("/")[2]
    for path in (f"/digest/unsubscribe/{token}", f"/digest/preferences/{token}"):
        assert site.ask(path).status == 404
        assert site.post(path).status in {404, 405}
    with site.open() as app:
        app.database.execute("UPDATE confirmation SET asked_at = asked_at - 8 * 86400")
    assert site.ask(f"/digest/confirm/{token}").status == 404
    assert site.post(f"/digest/confirm/{token}").status == 404
    assert site.person("late@reader.example").state is SubscriberState.PENDING


def test_who_was_erased_meanwhile_cannot_be_confirmed(site):
    site.sign_up("erased@reader.example")
    (mail,) = site.mails_to("erased@reader.example")
    with site.open() as app, app.database.transaction():
        hashed = hash_address(app.key, "erased@reader.example")
        erase_subscriber(app.database, "erased@reader.example", address_hash=hashed, now=app.clock.now())
    assert site.post(link_in(mail, "confirm")).status == 404
    site.sign_up("erased@reader.example")
    assert len(site.mails_to("erased@reader.example")) == 1  # the first one: never mailed again


def test_whoever_left_comes_back_by_the_form(site):
    site.sign_up("back@reader.example", newsletter="weekly")
    site.post(link_in(site.mails_to("back@reader.example")[0], "confirm"))
    site.post(f"/digest/unsubscribe/{site.token(Purpose.UNSUBSCRIBE, 'back@reader.example')}")
    assert site.person("back@reader.example").state is SubscriberState.UNSUBSCRIBED
    site.sign_up("back@reader.example", newsletter="daily")
    assert site.person("back@reader.example").state is SubscriberState.UNSUBSCRIBED
    site.post(link_in(site.mails_to("back@reader.example")[1], "confirm"))
    person = site.person("back@reader.example")
    assert person.state is SubscriberState.ACTIVE
    assert [each.newsletter for each in person.subscriptions] == ["daily"]


def test_one_client_may_ask_so_often_and_no_more(tmp_path):
    with RecordingServer() as mail:
        file = make_workspace(tmp_path / "site", mail, signups_per_hour=3)
        with run_public(file, mail) as site:
            answers = [site.sign_up(f"reader{n}@many.example").status for n in range(5)]
            assert answers == [200, 200, 200, 429, 429]
            answer = site.post_json("/digest/subscribe", {"email": "x@many.example", "consent": True})
            assert (answer.status, answer.headers["retry-after"]) == (429, "3600")


def test_without_a_confirmation_where_the_settings_say_so(tmp_path):
    with RecordingServer() as mail:
        file = make_workspace(tmp_path / "site", mail, double_opt_in=False)
        with run_public(file, mail) as site:
            site.sign_up("at-once@reader.example", newsletter="weekly")
            assert site.person("at-once@reader.example").state is SubscriberState.ACTIVE
            assert site.mails_to("at-once@reader.example") == []
