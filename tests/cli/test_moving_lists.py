"""Moving in from another system and out again, as an operator does it."""

import csv
import io
import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
import zipfile

import pytest

from command_line import COMMAND, digest, dump, environment
from workspaces import settings_text

HEADER = "Email Address,First Name,Last Name,OPTIN_TIME,CONFIRM_TIME"
AGREED = "2024-05-01 09:00:00,2024-05-01 09:05:00"
MAILCHIMP = {
    "subscribed_members_export_1.csv": f"{HEADER},TAGS\n"
    f'kim@example.com,지우,김,{AGREED},"""vip"""\n'
    f"lee@example.com,=1+1,,{AGREED},\n"
    f"bad,,,{AGREED},\n",
    "unsubscribed_members_export_1.csv": f"{HEADER},UNSUB_TIME,UNSUB_REASON\n"
    f"gone@example.com,,,{AGREED},2025-01-01 00:00:00,N/A\n"
    f"angry@example.com,,,{AGREED},2025-01-01 00:00:00,ABUSE\n",
    "cleaned_members_export_1.csv": f"{HEADER},CLEAN_TIME\ndead@example.com,,,{AGREED},2025-01-01 00:00:00\n",
    "nonsubscribed_members_export_1.csv": f"{HEADER}\nshopper@example.com,=2+2,,,\n",
}


@pytest.fixture
def two(workspace):
    """A workspace with two newsletters."""
    return workspace(settings_text({}, {"slug": "daily", "title": "매일"}))


@pytest.fixture
def archive(tmp_path):
    path = tmp_path / "audience_export_1.zip"
    with zipfile.ZipFile(path, "w") as packed:
        for name, content in MAILCHIMP.items():
            packed.writestr(name, content)
    return path


def subscribers(site, *arguments):
    return digest("subscribers", *arguments, config=site)


def states(site):
    rows = json.loads(subscribers(site, "export", "-", "--format", "json").out)
    return {row["address"].partition("@")[0]: row["state"] for row in rows}


def test_the_archive_of_mailchimp_is_imported_as_it_comes(two, archive):
    answer = subscribers(two, "import", archive)
    assert answer.out.splitlines() == [
        "Read as an export of Mailchimp",
        (
            "Not to be mailed: 1 cleaned (kept as bounced), 1 nonsubscribed (left out), 1 unsubscribed, "
            "1 unsubscribed for abuse (kept as complained)"
        ),
        "5 added, 0 updated, 0 unchanged, 1 left out, 1 refused",
    ]
    assert answer.err == f"{archive}/subscribed_members_export_1.csv: line 4, column Email Address: 'bad' has no @\n"
    assert states(two) == {
        "kim": "active",
        "lee": "active",
        "gone": "unsubscribed",
        "angry": "complained",
        "dead": "bounced",
    }
    rows = json.loads(subscribers(two, "export", "-", "--format", "json").out)
    kim = next(row for row in rows if row["address"] == "kim@example.com")
    assert (kim["name"], kim["tags"], kim["newsletters"]) == ("김지우", ["vip"], ["daily", "weekly"])
    assert kim["consent_source"] == "import of audience_export_1.zip (Mailchimp)"
    assert kim["consent_at"] == "2024-05-01T09:05:00+00:00"


def test_the_report_as_data_counts_every_row(two, archive):
    told = subscribers(two, "import", archive, "--dry-run", "--json").json
    assert {name: told[name] for name in ("rows", "shapes", "added", "left_out", "stay_pending", "kept")} == {
        "rows": 7,
        "shapes": ["mailchimp"],
        "added": 5,
        "left_out": 1,
        "stay_pending": 0,
        "kept": False,
    }
    assert told["statuses"][:2] == [
        {"status": "cleaned", "kept_as": "bounced", "rows": 1},
        {"status": "nonsubscribed", "kept_as": None, "rows": 1},
    ]
    assert told["refused"] == [{"line": 4, "reason": "'bad' has no @"}]
    assert states(two) == {}


def test_the_archive_again_changes_nothing_and_no_later_list_brings_anybody_back(two, archive, write):
    subscribers(two, "import", archive)
    before = dump(two)
    assert subscribers(two, "import", archive).out.splitlines()[-1] == (
        "0 added, 0 updated, 5 unchanged, 1 left out, 1 refused"
    )
    back = "email\n" + "".join(f"{name}@example.com\n" for name in ("gone", "angry", "dead"))
    assert subscribers(two, "import", write("back.csv", back)).out == "0 added, 0 updated, 0 unchanged, 3 refused\n"
    assert dump(two) == before


