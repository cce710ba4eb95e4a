"""The program as one object: settings, database, clock and keys of a workspace, opened together."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property
from pathlib import Path
from random import Random

from digest.clock import Clock
from digest.compose import Edition, window_of
from digest.deliver.open_transport import open_transport
from digest.deliver.transport import Transport
from digest.gather import Reading, read_source
from digest.mail.links import Keyring
from digest.render.templates import TemplateLibrary
from digest.schedule import next_edition
from digest.settings import NewsletterSettings, Settings, load_settings
from digest.store.articles import get_last_reading
from digest.store.database import FILE_NAME, Database, open_database
from digest.store.secrets import KEY_BYTES, ensure_key, is_first_key_dropped, list_link_keys
from digest.variants import Workshop


@dataclass(frozen=True)
class App:
    """An open workspace. One thread may use it."""

    settings: Settings
    database: Database
    clock: Clock
    random: Random
    """For the jitter of retries only; keys come from the system's generator."""

    @cached_property
    def key(self) -> bytes:
        """The workspace's own key, of hashes and names: the configured one, or the one kept in the database."""
        if self.settings.site.secret_key:
            return self.settings.site.secret_key.encode()
        return ensure_key(self.database, secrets.token_bytes(KEY_BYTES))

    @property
    def keyring(self) -> Keyring:
        """The keys that links are signed with and believed by; read each time, as a command may rotate them."""
        rotated = [link_key.value for link_key in list_link_keys(self.database)]
        first = [] if rotated and is_first_key_dropped(self.database) else [self.key]
        return Keyring((*rotated, *first))

    @cached_property
    def workshop(self) -> Workshop:
        """What rendering needs; the workspace's own templates and catalogues win over the packaged ones."""
        folder = self.settings.folder
        return Workshop(templates=TemplateLibrary([folder / "templates"], locales=self.locales), key=self.key)

    @property
    def locales(self) -> Path:
        """Where the workspace's own catalogues would lie."""
        return self.settings.folder / "locales"

    @property
    def transport(self) -> Transport:
        """The way out that the settings name."""
        return open_transport(self.settings.delivery, self.settings.folder, clock=self.clock)

    def default_edition(self, newsletter: NewsletterSettings) -> date:
        """The edition an editor works on: today's where one is due today, else the next."""
        return next_edition(newsletter.due, self.settings.timezone_of(newsletter), self.clock.now())

    def today(self, newsletter: NewsletterSettings) -> date:
        """The present local date of a newsletter."""
        return self.clock.now().astimezone(self.settings.timezone_of(newsletter)).date()

    def last_reading(self) -> datetime | None:
        """When the publisher's database was read last; None where it never was."""
        return get_last_reading(self.database)

    def open_edition(self, newsletter: NewsletterSettings, edition: date) -> tuple[Edition, Reading | None]:
        """Look at an edition from now, after reading the publisher's database where one is named.

        Raises:
            SourceError: that database cannot be read.
        """
        now = self.clock.now()
        window = window_of(self.database, self.settings, newsletter, edition, now=now)
        reading = read_source(self.database, self.settings, window=window, now=now)
        read_since = reading.read_at if reading else None
        edition_now = Edition(
            settings=self.settings, newsletter=newsletter, date=edition, now=now, window=window, read_since=read_since
        )
        return edition_now, reading


@contextmanager
def open_app(settings_file: Path) -> Iterator[App]:
    """Open the workspace of a settings file.

    Raises:
        SettingsError: the file is wrong.
        StoreError: the database cannot be used.
    """
    settings = load_settings(settings_file)
    with open_database(settings.folder / FILE_NAME) as database:
        yield App(settings=settings, database=database, clock=Clock(), random=Random())  # noqa: S311 - jitter
