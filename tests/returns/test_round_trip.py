"""From a message that was really sent to what comes back of it, whatever the other server returns of it."""

import re
from email import message_from_bytes, policy
from threading import Event
from urllib.parse import parse_qs, unquote, urlsplit

import pytest

from digest.testing import RecordingServer
from digest.tick import Observer, tick
from returned_mail import READER, bounce, is_out, leaving, make_site, process, state_of
from workspaces import SetClock, fill_with_news, open_at, smtp_settings


@pytest.fixture(scope="module")
def sent(tmp_path_factory):
    """What a mail server took for the reader, and the folder of the workspace as it was then."""
    folder = tmp_path_factory.mktemp("sent") / "site"
    with RecordingServer() as mail:
        delivery = smtp_settings(mail, verp=True, return_path="returned@hanbit.example")
        file = make_site(folder, delivery=delivery, site={"unsubscribe_mailto": "bye@hanbit.example"})
        with open_at(file, SetClock()) as app:
            fill_with_news(app.database)
            reports = list(tick(app, app.settings.newsletter(None), stop=Event(), observer=Observer()))
        assert [str(report.issue.state) for report in reports] == ["sent"]
        return file, next(message for message in mail.messages if message.rcpt_tos == [READER])


@pytest.fixture
def app(sent):
    with open_at(sent[0], SetClock()) as opened:
        opened.database.execute("UPDATE subscriber SET state = 'active'")
        opened.database.execute("DELETE FROM suppression")
        opened.database.execute("DELETE FROM inbound_message")
        yield opened


def test_a_bounce_is_known_by_any_of_three_things_alone(app, sent):
    _, message = sent
    headers = message_from_bytes(message.content)
    for way in (
        {"to": message.mail_from, "recipient": "elsewhere@forwarded.example"},
        {"mark": headers["X-Digest-Delivery"], "recipient": "elsewhere@forwarded.example"},
        {"message_id": headers["Message-ID"]},
    ):
        app.database.execute("UPDATE subscriber SET state = 'active'")
        app.database.execute("DELETE FROM suppression")
        assert process(app, bounce(**way, number=len(str(way)))) == ["bounced"], way
        assert (state_of(app), is_out(app)) == ("bounced", True)


def test_the_mail_that_a_mail_programs_button_writes_takes_its_reader_out(app, sent):
    """As RFC 6068 says: the address and the subject of the mailto, percent-decoded."""
    headers = message_from_bytes(sent[1].content, policy=policy.default)
    url = urlsplit(re.search(r"<(mailto:[^>]+)>", headers["List-Unsubscribe"])[1])
    (subject,) = parse_qs(url.query)["subject"]
    assert unquote(url.path) == "bye@hanbit.example"
    assert process(app, leaving(sender="secretary@example.com", subject=subject)) == ["unsubscribed"]
    assert state_of(app) == "unsubscribed"
