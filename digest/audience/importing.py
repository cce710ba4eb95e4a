"""Lists of readers on their way in: every row is checked and set aside, and then all are written at once."""

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from itertools import islice
from pathlib import Path

from digest.audience.report import SubscriberReport, Tally
from digest.audience.roster import Roster, RosterOptions, list_rosters, open_roster
from digest.audience.shape import LeftOut
from digest.audience.wishes import Wishes, make_profile
from digest.errors import AddressError, RowError, SettingsError
from digest.model import SubscriberState
from digest.settings import Settings
from digest.source.files import FileOptions, RefusedRow, Row
from digest.store.database import Database, to_seconds
from digest.store.secrets import hash_address
from digest.store.subscriber_import import ImportRules, RefusedPerson, Written, shrink_log, write_rows
from digest.store.subscriber_staging import StagedRow, number_rounds, open_staging, stage_rows
from digest.store.subscribers import Profile
from digest.store.tags import clean_tags

_BATCH = 5000
_PROGRESS_EVERY = 1000


@dataclass(frozen=True, kw_only=True)
class SubscriberImport:
    """How to import a file of subscribers."""

    path: Path
    """A table, or a zip archive of tables."""
    options: FileOptions
    settings: Settings
    locales: Path
    key: bytes
    """The workspace's signing key: suppressed addresses are known by its hash."""
    newsletters: tuple[str, ...]
    """What people are added to whose row names none, beside those they have."""
    default_newsletters: tuple[str, ...]
    """What they get who would have none at all."""
    consent_source: str = ""
    """Where they agreed, where the row does not say; "" names the file."""
    shape: str | None = None
    """A name in `SHAPES`; None goes by the columns."""
    state: str = ""
    """Of people whose row and file name none; "" is active, where a system's files can be told apart."""
    resubscribe: bool = False
    """Also bring back people who left, bounced, complained or are suppressed, and take pending ones as readers."""
    dry_run: bool = False
    report: Path | None = None
    """A CSV file for the rows that are not taken."""
    listed: int | None = None
    """How many refused rows the report itself lists; None for all."""
    on_progress: Callable[[int], None] = field(default=lambda _: None)

    @property
    def roster_options(self) -> RosterOptions:
        """How to read its files."""
        return RosterOptions(files=self.options, shape=self.shape, state=self.state, consent_source=self.consent_source)


class _NotKept(Exception):  # noqa: N818 - not an error: rolls a transaction back
    """Ends a transaction without keeping it."""


def import_subscribers(database: Database, order: SubscriberImport, *, now: datetime) -> SubscriberReport:
    """Import subscribers: sound rows are kept, refused ones are reported with line and reason.

    Reading locks nobody out. Then all rows are written in one transaction, so that an import that is stopped, however
    hard, has kept nothing.

    Raises:
        SourceError: a file as a whole cannot be read or understood; nothing is kept.
    """
    with Tally(order.report, listed=order.listed) as tally, open_staging(database):
        intake = _Intake(database, order, tally)
        intake.read()
        written = _write(database, order, intake, now)
    return tally.report(
        written.changes,
        shapes=tuple(dict.fromkeys(intake.shapes)),
        stay_pending=written.stay_pending,
        kept=not order.dry_run,
    )


def _write(database: Database, order: SubscriberImport, intake: "_Intake", now: datetime) -> Written:
    rounds = number_rounds(database)
    rules = ImportRules(
        newsletters=order.newsletters,
        default_newsletters=order.default_newsletters,
        resubscribe=order.resubscribe,
        now=now,
    )
    with suppress(_NotKept), database.transaction():
        written = write_rows(database, rules, rounds=rounds, on_refused=intake.refuse_person)
        if order.dry_run:
            raise _NotKept
    shrink_log(database, sum(written.changes.values()))
    return written


