"""`digest.toml` as frozen values: what is allowed, what it defaults to, and errors that say what to write instead.

Reading the file, the environment and secret files happens in `load_settings`; everything else is values.
"""

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self
from zoneinfo import ZoneInfo

from pydantic import BaseModel, Field, ValidationError, model_validator

from digest.errors import SettingsError
from digest.language import load_language
from digest.settings_delivery import DeliverySettings, DkimSettings, WarmUpSettings
from digest.settings_inbound import InboundSettings
from digest.settings_problems import Location, describe_problems, suggestion
from digest.settings_tables import (
    OWN_WORDS,
    SUBJECT_FIELDS,
    BrandSettings,
    NewsletterSettings,
    SiteSettings,
    SourceSettings,
    Table,
    parse_mailbox,
)
from digest.settings_web import WebSettings

__all__ = [
    "FILE_NAME",
    "OWN_WORDS",
    "SUBJECT_FIELDS",
    "BrandSettings",
    "DeliverySettings",
    "DkimSettings",
    "InboundSettings",
    "NewsletterSettings",
    "Settings",
    "SiteSettings",
    "SourceSettings",
    "WarmUpSettings",
    "WebSettings",
    "find_settings_file",
    "load_settings",
    "parse_mailbox",
]

FILE_NAME = "digest.toml"
_SECRETS = (
    ("delivery", "password"),
    ("site", "secret_key"),
    ("web", "operations_token"),
    ("inbound", "password"),
    ("inbound", "webhook_token"),
)
"""Values that `DIGEST_<TABLE>_<KEY>` or a `<key>_file` may give instead of the file itself."""


class Settings(Table):
    """The whole of `digest.toml`."""

    site: SiteSettings = Field(description="The publisher.")
    brand: BrandSettings = Field(default_factory=BrandSettings, description="How newsletters look.")
    source: SourceSettings = Field(default_factory=SourceSettings, description="Articles and views.")  # type: ignore[arg-type]
    newsletters: tuple[NewsletterSettings, ...] = Field(alias="newsletter", min_length=1)
    delivery: DeliverySettings = Field(default_factory=DeliverySettings, description="How messages leave.")  # type: ignore[arg-type]
    web: WebSettings | None = Field(None, description="Readers' pages; with this table `digest run` serves them.")
    inbound: InboundSettings = Field(default_factory=InboundSettings, description="What comes back.")  # type: ignore[arg-type]
    file: Path = Field(Path(FILE_NAME), exclude=True, description="Where it was read from.")

    @model_validator(mode="after")
    def _slugs_differ(self) -> Self:
        slugs = [newsletter.slug for newsletter in self.newsletters]
        twice = sorted({slug for slug in slugs if slugs.count(slug) > 1})
        if twice:
            raise ValueError(f"two newsletters have the slug {twice[0]!r}; each needs its own")
        return self

    @model_validator(mode="after")
    def _advertising_names_its_sender(self) -> Self:
        missing = [key for key in ("postal_address", "phone") if not getattr(self.site, key)]
        marked = [newsletter.slug for newsletter in self.newsletters if newsletter.advertising]
        if marked and missing:
            raise ValueError(
                f"newsletter {marked[0]!r} is advertising, and Korean law (network act, article 50) asks for the "
                f"sender's address and phone in it: set site.{' and site.'.join(missing)}"
            )
        return self

    @model_validator(mode="after")
    def _counting_has_its_pages(self) -> Self:
        """Without the pages, the links of every mail would be dead."""
        for newsletter in self.newsletters:
            if (newsletter.count_clicks or newsletter.count_opens) and self.web is None:
                raise ValueError(
                    f"newsletter {newsletter.slug!r} counts opens or clicks, and digest's own pages do that: add [web]"
                )
            if newsletter.utm and not (self.site.url or newsletter.utm_hosts):
                raise ValueError(
                    f"newsletter {newsletter.slug!r} has utm, for links to your own hosts: set site.url or utm_hosts"
                )
        return self

    @property
    def folder(self) -> Path:
        """The workspace: the folder of the file."""
        return self.file.parent

    @property
    def web_or_defaults(self) -> WebSettings:
        """`[web]`, or what its keys default to."""
        return self.web or WebSettings.model_validate({})

    def newsletter(self, slug: str | None) -> NewsletterSettings:
        """The newsletter of that slug, or the only one.

        Raises:
            SettingsError: there is none of that slug, or several and no slug.
        """
        slugs = [newsletter.slug for newsletter in self.newsletters]
        if slug is None and len(slugs) > 1:
            raise SettingsError(f"{self.file} has {len(slugs)} newsletters; say which: {', '.join(slugs)}")
        for newsletter in self.newsletters:
            if slug in (None, newsletter.slug):
                return newsletter
        raise SettingsError(f"{self.file} has no newsletter {slug!r}{suggestion(str(slug), slugs)}")

    def timezone_of(self, newsletter: NewsletterSettings) -> ZoneInfo:
        """The timezone its days are counted in."""
        return ZoneInfo(newsletter.timezone or self.site.timezone)

    def brand_of(self, newsletter: NewsletterSettings) -> BrandSettings:
        """How it looks: `[brand]` with the newsletter's own keys over it."""
        own = newsletter.brand
        if own is None:
            return self.brand
        return self.brand.model_copy(update={name: getattr(own, name) for name in own.model_fields_set})

    def locale_of(self, newsletter: NewsletterSettings) -> str:
        """The language it is written in."""
        return newsletter.locale or self.site.locale