@pytest.mark.parametrize("options", [(), ("--dry-run",)])
def test_rows_not_taken_go_into_a_file_with_file_line_reason_and_their_cells(two, archive, tmp_path, write, options):
    report = tmp_path / "left.csv"
    subscribers(two, "import", write("gone.csv", "email,state\nlee@example.com,unsubscribed\n"))
    subscribers(two, "import", archive, "--report", report, *options)
    rows = list(csv.DictReader(io.StringIO(report.read_text(encoding="utf-8-sig"))))
    told = [(row["file"].partition("_")[0], row["line"], row["Email Address"], row["First Name"]) for row in rows]
    assert told == [
        ("nonsubscribed", "2", "shopper@example.com", "'=2+2"),
        ("subscribed", "4", "bad", ""),
        ("subscribed", "3", "lee@example.com", "'=1+1"),
    ]
    assert [row["reason"].partition(" on ")[0] for row in rows] == [
        "left out: nonsubscribed",
        "'bad' has no @",
        "lee@example.com is unsubscribed",
    ]


def test_no_list_makes_a_reader_of_somebody_who_has_still_to_confirm(two, write):
    subscribers(two, "import", write("asked.csv", "email,state\na@example.com,pending\n"))
    answer = subscribers(two, "import", write("a.csv", "email,name\na@example.com,A\n"))
    assert answer.out.splitlines() == [
        "1 row is of a person who has not confirmed yet: they stay pending; --resubscribe makes them readers",
        "0 added, 1 updated, 0 unchanged, 0 refused",
    ]
    assert states(two) == {"a": "pending"}
    subscribers(two, "import", write("a.csv", "email\na@example.com\n"), "--resubscribe")
    assert states(two) == {"a": "active"}


def test_the_state_of_a_whole_file_can_be_said(two, write):
    file = write("수신거부.csv", "이메일 주소,이름,추가 경로,구독일\na@example.com,김지우,구독 폼,2024.05.01\n")
    refused = subscribers(two, "import", file)
    assert (refused.code, states(two)) == (1, {})
    assert "--state unsubscribed for 수신거부" in refused.err
    subscribers(two, "import", file, "--state", "unsubscribed")
    assert states(two) == {"a": "unsubscribed"}


def test_a_column_that_is_none_of_ours_cannot_be_mapped(two, write):
    answer = subscribers(two, "import", write("a.csv", "email\na@example.com\n"), "--map", "adress=email")
    assert answer.code == 1
    assert "adress is none of our columns" in answer.err


def test_an_audience_goes_out_as_mailchimp_keeps_it(two, archive, tmp_path):
    subscribers(two, "import", archive)
    out = tmp_path / "out.zip"
    assert subscribers(two, "export", out, "--shape", "mailchimp").err == f"Wrote 5 subscribers to {out}\n"
    with zipfile.ZipFile(out) as packed:
        lists = {
            name.partition("_")[0]: [
                row["Email Address"] for row in csv.DictReader(io.StringIO(packed.read(name).decode()))
            ]
            for name in packed.namelist()
        }
    assert lists == {
        "subscribed": ["kim@example.com", "lee@example.com"],
        "unsubscribed": ["gone@example.com", "angry@example.com"],
        "cleaned": ["dead@example.com"],
    }


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("out.csv", "--shape", "mailchimp"), "Mailchimp has a file for each state"),
        (("--shape", "mailchimp"), "Mailchimp has a file for each state"),
        (("out.zip", "--shape", "ghost"), "only the shape of Mailchimp is a zip file"),
        (("-", "--shape", "mailchimp", "--format", "zip"), "that needs a name"),
        (("out.json", "--shape", "ghost"), "JSON is in our own shape"),
    ],
)
def test_exports_that_a_system_does_not_have_are_refused(two, tmp_path, monkeypatch, words, reason):
    monkeypatch.chdir(tmp_path)
    answer = subscribers(two, "export", *words)
    assert answer.code == 2
    assert reason in answer.err
    assert not list(tmp_path.glob("out.*"))


