"""The preview: an issue as it would go out, why each article is where it is, and its parts as files."""

import os
from email import message_from_string, policy

import pytest
from PIL import Image

from command_line import digest, digest_on_terminal, dump
from digest.errors import DigestError
from digest.screenshot import find_browser
from week_of_news import EDITION
from workspaces import settings_text


def preview(site, *options):
    return digest("preview", "--date", EDITION, *options, config=site)


def test_it_shows_the_subject_the_articles_and_why(week):
    answer = preview(week, "--list")
    assert answer.code == 0
    assert answer.err == ""
    assert answer.out.startswith(f"weekly {EDITION} (not frozen yet)\nSubject    다리 위 보행로가 넓어졌다")
    assert "5 candidates with 3,200 views; message of " in answer.out
    assert " 1  1,000  사회     007  다리 위 보행로가 넓어졌다\n" in answer.out
    assert "조회순 1위 (한 주 동안 1,000회)\n" in answer.out


def test_what_is_passed_over_is_shown_with_its_reason(week):
    digest("articles", "exclude", "008", config=week)
    not_shown = preview(week, "--list").out.partition("Not shown:\n")[2]
    assert " –    700  경제     008  [단독] 항만 물동량 <최대>\n" in not_shown
    assert "싣지 않음" in not_shown


def test_json_says_the_same_as_data(week):
    digest("articles", "exclude", "008", config=week)
    values = preview(week, "--json").json
    assert values["frozen"] is False
    assert [row["id"] for row in values["shown"]] == ["007", "009", "010", "011"]
    assert values["shown"][0]["reasons"] == [{"code": "rank", "rank": 1, "views": 1000, "days": 7}]
    assert values["passed_over"][0]["reasons"][1] == {"code": "excluded"}
    assert values["passed_over"][0]["why"].startswith("조회순 2위")


def test_it_writes_nothing_into_the_database(week):
    preview(week, "--list")  # the first one makes the key that signs links
    before = dump(week)
    preview(week, "--list")
    assert dump(week) == before


def test_the_parts_go_into_files(week, tmp_path):
    files = {name: tmp_path / f"issue.{name}" for name in ("html", "text", "eml")}
    options = [word for name, file in files.items() for word in (f"--{name}", file)]
    answer = preview(week, *options)
    assert answer.code == 0
    assert answer.err.count("Wrote ") == 3
    assert "다리 위 보행로가" in files["html"].read_text(encoding="utf-8")
    assert "다리 위 보행로가" in files["text"].read_text(encoding="utf-8")
    message = message_from_string(files["eml"].read_text(encoding="ascii"), policy=policy.default)
    assert message["Subject"].startswith("다리 위 보행로가")
    assert {part.get_content_type() for part in message.walk()} >= {"text/plain", "text/html"}


def test_a_part_on_stdout_is_alone_there(week):
    html = preview(week, "--html", "-")
    assert html.out.startswith("<!DOCTYPE html")
    assert html.out.rstrip().endswith("</html>")
    assert html.err == ""
    message = message_from_string(preview(week, "--eml", "-").out, policy=policy.default)
    assert message["To"] is not None
    assert "Subject  " not in preview(week, "--text", "-").out


def test_stdout_has_room_for_one_thing(week):
    for options in (["--html", "-", "--text", "-"], ["--eml", "-", "--json"]):
        answer = preview(week, *options)
        assert (answer.code, answer.out) == (2, "")
        assert "only one of" in answer.err


def test_a_file_that_cannot_be_written_is_one_line(week):
    answer = preview(week, "--html", "/nowhere/issue.html")
    assert (answer.code, answer.out) == (1, "")
    assert answer.err == "digest: /nowhere/issue.html: No such file or directory\n"


def test_as_shows_what_one_subscriber_gets(week):
    theirs = preview(week, "--as", "lee@example.com", "--text", "-").out
    assert "항만 물동량" in theirs
    assert "다리 위 보행로" not in theirs
    assert preview(week, "--as", "lee@example.com", "--json").json["subject"].startswith("[단독] 항만")
    english = message_from_string(preview(week, "--as", "grace@example.net", "--eml", "-").out, policy=policy.default)
    assert english["To"].addresses[0].addr_spec == "grace@example.net"
    assert "Unsubscribe" in english.get_body(("plain",)).get_content()


