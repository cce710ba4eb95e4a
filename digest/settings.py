"""`digest.toml` as frozen values: what is allowed, what it defaults to, and errors that say what to write instead.

Reading the file, the environment and secret files happens in `load_settings`; everything else is values.
"""

import os
import re
import string
import tomllib
from collections.abc import Mapping
from email.headerregistry import Address
from pathlib import Path
from typing import Any, Literal, Self
from zoneinfo import ZoneInfo, available_timezones

from pydantic import BaseModel, ConfigDict, Field, ValidationError, ValidationInfo, field_validator, model_validator

from digest.errors import SettingsError
from digest.language import load_language
from digest.schedule import Schedule, parse_schedule
from digest.settings_problems import Location, describe_problems, suggestion
from digest.url import clean_url

FILE_NAME = "digest.toml"
SUBJECT_FIELDS = ("newsletter", "site", "date", "first_title", "count")
"""Names a `subject` or `preheader` pattern may hold in braces."""
_SECRETS = (("delivery", "password"), ("site", "secret_key"))
"""Values that `DIGEST_<TABLE>_<KEY>` or a `<key>_file` may give instead of the file itself."""
_MAILBOX = re.compile(r"(?P<name>[^<>]*)<(?P<address>[^<>]*)>|(?P<alone>[^<>]*)", re.DOTALL)
_ATOM, _LABEL = r"[!#-'*+\-/-9=?A-Z^-~]+", r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_ADDRESS = re.compile(rf"{_ATOM}(?:\.{_ATOM})*@{_LABEL}(?:\.{_LABEL})+")
_HOST_AND_PATH = r"[^\s/?#@<>\"]+(?:[/?#][^\s<>\"]*)?"
_SLUG = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class SiteSettings(_Table):
    """`[site]`: the publisher."""

    name: str = Field(min_length=1, description="The site's name, as readers know it.")
    url: str = Field("", description="The site's address, https://…; the masthead links to it.")
    timezone: str = Field("UTC", description="IANA timezone of the site: dates without a zone are read in it.")
    locale: str = Field("en", description="Language of the site: en, ko, or any catalogue that is there.")
    postal_address: str = Field("", description="Shown in the footer; commercial mail must carry one.")
    public_url: str = Field(
        "", description="Where readers reach digest's own pages; by default the site's url + /digest."
    )
    unsubscribe_url: str = Field(
        "", description="Your own unsubscribe page, {token} in its place, instead of digest's."
    )
    preferences_url: str = Field(
        "", description="Your own preferences page, {token} in its place, instead of digest's."
    )
    unsubscribe_mailto: str = Field("", description="Mailbox that takes unsubscribe requests by mail.")
    secret_key: str = Field("", description="Signs links; by default one is made and kept in the database.")
    secret_key_file: Path | None = Field(None, description="A file that holds the secret key.")

    @field_validator("timezone")
    @classmethod
    def _timezone_is_known(cls, value: str) -> str:
        return _known_timezone(value)

    @field_validator("url")
    @classmethod
    def _address_is_http(cls, value: str) -> str:
        if value and not re.fullmatch(rf"https?://{_HOST_AND_PATH}", value):
            raise ValueError("expected an address that begins with https://")
        return _linkable(value)

    @field_validator("public_url", "unsubscribe_url", "preferences_url")
    @classmethod
    def _address_is_https(cls, value: str) -> str:
        if value and not re.fullmatch(rf"https://{_HOST_AND_PATH}", value):
            raise ValueError("expected an address that begins with https:// (RFC 8058 asks for it)")
        return _linkable(value)

    @field_validator("unsubscribe_url", "preferences_url")
    @classmethod
    def _address_takes_a_token(cls, value: str) -> str:
        if value and value.count("{token}") != 1:
            raise ValueError("expected {token} once, where the subscriber's token goes")
        return value

    @field_validator("unsubscribe_mailto")
    @classmethod
    def _mailbox_is_plain(cls, value: str) -> str:
        if value and not _ADDRESS.fullmatch(value):
            raise ValueError("expected an address alone, such as unsubscribe@example.com")
        return value

    def base_url(self, sender_domain: str) -> str:
        """Where readers reach digest's own pages: https always, as one-click unsubscribe must be (RFC 8058)."""
        if self.public_url:
            return self.public_url
        host = re.sub(r"^https?://", "", self.url).partition("/")[0] or sender_domain
        return f"https://{host}/digest"


