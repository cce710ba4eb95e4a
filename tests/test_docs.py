"""The documentation says what the program does: commands, settings, links, files, figures, sessions."""

import doctest
import os
import re
import runpy
import shlex
import shutil
import signal
import sqlite3
import subprocess
import sys
import tomllib
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import click
import pytest

from digest.check.size import CLIP_BYTES
from digest.cli.images import IMPORT_SECONDS
from digest.cli.main import cli
from digest.deliver.journal import RESULT_SECONDS
from digest.deliver.retry import FIRST_DELAY, JITTER, MAX_DELAY
from digest.illustrate import BROKEN_FOR, GOOD_FOR
from digest.mail.links import _MAC_BYTES, Purpose, SignedLink, sign_link
from digest.model import CountKind, DeliveryState, IssueState, ReasonCode, SubscriberState
from digest.rank.score import BASE_MAX_AGE
from digest.rank.window import DEFAULT_DAYS, whole_days_before
from digest.render.inbox import SUBJECT_COLUMNS
from digest.render.templates import TEXT_COLUMNS
from digest.replies.printable import WORDS_LIMIT
from digest.service import IMAGES_MINUTES, MAX_CLOCK_DRIFT, TICK_SECONDS
from digest.settings import load_settings
from digest.source.database import _BUSY_SECONDS, read_publisher
from digest.source.image_size import READ_AT_MOST
from digest.source.image_size import SECONDS as IMAGE_SECONDS
from digest.store.leases import LEASE_SECONDS
from digest.store.secrets import KEY_BYTES
from digest.tick import RETRY_AFTER_FAILURE
from digest.trim import BUDGET
from digest.web.public.guard import LARGEST_BODY, LARGEST_HOOK
from digest.web.public.slow import LARGEST_HEAD

