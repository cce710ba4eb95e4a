"""Print how fast mail leaves of which no two are alike, beside the same mail in bulk: medians of interleaved rounds.

    python benchmarks/personal.py [--rounds 5] [--readers 100000]

The personal issue has 30 articles on its page; each reader's row names ten of them by chance, in an order of its own,
as the third part of its variant. The bulk issue has ten articles, the same for everyone. Both go to postfix's smtp-sink
over 10 connections. A round takes about a minute.
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random

from contenders import require_count
from measuring import Cost, FailedRunError, Rounds, verdict
from peer_setup import Postfix, set_up_postfix
from publication import DATABASE, Newsroom, Publication
from sink import Sink

from digest.store.database import open_database

ARTICLES, PICKED = 30, 10
LEAST = 0.8
SAMPLES = 50
"""Messages that are looked at for their size."""
_PAGE = {
    "limit = 10": f"limit = {ARTICLES}",
    "max_per_section = 3": "# max_per_section = 3",
    'window = "7d"': 'window = "28d"',
}
BULK, PERSONAL = "bulk", "personal"


@dataclass(frozen=True, kw_only=True)
class Kind:
    """One of the two."""

    label: str
    newsroom: Newsroom
    is_personal: bool

    def publish(self, readers: int, folder: Path) -> Publication:
        """An issue that is queued for so many readers, each with their choice."""
        copy = self.newsroom.publication(readers).copy(folder)
        copy.publish()
        if self.is_personal:
            choose(copy, Random(readers))
        return copy


def choose(publication: Publication, random: Random) -> None:
    """Name some articles of the page, by their places, in every row of the ledger."""

    def choices() -> Iterator[tuple[str, int]]:
        for (row,) in rows:
            yield json.dumps(random.sample(range(ARTICLES), PICKED), separators=(",", ":")), row

    with open_database(publication.folder / DATABASE) as database:
        rows = database.rows("SELECT id FROM delivery")
        with database.transaction():
            database.execute_many(
                "UPDATE delivery SET variant = json_insert(variant, '$[#]', json(?)) WHERE id = ?", choices()
            )


def main() -> None:
    """Measure in rounds, one of each kind after the other, and print medians."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--readers", type=int, default=100_000)
    options = parser.parse_args()
    postfix = set_up_postfix()
    rates, cpu = Rounds(), Rounds()
    with tempfile.TemporaryDirectory() as name:
        kinds = list(_kinds(Path(name)))
        for kind in kinds:
            size = _mean_size(kind, Path(name) / "sample")
            print(f"{kind.label}: {size:,.0f} bytes a message")
        for number in range(options.rounds):
            for kind in kinds:
                one, everyone = (_send(kind, count, postfix, Path(name) / "run") for count in (1, options.readers))
                cost = everyone.over(one)
                rates.add(kind.label, (options.readers - 1) / cost.wall)
                cpu.add(kind.label, cost.cpu / (options.readers - 1) * 1e6)
            print(f"round {number + 1} of {options.rounds} done", file=sys.stderr)
    rates.print("messages/s, starting aside")
    cpu.print("µs of CPU a message, starting aside")
    print()
    bulk, personal = rates.median(BULK), rates.median(PERSONAL)
    verdict("personal × bulk", personal / bulk if bulk and personal else None, least=LEAST)


def _kinds(folder: Path) -> Iterator[Kind]:
    for label, changes in ((BULK, {}), (PERSONAL, _PAGE)):
        (folder / label).mkdir()
        newsroom = Newsroom(folder / label, changes=changes)
        yield Kind(label=label, newsroom=newsroom, is_personal=label == PERSONAL)


def _mean_size(kind: Kind, folder: Path) -> float:
    copy = kind.publish(SAMPLES, folder)
    outbox = copy.deliver_to_folder()
    try:
        copy.send()
    except FailedRunError as error:
        sys.exit(f"{kind.label}: {error}")
    sizes = [file.stat().st_size for file in outbox.iterdir()]
    copy.remove()
    return sum(sizes) / len(sizes)


def _send(kind: Kind, readers: int, postfix: Postfix, folder: Path) -> Cost:
    copy = kind.publish(readers, folder)
    with Sink(postfix.sink, environment=postfix.environment) as sink:
        copy.deliver_to(sink.port)
        cost = copy.send(seconds=1800)
        copy.require_sent()
        require_count(sink, readers)
    copy.remove()
    return cost


if __name__ == "__main__":
    main()
