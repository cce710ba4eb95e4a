"""Print how fast a digest leaves for a server that is 20 ms away, by connections: medians of interleaved rounds.

    python benchmarks/round_trip.py [--rounds 5] [--round-trip 20] [--seconds 4]

Between the sender and postfix's smtp-sink stands benchmarks/delay_proxy.py, which hands bytes on after half a round
trip each way. smtp-source and nodemailer run in the same rounds over 10 connections. A round takes about a minute and a
half.
"""

import argparse
import sys
import tempfile
from pathlib import Path

from contenders import NODEMAILER, OURS, OURS_UVLOOP, SOURCE, Contender, Field, run
from measuring import FailedRunError, Rounds, verdict
from peer_setup import set_up_peers
from publication import CONNECTIONS, Newsroom

COUNTS = (1, 10, 50, 100)
LEAST = 45.0
"""Messages a second over each connection."""
LINEAR = 0.9
PEERS = {NODEMAILER: 22, SOURCE: 12}
"""Roughly how many messages a second they send over a connection at 20 ms, to choose how many a run has."""


def main() -> None:
    """Measure in rounds, one of each kind after the other, and print medians."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--round-trip", type=float, default=20.0, help="milliseconds")
    parser.add_argument("--seconds", type=float, default=4.0, help="roughly how long one run takes")
    options = parser.parse_args()
    peers = set_up_peers()
    rounds = Rounds()
    with tempfile.TemporaryDirectory() as name:
        contenders = {c.label: c for c in Field(Newsroom(Path(name)), peers, Path(name)).contenders()}
        ours = contenders.get(OURS_UVLOOP, contenders[OURS])
        runs = [(ours, count, LEAST) for count in COUNTS]
        runs += [(contenders[label], CONNECTIONS, rate) for label, rate in PEERS.items() if label in contenders]
        for number in range(options.rounds):
            for contender, count, expected in runs:
                messages = round(count * expected * options.seconds)
                try:
                    found = run(contender, messages, peers.postfix, connections=count, round_trip_ms=options.round_trip)
                except FailedRunError as error:
                    print(f"{_label(contender, count)}: {error}")
                    continue
                rounds.add(_label(contender, count), found.rate)
            print(f"round {number + 1} of {options.rounds} done", file=sys.stderr)
    rounds.print(f"messages/s at {options.round_trip:g} ms")
    print()
    _judge(rounds, ours)


def _judge(rounds: Rounds, ours: Contender) -> None:
    each = {count: _over(rounds.median(_label(ours, count)), count) for count in COUNTS}
    for count, rate in each.items():
        verdict(f"messages/s a connection over {count}", rate, least=LEAST)
    verdict(f"a connection of {COUNTS[-1]} × one alone", _over(each[COUNTS[-1]], each[1]), least=LINEAR)
    for label in PEERS:
        theirs = rounds.median(f"{label}, {CONNECTIONS} connections")
        verdict(f"digest × {label}", _over(rounds.median(_label(ours, CONNECTIONS)), theirs), least=1.0)


def _label(contender: Contender, count: int) -> str:
    return f"{contender.label}, {count} connection{'s' if count > 1 else ''}"


def _over(value: float | None, divisor: float | None) -> float | None:
    return value / divisor if value is not None and divisor else None


if __name__ == "__main__":
    main()
