"""Finds messages in a mail server's log by their Message-IDs, and says whether the log proves that one is not there.

One pass over logs of any size: kept are only the messages asked for, and their names in the server's queue.
"""

import re
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, tzinfo
from itertools import chain, islice
from typing import Protocol

from digest.replies.log_line import LogLine, Step, parse_line
from digest.replies.log_moment import read_moment

MARGIN = timedelta(minutes=10)
"""So long after a message was handed over its server may still be busy with it (RFC 5321, 4.5.3.2.6). Clocks that
differ by more are of different timezones."""
LONGEST_LINE = 1 << 20
"""Bytes; no line of a log that names a message is longer."""
_CODE = re.compile(r"(?:^|: )([245]\d\d)[ -]")
_EDGE_LINES = 200
"""In so many lines at either end of a log one is looked for that says when it was written."""
_EXPORTED = b"__REALTIME_TIMESTAMP="
_ENDINGS = (Step.DELIVERED, Step.DEFERRED, Step.BOUNCED)


class LogFile(Protocol):
    """An open log, in bytes."""

    def readline(self, limit: int, /) -> bytes:
        """The next line with its end, at most so many bytes of it; nothing at the end."""
        ...  # pragma: no cover


@dataclass(frozen=True, kw_only=True)
class Trace:
    """What a log tells of one message."""

    step: Step
    """The last that happened to it."""
    words: str = ""
    """What was said then."""
    at: datetime | None = None
    """When the server took it; None where the line does not say."""

    @property
    def is_taken(self) -> bool:
        """Whether the server had it: a header that was read is not enough, as a connection may break after that."""
        return self.step is not Step.READ

    @property
    def code(self) -> int | None:
        """The SMTP reply code in the words, where there is one."""
        found = _CODE.search(self.words)
        return int(found[1]) if found else None


@dataclass(frozen=True, kw_only=True)
class LogReport:
    """What was found in logs."""

    traces: Mapping[str, Trace]
    """By Message-ID, as they were asked for; those that were not found are absent."""
    begin: datetime | None
    """When the oldest log begins."""
    end: datetime | None
    """When the newest log ends."""

    def taken(self, message_id: str) -> Trace | None:
        """The trace of a message that the server took; None where there is none."""
        trace = self.traces.get(message_id)
        return trace if trace is not None and trace.is_taken else None


def search_logs(logs: Sequence[LogFile], wanted: Mapping[str, str], *, now: datetime, timezone: tzinfo) -> LogReport:
    """Look for messages in the logs of a server.

    Args:
        logs: open logs, in any order; they are read by the time they begin.
        wanted: Message-ID with its angle brackets → the recipient's address.
        now: the present moment, for lines without a year.
        timezone: the server's, for lines without one.

    Raises:
        OSError: a log cannot be read to its end, or is not whole (EOFError, zlib.error).
    """
    search = _Search(wanted)
    opened = [_DatedLines(log, now, timezone) for log in logs]
    for lines in sorted(opened, key=lambda each: (each.begin is not None, each.begin or now)):
        for line in lines:
            search.feed(line, lines)
    begins = [lines.begin for lines in opened if lines.begin]
    ends = [end for lines in opened if (end := lines.read_end())]
    return LogReport(traces=search.traces(), begin=min(begins, default=None), end=max(ends, default=None))


def why_unproven(report: LogReport, *, begin: datetime, end: datetime, witnesses: Mapping[str, datetime]) -> str:
    """Why a log does not prove that a message which is not in it never reached its server; "" where it does.

    It has to begin before any message of the issue could be handed over and to go on for a while after the doubt
    arose; and what other messages the server surely took at about that time have to be in it, at the same times.
    Without that it might be another server's log, a part of it, or one that renames messages or does not name them.

    Args:
        report: what was found.
        begin: before this moment the message was not handed over.
        end: after this moment neither.
        witnesses: Message-IDs of other messages of the issue that were taken → when.
    """
    if report.begin is None or report.end is None:
        return "no line says when it was written"
    if report.begin > begin:
        return f"it begins at {_show(report.begin)}, after {_show(begin)}, when sending may have begun"
    if report.end < end + MARGIN:
        return f"it ends at {_show(report.end)}; it has to go on until {_show(end + MARGIN)}"
    return _why_not_the_log(report, witnesses)


