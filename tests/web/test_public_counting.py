"""Opens and clicks at the real server: links lead on whatever happens, and only people count as people."""

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from urllib.parse import quote

import pytest
from counted_site import BROWSER, ISSUE, CountedSite, make_counting, run_counted
from hypothesis import example, given, settings
from hypothesis import strategies as st
from public_site import run_public, wait_until

from digest.app import open_app
from digest.housekeeping import Housekeeper
from digest.mail.links import Purpose, SignedLink, sign_link
from digest.store.erase import erase_subscriber
from digest.store.secrets import hash_address
from digest.testing import RecordingServer
from workspaces import SetClock, open_at, reader_address

GOOGLE = "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)"
READERS = [reader_address(number) for number in range(14)]
TOKEN = st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_", min_size=40, max_size=40)


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    with RecordingServer() as mail:
        file = make_counting(tmp_path_factory.mktemp("counting") / "site", mail, readers=len(READERS))
        with run_counted(file, mail) as running:
            yield running


@pytest.fixture
def reader(site, unused):
    """Somebody nothing is known of yet."""
    return unused.pop()


@pytest.fixture(scope="module")
def unused():
    return list(READERS)


def token_of(site, person, issue=ISSUE, purpose=Purpose.COUNT):
    with site.site.open() as app:
        link = SignedLink(purpose=purpose, subscriber_id=person, issue_id=issue)
        return sign_link(app.keyring.signing, link)


def test_a_click_leads_to_the_article_and_counts(site, reader):
    first = site.links_to(reader)[0]
    before = site.clicks().get(1, (0, 0))
    answer = site.get(f"{first}?to=https://evil.example&url=//evil.example", referer="https://mail.example/")
    assert (answer.status, answer.headers["location"]) == (302, "https://hanbit.example/articles/1")
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert "set-cookie" not in answer.headers
    site.wait_for(reader, "clicked")
    assert site.clicks()[1] == (before[0] + 1, before[1])


def test_a_second_click_on_the_same_link_is_the_same_click(site, reader):
    first = site.links_to(reader)[0]
    site.get(first)
    site.wait_for(reader, "clicked")
    before = site.clicks()
    for _ in range(3):
        site.get(first)
    site.settle()
    assert site.clicks() == before


def test_a_scanner_that_follows_every_link_at_once_is_a_machine_and_changes_nobodys_state(site, reader):
    """With a browser's name; within two seconds, as gateways do it long after delivery."""
    links, people = site.links_to(reader), site.sums()
    clicks, state = site.clicks(), site.site.person(reader)
    site.get(site.pixel_to(reader))
    with ThreadPoolExecutor(5) as pool:
        assert {answer.status for answer in pool.map(site.get, links)} == {302}
    site.wait_for(reader, "prefetched", "machine")
    site.settle()
    after = site.clicks()
    assert {place: after[place][0] for place in after} == {place: clicks.get(place, (0, 0))[0] for place in after}
    assert all(after[place][1] == clicks.get(place, (0, 0))[1] + 1 for place in range(1, len(links) + 1))
    assert (site.sums().opened, site.sums().clicked) == (people.opened, people.clicked)
    assert site.sums().machines == people.machines + 1
    assert site.site.person(reader) == state


def test_scanners_that_say_so_are_machines_from_the_first_click_on(site, reader):
    site.get(site.links_to(reader)[0], agent="Mozilla/5.0 (compatible; Barracuda Sentinel (EE))")
    site.wait_for(reader, "machine")


def test_a_click_within_seconds_after_the_mail_was_handed_over_is_a_machines(site, reader):
    with site.site.open() as app:
        person = site.site.person(reader)
        now = int(app.clock.now().timestamp())
        app.database.execute("UPDATE delivery SET updated_at = ? WHERE subscriber_id = ?", (now, person.id))
    site.get(site.links_to(reader)[1])
    site.wait_for(reader, "machine")


def test_a_person_who_clicks_after_the_scanner_is_counted_as_a_person(site, reader):
    links = site.links_to(reader)
    site.get(links[0], agent="Proofpoint")
    site.wait_for(reader, "machine")
    with site.site.open() as app:
        app.database.execute("UPDATE recent_click SET clicked_at = clicked_at - 60")
    site.get(links[0])
    site.wait_for(reader, "machine", "clicked")


