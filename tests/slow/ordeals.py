"""A site whose sending is killed, stopped and hindered, and what must be true of its ledger at the end."""

import os
import signal
import sqlite3
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from random import Random, randrange

from digest.store.database import FILE_NAME, open_database
from workspaces import add_readers, due_minutes_ago, fill_with_news, reader_address, settings_text, smtp_settings

STARTUP_SECONDS = 0.6
"""Within this time a send opens the workspace, publishes and begins."""


class Site:
    """A workspace with an edition that is due, and a mail server to send it to."""

    def __init__(self, workspace, server, *, readers: int, connections: int) -> None:
        """Make it with pytest's fixture `workspace`."""
        due, schedule = due_minutes_ago(datetime.now(UTC))
        delivery = smtp_settings(server, connections=connections)
        site, newsletter = {"timezone": "UTC"}, {"schedule": schedule, "timezone": "UTC"}
        self.edition: date = due
        self.file: Path = workspace(settings_text(newsletter, delivery=delivery, site=site))
        self.database = self.file.with_name(FILE_NAME)
        self.server = server
        self.readers = readers
        self.connections = connections
        with open_database(self.database) as database:
            fill_with_news(database, at=datetime.now(UTC) - timedelta(days=2))
            add_readers(database, range(readers))

    @property
    def send(self) -> tuple[object, ...]:
        """The arguments of `digest` that send it."""
        return ("send", "weekly", "--date", self.edition, "--yes", "--config", self.file)

    def rows(self) -> dict[str, str]:
        """The state of each reader's delivery, by address."""
        with open_database(self.database) as database:
            found = database.rows(
                "SELECT address, delivery.state FROM delivery JOIN subscriber ON subscriber_id = subscriber.id"
            )
            return {row[0]: row[1] for row in found}

    def states(self) -> Counter[str]:
        """How many deliveries are in each state."""
        return Counter(self.rows().values())

    def write(self, sql: str) -> None:
        """Change the ledger behind the program's back."""
        with open_database(self.database) as database:
            database.execute(sql)

    def issue_state(self) -> str:
        """The state of the one issue."""
        with open_database(self.database) as database:
            return database.value("SELECT state FROM issue")

    def require_whole(self, *, interruptions: int) -> None:
        """Nobody is lost, nobody got two, and no more is uncertain than could have been on the wire."""
        taken, rows = self.server.taken(), self.rows()
        everybody = {reader_address(number) for number in range(self.readers)}
        states = Counter(rows.values())
        uncertain = {address for address, state in rows.items() if state == "uncertain"}
        say(f"{states}; {len(uncertain & set(taken))} of the uncertain were delivered")
        assert set(rows) == everybody
        assert self.issue_state() == "sent"
        assert set(states) <= {"sent", "uncertain"}
        assert [address for address, count in taken.items() if count > 1] == []
        assert set(taken) <= everybody
        assert everybody - set(taken) <= uncertain
        assert len(uncertain) <= interruptions * self.connections


def seeded() -> Random:
    """Chance that can be repeated, with the environment variable SEED."""
    seed = int(os.environ.get("SEED", "0")) or randrange(2**32)
    say(f"seed {seed}; again with SEED={seed}")
    return Random(seed)


def say(words: str) -> None:
    """Print what pytest shows with a failure."""
    print(words)  # noqa: T201


def wait_until(condition: Callable[[], bool], process, *, seconds: float = 60) -> None:
    """Return once it is so, or the process has ended."""
    give_up_at = time.monotonic() + seconds
    while not condition() and process.poll() is None:
        assert time.monotonic() < give_up_at, process.args
        time.sleep(0.001)


def kill_again_and_again(
    site: Site,
    start,
    *,
    kills: int,
    moments: Random,
    meanwhile: Callable[[], None] = lambda: None,
    between: Callable[[], None] = lambda: None,
) -> None:
    """Send until killed at a random moment, and again, so many times.

    Args:
        site: what is sent.
        start: pytest's fixture `start_digest`.
        kills: how many; a sender that ends by itself first is none.
        moments: when.
        meanwhile: done before each kill, while the sender runs.
        between: done after each end of a sender.
    """
    done = 0
    while done < kills:
        process = start(*site.send)
        if moments.random() < 0.15:
            time.sleep(moments.uniform(0, STARTUP_SECONDS))
        else:
            count = site.server.count()
            goal = count + moments.randint(1, max(1, (site.readers - count) // (kills - done + 1)))
            wait_until(lambda goal=goal: site.server.count() >= goal, process)
            meanwhile()
            time.sleep(moments.uniform(0, 0.005))
        process.kill()
        code = process.wait()
        assert code in (0, -signal.SIGKILL), process.stdout.read()
        assert site.states()["wire"] <= site.connections, f"after {done} kills"
        assert code or site.issue_state() != "sent", f"everything is sent after {done} kills; give it more readers"
        done += code != 0
        between()


def finish(site: Site, run, *, seconds: float = 120) -> None:
    """Send the rest."""
    last = run(*site.send, timeout=seconds)
    assert last.returncode == 0, last.stderr
    assert "Traceback" not in last.stderr


@contextmanager
def write_lock(file: Path) -> Iterator[None]:
    """Hold a database as another program would that writes for long."""
    with closing(sqlite3.connect(file, isolation_level=None, timeout=10)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        yield
        connection.execute("ROLLBACK")


def stop_between_commits(process, site: Site) -> None:
    """SIGSTOP; one that is stopped while it holds the write lock would hold up everybody, rivals and all."""
    while process.poll() is None:
        process.send_signal(signal.SIGSTOP)
        os.waitid(os.P_PID, process.pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)
        if not _is_locked(site.database):
            return
        process.send_signal(signal.SIGCONT)
        time.sleep(0.003)


def _is_locked(file: Path) -> bool:
    with closing(sqlite3.connect(file, isolation_level=None, timeout=0)) as connection:
        try:
            connection.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError:
            return True
        connection.execute("ROLLBACK")
        return False


def refuse_at_first(tries: Mapping[str, int], moments: Random) -> Callable[[str, str], str]:
    """Answers of a server that puts some recipients off, so many times each, before or after the message."""
    left = dict(tries)
    phases = {address: moments.choice(("RCPT", "DOT")) for address in tries}

    def refuse(phase: str, address: str) -> str:
        if phase != phases.get(address) or not left[address]:
            return ""
        left[address] -= 1
        return "451 4.3.0 try again later"

    return refuse
