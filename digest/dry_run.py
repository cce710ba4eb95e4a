"""A dry run: every message of an issue is written as the real send would, and none is handed over."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

from digest.compose import Edition, compose_edition
from digest.deliver.letters import Letterhead, Reader, write_message
from digest.model import DeliveryState, Subscriber, SubscriberState
from digest.proof import Proof, make_proof, variant_of
from digest.render.pages import Leaves, Page
from digest.store import groups
from digest.store.database import Database
from digest.store.groups import VariantKey, get_queued_key, list_variant_keys
from digest.store.histories import received_by
from digest.store.ledger import list_deliveries
from digest.store.subscriber_search import SubscriberFilter, list_subscribers
from digest.variants import Printing, RenderedVariant, Workshop, letterhead_of_draft

_TO_BE_SENT = (DeliveryState.QUEUED, DeliveryState.CLAIMED, DeliveryState.DEFERRED)
_NOTHING = ""
_Wish = tuple[VariantKey, frozenset[str]]
"""A group of readers, and the articles that those of it were sent before."""


@dataclass(frozen=True, kw_only=True)
class Rehearsal:
    """What the real send would do."""

    proof: Proof
    recipients: int
    variants: int
    """How many different mails they get: those of groups, and selections of readers' own."""
    without_articles: int
    """Subscribers for whom this issue has no article, or none that they have not had: they get no message.
    0 for a frozen issue, which does not know of them."""
    largest_message: int
    """Bytes."""
    total_bytes: int


def rehearse(database: Database, edition: Edition, workshop: Workshop, *, on_message: Callable[[], None]) -> Rehearsal:
    """Write every message of an issue and throw it away; of a frozen one, those that are still to be sent.

    Raises:
        IssueError: the edition has nothing to show.
        RenderError: a template or a value is wrong.
    """
    proof = make_proof(database, edition, workshop)
    plan = _make_plan(database, edition, workshop, proof)
    sizes: list[int] = []
    used: set[str] = set()
    without_articles = 0
    for subscriber in _list_readers(database, edition):
        variant = plan.variant_for(subscriber)
        if not variant:
            without_articles += variant == _NOTHING
            continue
        reader = Reader(subscriber_id=subscriber.id, address=subscriber.address, name=subscriber.name)
        sizes.append(len(write_message(plan.letterhead, variant, reader).content))
        used.add(variant)
        on_message()
    return Rehearsal(
        proof=proof,
        recipients=len(sizes),
        variants=len(used),
        without_articles=without_articles,
        largest_message=max(sizes, default=0),
        total_bytes=sum(sizes),
    )


def count_recipients(database: Database, edition: Edition, workshop: Workshop, proof: Proof) -> int:
    """How many subscribers the real send would mail.

    Where it matters what each of them had before, they are looked at one by one.
    """
    if not (edition.newsletter.skip_received or proof.is_frozen):
        return groups.count_recipients(database, edition.newsletter.slug, proof.letterhead.bodies)
    plan = _make_plan(database, edition, workshop, proof)
    return sum(bool(plan.variant_for(reader)) for reader in _list_readers(database, edition))


@dataclass(frozen=True, kw_only=True)
class _Plan:
    """Who would get what."""

    letterhead: Letterhead
    variant_for: Callable[[Subscriber], str | None]
    """The key of a subscriber's variant; "" where it has nothing for them, None where they do not wait for it."""


def _make_plan(database: Database, edition: Edition, workshop: Workshop, proof: Proof) -> _Plan:
    if proof.is_frozen:
        return _plan_of_frozen(database, proof.letterhead)
    if edition.newsletter.skip_received:
        return _plan_by_histories(database, edition, workshop)
    letterhead = proof.letterhead
    return _Plan(letterhead=letterhead, variant_for=lambda reader: _group_of(reader, edition, letterhead))


def _group_of(reader: Subscriber, edition: Edition, letterhead: Letterhead) -> str:
    key = variant_of(reader, edition.newsletter.slug).key
    return key if key in letterhead.bodies else _NOTHING


def _plan_of_frozen(database: Database, letterhead: Letterhead) -> _Plan:
    """What is in the queue. Who is not was sent it, had nothing of it, or came later."""
    rows = list_deliveries(database, letterhead.issue_id, states=_TO_BE_SENT)
    waiting = {row.subscriber_id for row in rows}

    def find(reader: Subscriber) -> str | None:
        queued = get_queued_key(database, letterhead.issue_id, reader.id) if reader.id in waiting else None
        return queued.key if queued else None

    return _Plan(letterhead=letterhead, variant_for=find)


def _plan_by_histories(database: Database, edition: Edition, workshop: Workshop) -> _Plan:
    """What `publish_draft` would queue, asked of each reader instead of written into tables under a lock."""
    wishes = _list_wishes(database, edition)
    distinct = dict.fromkeys(wishes.values())
    keys = (*list_variant_keys(database, edition.newsletter.slug), *(key for key, _ in distinct))
    draft = compose_edition(database, edition)
    printing = Printing(draft, keys, workshop, received=dict.fromkeys(had for _, had in distinct))
    variants = {variant.key: variant for variant in printing.variants()}
    chosen = {wish: _key_of(printing.choose(*wish)) for wish in distinct}
    letterhead = letterhead_of_draft(draft, {**variants, **printing.own}, workshop)
    return _Plan(
        letterhead=replace(letterhead, own=_open_own(edition, workshop, printing.pages)),
        variant_for=lambda reader: chosen[wishes[reader.id]] if reader.id in wishes else None,
    )


def _open_own(edition: Edition, workshop: Workshop, pages: Mapping[str, Page]) -> Callable[[str], Leaves]:
    """What gives the selections of readers' own."""
    locale = edition.settings.locale_of(edition.newsletter)

    def leaves(key: str) -> Leaves:
        wanted = VariantKey.parse(key)
        return pages[workshop.locale_for(wanted.locale, locale)].leaves(wanted.articles)

    return leaves


def _list_wishes(database: Database, edition: Edition) -> Mapping[int, _Wish]:
    """Each reader's by id; those of many are the same object, as a million may be held at once."""
    newsletter = edition.newsletter
    known: dict[_Wish, _Wish] = {}
    wishes = {}
    for reader in _list_readers(database, edition):
        received = received_by(database, reader.id, issues=newsletter.no_repeat)
        wish = (variant_of(reader, newsletter.slug), received)
        wishes[reader.id] = known.setdefault(wish, wish)
    return wishes


def _key_of(variant: RenderedVariant | None) -> str:
    return variant.key.key if variant else _NOTHING


def _list_readers(database: Database, edition: Edition) -> Iterator[Subscriber]:
    wanted = SubscriberFilter(state=SubscriberState.ACTIVE, newsletter=edition.newsletter.slug)
    found = list_subscribers(database, wanted)
    return (reader for reader in found if reader.paused_until is None or reader.paused_until <= edition.now)
