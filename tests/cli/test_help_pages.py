"""Help costs little, is there for every command, and leads on with an example."""

import json
import resource
import statistics
import subprocess
import sys

import click
import pytest

from command_line import COMMAND, digest, environment
from digest.cli.main import cli

HEAVY = {"pydantic", "rich", "jinja2", "premailer", "sqlite_utils", "babel", "apscheduler", "lxml"}
SENDERS = {"boto3", "botocore", "uvloop", "cryptography"}
"""What only a transport, the loop it runs in, and signing need."""
LISTING = {"list", "show", "top", "stats", "import", "preview", "send"}


def walk(command, path=("digest",)):
    yield " ".join(path), command
    for name, inner in getattr(command, "commands", {}).items():
        yield from walk(inner, (*path, name))


COMMANDS = dict(walk(cli))


def cpu_of(command):
    """Seconds of processor time that a process takes."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True, env=environment())
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def test_help_costs_at_most_150_ms_more_than_python_itself():
    bare = statistics.median(cpu_of([sys.executable, "-c", "pass"]) for _ in range(5))
    with_help = statistics.median(cpu_of([*COMMAND, "--help"]) for _ in range(5))
    assert with_help - bare <= 0.150


def libraries_of(*arguments, cwd=None):
    """The libraries that a command has loaded when it is done."""
    program = (
        "import sys, json; from digest.cli.main import cli\n"
        "try: cli(sys.argv[1:])\n"
        "except SystemExit as end: assert not end.code\n"
        "print(json.dumps(sorted({name.split('.')[0] for name in sys.modules})), file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments],
        capture_output=True,
        text=True,
        check=True,
        cwd=cwd,
        env=environment(),
    )
    return set(json.loads(done.stderr))


def test_help_imports_no_heavy_library():
    assert not (HEAVY | SENDERS) & libraries_of("--help")


def test_who_sends_nothing_waits_for_no_library_of_sending(workspace):
    """They are installed here, as with the extras `ses` and `speed`."""
    assert not SENDERS & libraries_of("subscribers", "list", cwd=workspace().parent)


def test_the_commands_of_the_design_are_there():
    wanted = {
        *("init", "demo", "preview", "send", "run", "articles", "views import"),
        *(f"articles {name}" for name in ("import", "top", "list", "show", "pin", "unpin", "exclude", "include")),
        *(f"issues {name}" for name in ("list", "show", "pause", "resume", "cancel", "resolve")),
        *(f"subscribers {name}" for name in ("add", "import", "list", "show", "set", "remove", "export", "stats")),
    }
    assert {f"digest {name}" for name in wanted} <= set(COMMANDS)


@pytest.mark.parametrize("path", COMMANDS)
def test_every_command_has_help_and_an_example_of_itself(path):
    page = digest(*path.split()[1:], "--help")
    assert page.code == 0
    assert "Example:\n" in page.out
    example = page.out.partition("Example:\n")[2].partition("\n\n")[0]
    assert f"  {path}" in example or f"  digest --config /srv/news/digest.toml {path.split()[-1]}" in example


@pytest.mark.parametrize("path", COMMANDS)
def test_every_option_says_what_it_is_for(path):
    for option in COMMANDS[path].params:
        if isinstance(option, click.Option) and not option.hidden:
            assert option.help, f"{path} {option.opts}"


@pytest.mark.parametrize("path", COMMANDS)
def test_the_first_sentence_fits_the_list_of_commands(path):
    """A list at 80 columns that ends in dots hides what a command does."""
    if path != "digest":
        assert not COMMANDS[path].get_short_help_str(60).endswith("...")


@pytest.mark.parametrize("path", [path for path in COMMANDS if path.split()[-1] in LISTING])
def test_what_lists_or_shows_has_json(path):
    assert "--json" in {name for option in COMMANDS[path].params for name in option.opts}


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_shell_completion_prints_a_script(shell):
    done = subprocess.run(
        [sys.executable, "-c", "from digest.cli.main import main; main()"],
        env=environment(_DIGEST_COMPLETE=f"{shell}_source"),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "_digest_completion" in done.stdout


def test_completion_knows_the_commands():
    done = subprocess.run(
        [sys.executable, "-c", "from digest.cli.main import main; main()"],
        env=environment(_DIGEST_COMPLETE="bash_complete", COMP_WORDS="digest sub", COMP_CWORD="1"),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout == "plain,subscribers\n"


def test_the_version_is_told():
    assert digest("--version").out.startswith("digest, version ")