ROOT = Path(__file__).parents[1]
GENERATOR = runpy.run_path(str(ROOT / "docs" / "generate.py"))
GENERATED = GENERATOR["pages"]()
PAGES = {
    page.relative_to(ROOT).as_posix(): page.read_text("utf-8") for page in [ROOT / "README.md", *ROOT.glob("docs/*.md")]
}
BY_HAND = {name: text for name, text in PAGES.items() if Path(name).name not in GENERATED}
COMMANDS = [(" ".join(path), command) for path, command in GENERATOR["commands"]()]
FENCE = re.compile(r"^( *)```(\w*)\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
LARGEST_PICTURE = 350_000


def blocks(text: str, *languages: str) -> list[str]:
    return [match[3] for match in FENCE.finditer(text) if match[2] in languages]


def prose(text: str) -> str:
    return FENCE.sub("", text)


def each(mapping):
    return pytest.mark.parametrize(("name", "text"), mapping.items(), ids=list(mapping))


# Generated pages


@each(GENERATED)
def test_a_generated_page_is_up_to_date(name, text):
    """`make docs` writes them; nobody edits them."""
    assert (ROOT / "docs" / name).read_text("utf-8") == text, "run `make docs`"


@pytest.mark.parametrize("command", [name for name, command in COMMANDS if not isinstance(command, click.Group)])
def test_every_command_is_shown_on_a_page_written_by_hand(command):
    assert any(re.search(rf"{command}\b", text) for text in BY_HAND.values())


@pytest.mark.parametrize("title", [title for title, _ in GENERATOR["TABLES"]])
def test_every_setting_has_a_meaning(title):
    table = dict(GENERATOR["TABLES"])[title]
    assert not [name for name, field in table.model_fields.items() if not field.description]


# What the pages refer to


def anchors(text: str) -> set[str]:
    """The fragments GitHub gives to the headings of a page."""
    headings = re.findall(r"^#+ (.+)$", prose(text), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@each(PAGES)
def test_links_and_anchors_resolve(name, text):
    for target in re.findall(r"(?:\]\(|<img src=\")([^)\s\"]+)", prose(text)):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        file = (ROOT / name).parent / path if path else ROOT / name
        assert file.exists(), target
        if anchor:
            assert anchor in anchors(file.read_text("utf-8")), target


@each(BY_HAND)
def test_every_file_that_is_named_exists(name, text):
    """A path of this project in backticks is a file or folder of it; a constant "in" a file stands there."""
    for path in re.findall(r"`((?:digest|templates|docs|tests|benchmarks)/[\w./-]*)`", prose(text)):
        assert (ROOT / path).exists(), path
    for constant, path in re.findall(r"`([A-Z_]{4,})`\s+in\s+`([\w./]+)`", prose(text)):
        assert re.search(rf"^{constant}\b", (ROOT / path).read_text("utf-8"), re.MULTILINE), constant


def test_the_index_lists_every_page():
    pages = {Path(name).name for name in PAGES} - {"README.md", "index.md"}
    assert pages <= set(re.findall(r"\]\((\S+?\.md)\)", PAGES["docs/index.md"]))


def test_every_picture_is_shown_in_words_too_and_small():
    shown = {name for text in PAGES.values() for name in re.findall(r'images/([\w.-]+)" width="\d+" alt="[^"]+"', text)}
    pictures = list(ROOT.glob("docs/images/*"))
    assert {picture.name for picture in pictures} == shown
    assert all(picture.stat().st_size <= LARGEST_PICTURE for picture in pictures)


@pytest.mark.parametrize(
    ("page", "words"),
    [
        ("docs/sending.md", DeliveryState),
        ("docs/sending.md", IssueState),
        ("docs/subscribers.md", SubscriberState),
        ("docs/ranking.md", CountKind),
        ("docs/ranking.md", ReasonCode),
    ],
)
def test_every_state_and_reason_is_explained(page, words):
    assert not [word for word in words if f"| `{word}` |" not in PAGES[page]]


AUTUMN_DAY = whole_days_before(date(2026, 10, 26), 1, ZoneInfo("Europe/Berlin"))
TOKEN = sign_link(bytes(KEY_BYTES), SignedLink(purpose=Purpose.UNSUBSCRIBE, subscriber_id=1, issue_id=1))
UNITS = "seconds|minutes|hours|days|bytes|characters|pixels|columns|ms|KB|MB|%|×|times"
FIGURE = re.compile(rf"(?<![\w.,:-])(?:\d[\d,.]*(?: whole| local| encoded| random)* ?(?:{UNITS}))(?!\w)")
FIGURES = {
    "7 whole local days": DEFAULT_DAYS == 7,
    "7 days": DEFAULT_DAYS == 7,
    "25 hours": AUTUMN_DAY.end - AUTUMN_DAY.start == timedelta(hours=25),
    "24 hours": timedelta(hours=24) == BASE_MAX_AGE == BROKEN_FOR,
    "5 seconds": _BUSY_SECONDS == IMAGE_SECONDS == 5,
    "30 seconds": TICK_SECONDS == 30,
    "60 seconds": LEASE_SECONDS == 60,
    "5 minutes": RETRY_AFTER_FAILURE == MAX_CLOCK_DRIFT == timedelta(minutes=5),
    "20 minutes": timedelta(minutes=20) == FIRST_DELAY,
    "4 hours": timedelta(hours=4) == MAX_DELAY,
    "20 %": JITTER == 0.2,
    "76 columns": TEXT_COLUMNS == 76,
    "64 KB": LARGEST_HEAD == 65_536,
    "16 KB": LARGEST_BODY == 16_384,
    "1 MB": LARGEST_HOOK == 1_048_576,
    "70 columns": SUBJECT_COLUMNS == 70,
    "102,400 encoded bytes": CLIP_BYTES == 102_400,
    "640 pixels": "max-width: 640px" in (ROOT / "templates/shared/style.css").read_text("utf-8"),
    "375 pixels": (ROOT / "docs/images/weekly-375.png").exists(),
    "40 characters": len(TOKEN) == 40,
    "16 bytes": _MAC_BYTES == 16,
    "32 random bytes": KEY_BYTES == 32,
    "500 characters": WORDS_LIMIT == 500,
    "50 ms": RESULT_SECONDS < 0.05,
    "102,400 bytes": CLIP_BYTES == 102_400,
    "100,000 bytes": BUDGET == 100_000,
    "10 minutes": IMAGES_MINUTES == 10,
    "10 seconds": IMPORT_SECONDS == IMAGE_SECONDS == 5,  # the last picture may begin at the end of the first five
    "5 MB": READ_AT_MOST == 5_000_000,
    "30 days": timedelta(days=30) == GOOD_FOR,
}
"""Every number with a unit that the pages state, and whether the program agrees."""


@each(BY_HAND)
def test_every_figure_has_a_source(name, text):
    """A number with a unit is one of `FIGURES`; a measured one would need a benchmark that prints it."""
    assert [figure for figure in FIGURE.findall(prose(text)) if not FIGURES.get(figure)] == []


# Commands, settings and queries in examples


def examples() -> dict[str, str]:
    """Every command line of digest in the pages, by itself."""
    lines = [
        line.strip().removeprefix("$ ")
        for text in BY_HAND.values()
        for line in "\n".join(blocks(text, "sh", "console")).splitlines()
    ]
    found = (re.match(r"(?:sudo -u digest )?(?:/opt/digest/bin/)?digest (.+)", line) for line in lines)
    return {match[0]: match[1] for match in found if match}


@pytest.mark.parametrize("line", sorted(examples()))
def test_a_command_line_has_only_commands_and_options_that_exist(line):
    command: click.Command = cli
    words = iter(shlex.split(examples()[line], comments=True))
    for word in words:
        if word in ("|", ">", "2>&1"):
            break
        options = {
            name: parameter for parameter in command.params for name in (*parameter.opts, *parameter.secondary_opts)
        }
        if word.startswith("-"):
            assert word in options or word in ("--help", "-h"), word
            if word in options and not getattr(options[word], "is_flag", False):
                next(words)
        elif isinstance(command, click.Group):
            assert word in command.commands, word
            command = command.commands[word]


TOML_BLOCKS = {
    f"{name} {number}": block for name, text in PAGES.items() for number, block in enumerate(blocks(text, "toml"), 1)
}
LEAST = """
[site]
name = "Hanbit News"
[[newsletter]]
slug = "weekly"
title = "Hanbit Weekly"
from = "Hanbit News <news@example.com>"
"""


def complete(block: str, folder: Path) -> Path:
    """A settings file of a block, with the least that is needed where the block leaves it out."""
    written = tomllib.loads(block)
    missing = [
        part
        for part in re.split(r"^(?=\[)", LEAST, flags=re.MULTILINE)[1:]
        if re.findall(r"\w+", part)[0] not in written
    ]
    for name in ("smtp-password", "imap-password"):
        (folder / name).write_text("secret")
    file = folder / "digest.toml"
    file.write_text(block + "\n" + "".join(missing), encoding="utf-8")
    return file


@each(TOML_BLOCKS)
def test_a_settings_example_loads(name, text, tmp_path):
    load_settings(complete(text, tmp_path), {})


SOURCES = re.findall(r"```sql\n(.*?)```.*?```toml\n(.*?)```", PAGES["docs/connect-your-cms.md"], re.DOTALL)


@pytest.mark.parametrize(
    ("schema", "block"), SOURCES, ids=[re.search(r'path = "(\S+)"', block)[1] for _, block in SOURCES]
)
def test_a_source_example_reads_its_tables(schema, block, tmp_path):
    """The queries run on the tables shown above them and return the columns an article and a count need."""
    database = tmp_path / "site.db"
    with closing(sqlite3.connect(database)) as connection:
        connection.executescript(schema)
    settings = load_settings(complete(re.sub(r'path = "\S+"', 'path = "site.db"', block), tmp_path), {})
    now = datetime(2026, 11, 18, 3, tzinfo=UTC)
    read_publisher(settings.source, settings_file=settings.file, timezone=ZoneInfo("Asia/Seoul"), window=None, now=now)


# Sessions

NOW = "datetime(2026, 11, 18, 3, tzinfo=UTC)"
"""The moment of the sessions in the README: noon of a Wednesday in Seoul. The demo's edition is then 2026-11-16."""
PROGRAM = f"""\
#!{sys.executable}
from datetime import UTC, datetime
from digest.cli.main import main
from digest.clock import Clock
Clock.now = lambda self: {NOW}
main()
"""
SESSIONS = [match[1] for match in re.finditer(r"<!-- session -->\n```console\n(.*?)```", PAGES["README.md"], re.DOTALL)]
VARYING = {
    r"(?m)^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3}": "TIME",
    r"new/\S+": "new/NAME",
}
"""What differs from run to run."""
STEP = re.compile(r"^\$ (.+)\n((?:(?!\$ ).*\n)*)", re.MULTILINE)


@pytest.fixture(scope="session")
def environment(tmp_path_factory):
    """Where `digest` is this program, with its clock stopped."""
    program = tmp_path_factory.mktemp("bin") / "digest"
    program.write_text(PROGRAM)
    program.chmod(0o755)
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("DIGEST_", "COV"))}
    return {**kept, "PATH": f"{program.parent}:{kept['PATH']}", "PYTHONPATH": str(ROOT), "LC_ALL": "C.UTF-8"}


