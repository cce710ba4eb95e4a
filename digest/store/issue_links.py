"""The links of an issue whose clicks are counted: where each leads, fixed with it, and how often it was followed."""

from collections.abc import Iterable
from dataclasses import dataclass

from digest.store.database import Database


@dataclass(frozen=True, kw_only=True)
class IssueLink:
    """One article's link."""

    place: int
    """Its number in the issue, from 1 on; it stands in addresses."""
    article_id: str
    url: str
    """Where it leads."""


@dataclass(frozen=True, kw_only=True)
class LinkClicks:
    """How often a link was followed, by each reader once a day."""

    link: IssueLink
    people: int
    machines: int
    """By programs that look at what mails lead to."""


def save_links(database: Database, issue_id: int, links: Iterable[IssueLink]) -> None:
    """Keep the links of an issue, in the transaction that freezes it."""
    database.execute_many(
        "INSERT INTO issue_link (issue_id, place, article_id, url) VALUES (?, ?, ?, ?)",
        [(issue_id, link.place, link.article_id, link.url) for link in links],
    )


def list_links(database: Database, issue_id: int) -> tuple[IssueLink, ...]:
    """The links of an issue in their order; none where clicks are not counted."""
    return tuple(clicks.link for clicks in list_clicks(database, issue_id))


def list_clicks(database: Database, issue_id: int) -> tuple[LinkClicks, ...]:
    """The same with how often each was followed."""
    rows = database.rows("SELECT * FROM issue_link WHERE issue_id = ? ORDER BY place", (issue_id,))
    return tuple(
        LinkClicks(
            link=IssueLink(place=row["place"], article_id=row["article_id"], url=row["url"]),
            people=row["people"],
            machines=row["machines"],
        )
        for row in rows
    )


def find_target(database: Database, issue_id: int, place: int) -> str | None:
    """Where a link of an issue leads, or None where the issue has no such link."""
    value = database.value("SELECT url FROM issue_link WHERE issue_id = ? AND place = ?", (issue_id, place))
    return None if value is None else str(value)


def count_links(database: Database, issue_id: int) -> int:
    """How many links of an issue are counted."""
    return int(database.value("SELECT count(*) FROM issue_link WHERE issue_id = ?", (issue_id,)))
