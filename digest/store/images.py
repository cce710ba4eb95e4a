"""Pictures as they were read from the web: their size, or why they cannot be shown."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from digest.store.database import Database, moment, to_seconds


@dataclass(frozen=True, kw_only=True)
class StoredImage:
    """What is known of one picture."""

    url: str
    """The address, as articles name it."""
    width: int | None = None
    """Pixels; None where there is a problem."""
    height: int | None = None
    """Pixels; None where there is a problem."""
    type: str = ""
    """image/jpeg, image/png or image/gif."""
    problem: str = ""
    """Why it cannot be shown, in words; "" where it can."""
    read_at: datetime
    """Aware, in UTC."""

    @property
    def is_good(self) -> bool:
        """Whether it can be shown."""
        return not self.problem


def save_image(database: Database, image: StoredImage, *, content: bytes = b"") -> None:
    """Keep what was read, inside the caller's transaction, instead of what was known before.

    Args:
        database: the workspace's database.
        image: what is known of the picture now.
        content: its file, for a preview that loads nothing; b"" keeps none.
    """
    database.execute(
        """INSERT INTO image (url, width, height, type, content, problem, read_at) VALUES (?, ?, ?, ?, ?, ?, ?)
        ON CONFLICT (url) DO UPDATE SET width = excluded.width, height = excluded.height, type = excluded.type,
          content = excluded.content, problem = excluded.problem, read_at = excluded.read_at""",
        (
            image.url,
            image.width,
            image.height,
            image.type,
            content or None,
            image.problem,
            to_seconds(image.read_at),
        ),
    )


def get_images(database: Database, urls: Iterable[str]) -> dict[str, StoredImage]:
    """Those of the given pictures that were read, by address; without their contents."""
    rows = database.rows(
        """SELECT url, width, height, type, problem, read_at FROM image
        WHERE url IN (SELECT value FROM json_each(?))""",
        (json.dumps(list(urls), ensure_ascii=False),),
    )
    return {row["url"]: StoredImage(**{**dict(row), "read_at": moment(row["read_at"])}) for row in rows}


def get_image_content(database: Database, url: str) -> bytes | None:
    """The file of a picture, or None where it was not read or not kept."""
    found: bytes | None = database.value("SELECT content FROM image WHERE url = ?", (url,))
    return found


def drop_images_read_before(database: Database, limit: datetime) -> int:
    """Forget pictures read before a moment, inside the caller's transaction; tells how many."""
    return database.execute("DELETE FROM image WHERE read_at < ?", (to_seconds(limit),))
