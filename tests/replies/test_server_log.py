"""What a mail server's log tells of a message, and when it proves that one is not there."""

from datetime import UTC, datetime, timedelta, timezone
from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.replies.log_line import Step, parse_line
from digest.replies.log_moment import read_moment
from digest.replies.server_log import LONGEST_LINE, search_logs, why_unproven
from server_logs import FORMS, exim, iso, kumo, postfix, postfix_cut_off, syslog

AT = datetime(2026, 3, 2, 0, 0, 30, tzinfo=UTC)
NOW = AT + timedelta(hours=3)
KIM = "<0123456789abcdef0123456789abcdef@hanbit.example>"
LEE = "<fedcba9876543210fedcba9876543210@hanbit.example>"
OTHER = "<another@elsewhere.example>"
SEOUL = timezone(timedelta(hours=9))


def search(*logs, wanted=None, zone=UTC):
    opened = [BytesIO(log if isinstance(log, bytes) else log.encode()) for log in logs]
    return search_logs(opened, wanted or {KIM: "kim@example.com", LEE: "lee@example.com"}, now=NOW, timezone=zone)


# Postfix


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("agent", ["smtp", "lmtp", "local", "virtual", "pipe", "relay/smtp", "error"])
def test_postfix_delivers(form, agent):
    found = search(postfix(AT, KIM, "kim@example.com", form=form, agent=agent))
    assert set(found.traces) == {KIM}
    trace = found.traces[KIM]
    assert (trace.step, trace.words, trace.code) == (Step.DELIVERED, "250 2.0.0 Ok: queued as 5F", 250)
    assert trace.at == AT


@pytest.mark.parametrize("queue_id", ["4A1B2C3D4E", "4ZqT3k1Hn2z9vB", "7F3C1"])
def test_postfix_names_messages_in_two_ways(queue_id):
    assert search(postfix(AT, KIM, "kim@example.com", queue_id=queue_id)).traces[KIM].step is Step.DELIVERED


def test_postfix_bounces_with_the_reply():
    said = (
        "host mx.example.com[192.0.2.250] said: 550 5.1.1 <kim@example.com>: User unknown (in reply to RCPT TO command)"
    )
    trace = search(postfix(AT, KIM, "kim@example.com", f"status=bounced ({said})")).traces[KIM]
    assert (trace.step, trace.words, trace.code) == (Step.BOUNCED, said, 550)


def test_words_of_the_next_server_are_not_taken_for_lines_of_this_one():
    said = "host mx.example.com[192.0.2.25] said: 550 rejected: from=<news@hanbit.example> 5F5F5F: removed"
    assert search(postfix(AT, KIM, "kim@example.com", f"status=bounced ({said})")).traces[KIM].words == said


def test_what_strangers_said_cannot_steer_a_terminal():
    said = "status=bounced (550 \x1b[2J\x07gone\x9b)"
    for log in (
        postfix(AT, KIM, "kim@example.com", said),
        kumo(AT, KIM, "kim@example.com", "Bounce", said=r"\u001b[2J"),
    ):
        assert search(log).traces[KIM].words.isprintable()


def test_postfix_defers_and_then_gives_up():
    waiting = postfix(AT, KIM, "kim@example.com", "status=deferred (connect to mx.example.com: Connection timed out)")
    assert search(waiting).traces[KIM].step is Step.DEFERRED
    gives_up = iso(AT, "postfix/qmgr[1]: 4ZqT3k1Hn2z9vB: from=<n@h.example>, status=expired, returned to sender")
    assert search(waiting + gives_up).traces[KIM].step is Step.BOUNCED


def test_a_header_that_was_read_is_not_a_message_that_was_taken():
    """The connection broke in the middle of the message: the very case in which a sender does not know."""
    found = search(postfix_cut_off(AT, KIM))
    assert found.taken(KIM) is None
    assert found.traces[KIM].step is Step.READ
    sent_again = search(postfix_cut_off(AT, KIM) + postfix(AT + timedelta(minutes=1), KIM, "kim@example.com"))
    assert sent_again.taken(KIM).step is Step.DELIVERED


