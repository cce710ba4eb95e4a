"""`[delivery]` of `digest.toml` with its sub-tables: how messages leave, how fast, and how they are signed."""

import re
from collections.abc import Mapping
from datetime import date, time
from pathlib import Path
from typing import Literal, Self

from pydantic import Field, field_validator, model_validator

from digest.settings_tables import Table, plain_address

_HOURS = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]):([0-5]\d)")
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_DOMAIN = re.compile(rf"{_LABEL}(?:\.{_LABEL})+")


class DkimSettings(Table):
    """One `[[delivery.dkim]]`: a key that signs every message; two keys give two signatures (RFC 6376, RFC 8463)."""

    selector: str = Field(description="Names the key in DNS: <selector>._domainkey.<domain>.")
    key_file: Path = Field(description="The private key, PEM, readable by its owner only; `digest dkim new` makes it.")
    domain: str = Field("", description="The domain that signs; by default that of the newsletter's sender.")

    @field_validator("selector")
    @classmethod
    def _selector_is_a_name(cls, value: str) -> str:
        if not re.fullmatch(rf"{_LABEL}(?:\.{_LABEL})*", value):
            raise ValueError("expected letters, digits and hyphens, such as s2026")
        return value

    @field_validator("domain")
    @classmethod
    def _domain_is_a_name(cls, value: str) -> str:
        if value and not _DOMAIN.fullmatch(value):
            raise ValueError("expected a domain such as example.com")
        return value.lower()


class WarmUpSettings(Table):
    """`[delivery.warm_up]`: a new sending address earns its reputation; an issue then takes several days."""

    start: date = Field(description="The first day of the plan, in the newsletter's timezone.")
    first_day: int = Field(500, ge=1, description="Messages on that day, of all newsletters together.")
    factor: float = Field(1.5, ge=1, le=10, description="Each day has so many times the messages of the day before.")
    days: int = Field(30, ge=1, le=365, description="After so many days the plan has ended and nothing is held back.")


class DeliverySettings(Table):
    """`[delivery]`: how messages leave."""

    transport: Literal["maildir", "files", "smtp", "sendmail", "ses"] = Field(
        "maildir",
        description="maildir, files: folders; smtp: a mail server; sendmail: a program; ses: Amazon's HTTP interface.",
    )
    path: Path = Field(Path("outbox"), description="maildir, files: the folder, beside digest.toml unless absolute.")
    host: str = Field("localhost", description="smtp: the relay that takes our mail.")
    port: int = Field(587, ge=1, le=65535, description="smtp: its port.")
    security: Literal["starttls", "tls", "none"] = Field("starttls", description="smtp: how to encrypt.")
    ca_file: Path | None = Field(None, description="smtp: certificates to trust instead of the system's.")
    user: str = Field("", description="smtp: login, if the relay asks for one.")
    password: str = Field("", description="smtp: its password; better DIGEST_DELIVERY_PASSWORD or a file.")
    password_file: Path | None = Field(None, description="smtp: a file that holds the password.")
    token_command: tuple[str, ...] = Field(
        (), description="smtp: a program that prints an OAuth 2 access token, to log in with XOAUTH2 for `user`."
    )
    helo: str = Field("", description="smtp: the name to introduce ourselves by; by default this host's full name.")
    source_address: str = Field("", description="smtp: the IP address of this machine to connect from.")
    messages_per_connection: int = Field(
        0, ge=0, description="smtp: a new connection after so many messages; 0 for as many as the server takes."
    )
    connections: int = Field(4, ge=1, le=200, description="Connections, or calls, used side by side.")
    timeout: int = Field(
        300, ge=1, le=3600, description="smtp, sendmail: seconds to wait; for a mail server's answer after the dot 600."
    )
    sendmail: tuple[str, ...] = Field(
        ("/usr/sbin/sendmail", "-i"), min_length=1, description="sendmail: the program with its options."
    )
    region: str = Field("", description="ses: the AWS region; by default that of the environment.")
    configuration_set: str = Field("", description="ses: the configuration set, for events.")
    return_path: str = Field("", description="Where bounces go (envelope sender); by default the sender.")
    verp: bool = Field(
        default=False,
        description="Give each message a return path of its own (return_path+token@…), by which its bounce is known.",
    )
    precedence: Literal["", "bulk", "list"] = Field("", description="The Precedence header; none by default.")
    operator: str = Field("", description="Who is told by mail when an issue is held or stops by itself.")
    catch_up_hours: int = Field(36, ge=1, le=168, description="How late an edition may still be sent.")
    rate: float = Field(0, ge=0, description="Messages a second over all; 0 for as fast as the relay takes them.")
    domain_rates: Mapping[str, float] = Field(
        default_factory=dict,
        description='Messages a second to single domains: { "naver.com" = 20 }; 0 lifts a limit of the built-in table.',
    )
    hours: str = Field("", description='Send only at these hours of the newsletter\'s timezone: "08:00-21:00".')
    warm_up: WarmUpSettings | None = Field(None, description="A plan for a new sending address; none by default.")
    dkim: tuple[DkimSettings, ...] = Field((), description="Keys that sign; none where the relay signs.")

    @field_validator("operator", "return_path")
    @classmethod
    def _address_is_plain(cls, value: str) -> str:
        return plain_address(value, "operator@example.com")

    @field_validator("domain_rates")
    @classmethod
    def _domains_have_rates(cls, value: Mapping[str, float]) -> Mapping[str, float]:
        for domain, rate in value.items():
            if not _DOMAIN.fullmatch(domain):
                raise ValueError(f"expected domains such as naver.com, found {domain!r}")
            if rate < 0:
                raise ValueError(f"{domain}: expected messages a second, found {rate:g}")
        return {domain.lower(): rate for domain, rate in value.items()}

    @field_validator("hours")
    @classmethod
    def _hours_are_a_span(cls, value: str) -> str:
        if value and (not _HOURS.fullmatch(value) or value[:5] == value[6:]):
            raise ValueError('expected two times of day, such as "08:00-21:00"')
        return value

    @model_validator(mode="after")
    def _token_needs_a_user(self) -> Self:
        if self.token_command and not self.user:
            raise ValueError("token_command logs in with XOAUTH2 and needs user, the mailbox it is for")
        return self

    @property
    def sending_hours(self) -> tuple[time, time] | None:
        """When sending begins and ends each day, None for the whole day; an earlier end is that of the next day."""
        found = _HOURS.fullmatch(self.hours)
        if not found:
            return None
        begin_hour, begin_minute, end_hour, end_minute = map(int, found.groups())
        return time(begin_hour, begin_minute), time(end_hour, end_minute)
