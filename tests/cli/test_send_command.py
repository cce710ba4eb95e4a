"""Sending: by hand with a question, as a test, as a rehearsal, and what is due."""

from datetime import UTC, datetime, timedelta
from mailbox import Maildir
from zoneinfo import ZoneInfo

import pytest

from command_line import digest, digest_on_terminal, dump
from week_of_news import ARTICLES, EDITION, READERS
from workspaces import settings_text


def send(site, *options):
    return digest("send", "--date", EDITION, *options, config=site)


def outbox(site):
    folder = site.parent / "outbox"
    return list(Maildir(folder, create=False)) if folder.exists() else []


def test_yes_sends_to_everyone_once(week):
    answer = send(week, "--yes")
    assert (answer.code, answer.err) == (0, "")
    assert answer.out == f"weekly {EDITION} is sent: 3 sent\n"
    assert sorted(message["To"].rpartition("<")[2].rstrip(">") for message in outbox(week)) == [
        "grace@example.net",
        "kim@example.com",
        "lee@example.com",
    ]


def test_sending_again_is_refused_in_one_line(week):
    send(week, "--yes")
    answer = send(week, "--yes")
    assert (answer.code, answer.out) == (1, "")
    assert answer.err == f"digest: weekly {EDITION} is sent; `digest issues show {EDITION}` tells to whom\n"
    assert len(outbox(week)) == 3


def test_a_script_must_say_yes(week):
    before = dump(week)
    answer = send(week)
    assert answer.code == 2
    assert "from a script, add --yes" in answer.err
    assert answer.out == ""
    assert outbox(week) == []
    assert 'INSERT INTO "issue"' not in dump(week)
    assert dump(week).count("\n") - before.count("\n") <= 1  # but for the key that signs links


@pytest.mark.parametrize(("typed", "sent"), [("y\n", 3), ("n\n", 0)])
def test_a_person_is_asked(week, typed, sent):
    answer = digest_on_terminal("send", "--date", EDITION, "--config", week, typed=typed)
    assert "Subject: 다리 위 보행로가 넓어졌다" in answer.out
    assert f"Send weekly {EDITION} to 3 subscribers? [y/N]" in answer.out
    assert len(outbox(week)) == sent
    assert answer.code == (0 if sent else 1)


def test_json_tells_how_it_went(week):
    values = send(week, "--yes", "--json").json
    assert (values["state"], values["deliveries"]["sent"], values["edition"]) == ("sent", 3, EDITION)


def test_a_dry_run_hands_nothing_over(week):
    answer = send(week, "--dry-run")
    assert answer.code == 0
    assert "5 articles; 3 messages written, none handed over\n" in answer.out
    values = send(week, "--dry-run", "--json").json
    assert (values["recipients"], values["articles"][0]) == (3, "007")
    assert outbox(week) == []
    assert digest("issues", "list", "--json", config=week).json == []


def test_a_dry_run_counts_readers_whose_sections_have_nothing(week):
    digest("subscribers", "add", "park@example.com", "--section", "sports", config=week)
    assert "1 subscriber wants only sections without an article: no message" in send(week, "--dry-run").out


def test_a_test_send_leaves_the_ledger_alone(week):
    send(week, "--dry-run")
    before = dump(week)
    answer = send(week, "--test", "me@example.org", "--test", "you@example.org")
    assert answer.code == 0
    assert [line.partition(": ")[0] for line in answer.out.splitlines()] == ["me@example.org", "you@example.org"]
    assert dump(week) == before
    assert len(outbox(week)) == 2
    values = send(week, "--test", "me@example.org", "--json").json
    assert [(row["address"], row["state"]) for row in values] == [("me@example.org", "sent")]


def test_a_test_address_that_cannot_be_mailed_sends_nothing(week):
    answer = send(week, "--test", "me@example.org", "--test", "nobody")
    assert (answer.code, answer.err) == (1, "digest: 'nobody' has no @\n")
    assert outbox(week) == []


def test_contradictions_are_usage_errors(week):
    for options in (["--due"], ["--test", "me@example.org", "--dry-run"]):
        assert send(week, *options).code == 2


def test_too_few_articles_are_a_failure_with_the_reason(workspace, write):
    site = workspace(settings_text({"min_articles": 9}))
    digest("articles", "import", write("articles.csv", ARTICLES), config=site)
    answer = send(site, "--yes")
    assert (answer.code, answer.out) == (1, "")
    assert answer.err == f"digest: weekly {EDITION} skipped: 5 articles to show, min_articles is 9\n"


def test_a_server_that_is_not_there_is_one_line(workspace, write):
    nowhere = {"transport": "smtp", "host": "127.0.0.1", "port": 1, "security": "none"}
    site = workspace(settings_text(delivery=nowhere))
    digest("articles", "import", write("articles.csv", ARTICLES), config=site)
    digest("subscribers", "import", write("readers.csv", READERS), config=site)
    answer = send(site, "--yes")
    assert (answer.code, answer.out) == (1, "")
    assert answer.err.startswith("digest: ")
    assert "127.0.0.1" in answer.err
    assert answer.err.count("\n") == 1
    assert digest("issues", "show", EDITION, "--json", config=site).json["deliveries"]["sent"] == 0


def test_nothing_due_is_a_success(workspace):
    site = workspace(settings_text({"schedule": "1st 08:00"}))
    newest = datetime.now(ZoneInfo("Asia/Seoul")).date().replace(day=1)
    digest("issues", "cancel", "--yes", newest, config=site)
    answer = digest("send", "--due", config=site)
    assert answer.code == 0
    assert answer.out == "Nothing is due.\n"
    assert digest("send", "--due", "--json", config=site).json == []
    assert digest("send", "--due", "--dry-run", config=site).out == "Nothing is due.\n"


def test_what_is_due_is_sent_and_told(workspace, write):
    site = workspace(settings_text({"schedule": "daily 00:00", "window": "30d"}))
    today = datetime.now(UTC).date()
    news = f"id,url,title,published_at\n1,https://hanbit.example/1,오늘의 소식,{today - timedelta(days=3)}\n"
    digest("articles", "import", write("articles.csv", news), config=site)
    digest("subscribers", "import", write("readers.csv", READERS), config=site)
    edition = datetime.now(ZoneInfo("Asia/Seoul")).date().isoformat()
    rehearsed = digest("send", "--due", "--dry-run", config=site).out
    assert rehearsed.startswith(f"weekly {edition} is due\nSubject: 오늘의 소식")
    assert "2 messages written, none handed over" in rehearsed
    (values,) = digest("send", "--due", "--dry-run", "--json", config=site).json
    assert (values["edition"], values["recipients"]) == (edition, 2)
    assert (outbox(site), digest("issues", "list", "--json", config=site).json) == ([], [])
    values = digest("send", "--due", "--json", config=site).json
    assert [(issue["state"], issue["deliveries"]["sent"]) for issue in values] == [("sent", 2)]
    assert digest("send", "--due", config=site).out == "Nothing is due.\n"
    assert len(outbox(site)) == 2


def test_a_rehearsal_of_what_is_due_tells_why_it_would_fail_and_changes_nothing(workspace):
    site = workspace(settings_text({"schedule": "daily 00:00"}))
    answer = digest("send", "--due", "--dry-run", config=site)
    assert (answer.code, "has nothing to show" in answer.err) == (1, True)
    assert digest("issues", "list", "--json", config=site).json == []
