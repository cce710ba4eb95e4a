"""What was sent, to whom, and what the operator decides about it."""

import sqlite3

import pytest

from command_line import digest, digest_on_terminal
from digest.testing import RecordingServer
from week_of_news import ARTICLES, EDITION, READERS, VIEWS
from workspaces import settings_text, smtp_settings


def fill(site, write):
    digest("articles", "import", write("articles.csv", ARTICLES), config=site)
    digest("views", "import", write("views.csv", VIEWS), config=site)
    digest("subscribers", "import", write("readers.csv", READERS), config=site)


@pytest.fixture
def stuck(workspace, write):
    """An issue that waits, as its mail server cannot be reached."""
    nowhere = {"transport": "smtp", "host": "127.0.0.1", "port": 1, "security": "none"}
    site = workspace(settings_text(delivery=nowhere))
    fill(site, write)
    assert digest("send", "--date", EDITION, "--yes", config=site).code == 1
    return site


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


def states(site):
    issue = digest("issues", "show", EDITION, "--json", config=site).json
    return {state: count for state, count in issue["deliveries"].items() if count}


def test_a_new_workspace_has_no_issues_and_says_how_to_get_one(site):
    assert digest("issues", "list", config=site).out == (
        "There are no issues yet; `digest preview` shows the next one, `digest send` sends it\n"
    )
    assert digest("issues", "list", "--json", config=site).json == []


def test_list_tells_state_and_figures(sent):
    digest("issues", "cancel", "2026-03-09", "--yes", config=sent)
    assert digest("issues", "list", config=sent).out == (
        "newsletter  edition     state      deliveries\n"
        "weekly      2026-03-09  cancelled  cancelled before it began\n"
        "weekly      2026-03-02  sent       3 sent\n"
    )
    assert [row["state"] for row in digest("issues", "list", "--json", config=sent).json] == ["cancelled", "sent"]


def test_list_of_an_unknown_newsletter_is_refused(sent):
    assert digest("issues", "list", "-n", "weakly", config=sent).err.endswith("did you mean 'weekly'?\n")


def test_show_tells_picks_reasons_and_deliveries(sent):
    words = digest("issues", "show", EDITION, config=sent).out
    assert words.startswith(f"weekly {EDITION} is sent\nDeliveries  3 sent\nFrozen      ")
    assert "조회순 1위 (한 주 동안 1,000회)" in words
    values = digest("issues", "show", EDITION, "--json", config=sent).json
    assert [row["id"] for row in values["shown"]] == ["007", "008", "009", "010", "011"]
    assert values["frozen"]["window"]["timezone"] == "Asia/Seoul"
    assert {tuple(variant["sections"]) for variant in values["variants"]} == {(), ("economy",)}
    assert "nonce" not in values["frozen"]


def test_show_writes_the_frozen_parts(sent, tmp_path):
    html, text = tmp_path / "a.html", tmp_path / "a.txt"
    assert digest("issues", "show", EDITION, "--html", html, "--text", text, config=sent).code == 0
    assert html.read_text(encoding="utf-8").startswith("<!DOCTYPE html")
    assert "다리 위 보행로" in text.read_text(encoding="utf-8")


def test_an_issue_that_is_not_there_leads_on(week):
    answer = digest("issues", "show", EDITION, config=week)
    assert answer.code == 1
    assert answer.err == (
        f"digest: weekly has no issue of {EDITION}; `digest issues list` shows those there are, "
        f"`digest preview --date {EDITION}` one that is not sent yet\n"
    )


