"""Readers: one by one, and in whole files, out and in again without a loss."""

import csv
import io
import json
import re
import subprocess
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from command_line import COMMAND, digest, digest_on_terminal, dump, environment
from digest.address import normalise_address
from digest.audience import Wishes, make_profile
from digest.errors import AddressError
from digest.settings import load_settings
from digest.source.clean import clean_line
from workspaces import settings_text

LEFT = ("unsubscribed", "bounced", "complained")
MIXED = '''email,name,state,locale,timezone,newsletters,sections,consent_at
a@example.com,=1+1,,ko,Asia/Seoul,weekly;daily,society;economy,2024-05-01 09:00
b@example.com,"Kim, ""B""",unsubscribed,en,,weekly,,2024-05-02
c@example.com,-,bounced,,,daily,"[""생활/문화"", ""IT, 과학""]",
d@example.com,@home,complained,,,weekly,,
e@example.com,,pending,,,weekly,,
kim@한국.kr,+82 10,,,,,,
'''


@pytest.fixture
def two(workspace):
    """A workspace with two newsletters."""
    return workspace(settings_text({}, {"slug": "daily", "title": "매일"}))


def subscribers(site, *arguments):
    return digest("subscribers", *arguments, config=site)


def people(site):
    """Everyone as data, without the moments at which they were written down here."""
    rows = json.loads(subscribers(site, "export", "-", "--format", "json").out)
    return [{key: value for key, value in row.items() if key not in ("created_at", "left_at")} for row in rows]


def test_a_person_is_added_shown_changed_and_unsubscribed(two):
    added = subscribers(two, "add", "Kim@Example.COM", "--name", "김지우", "--locale", "ko")
    assert (added.code, added.out) == (0, "Kim@example.com: added\n")
    shown = subscribers(two, "show", "Kim@example.com", "--json").json
    assert (shown["name"], shown["state"], shown["newsletters"]) == ("김지우", "active", ["daily", "weekly"])
    assert (shown["consent_source"], shown["sections"]) == ("added by hand", [])
    changed = subscribers(two, "set", "Kim@example.com", "--locale", "en", "-n", "weekly", "--json").json
    assert (changed["name"], changed["locale"], changed["newsletters"]) == ("김지우", "en", ["weekly"])
    assert subscribers(two, "remove", "Kim@example.com").out == "Kim@example.com: unsubscribed\n"
    assert subscribers(two, "remove", "Kim@example.com").out == "Kim@example.com: was unsubscribed already\n"
    assert "state           unsubscribed\n" in subscribers(two, "show", "Kim@example.com").out


def test_sections_are_chosen_and_taken_back(week):
    subscribers(week, "set", "kim@example.com", "--section", "society", "--section", "economy")
    assert subscribers(week, "show", "kim@example.com", "--json").json["sections"] == ["economy", "society"]
    subscribers(week, "set", "kim@example.com", "--all-sections")
    assert subscribers(week, "show", "kim@example.com", "--json").json["sections"] == []


def test_a_section_without_articles_is_noted(week):
    answer = subscribers(week, "set", "kim@example.com", "--section", "socity")
    assert answer.code == 0
    assert answer.err == "Note: no article is of the section 'socity'; sections: economy, society, world\n"


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["a b@example.com"], "SPACE"),
        (['"a b"@example.com'], "quoting"),
        (["김@example.com"], "internationalized characters before the @-sign"),
        (["nobody"], "has no @"),
        (["a@localhost"], "period"),
        (["a@example.com", "-n", "weakly"], "did you mean 'weekly'?"),
        (["a@example.com", "--locale", "xx"], "available: en, ko"),
        (["a@example.com", "--timezone", "Seoul"], "such as Asia/Seoul"),
    ],
)
def test_what_cannot_be_used_is_refused_in_one_line(site, words, reason):
    before = dump(site)
    answer = subscribers(site, "add", *words)
    assert (answer.code, answer.out) == (1, "")
    assert answer.err.startswith("digest: ")
    assert reason in answer.err
    assert answer.err.count("\n") == 1
    assert dump(site) == before


