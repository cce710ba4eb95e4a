"""Leaving with one click, as RFC 8058 says and as Gmail does it; a GET changes nothing."""

from datetime import timedelta

import pytest
from public_site import make_workspace, run_public

from digest.mail.links import Purpose, SignedLink, sign_link
from digest.model import SubscriberState
from digest.schedule import Occurrence
from digest.store.erase import erase_subscriber
from digest.store.leases import claim_issue
from digest.store.secrets import add_link_key, hash_address
from digest.testing import RecordingServer
from workspaces import BOOT, EDITION, NOW, add_readers, reader_address

MULTIPART = (
    b'--x\r\nContent-Disposition: form-data; name="List-Unsubscribe"\r\n\r\nOne-Click\r\n--x--\r\n',
    "multipart/form-data; boundary=x",
)
URLENCODED = (b"List-Unsubscribe=One-Click", "application/x-www-form-urlencoded")


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    with RecordingServer() as mail:
        file = make_workspace(tmp_path_factory.mktemp("leaving") / "site", mail, readers=0)
        with run_public(file, mail) as running:
            with running.open() as app:
                claim_issue(
                    app.database,
                    "weekly",
                    Occurrence(edition=EDITION, due_at=NOW),
                    origin="manual",
                    deadline=NOW + timedelta(days=1),
                    owner="test",
                    boot=BOOT,
                    now=NOW,
                )
            yield running


@pytest.fixture
def reader(site, request):
    """A new reader of both newsletters."""
    number = abs(hash(request.node.nodeid)) % 99_999
    with site.open() as app:
        add_readers(app.database, [number], newsletters=("weekly", "daily"))
    return reader_address(number)


def one_click(site, token, sent=URLENCODED):
    return site.ask(f"/digest/unsubscribe/{token}", method="POST", body=sent[0], content_type=sent[1])


def newsletters(site, address):
    person = site.person(address)
    return [each.newsletter for each in person.subscriptions] if person.state is SubscriberState.ACTIVE else []


@pytest.mark.parametrize("sent", [URLENCODED, MULTIPART], ids=["urlencoded", "multipart"])
def test_one_click_takes_a_reader_off_that_newsletter_without_cookie_login_or_redirect(site, reader, sent):
    token = site.token(Purpose.UNSUBSCRIBE, reader, issue=1)
    answer = one_click(site, token, sent)
    assert (answer.status, answer.body) == (200, b"unsubscribed\n")
    assert not answer.headers.keys() & {"set-cookie", "location", "www-authenticate"}
    assert newsletters(site, reader) == ["daily"]


def test_a_second_click_changes_nothing(site, reader):
    token = site.token(Purpose.UNSUBSCRIBE, reader, issue=1)
    one_click(site, token)
    before = site.snapshot()
    assert one_click(site, token).status == 200
    assert site.snapshot() == before


def test_whoever_leaves_their_last_newsletter_leaves_whole(site, reader):
    one_click(site, site.token(Purpose.UNSUBSCRIBE, reader, issue=1))
    site.post(f"/digest/unsubscribe/{site.token(Purpose.UNSUBSCRIBE, reader, issue=1)}", {"scope": "all"})
    assert site.person(reader).state is SubscriberState.UNSUBSCRIBED


def test_a_link_of_no_issue_is_for_all_newsletters(site, reader):
    one_click(site, site.token(Purpose.UNSUBSCRIBE, reader))
    assert site.person(reader).state is SubscriberState.UNSUBSCRIBED


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_looking_shows_a_button_and_changes_nothing(site, reader, method):
    path = f"/digest/unsubscribe/{site.token(Purpose.UNSUBSCRIBE, reader, issue=1)}"
    before = site.snapshot()
    answer = site.ask(path, method=method)
    assert answer.status == 200
    if method == "GET":
        assert answer.title == "‘주간 한빛’ 구독을 해지할까요?"
        assert reader not in answer.text
    assert site.snapshot() == before


def test_the_button_does_what_it_says(site, reader):
    path = f"/digest/unsubscribe/{site.token(Purpose.UNSUBSCRIBE, reader, issue=1)}"
    answer = site.post(path, {"scope": "one"})
    assert answer.title == "구독이 해지되었습니다"
    assert "계속 받으시는 뉴스레터: 매일 한빛" in answer.text
    assert newsletters(site, reader) == ["daily"]


@pytest.mark.parametrize("purpose", [Purpose.PREFERENCES, Purpose.CONFIRM, Purpose.COUNT])
def test_tokens_of_other_purposes_are_nothing_here(site, reader, purpose):
    with site.open() as app:
        link = SignedLink(purpose=purpose, subscriber_id=1, issue_id=1)
        token = sign_link(app.keyring.signing, link)
    assert one_click(site, token).status == 404
    assert site.ask(f"/digest/unsubscribe/{token}").status == 404
    assert newsletters(site, reader) == ["daily", "weekly"]


def test_wrong_links_all_get_the_same_page(site, reader):
    token = site.token(Purpose.UNSUBSCRIBE, reader, issue=1)
    foreign = sign_link(b"k" * 32, SignedLink(purpose=Purpose.UNSUBSCRIBE, subscriber_id=1, issue_id=1))
    wrong = [foreign, token[:-1], token[:-1] + ("A" if token[-1] != "A" else "B"), "x", "%00", "..%2f..", "가" * 40]
    answers = [site.ask(f"/digest/unsubscribe/{quoted(each)}") for each in wrong]
    assert {answer.status for answer in answers} == {404}
    assert len({answer.body for answer in answers}) == 1
    assert newsletters(site, reader) == ["daily", "weekly"]


def quoted(text):
    return text.encode().decode("latin-1") if text.isascii() else "".join(f"%{byte:02X}" for byte in text.encode())


def test_a_link_works_after_its_key_was_followed_by_another(site, reader):
    """For years: the keys before it are still believed."""
    token = site.token(Purpose.UNSUBSCRIBE, reader, issue=1)
    with site.open() as app:
        add_link_key(app.database, bytes(range(32)), now=app.clock.now())
    try:
        assert site.token(Purpose.UNSUBSCRIBE, reader, issue=1) != token
        assert one_click(site, token).status == 200
        assert newsletters(site, reader) == ["daily"]
    finally:
        with site.open() as app:
            app.database.execute("DELETE FROM link_key")


def test_the_link_of_somebody_erased_says_that_they_are_out(site, reader):
    token = site.token(Purpose.UNSUBSCRIBE, reader, issue=1)
    with site.open() as app, app.database.transaction():
        erase_subscriber(app.database, reader, address_hash=hash_address(app.key, reader), now=app.clock.now())
    assert one_click(site, token).status == 200
    assert site.ask(f"/digest/unsubscribe/{token}").title == "구독이 해지되었습니다"
