"""Print what a million readers cost: memory, the queue, and the time and CPU of a message as their number grows.

    python benchmarks/million.py [--readers 1000000] [--rounds 1]

Each reader gets the demo's digest, some 40 KB, by postfix's smtp-sink over 10 connections. Takes about six minutes and
400 MB of disk with a million readers; the sink must count every message, and the ledger must say `sent` of each.
"""

import argparse
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from contenders import require_count
from measuring import Cost, Rounds, measure, verdict
from peer_setup import Postfix, set_up_postfix
from publication import SETTINGS, Newsroom
from sink import Sink

STEPS = 10
"""From one size to the next; the three largest are measured."""
FLAT = 1.15
"""How much more a message of many may cost than one of few."""
EMPTY = f"""
from pathlib import Path
import digest.cli.send, digest.service, digest.tick
from digest.app import open_app
with open_app(Path("{SETTINGS}")) as app:
    app.workshop, app.transport
"""
"""The program with everything imported and a workspace open, doing nothing."""
MB = 1_000_000


@dataclass(frozen=True, kw_only=True)
class Sent:
    """One size: what it took to queue it, and to send it."""

    queue: Cost
    send: Cost


def main() -> None:
    """Measure each size, one after the other, and print medians."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--readers", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=1)
    options = parser.parse_args()
    sizes = [max(2, options.readers // step) for step in (STEPS**2, STEPS, 1)]
    postfix = set_up_postfix()
    rounds = Rounds()
    with tempfile.TemporaryDirectory() as name:
        newsroom = Newsroom(Path(name))
        for number in range(options.rounds):
            empty = _measure_empty(newsroom)
            rounds.add("MB of memory: the program with a workspace open", empty.peak / MB)
            base = _send(newsroom, 1, postfix)
            for size in sizes:
                _note(rounds, size, _send(newsroom, size, postfix), base, empty)
                print(f"round {number + 1} of {options.rounds}: {size:,} done", file=sys.stderr)
    rounds.print("starting aside (a run with one message)")
    print()
    _judge(rounds, sizes)


def _measure_empty(newsroom: Newsroom) -> Cost:
    return measure(sys.executable, "-c", EMPTY, cwd=newsroom.publication(1).folder)


def _send(newsroom: Newsroom, size: int, postfix: Postfix) -> Sent:
    copy = newsroom.publication(size).copy(Path(newsroom.publication(1).folder.parent) / "run")
    queue = copy.publish()
    with Sink(postfix.sink, environment=postfix.environment) as sink:
        copy.deliver_to(sink.port)
        send = copy.send(seconds=3600)
        copy.require_sent()
        require_count(sink, size)
    copy.remove()
    return Sent(queue=queue, send=send)


def _note(rounds: Rounds, size: int, sent: Sent, base: Sent, empty: Cost) -> None:
    cost = sent.send.over(base.send)
    rounds.add(f"{size:,}: s until the queue stands", sent.queue.over(base.queue).wall)
    rounds.add(f"{size:,}: messages/s", (size - 1) / cost.wall)
    rounds.add(_wall(size), cost.wall / (size - 1) * 1e6)
    rounds.add(_cpu(size), cost.cpu / (size - 1) * 1e6)
    rounds.add(f"{size:,}: MB of memory over the empty program, queueing", (sent.queue.peak - empty.peak) / MB)
    rounds.add(f"{size:,}: MB of memory over the empty program, sending", (sent.send.peak - empty.peak) / MB)


def _wall(size: int) -> str:
    return f"{size:,}: µs a message"


def _cpu(size: int) -> str:
    return f"{size:,}: µs of CPU a message"


def _judge(rounds: Rounds, sizes: list[int]) -> None:
    print(f"the sink counted all of {sizes[-1]:,} messages, and the ledger has all of them sent")
    for label in (_wall, _cpu):
        few, many = (rounds.median(label(size)) for size in (sizes[0], sizes[-1]))
        ratio = many / few if few and many else None
        verdict(f"{label(sizes[-1])} × {sizes[0]:,}", ratio, most=FLAT)


if __name__ == "__main__":
    main()
