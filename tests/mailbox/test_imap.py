"""An IMAP folder as mailbox: read by UID, put away only after the commit, and what servers do to those who read."""

import re
import stat

import pytest
from imap_servers import ScriptedImap, run_dovecot

from digest.errors import MailboxError
from digest.mailbox.imap import open_imap
from digest.returns.intake import take_in
from digest.settings import InboundSettings
from digest.store.returns import get_position
from returned_mail import OTHER, READER, bounce, mark_of, open_site, send_issue, state_of

ENCODED = '"&zJi5rA-"'
"""처리 in modified UTF-7 (RFC 3501 5.1.3)."""


@pytest.fixture(scope="module")
def dovecot():
    with run_dovecot() as server:
        yield server


@pytest.fixture
def server(dovecot):
    """The real server with an empty inbox."""
    with dovecot.log_in() as client:
        client.uid("STORE", "1:*", "+FLAGS", r"(\Deleted)")
        client.expunge()
    return dovecot


@pytest.fixture
def app(tmp_path):
    with open_site(tmp_path / "site") as opened:
        send_issue(opened)
        yield opened


@pytest.fixture
def script():
    servers = []

    def make(*messages, **options):
        servers.append(ScriptedImap(messages, **options))
        return servers[-1]

    yield make
    for server in servers:
        server.close()


def look(app, values):
    """What followed from each message."""
    with open_imap(InboundSettings(**values)) as mailbox:
        return [each.problem or (each.is_repeated and "again") or _deeds(each) for each in take_in(app, mailbox)]


def _deeds(handled):
    return " ".join(str(act.deed) for act in handled.acts) or "nothing"


def two_bounces(app):
    return bounce(mark=mark_of(app, 1)), bounce(mark=mark_of(app, 1, OTHER), recipient=OTHER, number=2)


@pytest.mark.parametrize("way", ["tls", "starttls", "none"])
def test_a_real_server_is_read_with_and_without_tls(server, app, way):
    server.deliver(*two_bounces(app))
    port = server.tls_port if way == "tls" else server.port
    assert look(app, server.settings(security=way, port=port)) == ["bounced", "bounced"]
    assert (state_of(app, READER), state_of(app, OTHER)) == ("bounced", "bounced")


def test_what_was_read_is_marked_as_seen_and_never_read_again(server, app):
    first, second = two_bounces(app)
    server.deliver(first)
    assert look(app, server.settings()) == ["bounced"]
    assert server.flags() == [r"\Seen"]
    assert look(app, server.settings()) == []
    server.deliver(second)
    assert look(app, server.settings()) == ["bounced"]


def test_what_is_kept_is_not_even_marked(server, app):
    server.deliver(*two_bounces(app))
    assert look(app, server.settings(after="keep")) == ["bounced", "bounced"]
    assert "Seen" not in "".join(server.flags())
    assert look(app, server.settings(after="keep")) == []


def test_what_is_deleted_was_acted_upon_and_nothing_else(server, app):
    server.deliver(*two_bounces(app))
    with server.log_in() as client:
        client.append("INBOX", r"(\Deleted)", None, b"Subject: somebody else's\r\n\r\n")
    assert look(app, server.settings(after="delete")) == ["bounced", "bounced"]
    assert [flags.replace(r"\Recent", "").strip() for flags in server.flags()] == [r"\Deleted"]


def test_messages_go_to_a_folder_whose_name_is_korean(server, app):
    server.make_folder(ENCODED)
    server.deliver(*two_bounces(app))
    assert look(app, server.settings(after="move", move_to="처리")) == ["bounced", "bounced"]
    assert (len(server.flags()), len(server.flags('"&zJi5rA-"'))) == (0, 2)


def test_a_folder_that_was_made_anew_is_read_again_and_changes_nothing(server, app):
    """UIDVALIDITY differs (RFC 3501 2.3.1.1)."""
    server.deliver(*two_bounces(app))
    look(app, server.settings())
    position = get_position(app.database, _name(server))
    server.make_anew()
    assert look(app, server.settings()) == ["again", "again"]
    assert get_position(app.database, _name(server)).validity != position.validity