def normalise(printed: str) -> str:
    for pattern, name in VARYING.items():
        printed = re.sub(pattern, name, printed)
    return re.sub(r"(?m) +$", "", printed)


def run(command: str, folder: Path, environment, *, until: str = "") -> str:
    """What a command prints, on both ways out; with `until`, Ctrl-C once that text was printed."""
    process = subprocess.Popen(
        shlex.split(command),
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
    )
    printed = ""
    with process.stdout:
        while until and until not in printed:
            line = process.stdout.readline()
            assert line, printed
            printed += line
        if until:
            process.send_signal(signal.SIGINT)
            printed += "^C\n"
        printed += process.stdout.read()
    process.wait()
    return printed


@pytest.fixture(scope="session")
def demo(environment, tmp_path_factory) -> Path:
    """A folder where `make demo` has run."""
    folder = tmp_path_factory.mktemp("demo")
    run("digest demo digest-demo", folder, environment)
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("session", SESSIONS, ids=[session.splitlines()[1] for session in SESSIONS])
def test_a_session_of_the_readme_is_what_one_sees(session, environment, demo, tmp_path):
    """The first runs `make demo`, each other begins where it has run; `...` stands for anything."""
    folder = tmp_path
    if not session.startswith("$ make demo"):
        shutil.copytree(demo, folder, dirs_exist_ok=True)
    for command, wanted in STEP.findall(session):
        if command.startswith("cd "):
            folder = folder / command.removeprefix("cd ")
            continue
        before, interrupted, _ = wanted.partition("^C\n")
        until = before.splitlines()[-1].partition(" INFO ")[2] if interrupted else ""
        printed = run(command.replace("make demo", "digest demo digest-demo"), folder, environment, until=until)
        is_same = doctest.OutputChecker().check_output(normalise(wanted), normalise(printed), doctest.ELLIPSIS)
        assert is_same, f"$ {command}\n{printed}"


def test_make_demo_is_the_command_the_sessions_run():
    assert "$(BIN)/digest demo digest-demo" in (ROOT / "Makefile").read_text("utf-8")