def test_apples_proxy_is_perhaps_and_gmails_is_a_person(site, reader):
    people = site.sums()
    pixel = site.pixel_to(reader)
    answer = site.get(pixel, agent="Mozilla/5.0")
    assert answer.body.startswith(b"GIF89a")
    assert (answer.headers["content-type"], answer.headers["cache-control"]) == ("image/gif", "no-store")
    site.wait_for(reader, "prefetched")
    assert site.sums().opened == people.opened
    assert site.sums().prefetched == people.prefetched + 1
    site.get(pixel, agent=GOOGLE)
    site.wait_for(reader, "prefetched", "opened")
    assert site.sums().opened == people.opened + 1
    assert site.sums().prefetched == people.prefetched


def test_head_leads_on_and_counts_nothing(site, reader):
    answer = site.site.ask(site.links_to(reader)[0], method="HEAD", user_agent=BROWSER)
    assert (answer.status, answer.headers["location"]) == (302, "https://hanbit.example/articles/1")
    assert site.site.ask(site.pixel_to(reader), method="HEAD", user_agent=BROWSER).status == 200
    site.settle()
    assert site.reading(reader) == set()


def test_links_of_a_test_send_lead_on_and_count_nothing(site):
    before = site.site.snapshot()
    assert site.get(f"/digest/c/{token_of(site, 0)}/2").headers["location"] == "https://hanbit.example/articles/2"
    assert site.get(f"/digest/o/{token_of(site, 0)}.gif").status == 200
    site.settle()
    assert site.site.snapshot() == before


def test_links_of_somebody_erased_lead_on_and_sums_stay(site, reader):
    link, pixel = site.links_to(reader)[2], site.pixel_to(reader)
    site.get(link)
    site.wait_for(reader, "clicked")
    sums, clicks = site.sums(), site.clicks()
    with site.site.open() as app, app.database.transaction():
        erase_subscriber(app.database, reader, address_hash=hash_address(app.key, reader), now=app.clock.now())
    before = site.site.snapshot()
    assert site.get(link).headers["location"] == "https://hanbit.example/articles/3"
    assert site.get(pixel).status == 200
    site.settle()
    assert site.site.snapshot() == before
    assert (site.sums(), site.clicks()) == (sums, clicks)


@pytest.mark.parametrize("place", ["0", "6", "99", "01", "+1", "１", "-1", "1.0", "999999999999"])
def test_a_place_that_the_issue_does_not_have_is_the_neutral_page(site, place):
    answer = site.get(f"/digest/c/{token_of(site, 1)}/{quote(place)}")
    assert (answer.status, "location" in answer.headers) == (404, False)
    assert answer.title == site.get(f"/digest/c/{'A' * 40}/1").title


@pytest.mark.parametrize("purpose", [Purpose.UNSUBSCRIBE, Purpose.PREFERENCES, Purpose.CONFIRM])
def test_a_token_for_another_purpose_is_worth_nothing(site, purpose):
    assert site.get(f"/digest/c/{token_of(site, 1, purpose=purpose)}/1").status == 404
    assert site.get(f"/digest/unsubscribe/{token_of(site, 1)}").status == 404


def test_a_picture_is_the_same_for_every_token(site, reader):
    real, forged = site.get(site.pixel_to(reader)), site.get(f"/digest/o/{'A' * 40}.gif")
    assert (real.status, real.body) == (forged.status, forged.body)
    assert {k: v for k, v in real.headers.items() if k != "date"} == {
        k: v for k, v in forged.headers.items() if k != "date"
    }


@settings(max_examples=80, deadline=None)
@given(
    token=st.one_of(st.text(max_size=60), TOKEN, st.integers(0, 39), st.just("real")),
    place=st.one_of(st.text(max_size=20), st.integers(-1, 8).map(str)),
    query=st.text(max_size=60),
    host=st.sampled_from(["hanbit.example", "evil.example", "evil.example@hanbit.example"]),
)
@example(token="real", place="1", query="url=https://evil.example", host="evil.example")
@example(token="real", place="//evil.example", query="", host="hanbit.example")
@example(token="real", place="", query="", host="evil.example")
@example(token="real", place="/", query="", host="evil.example")
@example(token="https://evil.example", place="1", query="", host="hanbit.example")
def test_whatever_is_sent_nothing_leads_to_where_the_issue_does_not(site, token, place, query, host):
    real = token_of(site, 1)
    if isinstance(token, int):
        token = real[:token] + ("A" if real[token] != "A" else "B") + real[token + 1 :]
    token = real if token == "real" else token
    path = f"/digest/c/{quote(token, safe='')}/{quote(place, safe='')}?{quote(query, safe='=&')}"
    answer = site.site.ask(path, host=host, user_agent="fuzz bot", x_forwarded_host="evil.example")
    targets = {f"https://hanbit.example/articles/{number}" for number in range(1, 6)}
    if answer.status == 302:
        assert token == real
        assert answer.headers["location"] in targets
    else:
        assert (answer.status, "location" in answer.headers) == (404, False)


