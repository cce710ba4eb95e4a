"""Spam points by a SpamAssassin on this machine, where there is one. Nothing is sent anywhere and nothing is learnt."""

import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from digest.errors import DigestError

SECONDS = 60.0
"""How long a scan may take; the first one compiles its rules."""
_OPTIONS = ("--local", "--test-mode", "--nocreate-prefs", "--cf=use_bayes 0", "--cf=use_auto_welcomelist 0")
_FOUND_ON_THE_WAY = frozenset(("NO_RECEIVED", "NO_RELAYS"))
"""Rules that every message breaks before it has travelled."""
_TOTAL = re.compile(r"^Content analysis details:\s+\((-?[\d.]+) points, (-?[\d.]+) required\)", re.MULTILINE)
_RULE = re.compile(r"^\s*(-?\d+\.\d+)\s+([A-Z][A-Z0-9_]{2,})\s+(\S.*(?:\n {24,}\S.*)*)", re.MULTILINE)


@dataclass(frozen=True, kw_only=True)
class SpamRule:
    """One rule that the message meets."""

    points: float
    name: str
    description: str


@dataclass(frozen=True, kw_only=True)
class SpamReport:
    """What SpamAssassin makes of a message."""

    points: float
    required: float
    """From so many points on it would call the message spam."""
    rules: tuple[SpamRule, ...]


def find_scanner() -> Path | None:
    """The SpamAssassin of this machine, or None."""
    found = shutil.which("spamassassin")
    return None if found is None else Path(found)


def scan(content: bytes, scanner: Path) -> SpamReport:
    """Let a SpamAssassin judge a message by its local rules.

    Raises:
        DigestError: it fails, takes too long, or answers something else.
    """
    try:
        done = subprocess.run(  # noqa: S603 - a program of this machine, found on PATH, with constant arguments
            [scanner, *_OPTIONS], input=content, capture_output=True, timeout=SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise DigestError(f"{scanner} did not answer: {error}") from error
    return read_report(done.stdout.decode("utf-8", "replace"))


def read_report(output: str) -> SpamReport:
    """The points in what SpamAssassin prints in test mode.

    Raises:
        DigestError: there are none in it.
    """
    total = _TOTAL.search(output)
    if total is None:
        raise DigestError("SpamAssassin gave no points; try `spamassassin --local --test-mode` by hand")
    found = _RULE.findall(output, total.end())
    return SpamReport(
        points=float(total[1]),
        required=float(total[2]),
        rules=tuple(
            SpamRule(points=float(points), name=name, description=" ".join(description.split()))
            for points, name, description in found
            if name not in _FOUND_ON_THE_WAY
        ),
    )