def test_who_has_not_confirmed_is_left_out_of_other_shapes_and_counted(two, write, tmp_path):
    subscribers(two, "import", write("a.csv", "email,state\na@example.com,pending\nb@example.com,\n"))
    answer = subscribers(two, "export", tmp_path / "out.csv", "--shape", "ghost")
    assert answer.err.splitlines()[1] == "Left out: 1 subscriber not confirmed yet"
    assert [row.split(",")[1] for row in (tmp_path / "out.csv").read_text("utf-8").splitlines()[1:]] == [
        "b@example.com"
    ]


def test_spreadsheets_run_no_cell_of_any_shape(two, write):
    rows = "email,name,tags,state\n" + "".join(
        f"{state}@example.com,=1+1,@SUM;+1,{state}\n" for state in ("active", "unsubscribed", "bounced")
    )
    subscribers(two, "import", write("a.csv", rows))
    for shape in ("digest", "mailchimp", "substack", "ghost", "listmonk", "stibee"):
        for row in csv.reader(io.StringIO(subscribers(two, "export", "--shape", shape, "--state", "active").out)):
            assert not any(cell.startswith(("=", "+", "-", "@", "\t", "\r")) for cell in row)


KILLED_WHILE_WRITING = """
import os, signal
signal.signal(signal.SIGINT, signal.default_int_handler)  # what runs in the background inherits that it is ignored
from digest.audience.importing import _Intake
from digest.cli.main import cli
_Intake.refuse_person = lambda *_: os.kill(os.getpid(), signal.{signal})
cli()
"""


@pytest.mark.parametrize("how", ["SIGKILL", "SIGINT"])
def test_an_import_that_is_stopped_while_it_writes_has_kept_nothing(two, write, how):
    """The second row of one address is refused when the first of all have been written."""
    subscribers(two, "add", "before@example.com")
    rows = "".join(f"a{n}@example.com,\n" for n in range(3000))
    file = write("a.csv", f"email,state\nx@example.com,unsubscribed\n{rows}x@example.com,active\n")
    before = dump(two)
    program = (sys.executable, "-c", KILLED_WHILE_WRITING.format(signal=how))
    done = subprocess.run(
        [*program, "--config", two, "subscribers", "import", file],
        env=environment(),
        capture_output=True,
        check=False,
    )
    assert done.returncode != 0
    assert dump(two) == before
    assert subscribers(two, "import", file).out.startswith("3,001 added")


@pytest.mark.slow
def test_an_import_that_is_killed_at_any_moment_has_kept_all_or_nothing(two, write):
    rows = 60_000
    file = write("a.csv", "email,name\n" + "".join(f"a{n}@mail{n % 400}.co.kr,김{n}\n" for n in range(rows)))
    command = [*COMMAND, "--config", two, "subscribers", "import", file]
    began = time.monotonic()
    subprocess.run([*command, "--dry-run"], env=environment(), check=True, capture_output=True)
    whole = time.monotonic() - began
    kept = set()
    for part in range(12):
        process = subprocess.Popen(command, env=environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(whole * (0.3 + part * 0.06))
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        with sqlite3.connect(two.with_name("digest.db")) as connection:
            kept.add(connection.execute("SELECT count(*) FROM subscriber").fetchone()[0])
            assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        connection.close()
    assert kept <= {0, rows}
    assert 0 in kept


@pytest.mark.slow
def test_a_million_rows_need_less_than_a_minute_and_200_megabytes(two, write):
    """`benchmarks/importing.py` measures it; here processor time is compared, as other tests may run."""
    rows = "".join(f"user{n * 7919 % 1_000_003}@mail{n % 40_000}.co.kr,홍길동{n}\n" for n in range(1_000_000))
    file = write("a.csv", f"email,name\n{rows}")
    for outcome in ("1,000,000 added", "1,000,000 unchanged"):
        program = (
            "import resource, sys; from digest.cli.main import cli\n"
            "try: cli()\n"
            "finally: print(resource.getrusage(resource.RUSAGE_SELF).ru_utime, "
            "next(line.split()[1] for line in open('/proc/self/status') if 'VmHWM' in line))"
        )
        done = subprocess.run(
            [sys.executable, "-c", program, "--config", two, "subscribers", "import", file],
            env=environment(),
            capture_output=True,
            text=True,
            check=True,
        )
        counts, costs = done.stdout.splitlines()
        assert outcome in counts
        seconds, kilobytes = costs.split()
        assert float(seconds) < 60
        assert int(kilobytes) * 1024 < 200_000_000
