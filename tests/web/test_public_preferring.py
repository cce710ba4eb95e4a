"""A reader's own pages: what they get, a pause, another address, their data, and being forgotten."""

import itertools
import re
from datetime import timedelta

import pytest
from public_site import link_in, make_workspace, run_public

from command_line import digest
from digest.mail.links import Purpose
from digest.model import SubscriberState
from digest.store.database import FILE_NAME
from digest.store.events import EventKind, list_events
from digest.store.groups import count_recipients, make_variant_key
from digest.store.pauses import end_pauses, pause
from digest.store.secrets import hash_address
from digest.store.subscribers import is_suppressed, suppress, take_out
from digest.testing import RecordingServer
from workspaces import add_readers, reader_address

NUMBERS = itertools.count(1000)


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    with RecordingServer() as mail:
        file = make_workspace(tmp_path_factory.mktemp("preferring") / "site", mail, readers=0)
        with run_public(file, mail) as running:
            yield running


@pytest.fixture
def reader(site):
    number = next(NUMBERS)
    with site.open() as app:
        add_readers(app.database, [number], newsletters=("weekly", "daily"))
    return reader_address(number)


@pytest.fixture
def page(site, reader):
    return f"/digest/preferences/{site.token(Purpose.PREFERENCES, reader)}"


def follow(site, answer):
    """The page a form leads back to."""
    assert answer.status == 303, answer.text
    return site.ask(answer.headers["location"])


def kinds(site, address):
    person = site.person(address)
    with site.open() as app:
        return [event.kind for event in list_events(app.database, person.id)]


def test_the_page_shows_what_is_chosen_and_the_address_shortened(site, reader, page):
    answer = site.ask(page)
    assert answer.title == "구독 설정"
    assert "r***@example.com" in answer.text
    assert reader not in answer.text
    assert len(re.findall(r'name="newsletter" value="\w+" checked', answer.text)) == 2
    assert '<option value="" selected>뉴스레터의 기본 시간대' in answer.text


def test_newsletters_sections_language_and_timezone_are_saved(site, reader, page):
    chosen = {"newsletter": ["daily"], "section": ["society"], "locale": "en", "timezone": "America/New_York"}
    answer = follow(site, site.post(f"{page}/save", chosen))
    assert "Your choice is saved." in answer.text  # in the language that was chosen
    person = site.person(reader)
    assert [(each.newsletter, each.sections) for each in person.subscriptions] == [("daily", ("society",))]
    assert (person.locale, person.timezone) == ("en", "America/New_York")
    assert kinds(site, reader)[1:] == [EventKind.LEFT, EventKind.CHANGED]


def test_what_is_not_offered_is_not_saved(site, reader, page):
    wild = {
        "newsletter": ["daily", "'; --", "none"],
        "section": ["none", "{{7*7}}"],
        "locale": "xx",
        "timezone": "Mars",
    }
    site.post(f"{page}/save", wild)
    person = site.person(reader)
    assert [(each.newsletter, each.sections) for each in person.subscriptions] == [("daily", ())]
    assert (person.locale, person.timezone) == ("", "")


def test_whoever_takes_all_newsletters_off_leaves_and_can_come_back(site, reader, page):
    assert "구독이 해지되어" in follow(site, site.post(f"{page}/save", {})).text
    assert site.person(reader).state is SubscriberState.UNSUBSCRIBED
    assert "다시 만나 반갑습니다" in follow(site, site.post(f"{page}/return")).text
    person = site.person(reader)
    assert person.state is SubscriberState.ACTIVE
    assert person.consent_source == "preferences page"
    assert person.consent_wording.startswith("ko-")


@pytest.mark.parametrize("state", [SubscriberState.BOUNCED, SubscriberState.COMPLAINED])
def test_whoever_bounced_or_complained_does_not_come_back_by_a_link(site, reader, page, state):
    with site.open() as app:
        take_out(app.database, reader, state=state, now=app.clock.now())
    site.post(f"{page}/return")
    assert site.person(reader).state is state


