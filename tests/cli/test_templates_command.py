"""Templates: which there are, a copy to start from, and what they can use."""

import re

import pytest

from command_line import digest, digest_on_terminal, dump
from digest.render.context import context_fields
from week_of_news import EDITION
from workspaces import settings_text


def folder_of(site):
    return site.parent / "templates"


def edit(file, old, new):
    content = file.read_text(encoding="utf-8")
    assert old in content
    file.write_text(content.replace(old, new), encoding="utf-8")


def preview(site, part="--html"):
    answer = digest("preview", "--date", EDITION, part, "-", config=site)
    assert answer.code == 0, answer.err
    return answer.out


def copy(site, *words):
    answer = digest("templates", "copy", *words, config=site)
    assert answer.code == 0, answer.err
    return answer.out


def listed(site):
    return {row["name"]: row for row in digest("templates", "list", "--json", config=site).json}


def test_list_tells_what_each_is_and_who_uses_it(site):
    rows = listed(site)
    assert {"weekly", "compact", "sections"} <= set(rows)
    for row in rows.values():
        assert row["packaged"] is True
        assert row["own_files"] == []
        assert row["summary"]
        assert {"masthead", "stories", "footer"} <= set(row["blocks"])
    assert rows["weekly"]["newsletters"] == ["weekly"]
    assert rows["compact"]["newsletters"] == []
    words = digest("templates", "list", config=site).out
    assert all(row["summary"] in words for row in rows.values())


def test_list_fits_a_terminal(site):
    shown = digest_on_terminal("templates", "list", "--config", site, columns=80).out
    assert max(len(re.sub(r"\x1b\[\d*m", "", line)) for line in shown.splitlines()) <= 80


def test_a_copied_block_that_is_edited_shows_in_the_preview(week):
    """The way the page on templates tells: copy, edit, look."""
    assert copy(week, "weekly", "--block", "footer") == (
        "Wrote templates/weekly/digest.html\nWrote templates/weekly/digest.txt\n"
    )
    file = folder_of(week) / "weekly" / "digest.html"
    edit(file, "{% endblock %}", "<tr><td>독자 여러분께</td></tr>\n{% endblock %}")
    edit(file.with_name("digest.txt"), "{% endblock %}", "독자 여러분께\n{% endblock %}")
    assert "독자 여러분께" in preview(week)
    assert "독자 여러분께" in preview(week, "--text")
    assert listed(week)["weekly"]["own_files"] == ["weekly/digest.html", "weekly/digest.txt"]


def squeeze(text):
    return "".join(text.split())


@pytest.mark.parametrize("words", [("weekly", "evening"), ("weekly", "evening", "--block", "stories")])
def test_a_copy_under_another_name_is_a_template_of_its_own(week, words):
    before = squeeze(preview(week)), squeeze(preview(week, "--text"))
    assert 'set template = "evening" under [[newsletter]] in digest.toml' in copy(week, *words)
    week.write_text(settings_text({"template": "evening"}), encoding="utf-8")
    assert (squeeze(preview(week)), squeeze(preview(week, "--text"))) == before
    row = listed(week)["evening"]
    assert (row["packaged"], row["newsletters"]) == (False, ["weekly"])


def test_a_copy_takes_what_the_workspace_has_changed(week):
    copy(week, "weekly")
    edit(folder_of(week) / "weekly" / "style.css", "{", "{ color: #123456;")
    copy(week, "weekly", "evening")
    assert "#123456" in (folder_of(week) / "evening" / "style.css").read_text(encoding="utf-8")


def test_what_all_templates_share_can_be_copied_too(week):
    before = squeeze(preview(week))
    copy(week, "shared")
    assert squeeze(preview(week)) == before
    assert "shared/page.html" in listed(week)["compact"]["own_files"]


def test_nothing_is_overwritten(site):
    copy(site, "weekly", "--block", "footer")
    file = folder_of(site) / "weekly" / "digest.html"
    before = file.read_bytes()
    for words in (["weekly"], ["weekly", "--block", "masthead"]):
        answer = digest("templates", "copy", *words, config=site)
        assert (answer.code, answer.out) == (1, "")
        assert "templates/weekly/digest.html is there already; nothing was written" in answer.err
    assert file.read_bytes() == before
    assert [path.name for path in sorted(folder_of(site).rglob("*.*"))] == ["digest.html", "digest.txt"]


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["weakly"], "there is no template 'weakly'; available: "),
        (["weekly", "--block", "foter"], "template 'weekly' has no block 'foter'; it has: "),
        (["weekly", "../out"], "'../out' cannot name a template"),
        (["weekly", "packaged"], "'packaged' cannot name a template"),
        (["weekly", "shared"], "'shared' cannot name a template"),
        (["shared", "mine"], "copy it without a new one"),
    ],
)
def test_what_cannot_be_copied_is_one_line(site, words, reason):
    answer = digest("templates", "copy", *words, config=site)
    assert (answer.code, answer.out) == (1, "")
    assert reason in answer.err
    assert not folder_of(site).exists()


def test_context_gives_each_field_its_meaning_and_an_example_of_the_next_issue(week):
    rows = digest("templates", "context", "--date", EDITION, "--json", config=week).json
    assert [row["name"] for row in rows] == [field.path for field in context_fields()]
    examples = {row["name"]: row["example"] for row in rows}
    assert examples["lead.title"] == "다리 위 보행로가 넓어졌다"
    assert examples["articles[].title"] == "[단독] 항만 물동량 <최대>"
    assert examples["language"] == "ko"
    assert examples["links.unsubscribe"] == "(filled for each subscriber)"
    words = digest("templates", "context", "lead.title", "--date", EDITION, config=week).out
    assert "The headline." in words
    assert "다리 위 보행로가 넓어졌다" in words
    assert "articles[].title" not in words


def test_context_of_a_list_is_found_with_and_without_its_brackets(week):
    for name in ("articles[].image", "articles.image"):
        rows = digest("templates", "context", name, "--json", config=week).json
        assert rows[0]["name"] == "articles[].image"
        assert all(row["name"].startswith("articles[].image") for row in rows)


def test_context_writes_nothing_into_the_database(week):
    digest("templates", "context", config=week)  # the first one makes the key that signs links
    before = dump(week)
    assert digest("templates", "context", "--date", EDITION, config=week).code == 0
    assert dump(week) == before


def test_without_an_issue_the_fields_are_listed_without_examples(site):
    answer = digest("templates", "context", "--date", EDITION, config=site)
    assert answer.code == 0
    assert "lead.title" in answer.out
    assert answer.err == f"Note: no examples, as weekly {EDITION} has nothing to show yet\n"


def test_a_field_that_is_not_there_is_a_usage_error(site):
    answer = digest("templates", "context", "titel", config=site)
    assert (answer.code, answer.out) == (2, "")
    assert "no field begins with 'titel'" in answer.err
