"""What follows from mail that comes back, and what a forger cannot do."""

import pytest

from digest.model import SubscriberState
from digest.store.erase import erase_subscriber
from digest.store.secrets import add_link_key, hash_address
from digest.store.subscribers import Profile, change_address, get_subscriber, save_profile
from returned_mail import (
    OTHER,
    READER,
    bounce,
    complaint,
    dump,
    history,
    is_out,
    leaving,
    leaving_token,
    mark_of,
    message_id_of,
    open_site,
    person,
    process,
    send_issue,
    state_of,
    vacation,
)


@pytest.fixture
def app(tmp_path):
    with open_site(tmp_path / "site", newsletters=("weekly", "daily")) as opened:
        yield opened


@pytest.fixture
def issue(app):
    return send_issue(app)


def test_a_hard_bounce_takes_the_person_out_and_suppresses_the_address(app, issue):
    assert process(app, bounce(mark=mark_of(app, issue))) == ["bounced"]
    assert (state_of(app), is_out(app), history(app)) == ("bounced", True, ["added", "bounced"])
    event = app.database.value("SELECT facts FROM subscriber_event WHERE kind = 'bounced'")
    assert '"status": "5.1.1"' in event
    assert "User unknown" in event
    assert (state_of(app, OTHER), is_out(app, OTHER)) == ("active", False)


def test_a_complaint_takes_the_person_out_and_suppresses_the_address(app, issue):
    assert process(app, complaint(mark=mark_of(app, issue))) == ["complained"]
    assert (state_of(app), is_out(app), history(app)) == ("complained", True, ["added", "complained"])


def test_whoever_left_before_and_complains_is_suppressed_too(app, issue):
    """Many press both buttons."""
    process(app, leaving(subject=f"unsubscribe {leaving_token(app, 0)}"))
    assert process(app, complaint(mark=mark_of(app, issue))) == ["complained"]
    assert (state_of(app), is_out(app)) == ("complained", True)


@pytest.mark.parametrize(
    ("feedback", "deed", "kinds"),
    [("not-spam", "nothing", ["added"]), ("auth-failure", "noted", ["added", "blocked"])],
)
def test_feedback_that_is_no_complaint_costs_nobody_anything(app, issue, feedback, deed, kinds):
    """RFC 6430: somebody took the mail out of the spam folder. RFC 6591: a server told of DMARC."""
    assert process(app, complaint(mark=mark_of(app, issue), feedback=feedback)) == [deed]
    assert (state_of(app), is_out(app), history(app)) == ("active", False, kinds)


def test_a_mail_refused_for_the_senders_sake_costs_no_reader_anything(app, issue):
    for number in range(20):
        assert process(app, bounce("blocked", mark=mark_of(app, issue), number=number)) == ["noted"]
    assert (state_of(app), is_out(app), person(app).state) == ("active", False, SubscriberState.ACTIVE)
    assert app.database.value("SELECT soft_bounces FROM subscriber") == 0


def test_an_answer_of_a_program_is_noted(app, issue):
    assert process(app, vacation(mark=mark_of(app, issue))) == ["noted"]
    assert history(app) == ["added", "auto-reply"]


@pytest.mark.parametrize("make", [bounce, complaint, leaving, vacation])
def test_the_same_message_twice_changes_nothing(app, issue, make):
    raw = make() if make is leaving else make(mark=mark_of(app, issue))
    process(app, raw)
    before = dump(app)
    again = b"Received: from another by us; Mon, 02 Mar 2026 08:00:00 +0900\n" + raw
    assert process(app, again) is None
    assert dump(app) == before


# Whose mail it was


def test_a_mark_is_found_in_the_return_path_and_in_what_came_back(app, issue):
    to = f"news+{mark_of(app, issue).upper()}@hanbit.example"
    assert process(app, bounce(to=to, recipient="somebody@forwarded.example")) == ["bounced"]
    assert process(app, bounce(mark=mark_of(app, issue, OTHER), recipient="x@forwarded.example", number=2)) == [
        "bounced"
    ]
    assert (state_of(app), state_of(app, OTHER)) == ("bounced", "bounced")


def test_a_message_id_of_ours_proves_a_bounce(app, issue):
    assert process(app, bounce(message_id=message_id_of(app, issue))) == ["bounced"]


def test_the_message_id_of_another_reader_proves_nothing(app, issue):
    assert process(app, bounce(message_id=message_id_of(app, issue, OTHER))) == ["not proven"]
    assert (state_of(app), state_of(app, OTHER)) == ("active", "active")


@pytest.mark.parametrize("make", [bounce, complaint])
def test_nobody_is_thrown_out_by_a_message_that_names_nothing_but_an_address(app, issue, make):
    """Anybody can write one."""
    before = dump(app)
    for number in range(10):
        assert process(app, make(number=number)) == ["not proven"]
    after = [table for table in dump(app) if table not in before]
    assert len(after) == 1, "only the messages' hashes are new"
    assert history(app) == ["added"]


def test_marks_cut_forged_or_of_another_key_prove_nothing(app, issue):
    mark = mark_of(app, issue)
    for number, forged in enumerate(["0" * 40, mark[:-1] + ("0" if mark[-1] != "0" else "1"), mark[::-1], mark[:39]]):
        assert process(app, bounce(mark=forged, number=number)) == ["not proven"]


