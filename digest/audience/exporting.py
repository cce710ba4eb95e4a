"""Lists of readers on their way out: as CSV in the columns of a system, or as JSON."""

import csv
import json
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any, TextIO
from zoneinfo import ZoneInfo

from digest.audience.cells import guard
from digest.audience.mailchimp import FILE_OF_STATE
from digest.audience.shape import Person, Shape
from digest.model import Subscriber, SubscriberState
from digest.store.database import Database
from digest.store.tags import list_tags_of

_PAGE = 1000
_MARKED_SHAPES = ("digest", "stibee")
"""Read in spreadsheets, which take Korean wrongly without a byte order mark; the importers of others want none."""


def list_people(database: Database, subscribers: Iterable[Subscriber]) -> Iterator[Person]:
    """Subscribers with their tags, looked up in pages, so that a million of them need little memory."""
    found = iter(subscribers)
    while page := list(islice(found, _PAGE)):
        tags = list_tags_of(database, [subscriber.id for subscriber in page])
        for subscriber in page:
            yield Person(subscriber=subscriber, tags=tags.get(subscriber.id, ()))


class Confirmed:
    """Those of some people who are not pending: no other system knows such people, and would mail them."""

    def __init__(self, people: Iterable[Person]) -> None:
        self.left_out = 0
        self._people = people

    def __iter__(self) -> Iterator[Person]:
        for person in self._people:
            if person.subscriber.state is SubscriberState.PENDING:
                self.left_out += 1
            else:
                yield person


@dataclass(frozen=True, kw_only=True)
class CsvForm:
    """CSV in the columns of a system.

    A cell that a spreadsheet would run as a formula gets an apostrophe before it; an import takes it off again.
    """

    shape: Shape
    timezone: ZoneInfo
    """The site's."""

    def write(self, people: Iterable[Person], file: TextIO) -> int:
        """Write people and tell how many."""
        writer = csv.writer(file)
        writer.writerow(self.shape.exported)
        written = 0
        for person in people:
            writer.writerow([guard(cell) for cell in self.shape.write(person, self.timezone)])
            written += 1
        return written

    @property
    def encoding(self) -> str:
        """Of a file."""
        return "utf-8-sig" if self.shape.name in _MARKED_SHAPES else "utf-8"


def export_archive(people: Iterable[Person], path: Path, form: CsvForm) -> int:
    """Write people into a zip archive with a file for each state, as Mailchimp does, and tell how many."""
    names = dict.fromkeys(FILE_OF_STATE.values())
    written = 0
    with ExitStack() as stack:
        files = {name: stack.enter_context(TemporaryFile("w+", encoding="utf-8", newline="")) for name in names}
        for file in files.values():
            form.write((), file)
        for person in people:
            cells = form.shape.write(person, form.timezone)
            csv.writer(files[FILE_OF_STATE[person.subscriber.state]]).writerow([guard(cell) for cell in cells])
            written += 1
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, file in files.items():
                _add_to_archive(archive, f"{name}_email_audience_export.csv", file)
    return written


def _add_to_archive(archive: zipfile.ZipFile, name: str, file: TextIO) -> None:
    file.seek(0)
    with archive.open(name, "w") as member:
        while text := file.read(1 << 20):
            member.write(text.encode())


def export_json(people: Iterable[Person], file: TextIO) -> int:
    """Write people as a JSON array, a line each, and tell how many."""
    written = 0
    file.write("[")
    for person in people:
        file.write(",\n" if written else "\n")
        json.dump(subscriber_to_json(person.subscriber, person.tags), file, ensure_ascii=False)
        written += 1
    file.write("\n]\n" if written else "]\n")
    return written


def subscriber_to_json(subscriber: Subscriber, tags: Iterable[str]) -> dict[str, Any]:
    """A subscriber with their tags as plain JSON values."""
    return {
        "address": subscriber.address,
        "name": subscriber.name,
        "locale": subscriber.locale,
        "timezone": subscriber.timezone,
        "state": str(subscriber.state),
        "newsletters": [subscription.newsletter for subscription in subscriber.subscriptions],
        "sections": sorted({section for s in subscriber.subscriptions for section in s.sections}),
        "consent_source": subscriber.consent_source,
        "consent_at": subscriber.consent_at and subscriber.consent_at.isoformat(),
        "created_at": subscriber.created_at.isoformat(),
        "left_at": subscriber.left_at and subscriber.left_at.isoformat(),
        "paused_until": subscriber.paused_until and subscriber.paused_until.isoformat(),
        "tags": list(tags),
    }
