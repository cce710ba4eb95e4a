"""The programs that `digest` is measured beside, fetched by this script into build/peers/ where they are not there.

smtp-sink and smtp-source come out of Debian's package postfix (unpacked, not installed: a mail server that runs would
be in the way), nodemailer from npm, Django and aiosmtplib from PyPI into an environment of their own.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

FOLDER = Path(__file__).parents[1] / "build" / "peers"
PROGRAMS = Path(__file__).parent / "peers"
PYTHON_PACKAGES = ("Django", "aiosmtplib")
_SBIN = "/usr/sbin"
Found = TypeVar("Found")


@dataclass(frozen=True, kw_only=True)
class Postfix:
    """Where its two test programs are."""

    sink: Path
    source: Path
    environment: dict[str, str]
    """What they need to find their libraries."""


@dataclass(frozen=True, kw_only=True)
class Peers:
    """What was found or could be fetched; None for what could not, after saying so."""

    postfix: Postfix
    node: Path | None
    """The interpreter; nodemailer is where `node_environment` says."""
    python: Path | None
    """An interpreter that has Django and aiosmtplib."""

    @property
    def node_environment(self) -> dict[str, str]:
        """Where node looks for nodemailer."""
        return {"NODE_PATH": str(FOLDER / "node_modules")}


def set_up_peers() -> Peers:
    """Find or fetch every peer, and say their versions; without a sink the program ends."""
    postfix = set_up_postfix()
    peers = Peers(
        postfix=postfix,
        node=_say_what_is_missing("nodemailer", _find_nodemailer),
        python=_say_what_is_missing("Django and aiosmtplib", _find_python),
    )
    print(f"peers: {', '.join(_versions(peers))}")
    return peers


def set_up_postfix() -> Postfix:
    """The sink and its source alone; without them the program ends."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    postfix = _say_what_is_missing("smtp-sink and smtp-source", _find_postfix)
    if postfix is None:
        sys.exit("nothing can be measured without smtp-sink: install Debian's package postfix")
    return postfix


def _versions(peers: Peers) -> Iterator[str]:
    yield "smtp-source"
    if peers.node:
        package = json.loads((FOLDER / "node_modules/nodemailer/package.json").read_text(encoding="utf-8"))
        yield f"nodemailer {package['version']} on node {_run(peers.node, '--version').strip()}"
    if peers.python:
        names = ("Django", "aiosmtplib")
        code = f"from importlib.metadata import version; print(', '.join(f'{{n}} {{version(n)}}' for n in {names}))"
        yield _run(peers.python, "-c", code).strip()


def _say_what_is_missing(name: str, find: Callable[[], Found]) -> Found | None:
    try:
        return find()
    except (OSError, subprocess.CalledProcessError, LookupError) as error:
        said = getattr(error, "stderr", None) or str(error)
        print(f"could not find {name}: {said.strip().splitlines()[-1] if said.strip() else error}")
        return None


def _run(*command: str | Path) -> str:
    done = subprocess.run(list(map(str, command)), cwd=FOLDER, check=True, capture_output=True, encoding="utf-8")
    return done.stdout


def _find_postfix() -> Postfix:
    path = os.pathsep.join([os.environ.get("PATH", ""), _SBIN])
    sink, source = (shutil.which(name, path=path) for name in ("smtp-sink", "smtp-source"))
    if sink and source:
        return Postfix(sink=Path(sink), source=Path(source), environment={})
    unpacked = FOLDER / "postfix"
    if not unpacked.exists():
        _require("apt-get", "and smtp-sink is not installed")
        _run("apt-get", "download", "postfix")
        _run("dpkg-deb", "--extract", next(FOLDER.glob("postfix_*.deb")), unpacked)
    environment = {"LD_LIBRARY_PATH": str(unpacked / "usr/lib/postfix")}
    sink_file = unpacked / "usr/sbin/smtp-sink"
    said = subprocess.run([sink_file], env=environment, capture_output=True, encoding="utf-8", check=False).stderr
    if "usage" not in said:
        raise LookupError(said or f"{sink_file} says nothing")
    return Postfix(sink=sink_file, source=sink_file.with_name("smtp-source"), environment=environment)


def _find_nodemailer() -> Path:
    node = _require("node", "install Debian's package nodejs")
    if not (FOLDER / "node_modules" / "nodemailer").exists():
        _run(_require("npm", "install Debian's package npm"), "install", "--no-audit", "--no-fund", "nodemailer@latest")
    return node


def _find_python() -> Path:
    environment = FOLDER / "python"
    python = environment / "bin" / "python"
    if not (environment / "made").exists():
        _run(sys.executable, "-m", "venv", "--clear", environment)
        _run(python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *PYTHON_PACKAGES)
        (environment / "made").touch()
    return python


def _require(program: str, advice: str) -> Path:
    found = shutil.which(program)
    if found is None:
        raise LookupError(f"there is no {program}; {advice}")
    return Path(found)
