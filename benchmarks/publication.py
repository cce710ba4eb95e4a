"""An invented publication to send from: the demo's news, any number of readers, and a fresh copy of it a run."""

import os
import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from figures import digest
from measuring import Cost, measure
from sink import HOST, free_port

from digest.store.database import open_database

CONNECTIONS = 10
DATABASE, SETTINGS = "digest.db", "digest.toml"
_READERS = """
WITH RECURSIVE number (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM number WHERE n < ?)
INSERT INTO subscriber (address, name, state, created_at, consent_source)
SELECT 'reader' || n || '@mail' || (n % 500) || '.example.com', '독자 ' || n, 'active', 0, 'invented' FROM number
"""


@dataclass(frozen=True, kw_only=True)
class Publication:
    """A workspace with news and readers, whose newest edition has not been sent."""

    folder: Path
    edition: str
    readers: int

    def copy(self, folder: Path) -> "Publication":
        """The same in another folder, to be sent from once."""
        folder.mkdir(parents=True)
        for name in (DATABASE, SETTINGS, "dkim.pem"):
            if (self.folder / name).exists():
                shutil.copy2(self.folder / name, folder / name)
        return Publication(folder=folder, edition=self.edition, readers=self.readers)

    def deliver_to(self, port: int, *, connections: int = CONNECTIONS, dkim: bool = False) -> None:
        """Point the settings at a mail server of this machine."""
        lines = [
            'transport = "smtp"',
            f'host = "{HOST}"',
            f"port = {port}",
            'security = "none"',
            f"connections = {connections}",
        ]
        if dkim:
            _make_key(self.folder / "dkim.pem")
            lines += ["[[delivery.dkim]]", 'selector = "bench"', 'key_file = "dkim.pem"']
        self._write_delivery(lines)

    def deliver_to_folder(self) -> Path:
        """Point the settings at a Maildir; the folder its messages come into."""
        self._write_delivery(['transport = "maildir"', 'path = "outbox"'])
        return self.folder / "outbox" / "new"

    def _write_delivery(self, lines: Sequence[str]) -> None:
        file = self.folder / SETTINGS
        head = file.read_text(encoding="utf-8").partition("[delivery]")[0]
        file.write_text("\n".join([head + "[delivery]", *lines, ""]), encoding="utf-8")

    def send(
        self, *, env: Mapping[str, str] | None = None, codes: tuple[int, ...] = (0,), seconds: float = 900
    ) -> Cost:
        """`digest send`, as a process of its own."""
        command = [sys.executable, "-m", "digest", "send", "weekly", "--date", self.edition, "--yes"]
        return measure(*command, cwd=self.folder, env=env, codes=codes, seconds=seconds)

    def publish(self) -> Cost:
        """Freeze the issue and queue it for every reader, and hand nothing over: there is no mail server."""
        self.deliver_to(free_port())
        cost = self.send(codes=(1,))
        if self.states() != {"queued": self.readers}:
            raise RuntimeError(f"the ledger has {self.states()}, and {self.readers:,} rows should be queued")
        return cost

    def remove(self) -> None:
        """Delete the folder."""
        shutil.rmtree(self.folder)

    def states(self) -> dict[str, int]:
        """The ledger's rows by state."""
        with open_database(self.folder / DATABASE) as database:
            return {row[0]: row[1] for row in database.rows("SELECT state, count(*) FROM delivery GROUP BY state")}

    def require_sent(self) -> None:
        """Fail where the ledger does not say that every reader's message was sent."""
        found = self.states()
        if found != {"sent": self.readers}:
            raise RuntimeError(f"the ledger has {found}, and {self.readers:,} should be sent")


class Newsroom:
    """Makes publications that differ only in how many readers they have."""

    def __init__(self, folder: Path, *, changes: Mapping[str, str] | None = None) -> None:
        """Say where, and which texts of the demo's digest.toml are replaced."""
        self._folder = folder
        self._changes = changes or {}
        self._made: dict[int, Publication] = {}

    def publication(self, readers: int) -> Publication:
        """One with so many readers, made once."""
        if readers not in self._made:
            folder = self._folder / f"readers-{readers}"
            digest("demo", str(folder), cwd=self._folder)
            _replace(folder / SETTINGS, self._changes)
            edition = _replace_readers(folder / DATABASE, readers)
            self._made[readers] = Publication(folder=folder, edition=edition, readers=readers)
        return self._made[readers]

    def sample(self) -> bytes:
        """One message as it leaves, CRLF lines."""
        copy = self.publication(1).copy(self._folder / "sample")
        address = "reader1@mail1.example.com"
        digest("send", "weekly", "--date", copy.edition, "--test", address, cwd=copy.folder)
        (file,) = (copy.folder / "outbox" / "new").iterdir()
        content = file.read_bytes().replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
        shutil.rmtree(copy.folder)
        return content


def _replace(file: Path, changes: Mapping[str, str]) -> None:
    text = file.read_text(encoding="utf-8")
    for found, wanted in changes.items():
        if found not in text:
            raise RuntimeError(f"the demo's settings no longer hold {found!r}")
        text = text.replace(found, wanted)
    file.write_text(text, encoding="utf-8")


def _replace_readers(file: Path, count: int) -> str:
    """Readers by number instead of the demo's, and no issue yet; returns the edition the demo had sent."""
    with open_database(file) as database:
        edition = database.value("SELECT max(edition) FROM issue")
        with database.transaction():
            for table in ("issue", "subscriber"):
                database.execute(f"DELETE FROM {table}")
            database.execute(_READERS, (count,))
            database.execute("INSERT INTO subscription (newsletter, subscriber_id) SELECT 'weekly', id FROM subscriber")
    return str(edition)


def _make_key(file: Path) -> None:
    if file.exists():
        return
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    content = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT, 0o600), "wb") as opened:
        opened.write(content)