def recipients(app):
    return count_recipients(app.database, "weekly", [make_variant_key("", ()).key])


def test_a_pause_keeps_a_reader_out_of_issues_until_it_ends(site, reader, page):
    with site.open() as app:
        before = recipients(app)
    assert "까지 메일을 보내지 않습니다" in follow(site, site.post(f"{page}/pause", {"weeks": "2"})).text
    with site.open() as app:
        now = app.clock.now()
        assert recipients(app) == before - 1
        end_pauses(app.database, now=now + timedelta(days=13))
        assert recipients(app) == before - 1
        end_pauses(app.database, now=now + timedelta(days=15))
        assert recipients(app) == before
    assert kinds(site, reader)[1:] == [EventKind.PAUSED, EventKind.RESUMED]


def test_the_day_a_pause_ends_is_that_of_the_site(site, reader, page):
    with site.open() as app, app.database.transaction():
        evening = app.clock.now().replace(hour=20) + timedelta(days=7)  # the next morning in Seoul
        pause(app.database, site.person(reader).id, until=evening, now=app.clock.now())
    morning = evening + timedelta(days=1)
    assert f"{morning.month}월 {morning.day}일" in site.ask(page).text
    site.post(f"{page}/resume")


def test_whoever_bounced_is_told_whom_to_write_to(site, reader, page):
    with site.open() as app:
        take_out(app.database, reader, state=SubscriberState.BOUNCED, now=app.clock.now())
    assert '<a href="mailto:news@hanbit.example">news@hanbit.example</a> 주소로 알려 주세요' in site.ask(page).text


def test_whoever_comes_back_is_not_paused_any_more(site, reader, page):
    site.post(f"{page}/pause", {"weeks": "4"})
    site.post(f"{page}/leave")
    site.post(f"{page}/pause", {"weeks": "2"})
    site.post(f"{page}/return")
    assert (site.person(reader).state, site.person(reader).paused_until) == (SubscriberState.ACTIVE, None)


def test_the_mail_to_a_new_address_acts_for_nobody(site, reader, page):
    follow(site, site.post(f"{page}/address", {"email": "stranger@typo.example"}))
    (mail,) = site.mails_to("stranger@typo.example")
    link = mail["List-Unsubscribe"].split(">")[0].strip("<").removeprefix("https://hanbit.example")
    assert site.post(link, {"List-Unsubscribe": "One-Click"}).status == 200
    assert site.person(reader).state is SubscriberState.ACTIVE


@pytest.mark.parametrize(("weeks", "days"), [("0", 7), ("999", 182), ("-3", 7), ("x", 7), ("٣", 7)])
def test_a_pause_has_sensible_bounds(site, reader, page, weeks, days):
    site.post(f"{page}/pause", {"weeks": weeks})
    with site.open() as app:
        until = site.person(reader).paused_until
        assert abs(until - app.clock.now() - timedelta(days=days)) < timedelta(minutes=1)
    site.post(f"{page}/resume")
    assert site.person(reader).paused_until is None


def test_a_new_address_holds_when_it_was_confirmed_from_there_and_the_old_one_is_told(site, reader, page):
    old, new = reader, f"new-{reader}"
    assert "새 주소로 확인 메일을" in follow(site, site.post(f"{page}/address", {"email": new})).text
    assert site.person(old) is not None
    (mail,) = site.mails_to(new)
    path = link_in(mail, "confirm")
    assert site.ask(path).title == "새 주소 확인"
    assert site.person(new) is None
    assert site.post(path).title == "주소가 변경되었습니다"
    assert site.person(old) is None
    assert site.person(new).state is SubscriberState.ACTIVE
    (told,) = site.mails_to(old)
    assert told["Subject"] == "한빛뉴스에 등록된 주소가 변경되었습니다"
    assert new not in told.as_string()
    assert all("신청하신 적이" not in told.get_body((kind,)).get_content() for kind in ("plain", "html"))
    assert site.post(path).title == "주소가 변경되었습니다"
    assert len(site.mails_to(old)) == 1
    known = site.post(f"{page}/data").json["single_mails"]
    assert [(mail["kind"], mail["to"], mail["state"]) for mail in known] == [
        ("address", new, "sent"),
        ("moved", old, "sent"),
    ]
    told = digest("subscribers", "history", new, config=site.file).out
    assert "mail to confirm a new address sent: " in told
    assert "mail to the old address sent: " in told