def test_a_filter_that_hands_the_message_back_gives_it_a_second_name():
    through = postfix(AT, KIM, "kim@example.com", "status=sent (250 2.0.0 from MTA: queued as 4ZqT3k2Hn2z9vD)")
    back = postfix(AT, KIM, "kim@example.com", "status=bounced (unknown user)", queue_id="4ZqT3k2Hn2z9vD")
    assert search(through + back).traces[KIM].step is Step.BOUNCED


def test_copies_to_others_say_nothing_of_the_reader():
    copied = postfix(AT, KIM, "archive@hanbit.example")
    assert search(copied).traces[KIM].step is Step.TAKEN
    renamed = postfix(AT, KIM, "kim@mail.example>, orig_to=<Kim@Example.com")
    assert search(renamed).traces[KIM].step is Step.DELIVERED


def test_a_name_in_the_queue_is_used_again():
    """Short names are inode numbers; what another message does under the same name says nothing of ours."""
    log = postfix(AT, KIM, "kim@example.com", queue_id="4A1B2C3D4E")
    other = postfix(AT, OTHER, "kim@example.com", "status=bounced (no)", queue_id="4A1B2C3D4E")
    assert search(log + other).traces[KIM].step is Step.DELIVERED
    cut_off = postfix_cut_off(AT, KIM, queue_id="4A1B2C3D4E")
    assert search(cut_off + other).taken(KIM) is None


def test_a_queue_that_was_emptied_by_hand_delivered_nothing():
    waiting = postfix(AT, KIM, "kim@example.com", "status=deferred (later)")
    trace = search(waiting + iso(AT, "postfix/postsuper[9]: 4ZqT3k1Hn2z9vB: removed")).traces[KIM]
    assert (trace.step, trace.words) == (Step.BOUNCED, "removed from the queue by hand")


def test_a_message_id_that_was_folded_or_lost_its_brackets_is_known():
    for spelled in (f" {KIM}", KIM[1:-1], KIM.upper()):
        assert search(postfix(AT, spelled, "kim@example.com")).taken(KIM)


# Exim, KumoMTA


def test_exim_delivers_bounces_and_waits():
    done = search(exim(AT, KIM, "kim@example.com"))
    assert (done.traces[KIM].step, done.traces[KIM].words, done.traces[KIM].at) == (Step.DELIVERED, "250 2.0.0 OK", AT)
    said = ": SMTP error from remote mail server after RCPT TO:<kim@example.com>: 550 5.1.1 No such user"
    bounced = search(exim(AT, KIM, "kim@example.com", sign="**", said=said)).traces[KIM]
    assert (bounced.step, bounced.code) == (Step.BOUNCED, 550)
    assert bounced.words.endswith("550 5.1.1 No such user")
    waiting = exim(AT, KIM, "kim@example.com", sign="==", said=" defer (110): Connection timed out")
    assert search(waiting).traces[KIM].step is Step.DEFERRED


def test_exim_names_messages_in_two_ways_and_local_readers_twice():
    assert search(exim(AT, KIM, "kim <Kim@example.com>", queue_id="1sAbCd-0001xY-Zz")).taken(KIM).step is Step.DELIVERED


def test_exim_writes_the_time_of_its_machine_or_names_the_zone():
    log = exim(AT + timedelta(hours=9), KIM, "kim@example.com")
    assert search(log, zone=SEOUL).traces[KIM].at == AT
    named = log.replace(" 1sAbCd", "+0900 1sAbCd").replace(":30+0900", ":30.123 +0900")
    assert search(named).traces[KIM].at == AT