class _Intake:
    """Reads the files of an import, and sets their sound rows aside."""

    def __init__(self, database: Database, order: SubscriberImport, tally: Tally) -> None:
        self.shapes: list[str] = []
        self._database = database
        self._order = order
        self._tally = tally
        self._files: list[tuple[Path, str]] = []
        self._position = 0

    def read(self) -> None:
        """All files, row by row; bad rows go into the tally."""
        order = self._order
        with list_rosters(order.path, order.roster_options) as paths:
            self._begin_tally(paths)
            for path in paths:
                with open_roster(path, order.roster_options, within=order.path) as roster:
                    self._read_roster(roster)
        order.on_progress(self._position % _PROGRESS_EVERY)

    def _begin_tally(self, paths: Sequence[Path]) -> None:
        columns: dict[str, None] = {}
        if self._tally.wants_cells:
            for path in paths:
                with open_roster(path, self._order.roster_options, within=self._order.path) as roster:
                    columns |= dict.fromkeys(roster.columns)
        self._tally.begin(columns, several_files=len(paths) > 1)

    def _read_roster(self, roster: Roster) -> None:
        self._files.append((roster.path, roster.address_column))
        self.shapes.append(roster.shape.name)
        staged = self._stage(roster)
        while batch := list(islice(staged, _BATCH)):
            stage_rows(self._database, batch)

    def _stage(self, roster: Roster) -> Iterator[StagedRow]:
        for row in roster.rows:
            self._position += 1
            if self._position % _PROGRESS_EVERY == 0:
                self._order.on_progress(_PROGRESS_EVERY)
            try:
                staged = self._stage_row(roster, row)
            except RowError as error:
                self._tally.refuse(roster.path, error, row.values)
            else:
                if staged is not None:
                    yield staged

    def _stage_row(self, roster: Roster, row: Row | RefusedRow) -> StagedRow | None:
        """The row as it is set aside; None where it is left out."""
        if isinstance(row, RefusedRow):
            raise row.error
        wishes = roster.shape.read(row, roster.sheet)
        if isinstance(wishes, LeftOut):
            self._tally.note_status(wishes.status, None)
            self._tally.list(roster.path, row.error("", f"left out: {wishes.status}"), row.values)
            return None
        profile = self._check(row, wishes)
        if profile.state not in _READS:
            self._tally.note_status(wishes.status or profile.state, profile.state)
        return StagedRow(
            position=self._position,
            file=len(self._files) - 1,
            line=row.line,
            address=profile.address,
            address_hash=hash_address(self._order.key, profile.address),
            name=profile.name,
            locale=profile.locale,
            timezone=profile.timezone,
            state=profile.state.value,
            newsletters=_to_json(profile.newsletters and tuple(dict.fromkeys(profile.newsletters))),
            sections=_to_json(profile.sections),
            tags=_to_json(_clean(wishes.tags) or None),
            consent_source=profile.consent_source,
            consent_at=to_seconds(profile.consent_at) if profile.consent_at else None,
            cells=json.dumps(dict(row.values), ensure_ascii=False) if self._tally.wants_cells else None,
        )

    def _check(self, row: Row, wishes: Wishes) -> Profile:
        try:
            return make_profile(wishes, self._order.settings, locales=self._order.locales)
        except AddressError as error:
            raise row.error("address", str(error)) from error
        except SettingsError as error:
            raise row.error("", str(error)) from error

    def refuse_person(self, person: RefusedPerson) -> None:
        """Note a row that the database refused."""
        path, column = self._files[person.file]
        error = RowError(line=person.line, column=column, reason=person.reason)
        self._tally.refuse(path, error, json.loads(person.cells or "{}"))


_READS = (SubscriberState.ACTIVE, SubscriberState.PENDING)


@lru_cache(maxsize=4096)
def _to_json(words: tuple[str, ...] | None) -> str | None:
    return None if words is None else json.dumps(words, ensure_ascii=False)


@lru_cache(maxsize=4096)
def _clean(tags: tuple[str, ...]) -> tuple[str, ...]:
    return clean_tags(tags)
