"""What the editor wrote for one edition of a newsletter, instead of what the settings say."""

from dataclasses import dataclass
from datetime import date, datetime

from digest.store.database import Database, to_seconds


@dataclass(frozen=True, kw_only=True)
class EditionWords:
    """The editor's own words for one edition."""

    subject: str | None = None
    """The subject line, or None for the newsletter's pattern."""
    intro: str | None = None
    """The words before the articles, in Markdown: "" for none, None for the newsletter's own."""


def get_words(database: Database, newsletter: str, edition: date) -> EditionWords:
    """The words of an edition; none of them where nobody wrote any."""
    row = database.row(
        "SELECT subject, intro FROM edition_words WHERE newsletter = ? AND edition = ?",
        (newsletter, edition.isoformat()),
    )
    return EditionWords() if row is None else EditionWords(subject=row["subject"], intro=row["intro"])


def save_words(database: Database, newsletter: str, edition: date, words: EditionWords, *, now: datetime) -> None:
    """Replace the words of an edition, in one transaction."""
    with database.transaction():
        database.execute(
            """INSERT INTO edition_words (newsletter, edition, subject, intro, written_at) VALUES (?, ?, ?, ?, ?)
            ON CONFLICT (newsletter, edition) DO UPDATE SET subject = excluded.subject, intro = excluded.intro,
            written_at = excluded.written_at""",
            (newsletter, edition.isoformat(), words.subject, words.intro, to_seconds(now)),
        )