def test_kumomta_delivers_bounces_and_waits():
    done = search(kumo(AT, KIM, "kim@example.com", "Reception", "Delivery"))
    assert (done.traces[KIM].step, done.traces[KIM].words, done.traces[KIM].at) == (Step.DELIVERED, "250 2.1.1 OK", AT)
    failed = search(kumo(AT, KIM, "kim@example.com", "Reception", "TransientFailure", "Bounce", said="no", code=550))
    assert (failed.traces[KIM].step, failed.traces[KIM].code) == (Step.BOUNCED, 550)
    assert search(kumo(AT, KIM, "kim@example.com", "Reception")).traces[KIM].step is Step.TAKEN
    expired = kumo(AT, KIM, "kim@example.com", "Reception", "Expiration", said="too old", code=551)
    assert search(expired).traces[KIM].step is Step.BOUNCED


def test_records_without_a_message_id_are_known_by_their_own():
    later = kumo(AT, KIM, "kim@example.com", "Delivery").replace(f'"Message-ID":"{KIM}"', '"X-Nothing":"1"')
    assert search(kumo(AT, KIM, "kim@example.com", "Reception") + later).traces[KIM].step is Step.DELIVERED


# Several logs, long logs, broken logs


def test_logs_are_read_in_the_order_of_their_times():
    """The newer log names the message only by its queue id, which the older one explains."""
    older = postfix(AT, KIM, "kim@example.com", "status=deferred (later)")
    newer = iso(
        AT + timedelta(hours=1), "postfix/smtp[1]: 4ZqT3k1Hn2z9vB: to=<kim@example.com>, status=bounced (550 no)"
    )
    found = search(newer, older)
    assert found.traces[KIM].step is Step.BOUNCED
    assert (found.begin, found.end) == (AT, AT + timedelta(hours=1))


def test_servers_of_different_kinds_may_stand_in_one_log():
    log = postfix(AT, KIM, "kim@example.com") + "\n\x00\x01junk\n" + exim(AT, LEE, "lee@example.com")
    assert set(search(log).traces) == {KIM, LEE}


def test_a_line_without_end_is_left_out_and_what_follows_is_read():
    huge = b"x" * (3 * LONGEST_LINE) + f" 4A1B2C3D4E: message-id={OTHER}\n".encode()
    found = search(huge + postfix(AT, KIM, "kim@example.com").encode())
    assert found.taken(KIM)


class EndlessLog:
    """A log of a million lines that is never held as a whole."""

    def __init__(self, lines):
        self.left = lines

    def readline(self, limit):
        self.left -= 1
        line = iso(AT, f"postfix/cleanup[1]: {self.left:010X}: message-id=<{self.left}@example.com>").encode()
        return line if self.left > 0 else b""


def test_what_is_kept_does_not_grow_with_the_log():
    import tracemalloc

    tracemalloc.start()
    search_logs([EndlessLog(20_000)], {KIM: "kim@example.com"}, now=NOW, timezone=UTC)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1_000_000


def test_an_empty_log_tells_nothing():
    found = search("")
    assert (dict(found.traces), found.begin, found.end) == ({}, None, None)


PIECES = st.one_of(
    st.binary(max_size=80),
    st.sampled_from(
        [
            *postfix(AT, KIM, "kim@example.com").encode().splitlines(keepends=True),
            *exim(AT, KIM, "kim@example.com").encode().splitlines(keepends=True),
            *kumo(AT, KIM, "kim@example.com", "Reception", "Bounce").encode().splitlines(keepends=True),
            b'{"MESSAGE": "{}"}\n',
            b'{"type": "Delivery", "id": 3, "headers": [], "response": [], "timestamp": 99999999999}\n',
            b"9999-99-99T99:99:99Z x: removed\n",
            b"Feb 31 09:00:00 mx 4ZqT3k1Hn2z9vB: removed\n",
            b"0000-01-01 00:00:00 1sAbCd-00000001xYz-2aBc Completed\n",
            b"[" * 5000 + b"\n",
            b'{"a":' * 5000 + b"\n",
        ]
    ),
)


@given(st.lists(PIECES, max_size=30))
def test_no_junk_is_too_odd(pieces):
    search(b"".join(pieces))


