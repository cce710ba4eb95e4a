"""Pages of frozen issues: one for each language, of which every reader gets their articles."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from digest.store.database import Database


@dataclass(frozen=True, kw_only=True)
class StoredPage:
    """An issue as rendered for all readers of one language: see `render.pages`."""

    locale: str
    article_ids: tuple[str, ...]
    """The articles it has, in the order that indices count in."""
    html: str
    text: str
    words: Mapping[str, Any]
    """As `PageWords.to_json` writes them."""


def save_pages(database: Database, issue_id: int, pages: Iterable[StoredPage]) -> None:
    """Keep the pages of an issue, inside the caller's transaction."""
    database.execute_many(
        "INSERT INTO issue_page (issue_id, locale, article_ids, html, text, words) VALUES (?, ?, ?, ?, ?, ?)",
        [
            (issue_id, p.locale, json.dumps(p.article_ids), p.html, p.text, json.dumps(p.words, ensure_ascii=False))
            for p in pages
        ],
    )


def list_pages(database: Database, issue_id: int) -> tuple[StoredPage, ...]:
    """The frozen pages of an issue; none where it was frozen before there were any, or its template cannot be cut."""
    rows = database.rows("SELECT * FROM issue_page WHERE issue_id = ? ORDER BY locale", (issue_id,))
    return tuple(
        StoredPage(
            locale=row["locale"],
            article_ids=tuple(json.loads(row["article_ids"])),
            html=row["html"],
            text=row["text"],
            words=json.loads(row["words"]),
        )
        for row in rows
    )