class SourceSettings(_Table):
    """`[source]`: where articles and views come from."""

    type: Literal["import", "sqlite"] = Field(
        "import", description="import: the digest database, filled by import; sqlite: read in place."
    )
    path: Path | None = Field(None, description="sqlite: the publisher's database file, opened read only.")
    articles: str = Field("", description="sqlite: a SELECT with the columns of an article.")
    views: str = Field("", description="sqlite: a SELECT with dated counts, events or running totals.")
    refresh_minutes: int = Field(
        60, ge=1, le=1440, description="sqlite: how often `digest run` reads it between issues."
    )

    @model_validator(mode="after")
    def _sqlite_needs_path_and_query(self) -> Self:
        if self.type == "sqlite" and not self.path:
            raise ValueError('type = "sqlite" needs path, the database file to read')
        if self.type == "sqlite" and not self.articles.strip():
            raise ValueError('type = "sqlite" needs articles, a SELECT that returns id, url, title, published_at')
        return self


class NewsletterSettings(_Table):
    """One `[[newsletter]]`."""

    slug: str = Field(description="Short name in commands and links: a-z, 0-9 and hyphens.")
    title: str = Field(min_length=1, description="The newsletter's name, as readers see it.")
    sender: str = Field(alias="from", description='Who it is from: "Name <address>".')
    reply_to: str = Field("", description="Where answers go; by default to the sender.")
    schedule: str = Field(
        "mon 08:00",
        description='When it is due: "mon 08:00", "mon,thu 08:00", "daily 08:00", "1st 08:00", "last 08:00".',
    )
    timezone: str = Field("", description="IANA timezone of its days and schedule; by default the site's.")
    locale: str = Field("", description="Language of the digest; by default the site's.")
    window: str = Field("7d", description='"7d": whole local days before the edition; or "since-last".')
    candidates: Literal["published", "viewed"] = Field(
        "published", description="published: articles published in the window; viewed: any with views in it."
    )
    sections: tuple[str, ...] = Field((), description="Only these section keys; empty means all.")
    limit: int = Field(10, ge=1, le=50, description="How many articles an issue shows.")
    max_per_section: int | None = Field(None, ge=1, description="At most so many of one section; none by default.")
    min_articles: int = Field(3, ge=1, description="With fewer articles the issue is skipped.")
    no_repeat: int = Field(4, ge=0, le=520, description="Articles of the last N issues are passed over.")
    template: str = Field("weekly", description="Folder of the template.")
    subject: str = Field("{first_title} · {newsletter}", description="Pattern of the subject line.")
    preheader: str = Field(
        "", description="Pattern of the line after the subject in the inbox; by default the next titles."
    )

    @field_validator("slug")
    @classmethod
    def _slug_is_plain(cls, value: str) -> str:
        if not _SLUG.fullmatch(value):
            raise ValueError("expected lower-case letters, digits and hyphens, 63 at most")
        return value

    @field_validator("sender", "reply_to")
    @classmethod
    def _mailbox_has_an_address(cls, value: str, info: ValidationInfo) -> str:
        if value or info.field_name == "sender":
            parse_mailbox(value)
        return value

    @field_validator("schedule")
    @classmethod
    def _schedule_is_readable(cls, value: str) -> str:
        parse_schedule(value)
        return value

    @field_validator("timezone")
    @classmethod
    def _timezone_is_known(cls, value: str) -> str:
        return _known_timezone(value) if value else value

    @field_validator("window")
    @classmethod
    def _window_is_readable(cls, value: str) -> str:
        if value != "since-last" and not re.fullmatch(r"[1-9]\d{0,2}d", value):
            raise ValueError('expected "7d" (whole days, 1 to 999) or "since-last"')
        return value

    @field_validator("template")
    @classmethod
    def _template_is_a_folder_name(cls, value: str) -> str:
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]*", value):
            raise ValueError("expected the name of a folder in templates/")
        return value

    @field_validator("subject", "preheader")
    @classmethod
    def _pattern_names_known_fields(cls, value: str) -> str:
        for _, name, spec, conversion in string.Formatter().parse(value):
            if name is not None and (name not in SUBJECT_FIELDS or spec or conversion):
                raise ValueError(f"{{{name}}} is not known here; allowed: {_in_braces(SUBJECT_FIELDS)}")
        return value

    @property
    def mailbox(self) -> Address:
        """The sender as an address object."""
        return parse_mailbox(self.sender)

    @property
    def sender_address(self) -> str:
        """The sender's address alone."""
        return f"{self.mailbox.username}@{self.mailbox.domain}"

    @property
    def due(self) -> Schedule:
        """The schedule as a value."""
        return parse_schedule(self.schedule)

    @property
    def window_days(self) -> int | None:
        """Whole days of the window, or None for since-last."""
        return None if self.window == "since-last" else int(self.window[:-1])