def find_settings_file(start: Path, environment: Mapping[str, str], explicit: Path | None = None) -> Path:
    """The settings file: the explicit one, `DIGEST_CONFIG`, or `digest.toml` upward from `start`.

    Raises:
        SettingsError: there is none; the message says where it was looked for.
    """
    named = explicit or (Path(environment["DIGEST_CONFIG"]) if environment.get("DIGEST_CONFIG") else None)
    if named is not None:
        named = named / FILE_NAME if named.is_dir() else named
        if not named.is_file():
            raise SettingsError(f"{named} is not there; `digest init` makes a workspace")
        return named.absolute()
    for folder in (start.absolute(), *start.absolute().parents):
        if (folder / FILE_NAME).is_file():
            return folder / FILE_NAME
    raise SettingsError(
        f"no {FILE_NAME} in {start.absolute()} or above it; make a workspace with `digest init`, "
        "or name one with --config or DIGEST_CONFIG"
    )


def load_settings(file: Path, environment: Mapping[str, str] = os.environ) -> Settings:
    """Read, complete with secrets and check a settings file.

    Raises:
        SettingsError: one line per problem, each with the file, the key's path, what was found and what is allowed.
    """
    try:
        content = tomllib.loads(file.read_text(encoding="utf-8-sig"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SettingsError(f"{file} cannot be read: {error}") from error
    _fill_in_secrets(content, file, environment)
    if "file" in content:
        raise SettingsError(f"{file}: file is not a known setting; allowed here: {', '.join(_keys_at(()))}")
    try:
        settings = Settings.model_validate({**content, "file": file.absolute()})
        _check_locales(settings)
    except ValidationError as error:
        raise SettingsError("\n".join(describe_problems(error.errors(), file, _keys_at))) from error
    return settings


def _fill_in_secrets(content: dict[str, Any], file: Path, environment: Mapping[str, str]) -> None:
    for table, key in _SECRETS:
        values = content.get(table, {})
        if not isinstance(values, dict):
            continue
        variable = f"DIGEST_{table}_{key}".upper()
        secret_file = values.get(f"{key}_file")
        if environment.get(variable):
            content.setdefault(table, values)[key] = environment[variable]
        elif isinstance(secret_file, str):
            values[key] = _read_secret(file.parent / secret_file, f"{table}.{key}_file", file)


def _read_secret(path: Path, key: str, file: Path) -> str:
    try:
        return path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{file}: {key}: {path} cannot be read: {error}") from error


def _check_locales(settings: Settings) -> None:
    """A locale is allowed where it has a catalogue, in the package or in the workspace."""
    wanted = {"site.locale": settings.site.locale}
    wanted |= {f"newsletter[{n}].locale": each.locale for n, each in enumerate(settings.newsletters, 1) if each.locale}
    for key, locale in wanted.items():
        try:
            load_language(locale, settings.folder / "locales")
        except SettingsError as error:
            raise SettingsError(f"{settings.file}: {key}: found {locale!r}; {error}") from error


def _keys_at(location: Location) -> list[str]:
    tables: dict[str, type[BaseModel]] = {
        "site": SiteSettings,
        "brand": BrandSettings,
        "source": SourceSettings,
        "newsletter": NewsletterSettings,
        "delivery": DeliverySettings,
        "warm_up": WarmUpSettings,
        "dkim": DkimSettings,
        "web": WebSettings,
        "inbound": InboundSettings,
    }
    tables_on_the_way = [tables[str(key)] for key in location if key in tables]
    table = tables_on_the_way[-1] if tables_on_the_way else Settings
    return [field.alias or name for name, field in table.model_fields.items() if name != "file"]
