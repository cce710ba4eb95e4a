"""What became of messages that may or may not have been delivered: by hand, and by the mail server's log."""

import gzip
import sqlite3
from datetime import UTC, datetime, timedelta

import pytest
from click.testing import CliRunner

from command_line import digest
from digest.cli.main import cli
from server_logs import exim, iso, kumo, postfix, postfix_cut_off
from week_of_news import EDITION

KIM, LEE = "kim@example.com", "lee@example.com"
BOUNCED = "status=bounced (host mx.example.com[192.0.2.25] said: 550 5.1.1 <kim@example.com>: no such user)"


def make_uncertain(site, *addresses):
    """What a crash in the middle of handing over leaves."""
    with sqlite3.connect(site.with_name("digest.db")) as connection:
        for address in addresses:
            connection.execute(
                "UPDATE delivery SET state = 'uncertain' WHERE subscriber_id = "
                "(SELECT id FROM subscriber WHERE address = ?)",
                (address,),
            )
    connection.close()


def everyone(site):
    """Address → Message-ID and the moment of the ledger's row, told by making all rows uncertain for a moment."""
    rows = {}
    with sqlite3.connect(site.with_name("digest.db")) as connection:
        addresses = dict(connection.execute("SELECT id, address FROM subscriber").fetchall())
        states = connection.execute("SELECT subscriber_id, state, updated_at FROM delivery ORDER BY id").fetchall()
        connection.execute("UPDATE delivery SET state = 'uncertain'")
        connection.commit()
        shown = digest("issues", "show", EDITION, "--addresses", "--json", config=site).json["trouble"]
        for subscriber, state, _ in states:
            connection.execute("UPDATE delivery SET state = ? WHERE subscriber_id = ?", (state, subscriber))
    connection.close()
    moments = {addresses[subscriber]: updated_at for subscriber, _, updated_at in states}
    for row in shown:
        rows[row["address"]] = (row["message_id"], datetime.fromtimestamp(moments[row["address"]], UTC))
    return rows


def quiet(moment):
    return iso(moment, "postfix/anvil[9]: statistics: max cache size 1")


def log_of(site, *, without=(), write=postfix, minutes=15):
    """A log that covers the sending and has all messages but some."""
    found = everyone(site)
    begin = min(moment for _, moment in found.values()) - timedelta(minutes=5)
    end = max(moment for _, moment in found.values()) + timedelta(minutes=minutes)
    messages = "".join(
        write(moment, message_id, address, queue_id=f"4ZqT3k1Hn2z9v{number}")
        for number, (address, (message_id, moment)) in enumerate(found.items())
        if address not in without
    )
    return quiet(begin) + messages + quiet(end)


def states(site):
    issue = digest("issues", "show", EDITION, "--json", config=site).json
    return {state: count for state, count in issue["deliveries"].items() if count}


def resolve(site, *words):
    return digest("issues", "resolve", EDITION, *words, config=site)


def test_what_is_in_the_log_was_sent(sent, write):
    make_uncertain(sent, KIM, LEE)
    done = resolve(sent, "--from-log", write("mail.log", log_of(sent)))
    assert done.out == (
        "address          now   the log says\n"
        "k***@example.com  sent  delivered: 250 2.0.0 Ok: queued as 5F\n"
        "l***@example.com  sent  delivered: 250 2.0.0 Ok: queued as 5F\n"
        f"2 messages of weekly {EDITION} settled by the log\n"
    ).replace("address          now", "address           now")
    assert states(sent) == {"sent": 3}


def test_what_the_log_says_has_bounced_has_failed_with_the_reply(sent, write):
    make_uncertain(sent, KIM)
    message_id, moment = everyone(sent)[KIM]
    log = write("mail.log", postfix(moment, message_id, KIM, BOUNCED))
    done = resolve(sent, "--from-log", log)
    assert "k***@example.com  failed  bounced: host mx.example.com[192.0.2.25] said: 550 5.1.1 <k***@exa" in done.out
    assert "kim@" not in done.out
    (row,) = digest("issues", "show", EDITION, "--json", config=sent).json["trouble"]
    assert (row["state"], row["code"]) == ("failed", 550)
    assert row["reply"].startswith("resolved by the server's log: bounced: host mx.example.com")


