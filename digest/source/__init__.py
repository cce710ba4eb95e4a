"""Where articles and views come from: import files, and the publisher's own SQLite database."""

from digest.source.articles import ArticleRow, read_article_file
from digest.source.database import PublisherRead, read_publisher
from digest.source.files import FORMATS, FileOptions, RefusedRow, Row, read_rows
from digest.source.views import read_view_file

__all__ = [
    "FORMATS",
    "ArticleRow",
    "FileOptions",
    "PublisherRead",
    "RefusedRow",
    "Row",
    "read_article_file",
    "read_publisher",
    "read_rows",
    "read_view_file",
]
