"""Pictures of articles: which ones to read from the web, reading them, and putting their sizes beside them.

Reading happens before an issue is made. What makes one looks only at what was read, so no web server can hold up a
mailing, and the bytes of an issue hang on nothing that may change.
"""

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from digest.errors import FetchError, UnreachableError
from digest.model import Article, Choice, Selection
from digest.source.fetch import Fetch
from digest.source.image_size import read_image_size
from digest.store.database import Database
from digest.store.images import StoredImage, get_images, save_image

BROKEN_FOR = timedelta(hours=24)
"""How long a broken picture is left alone."""
GOOD_FOR = timedelta(days=30)
"""How long a size is believed."""

KnownImages = Mapping[str, StoredImage]
"""What was read, by address."""


@dataclass(frozen=True, kw_only=True)
class ImagesReport:
    """What reading pictures did."""

    read: tuple[StoredImage, ...] = ()
    """Those that were read, broken ones among them."""
    unreachable: Mapping[str, str] = field(default_factory=dict)
    """Hosts that could not be connected to, with the reason; their pictures are tried again next time."""
    left: tuple[str, ...] = ()
    """Addresses that were not read: of such hosts, or for want of time."""

    @property
    def broken(self) -> tuple[StoredImage, ...]:
        """Those that cannot be shown."""
        return tuple(image for image in self.read if not image.is_good)


def get_known_images(database: Database, articles: Iterable[Article]) -> dict[str, StoredImage]:
    """What was read of the pictures of these articles."""
    return get_images(database, dict.fromkeys(article.image for article in articles if needs_reading(article)))


def needs_reading(article: Article) -> bool:
    """Whether its picture can be shown once its size is known."""
    return article.image.startswith("https://") and not _has_stated_size(article)


def _has_stated_size(article: Article) -> bool:
    return bool(article.image_width and article.image_height)


def illustrate(selection: Selection, known: KnownImages) -> Selection:
    """The selection with a size beside each picture, and without pictures that have none.

    What the publisher states counts, else what was read. A picture that is not https, was not read yet or is broken is
    taken away, and the article is shown without one.
    """
    return replace(
        selection,
        shown=tuple(_illustrate_choice(choice, known) for choice in selection.shown),
        passed_over=tuple(_illustrate_choice(choice, known) for choice in selection.passed_over),
    )


def _illustrate_choice(choice: Choice, known: KnownImages) -> Choice:
    article = choice.article
    if not article.image or (_has_stated_size(article) and article.image.startswith("https://")):
        return choice
    found = known.get(article.image) if needs_reading(article) else None
    if found is None or not found.is_good:
        changed = replace(article, image="", image_width=None, image_height=None)
    else:
        changed = replace(article, image_width=found.width, image_height=found.height)
    return replace(choice, article=changed)


def urls_to_read(articles: Iterable[Article], known: KnownImages, *, now: datetime) -> tuple[str, ...]:
    """The pictures of these articles that are to be read, each once, in the order of the articles.

    Args:
        articles: the most important first.
        known: what was read before.
        now: the present moment.
    """
    urls = dict.fromkeys(article.image for article in articles if needs_reading(article))
    return tuple(url for url in urls if url not in known or _is_stale(known[url], now))


def _is_stale(image: StoredImage, now: datetime) -> bool:
    return now - image.read_at >= (GOOD_FOR if image.is_good else BROKEN_FOR)


def read_images(
    database: Database,
    urls: Iterable[str],
    *,
    now: datetime,
    fetch: Fetch,
    seconds: float,
    is_stopped: Callable[[], bool] = lambda: False,
    on_progress: Callable[[int], None] = lambda _: None,
) -> ImagesReport:
    """Read pictures one after the other and keep what was found, each in a transaction of its own.

    Args:
        database: the workspace's database.
        urls: their addresses.
        now: the moment of reading.
        fetch: how to read from the web.
        seconds: after so many none is begun any more; each takes at most `image_size.SECONDS`.
        is_stopped: asked before each; ends it early.
        on_progress: told after each that one more was dealt with.
    """
    end = time.monotonic() + seconds
    read: list[StoredImage] = []
    left: list[str] = []
    unreachable: dict[str, str] = {}
    for url in urls:
        if time.monotonic() >= end or is_stopped() or _host(url) in unreachable:
            left.append(url)
            continue
        try:
            read.append(_read_image(database, url, now=now, fetch=fetch))
        except UnreachableError as error:
            unreachable[_host(error.url)] = error.reason
            left.append(url)
        on_progress(1)
    return ImagesReport(read=tuple(read), unreachable=unreachable, left=tuple(left))


def _host(url: str) -> str:
    return urlsplit(url).hostname or ""


def _read_image(database: Database, url: str, *, now: datetime, fetch: Fetch) -> StoredImage:
    """Read one picture, and keep it or why it is broken.

    Raises:
        UnreachableError: no connection could be made, which says nothing about the picture.
    """
    content = b""
    try:
        size = read_image_size(url, fetch=fetch)
    except UnreachableError:
        raise
    except FetchError as error:
        image = StoredImage(url=url, problem=error.reason, read_at=now)
    else:
        image = StoredImage(url=url, width=size.width, height=size.height, type=size.type, read_at=now)
        content = size.content
    with database.transaction():
        save_image(database, image, content=content)
    return image
