"""Spam points: read from what SpamAssassin prints, asked of this machine's own alone."""

import shutil
from pathlib import Path

import pytest
from digest_message import write_digest

from digest.errors import DigestError
from digest.web.preview.spam import SpamRule, find_scanner, read_report, scan

REPORT = """\
Subject: hi
X-Spam-Status: Yes, score=5.2 required=5.0

Content analysis details:   (3.4 points, 5.0 required)

 pts rule name              description
---- ---------------------- --------------------------------------------------
 1.0 MISSING_FROM           Missing From: header
-0.5 SOMETHING_GOOD         A rule whose words go on
                            in the next line
 2.9 MISSING_DATE           Missing Date: header
-0.0 NO_RELAYS              Informational: message was not relayed via SMTP
"""


def test_points_and_rules_are_read():
    report = read_report(REPORT)
    assert (report.points, report.required) == (3.4, 5.0)
    assert report.rules == (
        SpamRule(points=1.0, name="MISSING_FROM", description="Missing From: header"),
        SpamRule(points=-0.5, name="SOMETHING_GOOD", description="A rule whose words go on in the next line"),
        SpamRule(points=2.9, name="MISSING_DATE", description="Missing Date: header"),
    )


@pytest.mark.parametrize("output", ["", "command not found", "Content analysis details: (many points)"])
def test_an_answer_without_points_is_an_error(output):
    with pytest.raises(DigestError, match="gave no points"):
        read_report(output)


def test_a_scanner_that_is_not_there_or_fails_is_an_error(tmp_path):
    with pytest.raises(DigestError, match="did not answer"):
        scan(b"Subject: hi\n\nhi\n", tmp_path / "spamassassin")
    with pytest.raises(DigestError, match="gave no points"):
        scan(b"Subject: hi\n\nhi\n", Path(shutil.which("true")))


def test_a_digest_of_ours_is_no_spam(tmp_path):
    scanner = find_scanner()
    if scanner is None:
        pytest.skip("no SpamAssassin on this machine: install spamassassin")
    report = scan(write_digest(tmp_path), scanner)
    assert report.points < report.required
