"""Nothing that is asked while an issue is sent walks over the rows that were sent: they are a million."""

from datetime import timedelta

import pytest

from digest.model import DeliveryState
from digest.store.issues import cancel_issue, expire_issue
from digest.store.leases import LEASE_SECONDS, settle_abandoned_rows, settle_stopped_issues
from digest.store.ledger import count_deliveries, list_deliveries, next_attempt_at
from digest.store.pacing import count_waiting
from digest.store.uncertain import list_uncertain, resolve_uncertain
from ledgers import Ledger
from workspaces import NOW

UNSENT = [state for state in DeliveryState if state is not DeliveryState.SENT]


@pytest.fixture
def ledger():
    made = Ledger()
    made.lease = made.claim()
    made.freeze(made.lease)
    yield made
    made.close()


def resolve(ledger):
    with ledger.database.transaction():
        resolve_uncertain(ledger.database, 1, as_sent=True, addresses=(), now=NOW)


def expire(ledger):
    ledger.clock.pass_boot_time(seconds=LEASE_SECONDS + 1)
    assert expire_issue(ledger.database, 1, boot=ledger.clock.boot(), now=NOW + timedelta(days=30))


def settle(ledger):
    with ledger.database.transaction():
        settle_abandoned_rows(ledger.database, 1, now=NOW)


@pytest.mark.parametrize(
    "ask",
    [
        lambda ledger: ledger.take(ledger.lease, 3),
        lambda ledger: count_deliveries(ledger.database, 1),
        lambda ledger: next_attempt_at(ledger.database, 1),
        lambda ledger: count_waiting(ledger.database),
        lambda ledger: list_deliveries(ledger.database, 1, states=UNSENT),
        lambda ledger: list_uncertain(ledger.database, 1),
        lambda ledger: settle_stopped_issues(ledger.database, "weekly", boot=ledger.clock.boot(), now=NOW),
        lambda ledger: cancel_issue(ledger.database, 1, boot=ledger.clock.boot(), now=NOW),
        expire,
        resolve,
        settle,
    ],
    ids=[
        "claim", "count", "next attempt", "count waiting", "list", "uncertain", "stopped", "cancel", "expire",
        "resolve", "settle",
    ],
)  # fmt: skip
def test_an_index_leads_to_the_rows(ledger, ask):
    said = []
    connection = ledger.database._connection
    connection.set_trace_callback(said.append)
    ask(ledger)
    connection.set_trace_callback(None)
    asked = [sql for sql in said if "delivery" in sql.replace("erased_delivery", "") and not sql.startswith("--")]
    assert asked
    for sql in asked:
        steps = [row["detail"] for row in ledger.database.rows(f"EXPLAIN QUERY PLAN {sql}")]
        # Of a subquery by the table's name it says that as well.
        walked = [step for step in steps if step.startswith(("SEARCH delivery ", "SCAN delivery "))]
        assert walked, sql
        for step in walked:
            is_subquery = step == "SCAN delivery" and "AS delivery" in sql
            is_count_of_all = "COVERING INDEX sqlite_autoindex_delivery_1 (issue_id=?)" in step
            by_row = "USING INTEGER PRIMARY KEY" in step
            by_state = any(f"delivery_{name}" in step for name in ("waiting", "in_flight", "unsent"))
            assert by_state or by_row or is_count_of_all or is_subquery, (step, sql)