def test_an_address_of_somebody_else_stays_theirs(site, reader, page):
    number = next(NUMBERS)
    with site.open() as app:
        add_readers(app.database, [number])
    follow(site, site.post(f"{page}/address", {"email": reader_address(number)}))
    (mail,) = site.mails_to(reader_address(number))
    assert site.post(link_in(mail, "confirm")).title == "이미 구독 중인 주소입니다"
    assert site.person(reader).id != site.person(reader_address(number)).id


def test_a_suppressed_address_gets_no_mail_and_the_answer_does_not_say_so(site, reader, page):
    with site.open() as app:
        suppress(app.database, hash_address(app.key, "never@move.example"), reason="bounced", now=app.clock.now())
    answers = [
        follow(site, site.post(f"{page}/address", {"email": address})).body
        for address in ("never@move.example", "fine@move.example")
    ]
    assert answers[0] == answers[1]
    assert (len(site.mails_to("never@move.example")), len(site.mails_to("fine@move.example"))) == (0, 1)


@pytest.mark.parametrize("address", ["", "nobody", "a@b\r\nBcc: x@y.example", "<x@y.example>"])
def test_what_is_no_address_changes_nothing(site, reader, page, address):
    assert "이메일 주소를 확인해" in follow(site, site.post(f"{page}/address", {"email": address})).text


def test_all_that_is_known_comes_as_a_file_and_the_history_says_so(site, reader, page):
    answer = site.post(f"{page}/data")
    assert answer.headers["content-disposition"] == 'attachment; filename="my-data.json"'
    known = answer.json
    assert known["address"] == reader
    assert [each["newsletter"] for each in known["newsletters"]] == ["daily", "weekly"]
    assert known["events"][-1]["what"] == "data-read"


def test_whoever_asks_to_be_forgotten_is_forgotten(site, reader, page):
    name = site.person(reader).name
    assert "먼저 확인란에 표시" in follow(site, site.post(f"{page}/erase")).text
    assert site.person(reader) is not None
    assert site.post(f"{page}/erase", {"sure": "yes"}).title == "정보를 모두 삭제했습니다"
    with site.open() as app:
        assert is_suppressed(app.database, hash_address(app.key, reader))
        app.database.rows("PRAGMA wal_checkpoint(TRUNCATE)")
    assert site.ask(page).status == 404
    left = b"".join(file.read_bytes() for file in site.file.parent.glob(f"{FILE_NAME}*"))
    assert reader.encode() not in left
    assert f"{name}\0".encode() not in left


def test_wrong_links_all_get_the_same_page(site, page):
    paths = ["/digest/preferences/x", f"{page}A", "/digest/preferences/" + "A" * 40]
    assert len({site.ask(path).body for path in paths}) == 1
    for step in ("save", "pause", "resume", "address", "leave", "return", "data", "erase"):
        answer = site.post(f"/digest/preferences/{'A' * 40}/{step}", {"email": "a@b.example", "sure": "yes"})
        assert answer.status == 404, step


def test_looking_changes_nothing(site, page):
    before = site.snapshot()
    for query in ("", "?done=saved", "?done=<script>", "?lang=en", "?lang=../../etc"):
        answer = site.ask(page + query)
        assert answer.status == 200
        assert "<script>" not in answer.text
    assert site.snapshot() == before
