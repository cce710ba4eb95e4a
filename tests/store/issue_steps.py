"""The steps of an issue's life, as tests take them."""

from datetime import timedelta

from digest.model import DeliveryState
from digest.schedule import Occurrence
from digest.store.groups import queue_deliveries
from digest.store.issues import FrozenChoice, Variant, freeze_issue
from digest.store.leases import Lease, claim_issue
from digest.store.ledger import DeliveryResult, advance_deliveries, claim_deliveries, count_deliveries
from workspaces import EDITION, NOW

OCCURRENCE = Occurrence(edition=EDITION, due_at=NOW - timedelta(hours=1))
DEADLINE = NOW + timedelta(hours=36)
VARIANT = Variant(
    key='["",[]]', article_ids=("1",), subject="제목 <1>", preheader="줄", html="<p>‰</p>\r\n", text="글\n"
)


def claim(database, clock, owner="first", **changes) -> Lease | None:
    values = {"occurrence": OCCURRENCE, "origin": "schedule", "deadline": DEADLINE, "newsletter": "weekly"} | changes
    newsletter, occurrence = values.pop("newsletter"), values.pop("occurrence")
    return claim_issue(database, newsletter, occurrence, owner=owner, boot=clock.boot(), now=clock.now(), **values)


def freeze(database, lease, clock, *, queue=True, frozen=None) -> None:
    with database.transaction():
        freeze_issue(
            database,
            lease,
            frozen=frozen or {"window": {"end": NOW.isoformat()}},
            choices=(FrozenChoice(article_id="1", position=1, choice={"제목": "글"}),),
            variants=(VARIANT,),
            boot=clock.boot(),
            now=clock.now(),
        )
        if queue:
            queue_deliveries(database, lease, "weekly", now=clock.now())


def take(database, lease, clock, limit):
    return claim_deliveries(database, lease, limit=limit, boot=clock.boot(), now=clock.now())


def advance(database, lease, clock, *, results=(), to_wire=()):
    advance_deliveries(database, lease, results=results, to_wire=to_wire, boot=clock.boot(), now=clock.now())


def sent(delivery_id, state=DeliveryState.SENT):
    return DeliveryResult(delivery_id=delivery_id, state=state, code=250, reply="ok")


def counts(database, issue_id=1):
    return {str(state): count for state, count in count_deliveries(database, issue_id).items() if count}
