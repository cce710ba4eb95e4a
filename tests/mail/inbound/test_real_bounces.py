"""278 real bounces, complaints and answers of programs: what is found, against what people said of them."""

import json
import random
import sys
import time
from collections import Counter, defaultdict
from pathlib import Path

import pytest

from digest.mail.inbound.read import read_message
from digest.mail.inbound.report import ReportKind

FOLDER = Path(__file__).parents[4] / "shared" / "data" / "bounces"
if not FOLDER.is_dir():
    pytest.skip(f"{FOLDER} is not there: it lies beside the project where it is developed", allow_module_level=True)
LABELS = json.loads((FOLDER / "labels.json").read_text(encoding="utf-8"))
RECIPIENTS, HARD = 0.97, 0.95
"""Shares that must be right."""


def read(name):
    return read_message((FOLDER / f"{name}.eml").read_bytes()).reports


def is_right(label, report):
    if label["reason"] == "feedback":
        return report is not None and report.kind is ReportKind.COMPLAINT
    if label["reason"] == "vacation":
        return report is not None and report.kind is ReportKind.AUTO_REPLY
    return report is not None and (report.kind is ReportKind.HARD) == label["hard"]


@pytest.fixture(scope="module")
def table():
    """By mailer: labels, recipients found, kinds that are right."""
    counts = defaultdict(Counter)
    for name, labels in LABELS.items():
        reports = read(name)
        count = counts[name.rpartition("-")[0]]
        count["labels"] += len(labels)
        count["found"] += min(len(labels), sum(bool(report.recipient) for report in reports))
        rest = [None] * max(0, len(labels) - len(reports))
        count["right"] += sum(map(is_right, labels, [*reports[: len(labels)], *rest]))
    return counts


def test_recipients_and_kinds_are_found(table, capsys):
    total = sum(table.values(), Counter())
    found, right = total["found"] / total["labels"], total["right"] / total["labels"]
    lines = [f"\n{'mailer':<24}{'people':>8}{'found':>8}{'right':>8}"]
    for mailer, count in sorted(table.items()):
        lines.append(f"{mailer:<24}{count['labels']:>8}{count['found']:>8}{count['right']:>8}")
    lines.append(f"{'all':<24}{total['labels']:>8}{found:>8.1%}{right:>8.1%}\n")
    with capsys.disabled():
        sys.stdout.write("\n".join(lines))
    assert found >= RECIPIENTS
    assert right >= HARD


@pytest.mark.parametrize(("reason", "kind"), [("feedback", ReportKind.COMPLAINT), ("vacation", ReportKind.AUTO_REPLY)])
def test_every_complaint_and_every_answer_of_a_program_is_known(reason, kind):
    names = [name for name, labels in LABELS.items() if labels[0]["reason"] == reason]
    assert names
    assert {name: {report.kind for report in read(name)} for name in names} == {name: {kind} for name in names}


def test_no_recipient_is_the_program_that_reports():
    roles = [name for name in LABELS for report in read(name) if report.recipient.lower().startswith("mailer-daemon")]
    assert roles == []


def broken(chance, contents):
    """One of them cut, bent, doubled or joined with another."""
    content = bytearray(chance.choice(contents))
    place = chance.randrange(len(content))
    way = chance.randrange(5)
    if way == 0:
        return bytes(content[:place])
    if way == 1:
        for _ in range(20):
            content[chance.randrange(len(content))] = chance.randrange(256)
        return bytes(content)
    if way == 2:
        return bytes(content[:place] + content[place : place + 300] * chance.randrange(1, 30) + content[place:])
    if way == 3:
        return bytes(content[:place]) + chance.randbytes(200) + bytes(content[place:])
    other = chance.choice(contents)
    return bytes(content[:place]) + other[chance.randrange(len(other)) :]


@pytest.mark.parametrize("seed", range(3))
def test_broken_ones_are_read_without_a_failure_and_in_no_time(seed):
    chance = random.Random(seed)
    contents = [(FOLDER / f"{name}.eml").read_bytes() for name in LABELS]
    for _ in range(200):
        sample = broken(chance, contents)
        since = time.process_time()
        read_message(sample)
        assert time.process_time() - since < 2