class DeliverySettings(_Table):
    """`[delivery]`: how messages leave."""

    transport: Literal["maildir", "smtp"] = Field("maildir", description="maildir: files; smtp: a mail server.")
    path: Path = Field(Path("outbox"), description="maildir: the folder, beside digest.toml unless absolute.")
    host: str = Field("localhost", description="smtp: the relay that takes our mail.")
    port: int = Field(587, ge=1, le=65535, description="smtp: its port.")
    security: Literal["starttls", "tls", "none"] = Field("starttls", description="smtp: how to encrypt.")
    ca_file: Path | None = Field(None, description="smtp: certificates to trust instead of the system's.")
    user: str = Field("", description="smtp: login, if the relay asks for one.")
    password: str = Field("", description="smtp: its password; better DIGEST_DELIVERY_PASSWORD or a file.")
    password_file: Path | None = Field(None, description="smtp: a file that holds the password.")
    connections: int = Field(4, ge=1, le=100, description="smtp: connections used side by side.")
    timeout: int = Field(300, ge=1, le=3600, description="smtp: seconds to wait for an answer; 600 after the dot.")
    catch_up_hours: int = Field(36, ge=1, le=168, description="How late an edition may still be sent.")


class Settings(_Table):
    """The whole of `digest.toml`."""

    site: SiteSettings = Field(description="The publisher.")
    source: SourceSettings = Field(default_factory=SourceSettings, description="Articles and views.")  # type: ignore[arg-type]
    newsletters: tuple[NewsletterSettings, ...] = Field(alias="newsletter", min_length=1)
    delivery: DeliverySettings = Field(default_factory=DeliverySettings, description="How messages leave.")  # type: ignore[arg-type]
    file: Path = Field(Path(FILE_NAME), exclude=True, description="Where it was read from.")

    @model_validator(mode="after")
    def _slugs_differ(self) -> Self:
        slugs = [newsletter.slug for newsletter in self.newsletters]
        twice = sorted({slug for slug in slugs if slugs.count(slug) > 1})
        if twice:
            raise ValueError(f"two newsletters have the slug {twice[0]!r}; each needs its own")
        return self

    @property
    def folder(self) -> Path:
        """The workspace: the folder of the file."""
        return self.file.parent

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

    def locale_of(self, newsletter: NewsletterSettings) -> str:
        """The language it is written in."""
        return newsletter.locale or self.site.locale


def parse_mailbox(text: str) -> Address:
    """`"(주)한빛뉴스 <news@example.com>"` as an address object; ValueError where it is not one usable address.

    Everything before the brackets is the name, quoted or not: parentheses are no comments here, as they are part of
    Korean company names.
    """
    found = _MAILBOX.fullmatch(text.strip())
    address = found and (found["address"] or found["alone"])
    if not found or not address or not _ADDRESS.fullmatch(address):
        raise ValueError('expected "Name <name@example.com>" with one ASCII address')
    name = (found["name"] or "").strip()
    if re.search(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]", name):
        raise ValueError("the name holds a control character")
    if re.fullmatch(r'".*"', name):
        name = re.sub(r"\\(.)", r"\1", name[1:-1])
    local, _, domain = address.rpartition("@")
    return Address(display_name=name, username=local, domain=domain)


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


def _linkable(address: str) -> str:
    """The address, if mails can link to it: a wrong one would be frozen with an issue that cannot be sent."""
    if address:
        clean_url(address.replace("{token}", "token"))
    return address.rstrip("/")


def _known_timezone(name: str) -> str:
    known = available_timezones()
    if name not in known:
        raise ValueError(f"no such IANA timezone{suggestion(name, sorted(known))}")
    return name


def _keys_at(location: Location) -> list[str]:
    tables: dict[str, type[BaseModel]] = {
        "site": SiteSettings,
        "source": SourceSettings,
        "newsletter": NewsletterSettings,
        "delivery": DeliverySettings,
    }
    table = tables.get(str(location[0]) if location else "", Settings)
    return [field.alias or name for name, field in table.model_fields.items() if name != "file"]


def _in_braces(names: tuple[str, ...]) -> str:
    return ", ".join(f"{{{name}}}" for name in names)