def test_a_domain_in_hangul_is_kept_in_its_ascii_form(site):
    assert subscribers(site, "add", "kim@한국.kr").out == "kim@xn--3e0b707e.kr: added\n"
    assert subscribers(site, "show", "kim@한국.kr", "--json").json["address"] == "kim@xn--3e0b707e.kr"


@pytest.mark.parametrize("verb", ["show", "set", "remove"])
def test_a_person_who_is_not_there_is_one_line(site, verb):
    answer = subscribers(site, verb, "nobody@example.com")
    assert (answer.code, answer.err) == (1, "digest: no subscriber has the address nobody@example.com\n")


def test_a_forged_token_is_refused(site):
    answer = subscribers(site, "remove", "--token", "A" * 40)
    assert answer.code == 1
    assert answer.err == "digest: the token is of no unsubscribe link that this workspace has sent\n"


def test_a_token_is_no_address_and_an_address_no_token(two):
    """A publisher's unsubscribe page hands on what strangers type."""
    assert subscribers(two, "remove", "--token", "a@example.com").code == 1
    assert subscribers(two, "remove").code == 2
    assert subscribers(two, "remove", "a@example.com", "--token", "A" * 40).code == 2


def test_nobody_loses_a_newsletter_by_being_added_to_another(two, write):
    slugs = ["weekly", "daily"]
    subscribers(two, "add", "kim@example.com", "--newsletter", slugs[0])
    subscribers(two, "add", "kim@example.com", "--newsletter", slugs[1])
    assert subscribers(two, "show", "kim@example.com", "--json").json["newsletters"] == sorted(slugs)
    subscribers(two, "add", "lee@example.com", "--newsletter", slugs[0])
    subscribers(two, "import", write("m.csv", "email\nlee@example.com\n"), "--newsletter", slugs[1])
    assert subscribers(two, "show", "lee@example.com", "--json").json["newsletters"] == sorted(slugs)


def test_a_newsletter_a_person_gave_up_comes_back_only_by_resubscribe(two, write):
    slugs = ["weekly", "daily"]
    subscribers(two, "add", "kim@example.com", "--newsletter", slugs[0], "--newsletter", slugs[1])
    subscribers(two, "set", "kim@example.com", "--newsletter", slugs[0])
    file = write("m.csv", f"email,newsletters\nkim@example.com,{';'.join(slugs)}\n")
    subscribers(two, "import", file)
    subscribers(two, "import", write("n.csv", "email\nkim@example.com\n"), "--newsletter", slugs[1])
    assert subscribers(two, "show", "kim@example.com", "--json").json["newsletters"] == [slugs[0]]
    subscribers(two, "import", file, "--resubscribe")
    assert subscribers(two, "show", "kim@example.com", "--json").json["newsletters"] == sorted(slugs)


def test_the_token_of_an_unsubscribe_link_names_its_reader(week):
    text = digest("preview", "--date", "2026-03-02", "--as", "kim@example.com", "--text", "-", config=week).out
    token = re.search(r"unsubscribe\S*?([A-Za-z0-9_-]{30,})", text)[1]
    assert subscribers(week, "remove", "--token", token).out == "kim@example.com: unsubscribed\n"


def test_list_filters(two, write):
    subscribers(two, "import", write("m.csv", MIXED))
    listed = {
        options: [row["address"][0] for row in subscribers(two, "list", *options, "--json").json]
        for options in (
            (),
            ("--state", "bounced"),
            ("-n", "daily"),
            ("--locale", "ko"),
            ("--text", "KIM"),
            ("--limit", "2"),
        )
    }
    assert list(listed.values()) == [
        ["a", "b", "c", "d", "e", "k"],
        ["c"],
        ["a", "c", "k"],
        ["a"],
        ["b", "k"],
        ["a", "b"],
    ]
    assert subscribers(two, "list", "--limit", "2").out.endswith("2 subscribers, the first 2; --limit shows more\n")
    assert "daily (IT, 과학/생활/문화)" in subscribers(two, "list").out


def test_an_empty_list_is_said_in_words(site):
    assert subscribers(site, "list").out == "0 subscribers\n"