def _why_not_the_log(report: LogReport, witnesses: Mapping[str, datetime]) -> str:
    if not witnesses:
        return "no other message of the issue was surely taken, by which to know that it is the right server's log"
    found = {message_id: trace for message_id in witnesses if (trace := report.taken(message_id))}
    if len(found) < len(witnesses):
        missing = f"{len(witnesses) - len(found)} of {len(witnesses)}"
        return f"{missing} messages that were surely taken at that time are not in it: it is not the whole log"
    for message_id, trace in found.items():
        if trace.at is None or abs(trace.at - witnesses[message_id]) > MARGIN:
            told = _show(trace.at) if trace.at else "no time"
            return f"its clock is not ours: {told} for a message of {_show(witnesses[message_id])}"
    return ""


def _show(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC"


class _DatedLines:
    """The lines of one log, and when it begins and ends."""

    def __init__(self, log: LogFile, now: datetime, timezone: tzinfo) -> None:
        self._now = now
        self._timezone = timezone
        lines = _read_lines(log)
        self._head = list(islice(lines, _EDGE_LINES))
        self._rest = lines
        self._tail: deque[bytes] = deque(maxlen=_EDGE_LINES)
        self._exported = b""
        self.begin = next(filter(None, map(self._read, self._head)), None)

    def __iter__(self) -> Iterator[bytes]:
        for line in chain(self._head, self._rest):
            self._tail.append(line)
            if line.startswith(_EXPORTED):
                self._exported = line
            yield line

    def moment_of(self, line: bytes) -> datetime | None:
        """When a line was written; in the journal's export it is said some lines before the message."""
        return self._read(line) or self._read(self._exported)

    def _read(self, line: bytes) -> datetime | None:
        return read_moment(line, now=self._now, timezone=self._timezone)

    def read_end(self) -> datetime | None:
        """When the log ends, once it was read."""
        return next(filter(None, map(self._read, reversed(self._tail))), None)


def _read_lines(log: LogFile) -> Iterator[bytes]:
    """The lines; one that is far too long is left out, without being held in memory."""
    is_inside = False
    while piece := log.readline(LONGEST_LINE):
        is_whole = piece.endswith(b"\n") or len(piece) < LONGEST_LINE
        if is_whole and not is_inside:
            yield piece
        is_inside = not is_whole


class _Search:
    """What is known so far of the messages asked for."""

    def __init__(self, wanted: Mapping[str, str]) -> None:
        self._asked = {message_id.strip("<>").lower(): message_id for message_id in wanted}
        self._recipients = {message_id: address.lower() for message_id, address in wanted.items()}
        self._queued: dict[str, str] = {}
        self._traces: dict[str, Trace] = {}

    def traces(self) -> Mapping[str, Trace]:
        """By Message-ID."""
        return self._traces

    def feed(self, raw: bytes, lines: _DatedLines) -> None:
        """Take one line into account."""
        line = parse_line(raw, self._queued)
        if line is None:
            return
        if line.message_id:
            self._note_name(line)
        message_id = self._queued.get(line.queue_id)
        if message_id is not None:
            self._note_step(message_id, line, raw, lines)

    def _note_name(self, line: LogLine) -> None:
        """A message has this name in the queue from now on; what had it before has left."""
        asked = self._asked.get(line.message_id.lower())
        if asked is not None:
            self._queued[line.queue_id] = asked
        else:
            self._queued.pop(line.queue_id, None)

    def _note_step(self, message_id: str, line: LogLine, raw: bytes, lines: _DatedLines) -> None:
        if line.step is Step.GONE:
            del self._queued[line.queue_id]
            return
        before = self._traces.get(message_id)
        if before is None or not before.is_taken:
            at = lines.moment_of(raw)
            self._traces[message_id] = before = Trace(step=_as_taken(line.step), at=at)
        is_about_the_reader = not line.recipients or self._recipients[message_id] in line.recipients
        if line.step in _ENDINGS and is_about_the_reader:
            self._traces[message_id] = replace(before, step=line.step, words=line.words)


def _as_taken(step: Step) -> Step:
    """Whatever becomes of a message in the queue, it was taken before."""
    return step if step is Step.READ else Step.TAKEN
