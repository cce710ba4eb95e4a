"""Notices while an issue is sent that mail servers refuse it for the sender's sake, so that it pauses.

One rule, held against the newest replies of all servers, and against those of each domain that has blamed us. For one
large domain may refuse everything while the others, which take it, keep the whole below the mark.
"""

import re
from collections import Counter

from digest.address import shorten_address
from digest.deliver.transport import Outcome
from digest.replies.kinds import CONSEQUENCES, ReplyKind

WINDOW = 50
"""Of so many newest replies it is asked: enough that a few odd servers decide nothing, few enough that a block which
begins in mid-issue is noticed before a reputation is spoiled."""
ENOUGH = 20
"""Fewer replies say nothing: a small list pauses by nobody's odd server."""
_WORDS_SHOWN = 100
_ADDRESS = re.compile(r"[^\s<>\"'()\[\],;:]+@[^\s<>\"'()\[\],;:]+")


class FaultWatch:
    """Fed with every reply; says when most of the recent ones blame the sender (more than half, of at least 20)."""

    def __init__(self) -> None:
        self._all = _Recent()
        self._domains: dict[str, _Recent] = {}
        self._refusing: dict[str, _Recent] = {}
        self._samples: dict[ReplyKind, str] = {}

    def note(self, kind: ReplyKind, outcome: Outcome, address: str) -> None:
        """Take one reply into account.

        Args:
            kind: what it means.
            outcome: the reply itself.
            address: whom the message was for.
        """
        is_fault = CONSEQUENCES[kind].counts_against_sender
        fault = kind if is_fault else None
        self._all.add(fault)
        self._note_domain(address.rpartition("@")[2], fault)
        if is_fault:
            self._samples[kind] = _show(outcome)

    def _note_domain(self, domain: str, fault: ReplyKind | None) -> None:
        """Domains that never blamed us are not kept: there may be very many."""
        if fault is not None:
            self._domains.setdefault(domain, _Recent())
        recent = self._domains.get(domain)
        if recent is None:
            return
        recent.add(fault)
        self._refusing.pop(domain, None)
        if recent.is_mostly_fault:
            self._refusing[domain] = recent
        elif not recent.faults:
            del self._domains[domain]

    def verdict(self) -> str | None:
        """Why the issue should pause, in words with a sample of each kind of reply; None where it should not."""
        if self._all.is_mostly_fault:
            return self._describe(self._all, "")
        for domain, recent in self._refusing.items():
            return self._describe(recent, f" of {domain}")
        return None

    def _describe(self, recent: "_Recent", whose: str) -> str:
        kinds = ", ".join(
            f"{count} {kind.words} ({self._samples[kind]})" for kind, count in recent.faults.most_common()
        )
        return f"{recent.faults.total()} of the last {recent.seen} replies{whose} blame the sender: {kinds}"


class _Recent:
    """The newest replies: which of them were faults of the sender, and of what kind."""

    def __init__(self) -> None:
        self._kinds: list[ReplyKind | None] = []  # a deque would take ten times the room
        self.faults = Counter[ReplyKind]()

    @property
    def seen(self) -> int:
        """How many replies it looks back on."""
        return len(self._kinds)

    @property
    def is_mostly_fault(self) -> bool:
        """Whether there are enough replies, and more than half of them blame the sender."""
        return self.seen >= ENOUGH and 2 * self.faults.total() > self.seen

    def add(self, kind: ReplyKind | None) -> None:
        """The newest reply: the kind of fault, or None for none; the oldest is forgotten."""
        self._kinds.append(kind)
        if kind is not None:
            self.faults[kind] += 1
        oldest = self._kinds.pop(0) if len(self._kinds) > WINDOW else None
        if oldest is not None:
            self.faults[oldest] -= 1
            self.faults += Counter()  # kinds that are counted no more


def _show(outcome: Outcome) -> str:
    """A reply as it may be kept and mailed: short, and without whole addresses."""
    words = _ADDRESS.sub(lambda found: shorten_address(found[0]), outcome.reply)
    words = f"{outcome.code or ''} {words}".strip()
    return words if len(words) <= _WORDS_SHOWN else f"{words[:_WORDS_SHOWN].rstrip()}…"