def test_addresses_stay_in_one_piece_at_80_columns(week):
    subscribers(week, "add", "a.rather.long.name@newsroom.example.com", "--section", "society", "--section", "economy")
    shown = digest_on_terminal("subscribers", "list", "--config", week).out
    assert "a.rather.long.name@newsroom.example.com" in shown


def test_stats_count_by_state(two, write):
    subscribers(two, "import", write("m.csv", MIXED))
    subscribers(two, "remove", "a@example.com", "--suppress")
    counts = {"pending": 1, "active": 1, "unsubscribed": 2, "bounced": 1, "complained": 1}
    told = subscribers(two, "stats", "--json").json
    assert {name: told[name] for name in told if name != "weeks"} == {"total": 6, **counts, "suppressed": 1}
    assert "1 address is suppressed\n" in subscribers(two, "stats").out
    assert subscribers(two, "stats", "-n", "daily", "--json").json["total"] == 3


def test_import_reports_added_updated_unchanged_and_refused(week, write):
    rows = """address,name,locale
kim@example.com,김지우,ko
lee@example.com,새 이름,
new@example.com,,
new@example.com,,
bad,,
x@example.com,,xx
"""
    file = write("m.csv", rows)
    answer = subscribers(week, "import", file)
    assert answer.out == "1 added, 1 updated, 2 unchanged, 2 refused\n"
    assert answer.err.splitlines()[0] == f"{file}: line 6, column address: 'bad' has no @"
    assert answer.err.splitlines()[1].startswith(f"{file}: line 7: there is no locale 'xx'")
    again = subscribers(week, "import", file, "--json").json
    assert [again[word] for word in ("rows", "added", "updated", "unchanged", "kept")] == [6, 0, 0, 4, True]
    assert again["refused"][0] == {"line": 6, "reason": "'bad' has no @"}


@pytest.mark.parametrize(
    ("row", "column", "reason"),
    [
        ("a@example.com,nope,,", "state", "expected one of pending, active"),
        ("a@example.com,,weakly,", "", "did you mean 'weekly'?"),
        ("a@example.com,,,[bad", "sections", "is no list of texts"),
        ('a@example.com,,,"{""a"": 1}"', "sections", "is no list of texts"),
        (",,,", "address", "has no @"),
        ("a@example.com", "", "has 1 cells where the header has 4"),
    ],
)
def test_a_bad_row_is_refused_with_line_and_reason_and_the_others_are_kept(site, write, row, column, reason):
    file = write("m.csv", f"email,state,newsletters,sections\ngood@example.com,,,\n{row}\nfine@example.com,,,\n")
    answer = subscribers(site, "import", file)
    assert (answer.code, answer.out) == (0, "2 added, 0 updated, 0 unchanged, 1 refused\n")
    named = {"address": "email"}.get(column, column)
    assert answer.err.startswith(f"{file}: line 3, column {named}: " if column else f"{file}: line 3: ")
    assert reason in answer.err


def test_refused_rows_go_into_a_file_with_their_reasons(site, write, tmp_path):
    report = tmp_path / "refused.csv"
    subscribers(site, "import", write("m.csv", "email,name\nbad,김\n"), "--report", report)
    rows = list(csv.DictReader(io.StringIO(report.read_text(encoding="utf-8-sig"))))
    assert rows == [{"line": "2", "column": "email", "reason": "'bad' has no @", "email": "bad", "name": "김"}]


def test_a_dry_run_of_an_import_keeps_nothing(site, write):
    digest("subscribers", "stats", config=site)
    before = subscribers(site, "export").out
    answer = subscribers(site, "import", write("m.csv", "email\na@example.com\n"), "--dry-run")
    assert answer.out == "1 added, 0 updated, 0 unchanged, 0 refused (dry run: nothing was kept)\n"
    assert subscribers(site, "export").out == before