@given(st.binary(max_size=300))
def test_no_line_is_too_odd(line):
    parse_line(line)
    read_moment(line, now=NOW, timezone=SEOUL)


# When a line was written


@pytest.mark.parametrize(
    ("line", "moment"),
    [
        ("Mar  2 09:00:30 mx postfix/qmgr[1]: x", AT),
        ("<22>Mar  2 09:00:30 mx postfix/qmgr[1]: x", AT),
        ("2026-03-02T00:00:30.123456+00:00 mx x", AT),
        ("2026-03-02T09:00:30+0900 mx x", AT),
        ("<22>1 2026-03-02T00:00:30Z mx x", AT),
        ("2026-03-02 09:00:30 1sAbCd-0001xY-Zz Completed", AT),
        ("__REALTIME_TIMESTAMP=1772409630123456", AT),
        ('{"type":"Delivery","timestamp":1772409630}', AT),
        ('{"event_time":"2026-03-02T00:00:30.5Z"}', AT),
        ("Dec 31 23:00:00 mx x", datetime(2025, 12, 31, 14, tzinfo=UTC)),
        ("Feb 29 09:00:30 mx x", datetime(2024, 2, 29, 0, 0, 30, tzinfo=UTC)),
        ("Foo  2 09:00:30 mx x", None),
        ("postfix says nothing", None),
        ("", None),
    ],
)
def test_a_line_says_when_it_was_written(line, moment):
    assert read_moment(line.encode(), now=NOW, timezone=SEOUL) == moment


# What proves that a message is not there

FROZEN = AT - timedelta(minutes=2)
DOUBT = AT + timedelta(minutes=1)


def quiet(moment):
    return iso(moment, "postfix/anvil[9]: statistics: max cache size 1")


def proof(*, begin=FROZEN, end=DOUBT + timedelta(minutes=10), witnesses=None, log=None):
    log = postfix(AT, LEE, "lee@example.com") if log is None else log
    report = search(quiet(begin) + log + quiet(end))
    assert report.taken(KIM) is None
    witnesses = {LEE: AT} if witnesses is None else witnesses
    return why_unproven(report, begin=FROZEN, end=DOUBT, witnesses=witnesses)


def test_a_log_that_covers_the_moment_and_knows_the_messages_around_it_proves_it():
    assert proof() == ""


def test_a_log_that_begins_too_late_or_ends_too_early_proves_nothing():
    assert proof(begin=FROZEN + timedelta(seconds=1)).startswith("it begins at 2026-03-01 23:58:31 UTC, after")
    assert proof(end=DOUBT + timedelta(minutes=9)).startswith("it ends at 2026-03-02 00:10:30 UTC; it has to go on")


def test_a_log_without_times_proves_nothing():
    report = search("postfix/qmgr[1]: 4A1B2C3D4E: removed\n")
    assert why_unproven(report, begin=FROZEN, end=DOUBT, witnesses={}) == "no line says when it was written"


def test_a_log_that_lacks_messages_the_server_took_proves_nothing():
    """Another server's log, a part of one, one that names no Message-IDs, or a relay that replaces them."""
    assert proof(log="").startswith("1 of 1 messages that were surely taken at that time are not in it")


def test_a_log_by_which_nothing_else_is_known_proves_nothing():
    assert proof(witnesses={}).startswith("no other message of the issue was surely taken")


def test_a_log_whose_clock_is_not_ours_proves_nothing():
    """A log without a timezone that was copied from elsewhere would be held against the wrong hour."""
    moved = postfix(AT + timedelta(hours=-9), LEE, "lee@example.com", form=syslog)
    report = search(quiet(FROZEN) + moved + quiet(NOW))
    told = why_unproven(report, begin=FROZEN, end=DOUBT, witnesses={LEE: AT})
    assert told == "its clock is not ours: 2026-03-01 15:00:30 UTC for a message of 2026-03-02 00:00:30 UTC"