def test_an_issue_can_be_paused_and_go_on(stuck):
    assert digest("issues", "pause", EDITION, config=stuck).out == (
        f"weekly {EDITION} is paused; `digest issues resume {EDITION}` goes on\n"
    )
    again = digest("send", "--date", EDITION, "--yes", config=stuck)
    assert again.err == f"digest: weekly {EDITION} is paused; go on with `digest issues resume {EDITION}`\n"
    assert digest("issues", "resume", EDITION, config=stuck).code == 0
    settings = stuck.read_text(encoding="utf-8").replace('transport = "smtp"', 'transport = "maildir"')
    stuck.write_text(settings, encoding="utf-8")
    assert digest("send", "--date", EDITION, "--yes", config=stuck).out == f"weekly {EDITION} is sent: 3 sent\n"


def test_a_cancelled_issue_is_over(stuck):
    assert digest("issues", "cancel", EDITION, "--yes", config=stuck).out == f"weekly {EDITION} is cancelled\n"
    assert states(stuck) == {"cancelled": 3}
    answer = digest("send", "--date", EDITION, "--yes", config=stuck)
    assert answer.code == 1
    assert f"weekly {EDITION} is cancelled" in answer.err


def test_cancelling_asks_first(stuck):
    assert digest("issues", "cancel", EDITION, config=stuck).code == 2
    shown = digest_on_terminal("issues", "cancel", EDITION, "--config", stuck, typed="n\n")
    assert f"Cancel weekly {EDITION} for good? [y/N]" in shown.out
    assert states(stuck) == {"queued": 3}


@pytest.mark.parametrize("verb", ["pause", "resume"])
def test_what_has_been_sent_can_be_neither_paused_nor_resumed(sent, verb):
    answer = digest("issues", verb, EDITION, config=sent)
    assert answer.code == 1
    assert f"weekly {EDITION} is sent" in answer.err


def test_trouble_is_listed_with_shortened_addresses(workspace, write):
    with RecordingServer(answer=lambda _: "451 4.3.0 come back later") as server:
        site = workspace(settings_text(delivery=smtp_settings(server)))
        fill(site, write)
        done = digest("send", "--date", EDITION, "--yes", config=site)
    assert done.code == 0
    assert f"weekly {EDITION} is sending: 3 deferred\ngoes on at 20" in done.out
    words = digest("issues", "show", EDITION, config=site).out
    assert "k***@example.com" in words
    assert "451 4.3.0 come back later" in words
    assert "kim@example.com" not in words
    assert "kim@example.com" in digest("issues", "show", EDITION, "--addresses", config=site).out
    rows = digest("issues", "show", EDITION, "--json", config=site).json["trouble"]
    assert {row["address"] for row in rows} == {"k***@example.com", "l***@example.com", "g***@example.net"}
    assert {(row["state"], row["code"]) for row in rows} == {("deferred", 451)}


def test_uncertain_messages_are_listed_and_wait_for_a_decision(sent):
    make_uncertain(sent, "kim@example.com", "lee@example.com")
    assert "l***@example.com  uncertain" in digest("issues", "show", EDITION, config=sent).out
    assert digest("send", "--due", config=sent).code == 0
    assert states(sent) == {"sent": 1, "uncertain": 2}
    assert digest("issues", "resolve", EDITION, config=sent).code == 2
    one = digest("issues", "resolve", EDITION, "kim@example.com", "--as-sent", config=sent)
    assert one.out == f"1 message of weekly {EDITION} settled as sent\n"
    again = digest("issues", "resolve", EDITION, "--resend", config=sent)
    assert again.out.startswith(f"1 message of weekly {EDITION} queued again; `digest send weekly --date {EDITION}`")
    assert digest("send", "--date", EDITION, "--yes", config=sent).out == f"weekly {EDITION} is sent: 3 sent\n"


def test_without_an_uncertain_message_there_is_nothing_to_decide(sent):
    assert digest("issues", "resolve", EDITION, "--as-sent", config=sent).out == (
        f"weekly {EDITION} has no uncertain message\n"
    )
    assert digest("issues", "resolve", EDITION, "kim@example.com", "--resend", config=sent).out == (
        f"weekly {EDITION} has no uncertain message to these addresses\n"
    )
