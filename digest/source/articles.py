"""Rows → articles, with their running totals where the rows have them."""

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from digest.errors import RowError, SourceError
from digest.model import Article, RunningTotal
from digest.source.cells import missing_columns, parse_address, read_address, read_count, read_id, read_moment
from digest.source.clean import clean_excerpt, clean_line
from digest.source.files import FileOptions, RefusedRow, Row, check_mapping, open_table

REQUIRED_COLUMNS = ("id", "url", "title", "published_at")
OPTIONAL_COLUMNS = (
    *("subheads", "excerpt", "image", "image_caption", "image_width", "image_height"),
    *("section", "section_slug", "author", "source", "language", "views"),
)
"""`views` is a running total, taken at the moment of reading. Any other column is passed over."""
_PIXELS = re.compile(r"\s*([1-9][0-9]{0,4})(?:\.0*)?\s*")
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]{1,8})*")


@dataclass(frozen=True, kw_only=True)
class ArticleRow:
    """One row that is an article."""

    line: int
    """1-based line on which it begins; for a query, the 1-based row of its result."""
    article: Article
    total: RunningTotal | None
    """What its column `views` says, where there is one and it is not empty."""


def read_article_file(path: Path, options: FileOptions) -> Iterator[ArticleRow | RefusedRow]:
    """The articles of an import file, in its order, and the rows that are none.

    Raises:
        SourceError: the whole file is at fault (while iterating): missing, cut off, not decodable, of an unknown
            format, or without a required column.
    """
    check_mapping(options.mapping, REQUIRED_COLUMNS + OPTIONAL_COLUMNS)
    with open_table(path, options) as table:
        if table.columns and (missing := missing_columns(REQUIRED_COLUMNS, table.columns, options.mapping)):
            raise SourceError(
                f"it has no column {', '.join(missing)}; found: {', '.join(table.columns)}. "
                f"Say which column it is with --map {missing[0]}=COLUMN"
            )
        yield from parse_articles(table.rows, timezone=options.timezone, read_at=options.read_at)


def parse_articles(
    rows: Iterable[Row | RefusedRow], *, timezone: ZoneInfo, read_at: datetime
) -> Iterator[ArticleRow | RefusedRow]:
    """Each row as an article, or refused: also where its id has been on an earlier line."""
    line_of_id: dict[str, int] = {}
    taken_at = read_at.astimezone(UTC).replace(microsecond=0)
    for row in rows:
        if isinstance(row, RefusedRow):
            yield row
            continue
        try:
            parsed = _parse_article_row(row, timezone, taken_at)
            _check_new(row, parsed.article.id, line_of_id)
        except RowError as error:
            yield RefusedRow(error=error, values=row.values)
        else:
            yield parsed


def _check_new(row: Row, article_id: str, line_of_id: dict[str, int]) -> None:
    line = line_of_id.setdefault(article_id, row.line)
    if line != row.line:
        raise row.error("id", f"{article_id!r} is on line {line} already")


def _parse_article_row(row: Row, timezone: ZoneInfo, taken_at: datetime) -> ArticleRow:
    article = _parse_article(row, timezone)
    total = None
    if row.text("views").strip():
        total = RunningTotal(article_id=article.id, total=read_count(row, "views"), taken_at=taken_at)
    return ArticleRow(line=row.line, article=article, total=total)


def _parse_article(row: Row, timezone: ZoneInfo) -> Article:
    name, slug = clean_line(row.text("section")), clean_line(row.text("section_slug"))
    return Article(
        id=read_id(row, "id"),
        url=read_address(row, "url"),
        title=_title(row),
        published_at=read_moment(row, "published_at", timezone),
        subheads=_subheads(row.listed("subheads")),
        excerpt=clean_excerpt(row.text("excerpt")),
        image=_image(row.text("image")),
        image_caption=clean_line(row.text("image_caption")),
        image_width=_pixels(row.text("image_width")),
        image_height=_pixels(row.text("image_height")),
        section=slug or name,
        section_name=name or slug,
        author=clean_line(row.text("author")),
        source=clean_line(row.text("source")),
        language=_language(row.text("language")),
    )


def _title(row: Row) -> str:
    title = clean_line(row.text("title"))
    if not title:
        raise row.error("title", "no title")
    return title


def _subheads(text: str) -> tuple[str, ...]:
    """From a JSON array of texts, or from lines parted by newlines or " | "."""
    if not text:
        return ()
    lines = _listed_lines(text) if text.lstrip().startswith("[") else None
    cleaned = (clean_line(line) for line in (re.split(r"[\r\n]+|\s\|\s", text) if lines is None else lines))
    return tuple(line for line in cleaned if line)


def _listed_lines(text: str) -> list[str] | None:
    """None where the text is no JSON array: it may begin with a tag such as [단독]."""
    try:
        values = json.loads(text, parse_int=str, parse_float=str)
    except (ValueError, RecursionError):
        return None
    return [value for value in values if isinstance(value, str)] if isinstance(values, list) else None


def _image(text: str) -> str:
    """Its address, or "": an article is not lost for a picture that cannot be shown."""
    try:
        return parse_address(text) if text else ""
    except ValueError:
        return ""


def _pixels(text: str) -> int | None:
    match = _PIXELS.fullmatch(text) if text else None
    return int(match[1]) if match else None


def _language(text: str) -> str:
    """A BCP 47 tag; "ko_KR" is what most systems call "ko-KR"."""
    tag = text.strip().replace("_", "-")
    return tag if _LANGUAGE.fullmatch(tag) else ""