def test_what_the_log_proves_absent_stays_uncertain_until_resend_is_said(sent, write):
    make_uncertain(sent, KIM)
    log = write("mail.log", log_of(sent, without=[KIM]))
    done = resolve(sent, "--from-log", log)
    assert "k***@example.com  uncertain  not in the log: the server never took it\n" in done.out
    assert done.out.endswith("1 message still uncertain; --resend beside --from-log queues 1 of them again\n")
    assert states(sent) == {"sent": 2, "uncertain": 1}
    again = resolve(sent, "--from-log", log, "--resend")
    assert "k***@example.com  queued  not in the log: the server never took it\n" in again.out
    assert again.out.endswith(
        f"1 message of weekly {EDITION} queued again; `digest send weekly --date {EDITION}` or the service sends them\n"
    )
    assert digest("send", "--date", EDITION, "--yes", config=sent).out == f"weekly {EDITION} is sent: 3 sent\n"


def test_a_message_whose_connection_broke_while_it_was_read_is_sent_again(sent, write):
    make_uncertain(sent, KIM)
    message_id, moment = everyone(sent)[KIM]
    cut_off = postfix_cut_off(moment, message_id)
    lines = log_of(sent, without=[KIM]).splitlines(keepends=True)
    log = write("mail.log", "".join([lines[0], cut_off, *lines[1:]]))
    assert "begun, and not taken: the server never took it" in resolve(sent, "--from-log", log, "--resend").out
    assert states(sent) == {"queued": 1, "sent": 2}


@pytest.mark.parametrize("words", [[], ["--resend"]])
def test_what_the_log_does_not_prove_stays_uncertain(sent, write, words):
    make_uncertain(sent, KIM)
    too_short = write("short.log", log_of(sent, without=[KIM], minutes=1))
    assert "not in the log, which proves nothing: it ends at " in resolve(sent, "--from-log", too_short, *words).out
    elsewhere = write("other.log", quiet(datetime(2020, 1, 1, tzinfo=UTC)) + quiet(datetime(2036, 1, 1, tzinfo=UTC)))
    told = resolve(sent, "--from-log", elsewhere, *words)
    assert "2 of 2 messages that were surely taken at that time are not in it" in told.out
    assert told.out.endswith("1 message still uncertain\n")
    assert states(sent) == {"sent": 2, "uncertain": 1}


def test_only_the_addresses_that_are_named_are_decided_about(sent, write):
    make_uncertain(sent, KIM, LEE)
    log = write("mail.log", log_of(sent))
    assert resolve(sent, KIM, "--from-log", log).out.count("***@") == 1
    assert states(sent) == {"sent": 2, "uncertain": 1}


@pytest.mark.parametrize("server", [exim, kumo])
def test_logs_of_other_servers_are_read_too(sent, write, server):
    make_uncertain(sent, KIM, LEE)
    found = everyone(sent)
    kinds = ("Reception", "Delivery") if server is kumo else ()
    log = "".join(server(*reversed(found[address]), address, *kinds) for address in (KIM, LEE))
    done = resolve(sent, "--from-log", write("main.log", log))
    assert f"2 messages of weekly {EDITION} settled by the log" in done.out


def test_rotated_and_packed_logs_are_read_together(sent, write):
    make_uncertain(sent, KIM)
    lines = log_of(sent, without=[KIM]).splitlines(keepends=True)
    packed = gzip.compress("".join(lines[:5]).encode()) + gzip.compress("".join(lines[5:9]).encode())
    older, newer = write("mail.log.2.gz", packed), write("mail.log", "".join(lines[9:]))
    done = resolve(sent, "--from-log", newer, "--from-log", older, "--resend")
    assert "queued again" in done.out


