"""The tables of `digest.toml` as frozen values: what each key means, what is allowed, and what it defaults to."""

import re
import string
from collections.abc import Mapping
from email.headerregistry import Address
from pathlib import Path
from typing import Literal, Self
from urllib.parse import parse_qsl, urlsplit
from zoneinfo import available_timezones

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator, model_validator

from digest.color import READABLE, Color, contrast, nearest_readable, parse_color
from digest.schedule import Schedule, parse_schedule
from digest.settings_problems import suggestion
from digest.url import UTM, clean_url

SUBJECT_FIELDS = ("newsletter", "site", "date", "first_title", "count")
"""Names a `subject` or `preheader` pattern may hold in braces."""
UTM_FIELDS = ("newsletter", "date")
"""Names a `utm` pattern may hold in braces: the slug, and the edition date in ISO 8601."""
OWN_WORDS = "auto"
"""In place of a `greeting` pattern: the words of each reader's language."""
PAPERS = (Color(255, 255, 255), Color(0xF4, 0xF2, 0xED))
"""What text stands on: the sheet and the page around it."""
_MAILBOX = re.compile(r"(?P<name>[^<>]*)<(?P<address>[^<>]*)>|(?P<alone>[^<>]*)", re.DOTALL)
_ATOM, _LABEL = r"[!#-'*+\-/-9=?A-Z^-~]+", r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_ADDRESS = re.compile(rf"{_ATOM}(?:\.{_ATOM})*@{_LABEL}(?:\.{_LABEL})+")
_HOST_AND_PATH = r"[^\s/?#@<>\"]+(?:[/?#][^\s<>\"]*)?"
_SLUG = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")


class Table(BaseModel):
    """What every table has in common: frozen, and no key that is not known."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class SiteSettings(Table):
    """`[site]`: the publisher."""

    name: str = Field(min_length=1, description="The site's name, as readers know it.")
    url: str = Field("", description="The site's address, https://…; the masthead links to it.")
    timezone: str = Field("UTC", description="IANA timezone of the site: dates without a zone are read in it.")
    locale: str = Field("en", description="Language of the site: en, ko, or any catalogue that is there.")
    postal_address: str = Field("", description="Shown in the footer; commercial mail must carry one.")
    phone: str = Field("", description="Shown in the footer; Korean law asks for it in advertising.")
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
        return plain_address(value, "unsubscribe@example.com")

    def base_url(self, sender_domain: str) -> str:
        """Where readers reach digest's own pages: https always, as one-click unsubscribe must be (RFC 8058)."""
        if self.public_url:
            return self.public_url
        host = re.sub(r"^https?://", "", self.url).partition("/")[0] or sender_domain
        return f"https://{host}/digest"


class BrandSettings(Table):
    """`[brand]`: how newsletters look; `[newsletter.brand]` after a `[[newsletter]]` changes single keys of it."""

    logo: str = Field(
        default="", description="Picture at the top, https, png, jpg or gif, with logo_width and logo_height."
    )
    logo_width: int | None = Field(default=None, ge=16, le=600, description="Pixels at which the logo is shown.")
    logo_height: int | None = Field(default=None, ge=8, le=300, description="Pixels at which the logo is shown.")
    accent: str = Field(
        default="#a8201a", description="The one colour: links, numbers, bars. Must be readable on the paper."
    )
    masthead: str = Field(default="", description="The name at the top; by default the newsletter's title.")
    tagline: str = Field(default="", description="A line under it.")
    footer: str = Field(default="", description="Text above the address at the end; Markdown.")
    social: Mapping[str, str] = Field(
        default_factory=dict, description='Links in the footer: { "YouTube" = "https://…" }, in this order.'
    )

    @field_validator("logo")
    @classmethod
    def _logo_shows_everywhere(cls, value: str) -> str:
        if value and not re.fullmatch(rf"https://{_HOST_AND_PATH}", value):
            raise ValueError("expected an address that begins with https://: clients block other pictures")
        if re.search(r"\.(svg|webp|avif)$", value.partition("?")[0], re.IGNORECASE):
            raise ValueError("expected a png, jpg or gif: Outlook and Gmail show no svg, webp or avif")
        return _linkable(value)

    @field_validator("accent")
    @classmethod
    def _accent_is_readable(cls, value: str) -> str:
        color = parse_color(value)
        if color is None:
            raise ValueError('expected a colour as "#rrggbb"')
        lowest = min(contrast(color, paper) for paper in PAPERS)
        if lowest < READABLE:
            raise ValueError(
                f"its contrast on the paper is {lowest:.1f}, and text needs {READABLE}; "
                f"the nearest that can be read is {nearest_readable(color, *PAPERS)}"
            )
        return str(color)

    @field_validator("social")
    @classmethod
    def _social_links_are_https(cls, value: Mapping[str, str]) -> Mapping[str, str]:
        for name, address in value.items():
            if not re.fullmatch(rf"https://{_HOST_AND_PATH}", address):
                raise ValueError(f"{name}: expected an address that begins with https://, found {address!r}")
            _linkable(address)
        return value

    @model_validator(mode="after")
    def _logo_has_its_size(self) -> Self:
        if self.logo and not (self.logo_width and self.logo_height):
            raise ValueError("logo needs logo_width and logo_height: Outlook shows a picture without them at full size")
        return self