def _name(server):
    with open_imap(InboundSettings(**server.settings())) as mailbox:
        return mailbox.name


def test_what_was_kept_before_a_crash_and_not_put_away_is_put_away_the_next_time(server, app):
    server.deliver(*two_bounces(app))
    values = server.settings(after="delete")
    with open_imap(InboundSettings(**values)) as mailbox:
        mailbox.settle = lambda letter: None  # kill -9 between the commit and the deletion
        assert len(list(take_in(app, mailbox))) == 2
    assert len(server.flags()) == 2
    assert look(app, values) == ["again", "again"]
    assert server.flags() == []


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"password": "wrong-password"}, "uthentication"),
        ({"folder": "Nowhere"}, "cannot be opened"),
        ({"ca_file": None}, "certificate"),
        ({"host": "127.0.0.2", "port": 1}, "onnection"),
    ],
)
def test_a_mailbox_that_cannot_be_read_is_said_without_the_password(server, app, change, words):
    with pytest.raises(MailboxError, match=words) as caught:
        look(app, server.settings(**change))
    assert "wrong-password" not in str(caught.value)


def test_a_login_with_a_token_asks_a_program_for_it(script, app, tmp_path):
    program = tmp_path / "token"
    program.write_text("#!/bin/sh\necho the-token\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    box = script(bounce(mark=mark_of(app, 1)), capabilities="IMAP4rev1 AUTH=XOAUTH2")
    assert look(app, box.settings(token_command=[str(program)])) == ["bounced"]
    assert "user=bounces\x01auth=Bearer the-token\x01\x01" in box.said
    assert "secret-of-the-box" not in str(box.said)


# Faults


def test_a_lost_connection_is_opened_again_and_goes_on_behind_what_was_read(script, app):
    box = script(*two_bounces(app), drop={"STORE": 1})
    assert look(app, box.settings()) == ["bounced", "bounced"]
    assert box.connections == 2
    assert len([said for said in box.said if said.startswith("UID FETCH 1 ")]) == 1


def test_a_server_that_hangs_up_at_each_message_ends_the_round_and_keeps_what_was_done(script, app):
    box = script(*two_bounces(app), drop={"FETCH": 99})
    with pytest.raises(MailboxError, match="the connection failed"):
        look(app, box.settings())
    assert box.connections <= 3
    assert state_of(app) == "active"


def test_a_message_that_the_server_cannot_give_is_passed_over(script, app):
    box = script(*two_bounces(app), refuse={"UID FETCH 1"})
    found = look(app, box.settings())
    assert re.search(r"the server refuses FETCH", found[0])
    assert found[1:] == ["bounced"]
    assert state_of(app, READER) == "active"


def test_a_message_that_is_gone_when_it_is_asked_for_is_none(script, app):
    first, second = two_bounces(app)
    box = script(first, second)
    answer = box._answer
    box._answer = lambda name, words: [] if (name, words[2:3]) == ("FETCH", ["1"]) else answer(name, words)
    assert look(app, box.settings()) == ["bounced"]


def test_a_folder_that_cannot_be_moved_to_keeps_nobody_waiting(script, app, caplog):
    box = script(*two_bounces(app), refuse={"COPY"})
    assert look(app, box.settings(after="move", move_to="Done")) == ["bounced", "bounced"]
    assert "is still there" in caplog.text
    assert not [said for said in box.said if r"\Deleted" in said], "nothing is deleted that has no copy"


def test_without_uidplus_nothing_is_expunged_that_somebody_else_deleted(script, app):
    box = script(*two_bounces(app))
    look(app, box.settings(after="delete"))
    assert len([said for said in box.said if r"\Deleted" in said]) == 2
    assert not [said for said in box.said if "EXPUNGE" in said]