def test_marks_of_the_key_before_are_believed(app, issue):
    mark = mark_of(app, issue)
    add_link_key(app.database, b"n" * 32, now=app.clock.now())
    assert process(app, bounce(mark=mark)) == ["bounced"]


def test_an_operator_may_believe_addresses(tmp_path):
    with open_site(tmp_path / "site", "trust_addresses = true") as app:
        send_issue(app)
        assert process(app, bounce(recipient=READER.upper())) == ["bounced"]
        assert process(app, bounce(recipient="nobody@example.com", number=2)) == ["nobody"]
        assert process(app, bounce(recipient="no address", number=3)) in (["nobody"], [])


def test_a_known_source_needs_no_proof(app, issue):
    assert process(app, bounce(), is_known_source=True) == ["bounced"]


def test_a_message_about_somebody_who_was_erased_changes_nothing(app, issue):
    mark = mark_of(app, issue)
    with app.database.transaction():
        erase_subscriber(app.database, READER, address_hash=hash_address(app.key, READER), now=app.clock.now())
    assert process(app, bounce(mark=mark)) == ["nobody"]


def test_a_bounce_from_before_the_address_was_changed_is_outdated(app, issue):
    mark = mark_of(app, issue)
    app.clock.advance(hours=1)
    with app.database.transaction():
        change_address(app.database, person(app), "new@example.com", now=app.clock.now())
    assert process(app, bounce(mark=mark)) == ["outdated"]
    assert get_subscriber(app.database, "new@example.com").state is SubscriberState.ACTIVE


def test_a_bounce_from_before_the_person_came_back_is_outdated(app, issue):
    mark = mark_of(app, issue)
    process(app, bounce(mark=mark))
    app.clock.advance(days=1)
    with app.database.transaction():
        profile = Profile(address=READER)
        now = app.clock.now()
        save_profile(app.database, profile, address_hash=hash_address(app.key, READER), resubscribe=True, now=now)
    assert process(app, bounce("soft", mark=mark, number=2)) == ["outdated"]
    assert process(app, bounce(mark=mark, number=3)) == ["outdated"]
    assert (state_of(app), is_out(app)) == ("active", False)


def test_of_several_reports_under_one_mark_the_one_about_the_reader_counts(app, issue):
    """A reader's address may stand for several mailboxes; one of them is full, another is gone."""
    two = bounce(mark=mark_of(app, issue), recipient="a@other.example").replace(
        b"--x\nContent-Type: text/rfc822-headers",
        b"\nFinal-Recipient: rfc822; b@other.example\nAction: failed\nStatus: 4.2.2\n"
        b"Diagnostic-Code: smtp; 452 4.2.2 Mailbox full\n\n--x\nContent-Type: text/rfc822-headers",
    )
    assert process(app, two) == ["counted"]


def test_a_confirmation_mail_that_bounces_takes_a_person_to_be_out(app):
    with app.database.transaction():
        profile = Profile(address="new@example.com", newsletters=("weekly",), state=SubscriberState.PENDING)
        save_profile(app.database, profile, address_hash=b"", resubscribe=False, now=app.clock.now())
    assert process(app, bounce(mark=mark_of(app, 0, "new@example.com"), recipient="new@example.com")) == ["bounced"]
    assert (state_of(app, "new@example.com"), is_out(app, "new@example.com")) == ("bounced", True)


# Leaving by mail


def newsletters(app, address=READER):
    return [each.newsletter for each in person(app, address).subscriptions]


def test_a_token_leaves_the_newsletter_it_came_with_whoever_sends_it(app, issue):
    raw = leaving(sender="secretary@example.com", subject=f"unsubscribe {leaving_token(app, issue)}")
    assert process(app, raw) == ["unsubscribed"]
    assert (state_of(app), newsletters(app)) == ("active", ["daily"])
    assert process(app, raw.replace(b"<1@", b"<2@")) == ["already known"]


def test_whoever_asks_without_a_token_leaves_all(app, issue):
    """The law wants leaving to be easy; a forged request does little harm, and stands in the history."""
    assert process(app, leaving(sender=f"Kim <{READER}>")) == ["unsubscribed"]
    assert (state_of(app), is_out(app), history(app)) == ("unsubscribed", False, ["added", "unsubscribed"])


@pytest.mark.parametrize("subject", ["unsubscribe", "수신거부", "구독 취소"])
def test_words_in_both_languages_leave(app, issue, subject):
    assert process(app, leaving(subject=subject)) == ["unsubscribed"]


def test_a_stranger_who_asks_changes_nothing(app, issue):
    assert process(app, leaving(sender="stranger@example.com")) == ["nobody"]
    forged = leaving(sender="stranger@example.com", subject=f"unsubscribe {'A' * 40}")
    assert process(app, forged.replace(b"<1@", b"<2@")) == ["nobody"]


def test_a_letter_of_a_person_changes_nothing(app, issue):
    raw = f"From: {READER}\nTo: news@hanbit.example\nSubject: Re: This week\n\nThank you!\n\n> unsubscribe: https://x\n"
    assert process(app, raw.encode()) == []
    assert history(app) == ["added"]