def test_as_nobody_known_is_one_line(week):
    answer = preview(week, "--list", "--as", "nobody@example.com")
    assert (answer.code, answer.err) == (1, "digest: no subscriber has the address nobody@example.com\n")


def test_a_frozen_issue_is_shown_as_it_was_frozen(week):
    assert digest("send", "--date", EDITION, "--yes", config=week).code == 0
    before = preview(week, "--html", "-").out
    digest("articles", "exclude", "007", config=week)
    site = week.read_text(encoding="utf-8").replace("주간 한빛", "다른 이름")
    week.write_text(site, encoding="utf-8")
    answer = preview(week, "--list")
    assert answer.out.startswith(f"weekly {EDITION} (frozen)\nSubject    다리 위 보행로가 넓어졌다")
    assert "주간 한빛" in answer.out
    assert preview(week, "--html", "-").out == before


def test_an_empty_week_says_what_to_do(week):
    answer = digest("preview", "--list", "--date", "2020-01-06", config=week)
    assert (answer.code, answer.out) == (1, "")
    assert answer.err == (
        "digest: weekly 2020-01-06 has nothing to show: 0 candidates published from 2019-12-30 00:00 to "
        "2020-01-06 00:00 (Asia/Seoul); import articles and views, or choose another --date\n"
    )


def test_too_few_articles_are_noted(week):
    text = week.read_text(encoding="utf-8").replace("min_articles = 1", "min_articles = 9")
    week.write_text(text, encoding="utf-8")
    assert "Note       would be skipped: 5 articles to show, min_articles is 9\n" in preview(week, "--list").out


def test_several_newsletters_must_be_told_apart(workspace):
    file = workspace(settings_text({}, {"slug": "daily", "title": "매일"}))
    answer = digest("preview", "--list", config=file)
    assert answer.code == 1
    assert "say which: weekly, daily" in answer.err
    assert "'dayly'; did you mean 'daily'?" in digest("preview", "dayly", config=file).err


def test_reasons_stand_under_the_titles_on_a_narrow_terminal(week):
    shown = digest_on_terminal("preview", "--list", "--date", EDITION, "--config", week, columns=80).out
    assert "다리 위 보행로가 넓어졌다\n" in shown
    assert "조회순 1위 (한 주 동안 1,000회)" in shown


def test_options_that_do_not_go_together_are_refused(week):
    for options, words in (
        (["--width", "375"], "--width and --dark go with --png"),
        (["--dark", "--list"], "--width and --dark go with --png"),
        (["--list", "--port", "8000"], "go with the page"),
        (["--html", "-", "--open"], "go with the page"),
    ):
        answer = preview(week, *options)
        assert (answer.code, answer.out) == (2, ""), options
        assert words in answer.err


def test_a_picture_of_the_mail_goes_into_a_file(week, tmp_path):
    try:
        find_browser(os.environ)
    except DigestError as error:
        pytest.skip(str(error))
    sizes, corners = [], []
    for name, options in (("a.png", []), ("b.png", ["--width", "375", "--dark"])):
        answer = preview(week, "--png", tmp_path / name, *options)
        assert (answer.code, answer.err) == (0, f"Wrote {tmp_path / name}\n")
        with Image.open(tmp_path / name) as picture:
            sizes.append(picture.size)
            corners.append(sum(picture.convert("RGB").getpixel((3, 3))))
    assert [width for width, _ in sizes] == [640, 375]
    assert min(height for _, height in sizes) > 600
    assert corners[0] > 600, "paper"
    assert corners[1] < 200, "night"


def test_a_picture_needs_a_browser(week, tmp_path):
    file = tmp_path / "a.png"
    answer = digest("preview", "--date", EDITION, "--png", file, config=week, env={"CHROMIUM": "/nowhere"})
    assert (answer.code, answer.out) == (1, "")
    assert answer.err.startswith("digest: a picture needs Chromium, and CHROMIUM=/nowhere is not a program; install")