def test_a_click_leads_on_while_the_database_is_locked_and_is_counted_later(site, reader):
    """Somebody else writes for long; no reader waits for that."""
    other = sqlite3.connect(site.site.file.with_name("digest.db"), isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    try:
        answer = site.get(site.links_to(reader)[3])
        assert answer.headers["location"] == "https://hanbit.example/articles/4"
        assert site.get(site.pixel_to(reader)).status == 200
        assert site.reading(reader) == set()
    finally:
        other.execute("ROLLBACK")
        other.close()
    site.wait_for(reader, "opened", "clicked")


def test_many_at_once_are_counted_once_each(tmp_path):
    """Twelve people, each clicking the same link from four places at once, while the pictures load."""
    readers = [reader_address(number) for number in range(12)]
    with RecordingServer() as mail:
        file = make_counting(tmp_path / "site", mail, readers=len(readers))
        with run_counted(file, mail) as site:
            asked = [site.links_to(each)[0] for each in readers] + [site.pixel_to(each) for each in readers]
            with ThreadPoolExecutor(8) as pool:
                answers = list(pool.map(site.get, asked * 4))
            assert {answer.status for answer in answers} == {302, 200}
            wait_until(lambda: (site.sums().opened, site.sums().clicked) == (12, 12))
            site.settle()
            assert site.clicks() == {1: (12, 0)}


def test_addresses_of_networks_and_programs_are_kept_nowhere(site, reader):
    site.site.ask(site.links_to(reader)[0], user_agent="Secretive/1.0 Browser", x_forwarded_for="203.0.113.77")
    site.wait_for(reader, "clicked")
    kept = repr(site.site.snapshot())
    assert "203.0.113.77" not in kept
    assert "127.0.0.1" not in kept
    assert "Secretive" not in kept


def test_what_a_person_read_is_forgotten_after_a_day_and_that_they_did_after_the_settings_days(tmp_path):
    with RecordingServer() as mail:
        file = make_counting(tmp_path / "site", mail, readers=1)
        with run_counted(file, mail) as site:
            site.get(site.links_to(READERS[0])[0])
            site.wait_for(READERS[0], "clicked")
            sums, clicks = site.sums(), site.clicks()
        with open_app(file) as app:
            clock = SetClock(app.clock.now())
        with open_at(file, clock) as app:
            clock.advance(days=2)
            Housekeeper().tidy(app)
            assert app.database.value("SELECT count(*) FROM recent_click") == 0
            assert app.database.value("SELECT count(*) FROM reading") == 1
            clock.advance(days=399)
            Housekeeper().tidy(app)
            assert app.database.value("SELECT count(*) FROM reading") == 0
        assert (site.sums(), site.clicks()) == (sums, clicks)


def test_switched_off_nothing_more_is_counted_and_links_still_lead_on(tmp_path):
    with RecordingServer() as mail:
        file = make_counting(tmp_path / "site", mail, readers=1)
        with run_counted(file, mail) as site:
            link, pixel = site.links_to(READERS[0])[0], site.pixel_to(READERS[0])
        file.write_text(file.read_text(encoding="utf-8").replace("= true\ncount_clicks = true", "= false"), "utf-8")
        with open_app(file) as app:
            assert not app.settings.newsletter("weekly").count_clicks
        with run_public(file, mail) as running:
            later, before = CountedSite(running), running.snapshot()
            assert later.get(link).headers["location"] == "https://hanbit.example/articles/1"
            assert later.get(pixel).status == 200
            later.settle()
            assert running.snapshot() == before


def test_of_an_issue_too_old_for_readings_links_lead_on_and_count_nothing(tmp_path):
    """Two years, as the links that leave: what was known is forgotten by then, and would be counted twice."""
    with RecordingServer() as mail:
        file = make_counting(tmp_path / "site", mail, readers=1)
        with run_counted(file, mail) as site:
            years = timedelta(days=2 * 365).total_seconds()
            site.let_time_pass(years)
            with site.site.open() as app:
                app.database.execute("UPDATE issue SET frozen_at = frozen_at - ?", (int(years),))
            before = site.site.snapshot()
            assert site.get(site.links_to(READERS[0])[0]).headers["location"] == "https://hanbit.example/articles/1"
            site.get(site.pixel_to(READERS[0]))
            site.settle()
            assert site.site.snapshot() == before
