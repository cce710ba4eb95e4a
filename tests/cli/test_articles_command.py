"""The editor's commands: rank, list, show, pin, exclude."""

import re

import pytest

from command_line import digest, digest_on_terminal
from digest.render.width import display_width
from week_of_news import EDITION

COLOUR = re.compile(r"\x1b\[[0-9;]*m")


def top(site, *options):
    return [row["id"] for row in digest("articles", "top", "--date", EDITION, "--json", *options, config=site).json]


def test_top_prints_the_pure_ranking_as_objects(week):
    rows = digest("articles", "top", "--date", EDITION, "--json", config=week).json
    assert rows[0] == {
        "rank": 1,
        "id": "007",
        "title": "다리 위 보행로가 넓어졌다",
        "section": "society",
        "views": 1000,
        "published_at": "2026-02-24T09:00:00+09:00",
    }
    assert [row["rank"] for row in rows] == [1, 2, 3, 4, 5]
    assert [row["views"] for row in rows] == sorted((row["views"] for row in rows), reverse=True)


def test_an_id_keeps_its_zeros(week):
    assert digest("articles", "show", "007", "--json", config=week).json["id"] == "007"
    assert digest("articles", "show", "7", config=week).code == 1


def test_json_is_utf_8_as_it_is_read(week):
    assert "도서관이" in digest("articles", "top", "--date", EDITION, "--json", config=week).out


def test_a_section_is_named_by_key_or_by_its_readers_name(week):
    assert top(week, "--section", "society") == top(week, "--section", "사회") == ["007", "010"]


def test_articles_without_a_section_can_be_asked_for(week):
    assert top(week, "--section", "(none)") == top(week, "--section", "") == ["011"]


def test_an_unknown_section_is_told_with_the_known_ones(week):
    answer = digest("articles", "top", "--section", "sports", config=week)
    assert answer.code == 1
    assert answer.err == ("digest: no article is of the section 'sports'; sections: (none), economy, society, world\n")


def test_limit_and_candidates_are_obeyed(week):
    assert len(top(week, "--limit", "2")) == 2
    day_after = digest("articles", "top", "--date", "2026-03-04", "--json", config=week).json
    viewed = digest("articles", "top", "--date", "2026-03-04", "--candidates", "viewed", "--json", config=week).json
    assert "007" not in {row["id"] for row in day_after}
    assert {"id": "007", "views": 900} in [{"id": row["id"], "views": row["views"]} for row in viewed]


def test_a_week_without_articles_leads_to_one_that_has_some(week):
    answer = digest("articles", "top", "--date", "2020-01-06", config=week)
    assert answer.code == 0
    assert answer.out == (
        "0 articles published from 2019-12-30 00:00 to 2020-01-06 00:00 (Asia/Seoul)\n"
        "The newest article is of 2026-02-28; choose another --date\n"
    )


def test_an_empty_workspace_says_how_to_fill_it(site):
    for words in (["articles", "top"], ["articles", "list"]):
        assert "`digest articles import FILE` brings some" in digest(*words, config=site).out


def test_list_is_newest_first_and_filters(week):
    newest = digest("articles", "list", "--json", config=week).json
    assert [row["id"] for row in newest] == ["011", "010", "009", "008", "007"]
    assert [row["id"] for row in digest("articles", "list", "--text", "도서관", "--json", config=week).json] == ["010"]
    assert "1 of 5 articles" in digest("articles", "list", "--limit", "1", config=week).out


def test_show_tells_all_that_is_known(week):
    words = digest("articles", "show", "008", config=week).out
    assert "[단독] 항만 물동량 <최대>" in words
    assert "2026-02-25T10:30:00+09:00" in words


def test_an_article_that_is_not_there_is_one_line(week):
    for verb in ("show", "pin", "exclude"):
        answer = digest("articles", verb, "999", config=week)
        assert (answer.code, answer.out) == (1, "")
        assert answer.err == "digest: no article has the id '999'; `digest articles list --text …` finds ids\n"


def shown(site):
    return [row["id"] for row in digest("preview", "--date", EDITION, "--json", config=site).json["shown"]]


def test_pins_come_first_in_their_order_and_can_be_taken_back(week):
    assert shown(week) == ["007", "008", "009", "010", "011"]
    assert digest("articles", "pin", "011", config=week).out == "Pinned in weekly: 이름 없는 꽃\n"
    digest("articles", "pin", "010", config=week)
    assert shown(week)[:2] == ["011", "010"]
    digest("articles", "pin", "010", "--position", "1", config=week)
    assert shown(week)[:2] == ["010", "011"]
    assert digest("articles", "unpin", "011", config=week).out == "011 is no longer pinned in weekly\n"
    assert digest("articles", "unpin", "011", config=week).out == "011 was not pinned in weekly\n"
    assert shown(week)[0] == "010"


def test_an_exclusion_keeps_an_article_out_until_it_is_taken_back(week):
    digest("articles", "exclude", "007", config=week)
    assert "007" not in shown(week)
    assert digest("articles", "include", "007", config=week).out == "007 is no longer excluded in weekly\n"
    assert "007" in shown(week)


@pytest.mark.parametrize("columns", [60, pytest.param(80, marks=pytest.mark.slow), 120])
def test_a_table_fits_the_terminal_and_hangul_stays_in_line(week, columns):
    answer = digest_on_terminal("articles", "top", "--date", EDITION, "--config", week, columns=columns)
    lines = [COLOUR.sub("", line) for line in answer.out.splitlines()]
    table = lines[: lines.index("")]
    assert max(map(display_width, table)) <= columns
    first_lines = [
        next(line for line in table if re.search(rf"\b{word}\b", line)) for word in ("id", "007", "008", "009")
    ]
    place = {display_width(re.split(r"\b(?:id|00[7-9])\b", line)[0]) for line in first_lines}
    assert len(place) == 1


def test_a_pipe_gets_a_line_a_row_without_spaces_at_its_end(week):
    lines = digest("articles", "top", "--date", EDITION, config=week).out.splitlines()
    assert len(lines) == 1 + 5 + 2
    assert all(line == line.rstrip() for line in lines)
    assert lines[2].endswith("[단독] 항만 물동량 <최대>")