@pytest.mark.parametrize(
    ("name", "content", "options"),
    [
        ("m.csv", "이메일,이름\nkim@example.com,김지우\n".encode("cp949"), ("--encoding", "cp949")),
        ("m.tsv", "이메일\t이름\nkim@example.com\t김지우\n", ()),
        ("m.ndjson", '{"이메일": "kim@example.com", "이름": "김지우"}\n', ()),
        ("m.json", '[{"이메일": "kim@example.com", "이름": "김지우"}]', ()),
        ("members", "이메일,이름\nkim@example.com,김지우\n", ("--format", "csv")),
    ],
)
def test_columns_formats_and_encodings_are_as_for_articles(site, write, name, content, options):
    words = ("--map", "address=이메일", "--map", "name=이름", *options)
    assert subscribers(site, "import", write(name, content), *words).code == 0
    assert subscribers(site, "show", "kim@example.com", "--json").json["name"] == "김지우"


def test_a_file_without_addresses_keeps_nothing(site, write):
    answer = subscribers(site, "import", write("m.csv", "mail,name\na@example.com,A\n"))
    assert answer.code == 1
    assert "no column is called address or email; found mail, name" in answer.err
    assert people(site) == []


def test_where_and_when_somebody_agreed_is_recorded(site, write):
    rows = "email,consent_source,consent_at\na@example.com,fair 2024,2024-05-01 09:00\nb@example.com,,\n"
    file = write("members.csv", rows)
    subscribers(site, "import", file)
    fair, plain = people(site)
    assert (fair["consent_source"], fair["consent_at"]) == ("fair 2024", "2024-05-01T00:00:00+00:00")
    assert plain["consent_source"] == "import of members.csv"
    assert plain["consent_at"]


def test_a_newsletter_that_somebody_gave_up_is_not_brought_back_by_a_row_that_names_none(two, write):
    subscribers(two, "add", "a@example.com", "-n", "weekly")
    file = write("m.csv", "email,name\na@example.com,A\nb@example.com,B\n")
    assert subscribers(two, "import", file).out == "1 added, 1 updated, 0 unchanged, 0 refused\n"
    assert subscribers(two, "add", "a@example.com", "--name", "A2").out == "a@example.com: updated\n"
    assert [row["newsletters"] for row in people(two)] == [["weekly"], ["daily", "weekly"]]


def test_new_people_get_the_newsletters_an_import_names(two, write):
    subscribers(
        two, "import", write("m.csv", "email,newsletters\na@example.com,\nb@example.com,weekly\n"), "-n", "daily"
    )
    assert [row["newsletters"] for row in people(two)] == [["daily"], ["weekly"]]
    answer = subscribers(two, "import", write("m.csv", "email\nc@example.com\n"), "-n", "dayly")
    assert (answer.code, answer.err.count("\n")) == (1, 1)
    assert "did you mean 'daily'?" in answer.err


@pytest.mark.parametrize("state", ["", "active", "pending"])
@pytest.mark.parametrize("left", [*LEFT, "suppressed"])
def test_whoever_left_is_never_brought_back_unless_resubscribe_says_so(site, write, left, state):
    subscribers(site, "import", write("gone.csv", f"email,state\na@example.com,{left if left in LEFT else ''}\n"))
    if left == "suppressed":
        subscribers(site, "remove", "a@example.com", "--suppress")
    before = subscribers(site, "export").out
    file = write("back.csv", f"email,name,state\na@example.com,New,{state}\n")
    answer = subscribers(site, "import", file)
    assert answer.out == "0 added, 0 updated, 0 unchanged, 1 refused\n"
    assert f"is {left}" in answer.err
    assert "--resubscribe" in answer.err
    assert subscribers(site, "export").out == before
    assert subscribers(site, "add", "a@example.com").code == 1
    assert subscribers(site, "import", file, "--resubscribe").out.startswith("0 added, 1 updated")
    assert subscribers(site, "show", "a@example.com", "--json").json["state"] == (state or "active")


def test_a_suppressed_address_is_not_added_as_new(two):
    subscribers(two, "add", "a@example.com")
    subscribers(two, "remove", "a@example.com", "--suppress")
    assert "suppressed" in subscribers(two, "add", "a@example.com").err


