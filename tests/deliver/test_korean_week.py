"""A real week of Korean news goes to a thousand readers through a real mail server."""

import email
import email.policy
import time
from datetime import UTC, date, datetime
from threading import Event
from zoneinfo import ZoneInfo

import pytest

from digest.gather import ImportOrder, import_articles, import_views
from digest.mail.links import Purpose, read_link
from digest.model import IssueState
from digest.schedule import occurrence_on
from digest.source.files import FileOptions
from digest.store.database import open_database
from digest.store.subscriber_search import SubscriberFilter, list_subscribers
from digest.testing import RecordingServer
from digest.tick import Observer, begin_edition, tick
from workspaces import SetClock, add_readers, open_at, reader_address, settings_text, smtp_settings

pytestmark = pytest.mark.slow
READERS = 1000
EDITION = date(2019, 4, 8)
MONDAY_MORNING = datetime(2019, 4, 7, 23, 5, tzinfo=UTC)
"""08:05 in Seoul, five minutes after it is due."""
CLIP = 102_400
"""Gmail clips an HTML part of so many encoded bytes, and with it the unsubscribe link."""


@pytest.fixture(scope="module")
def server():
    with RecordingServer() as started:
        yield started


@pytest.fixture(scope="module")
def week(data_folder, server, tmp_path_factory):
    """What a tick of that Monday morning sent, with the workspace's key and its readers by address."""
    file = tmp_path_factory.mktemp("week") / "digest.toml"
    file.write_text(settings_text({"max_per_section": 3}, delivery=smtp_settings(server)), encoding="utf-8")
    open_database(file.with_name("digest.db"), create=True).close()
    clock = SetClock(MONDAY_MORNING)
    with open_at(file, clock) as app:
        options = FileOptions(timezone=ZoneInfo("Asia/Seoul"), read_at=clock.now())
        began = time.process_time()
        for importing, name in ((import_articles, "naver_articles"), (import_views, "naver_views")):
            report = importing(app.database, ImportOrder(path=data_folder / f"{name}.csv.gz", options=options))
            assert report.kept
            assert report.refused == ()
        assert time.process_time() - began < 10  # the goal is 5 s; generous against a busy machine
        add_readers(app.database, range(READERS))
        newsletter = app.settings.newsletter(None)
        (report,) = tick(app, newsletter, stop=Event(), observer=Observer())
        assert (report.issue.edition, report.issue.state) == (EDITION, IssueState.SENT)
        occurrence = occurrence_on(newsletter.due, EDITION, ZoneInfo("Asia/Seoul"))
        again = begin_edition(app, newsletter, occurrence, origin="manual", stop=Event(), observer=Observer())
        assert again is None
        readers = {reader.address: reader.id for reader in list_subscribers(app.database, SubscriberFilter())}
        return app.key, readers


def test_every_reader_gets_one_whole_message_of_their_own(week, server):
    key, readers = week
    assert sorted(m.rcpt_tos[0] for m in server.messages) == [reader_address(number) for number in range(READERS)]
    seen = set()
    for received in server.messages:
        message = email.message_from_bytes(received.content, policy=email.policy.default)
        (address,) = received.rcpt_tos
        assert not message.defects
        assert message["To"].addresses[0].addr_spec == address
        assert message["To"].addresses[0].display_name == f"독자 {int(address[6:11])}"
        seen.add(message["Message-ID"])
        link = read_link(key, message["List-Unsubscribe"].strip("<>").rpartition("/")[2])
        assert (link.purpose, link.subscriber_id) == (Purpose.UNSUBSCRIBE, readers[address])
        assert "주간 한빛" in message["Subject"]
        assert "=?" not in message["Subject"]
    assert len(seen) == READERS


def test_the_html_part_is_below_gmails_clip_and_both_parts_carry_the_readers_link(week, server):
    for received in server.messages[:: READERS // 20]:
        message = email.message_from_bytes(received.content, policy=email.policy.default)
        url = message["List-Unsubscribe"].strip("<>")
        text, html = message.get_body(("plain",)), message.get_body(("html",))
        assert message.get_content_type() == "multipart/alternative"
        assert [part.get_content_type() for part in message.iter_parts()] == ["text/plain", "text/html"]
        assert len(html.get_payload().encode()) < CLIP
        assert html["Content-Transfer-Encoding"] == text["Content-Transfer-Encoding"] == "base64"
        assert url in html.get_content()
        assert url in text.get_content()
        assert all(len(line) <= 998 for line in received.content.split(b"\r\n"))
