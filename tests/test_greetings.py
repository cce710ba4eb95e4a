"""The greeting from the settings to the mails of an issue: as sent, as looked at, as sent for a test."""

import re
from email import message_from_bytes, policy
from mailbox import Maildir
from threading import Event

import pytest

from command_line import digest
from digest.deliver.letters import html_size, write_message
from digest.model import IssueState
from digest.proof import choose_reader, example_reader, make_proof
from digest.store.database import Database
from digest.store.subscribers import get_subscriber
from digest.tick import Observer, tick
from digest.variants import WORST_READER
from editions import sent_before
from workspaces import EDITION, SetClock, add_readers, fill_with_news, open_at, reader_address, settings_text

NAMED, ENGLISH, NAMELESS = range(3)


def forget_name(database: Database, number: int) -> None:
    database.execute("UPDATE subscriber SET name = '-' WHERE address = ?", (reader_address(number),))


@pytest.fixture(params=[False, True], ids=["groups", "own selections"])
def app(workspace, request):
    """An open workspace whose newsletter greets in the language of each reader, with one whose name is a dash."""
    text = settings_text({"greeting": "auto", "min_articles": 3, "skip_received": request.param})
    with open_at(workspace(text), SetClock()) as opened:
        fill_with_news(opened.database)
        add_readers(opened.database, [NAMED, NAMELESS])
        add_readers(opened.database, [ENGLISH], locale="en")
        with opened.database.transaction():
            forget_name(opened.database, NAMELESS)
            if request.param:
                for number in (NAMED, ENGLISH, NAMELESS):
                    sent_before(opened, reader_address(number).partition("@")[0], "1", edition=f"2026-02-{number + 20}")
        yield opened


def prove(app, number=None):
    edition, _ = app.open_edition(app.settings.newsletter(None), EDITION)
    reader = None if number is None else get_subscriber(app.database, reader_address(number))
    proof = make_proof(app.database, edition, app.workshop, reader=reader)
    return proof, bodies_of(write_message(proof.letterhead, proof.variant, choose_reader(proof, reader)).content)


def bodies_of(content):
    message = message_from_bytes(content, policy=policy.default)
    return [part.get_content().replace("\r\n", "\n") for part in message.iter_parts()]


def test_every_reader_with_a_name_is_greeted_in_their_language_and_others_read_on(app):
    (report,) = tick(app, app.settings.newsletter(None), stop=Event(), observer=Observer())
    assert report.issue.state is IssueState.SENT
    outbox = Maildir(app.settings.folder / "outbox", create=False)
    sent = {message["To"].rpartition(" ")[2].strip("<>"): bodies_of(message.as_bytes()) for message in outbox}
    lines = {NAMED: "독자 0 님, 안녕하세요.", ENGLISH: "Hello 독자 1,", NAMELESS: ""}
    assert sent.keys() == set(map(reader_address, lines))
    for number, line in lines.items():
        text, html = sent[reader_address(number)]
        assert f"\n\n{line}\n\n" in text if line else not re.search("Hello|안녕", text)
        assert f">{line}</td>" in html if line else "greeting" not in html
        assert "\n\n\n" not in text


def test_a_proof_greets_somebody_invented_or_the_reader_it_is_for(app):
    assert "\n김하늘 님, 안녕하세요.\n" in prove(app)[1][0]
    assert "\n독자 0 님, 안녕하세요.\n" in prove(app, NAMED)[1][0]
    assert "안녕하세요" not in prove(app, NAMELESS)[1][0]


def test_the_size_is_judged_with_the_longest_name(app):
    proof, _ = prove(app)
    body = proof.letterhead.bodies[proof.variant]
    longest, example = (
        html_size(proof.letterhead, body, reader) for reader in (WORST_READER, example_reader(proof.letterhead))
    )
    assert longest - example > len(WORST_READER.name)


def test_a_test_send_greets_somebody_invented(app):
    file = app.settings.file
    answer = digest("send", "--date", EDITION, "--test", "editor@example.org", config=file)
    assert answer.code == 0
    (message,) = Maildir(file.parent / "outbox", create=False)
    assert "\n김하늘 님, 안녕하세요.\n" in bodies_of(message.as_bytes())[0]
