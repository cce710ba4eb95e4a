"""People as the database keeps them, made into values."""

import json
import sqlite3

from digest.model import Subscriber, SubscriberState, Subscription
from digest.store.database import Database, moment, to_moment


def subscriptions_of(database: Database, subscriber_id: int) -> tuple[Subscription, ...]:
    """The newsletters of one person."""
    return subscriptions_between(database, subscriber_id, subscriber_id).get(subscriber_id, ())


def subscriptions_between(database: Database, first: int, last: int) -> dict[int, tuple[Subscription, ...]]:
    """The newsletters of the people whose ids lie between two, both included, by id."""
    found: dict[int, list[Subscription]] = {}
    for row in database.rows(
        """SELECT subscriber_id, newsletter, sections FROM subscription
        WHERE subscriber_id BETWEEN ? AND ? ORDER BY subscriber_id, newsletter""",
        (first, last),
    ):
        subscription = Subscription(newsletter=row["newsletter"], sections=tuple(json.loads(row["sections"])))
        found.setdefault(row["subscriber_id"], []).append(subscription)
    return {subscriber_id: tuple(subscriptions) for subscriber_id, subscriptions in found.items()}


def subscriber_from_row(row: sqlite3.Row, subscriptions: tuple[Subscription, ...]) -> Subscriber:
    """A row of the table, with what the person gets."""
    return Subscriber(
        id=row["id"],
        address=row["address"],
        name=row["name"],
        locale=row["locale"],
        timezone=row["timezone"],
        state=SubscriberState(row["state"]),
        created_at=moment(row["created_at"]),
        consent_source=row["consent_source"],
        consent_at=to_moment(row["consent_at"]),
        consent_wording=row["consent_wording"],
        left_at=to_moment(row["left_at"]),
        paused_until=to_moment(row["paused_until"]),
        subscriptions=subscriptions,
    )