@pytest.mark.parametrize("name", ["out.csv", "out.json"])
def test_what_is_exported_imports_elsewhere_as_it_was(two, workspace, write, tmp_path, name):
    subscribers(two, "import", write("m.csv", MIXED))
    file = tmp_path / name
    assert subscribers(two, "export", file).err == f"Wrote 6 subscribers to {file}\n"
    fresh = workspace(settings_text({}, {"slug": "daily", "title": "매일"}), folder="fresh")
    assert subscribers(fresh, "import", file).out == "6 added, 0 updated, 0 unchanged, 0 refused\n"
    assert people(fresh) == people(two)
    unchanged = subscribers(two, "import", file)
    assert (unchanged.out.split(",")[0], unchanged.err) == ("0 added", "")


def test_an_export_to_stdout_is_clean_and_filtered(two, write):
    subscribers(two, "import", write("m.csv", MIXED))
    rows = list(csv.DictReader(io.StringIO(subscribers(two, "export", "--state", "active").out)))
    assert [row["address"] for row in rows] == ["a@example.com", "kim@xn--3e0b707e.kr"]


def test_spreadsheets_run_no_cell_of_an_export(two, write):
    subscribers(two, "import", write("m.csv", MIXED))
    for row in csv.reader(io.StringIO(subscribers(two, "export").out)):
        assert not any(cell.startswith(("=", "+", "-", "@", "\t", "\r")) for cell in row)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(name=st.text(st.characters(codec="utf-8"), max_size=20), section=st.text(min_size=1, max_size=12))
def test_any_name_and_section_survive_the_way_out_and_in(two, tmp_path, name, section):
    section = clean_line(section) or "x"
    file, back = tmp_path / "in.json", tmp_path / "out.csv"
    row = {"address": "a@example.com", "name": f"'{name}", "sections": [section]}
    file.write_text(json.dumps([row]), encoding="utf-8")
    assert subscribers(two, "import", file, "--resubscribe").code == 0
    before = people(two)
    subscribers(two, "export", back)
    assert subscribers(two, "import", back).out == "0 added, 0 updated, 1 unchanged, 0 refused\n"
    assert people(two) == before


LOCAL = st.from_regex(r"[A-Za-z0-9_.+!=-]{1,70}", fullmatch=True)
DOMAIN = st.from_regex(r"[A-Za-z0-9.-]{1,60}\.(com|kr|한국)", fullmatch=True)


@given(local=LOCAL, domain=DOMAIN)
@example(local="a" * 64, domain="b" * 60 + ".com")
@example(local="a" * 65, domain="example.com")
@example(local="a" * 64, domain=".".join(["b" * 60] * 4) + ".com")
def test_the_quick_way_to_an_address_leads_where_the_thorough_one_does(settings_of_a_site, local, domain):
    def outcome(function):
        try:
            return function()
        except AddressError as error:
            return str(error)

    address = f"{local}@{domain}"
    profile = outcome(lambda: make_profile(Wishes(address=address), settings_of_a_site, locales=Path()).address)
    assert profile == outcome(lambda: normalise_address(address))


@pytest.fixture(scope="module")
def settings_of_a_site(tmp_path_factory):
    file = tmp_path_factory.mktemp("site") / "digest.toml"
    file.write_text(settings_text(), encoding="utf-8")
    return load_settings(file)


def many(write, rows):
    lines = (f"user{n}@mail{n % 300}.co.kr,홍길동{n},{'economy' if n % 5 else ''}\n" for n in range(rows))
    return write("many.csv", "email,name,sections\n" + "".join(lines))


@pytest.mark.slow
def test_100_000_people_are_imported_in_under_10_seconds(site, write):
    """On one core with nothing beside it: 4 s. Processor time is compared, as other tests may run at the same time."""
    file = many(write, 100_000)
    began = time.process_time()
    assert subscribers(site, "import", file).out == "100,000 added, 0 updated, 0 unchanged, 0 refused\n"
    assert time.process_time() - began < 10


def test_long_work_shows_a_bar_on_a_terminal_and_lines_elsewhere(site, write):
    file = many(write, 3000)
    shown = digest_on_terminal("subscribers", "import", file, "--dry-run", "--config", site).out
    assert "many.csv" in shown
    assert re.search(r"[\d,]+ rows 0:00:", re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown))
    done = subprocess.run(
        [*COMMAND, "--config", site, "subscribers", "import", file, "--dry-run"],
        env=environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    assert "\x1b" not in done.stdout + done.stderr
