"""One finding for one fault, however often it stands in a mail."""

from collections.abc import Iterable, Iterator
from dataclasses import replace

from digest.check.finding import Finding, Severity


def merge_repeats(findings: Iterable[Finding]) -> Iterator[Finding]:
    """Each fault once, at its first place, with the number of its places where there are several.

    Two findings are the same fault when rule, severity and message are the same.
    """
    first: dict[tuple[str, Severity, str], Finding] = {}
    count: dict[tuple[str, Severity, str], int] = {}
    for finding in findings:
        key = (finding.rule, finding.severity, finding.message)
        first.setdefault(key, finding)
        count[key] = count.get(key, 0) + 1
    for key, finding in first.items():
        times = count[key]
        yield finding if times == 1 else replace(finding, message=f"{finding.message} ({times:,} times)")
