"""Print how fast a real Korean digest leaves, beside other programs that send: medians of interleaved rounds.

    python benchmarks/sending.py [--rounds 5] [--messages 30000]

The message is the demo's, some 40 KB with HTML and text; all of them go to postfix's smtp-sink on this machine over 10
connections. Ours are sent by `digest send` with its ledger, which commits at synchronous=FULL. The peers are fetched
by the script; it says what it could not find. A round takes about a minute; with fewer messages, what is done once in
a run weighs on each of them.
"""

import argparse
import sys
import tempfile
from pathlib import Path

from contenders import (
    AIOSMTPLIB,
    DJANGO,
    NODEMAILER,
    OURS,
    OURS_DKIM,
    OURS_UVLOOP,
    SOURCE,
    Contender,
    Field,
    Result,
    run,
)
from measuring import FailedRunError, Rounds, verdict
from peer_setup import Postfix, set_up_peers
from publication import Newsroom


def main() -> None:
    """Measure in rounds, one of each kind after the other, and print medians."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--messages", type=int, default=30_000, help="of the quick ones; slow peers send fewer")
    options = parser.parse_args()
    peers = set_up_peers()
    with tempfile.TemporaryDirectory() as name:
        field = Field(Newsroom(Path(name)), peers, Path(name))
        print(f"the message has {len(field.message):,} bytes")
        rounds, cpu, whole = Rounds(), Rounds(), Rounds()
        contenders = list(field.contenders())
        for number in range(options.rounds):
            for contender in list(contenders):
                result = _try(contender, options.messages, peers.postfix)
                if result is None:
                    contenders.remove(contender)
                    continue
                _note(contender.label, result, rounds, cpu, whole)
            print(f"round {number + 1} of {options.rounds} done", file=sys.stderr)
    rounds.print("messages/s, starting aside")
    cpu.print("µs of CPU a message, starting aside")
    whole.print("the whole run, and what starting takes (a run with one message)")
    print()
    _judge(rounds, cpu)


def _try(contender: Contender, messages: int, postfix: Postfix) -> Result | None:
    try:
        return run(contender, max(2, round(messages * contender.share)), postfix)
    except FailedRunError as error:
        print(f"{contender.label}: left out: {error}")
        return None


def _note(label: str, result: Result, rounds: Rounds, cpu: Rounds, whole: Rounds) -> None:
    rounds.add(label, result.rate)
    cpu.add(label, result.cpu)
    whole.add(f"{label}: messages/s", result.whole_rate)
    whole.add(f"{label}: µs of CPU a message", result.whole_cpu)
    whole.add(f"{label}: ms to start", result.start.wall * 1e3)
    whole.add(f"{label}: ms of CPU to start", result.start.cpu * 1e3)


def _judge(rounds: Rounds, cpu: Rounds) -> None:
    ours = max(filter(None, (rounds.median(OURS), rounds.median(OURS_UVLOOP))), default=None)
    for peer, least in ((SOURCE, 1.0), (NODEMAILER, 4.0), (AIOSMTPLIB, 1.0), (DJANGO, 10.0)):
        theirs = rounds.median(peer)
        verdict(f"digest, the quicker loop × {peer}", ours / theirs if ours and theirs else None, least=least)
    for label, most in ((OURS, 110), (OURS_UVLOOP, 110), (OURS_DKIM, 430)):
        verdict(f"{label}: µs of CPU a message", cpu.median(label), most=most)


if __name__ == "__main__":
    main()
