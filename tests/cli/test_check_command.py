"""The check on the command line: files and newsletters, words and JSON, and what the exit code says."""

import re
import subprocess

import pytest

from command_line import COMMAND, digest, environment
from digest.check.contract import RULES
from week_of_news import EDITION

PAGE = '<!DOCTYPE html>\n<html lang="ko">\n<p>{{ title }}</p>\n'


def check(site, *options):
    return digest("check", "--date", EDITION, *options, config=site)


def extend_template(site, block):
    """Give the workspace a template of its own that builds on the packaged one."""
    folder = site.parent / "templates" / "weekly"
    folder.mkdir(parents=True)
    head, tail = '{% extends "packaged/weekly/digest.html" %}\n{% block footer %}\n', "\n{{ super() }}{% endblock %}\n"
    text = head + block + tail
    (folder / "digest.html").write_text(text, encoding="utf-8")


def test_a_sound_issue_is_said_to_be_sound(week):
    answer = check(week)
    assert (answer.code, answer.err) == (0, "")
    ending = rf"^weekly {EDITION} for \d groups of readers: no errors, no warnings\n\Z"
    assert re.search(ending, answer.out, re.MULTILINE)
    assert check(week, "weekly").out == answer.out


def test_a_message_in_a_file_is_checked(week, tmp_path):
    file = tmp_path / "issue.eml"
    digest("preview", "--date", EDITION, "--eml", file, config=week)
    assert digest("check", file).out == f"{file}: no errors, no warnings\n"
    file.write_bytes(file.read_bytes().replace(b"List-Unsubscribe-Post", b"X-Nothing"))
    answer = digest("check", file)
    assert answer.code == 1
    assert re.match(r"ERROR MSG-UNSUB: List-Unsubscribe-Post is not .*\n  docs/checks.md#msg-unsub\n", answer.out)
    assert answer.out.endswith(f"\n\n{file}: 1 error, no warnings\n")


def test_a_file_with_the_systems_line_ends_is_read_as_mail(week, tmp_path):
    """Mailboxes and editors keep messages so."""
    file = tmp_path / "issue.eml"
    digest("preview", "--date", EDITION, "--eml", file, config=week)
    file.write_bytes(file.read_bytes().replace(b"\r\n", b"\n"))
    assert digest("check", file).code == 0


def test_a_page_in_a_file_is_checked_without_what_only_a_mail_has(write):
    answer = digest("check", write("page.html", PAGE))
    assert answer.code == 1
    assert "ERROR PH-LEFT line 3: a placeholder was left: '{{'\n  docs/checks.md#ph-left\n" in answer.out
    assert "MSG-" not in answer.out


@pytest.mark.parametrize(("content", "has_header_rules"), [(PAGE, False), ("From: a\n\nb\n", True), ("", True)])
def test_stdin_is_a_page_or_a_message_by_its_first_character(content, has_header_rules):
    done = subprocess.run(
        [*COMMAND, "check", "-"], input=content, capture_output=True, encoding="utf-8", env=environment(), check=False
    )
    assert (done.returncode, done.stderr) == (1, "")
    assert ("MSG-HDR" in done.stdout) == has_header_rules
    assert done.stdout.splitlines()[-1].startswith("stdin: ")


def test_json_has_each_finding_with_its_page(write):
    answer = digest("check", write("page.html", PAGE), "--json")
    assert answer.code == 1
    (found,) = [row for row in answer.json if row["rule"] == "PH-LEFT"]
    assert found == {
        "rule": "PH-LEFT",
        "severity": "error",
        "message": "a placeholder was left: '{{'",
        "part": "html",
        "line": 3,
        "snippet": found["snippet"],
        "template": None,
        "readers": [],
        "page": "docs/checks.md#ph-left",
    }
    assert "{{ title }}" in found["snippet"]


def test_errors_come_before_warnings(write):
    words = [
        line.split()[0] for line in digest("check", write("page.html", PAGE)).out.splitlines() if line[:1].isupper()
    ]
    assert words == sorted(words)
    assert set(words) == {"ERROR", "WARNING"}


def test_a_finding_names_the_line_of_the_template_it_comes_from(week):
    """Where one line alone has these words."""
    extend_template(week, '<p style="position:absolute">끝</p>')
    answer = check(week)
    assert answer.code == 1
    assert "CSS-FORBID" in answer.out
    (row,) = [row for row in check(week, "--json").json if row["rule"] == "CSS-FORBID"]
    assert row["template"].endswith("templates/weekly/digest.html:3")
    assert row["readers"] == []


def test_a_fault_in_some_mails_only_names_their_readers(week):
    extend_template(week, '{% if language.code == "en" %}<!-- x -->{% endif %}')
    answer = check(week)
    assert answer.code == 0, "a warning alone"
    assert check(week, "--strict").code == 1
    assert "WARNING SRC-COMMENT" in answer.out
    assert "  only for readers of: en\n" in answer.out


def test_what_is_not_there_is_one_line(week, tmp_path):
    missing = tmp_path / "no.eml"
    assert digest("check", missing).err == f"digest: {missing}: No such file or directory\n"
    answer = check(week, "weeky")
    assert answer.code == 1
    assert "did you mean 'weekly'?" in answer.err


def test_a_file_has_no_edition(write):
    answer = digest("check", write("page.html", PAGE), "--date", EDITION)
    assert answer.code == 2
    assert "--date is the edition of a newsletter" in answer.err


@pytest.mark.parametrize("rule", RULES.values(), ids=lambda rule: rule.id)
def test_every_rule_is_explained(rule):
    answer = digest("check", "--explain", rule.id.lower())
    assert answer.code == 0
    for words in (rule.title, rule.why, rule.fix, rule.page):
        assert words in answer.out
    assert re.search(r"^(Error|Warning): ", answer.out, re.MULTILINE)
    assert digest("check", "--explain", rule.id, "--json").json["fix"] == rule.fix


def test_a_rule_that_is_not_there_leads_to_the_nearest():
    answer = digest("check", "--explain", "IMG-AL")
    assert answer.code == 2
    assert "did you mean IMG-ALT?" in answer.err
