"""A new workspace, how commands find it, and how they say what is wrong with it."""

import subprocess
import sys
import tomllib

import pytest

from command_line import COMMAND, digest, digest_on_terminal, environment
from digest.settings import load_settings


def test_init_makes_commented_settings_and_a_database(tmp_path):
    folder = tmp_path / "site"
    answer = digest("init", folder, "--name", "한빛뉴스", "--timezone", "Asia/Seoul", "--locale", "ko")
    assert answer.code == 0
    text = (folder / "digest.toml").read_text(encoding="utf-8")
    assert text.count("#") > 20
    settings = tomllib.loads(text)
    assert settings["site"]["name"] == "한빛뉴스"
    assert settings["newsletter"][0]["title"] == "주간 한빛뉴스"
    assert (folder / "digest.db").is_file()
    assert "articles import" in answer.out
    assert digest("articles", "list", config=folder).code == 0


def test_every_setting_of_the_template_is_a_known_one(tmp_path):
    """Also those behind a comment sign: taken in, they are read."""
    digest("init", tmp_path, "--locale", "en", "--timezone", "UTC")
    file = tmp_path / "digest.toml"
    settings = tomllib.loads(file.read_text(encoding="utf-8"))
    seen = {table: set(values[0] if table == "newsletter" else values) for table, values in settings.items()}
    lines = [line.removeprefix("# ") for line in file.read_text(encoding="utf-8").splitlines()]
    for line in lines:
        if line.startswith("["):
            table = line.strip("[]")
        elif " = " in line and line.split(" = ")[0].isidentifier():
            seen.setdefault(table, set()).add(line.split(" = ")[0])
    known = load_settings(file)
    models = {"newsletter": known.newsletters[0], "web": known.web_or_defaults}
    for table, names in seen.items():
        model = models.get(table) or getattr(known, table)
        assert names <= {field.alias or name for name, field in type(model).model_fields.items()}, table


@pytest.mark.parametrize(
    "name", ['Kim "the news" & Co', "한빛, 뉴스", "(주)한빛뉴스", "a\\b", "tab\there", "@timezone@"]
)
def test_any_name_becomes_a_setting(tmp_path, name):
    assert digest("init", tmp_path, "--name", name, "--from", "news@example.com").code == 0
    assert load_settings(tmp_path / "digest.toml").site.name == name


def test_init_changes_nothing_that_is_there(site):
    before = site.read_bytes()
    answer = digest("init", site.parent)
    assert answer.code == 1
    assert answer.err == f"digest: {site} is there already; nothing was changed\n"
    assert site.read_bytes() == before


@pytest.mark.parametrize(
    ("option", "value", "reason"),
    [
        ("--timezone", "Asia/Soul", "IANA"),
        ("--locale", "xx", "available: en, ko"),
        ("--from", "nobody", "Name <name@example.com>"),
        ("--name", " ", "--name is empty"),
    ],
)
def test_a_wrong_value_makes_nothing(tmp_path, option, value, reason):
    answer = digest("init", tmp_path / "site", option, value)
    assert answer.code == 1
    assert reason in answer.err
    assert answer.err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_made_is_one_line(tmp_path):
    (tmp_path / "file").write_text("", encoding="utf-8")
    answer = digest("init", tmp_path / "file" / "site")
    assert (answer.code, answer.err) == (1, f"digest: {tmp_path}/file/site: Not a directory\n")


def test_config_is_understood_before_and_after_the_command(site):
    for words in (["--config", site, "articles", "list"], ["articles", "list", "--config", site.parent]):
        assert digest(*words).out.startswith("There are no articles yet")


def test_the_variable_names_a_workspace(site):
    assert digest("articles", "list", env={"DIGEST_CONFIG": str(site)}).code == 0


def test_config_wins_over_the_variable(site):
    assert digest("articles", "list", config=site, env={"DIGEST_CONFIG": "/nowhere"}).code == 0


def test_the_workspace_is_looked_for_upward(site, monkeypatch):
    inner = site.parent / "a" / "b"
    inner.mkdir(parents=True)
    monkeypatch.chdir(inner)
    assert digest("articles", "list").code == 0


def test_without_a_workspace_one_line_says_what_to_do(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    answer = digest("articles", "list")
    assert answer.code == 1
    assert answer.out == ""
    assert answer.err.count("\n") == 1
    assert "digest init" in answer.err
    assert "DIGEST_CONFIG" in answer.err


def test_wrong_settings_are_a_line_each(site):
    site.write_text('[site]\nname = "x"\ntimezone = "Asia/Seol"\nfoo = 1\n', encoding="utf-8")
    answer = digest("articles", "list", config=site)
    assert answer.code == 1
    lines = answer.err.splitlines()
    assert all(line.startswith(f"digest: {site}: ") for line in lines)
    assert "did you mean 'Asia/Seoul'?" in answer.err
    assert "newsletter is missing" in answer.err


def test_a_usage_error_is_2(site):
    for words in (["articles", "tup"], ["articles", "list", "--limit", "0"], ["articles", "show"], ["--nothing"]):
        answer = digest(*words, config=site)
        assert answer.code == 2
        assert "Usage:" in answer.err


@pytest.mark.parametrize("day", ["2019-13-01", "yesterday", "0001-01-08", "9999-12-31"])
def test_a_date_that_is_none_is_a_usage_error(site, day):
    answer = digest("articles", "top", "--date", day, config=site)
    assert answer.code == 2
    assert "2019-04-08" in answer.err or "expected 1900" in answer.err


@pytest.mark.parametrize("place", ["before", pytest.param("after", marks=pytest.mark.slow)])
def test_debug_shows_the_traceback_and_nothing_else_does(tmp_path, place):
    words = ["--debug", "articles", "list"] if place == "before" else ["articles", "list", "--debug"]
    for arguments, has_traceback in ((words, True), (["articles", "list"], False)):
        done = subprocess.run(
            [*COMMAND, *arguments], cwd=tmp_path, env=environment(), capture_output=True, text=True, check=False
        )
        assert done.returncode == 1
        assert ("Traceback" in done.stderr) is has_traceback


def test_a_reader_that_leaves_early_is_no_failure(week):
    """`digest articles list | head -1`."""
    done = subprocess.run(
        f"{sys.executable} -m digest --config {week} subscribers export | true",
        shell=True,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr == ""


def test_a_terminal_of_another_encoding_gets_utf_8_and_no_traceback(week):
    done = subprocess.run(
        [*COMMAND, "--config", week, "articles", "list", "--json"],
        env=environment(PYTHONUTF8="0", PYTHONIOENCODING="ascii"),
        capture_output=True,
        check=True,
    )
    assert "도서관" in done.stdout.decode("utf-8")


def test_a_name_that_is_no_utf_8_is_one_line(site):
    answer = digest("articles", "show", "caf\udce9", config=site)
    assert answer.code == 1
    assert answer.err.count("\n") == 1


def test_tables_keep_within_80_columns(week):
    shown = digest_on_terminal("articles", "top", "--date", "2026-03-02", "--config", week, columns=50).out
    assert "도서관이" in shown
    assert "007" in shown
