"""A dry run: every message of an issue is written as the real send would, and none is handed over."""

from collections.abc import Callable
from dataclasses import dataclass

from digest.compose import Edition
from digest.deliver.letters import Reader, write_message
from digest.model import SubscriberState
from digest.proof import Proof, make_proof, variant_of
from digest.store.database import Database
from digest.store.subscribers import SubscriberFilter, list_subscribers
from digest.variants import Workshop


@dataclass(frozen=True, kw_only=True)
class Rehearsal:
    """What the real send would do."""

    proof: Proof
    recipients: int
    without_articles: int
    """Subscribers whose sections have no article in this issue: they get no message."""
    largest_message: int
    """Bytes."""
    total_bytes: int


def rehearse(database: Database, edition: Edition, workshop: Workshop, *, on_message: Callable[[], None]) -> Rehearsal:
    """Write every message of an issue and throw it away.

    Raises:
        IssueError: the edition has nothing to show.
        RenderError: a template or a value is wrong.
    """
    proof = make_proof(database, edition, workshop)
    slug = edition.newsletter.slug
    sizes: list[int] = []
    without_articles = 0
    wanted = SubscriberFilter(state=SubscriberState.ACTIVE, newsletter=slug)
    for subscriber in list_subscribers(database, wanted):
        variant = variant_of(subscriber, slug).key
        if variant not in proof.letterhead.bodies:
            without_articles += 1
            continue
        reader = Reader(subscriber_id=subscriber.id, address=subscriber.address, name=subscriber.name)
        sizes.append(len(write_message(proof.letterhead, variant, reader).content))
        on_message()
    return Rehearsal(
        proof=proof,
        recipients=len(sizes),
        without_articles=without_articles,
        largest_message=max(sizes, default=0),
        total_bytes=sum(sizes),
    )