def test_a_log_comes_by_standard_input_packed_or_not(sent):
    for pack in (bytes, gzip.compress):
        make_uncertain(sent, KIM)
        log = pack(log_of(sent).encode())
        words = ["--config", str(sent), "issues", "resolve", EDITION, "--from-log", "-"]
        done = CliRunner().invoke(cli, words, input=log, catch_exceptions=False)
        assert f"1 message of weekly {EDITION} settled by the log" in done.stdout


def test_json_tells_what_was_found(sent, write):
    make_uncertain(sent, KIM)
    message_id, _ = everyone(sent)[KIM]
    log = write("mail.log", log_of(sent))
    assert resolve(sent, "--from-log", log, "--json").json == [
        {
            "address": "k***@example.com",
            "message_id": message_id,
            "log": "delivered: 250 2.0.0 Ok: queued as 5F",
            "state": "sent",
        }
    ]
    assert resolve(sent, "--from-log", log, "--json").json == []


def test_a_log_that_cannot_be_read_decides_nothing(sent, write, tmp_path):
    make_uncertain(sent, KIM)
    broken = write("mail.log.gz", gzip.compress(log_of(sent).encode())[:-20])
    for file, reason in ((broken, "end-of-stream"), (tmp_path / "nowhere.log", "No such file")):
        answer = resolve(sent, "--from-log", file)
        assert answer.code == 1
        assert "a log cannot be read to its end" in answer.err
        assert reason in answer.err
    assert states(sent) == {"sent": 2, "uncertain": 1}


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ([], "say --from-log FILE, --as-sent or --resend"),
        (["--as-sent", "--resend"], "--as-sent goes with neither --resend nor --from-log"),
        (["--as-sent", "--from-log", "x"], "--as-sent goes with neither --resend nor --from-log"),
        (["--as-sent", "--json"], "--json goes with --from-log"),
    ],
)
def test_options_that_do_not_go_together_are_refused(sent, words, reason):
    answer = resolve(sent, *words)
    assert answer.code == 2
    assert reason in answer.err


def test_without_an_uncertain_message_no_log_is_opened(sent):
    assert resolve(sent, "--from-log", "/nowhere").out == f"weekly {EDITION} has no uncertain message\n"
    assert resolve(sent, "--as-sent").out == f"weekly {EDITION} has no uncertain message\n"
    assert resolve(sent, KIM, "--resend").out == f"weekly {EDITION} has no uncertain message to these addresses\n"


def test_by_hand_all_or_some_are_settled_or_sent_again(sent):
    make_uncertain(sent, KIM, LEE)
    assert resolve(sent, KIM, "--as-sent").out == f"1 message of weekly {EDITION} settled as sent\n"
    assert resolve(sent, "--resend").out.startswith(f"1 message of weekly {EDITION} queued again; ")
    assert states(sent) == {"queued": 1, "sent": 2}


def test_nothing_of_a_cancelled_issue_is_sent_again(sent, write):
    make_uncertain(sent, KIM)
    log = write("mail.log", log_of(sent, without=[KIM]))
    with sqlite3.connect(sent.with_name("digest.db")) as connection:
        connection.execute("UPDATE issue SET state = 'cancelled'")
    connection.close()
    answer = resolve(sent, "--from-log", log, "--resend")
    assert (answer.code, states(sent)) == (1, {"sent": 2, "uncertain": 1})
    assert "the issue is cancelled" in answer.err


def test_show_leads_to_the_log_and_json_tells_the_message_ids(sent):
    assert "--from-log" not in digest("issues", "show", EDITION, config=sent).out
    make_uncertain(sent, KIM)
    told = digest("issues", "show", EDITION, config=sent).out
    assert f"`digest issues resolve {EDITION} --from-log FILE` asks the mail\nserver's log" in told
    (row,) = digest("issues", "show", EDITION, "--json", config=sent).json["trouble"]
    assert row["message_id"].endswith("@hanbit.example>")
    assert max(map(len, told.splitlines()[-2:])) <= 80


def test_the_message_id_is_the_one_in_the_message(sent):
    found = everyone(sent)
    mails = [file.read_bytes().decode() for file in sent.with_name("outbox").glob("new/*")]
    for address, (message_id, _) in found.items():
        assert sum(message_id in mail and address in mail for mail in mails) == 1
