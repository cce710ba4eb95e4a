"""`digest demo` is one command from nothing to an issue in a mailbox, and running it again changes nothing."""

import re
import sqlite3
import time
from datetime import date
from email import message_from_bytes, policy
from mailbox import Maildir

import pytest

from command_line import digest, digest_on_terminal
from digest.render.width import display_width

COLOUR = re.compile(r"\x1b\[[0-9;]*m")


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    """A demo made once, with what it said."""
    folder = tmp_path_factory.mktemp("demo") / "digest-demo"
    return folder, digest("demo", folder)


def messages(folder):
    return [message_from_bytes(message.as_bytes(), policy=policy.default) for message in Maildir(folder / "outbox")]


def files(folder):
    """Every file but the database, to the byte."""
    return {
        path.relative_to(folder): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and not path.name.startswith("digest.db")
    }


def rows(folder):
    """Every row of every table of ours; SQLite's own counter of ids may move on."""
    connection = sqlite3.connect(folder / "digest.db")
    found = [line for line in connection.iterdump() if "sqlite_sequence" not in line]
    connection.close()
    return found


def test_it_ends_well_and_says_what_lies_where_and_what_is_next(demo):
    folder, answer = demo
    assert (answer.code, answer.err) == (0, "")
    for words in ("주간 한빛뉴스, edition of 20", "articles of the week with", "Not shown, and why:", "Next:"):
        assert words in answer.out
    for name, file in (("HTML", "issue.html"), ("Text", "issue.txt"), ("Messages", "outbox")):
        assert re.search(rf"^{name} +{folder / file}\b", answer.out, re.MULTILINE)
        assert (folder / file).exists()
    assert "Checked   every message is sound\n" in answer.out


def test_every_command_it_names_works(demo, monkeypatch):
    folder, answer = demo
    next_steps = answer.out.partition("Next:\n")[2]
    commands = re.findall(r"^  digest ((?:\S+ )*\S+)", next_steps, re.MULTILINE)
    assert len(commands) == 6
    monkeypatch.chdir(folder)
    for command in commands:
        words = command.split("  ")[0].split()
        # Alone it opens a page and waits until it is ended.
        done = digest(*words, *(["--list"] if words[0] == "preview" else []))
        assert done.code == 0, (command, done.err)
    digest("articles", "unpin", "hb-0054")


def test_ten_readers_get_a_message_each_that_any_mail_program_opens(demo):
    folder, _ = demo
    found = messages(folder)
    assert len(found) == 10
    assert len({message["Message-ID"] for message in found}) == 10
    assert len({message["To"].addresses[0].addr_spec for message in found}) == 10
    for message in found:
        assert not message.defects
        assert message.get_body(("html",)).get_content().lstrip().startswith("<!DOCTYPE html")
        assert len(message.get_body(("plain",)).get_content()) > 500
        assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"


def test_readers_with_wishes_of_their_own_get_another_issue(demo):
    folder, _ = demo
    subjects = {message["To"].addresses[0].addr_spec: message["Subject"] for message in messages(folder)}
    assert len(set(subjects.values())) > 1


def test_its_edition_is_a_monday_that_has_come(demo):
    folder, _ = demo
    (issue,) = digest("issues", "list", "--json", config=folder).json
    edition = date.fromisoformat(issue["edition"])
    assert edition.weekday() == 0
    assert issue["state"] == "sent"


def test_again_changes_nothing_and_doubles_nothing(demo):
    folder, first = demo
    before, known = files(folder), rows(folder)
    second = digest("demo", folder)
    assert second.code == 0
    assert files(folder) == before
    assert rows(folder) == known
    ranking = first.out.partition("\nSubject")[0]
    assert second.out.startswith(ranking)
    assert "10 in a Maildir, delivered by an earlier run\n" in second.out


@pytest.mark.slow
def test_again_after_another_issue_it_keeps_its_own(demo, tmp_path):
    folder, first = demo
    own = tmp_path / "demo"
    digest("demo", own)
    before = files(own / "import")
    digest("issues", "cancel", "2099-01-05", "--yes", config=own)
    assert first.out.partition("\n")[0] in digest("demo", own).out
    assert files(own / "import") == before
    assert folder != own


def test_it_refuses_a_workspace_that_is_no_demo(site_of_somebody):
    before = files(site_of_somebody)
    answer = digest("demo", site_of_somebody)
    assert (answer.code, answer.out) == (1, "")
    assert answer.err == (
        f"digest: {site_of_somebody}/digest.toml is a workspace of yours, not a demo; "
        "name another folder: digest demo DIR\n"
    )
    assert files(site_of_somebody) == before


@pytest.fixture
def site_of_somebody(workspace):
    return workspace().parent


def test_a_file_in_its_place_is_a_usage_error(tmp_path):
    (tmp_path / "file").write_text("", encoding="utf-8")
    assert digest("demo", tmp_path / "file").code == 2


def test_it_takes_less_than_ten_seconds_and_fits_80_columns(tmp_path):
    began = time.monotonic()
    answer = digest_on_terminal("demo", cwd=tmp_path)
    assert time.monotonic() - began < 10
    assert answer.code == 0
    lines = [COLOUR.sub("", line) for line in answer.out.splitlines()]
    wide = [line for line in lines if display_width(line) > 80]
    assert all(line.startswith(("Subject", "  . ")) for line in wide), wide
    assert "  cd digest-demo" in lines
    titles = [line for line in lines if re.match(r" ?\d+ +[\d,]+  ", line)]
    assert len(titles) == 10
    assert len({display_width(line.partition("hb-")[0]) for line in titles}) == 1