class SourceSettings(Table):
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


class NewsletterSettings(Table):
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
    template: str = Field("weekly", description="weekly, compact, sections, or a folder of your own in templates/.")
    intro: str = Field("", description="Words before the articles; Markdown. An edition can have its own.")
    greeting: str = Field(
        "",
        description='Pattern of a line to readers whose name is known: "Hello {name},"; or "auto", the words of each '
        "reader's language. By default none.",
    )
    images: bool = Field(default=True, description="Show pictures; those whose size is not known are left out.")
    view_bars: bool = Field(default=True, description="Draw a bar of the views beside each title.")
    advertising: bool = Field(
        default=False,
        description="It is advertising in the sense of Korean law: (광고) before the subject, and a full footer.",
    )
    subject: str = Field("{first_title} · {newsletter}", description="Pattern of the subject line.")
    preheader: str = Field(
        "", description="Pattern of the line after the subject in the inbox; by default the next titles."
    )
    local_time: bool = Field(
        default=False,
        description="Send at the schedule's time of day where each reader lives, as their timezone says.",
    )
    skip_received: bool = Field(
        default=False, description="Leave out articles that a reader has had already, in any newsletter of this file."
    )
    count_opens: bool = Field(default=False, description="Count who opens an issue, by a picture of one pixel.")
    count_clicks: bool = Field(
        default=False, description="Count clicks on articles: their links lead by way of digest's own pages."
    )
    keep_readings_days: int = Field(
        400, ge=1, le=3650, description="So long it is kept who opened and clicked; sums stay for ever."
    )
    utm: str = Field(
        "",
        description="Pattern of parameters for links to articles of your own: "
        '"utm_source=hanbit&utm_medium=email&utm_campaign={newsletter}-{date}". By default none.',
    )
    utm_hosts: tuple[str, ...] = Field((), description="Hosts whose links get them beside that of the site's url.")
    archive: bool = Field(default=True, description="Show past issues on digest's own pages, /archive, with feeds.")
    brand: BrandSettings | None = Field(None, description="Keys of [brand] that differ for this newsletter.")

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

    @field_validator("utm")
    @classmethod
    def _utm_is_whole(cls, value: str) -> str:
        fields = dict(parse_qsl(value, keep_blank_values=True))
        names = [each.partition("=")[0] for each in value.split("&")]
        parts = [(name, spec or conversion) for _, name, spec, conversion in string.Formatter().parse(value)]
        is_whole = fields.keys() >= UTM and all(field.strip() for field in fields.values())
        if value and not (is_whole and list(fields) == names and all(name.startswith("utm_") for name in names)):
            raise ValueError("expected utm_source=…&utm_medium=…&utm_campaign=…, each once and with a value")
        if unknown := [name for name, more in parts if name is not None and (name not in UTM_FIELDS or more)]:
            raise ValueError(f"{{{unknown[0]}}} is not known here; allowed: {_in_braces(UTM_FIELDS)}")
        return value

    @field_validator("utm_hosts")
    @classmethod
    def _hosts_are_ascii(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        hosts = tuple(urlsplit(clean_url(f"https://{host}")).netloc for host in value)
        if unclean := [host for host in value if "/" in host or ":" in host]:
            raise ValueError(f"expected a host alone, such as m.news.example, found {unclean[0]!r}")
        return hosts

    @field_validator("greeting")
    @classmethod
    def _greeting_has_the_name(cls, value: str) -> str:
        if value not in ("", OWN_WORDS) and not re.fullmatch(r"[^{}]*\{name\}[^{}]*", value):
            raise ValueError(
                'expected {name} once and no other braces, as in "Hello {name},"; or "auto" for the words of each '
                "reader's language; what is for everybody goes into intro"
            )
        return value

    @property
    def mailbox(self) -> Address:
        """The sender as an address object."""
        return parse_mailbox(self.sender)

    @property
    def contact_address(self) -> str:
        """Where readers write to: where answers go."""
        return parse_mailbox(self.reply_to).addr_spec if self.reply_to else self.sender_address

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


def plain_address(value: str, example: str) -> str:
    """The value, where it is empty or one address alone; else a ValueError with the example."""
    if value and not _ADDRESS.fullmatch(value):
        raise ValueError(f"expected an address alone, such as {example}")
    return value


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


def _in_braces(names: tuple[str, ...]) -> str:
    return ", ".join(f"{{{name}}}" for name in names)
