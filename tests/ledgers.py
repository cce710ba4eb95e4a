"""A ledger to try things on: one issue in a database of its own, with a clock that can be set."""

from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from digest.model import DeliveryState
from digest.schedule import Occurrence
from digest.store.database import open_database
from digest.store.groups import make_variant_key, queue_deliveries
from digest.store.issues import Variant, freeze_issue
from digest.store.leases import claim_issue
from digest.store.ledger import DeliveryResult, advance_deliveries, claim_deliveries
from workspaces import EDITION, NOW, SetClock, add_readers

READERS = 7
CATCH_UP = timedelta(hours=36)
OCCURRENCE = Occurrence(edition=EDITION, due_at=NOW)
QUEUED, CLAIMED, WIRE, SENT, DEFERRED, FAILED, UNCERTAIN, CANCELLED = DeliveryState


class Ledger:
    """One issue in a database of its own, and a clock."""

    def __init__(self, readers=READERS, **profile):
        self.clock = SetClock()
        self._folder = TemporaryDirectory()
        self.database = open_database(Path(self._folder.name) / "digest.db", create=True)
        self.database.execute("PRAGMA synchronous=OFF")
        add_readers(self.database, range(readers), **profile)

    def close(self):
        self.database.close()
        self._folder.cleanup()

    @property
    def at(self):
        return {"boot": self.clock.boot(), "now": self.clock.now()}

    def claim(self, owner="one"):
        return claim_issue(
            self.database, "weekly", OCCURRENCE, origin="schedule", deadline=NOW + CATCH_UP, owner=owner, **self.at
        )

    def freeze(self, lease, *keys):
        variants = [
            Variant(key=key, article_ids=(), subject="", preheader="", html="", text="")
            for key in keys or (make_variant_key("", ()).key,)
        ]
        with self.database.transaction():
            freeze_issue(self.database, lease, frozen={}, choices=(), variants=tuple(variants), **self.at)
            return queue_deliveries(self.database, lease, "weekly", now=self.clock.now())

    def take(self, lease, limit=100):
        return claim_deliveries(self.database, lease, limit=limit, **self.at)

    def advance(self, lease, *, results=(), to_wire=()):
        advance_deliveries(self.database, lease, results=results, to_wire=to_wire, **self.at)

    def states(self):
        """The state of every row, by its id."""
        rows = self.database.rows("SELECT id, state FROM delivery ORDER BY id")
        return {row["id"]: DeliveryState(row["state"]) for row in rows}


def result(delivery_id, state, next_at=None):
    return DeliveryResult(delivery_id=delivery_id, state=state, code=None, reply=str(state), next_at=next_at)
