"""Single mails: each leaves once or is known to be uncertain, waits where there is no way out, ends in time."""

from datetime import timedelta

import pytest

from digest.check.contract import check_mail
from digest.errors import TransportError
from digest.inspection import options_for
from digest.model import SubscriberState
from digest.notices import send_due_notices, write_notice
from digest.settings import load_settings
from digest.signup import MAILS_A_DAY, MAILS_AN_HOUR, SignUp, ask_to_subscribe
from digest.store.confirmations import Consent, forget_unconfirmed
from digest.store.database import FILE_NAME, open_database
from digest.store.erase import erase_subscriber
from digest.store.notices import (
    WIRE_SECONDS,
    NoticeKind,
    add_notice,
    claim_notices,
    count_recent_notices,
    forget_old_notices,
)
from digest.store.secrets import hash_address
from digest.store.subscribers import get_subscriber
from digest.testing import RecordingServer
from workspaces import NOW, SetClock, open_at, settings_text, smtp_settings

WHO = "kim@example.com"


@pytest.fixture(scope="module")
def mail():
    with RecordingServer() as server:
        yield server


@pytest.fixture
def app(tmp_path, mail):
    mail.messages.clear()
    yield from open_workspace(tmp_path, smtp_settings(mail))


def open_workspace(folder, delivery):
    file = folder / "digest.toml"
    site = {"postal_address": "서울특별시 중구 한빛길 12"}
    file.write_text(settings_text({}, delivery=delivery, site=site), encoding="utf-8")
    load_settings(file)
    open_database(folder / FILE_NAME, create=True).close()
    with open_at(file, SetClock()) as opened:
        yield opened


def ask(app, address=WHO, *, now=None):
    consent = Consent(form="form", client="203.0.113.0/24", wording="ko-1")
    sign_up = SignUp(address=address, newsletters=("weekly",), locale="ko", consent=consent, words="동의합니다")
    with app.database.transaction():
        hashed = hash_address(app.key, address)
        return ask_to_subscribe(app.database, sign_up, address_hash=hashed, now=now or app.clock.now())


def states(app):
    return [row["state"] for row in app.database.rows("SELECT state FROM notice ORDER BY id")]


def test_a_mail_leaves_once(app, mail):
    ask(app)
    assert send_due_notices(app) == 1
    assert send_due_notices(app) == 0
    assert [message.rcpt_tos for message in mail.messages] == [[WHO]]
    assert states(app) == ["sent"]


@pytest.mark.parametrize("kind", NoticeKind)
@pytest.mark.parametrize("locale", ["ko", "en"])
def test_every_kind_holds_to_the_contract_in_every_language(app, kind, locale):
    ask(app)
    person = get_subscriber(app.database, WHO)
    with app.database.transaction():
        add_notice(
            app.database,
            kind,
            subscriber_id=person.id,
            confirmation_id=1,
            address=WHO,
            locale=locale,
            newsletter="weekly",
            now=NOW,
        )
    notices = claim_notices(app.database, limit=9, boot=app.clock.boot(), now=NOW)
    parcel = write_notice(app, notices[-1])
    options = options_for(app.settings.site, app.settings.newsletter("weekly"))
    assert check_mail(parcel.content, options) == ()


def test_two_mails_to_one_person_have_ids_of_their_own(app, mail):
    ask(app)
    ask(app)
    send_due_notices(app)
    ids = {line for m in mail.messages for line in m.content.split(b"\r\n") if line.startswith(b"Message-ID")}
    assert len(ids) == 2


def test_without_a_way_out_mails_wait_and_then_leave(tmp_path, mail):
    closed = {**smtp_settings(mail), "port": 1}
    for app in open_workspace(tmp_path, closed):
        ask(app)
        assert send_due_notices(app) == 0
        assert states(app) == ["deferred"]
        file = tmp_path / "digest.toml"
        file.write_text(settings_text({}, delivery=smtp_settings(mail)), encoding="utf-8")
        app.clock.advance(minutes=3)
        with open_at(file, app.clock) as again:
            assert send_due_notices(again) == 1


def test_what_a_server_puts_off_is_tried_again_and_given_up_after_a_day(tmp_path):
    with RecordingServer(answer=lambda _: "451 4.3.0 later") as grudging:
        for app in open_workspace(tmp_path, smtp_settings(grudging)):
            ask(app)
            tries = 0
            while states(app) != ["failed"]:
                tries += 1
                assert send_due_notices(app) == 0
                app.clock.advance(hours=2)
            assert 10 <= tries <= 16


def test_a_mail_whose_process_died_on_the_wire_is_uncertain_and_not_sent_again(app, mail):
    ask(app)
    claim_notices(app.database, limit=1, boot=app.clock.boot(), now=app.clock.now())
    assert send_due_notices(app) == 0
    assert states(app) == ["wire"]
    app.clock.advance(seconds=WIRE_SECONDS + 1)
    assert send_due_notices(app) == 0
    assert states(app) == ["uncertain"]
    assert mail.messages == []


def test_a_mail_that_cannot_be_written_keeps_no_other_waiting(app, mail):
    ask(app)
    ask(app, "lee@example.com")
    app.database.execute("UPDATE notice SET newsletter = 'gone' WHERE address = ?", (WHO,))
    assert send_due_notices(app) == 1
    assert states(app) == ["failed", "sent"]


def test_whoever_is_erased_gets_none(app, mail):
    ask(app)
    with app.database.transaction():
        erase_subscriber(app.database, WHO, address_hash=hash_address(app.key, WHO), now=NOW)
    assert send_due_notices(app) == 0
    assert mail.messages == []


def test_an_address_has_its_limits_by_the_hour_and_by_the_day(app):
    asked = [ask(app, now=NOW + timedelta(minutes=40 * number)) for number in range(12)]
    assert asked.count(True) == MAILS_A_DAY
    assert [ask(app, "lee@example.com") for _ in range(4)].count(True) == MAILS_AN_HOUR
    assert count_recent_notices(app.database, WHO, since=NOW) == MAILS_A_DAY


def test_who_never_confirms_is_forgotten_and_who_reads_is_not(app):
    ask(app)
    ask(app, "lee@example.com", now=NOW + timedelta(days=20))
    ask(app, "active@example.com")
    app.database.execute("UPDATE subscriber SET state = 'active' WHERE address = 'active@example.com'")
    assert forget_unconfirmed(app.database, before=NOW + timedelta(days=1)) == 1
    assert get_subscriber(app.database, WHO) is None
    assert get_subscriber(app.database, "lee@example.com").state is SubscriberState.PENDING
    assert get_subscriber(app.database, "active@example.com") is not None
    kept = app.database.rows("SELECT kind, facts FROM subscriber_event WHERE subscriber_id IS NULL ORDER BY id")
    assert [(row["kind"], row["facts"]) for row in kept] == [("added", '{"state":"pending"}'), ("asked", "{}")]


def test_old_mails_are_forgotten_when_they_have_ended(app):
    ask(app)
    send_due_notices(app)
    ask(app, "lee@example.com")
    assert forget_old_notices(app.database, now=NOW + timedelta(days=91), days=90) == 1
    assert states(app) == ["queued"]


def test_an_unusable_server_is_no_failure_of_the_program(tmp_path):
    for app in open_workspace(tmp_path, {"transport": "sendmail", "sendmail": ["/no/such/program"]}):
        ask(app)
        try:
            send_due_notices(app)
        except TransportError as error:
            pytest.fail(f"{error} was not kept for later")
        assert states(app) in (["deferred"], ["failed"])
