"""`digest bounces process`: from the mailbox of the settings, from files, and from a mail server's pipe."""

import shlex
import subprocess

import pytest
from click.testing import CliRunner

from command_line import COMMAND, digest, environment
from digest.cli.main import cli
from digest.store import database as database_module
from digest.store.database import open_database
from digest.testing import RecordingServer
from returned_mail import OTHER, bounce, complaint, leaving, make_site, mark_of, open_site, send_issue, state_of
from workspaces import SetClock, open_at, smtp_settings

TRY_AGAIN = 75


@pytest.fixture
def site(tmp_path):
    with open_site(tmp_path / "site", 'type = "maildir"\npath = "returned"') as app:
        issue = send_issue(app)
        messages = bounce(mark=mark_of(app, issue)), bounce("soft", mark=mark_of(app, issue, OTHER), number=2)
        file = app.settings.file
    for name in ("new", "cur", "tmp"):
        (file.parent / "returned" / name).mkdir(parents=True)
    for number, message in enumerate((*messages, bounce(number=3), b"Subject: hello\n\nI like it.\n")):
        (file.parent / "returned" / "new" / f"{number}.m").write_bytes(message)
    return file


def states(file):
    with open_at(file, SetClock()) as app:
        return state_of(app), state_of(app, OTHER)


def process_as_mail_server(file, raw, *arguments):
    command = [*COMMAND, "--config", file, "bounces", "process", "-", *arguments]
    return subprocess.run(command, input=raw, capture_output=True, env=environment(), check=False)


def test_the_mailbox_of_the_settings_is_read_and_told_of_in_a_table(site):
    done = digest("bounces", "process", config=site)
    assert done.code == 0, done.err
    lines = done.out.splitlines()
    assert lines[0].split() == ["kind", "reason", "what", "followed", "messages"]
    assert sorted(" ".join(line.split()) for line in lines[1:-1]) == [
        "hard recipient unknown bounced 1",
        "hard recipient unknown not proven 1",
        "soft mailbox full counted 1",
    ]
    assert lines[-1] == "4 messages, 1 about no delivery"
    assert states(site) == ("bounced", "active")
    assert digest("bounces", "process", config=site).out == "No returned mail\n"
    (stats,) = digest("issues", "stats", "--json", config=site).json
    assert stats["came_back"] == {"bounced": 1, "soft": 1, "blocked": 0}
    assert digest("subscribers", "erase", OTHER, "--yes", config=site).code == 0
    (stats,) = digest("issues", "stats", "--json", config=site).json
    assert stats["came_back"] == {"bounced": 1, "soft": 1, "blocked": 0}


def test_a_dry_run_changes_nothing(site):
    first = digest("bounces", "process", "--dry-run", config=site)
    assert first.out.splitlines()[-1] == "4 messages, 1 about no delivery; a dry run, nothing is kept"
    assert states(site) == ("active", "active")
    assert digest("bounces", "process", "--dry-run", config=site).out == first.out


def test_json_tells_of_each_message(site):
    told = digest("bounces", "process", "--json", config=site).json
    assert told["dry_run"] is False
    assert told["messages"][0] == {
        "message": "0.m",
        "repeated": False,
        "problem": "",
        "reports": [
            {
                "recipient": "reader00000@example.com",
                "kind": "hard",
                "reason": "recipient_unknown",
                "status": "5.1.1",
                "diagnostic": "550 5.1.1 User unknown",
                "followed": "bounced",
                "proof": "mark",
            }
        ],
    }
    assert told["messages"][3]["reports"] == []


def test_files_and_folders_that_are_named_stay_as_they_are(site, tmp_path):
    folder = site.parent / "returned"
    one = tmp_path / "one.eml"
    one.write_bytes(leaving(sender=OTHER))
    done = digest("bounces", "process", folder, one, config=site)
    assert done.out.splitlines()[-1].startswith("5 messages")
    assert len(list((folder / "new").iterdir())) == 4
    assert states(site) == ("bounced", "unsubscribed")
    again = digest("bounces", "process", folder, one, config=site)
    assert again.out == "5 messages, 5 acted upon before\n"


def test_a_source_that_is_not_there_is_said_after_what_was_done(site):
    done = digest("bounces", "process", site.parent / "returned", "nothing.eml", config=site)
    assert (done.code, done.out.splitlines()[-1]) == (1, "4 messages, 1 about no delivery")
    assert "nothing.eml cannot be read" in done.err


def test_without_a_mailbox_one_has_to_be_named(tmp_path):
    done = digest("bounces", "process", config=make_site(tmp_path / "site"))
    assert (done.code, done.out) == (1, "")
    assert "[inbound] names no mailbox" in done.err


# A pipe


def test_a_mail_server_hands_a_message_over_with_its_envelope_line(site):
    raw = (site.parent / "returned" / "new" / "0.m").read_bytes()
    done = process_as_mail_server(site, b"From MAILER-DAEMON Mon Mar  2 08:00:00 2026\n" + raw)
    assert (done.returncode, done.stderr) == (0, b"")
    assert states(site) == ("bounced", "active")
    assert process_as_mail_server(site, raw).stdout == b"1 message, 1 acted upon before\n"


def test_a_shell_runs_it_as_aliases_do(site):
    """`bounces: "|digest … bounces process -"`: whatever comes, the mail server gets an exit code it knows."""
    command = f"{shlex.join([*COMMAND])} --config {shlex.quote(str(site))} bounces process -"
    for raw in (b"\xff\x00nonsense" * 1_200_000, complaint()):
        done = subprocess.run(
            ["/bin/sh", "-c", command], input=raw, env=environment(), capture_output=True, check=False
        )
        assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.parametrize("fault", ["no settings", "no database"])
def test_a_mail_server_is_told_to_try_again_where_something_is_wrong_here(site, fault):
    raw = (site.parent / "returned" / "new" / "0.m").read_bytes()
    if fault == "no settings":
        site.write_text("not a setting")
    else:
        site.with_name("digest.db").rename(site.with_name("away.db"))
    done = process_as_mail_server(site, raw)
    assert done.returncode == TRY_AGAIN
    assert done.stderr.startswith(b"digest: ")
    assert b"Traceback" not in done.stderr


def test_a_mail_server_is_told_to_try_again_while_the_database_is_locked(site, monkeypatch):
    monkeypatch.setattr(database_module, "LOCK_TIMEOUT_SECONDS", 0.2)
    raw = (site.parent / "returned" / "new" / "0.m").read_bytes()
    words = ["--config", str(site), "bounces", "process", "-"]
    with open_database(site.with_name("digest.db")) as other, other.transaction():
        done = CliRunner().invoke(cli, words, input=raw)
    assert done.exit_code == TRY_AGAIN
    assert "is locked by another program" in done.stderr
    assert states(site) == ("active", "active")
    assert CliRunner().invoke(cli, words, input=raw).exit_code == 0
    assert states(site) == ("bounced", "active")


def test_standard_input_goes_alone(site):
    assert digest("bounces", "process", "-", "x.eml", config=site).code == 2


def test_the_operator_is_told_of_refusals(tmp_path):
    with RecordingServer() as mail:
        delivery = smtp_settings(mail, operator="ops@hanbit.example")
        with open_site(tmp_path / "site", delivery=delivery) as app:
            raw = bounce("blocked", mark=mark_of(app, send_issue(app)))
            file = app.settings.file
        path = tmp_path / "refused.eml"
        path.write_bytes(raw)
        assert "blocked" in digest("bounces", "process", path, config=file).out
        assert [message.rcpt_tos for message in mail.messages] == [["ops@hanbit.example"]]
